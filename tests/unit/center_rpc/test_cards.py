"""The life of cards over gRPC: who may, every refusal, once only, and what a message must hold."""

from __future__ import annotations

import asyncio
from datetime import date
from typing import TYPE_CHECKING

import grpc
import pytest

from juki_center.areas.cards.register import CardStatus, Purpose
from jukinet.cards.v1 import card_application_pb2, card_pb2
from jukinet.cards.v1 import card_service_pb2 as pb
from jukinet.cards.v1.identity_document_pb2 import IdentityDocument
from jukinet.copies.v1 import certificate_copy_service_pb2 as copies_pb
from tests.support.card_life import APPLICATION, NEW_SERIAL, TRANSPORT_PIN
from tests.support.card_service import (
    TARO_CODE,
    CardCounter,
    new_id,
    requests,
    shown,
    suspend,
)
from tests.support.card_window import CLERK, TARO
from tests.support.center import CHIYODA, serial_of
from tests.support.leaves import leaves
from tests.support.register_service import refusal

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from juki_pki.credential import X509Credential

EVERY = sorted(requests())
NAMED = [name for name in EVERY if name != "ReportLock"]
CHANGING = [name for name in EVERY if name not in {"BeginHandOver", "GetCard"}]


async def call(
    counter: CardCounter, request: Message, peer: X509Credential | None = None
) -> Message:
    """Send a request by the method that takes it."""
    name = type(request).__name__.removesuffix("Request")
    async with counter.stub(peer) as stub:
        answer: Message = await getattr(stub, name)(request)
        return answer


async def reason_of(
    counter: CardCounter, request: Message, peer: X509Credential | None = None
) -> str:
    """Return why a request is refused."""
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call(counter, request, peer)
    return refusal(refused.value).reason


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("role", ["desk", "operator", "agency"])
async def test_case_33_a_desk_may_suspend_and_nothing_else(
    card_counter: CardCounter, name: str, role: str
) -> None:
    request, peer = requests()[name], card_counter.callers()[role]

    if name == "SuspendCard" and role != "agency":
        answer = await call(card_counter, request, peer)
        assert answer.card.state == card_pb2.CARD_STATE_SUSPENDED
    else:
        assert await reason_of(card_counter, request, peer) == "ROLE_NOT_ALLOWED"


@pytest.mark.parametrize("name", NAMED)
async def test_nobody_does_nothing(card_counter: CardCounter, name: str) -> None:
    request = requests()[name]
    request.clerk_name = " "

    assert await reason_of(card_counter, request) == "CLERK_NAME_REQUIRED"


@pytest.mark.parametrize("name", CHANGING)
@pytest.mark.parametrize("request_id", ["", "1", "6BA7B810-9DAD-11D1-80B4-00C04FD430C8"])
async def test_a_change_needs_a_request_id(
    card_counter: CardCounter, name: str, request_id: str
) -> None:
    request = requests()[name]
    request.request_id = request_id

    assert await reason_of(card_counter, request) == "FIELD_INVALID"


KINDS = pb.SuspendCardRequest
UNLOCK = pb.BeginUnlockPinRequest
NUMBER = pb.CardReference(card_number="0000 0000 0196")
WRONG_DIGIT = pb.CardReference(code="12345678901")


