"""The calls of CardApplicationService over a real store and a real channel: what they refuse."""

from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

import grpc
import pytest

from juki_center.areas.cards.application_rows import ApplicationState
from juki_center.areas.cards.numbers import ApplicationNumber
from juki_center.areas.cards.register import CardStatus
from juki_center.areas.residents.assignment import stock_codes
from juki_center.areas.residents.code_changes import change_resident_code
from juki_center.areas.residents.commands import ChangeResidentCode, DeleteRecord
from juki_center.areas.residents.deletions import delete_record
from juki_center.rule_sets import RuleSet
from jukinet.cards.v1 import card_application_pb2 as records
from jukinet.cards.v1 import card_application_service_pb2 as pb
from tests.support.application_service import (
    MAKOTO,
    CardOffice,
    Document,
    Form,
    form,
    licence,
    photo_form,
    rejection,
    reply,
    serving,
    submission,
)
from tests.support.card_window import CLERK, PHOTO
from tests.support.center import CHIYODA, NOW, SAMPLES
from tests.support.photos import MARK, jpeg, other, talkative, with_frame
from tests.support.register_desk import TODAY, RegisterDesk
from tests.support.register_service import Refused, refusal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from google.protobuf.message import Message

    from juki_pki.folder import PKIFolder
    from jukinet.cards.v1 import card_application_service_pb2_grpc as pb_grpc

DAY = timedelta(days=1)
NO_SUCH = "A000000000195"
OTHER_LETTER = "L000000000195"


@pytest.fixture
async def office(
    pki: PKIFolder, furnished_registers: Path, tmp_path: Path
) -> AsyncIterator[CardOffice]:
    """A center that serves applications under the first rule set."""
    async with serving(pki, furnished_registers, tmp_path / "center") as serves:
        yield serves


@pytest.fixture
async def later(
    pki: PKIFolder, furnished_registers: Path, tmp_path: Path
) -> AsyncIterator[CardOffice]:
    """A center under the rule set of 2010."""
    folder = tmp_path / "later"
    async with serving(pki, furnished_registers, folder, RuleSet.R2010_11_26) as serves:
        yield serves


async def refused(call: grpc.aio.UnaryUnaryCall) -> Refused:  # type: ignore[type-arg]  # any call
    """Await a call that must be refused."""
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await call
    return refusal(raised.value)


@asynccontextmanager
async def inquired(
    office: CardOffice,
) -> AsyncIterator[tuple[pb_grpc.CardApplicationServiceStub, pb.SubmitApplicationResponse]]:
    """Give a stub and an application whose letter was sent."""
    async with office.stub() as stub:
        answer = await stub.SubmitApplication(
            submission(form(documents=[], lapsed_card=Form.LAPSED_CARD_NONE_HELD))
        )
        yield stub, answer


async def cut_off(office: CardOffice) -> None:
    """Disconnect Chiyoda."""
    await office.window.store.act(
        lambda tx: tx.registers.set_connected(CHIYODA.municipality, connected=False)
    )


# Applying


async def test_case_28_a_photo_document_at_the_counter_is_approved_and_the_photo_is_kept_clean(
    office: CardOffice,
) -> None:
    async with office.stub() as stub:
        answer = await stub.SubmitApplication(submission(photo_form(photo=talkative())))

    one = answer.application
    assert (one.state, one.kind, one.style) == (
        records.APPLICATION_STATE_APPROVED,
        records.APPLICATION_KIND_FIRST,
        records.CARD_STYLE_2,
    )
    assert not answer.HasField("letter")
    assert one.submit_time.ToDatetime(NOW.tzinfo) == NOW
    number = ApplicationNumber(one.number)
    photo = office.window.store.read(lambda tx: tx.applications.photo(number))
    assert photo is not None
    assert MARK not in photo


async def test_case_29_at_a_branch_the_letter_is_in_the_answer(office: CardOffice) -> None:
    async with office.stub() as stub:
        answer = await stub.SubmitApplication(submission(form(place=Form.PLACE_BRANCH)))

    assert answer.application.state == records.APPLICATION_STATE_INQUIRY_SENT
    assert answer.letter.name == SAMPLES[MAKOTO].record.name
    assert (answer.letter.sent_on, answer.letter.reply_until) == ("2026-11-23", "2026-12-23")
    assert answer.application.reply_until == "2026-12-23"


