"""The life of a card between the wire and the areas: protos in, commands out, and back.

Every field is checked here, once. What a window may do to a card is decided by the acts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from juki_center.areas.cards import suspensions
from juki_center.areas.cards.hand_overs import BeginHandOver, HandOver
from juki_center.areas.cards.lock_reports import ReportLock
from juki_center.areas.cards.looks import GetCard
from juki_center.areas.cards.numbers import ApplicationNumber, CardNumber
from juki_center.areas.cards.references import ByCode, ByNumber
from juki_center.areas.cards.register import CardStatus, CardStyle
from juki_center.areas.cards.resumptions import ResumeCard
from juki_center.areas.cards.returns import ByCheck, ByFace, ReturnCard
from juki_center.areas.cards.revocations import RevokeCard
from juki_center.areas.cards.rules import as_of, awaits_continuation, is_expired
from juki_center.areas.cards.unlock_rows import UnlockMode
from juki_center.areas.cards.unlocks import BeginUnlock, CompleteUnlock
from juki_center.rpc import fields
from juki_center.rpc.card_applications_translation import application_message
from juki_center.rpc.evidence_translation import documents, representative
from juki_center.rpc.records_translation import resident_code
from jukinet.cards.v1 import card_application_pb2, card_pb2
from jukinet.cards.v1 import card_service_pb2 as pb

if TYPE_CHECKING:
    from datetime import datetime
    from typing import TypeAlias

    from juki_center.areas.callers import Desk, Operator, Terminal
    from juki_center.areas.cards.hand_overs import HandedOver, HandOverBegun
    from juki_center.areas.cards.references import CardReference
    from juki_center.areas.cards.register import Card
    from juki_center.areas.cards.suspensions import Suspended
    from juki_center.areas.cards.unlocks import UnlockBegun

    Named: TypeAlias = (
        pb.BeginHandOverRequest
        | pb.HandOverRequest
        | pb.BeginUnlockPinRequest
        | pb.UnlockPinRequest
        | pb.SuspendCardRequest
        | pb.ResumeCardRequest
        | pb.RevokeCardRequest
        | pb.ReturnCardRequest
        | pb.GetCardRequest
    )

_CLERK_NAME: Final = 60
_ID: Final = 16
_FEE: Final = 1_000_000
_QUESTIONS: Final = 10
_POLICE_REPORT: Final = 40
_CARD_NUMBER: Final = 24
_STYLES: Final = {
    CardStyle.STYLE_1: card_application_pb2.CARD_STYLE_1,
    CardStyle.STYLE_2: card_application_pb2.CARD_STYLE_2,
}
_STATES: Final = {
    CardStatus.MAKING: card_pb2.CARD_STATE_MAKING,
    CardStatus.MADE: card_pb2.CARD_STATE_MADE,
    CardStatus.HELD: card_pb2.CARD_STATE_SUSPENDED,
    CardStatus.ACTIVE: card_pb2.CARD_STATE_ACTIVE,
    CardStatus.SUSPENDED: card_pb2.CARD_STATE_SUSPENDED,
    CardStatus.REVOKED: card_pb2.CARD_STATE_REVOKED,
    CardStatus.LAPSED: card_pb2.CARD_STATE_LAPSED,
    CardStatus.RETURNED: card_pb2.CARD_STATE_RETURNED,
    CardStatus.VOID: card_pb2.CARD_STATE_VOID,
}


def begin_hand_over(request: pb.BeginHandOverRequest, sender: Terminal) -> BeginHandOver:
    """Check and translate what opens a hand-over."""
    return BeginHandOver(
        sender,
        _clerk(request),
        _application(request.application_number),
        documents("documents", request.documents),
    )


def hand_over(request: pb.HandOverRequest, sender: Terminal) -> HandOver:
    """Check and translate a hand-over."""
    return HandOver(
        terminal=sender,
        request_id=fields.uuid4("request_id", request.request_id),
        clerk_name=_clerk(request),
        application=_application(request.application_number),
        session_id=_session(request.card_session_id),
        fee_yen=fields.number("fee_yen", request.fee_yen, least=0, most=_FEE),
    )


def begin_unlock(request: pb.BeginUnlockPinRequest, sender: Terminal) -> BeginUnlock:
    """Check and translate what opens an unlocking."""
    modes = pb.BeginUnlockPinRequest.Mode.DESCRIPTOR
    return BeginUnlock(
        terminal=sender,
        request_id=fields.uuid4("request_id", request.request_id),
        clerk_name=_clerk(request),
        card=_reference(request),
        documents=documents("documents", request.documents),
        mode=fields.choice("mode", request.mode, modes, UnlockMode),
        representative=representative("representative", request.representative)
        if request.HasField("representative")
        else None,
    )


def complete_unlock(request: pb.UnlockPinRequest, sender: Terminal) -> CompleteUnlock:
    """Check and translate what ends an unlocking."""
    return CompleteUnlock(
        terminal=sender,
        request_id=fields.uuid4("request_id", request.request_id),
        clerk_name=_clerk(request),
        unlock_id=fields.octets("unlock_id", request.unlock_id, size=_ID),
        session_id=_session(request.card_session_id),
    )


def report_lock(request: pb.ReportLockRequest, sender: Terminal) -> ReportLock:
    """Check and translate the report of a lock."""
    return ReportLock(sender, fields.uuid4("request_id", request.request_id))


def suspend_card(
    request: pb.SuspendCardRequest, sender: Terminal | Desk | Operator
) -> suspensions.SuspendCard:
    """Check and translate the report of a loss."""
    return suspensions.SuspendCard(
        caller=sender,
        request_id=fields.uuid4("request_id", request.request_id),
        clerk_name=_clerk(request),
        card=_reference(request),
        report=_report(request),
    )


def _report(request: pb.SuspendCardRequest) -> suspensions.LossReport:
    kinds = pb.SuspendCardRequest
    fields.number("questions", len(request.questions), least=0, most=_QUESTIONS)
    return suspensions.LossReport(
        reporter=fields.choice(
            "reporter", request.reporter, kinds.Reporter.DESCRIPTOR, suspensions.Reporter
        ),
        channel=fields.choice(
            "channel", request.channel, kinds.Channel.DESCRIPTOR, suspensions.Channel
        ),
        reason=fields.choice(
            "reason", request.reason, kinds.Reason.DESCRIPTOR, suspensions.LossReason
        ),
        questions=tuple(
            _question(f"questions[{index}]", one) for index, one in enumerate(request.questions)
        ),
        police_report=fields.text(
            "police_report", request.police_report, longest=_POLICE_REPORT, may_be_empty=True
        ),
    )


def _question(path: str, message: pb.CallerQuestion) -> suspensions.CallerQuestion:
    topics = pb.CallerQuestion.Topic.DESCRIPTOR
    return suspensions.CallerQuestion(
        fields.choice(f"{path}.topic", message.topic, topics, suspensions.Topic),
        message.answered_rightly,
    )


def resume_card(request: pb.ResumeCardRequest, sender: Terminal) -> ResumeCard:
    """Check and translate what takes a suspension back."""
    return ResumeCard(
        terminal=sender,
        request_id=fields.uuid4("request_id", request.request_id),
        clerk_name=_clerk(request),
        session_id=_session(request.card_session_id),
        documents=documents("documents", request.documents),
        card_number=_meant("card_number", request.card_number),
    )


def revoke_card(request: pb.RevokeCardRequest, sender: Terminal) -> RevokeCard:
    """Check and translate what ends a card."""
    return RevokeCard(
        terminal=sender,
        request_id=fields.uuid4("request_id", request.request_id),
        clerk_name=_clerk(request),
        card=_reference(request),
        documents=documents("documents", request.documents),
    )


def return_card(request: pb.ReturnCardRequest, sender: Terminal) -> ReturnCard:
    """Check and translate what takes a card back."""
    which: ByCheck | ByFace
    match request.WhichOneof("card"):
        case "card_session_id":
            which = ByCheck(
                _session(request.card_session_id),
                _meant("expected_card_number", request.expected_card_number),
            )
        case "card_number":
            which = ByFace(card_number("card_number", request.card_number))
        case _:
            raise fields.invalid("card", "REQUIRED")
    return ReturnCard(
        terminal=sender,
        request_id=fields.uuid4("request_id", request.request_id),
        clerk_name=_clerk(request),
        card=which,
    )


def get_card(request: pb.GetCardRequest, sender: Terminal) -> GetCard:
    """Check and translate a question for cards."""
    return GetCard(sender, _clerk(request), _reference(request))


def card_message(card: Card, now: datetime) -> card_pb2.Card:
    """Translate a card as it is today."""
    message = card_pb2.Card(
        number=card.number,
        state=_state(card, now),
        style=_STYLES[card.style],
        made_on=card.made_on.isoformat(),
        valid_until=card.valid_until.isoformat(),
        pin_pending=card.pin_pending,
    )
    if card.returned_at is not None:
        message.return_time.FromDatetime(card.returned_at)
    if card.continue_until is not None and awaits_continuation(card, now):
        message.continue_until = card.continue_until.isoformat()
    return message


def _state(card: Card, now: datetime) -> card_pb2.CardState.ValueType:
    counted = as_of(card, now)
    return card_pb2.CARD_STATE_EXPIRED if is_expired(counted, now) else _STATES[counted.status]


def hand_over_begun_message(begun: HandOverBegun) -> pb.BeginHandOverResponse:
    """Translate what a hand-over needs."""
    return pb.BeginHandOverResponse(
        card_number=begun.card_number,
        transport_pin=begun.transport_pin,
        forbidden_pins=begun.forbidden_pins,
        fee_yen=begun.fee_yen,
    )


def handed_over_message(handed: HandedOver, now: datetime) -> pb.HandOverResponse:
    """Translate a card that was handed over."""
    return pb.HandOverResponse(
        application=application_message(handed.application), card=card_message(handed.card, now)
    )


def unlock_begun_message(begun: UnlockBegun) -> pb.BeginUnlockPinResponse:
    """Translate an unlocking that was opened."""
    return pb.BeginUnlockPinResponse(unlock_id=begun.unlock_id, forbidden_pins=begun.forbidden_pins)


def suspended_message(suspended: Suspended, now: datetime) -> pb.SuspendCardResponse:
    """Translate a card that is suspended."""
    message = pb.SuspendCardResponse(card=card_message(suspended.card, now))
    message.suspend_time.FromDatetime(suspended.since)
    return message


def _meant(path: str, text: str) -> CardNumber | None:
    return card_number(path, text) if text else None


def card_number(path: str, text: str) -> CardNumber:
    """Parse a card's number as a person has read it out: spaces and hyphens do not count."""
    fields.text(path, text, longest=_CARD_NUMBER)
    with fields.field(path):
        return CardNumber(text.replace(" ", "").replace("-", ""))


def _reference(
    request: pb.BeginUnlockPinRequest
    | pb.SuspendCardRequest
    | pb.RevokeCardRequest
    | pb.GetCardRequest,
) -> CardReference:
    match request.card.WhichOneof("card"):
        case "code":
            return ByCode(resident_code("card.code", request.card.code))
        case "card_number":
            return ByNumber(card_number("card.card_number", request.card.card_number))
        case _:
            raise fields.invalid("card", "REQUIRED")


def _clerk(request: Named) -> str:
    """Return the clerk's name. Absent is for the act to refuse: it has a reason of its own."""
    return fields.text("clerk_name", request.clerk_name, longest=_CLERK_NAME, may_be_empty=True)


def _application(text: str) -> ApplicationNumber:
    with fields.field("application_number"):
        return ApplicationNumber(text)


def _session(octets: bytes) -> bytes:
    return fields.octets("card_session_id", octets, size=_ID)