@pytest.mark.parametrize(
    ("name", "changes", "field", "rule"),
    [
        ("SuspendCard", {"card": pb.CardReference()}, "card", "REQUIRED"),
        ("SuspendCard", {"card": NUMBER}, "card.card_number", "CHECK_DIGITS"),
        ("SuspendCard", {"card": WRONG_DIGIT}, "card.code", "INVALID_CHECK_DIGIT"),
        ("SuspendCard", {"reporter": 0}, "reporter", "REQUIRED"),
        ("SuspendCard", {"reporter": 99}, "reporter", "UNKNOWN_VALUE"),
        ("SuspendCard", {"channel": 0}, "channel", "REQUIRED"),
        ("SuspendCard", {"reason": 0}, "reason", "REQUIRED"),
        ("SuspendCard", {"questions": [pb.CallerQuestion()]}, "questions[0].topic", "REQUIRED"),
        (
            "SuspendCard",
            {"questions": [pb.CallerQuestion(topic=1)] * 11},
            "questions",
            "RANGE_0_10",
        ),
        ("SuspendCard", {"police_report": "1" * 41}, "police_report", "TOO_LONG"),
        ("SuspendCard", {"clerk_name": "x" * 61}, "clerk_name", "TOO_LONG"),
        ("HandOver", {"application_number": "A1"}, "application_number", "LENGTH"),
        ("HandOver", {"card_session_id": b"1"}, "card_session_id", "BYTES_16"),
        ("HandOver", {"fee_yen": 2_000_000}, "fee_yen", "RANGE_0_1000000"),
        ("UnlockPin", {"unlock_id": b""}, "unlock_id", "BYTES_16"),
        ("BeginUnlockPin", {"mode": 0}, "mode", "REQUIRED"),
        ("BeginUnlockPin", {"documents": shown() * 3}, "documents", "RANGE_0_5"),
        ("ReturnCard", {"card_session_id": None}, "card", "REQUIRED"),
        ("ReturnCard", {"card_number": "12"}, "card_number", "LENGTH"),
        ("GetCard", {"card": pb.CardReference()}, "card", "REQUIRED"),
    ],
)
async def test_a_field_that_breaks_its_rule_is_named(
    card_counter: CardCounter, name: str, changes: dict[str, object], field: str, rule: str
) -> None:
    whole = requests()[name]
    request = type(whole)()
    for descriptor, value in whole.ListFields():
        if descriptor.name not in changes:
            request.MergeFrom(type(whole)(**{descriptor.name: value}))
    request.MergeFrom(type(whole)(**{key: one for key, one in changes.items() if one is not None}))

    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call(card_counter, request)

    told = refusal(refused.value)
    assert (told.reason, told.facts) == ("FIELD_INVALID", {"field": field, "rule": rule})


async def test_a_card_is_handed_over_from_its_transport_pin_to_its_fee(
    card_counter: CardCounter,
) -> None:
    await card_counter.life.make()
    begun = await call(card_counter, requests()["BeginHandOver"])
    request = requests()["HandOver"]
    request.card_session_id = await card_counter.life.session(Purpose.PIN_PROOF, NEW_SERIAL)

    handed = await call(card_counter, request)
    again = await call(card_counter, request)

    assert (begun.transport_pin, begun.fee_yen) == (TRANSPORT_PIN, 500)
    assert "0302" in begun.forbidden_pins
    assert handed.card.state == card_pb2.CARD_STATE_ACTIVE
    assert handed.application.state == card_application_pb2.APPLICATION_STATE_DELIVERED
    assert (handed.application.number, handed.card.number) == (APPLICATION, begun.card_number)
    assert again == handed


async def test_refusals_of_a_hand_over(card_counter: CardCounter) -> None:
    life = card_counter.life
    nothing = await reason_of(card_counter, requests()["HandOver"])
    await life.make()
    unknown_session = await reason_of(card_counter, requests()["HandOver"])
    private = requests()["BeginHandOver"]
    del private.documents[:]
    no_document = await reason_of(card_counter, private)
    private.documents.extend(shown(IdentityDocument.KIND_PRIVATE_BODY))
    no_good_document = await reason_of(card_counter, private)
    wrong = requests()["HandOver"]
    wrong.card_session_id = await life.session(Purpose.PIN_PROOF, serial_of("yoshida-hanako"))
    wrong_card = await reason_of(card_counter, wrong)
    wrong.fee_yen = 300
    wrong_fee = await reason_of(card_counter, wrong)
    await call(card_counter, suspend(), card_counter.callers()["desk"])
    suspended = await reason_of(card_counter, requests()["BeginHandOver"])

    assert [
        nothing,
        unknown_session,
        no_document,
        no_good_document,
        wrong_card,
        wrong_fee,
        suspended,
    ] == [
        "APPLICATION_NOT_FOUND",
        "SESSION_NOT_FOUND",
        "IDENTITY_DOCUMENT_REQUIRED",
        "ID_KIND_NOT_ACCEPTED",
        "CARD_NOT_OF_APPLICATION",
        "FEE_NOT_AS_SET",
        "CARD_SUSPENDED",
    ]