@pytest.mark.parametrize(
    ("change", "field", "rule"),
    [
        (lambda r: setattr(r, "request_id", "1"), "request_id", "UUID_V4"),
        (lambda r: setattr(r, "clerk_name", "x" * 61), "clerk_name", "TOO_LONG"),
        (lambda r: r.ClearField("form"), "form", "REQUIRED"),
        (lambda r: setattr(r.form, "code", "1234"), "form.code", "ELEVEN_DIGITS"),
        (lambda r: setattr(r.form, "style", 0), "form.style", "REQUIRED"),
        (lambda r: setattr(r.form, "style", 9), "form.style", "UNKNOWN_VALUE"),
        (lambda r: setattr(r.form, "place", 0), "form.place", "REQUIRED"),
        (lambda r: setattr(r.form, "photo", b"x"), "form.photo", "NOT_FOR_STYLE_1"),
        (lambda r: r.form.documents.extend([licence()] * 5), "form.documents", "RANGE_0_5"),
        (
            lambda r: setattr(r.form.documents[0], "number_hash", b"x"),
            "form.documents[0].number_hash",
            "BYTES_32",
        ),
        (
            lambda r: setattr(r.form.documents[0], "number_salt", b""),
            "form.documents[0].number_salt",
            "BYTES_16",
        ),
        (
            lambda r: setattr(r.form.documents[0], "kind", 0),
            "form.documents[0].kind",
            "REQUIRED",
        ),
        (
            lambda r: setattr(r.form.representative, "name", "x"),
            "form.representative.shown_by",
            "REQUIRED",
        ),
        (lambda r: setattr(r.form, "lapsed_card", 7), "form.lapsed_card", "UNKNOWN_VALUE"),
    ],
)
async def test_a_field_that_breaks_a_rule_is_named(
    office: CardOffice,
    change: Callable[[pb.SubmitApplicationRequest], object],
    field: str,
    rule: str,
) -> None:
    request = submission()
    change(request)

    async with office.stub() as stub:
        found = await refused(stub.SubmitApplication(request))

    assert (found.reason, found.facts) == (
        "FIELD_INVALID",
        {"field": field, "rule": rule},
    )


@pytest.mark.parametrize("day", ["2026-11-31", "20261120", "2026-W47-5", "２０２６-11-20", "x"])
async def test_a_day_has_one_spelling(office: CardOffice, day: str) -> None:
    async with office.stub() as stub:
        found = await refused(stub.SubmitApplication(submission(photo_form(photo_taken_on=day))))

    assert found.facts == {"field": "form.photo_taken_on", "rule": "DAY"}


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        (form("yoshida-taro"), "RESIDENT_NOT_FOUND"),
        (photo_form(photo=b""), "PHOTO_REQUIRED"),
        (photo_form(photo_taken_on=""), "PHOTO_REQUIRED"),
        (photo_form(photo_taken_on="2026-11-24"), "PHOTO_TOO_OLD"),
        (photo_form(photo_taken_on="2026-05-22"), "PHOTO_TOO_OLD"),
        (photo_form(photo=other("PNG")), "PHOTO_NOT_USABLE"),
        (photo_form(photo=with_frame(PHOTO, 20_000, 20_000)), "PHOTO_NOT_USABLE"),
        (photo_form(photo=PHOTO + bytes(200_000)), "PHOTO_NOT_USABLE"),
        (photo_form(photo=PHOTO + bytes(300_000)), "MESSAGE_TOO_LARGE"),
    ],
)
async def test_a_form_that_gives_no_card_is_refused(
    office: CardOffice, what: Form, reason: str
) -> None:
    async with office.stub() as stub:
        found = await refused(stub.SubmitApplication(submission(what)))

    assert found.reason == reason
    assert SAMPLES[MAKOTO].record.name not in found.everything


async def test_a_photo_of_5_mb_ends_the_call_before_it_is_read(office: CardOffice) -> None:
    async with office.stub() as stub:
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await stub.SubmitApplication(submission(photo_form(photo=PHOTO + bytes(5_000_000))))

    assert raised.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_a_picture_that_cannot_be_decoded_is_refused_with_its_rule(
    office: CardOffice,
) -> None:
    tables = PHOTO.index(b"\xff\xdb"), PHOTO.index(b"\xff\xc0")
    broken = PHOTO[: tables[0]] + PHOTO[tables[1] :]

    async with office.stub() as stub:
        found = await refused(stub.SubmitApplication(submission(photo_form(photo=broken))))

    assert (found.reason, found.facts) == ("PHOTO_NOT_USABLE", {"rule": "DAMAGED"})


