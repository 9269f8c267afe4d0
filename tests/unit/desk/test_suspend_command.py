"""`juki-desk suspend` and `doctor`: what is asked, what is sent once, what the desk is told."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from juki_client.card_words import (
    CHANNELS,
    LOSSES,
    REPORTERS,
    STATES,
    TOPICS,
    ReportItem,
    word,
)
from juki_client.change_journal import ChangeJournal, ChangeState
from juki_client.outcome import Language, Problem
from juki_desk.cli import app
from juki_desk.suspensions import COMMAND, card_of
from juki_pki.folder import PKIFolder
from jukinet.cards.v1 import card_pb2
from jukinet.cards.v1 import card_service_pb2 as pb
from tests.unit.desk.center_double import NUMBER, CardsDouble
from tests.unit.desk.conftest import Run, write_config

CODE = "07215594348"
CLERK = "受付　電子"
FORM = {
    "clerk_name": CLERK,
    "card": {"code": CODE},
    "reporter": "REPORTER_HOLDER",
    "channel": "CHANNEL_PHONE",
    "reason": "REASON_LOST",
}
USUAL_CALL = (CLERK, CODE, "1", "", "2", "y", "y", "n", "", "", "", "所沢 第12号")
"""What the desk types, one line for each question."""


def typed(*lines: str) -> str:
    return "".join(f"{line}\n" for line in lines)


def test_call_is_taken_question_by_question(run: Run, double: CardsDouble) -> None:
    ended = run("suspend", stdin=typed(*USUAL_CALL))

    (sent,) = double.requests
    asked = [(question.topic, question.answered_rightly) for question in sent.questions]
    assert ended.code == 0, ended.err
    assert (sent.clerk_name, sent.card.code) == (CLERK, CODE)
    assert sent.reporter == pb.SuspendCardRequest.REPORTER_HOLDER
    assert sent.channel == pb.SuspendCardRequest.CHANNEL_PHONE
    assert sent.reason == pb.SuspendCardRequest.REASON_STOLEN
    assert asked == [
        (pb.CallerQuestion.TOPIC_NAME, True),
        (pb.CallerQuestion.TOPIC_BIRTH_DATE, True),
        (pb.CallerQuestion.TOPIC_ADDRESS, False),
    ]
    assert sent.police_report == "所沢 第12号"


def test_stopped_card_is_the_golden_envelope(run: Run, double: CardsDouble) -> None:
    ended = run("suspend", "--from", "-", stdin=json.dumps(FORM))

    assert ended.envelope == {
        "schema": "juki/1",
        "command": "suspend",
        "ok": True,
        "result": {
            "stopped": True,
            "request_id": double.requests[0].request_id,
            "repeated": False,
            "card": {"number": NUMBER, "state": "CARD_STATE_SUSPENDED"},
            "suspend_time": "2026-11-23T00:00:00Z",
            "receipt": True,
        },
    }


@pytest.mark.parametrize(
    ("lang", "words"),
    [
        ("ja", ("一時停止しました", "1234-5678-9092", "2026-11-23 09:00:00 JST", "窓口")),
        ("en", ("SUSPENDED", "1234-5678-9092", "2026-11-23 09:00:00 JST", "in person only")),
    ],
)
def test_desk_is_told_at_once_that_it_is_stopped_and_since_when(
    run: Run, lang: str, words: tuple[str, ...]
) -> None:
    ended = run("suspend", "--from", "-", stdin=json.dumps(FORM), lang=lang, as_json=False)

    assert ended.code == 0
    for one in words:
        assert one in ended.out


def test_wrong_input_is_asked_again_and_never_repeated(run: Run, double: CardsDouble) -> None:
    lines = ("", CLERK, "12345", "1234-5678-9092", "9", "2", "", "", "x", "", *[""] * 6)

    ended = run("suspend", stdin=typed(*lines))

    (sent,) = double.requests
    assert ended.code == 0, ended.err
    assert sent.card.card_number == NUMBER
    assert sent.reporter == pb.SuspendCardRequest.REPORTER_HOUSEHOLD_MEMBER
    assert not sent.questions


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        (CODE, pb.CardReference(code=CODE)),
        ("1234-5678-9092", pb.CardReference(card_number=NUMBER)),
        (" 1234 5678 9092 ", pb.CardReference(card_number=NUMBER)),
        ("１２３４－５６７８－９０９２", pb.CardReference(card_number=NUMBER)),
        ("０７２１５５９４３４８", pb.CardReference(code=CODE)),
    ],
)
def test_card_is_named_by_its_number_or_its_holders_code(
    text: str, reference: pb.CardReference
) -> None:
    assert card_of(text) == reference


@pytest.mark.parametrize("text", ["", "123", "1234567890123", "1234567890a", "٠٧٢١٥٥٩٤٣٤٨"])
def test_what_names_no_card_is_refused_without_its_text(text: str) -> None:
    with pytest.raises(Problem) as refused:
        card_of(text)

    assert refused.value.reason == "USAGE_INVALID"
    assert refused.value.metadata == {"field": "card", "rule": "11 or 12 digits"}


@pytest.mark.parametrize("place", range(12))
def test_slip_in_a_card_number_is_found_by_its_check_digits(place: int) -> None:
    slip = NUMBER[:place] + str((int(NUMBER[place]) + 1) % 10) + NUMBER[place + 1 :]

    with pytest.raises(Problem) as refused:
        card_of(slip)

    assert refused.value.metadata == {"field": "card", "rule": "CHECK_DIGITS"}


@pytest.mark.parametrize(
    ("lang", "words"), [("ja", "番号に誤りがあります"), ("en", "a slip in the number")]
)
def test_slip_is_told_before_anything_else_is_asked(
    run: Run, double: CardsDouble, lang: str, words: str
) -> None:
    lines = (CLERK, "1234-5678-9041", NUMBER, *[""] * 10)

    ended = run("suspend", stdin=typed(*lines), lang=lang)

    (sent,) = double.requests
    assert ended.code == 0, ended.err
    assert ended.err.count(words) == 1
    assert sent.card.card_number == NUMBER


def test_slip_in_a_form_is_refused_before_anything_is_sent(run: Run, double: CardsDouble) -> None:
    form = FORM | {"card": {"card_number": "123456789041"}}

    ended = run("suspend", "--from", "-", stdin=json.dumps(form))

    assert (ended.code, ended.error["reason"]) == (2, "USAGE_INVALID")
    assert ended.error["metadata"] == {"field": "card.card_number", "rule": "CHECK_DIGITS"}
    assert not double.requests


def test_code_is_no_argument(config: Path) -> None:
    ended = CliRunner().invoke(app, ["--config", str(config), "suspend", CODE])

    assert ended.exit_code == 2


def test_resume_does_not_exist_and_the_help_says_why() -> None:
    """Case 33: a phone call cannot take a suspension back."""
    tried = CliRunner().invoke(app, ["resume"])
    helped = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "200"})

    assert tried.exit_code == 2
    assert "in person" in " ".join(helped.stdout.split())


@pytest.mark.parametrize(
    ("reason", "word"),
    [
        ("CARD_UNKNOWN", "NOT SUSPENDED"),
        ("CARD_REVOKED", "cannot be used"),
        ("CARD_EXPIRED", "cannot be used"),
    ],
)
def test_refusal_says_first_what_it_means_for_the_card(
    run: Run, double: CardsDouble, reason: str, word: str
) -> None:
    double.faults = [reason]

    ended = run("suspend", "--from", "-", stdin=json.dumps(FORM))

    assert (ended.code, ended.error["reason"]) == (3, reason)
    assert word in ended.err


def test_card_in_another_state_is_no_yes(run: Run, double: CardsDouble) -> None:
    double.state = card_pb2.CARD_STATE_ACTIVE

    ended = run("suspend", "--from", "-", stdin=json.dumps(FORM), as_json=False)

    assert ended.code == 3
    assert "NOT SUSPENDED" in ended.out


@pytest.mark.parametrize("lang", list(Language))
@pytest.mark.parametrize("state", sorted(set(STATES) - {card_pb2.CARD_STATE_SUSPENDED}))
def test_state_is_told_by_the_word_that_windows_use(
    run: Run, double: CardsDouble, state: card_pb2.CardState.ValueType, lang: Language
) -> None:
    double.state = state

    ended = run("suspend", "--from", "-", stdin=json.dumps(FORM), lang=lang, as_json=False)

    assert word(STATES[state], lang) in ended.out
    assert card_pb2.CardState.Name(state) not in ended.out


@pytest.mark.parametrize("lang", list(Language))
def test_choices_are_told_by_the_words_that_windows_use(run: Run, lang: Language) -> None:
    ended = run("suspend", stdin=typed(*USUAL_CALL), lang=lang)

    for table in (REPORTERS, CHANNELS, LOSSES, TOPICS):
        for words in table.values():
            assert word(words, lang) in ended.err
    for item in ReportItem:
        assert item.say(lang) in ended.err


@pytest.mark.parametrize("cut", ["before", "after"])
def test_unknown_outcome_is_repeated_under_the_same_id(
    run: Run, double: CardsDouble, cut: str
) -> None:
    double.faults = [cut]

    lost = run("suspend", "--from", "-", stdin=json.dumps(FORM))
    key = lost.error["metadata"]["requestId"]
    again = run("suspend", "--from", "-", "--repeat", key, stdin=json.dumps(FORM))

    assert (lost.code, lost.error["reason"]) == (6, "OUTCOME_UNKNOWN")
    assert f"juki-desk suspend --repeat {key}" in lost.err
    assert (again.code, again.result["repeated"], again.result["request_id"]) == (0, True, key)
    assert list(double.acts) == [key]


def test_another_card_after_an_unknown_outcome_has_its_own_id_and_the_first_is_remembered(
    run: Run, double: CardsDouble
) -> None:
    double.faults = ["before"]
    lost = run("suspend", "--from", "-", stdin=json.dumps(FORM))
    key = lost.error["metadata"]["requestId"]

    other = run(
        "suspend", "--from", "-", stdin=json.dumps(FORM | {"card": {"card_number": NUMBER}})
    )

    assert other.code == 0
    assert other.result["request_id"] != key
    assert key in other.err


def test_desk_is_asked_whether_the_next_call_is_the_same(run: Run, double: CardsDouble) -> None:
    double.faults = ["after"]
    run("suspend", stdin=typed(*USUAL_CALL))

    ended = run("suspend", stdin=typed("y", *USUAL_CALL))

    assert ended.code == 0, ended.err
    assert ended.result["repeated"] is True
    assert len(double.acts) == 1


def test_same_call_with_other_answers_is_sent_too_where_the_first_was_carried_out(
    run: Run, double: CardsDouble
) -> None:
    double.faults = ["after"]
    run("suspend", stdin=typed(*USUAL_CALL))

    ended = run("suspend", stdin=typed("y", *USUAL_CALL[:-1], ""), lang="ja")

    assert ended.code == 0, ended.err
    assert "処理済み" in ended.err
    assert ended.result["repeated"] is False
    assert len(double.acts) == 2


def test_repeat_of_what_is_not_open_is_refused_and_nothing_is_sent(
    run: Run, double: CardsDouble
) -> None:
    done = run("suspend", "--from", "-", stdin=json.dumps(FORM))
    key = done.result["request_id"]

    ended = run("suspend", "--from", "-", "--repeat", key, stdin=json.dumps(FORM))

    assert (ended.code, ended.error["metadata"]["field"]) == (2, "repeat")
    assert len(double.requests) == 1


def test_outcome_that_can_be_learned_no_more_is_not_asked_about(run: Run, config: Path) -> None:
    long_ago = datetime.now(UTC) - timedelta(hours=25)
    with ChangeJournal(config.parent / "desk.journal") as journal:
        journal.write(COMMAND, "an-old-one", ChangeState.ASKED, long_ago)

    ended = run("suspend", stdin=typed(*USUAL_CALL))

    assert ended.code == 0
    assert "an-old-one" not in ended.err


def test_journal_holds_nothing_of_anybody(run: Run, config: Path) -> None:
    run("suspend", "--from", "-", stdin=json.dumps(FORM))

    text = (config.parent / "desk.journal").read_text(encoding="ascii")
    lines = [json.loads(line) for line in text.splitlines()]
    assert [line["state"] for line in lines] == ["asked", "done"]
    assert set(lines[0]) == {"v", "request", "command", "state", "at"}
    assert CODE not in text


def test_center_that_is_away_has_stopped_nothing_or_nobody_knows(
    pki: PKIFolder, tmp_path: Path
) -> None:
    config = write_config(tmp_path, pki, "127.0.0.1:1")
    options = ["--config", str(config), "--json", "suspend", "--from", "-"]

    ended = CliRunner().invoke(app, options, input=json.dumps(FORM))

    assert ended.exit_code == 6
    assert json.loads(ended.stdout)["error"]["reason"] == "OUTCOME_UNKNOWN"


def test_clerk_may_be_an_option(run: Run, double: CardsDouble) -> None:
    run("suspend", "--from", "-", "--clerk", "別の者", stdin=json.dumps(FORM))

    assert double.requests[0].clerk_name == "別の者"


def test_doctor_checks_everything_and_means_no_card(run: Run, double: CardsDouble) -> None:
    ended = run("doctor")

    assert ended.code == 0, ended.err
    assert set(ended.result["checks"]) == {"identity", "trust", "journal", "center"}
    assert "juki://municipality/112089/desk/01" in ended.result["checks"]["identity"]
    assert double.requests == [pb.SuspendCardRequest()]
    assert not double.acts


def test_doctor_names_reports_whose_outcome_is_unknown(run: Run, double: CardsDouble) -> None:
    double.faults = ["before"]
    lost = run("suspend", "--from", "-", stdin=json.dumps(FORM))

    ended = run("doctor")

    assert lost.error["metadata"]["requestId"] in ended.result["checks"]["journal"]


def test_doctor_refuses_a_terminals_certificate(
    pki: PKIFolder, address: str, tmp_path: Path
) -> None:
    config = write_config(tmp_path, pki, address, peer="terminal/112089-01")

    ended = CliRunner().invoke(app, ["--config", str(config), "--json", "doctor"])

    assert ended.exit_code == 2
    assert json.loads(ended.stdout)["error"]["metadata"]["rule"] == "a certificate of role desk"


def test_doctor_finds_a_center_that_refuses_the_desk(run: Run, double: CardsDouble) -> None:
    double.faults = ["ROLE_NOT_ALLOWED"]

    ended = run("doctor")

    assert (ended.code, ended.error["reason"]) == (3, "ROLE_NOT_ALLOWED")


def test_unknown_key_of_the_configuration_is_named(run: Run, config: Path) -> None:
    config.write_text(config.read_text() + "colour = 1\n")

    ended = run("doctor")

    assert (ended.code, ended.error["metadata"]["key"]) == (2, "session.colour")