async def test_a_pin_is_unlocked(card_counter: CardCounter) -> None:
    life = card_counter.life
    begun = await call(card_counter, requests()["BeginUnlockPin"])
    await life.attempt(begun.unlock_id)
    during = await call(card_counter, requests()["GetCard"])
    request = requests()["UnlockPin"]
    request.unlock_id = begun.unlock_id
    request.card_session_id = await life.session(Purpose.PIN_PROOF)

    done = await call(card_counter, request)

    assert (during.cards[0].pin_pending, done.card.pin_pending) == (True, False)
    assert await call(card_counter, request) == done


async def test_refusals_of_an_unlocking(card_counter: CardCounter) -> None:
    one = requests()["BeginUnlockPin"]
    del one.documents[1:]
    one_document = await reason_of(card_counter, one)
    elsewhere = await reason_of(
        card_counter, requests()["BeginUnlockPin"], card_counter.terminal("131016")
    )
    no_unlock = await reason_of(card_counter, requests()["UnlockPin"])
    begun = await call(card_counter, requests()["BeginUnlockPin"])
    untried = requests()["UnlockPin"]
    untried.unlock_id = begun.unlock_id
    not_tried = await reason_of(card_counter, untried)
    await card_counter.life.set_status(CardStatus.REVOKED, serial_of(TARO))
    revoked = requests()["BeginUnlockPin"]
    revoked.card.card_number = card_counter.life.card().number
    ended = await reason_of(card_counter, revoked)

    assert [one_document, elsewhere, no_unlock, not_tried, ended] == [
        "TWO_DOCUMENTS_REQUIRED",
        "CARD_UNKNOWN",
        "UNLOCK_NOT_FOUND",
        "NOT_IN_THIS_STATE",
        "CARD_REVOKED",
    ]


async def test_a_card_is_suspended_by_the_number_as_it_is_read_out(
    card_counter: CardCounter,
) -> None:
    number = card_counter.life.card().number
    said = pb.CardReference(card_number=f"{number[:4]} {number[4:8]}-{number[8:]}")
    request = suspend()
    request.card.CopyFrom(said)

    answer = await call(card_counter, request, card_counter.callers()["desk"])
    again = await call(card_counter, request, card_counter.callers()["desk"])

    assert again == answer
    assert answer.card.number == number
    assert answer.suspend_time.ToDatetime().isoformat() == "2026-11-23T01:00:00"
    assert 'juki_card_suspensions_total{role="desk"} 1.0' in counted(card_counter)


async def test_case_33_a_card_is_resumed_in_person_and_never_by_telephone(
    card_counter: CardCounter,
) -> None:
    await call(card_counter, suspend(), card_counter.callers()["desk"])
    request = requests()["ResumeCard"]
    request.card_session_id = await card_counter.life.session(Purpose.CARD_CHECK)

    by_phone = await reason_of(card_counter, request, card_counter.callers()["desk"])
    in_person = await call(card_counter, request)

    assert by_phone == "ROLE_NOT_ALLOWED"
    assert in_person.card.state == card_pb2.CARD_STATE_ACTIVE


async def test_case_33_a_card_found_after_its_revocation_stays_revoked_and_is_handed_in(
    card_counter: CardCounter,
) -> None:
    await call(card_counter, suspend(), card_counter.callers()["desk"])
    revoked = await call(card_counter, requests()["RevokeCard"])
    resume = requests()["ResumeCard"]
    resume.card_session_id = await card_counter.life.session(Purpose.CARD_CHECK)
    found = await reason_of(card_counter, resume)
    hand_in = requests()["ReturnCard"]
    hand_in.card_session_id = resume.card_session_id

    returned = await call(card_counter, hand_in)

    assert revoked.card.state == returned.card.state == card_pb2.CARD_STATE_REVOKED
    assert found == "NOT_IN_THIS_STATE"
    assert returned.card.HasField("return_time")