@pytest.mark.parametrize(
    ("status", "reason"),
    [(CardStatus.ACTIVE, "ALREADY_HAS_CARD"), (CardStatus.SUSPENDED, "ALREADY_HAS_CARD")],
)
async def test_case_31_a_second_card_is_refused(
    office: CardOffice, status: CardStatus, reason: str
) -> None:
    await office.window.set_status(status, MAKOTO)

    async with office.stub() as stub:
        found = await refused(stub.SubmitApplication(submission()))

    assert found.reason == reason


async def test_a_second_application_is_refused(office: CardOffice) -> None:
    async with office.stub() as stub:
        await stub.SubmitApplication(submission())
        found = await refused(stub.SubmitApplication(submission()))

    assert found.reason == "APPLICATION_OPEN"


async def test_a_deleted_record_and_a_former_code_are_told(office: CardOffice) -> None:
    store = office.window.store
    desk = RegisterDesk(store, terminal=CHIYODA)
    await store.act(
        lambda tx: stock_codes(tx, CHIYODA.municipality, 1, NOW, caller_uri="juki://operator/o")
    )
    await desk.do(change_resident_code, ChangeResidentCode(desk.edit("tsuji-misaki")))
    await desk.do(delete_record, DeleteRecord(desk.edit(MAKOTO), TODAY))

    async with office.stub() as stub:
        deleted = await refused(stub.SubmitApplication(submission()))
        former = await refused(stub.SubmitApplication(submission(form("tsuji-misaki"))))

    assert deleted.reason == "RECORD_DELETED"
    assert former.reason == "CODE_CHANGED"


async def test_a_child_without_representative_is_refused(office: CardOffice) -> None:
    office.clock.now = NOW.replace(year=1990)

    async with office.stub() as stub:
        found = await refused(stub.SubmitApplication(submission(form("tsuji-haruto"))))

    assert found.reason == "REPRESENTATIVE_REQUIRED"


async def test_from_2010_the_question_for_a_lapsed_card_must_be_answered(
    later: CardOffice,
) -> None:
    async with later.stub() as stub:
        found = await refused(stub.SubmitApplication(submission()))

    assert found.reason == "LAPSED_CARD_QUESTION"


async def test_the_same_request_gets_its_first_answer_for_a_day_and_no_other_content(
    office: CardOffice,
) -> None:
    request = submission(photo_form(documents=[]))
    other_content = pb.SubmitApplicationRequest()
    other_content.CopyFrom(request)
    other_content.form.photo = jpeg((413, 531))

    async with office.stub() as stub:
        first = await stub.SubmitApplication(request)
        office.clock.now = NOW + DAY
        again = await stub.SubmitApplication(request)
        reused = await refused(stub.SubmitApplication(other_content))
        office.clock.now = NOW + DAY + timedelta(seconds=1)
        expired = await refused(stub.SubmitApplication(request))

    assert again == first
    assert reused.reason == "REQUEST_ID_REUSED"
    assert expired.reason == "ANSWER_EXPIRED"
    assert expired.facts == {"resource": first.application.number}


# Replies and ends


