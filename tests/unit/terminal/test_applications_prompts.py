"""`juki-terminal application` without a file: what is asked, and what becomes of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from jukinet.cards.v1 import card_application_pb2 as pb
from jukinet.cards.v1 import card_application_service_pb2 as service_pb
from jukinet.cards.v1.identity_document_pb2 import IdentityDocument
from tests.support.photos import jpeg
from tests.unit.terminal.applications_double import LETTER, NUMBER, ApplicationsDouble
from tests.unit.terminal.clerk import Run, group_runner
from tests.unit.terminal.residents_double import CODE, NAME

STYLE_1, COUNTER, LICENCE, END, NOT_ASKED, NONE_HELD = "1", "1", "1", "", "0", "1"


@pytest.fixture
def run(config: Path) -> Run:
    return group_runner(config, "application")


def typed(*lines: str) -> str:
    return "\n".join([*lines, ""])


def test_submission_is_asked_for_shown_and_sent(run: Run, applications: ApplicationsDouble) -> None:
    answers = (CODE, STYLE_1, COUNTER, LICENCE, "301234567890", "はい", END, "", NONE_HELD)

    ended = run("submit", stdin=typed(*answers, "はい"))

    (sent,) = applications.requests
    assert ended.code == 0, ended.err
    assert isinstance(sent, service_pb.SubmitApplicationRequest)
    assert (sent.clerk_name, sent.form.code) == ("", CODE)
    assert (sent.form.style, sent.form.place) == (
        pb.CARD_STYLE_1,
        pb.ApplicationForm.PLACE_COUNTER,
    )
    (document,) = sent.form.documents
    assert document.kind == IdentityDocument.KIND_DRIVING_LICENCE
    assert document.chip_verified
    assert not sent.form.HasField("representative")
    assert sent.form.lapsed_card == pb.ApplicationForm.LAPSED_CARD_NONE_HELD
    assert NAME in ended.err


def test_representative_of_a_child_is_asked_for(run: Run, applications: ApplicationsDouble) -> None:
    answers = (CODE, STYLE_1, "2", END, "葛󠄀城　𠮷子", "戸籍謄本", NOT_ASKED, "y")

    ended = run("submit", stdin=typed(*answers), lang="en")

    (sent,) = applications.requests
    assert ended.code == 0, ended.err
    assert isinstance(sent, service_pb.SubmitApplicationRequest)
    assert sent.form.place == pb.ApplicationForm.PLACE_BRANCH
    assert sent.form.representative.name.encode() == "葛󠄀城　𠮷子".encode()
    assert sent.form.representative.shown_by == "戸籍謄本"
    assert "Representative: 葛󠄀城　𠮷子" in ended.err


def test_day_of_the_photo_is_asked_for(
    run: Run, applications: ApplicationsDouble, tmp_path: Path
) -> None:
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(jpeg())
    answers = (CODE, "2", COUNTER, END, "", NOT_ASKED, "2003-01-01")

    ended = run("submit", "--photo", str(photo), stdin=typed(*answers))

    assert ended.error("reason") == "PHOTO_TOO_OLD"
    assert applications.requests == []


def test_declined_summary_sends_nothing(run: Run, applications: ApplicationsDouble) -> None:
    answers = (CODE, STYLE_1, COUNTER, END, "", NOT_ASKED, "いいえ")

    ended = run("submit", stdin=typed(*answers))

    assert (ended.code, ended.error("reason")) == (130, "INTERRUPTED")
    assert applications.requests == []


@pytest.mark.parametrize(
    "answers",
    [
        (CODE, "3", STYLE_1, COUNTER, LICENCE, "1", "はい"),
        (CODE, "", STYLE_1, COUNTER, LICENCE, "1", "はい"),
        (CODE, STYLE_1, "１", COUNTER, LICENCE, "1", "はい"),
        (CODE, STYLE_1, COUNTER, "9", LICENCE, "1", "はい"),
        (CODE, STYLE_1, COUNTER, LICENCE, "", "1", "はい"),
        (CODE, STYLE_1, COUNTER, LICENCE, "1", "たぶん", "はい"),
    ],
)
def test_answer_that_is_none_is_asked_for_again(
    run: Run, applications: ApplicationsDouble, answers: tuple[str, ...]
) -> None:
    rest = (END, "", NONE_HELD, "はい")

    ended = run("submit", stdin=typed(*answers, *rest))

    assert ended.code == 0
    assert len(applications.requests) == 1


def test_end_of_input_interrupts(run: Run, applications: ApplicationsDouble) -> None:
    ended = run("submit", stdin=typed(CODE, STYLE_1))

    assert (ended.code, ended.error("reason")) == (130, "INTERRUPTED")
    assert applications.requests == []


def test_reply_is_asked_for_shown_and_sent(run: Run, applications: ApplicationsDouble) -> None:
    answers = (LETTER, "はい", "6", "12-34", "いいえ", END, "はい", "はい")

    ended = run("reply", NUMBER, stdin=typed(*answers))

    (sent,) = applications.requests
    assert ended.code == 0, ended.err
    assert isinstance(sent, service_pb.RecordInquiryReplyRequest)
    assert sent.letter_number == LETTER
    assert sent.brought_by_applicant
    assert sent.oral_questions_answered
    assert [one.kind for one in sent.documents] == [IdentityDocument.KIND_HEALTH_INSURANCE_CARD]
    assert "健康保険証" in ended.err


def test_nothing_is_asked_for_a_look_by_number(run: Run, applications: ApplicationsDouble) -> None:
    ended = run("show", NUMBER)

    assert (ended.code, ended.err) == (0, "")
    assert applications.requests[0].clerk_name == ""  # type: ignore[attr-defined]  # it has one