async def test_refusals_of_the_end_of_a_card(card_counter: CardCounter) -> None:
    chiyoda = card_counter.terminal("131016")
    no_document = requests()["RevokeCard"]
    del no_document.documents[:]
    by_number = requests()["ReturnCard"]
    by_number.card_number = card_counter.life.card().number
    twice = requests()["ReturnCard"]
    twice.card_number = by_number.card_number
    one_document = requests()["ResumeCard"]
    del one_document.documents[1:]

    reasons = [
        await reason_of(card_counter, no_document),
        await reason_of(card_counter, requests()["RevokeCard"], chiyoda),
        await reason_of(card_counter, by_number, chiyoda),
        await reason_of(card_counter, requests()["ReturnCard"]),
        await reason_of(card_counter, requests()["ResumeCard"]),
    ]
    await call(card_counter, suspend())
    one_document.card_session_id = await card_counter.life.session(Purpose.CARD_CHECK)
    reasons.append(await reason_of(card_counter, one_document))
    await call(card_counter, by_number)
    reasons.append(await reason_of(card_counter, twice))
    reasons.append(await reason_of(card_counter, requests()["RevokeCard"]))

    assert reasons == [
        "IDENTITY_DOCUMENT_REQUIRED",
        "CARD_UNKNOWN",
        "CARD_UNKNOWN",
        "SESSION_NOT_FOUND",
        "SESSION_NOT_FOUND",
        "TWO_DOCUMENTS_REQUIRED",
        "ALREADY_RETURNED",
        "CARD_UNKNOWN",
    ]


async def test_an_expired_card_is_shown_as_expired_and_is_not_suspended(
    card_counter: CardCounter,
) -> None:
    """Case 32: the last day is good until midnight in Japan."""
    last = card_counter.clock.now.replace(year=2033, month=8, day=24, hour=14, minute=59)
    card_counter.clock.now = last
    good = await call(card_counter, requests()["GetCard"])
    card_counter.clock.now = last.replace(hour=15, minute=0)

    over = await call(card_counter, requests()["GetCard"])

    assert good.cards[0].state == card_pb2.CARD_STATE_ACTIVE
    assert over.cards[0].state == card_pb2.CARD_STATE_EXPIRED
    assert await reason_of(card_counter, suspend()) == "CARD_EXPIRED"


@pytest.mark.parametrize(
    ("today", "state", "continue_until"),
    [
        (21, card_pb2.CARD_STATE_ACTIVE, "2027-02-21"),
        (22, card_pb2.CARD_STATE_LAPSED, ""),
    ],
)
async def test_case_27_until_when_the_use_can_be_continued_is_shown_and_then_that_it_has_lapsed(
    card_counter: CardCounter,
    today: int,
    state: card_pb2.CardState.ValueType,
    continue_until: str,
) -> None:
    serial, former = serial_of(TARO), CHIYODA.municipality
    await card_counter.life.store.act(
        lambda tx: tx.cards.set_continuation(serial, former, date(2027, 2, 21))
    )
    card_counter.clock.now = card_counter.clock.now.replace(year=2027, month=2, day=today)

    (card,) = (await call(card_counter, requests()["GetCard"])).cards

    assert (card.state, card.continue_until) == (state, continue_until)


async def test_an_answer_that_is_given_again_tells_the_card_as_it_counts_by_then(
    card_counter: CardCounter,
) -> None:
    serial, former = serial_of(TARO), CHIYODA.municipality
    await card_counter.life.store.act(
        lambda tx: tx.cards.set_continuation(serial, former, date(2026, 11, 23))
    )
    request = suspend()

    first = await call(card_counter, request)
    card_counter.clock.now = card_counter.clock.now.replace(hour=15)
    again = await call(card_counter, request)

    assert (first.card.state, first.card.continue_until) == (
        card_pb2.CARD_STATE_SUSPENDED,
        "2026-11-23",
    )
    assert (again.card.state, again.card.continue_until) == (card_pb2.CARD_STATE_LAPSED, "")