async def test_case_30_from_2004_a_reply_needs_a_document_and_questions(later: CardOffice) -> None:
    student = licence(Document.KIND_PRIVATE_BODY)
    insurance = licence(Document.KIND_HEALTH_INSURANCE_CARD)
    async with inquired(later) as (stub, answer):
        bare = await refused(stub.RecordInquiryReply(reply(answer)))
        private = await refused(stub.RecordInquiryReply(reply(answer, documents=[student])))
        unasked = await refused(stub.RecordInquiryReply(reply(answer, documents=[insurance])))
        done = await stub.RecordInquiryReply(
            reply(answer, documents=[insurance], oral_questions_answered=True)
        )

    assert answer.letter.registered_mail
    assert answer.letter.document_required
    assert answer.letter.municipality_name == "東京都千代田区"
    assert [one.reason for one in (bare, private, unasked)] == [
        "IDENTITY_DOCUMENT_REQUIRED",
        "ID_KIND_NOT_ACCEPTED",
        "ORAL_QUESTIONS_REQUIRED",
    ]
    assert done.application.state == records.APPLICATION_STATE_APPROVED


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"brought_by_applicant": False}, "NOT_THE_PERSON"),
        ({"letter_number": OTHER_LETTER}, "LETTER_NUMBER_WRONG"),
    ],
)
async def test_case_29_a_reply_that_does_not_count_rejects(
    office: CardOffice, more: dict[str, object], reason: str
) -> None:
    async with inquired(office) as (stub, answer):
        done = await stub.RecordInquiryReply(reply(answer, **more))
        again = await refused(stub.RecordInquiryReply(reply(answer)))

    assert done.application.state == records.APPLICATION_STATE_REJECTED
    assert done.application.end_reason == reason
    assert again.reason == "NOT_IN_THIS_STATE"


async def test_a_reply_after_its_deadline_rejects(office: CardOffice) -> None:
    async with inquired(office) as (stub, answer):
        office.clock.now = NOW + 31 * DAY
        done = await stub.RecordInquiryReply(reply(answer))

    assert done.application.end_reason == "REPLY_TOO_LATE"


async def test_a_letter_number_that_was_mistyped_changes_nothing(office: CardOffice) -> None:
    async with inquired(office) as (stub, answer):
        found = await refused(stub.RecordInquiryReply(reply(answer, letter_number="L000000000196")))
        done = await stub.RecordInquiryReply(reply(answer))

    assert found.facts == {"field": "letter_number", "rule": "CHECK_DIGITS"}
    assert done.application.state == records.APPLICATION_STATE_APPROVED


async def test_a_letter_that_came_back_closes_and_a_second_end_is_refused(
    office: CardOffice,
) -> None:
    returned = pb.RejectApplicationRequest.END_REASON_LETTER_RETURNED
    async with inquired(office) as (stub, answer):
        number = answer.application.number
        done = await stub.RejectApplication(rejection(number, reason=returned))
        found = await refused(stub.RejectApplication(rejection(number)))

    assert done.application.state == records.APPLICATION_STATE_REJECTED
    assert found.reason == "NOT_IN_THIS_STATE"
    assert found.facts == {"state": "REJECTED", "event": "WITHDRAWN"}


async def test_an_end_without_reason_is_refused(office: CardOffice) -> None:
    async with office.stub() as stub:
        found = await refused(stub.RejectApplication(rejection(NO_SUCH, reason=0)))

    assert found.facts == {"field": "reason", "rule": "REQUIRED"}


# What every call refuses


def _calls(
    stub: pb_grpc.CardApplicationServiceStub, answer: pb.SubmitApplicationResponse, clerk: str
) -> list[grpc.aio.UnaryUnaryCall[Message, Message]]:
    number = answer.application.number
    return [
        stub.RecordInquiryReply(reply(answer, clerk_name=clerk)),
        stub.RejectApplication(rejection(number, clerk_name=clerk)),
        stub.GetApplication(pb.GetApplicationRequest(clerk_name=clerk, application_number=number)),
    ]


async def test_no_call_is_done_for_nobody(office: CardOffice) -> None:
    async with inquired(office) as (stub, answer):
        calls = _calls(stub, answer, "")
        calls.append(stub.SubmitApplication(submission(clerk_name="")))
        calls.append(stub.ListApplications(pb.ListApplicationsRequest()))
        found = {(await refused(call)).reason for call in calls}

    assert found == {"CLERK_NAME_REQUIRED"}


async def test_an_application_of_another_municipality_is_as_unknown_as_none(
    office: CardOffice,
) -> None:
    async with inquired(office) as (_, answer):
        nothing = pb.SubmitApplicationResponse()
        nothing.CopyFrom(answer)
        nothing.application.number = NO_SUCH
        async with office.stub(office.pki.terminal("112089", "01")) as elsewhere:
            there = [await refused(call) for call in _calls(elsewhere, answer, CLERK)]
            nowhere = [await refused(call) for call in _calls(elsewhere, nothing, CLERK)]
            listed = await elsewhere.ListApplications(pb.ListApplicationsRequest(clerk_name=CLERK))

    assert {one.reason for one in there} == {"APPLICATION_NOT_FOUND"}
    assert [(one.code, one.facts) for one in there] == [(one.code, one.facts) for one in nowhere]
    assert not listed.applications


