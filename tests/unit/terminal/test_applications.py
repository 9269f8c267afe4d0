"""`juki-terminal application`: what a clerk says, what is sent once, what comes out on paper."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from juki_terminal.paper.fonts import Typeface
from jukinet.cards.v1 import card_application_pb2 as pb
from jukinet.cards.v1 import card_application_service_pb2 as service_pb
from jukinet.cards.v1.identity_document_pb2 import IdentityDocument
from tests.support.pdf_text import pages_of
from tests.support.photos import jpeg, other
from tests.unit.terminal.applications_double import (
    ADDRESS,
    LETTER,
    NUMBER,
    OTHER,
    ApplicationsDouble,
)
from tests.unit.terminal.clerk import Ended, Run, group_runner
from tests.unit.terminal.residents_double import CODE, NAME, ResidentsDouble

LICENCE = {"kind": "KIND_DRIVING_LICENCE", "number": "3012-3456 7890", "chip_verified": True}
FORM: dict[str, object] = {"code": CODE, "style": "CARD_STYLE_1", "place": "PLACE_COUNTER"}
NO_FONT = Typeface("No Such Font", Path("/nonexistent.ttf"), "no-such-package", needed=True)
REPLY: dict[str, object] = {
    "letter_number": LETTER,
    "brought_by_applicant": True,
    "documents": [LICENCE],
    "oral_questions_answered": True,
}


@pytest.fixture
def run(config: Path) -> Run:
    return group_runner(config, "application")


@pytest.fixture
def submit(run: Run) -> Run:
    """Submit a form from standard input."""

    def submit(*options: str, form: object = FORM, **named: object) -> Ended:
        said = json.dumps({"form": form})
        arguments = ("submit", "--from", "-", "--yes", *options)
        return run(*arguments, stdin=said, **named)

    return submit


@pytest.fixture
def reply(run: Run) -> Run:
    """Record a reply from standard input."""

    def reply(*options: str, form: object = REPLY, **named: object) -> Ended:
        arguments = ("reply", NUMBER, "--from", "-", "--yes", *options)
        return run(*arguments, stdin=json.dumps(form), **named)

    return reply


def journal_of(config: Path) -> list[dict[str, object]]:
    text = (config.parent / "terminal.journal.applications").read_text(encoding="ascii")
    return [json.loads(line) for line in text.splitlines()]


def submitted(applications: ApplicationsDouble) -> service_pb.SubmitApplicationRequest:
    (request,) = applications.requests
    assert isinstance(request, service_pb.SubmitApplicationRequest)
    return request


def test_form_is_sent_with_a_request_id_and_no_clerk(
    submit: Run, applications: ApplicationsDouble
) -> None:
    ended = submit()

    sent = submitted(applications)
    assert ended.code == 0, ended.err
    assert sent.clerk_name == ""
    assert (sent.form.code, sent.form.style) == (CODE, pb.CARD_STYLE_1)
    assert sent.form.place == pb.ApplicationForm.PLACE_COUNTER
    assert ended.result("request_id") == sent.request_id
    assert f"letter {NUMBER} --out" in submit(as_json=False).out


def test_document_is_sent_as_a_salted_hash_and_its_number_is_nowhere(
    submit: Run, applications: ApplicationsDouble, config: Path
) -> None:
    """Case 28: evidence is recorded by kind and number hash."""
    ended = submit(form={**FORM, "documents": [LICENCE, LICENCE]})

    first, second = submitted(applications).form.documents
    assert first.kind == IdentityDocument.KIND_DRIVING_LICENCE
    assert first.chip_verified
    assert first.number_hash == hashlib.sha256(first.number_salt + b"301234567890").digest()
    assert first.number_salt != second.number_salt
    kept = (config.parent / "terminal.journal.applications").read_text(encoding="ascii")
    everything = ended.out + ended.err + kept + str(submitted(applications))
    assert not any(part in everything for part in ("3012", "34567890"))


@pytest.mark.parametrize(
    ("document", "field", "rule"),
    [
        ({"kind": "KIND_PASSPORT"}, "form.documents[0].number", "letters and digits"),
        ({"kind": "KIND_PASSPORT", "number": " - "}, "documents[0].number", "letters and digits"),
        ({"kind": "秘密", "number": "1"}, "form.documents[0].kind", "KIND_DRIVING_LICENCE, …"),
        ({"number": "1"}, "form.documents[0].kind", "KIND_DRIVING_LICENCE, …"),
        (
            {"kind": "KIND_PASSPORT", "number_hash": "00"},
            "form.documents[0].number_hash",
            "made by the terminal; give the number",
        ),
        ({"kinds": 1}, "form.documents[0]", "unknown key 'kinds'"),
        ("秘密", "form.documents[0]", "a JSON object"),
        (
            {"kind": "KIND_PASSPORT", "number": "1", "chip_verified": "秘密"},
            "form.documents[0].chip_verified",
            "true or false",
        ),
    ],
)
def test_document_that_is_none_is_refused_by_its_place_and_nothing_is_sent(
    submit: Run, applications: ApplicationsDouble, document: object, field: str, rule: str
) -> None:
    ended = submit(form={**FORM, "documents": [document]})

    assert (ended.code, ended.error("metadata")) == (2, {"field": field, "rule": rule})
    assert "秘密" not in ended.out + ended.err
    assert applications.requests == []


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({**FORM, "documents": "KIND_PASSPORT"}, "form.documents"),
        ({**FORM, "name": "x"}, "form"),
        ([], "form"),
        ({**FORM, "style": "秘密"}, "form.style"),
    ],
)
def test_form_that_is_none_is_refused_by_name(
    submit: Run, applications: ApplicationsDouble, form: object, field: str
) -> None:
    ended = submit(form=form)

    metadata = ended.error("metadata")
    assert isinstance(metadata, dict)
    assert (ended.code, metadata["field"]) == (2, field)
    assert "秘密" not in ended.out + ended.err
    assert applications.requests == []


def test_photo_is_sent_with_its_day(
    submit: Run, applications: ApplicationsDouble, tmp_path: Path
) -> None:
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(jpeg())

    ended = submit(
        *("--photo", str(photo), "--taken-on", _recent_day()),
        form={**FORM, "style": "CARD_STYLE_2"},
    )

    assert ended.code == 0, ended.err
    assert submitted(applications).form.photo == jpeg()
    assert submitted(applications).form.photo_taken_on == _recent_day()


def _recent_day() -> str:

    return (datetime.now(UTC) - timedelta(days=20)).date().isoformat()


@pytest.mark.parametrize(
    ("octets", "rule"),
    [
        (b"\xff\xd8\xff" + bytes(5 * 1024 * 1024), "TOO_LARGE"),
        (other("PNG"), "NOT_JPEG"),
        (b"", "NOT_JPEG"),
        (b"\xff\xd8\xff\xe0\x00\x04ab", "DAMAGED"),
        (jpeg((400, 514)), "PIXELS"),
        (jpeg((600, 600)), "PROPORTION"),
    ],
    ids=["5 MB", "png", "empty", "cut", "small", "square"],
)
def test_photo_that_the_center_would_refuse_is_not_sent(
    submit: Run, applications: ApplicationsDouble, tmp_path: Path, octets: bytes, rule: str
) -> None:
    """Case 28."""
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(octets)

    ended = submit(
        *("--photo", str(photo), "--taken-on", _recent_day()),
        form={**FORM, "style": "CARD_STYLE_2"},
    )

    assert (ended.code, ended.error("reason")) == (3, "PHOTO_NOT_USABLE")
    assert ended.error("metadata") == {"rule": rule}
    assert applications.requests == []


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ((), "PHOTO_REQUIRED"),
        (("--photo", "PHOTO"), "PHOTO_REQUIRED"),
        (("--photo", "PHOTO", "--taken-on", "2003-01-01"), "PHOTO_TOO_OLD"),
        (("--photo", "PHOTO", "--taken-on", "平成15年1月1日"), "PHOTO_TOO_OLD"),
        (("--photo", "PHOTO", "--taken-on", "2999-01-01"), "PHOTO_TOO_OLD"),
        (("--photo", "PHOTO", "--taken-on", "いつか"), "USAGE_INVALID"),
        (("--photo", "PHOTO", "--taken-on", "2026-02-30"), "USAGE_INVALID"),
        (("--photo", "PHOTO", "--taken-on", "2026-02"), "USAGE_INVALID"),
        (("--photo", "nowhere.jpg", "--taken-on", "2026-11-01"), "USAGE_INVALID"),
    ],
)
def test_style_2_without_a_recent_photo_is_refused_before_it_is_sent(
    submit: Run,
    applications: ApplicationsDouble,
    tmp_path: Path,
    options: tuple[str, ...],
    reason: str,
) -> None:
    """Case 28: a photo that is too old, or missing."""
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(jpeg())

    ended = submit(
        *(str(photo) if option == "PHOTO" else option for option in options),
        form={**FORM, "style": "CARD_STYLE_2"},
    )

    assert ended.error("reason") == reason
    assert applications.requests == []


@pytest.mark.parametrize(
    ("form", "field"),
    [({**FORM, "photo": "AAAA", "style": "CARD_STYLE_2"}, "form.photo"), (FORM, "photo")],
    ids=["in the form", "with style 1"],
)
def test_photo_in_the_wrong_place_is_refused(
    submit: Run, applications: ApplicationsDouble, tmp_path: Path, form: object, field: str
) -> None:
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(jpeg())

    ended = submit("--photo", str(photo), "--taken-on", "2026-11-01", form=form)

    metadata = ended.error("metadata")
    assert isinstance(metadata, dict)
    assert metadata["field"] == field
    assert applications.requests == []


@pytest.mark.parametrize("cut", ["before", "after"])
def test_submission_that_was_cut_is_repeated_in_every_byte(
    submit: Run, applications: ApplicationsDouble, config: Path, cut: str
) -> None:
    applications.faults = [cut]
    form = {**FORM, "documents": [LICENCE]}

    lost, again, later = submit(form=form), submit(form=form), submit(form=form)

    first, second, third = applications.requests
    assert (lost.code, lost.error("reason")) == (6, "OUTCOME_UNKNOWN")
    assert "「application submit」をもう一度実行" in lost.err
    assert again.result("repeated") is True
    assert first == second
    assert third != second
    assert later.result("repeated") is False
    assert len(applications.acts) == 2
    assert [line["state"] for line in journal_of(config)][:4] == ["asked", "asked", "asked", "done"]


def test_journal_has_no_personal_data(submit: Run, reply: Run, config: Path) -> None:
    submit(form={**FORM, "documents": [LICENCE]})
    reply()

    text = (config.parent / "terminal.journal.applications").read_text(encoding="ascii")
    assert not any(part in text for part in (CODE, LETTER, "3012"))
    assert [line.get("subject", "") for line in journal_of(config)] == ["", "", NUMBER, NUMBER]


def test_refusal_of_the_center_is_told_and_closes_the_run(
    submit: Run, applications: ApplicationsDouble
) -> None:
    applications.faults = ["ALREADY_HAS_CARD"]

    ended, again = submit(), submit()

    assert (ended.code, ended.error("reason")) == (3, "ALREADY_HAS_CARD")
    assert again.result("repeated") is False


def test_other_content_after_a_cut_is_not_done_where_the_first_was(
    submit: Run, applications: ApplicationsDouble
) -> None:
    applications.faults = ["after"]
    submit()

    ended = submit(form={**FORM, "place": "PLACE_BRANCH"})

    assert (ended.code, ended.error("reason")) == (3, "REQUEST_ID_REUSED")
    assert "処理済み" in ended.err


def test_letter_comes_out_with_the_application(submit: Run, tmp_path: Path) -> None:
    """Case 29: the inquiry letter with its number."""
    out = tmp_path / "paper" / "letter.pdf"

    ended = submit("--out", str(out), as_json=False)

    letter, form = pages_of(out.read_bytes())
    assert ended.code == 0, ended.err
    assert NAME.encode() in letter.encode()
    assert ADDRESS.encode() in letter.encode()
    assert LETTER in letter
    assert LETTER in form
    assert "令和8年12月23日まで" in letter
    assert "書留郵便" in ended.out
    assert out.stat().st_mode & 0o777 == 0o600


def test_same_day_application_has_no_letter(
    submit: Run, applications: ApplicationsDouble, tmp_path: Path
) -> None:
    applications.letter, applications.state = None, pb.APPLICATION_STATE_APPROVED

    ended = submit("--out", str(tmp_path / "letter.pdf"), as_json=False)

    assert (ended.code, "交付決定" in ended.out) == (0, True)
    assert "照会書はありません" in ended.out
    assert not (tmp_path / "letter.pdf").exists()


@pytest.mark.parametrize(
    ("name", "reason", "code"),
    [("葛\U000e01ef城", "CHARACTER_NOT_PRINTABLE", 3), ("W" * 100, "TEXT_DOES_NOT_FIT", 3)],
)
def test_letter_that_cannot_be_printed_leaves_the_application_taken_and_named(
    submit: Run,
    applications: ApplicationsDouble,
    tmp_path: Path,
    name: str,
    reason: str,
    code: int,
) -> None:
    assert applications.letter is not None
    applications.letter.name = name

    ended = submit("--out", str(tmp_path / "letter.pdf"))

    metadata = ended.error("metadata")
    assert isinstance(metadata, dict)
    assert (ended.code, ended.error("reason")) == (code, reason)
    assert metadata["applicationNumber"] == NUMBER
    assert f"application letter {NUMBER}" in ended.err
    assert name not in ended.out + ended.err
    assert len(applications.acts) == 1


def test_paper_that_cannot_be_written_is_told(submit: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")

    ended = submit("--out", str(tmp_path / "file" / "letter.pdf"))

    assert (ended.code, ended.error("reason")) == (4, "PRINTER_FAILED")
    assert ended.error("metadata") == {"applicationNumber": NUMBER}


def test_missing_font_is_told_before_anything_is_sent(
    submit: Run,
    applications: ApplicationsDouble,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("juki_terminal.paper.fonts.TYPEFACES", (NO_FONT,))

    ended = submit("--out", str(tmp_path / "letter.pdf"))

    assert (ended.code, ended.error("reason")) == (2, "CONFIGURATION_INVALID")
    assert applications.requests == []


def _without_fonts() -> tuple[object, ...]:
    from juki_terminal.paper.fonts import Typeface  # for this test alone

    return (Typeface("No Such Font", Path("/nonexistent.ttf"), "no-such-package", needed=True),)


def test_form_on_standard_input_needs_yes(run: Run, applications: ApplicationsDouble) -> None:
    ended = run("submit", "--from", "-", stdin=json.dumps({"form": FORM}))

    assert (ended.code, ended.error("metadata")) == (
        2,
        {"field": "yes", "rule": "--yes with --from -"},
    )
    assert applications.requests == []


def test_file_is_summed_up_with_the_person_before_the_act(
    run: Run, applications: ApplicationsDouble, tmp_path: Path
) -> None:
    form = tmp_path / "form.json"
    form.write_text(json.dumps({"form": {**FORM, "documents": [LICENCE]}}), encoding="utf-8")

    declined = run("submit", "--from", str(form), stdin="n\n")
    accepted = run("submit", "--from", str(form), stdin="はい\n")

    assert (declined.code, declined.error("reason")) == (130, "INTERRUPTED")
    assert NAME in declined.err
    assert "運転免許証 (IC確認済み)" in declined.err
    assert "3012" not in declined.err
    assert accepted.code == 0
    assert len(applications.requests) == 1


def test_unknown_person_is_told_before_the_act(
    run: Run, applications: ApplicationsDouble, residents: ResidentsDouble, tmp_path: Path
) -> None:
    residents.faults = ["RESIDENT_NOT_FOUND"]
    form = tmp_path / "form.json"
    form.write_text(json.dumps({"form": FORM}), encoding="utf-8")

    ended = run("submit", "--from", str(form), stdin="y\n")

    assert (ended.code, ended.error("reason")) == (3, "RESIDENT_NOT_FOUND")
    assert applications.requests == []


def test_reply_is_sent_with_documents_and_answers(
    reply: Run, applications: ApplicationsDouble
) -> None:
    applications.state = pb.APPLICATION_STATE_APPROVED

    ended = reply()

    (sent,) = applications.requests
    assert ended.code == 0, ended.err
    assert isinstance(sent, service_pb.RecordInquiryReplyRequest)
    assert (sent.application_number, sent.letter_number) == (NUMBER, LETTER)
    assert sent.brought_by_applicant
    assert sent.oral_questions_answered
    assert len(sent.documents) == 1


@pytest.mark.parametrize("typed", ["l0000-0000-0195", "Ｌ０００００００００１９５", f" {LETTER} "])
def test_letter_number_may_be_typed_as_people_type(
    reply: Run, applications: ApplicationsDouble, typed: str
) -> None:
    reply(form={**REPLY, "letter_number": typed})

    (sent,) = applications.requests
    assert isinstance(sent, service_pb.RecordInquiryReplyRequest)
    assert sent.letter_number == LETTER


@pytest.mark.parametrize("typed", ["L000000000196", "000000000195", "L00000000019", "", NUMBER])
def test_slip_in_a_letter_number_is_found_before_it_ends_the_application(
    reply: Run, applications: ApplicationsDouble, typed: str
) -> None:
    ended = reply(form={**REPLY, "letter_number": typed})

    metadata = ended.error("metadata")
    assert isinstance(metadata, dict)
    assert (ended.code, metadata["field"]) == (2, "letter_number")
    assert applications.requests == []


def test_reply_that_does_not_count_is_a_refusal_with_its_reason(
    reply: Run, applications: ApplicationsDouble
) -> None:
    """Case 29."""
    applications.state = pb.APPLICATION_STATE_REJECTED

    ended = reply()

    assert ended.code == 3
    found = ended.result("application")
    assert isinstance(found, dict)
    assert found["end_reason"] == "LETTER_NUMBER_WRONG"


def test_reply_names_one_application(reply: Run, applications: ApplicationsDouble) -> None:
    ended = reply(form={**REPLY, "application_number": OTHER})

    metadata = ended.error("metadata")
    assert isinstance(metadata, dict)
    assert metadata["field"] == "application_number"
    assert applications.requests == []


def test_replies_of_two_applications_have_ids_of_their_own(
    reply: Run, run: Run, applications: ApplicationsDouble
) -> None:
    applications.faults = ["after"]
    reply()
    form = json.dumps(REPLY)

    other_one = run("reply", OTHER, "--from", "-", "--yes", stdin=form)
    again = reply()

    assert other_one.result("repeated") is False
    assert again.result("repeated") is True


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("letter-returned", service_pb.RejectApplicationRequest.END_REASON_LETTER_RETURNED),
        ("not-the-person", service_pb.RejectApplicationRequest.END_REASON_NOT_THE_PERSON),
        ("withdrawn", service_pb.RejectApplicationRequest.END_REASON_WITHDRAWN),
        ("not-collected", service_pb.RejectApplicationRequest.END_REASON_NOT_COLLECTED),
    ],
)
def test_application_is_ended_with_its_reason(
    run: Run, applications: ApplicationsDouble, word: str, reason: int
) -> None:
    applications.state = pb.APPLICATION_STATE_REJECTED

    ended = run("end", NUMBER, "--reason", word, "--yes")

    (sent,) = applications.requests
    assert isinstance(sent, service_pb.RejectApplicationRequest)
    assert ended.code == 0, "the end was wanted"
    assert (sent.application_number, sent.reason) == (NUMBER, reason)


def test_end_asks_first(run: Run, applications: ApplicationsDouble) -> None:
    ended = run("end", NUMBER, "--reason", "withdrawn", stdin="\n")

    assert ended.code == 130
    assert "取下げ" in ended.err
    assert applications.requests == []


def test_application_is_shown_without_its_letter(
    run: Run, applications: ApplicationsDouble
) -> None:
    ended = run("show", NUMBER)
    table = run("show", NUMBER, as_json=False)

    assert ended.result("application")
    assert "照会中" in table.out
    assert LETTER not in ended.out
    assert not (applications.requests[0].with_letter)  # type: ignore[attr-defined]  # it has one


def test_list_goes_through_all_pages(run: Run, applications: ApplicationsDouble) -> None:
    ended = run("list", "--state", "inquiry-sent", "--state", "ready")

    found = ended.result("applications")
    assert isinstance(found, list)
    assert [one["number"] for one in found] == [NUMBER, OTHER]
    assert "1件" in ended.err
    first, second = applications.requests
    assert isinstance(first, service_pb.ListApplicationsRequest)
    assert list(first.states) == [
        pb.APPLICATION_STATE_INQUIRY_SENT,
        pb.APPLICATION_STATE_READY,
    ]
    assert second.page_token == "1"  # type: ignore[attr-defined]  # a page of a list


def test_list_is_a_table(run: Run) -> None:
    table = run("list", as_json=False, lang="en").out

    assert NUMBER in table
    assert OTHER in table
    assert "inquiry sent" in table


def test_letter_is_printed_again(run: Run, tmp_path: Path) -> None:
    first, second = tmp_path / "1.pdf", tmp_path / "2.pdf"

    ended = run("letter", NUMBER, "--out", str(first))
    run("letter", NUMBER, "--out", str(second))

    assert ended.code == 0, ended.err
    assert first.read_bytes() == second.read_bytes()
    assert LETTER in pages_of(first.read_bytes())[0]


def test_notice_of_a_same_day_issue_is_printed(
    run: Run, applications: ApplicationsDouble, tmp_path: Path
) -> None:
    applications.letter, applications.state = None, pb.APPLICATION_STATE_DELIVERED
    applications.notice = pb.IssueNotice(
        name=NAME, address=ADDRESS, sent_on="2026-11-23", municipality_name="東京都千代田区"
    )

    ended = run("letter", NUMBER, "--out", str(tmp_path / "notice.pdf"))

    (page,) = pages_of((tmp_path / "notice.pdf").read_bytes())
    assert ended.code == 0, ended.err
    assert NAME in page
    assert "お知らせ" in page


def test_application_without_a_paper_is_refused_with_its_state(
    run: Run, applications: ApplicationsDouble, tmp_path: Path
) -> None:
    applications.letter, applications.state = None, pb.APPLICATION_STATE_READY

    ended = run("letter", NUMBER, "--out", str(tmp_path / "letter.pdf"))

    assert (ended.code, ended.error("reason")) == (3, "NOT_IN_THIS_STATE")
    assert ended.error("metadata") == {"state": "READY"}
    assert not (tmp_path / "letter.pdf").exists()


@pytest.mark.parametrize("command", ["show", "letter", "reply", "end"])
def test_number_of_no_application_is_refused_before_it_is_sent(
    run: Run, applications: ApplicationsDouble, tmp_path: Path, command: str
) -> None:
    more = {
        "letter": ("--out", str(tmp_path / "x.pdf")),
        "end": ("--reason", "withdrawn"),
    }.get(command, ())

    ended = run(command, "A000000000196", *more)

    assert (ended.code, ended.error("metadata")) == (
        2,
        {"field": "application_number", "rule": "CHECK_DIGITS"},
    )
    assert applications.requests == []