async def test_cards_of_another_municipality_are_as_unknown_as_none(
    card_counter: CardCounter,
) -> None:
    request, nobodys = requests()["GetCard"], requests()["GetCard"]
    nobodys.card.code = "24727059608"

    with pytest.raises(grpc.aio.AioRpcError) as elsewhere:
        await call(card_counter, request, card_counter.terminal("131016"))
    with pytest.raises(grpc.aio.AioRpcError) as unknown:
        await call(card_counter, nobodys, card_counter.terminal("131016"))

    assert refusal(elsewhere.value).reason == "CARD_UNKNOWN"
    assert elsewhere.value.details() == unknown.value.details()
    assert elsewhere.value.trailing_metadata() == unknown.value.trailing_metadata()


async def test_a_lock_is_counted_once_for_its_request(card_counter: CardCounter) -> None:
    request = requests()["ReportLock"]

    await call(card_counter, request)
    await call(card_counter, request)

    assert "juki_pin_locks_reported_total 1.0" in counted(card_counter)


@pytest.mark.parametrize("name", ["SuspendCard", "RevokeCard", "BeginUnlockPin"])
async def test_a_request_id_with_another_content_is_refused(
    card_counter: CardCounter, name: str
) -> None:
    request = requests()[name]
    await call(card_counter, request)
    request.clerk_name = "別人"

    assert await reason_of(card_counter, request) == "REQUEST_ID_REUSED"


async def test_two_suspensions_at_once_are_both_answered_and_noted(
    card_counter: CardCounter,
) -> None:
    peers = card_counter.callers()
    answers = await asyncio.gather(
        *(call(card_counter, suspend(), peers[role]) for role in ("terminal", "desk"))
    )

    assert {answer.card.state for answer in answers} == {card_pb2.CARD_STATE_SUSPENDED}
    assert len(card_counter.life.notes()) == 2


async def test_a_desks_suspension_between_authentication_and_issue_wins(
    card_counter: CardCounter,
) -> None:
    """Case 14: the copy is refused, although the session was finished before the report."""
    async with card_counter.copies() as stub:
        before, meanwhile = [await copy_request(card_counter) for _ in range(2)]
        issued = await stub.IssueCopy(before)

        await call(card_counter, suspend(), card_counter.callers()["desk"])
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stub.IssueCopy(meanwhile)

    assert issued.issue.issue_number
    assert refusal(refused.value).reason == "CARD_SUSPENDED"


async def copy_request(counter: CardCounter) -> copies_pb.IssueCopyRequest:
    """Return a request for a copy whose session Taro's card has finished."""
    session = await counter.life.session(Purpose.CERTIFICATE_COPY, terminal=CHIYODA)
    return copies_pb.IssueCopyRequest(
        request_id=new_id(),
        card_session_id=session,
        fee_yen=300,
        scope=copies_pb.IssueCopyRequest.SCOPE_SELF,
    )


async def test_a_suspension_works_while_the_municipality_is_disconnected_and_nothing_else_does(
    card_counter: CardCounter,
) -> None:
    await card_counter.life.disconnect()

    suspended = await call(card_counter, suspend())

    assert suspended.card.state == card_pb2.CARD_STATE_SUSPENDED
    assert await reason_of(card_counter, requests()["RevokeCard"]) == "RESIDENCE_DISCONNECTED"


async def test_log_and_refusals_say_nothing_of_persons_and_pins(card_counter: CardCounter) -> None:
    await card_counter.life.make()
    await call(card_counter, requests()["BeginHandOver"])
    await call(card_counter, suspend(police_report="所沢123"))
    await reason_of(card_counter, requests()["RevokeCard"], card_counter.terminal("131016"))

    written = card_counter.edge.log_text() + str(leaves(card_counter.life.store))
    for secret in (TARO_CODE, CLERK, TRANSPORT_PIN, "所沢123", "0302"):
        assert secret not in written


def counted(counter: CardCounter) -> str:
    """Return what the center counts."""
    return counter.metrics.exposition().decode()