async def test_a_municipality_that_is_cut_off_opens_nothing(office: CardOffice) -> None:
    async with inquired(office) as (stub, answer):
        await cut_off(office)
        calls = _calls(stub, answer, CLERK)
        calls.append(stub.SubmitApplication(submission(form("tsuji-misaki"))))
        found = {(await refused(call)).reason for call in calls}

    assert found == {"RESIDENCE_DISCONNECTED"}


@pytest.mark.parametrize("role", ["desk", "agency", "operator"])
async def test_only_terminals_call(office: CardOffice, role: str) -> None:
    peers = {
        "desk": lambda: office.pki.desk("131016", "01"),
        "agency": lambda: office.pki.agency("passport-1"),
        "operator": lambda: office.pki.operator("operator-1"),
    }
    async with office.stub(peers[role]()) as stub:
        found = await refused(stub.SubmitApplication(submission()))

    assert found.reason == "ROLE_NOT_ALLOWED"


# Looking


async def test_the_letter_is_there_to_be_printed_again(office: CardOffice) -> None:
    async with inquired(office) as (stub, answer):
        shown = await stub.GetApplication(
            pb.GetApplicationRequest(
                clerk_name=CLERK, application_number=answer.application.number, with_letter=True
            )
        )

    assert shown.letter == answer.letter
    assert not shown.HasField("notice")


async def test_from_2010_the_notice_of_a_card_of_the_same_day_is_there(later: CardOffice) -> None:
    documents = [licence(), licence(Document.KIND_PASSPORT)]
    async with later.stub() as stub:
        answer = await stub.SubmitApplication(
            submission(form(documents=documents, lapsed_card=Form.LAPSED_CARD_HANDED_IN))
        )
        number = ApplicationNumber(answer.application.number)
        await later.window.store.act(
            lambda tx: tx.applications.set_state(
                number, ApplicationState.DELIVERED, ended_at=NOW, end_reason=None
            )
        )
        shown = await stub.GetApplication(
            pb.GetApplicationRequest(
                clerk_name=CLERK, application_number=answer.application.number, with_letter=True
            )
        )

    assert shown.application.state == records.APPLICATION_STATE_DELIVERED
    assert (shown.notice.name, shown.notice.sent_on) == (
        SAMPLES[MAKOTO].record.name,
        "2026-11-23",
    )


async def test_a_list_names_nobody_and_goes_on_by_its_token(office: CardOffice) -> None:
    async with office.stub() as stub:
        first = await stub.SubmitApplication(submission())
        second = await stub.SubmitApplication(submission(form("tsuji-misaki")))
        one = await stub.ListApplications(pb.ListApplicationsRequest(clerk_name=CLERK, page_size=1))
        two = await stub.ListApplications(
            pb.ListApplicationsRequest(
                clerk_name=CLERK, page_size=1, page_token=one.next_page_token
            )
        )

    assert [*one.applications, *two.applications] == [first.application, second.application]
    assert two.next_page_token == ""


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (pb.ListApplicationsRequest(clerk_name=CLERK, page_size=101), "page_size"),
        (pb.ListApplicationsRequest(clerk_name=CLERK, page_token="x"), "page_token"),
        (pb.ListApplicationsRequest(clerk_name=CLERK, states=[0]), "states[0]"),
        (pb.ListApplicationsRequest(clerk_name=CLERK, states=[1] * 7), "states"),
    ],
)
async def test_a_page_that_cannot_be_is_refused(
    office: CardOffice, request_: pb.ListApplicationsRequest, field: str
) -> None:
    async with office.stub() as stub:
        found = await refused(stub.ListApplications(request_))

    assert (found.reason, found.facts["field"]) == ("FIELD_INVALID", field)


async def test_the_access_log_tells_nothing_of_an_application(office: CardOffice) -> None:
    async with inquired(office) as (stub, answer):
        await stub.RecordInquiryReply(reply(answer))
    log = office.edge.log_text()

    assert "SubmitApplication" in log
    record = SAMPLES[MAKOTO].record
    for secret in (record.name, record.code.digits, answer.letter.number, CLERK, record.address):
        assert secret not in log
