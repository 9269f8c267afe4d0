"""`juki-terminal card …` for a card's life: what a clerk types, what is sent once, what is read."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from juki_card.passwords import Pin
from juki_client.card_words import (
    CHANNELS,
    LOSSES,
    REPORTERS,
    STATES,
    TOPICS,
    ReportItem,
    word,
)
from juki_client.outcome import Language
from juki_terminal.cli import app
from juki_terminal.cli.card_life_texts import Label
from jukinet.cards.v1 import card_application_pb2 as applications
from jukinet.cards.v1 import card_pb2 as records
from jukinet.cards.v1 import card_service_pb2 as pb
from tests.support.photos import jpeg
from tests.unit.terminal.cards_double import (
    APPLICATION,
    CARD_NUMBER,
    FEE,
    FORBIDDEN,
    TRANSPORT,
    CardsDouble,
)
from tests.unit.terminal.center_double import SessionDouble
from tests.unit.terminal.clerk import Ended, Run
from tests.unit.terminal.conftest import PIN, RESIDENT_CODE
from tests.unit.terminal.counter import CAN, FRESH, NEW
from tests.unit.terminal.test_pin_setting import put, record_of

GROUPED = "4829-1305-7611"
DOCUMENTS = [
    {"kind": "KIND_DRIVING_LICENCE", "number": "50-1234 567890"},
    {"kind": "KIND_PENSION_BOOK", "number": "1234-567890"},
]
REPORT = {
    "reporter": "REPORTER_HOUSEHOLD_MEMBER",
    "channel": "CHANNEL_PHONE",
    "reason": "REASON_STOLEN",
    "questions": [{"topic": "TOPIC_ADDRESS", "answered_rightly": True}],
}
FORMS: dict[str, dict[str, object]] = {
    "show": {},
    "suspend": REPORT,
    "resume": {"documents": DOCUMENTS},
    "revoke": {"documents": DOCUMENTS},
}


@pytest.fixture
def can(tmp_path: Path) -> str:
    path = tmp_path / "can"
    path.write_text(f"{CAN}\n", encoding="ascii")
    return str(path)


@pytest.fixture
def new_pin(tmp_path: Path) -> str:
    path = tmp_path / "new-pin"
    path.write_text(f"{NEW}\n{NEW}\n", encoding="ascii")
    return str(path)


@pytest.fixture
def run(config: Path) -> Run:
    """Run `juki-terminal card` with arguments and typed lines."""

    def run(*arguments: str, stdin: str = "", lang: str = "ja", as_json: bool = True) -> Ended:
        options = ["--config", str(config), "--lang", lang, *(["--json"] if as_json else [])]
        ended = CliRunner().invoke(app, [*options, "card", *arguments], input=stdin)
        return Ended(ended.exit_code, ended.stdout, ended.stderr)

    return run


@pytest.fixture
def ask(run: Run, can: str) -> Run:
    """Run a command for the card with its form on standard input."""

    def ask(command: str, *options: str, form: object = None, **named: object) -> Ended:
        more = ["--yes"] if command != "show" else []
        if command == "resume":
            more += ["--can-from", can]
        text = json.dumps(FORMS[command] if form is None else form)
        given = [CARD_NUMBER, "--from", "-", *more, *options]
        return run(command, *given, stdin=text, **named)

    return ask


@pytest.mark.parametrize("command", FORMS)
def test_form_is_sent_with_the_card_a_request_id_and_no_clerk(
    ask: Run, cards: CardsDouble, command: str
) -> None:
    ended = ask(command)

    (sent,) = cards.requests
    assert ended.code == 0, ended.err
    assert sent.clerk_name == ""  # type: ignore[attr-defined]  # each has one
    if command != "show":
        assert ended.result("request_id") == sent.request_id  # type: ignore[attr-defined]  # these have one
    if command != "resume":
        assert sent.card.card_number == CARD_NUMBER  # type: ignore[attr-defined]  # these have one


def test_a_report_of_a_loss_is_sent_as_it_was_taken(ask: Run, cards: CardsDouble) -> None:
    ask("suspend")

    (sent,) = cards.requests
    assert isinstance(sent, pb.SuspendCardRequest)
    assert sent.reporter == pb.SuspendCardRequest.REPORTER_HOUSEHOLD_MEMBER
    assert sent.channel == pb.SuspendCardRequest.CHANNEL_PHONE
    assert sent.reason == pb.SuspendCardRequest.REASON_STOLEN
    assert [(one.topic, one.answered_rightly) for one in sent.questions] == [
        (pb.CallerQuestion.TOPIC_ADDRESS, True)
    ]
    assert cards.state == records.CARD_STATE_SUSPENDED


def test_numbers_of_documents_leave_as_salted_hashes_only(ask: Run, cards: CardsDouble) -> None:
    ended = ask("revoke")

    (sent,) = cards.requests
    assert isinstance(sent, pb.RevokeCardRequest)
    licence, book = sent.documents
    assert licence.number_hash == hashlib.sha256(licence.number_salt + b"501234567890").digest()
    assert licence.number_salt != book.number_salt
    assert "501234567890" not in ended.out + ended.err


def test_a_card_is_resumed_by_a_session_over_the_number_on_its_face(
    ask: Run, cards: CardsDouble, sessions: SessionDouble
) -> None:
    cards.state = records.CARD_STATE_SUSPENDED

    ended = ask("resume", as_json=False)

    (sent,) = cards.requests
    assert isinstance(sent, pb.ResumeCardRequest)
    assert sent.card_session_id == sessions.finished[0]
    assert sent.card_number == CARD_NUMBER
    assert f"カード {GROUPED} の一時停止を解除しました" in ended.out
    assert cards.state == records.CARD_STATE_ACTIVE


def test_a_card_is_returned_by_a_session_or_by_its_number_where_its_chip_is_dead(
    run: Run, cards: CardsDouble, can: str
) -> None:
    read = run("return", CARD_NUMBER, "--yes", "--can-from", can)
    dead = run("return", GROUPED, "--yes", "--dead")

    first, second = cards.requests
    assert (read.code, dead.code) == (0, 0), read.err + dead.err
    assert isinstance(first, pb.ReturnCardRequest)
    assert isinstance(second, pb.ReturnCardRequest)
    assert first.WhichOneof("card") == "card_session_id"
    assert first.expected_card_number == CARD_NUMBER
    assert second.card_number == CARD_NUMBER


def test_another_card_than_the_one_that_was_named_is_told(run: Run, can: str) -> None:
    other = "123456789092"

    ended = run("return", other, "--yes", "--can-from", can, as_json=False)

    assert ended.code == 0
    assert f"注意: 指定した番号 1234-5678-9092 ではなく、リーダーのカード {GROUPED}" in ended.out


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        ("suspend", f"カード {GROUPED} を一時停止しました"),
        ("revoke", f"カード {GROUPED} を廃止しました。見つかっても使えません。"),
        ("show", "運用状況"),
    ],
)
def test_the_end_is_told_in_a_sentence(ask: Run, command: str, sentence: str) -> None:
    assert sentence in ask(command, as_json=False).out


def test_engineers_read_english(ask: Run) -> None:
    ended = ask("suspend", as_json=False, lang="en")

    assert f"Card {GROUPED} is suspended since" in ended.out


def test_a_loss_without_the_card_is_asked_for_and_shown_before_the_act(
    run: Run, cards: CardsDouble
) -> None:
    answers = ["", RESIDENT_CODE, "1", "1", "1", "2", "はい", "", "12-3456", "はい"]

    ended = run("suspend", stdin="\n".join(answers) + "\n", as_json=False)

    (sent,) = cards.requests
    assert isinstance(sent, pb.SuspendCardRequest)
    assert ended.code == 0, ended.err
    assert (sent.card.code, sent.police_report) == (RESIDENT_CODE, "12-3456")
    assert "カードを一時停止します。" in ended.err
    assert "本人、電話、紛失" in ended.err
    assert "質問 1件のうち正答 1件" in ended.err


@pytest.mark.parametrize("lang", list(Language))
def test_choices_are_told_by_the_words_that_desks_use(
    run: Run, cards: CardsDouble, lang: Language
) -> None:
    answers = ["", RESIDENT_CODE, "1", "1", "1", "2", "y", "", "", "y"]

    ended = run("suspend", stdin="\n".join(answers) + "\n", lang=lang)

    assert ended.code == 0, ended.err
    assert len(cards.requests) == 1
    for table in (REPORTERS, CHANNELS, LOSSES, TOPICS):
        for words in table.values():
            assert word(words, lang) in ended.err
    for item in ReportItem:
        assert item.say(lang) in ended.err


@pytest.mark.parametrize("lang", list(Language))
@pytest.mark.parametrize("state", sorted(STATES))
def test_state_is_told_by_the_word_that_desks_use(
    ask: Run, cards: CardsDouble, state: records.CardState.ValueType, lang: Language
) -> None:
    cards.state = state

    assert word(STATES[state], lang) in ask("show", as_json=False, lang=lang).out


@pytest.mark.parametrize("lang", list(Language))
@pytest.mark.parametrize("day", ["", "2027-02-21"])
def test_until_when_the_use_is_to_be_continued_is_shown_where_it_is(
    ask: Run, cards: CardsDouble, day: str, lang: Language
) -> None:
    cards.continue_until = day

    shown = ask("show", as_json=False, lang=lang).out

    # The heads of the table of all cards stand there in any case.
    assert Label.CONTINUE_UNTIL.say(lang) in shown
    assert ("2027-02-21" in shown) == bool(day)


def test_nothing_is_sent_where_the_clerk_does_not_go_on(run: Run, cards: CardsDouble) -> None:
    ended = run("revoke", CARD_NUMBER, stdin="1\n50\nいいえ\n\nいいえ\n")

    assert (ended.code, ended.error("reason")) == (130, "INTERRUPTED")
    assert cards.requests == []


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        (("suspend", "123"), "card_number"),
        (("suspend", "482913057612"), "card_number"),
        (("unlock", CARD_NUMBER), "keep"),
        (("unlock", CARD_NUMBER, "--keep", "--forgotten"), "keep"),
        (("hand-over", "A1"), "application_number"),
        (("revoke", CARD_NUMBER, "--from", "-"), "yes"),
        (("resume", CARD_NUMBER, "--from", "-", "--can-from", "-"), "from"),
    ],
)
def test_a_wrong_call_is_named_and_nothing_is_sent(
    run: Run, cards: CardsDouble, arguments: tuple[str, ...], field: str
) -> None:
    ended = run(*arguments, stdin="{}")

    assert ended.code == 2
    assert ended.error("reason") == "USAGE_INVALID"
    assert ended.envelope["error"]["metadata"]["field"] == field  # type: ignore[index]  # an object
    assert cards.requests == []


@pytest.mark.parametrize("fault", ["before", "after"])
@pytest.mark.parametrize("command", ["suspend", "resume", "revoke"])
def test_a_cut_is_finished_by_the_same_command_and_done_once(
    ask: Run, cards: CardsDouble, sessions: SessionDouble, command: str, fault: str
) -> None:
    cards.faults = [fault]

    lost, again = ask(command), ask(command)

    assert (lost.code, lost.error("reason")) == (6, "OUTCOME_UNKNOWN")
    assert f"「card {command}」をもう一度実行" in lost.err
    assert (again.code, again.result("repeated")) == (0, True)
    assert len(cards.acts) == 1
    assert len(sessions.finished) <= 1


def test_another_cards_act_does_not_take_the_request_of_one_that_was_cut(
    ask: Run, run: Run, cards: CardsDouble
) -> None:
    cards.faults = ["before"]
    ask("suspend")

    other = ["suspend", "123456789092", "--from", "-", "--yes"]
    ended = run(*other, stdin=json.dumps(REPORT))

    assert ended.result("repeated") is False


def test_a_report_of_another_loss_is_sent_though_an_earlier_outcome_is_unknown(
    run: Run, cards: CardsDouble
) -> None:
    cards.faults = ["after"]
    suspend = ("suspend", "--from", "-", "--yes")
    run(*suspend, stdin=json.dumps({**REPORT, "card": {"code": RESIDENT_CODE}}))

    ended = run(*suspend, stdin=json.dumps({**REPORT, "card": {"code": "25208017645"}}))

    assert ended.code == 0, ended.err
    assert len(cards.acts) == 2


def test_a_refusal_of_the_center_is_told(ask: Run, cards: CardsDouble) -> None:
    cards.faults = ["CARD_UNKNOWN"]

    ended = ask("suspend")

    assert (ended.code, ended.error("reason")) == (3, "CARD_UNKNOWN")


def test_a_lost_card_is_replaced_by_an_application(run: Run, cards: CardsDouble) -> None:
    form = {
        "form": {
            "code": RESIDENT_CODE,
            "style": "CARD_STYLE_1",
            "place": "PLACE_COUNTER",
            "documents": DOCUMENTS,
        },
        "lost": {"reason": "REASON_LOST", "police_report": "77"},
    }

    ended = run("reissue", "--from", "-", "--yes", stdin=json.dumps(form))

    (sent,) = cards.requests
    assert ended.code == 0, ended.err
    assert isinstance(sent, pb.ReissueCardRequest)
    assert sent.lost.police_report == "77"
    assert len(sent.form.documents) == 2
    assert sent.form.style == applications.CARD_STYLE_1


@pytest.mark.parametrize(
    ("octets", "taken_on", "reason"),
    [(b"%PDF-1.7", "2003-01-01", "PHOTO_NOT_USABLE"), (jpeg(), "2003-01-01", "PHOTO_TOO_OLD")],
    ids=["no photo", "too old"],
)
def test_a_photo_that_cannot_be_used_is_refused_before_a_reissue_asks_anything(
    run: Run, cards: CardsDouble, tmp_path: Path, octets: bytes, taken_on: str, reason: str
) -> None:
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(octets)

    # Nobody answers: a question would end it with another reason.
    ended = run("reissue", "--photo", str(photo), "--taken-on", taken_on)

    assert json.loads(ended.out)["error"]["reason"] == reason
    assert ended.err == ""
    assert cards.requests == []


def test_a_card_that_is_handed_in_is_replaced_by_its_session(
    run: Run, cards: CardsDouble, sessions: SessionDouble, can: str
) -> None:
    form = {"form": {"code": RESIDENT_CODE, "style": "CARD_STYLE_1", "place": "PLACE_COUNTER"}}
    given = ["--handed-in", CARD_NUMBER, "--can-from", can, "--from", "-"]

    ended = run("reissue", *given, "--yes", stdin=json.dumps(form), as_json=False)

    (sent,) = cards.requests
    assert ended.code == 0, ended.err
    assert isinstance(sent, pb.ReissueCardRequest)
    assert sent.card_session_id == sessions.finished[0]
    assert f"申請 {APPLICATION} を受け付けました" in ended.out


def test_a_card_is_handed_over_and_its_fee_is_told(
    run: Run, card: Path, cards: CardsDouble, new_pin: str
) -> None:
    put(card, FRESH)
    form = json.dumps({"documents": DOCUMENTS[:1]})
    given = [APPLICATION, "--from", "-", "--new-pin-from", new_pin]

    ended = run("hand-over", *given, stdin=form, as_json=False)

    assert ended.code == 0, ended.err
    assert f"カード {GROUPED} をリーダーに置いてください。手数料は500円です。" in ended.err
    assert f"カード {GROUPED} を交付しました" in ended.out
    assert f"手数料 {FEE}円" in ended.out
    assert cards.state == records.CARD_STATE_ACTIVE
    assert NEW not in ended.out + ended.err
    assert TRANSPORT not in ended.out + ended.err


def test_a_pin_that_may_not_be_chosen_says_that_nothing_was_counted(
    run: Run, card: Path, tmp_path: Path
) -> None:
    put(card, FRESH)
    (tmp_path / "bad").write_text("1234\n1234\n", encoding="ascii")
    given = [APPLICATION, "--from", "-", "--new-pin-from", str(tmp_path / "bad")]

    ended = run("hand-over", *given, stdin="{}")

    assert (ended.code, ended.error("reason")) == (3, "PIN_TOO_OBVIOUS")
    assert "暗証番号の試行は数えられていません" in ended.err
    assert record_of(card) == FRESH


def test_a_locked_card_is_told_before_the_one_report_and_names_its_way_out(
    run: Run, card: Path, cards: CardsDouble, new_pin: str
) -> None:
    put(card, replace(FRESH, tries_left=0))
    given = [APPLICATION, "--from", "-", "--new-pin-from", new_pin]

    ended = run("hand-over", *given, stdin="{}")

    assert (ended.code, ended.error("reason")) == (3, "PIN_LOCKED")
    assert "juki-terminal card unlock" in ended.err
    assert len(cards.reports) == 1


@pytest.mark.parametrize("mode", ["--keep", "--forgotten"])
def test_a_pin_is_unlocked(
    run: Run, card: Path, cards: CardsDouble, can: str, new_pin: str, tmp_path: Path, mode: str
) -> None:
    put(card, replace(record_of(card), tries_left=0))
    cards.state = records.CARD_STATE_ACTIVE
    (tmp_path / "pin").write_text(PIN, encoding="ascii")
    entries = ["--pin-from", str(tmp_path / "pin"), "--new-pin-from", new_pin, "--can-from", can]
    form = json.dumps({"documents": DOCUMENTS})

    ended = run("unlock", CARD_NUMBER, mode, *entries, "--from", "-", stdin=form)

    assert ended.code == 0, ended.err
    assert record_of(card).value == Pin(PIN if mode == "--keep" else NEW)
    assert record_of(card).tries_left == 3


def test_no_journal_of_cards_holds_a_name_a_code_or_a_document(
    ask: Run, config: Path, run: Run
) -> None:
    ask("revoke")
    run(
        "suspend",
        "--from",
        "-",
        "--yes",
        stdin=json.dumps({**REPORT, "card": {"code": RESIDENT_CODE}}),
    )

    written = "".join(path.read_text() for path in config.parent.glob("terminal.journal*"))
    assert '"command":"suspend"' in written
    for secret in (RESIDENT_CODE, "501234567890", "567890"):
        assert secret not in written


def test_a_hand_over_is_asked_for_and_shown_before_anything_is_sent(
    run: Run, card: Path, cards: CardsDouble, new_pin: str
) -> None:
    put(card, FRESH)
    given = [APPLICATION, "--new-pin-from", new_pin]
    answers = ["1", "501234567890", "はい", "", "はい"]

    ended = run("hand-over", *given, stdin="\n".join(answers) + "\n")

    begin = cards.requests[0]
    assert ended.code == 0, ended.err
    assert isinstance(begin, pb.BeginHandOverRequest)
    assert (begin.clerk_name, [one.chip_verified for one in begin.documents]) == ("", [True])
    assert f"申請 {APPLICATION} のカードを交付します。" in ended.err
    assert "本人確認書類: 運転免許証" in ended.err


def test_an_unlocking_that_the_clerk_does_not_want_is_not_opened(
    run: Run, cards: CardsDouble, can: str
) -> None:
    answers = ["1", "50", "いいえ", "7", "12", "いいえ", "", "代理　太郎", "戸籍", "いいえ"]

    ended = run(
        "unlock", CARD_NUMBER, "--forgotten", "--can-from", can, stdin="\n".join(answers) + "\n"
    )

    assert (ended.code, ended.error("reason")) == (130, "INTERRUPTED")
    assert "新しい暗証番号を設定します。" in ended.err
    assert cards.requests == []


def test_a_legal_representative_is_sent_with_an_unlocking(
    run: Run, card: Path, cards: CardsDouble, can: str, new_pin: str
) -> None:
    put(card, replace(record_of(card), tries_left=0))
    form = {
        "documents": DOCUMENTS,
        "representative": {"name": "代理　太郎", "shown_by": "戸籍謄本"},
    }
    given = ["--forgotten", "--can-from", can, "--new-pin-from", new_pin, "--from", "-"]

    ended = run("unlock", CARD_NUMBER, *given, stdin=json.dumps(form))

    begin = cards.requests[0]
    assert ended.code == 0, ended.err
    assert isinstance(begin, pb.BeginUnlockPinRequest)
    assert begin.representative.shown_by == "戸籍謄本"


def test_case_34_no_pin_and_no_transport_pin_stands_in_a_trace(
    config: Path, card: Path, tmp_path: Path, new_pin: str, cards: CardsDouble
) -> None:
    put(card, FRESH)
    trace = tmp_path / "trace.jsonl"
    given = [APPLICATION, "--from", "-", "--new-pin-from", new_pin]

    line = ["--config", str(config), "--trace", str(trace), "card", "hand-over", *given]
    ended = CliRunner().invoke(app, line, input=json.dumps({"documents": DOCUMENTS}))

    written = trace.read_text(encoding="utf-8")
    assert ended.exit_code == 0, ended.stderr
    assert "BeginHandOverResponse" in written
    assert cards.state == records.CARD_STATE_ACTIVE
    for secret in (TRANSPORT, FORBIDDEN, "501234567890"):
        assert f'"{secret}"' not in written
