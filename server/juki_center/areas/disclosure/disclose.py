"""The acts of disclosing: the holder's own information, and to whom it was provided.

Who asks is who has proved card and PIN in the session that the act uses up. Nobody else is told
anything, and what is told is kept for the same request, so that its pages agree.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Generic, Protocol, TypeVar

from juki_center.areas.agencies.commands import Information
from juki_center.areas.agencies.matching import registered_address
from juki_center.areas.audit.events import AuditEvent, DeniedAttempt, Event
from juki_center.areas.cards.register import Cards, Purpose
from juki_center.areas.cards.sessions import use_session
from juki_center.areas.disclosure.provided import ProvidedTx, period_of, provided_to
from juki_center.areas.disclosure.records import (
    Disclose,
    DisclosurePolicy,
    OwnInformation,
    ProvisionLog,
)
from juki_center.areas.moves.answer_codec import decode_answer, encode_answer
from juki_center.areas.requests.answers import Answers, Request, first_answer
from juki_center.areas.requests.encoding import canonical
from juki_center.areas.residents.changes import Item
from juki_center.areas.residents.records import Resident, Residents
from juki_center.errors import Reason, Refusal

Answer = TypeVar("Answer")
_NO_RESOURCE: Final = ""


class DiscloseTx(ProvidedTx, Protocol):
    """What disclosing needs of a transaction."""

    @property
    def answers(self) -> Answers: ...

    @property
    def cards(self) -> Cards: ...

    @property
    def residents(self) -> Residents: ...


def disclose_information(
    tx: DiscloseTx, command: Disclose, now: datetime, policy: DisclosurePolicy
) -> OwnInformation:
    """Disclose what the register holds of the holder (article 30-32; 30-37 in 2003).

    Raises Refusal with a reason that the proto's method lists; DISCLOSURE_NOT_OWN is a
    DeniedAttempt, which the log shows.
    """

    def tell(resident: Resident) -> OwnInformation:
        change = resident.change
        return OwnInformation(
            information=_information(resident, policy),
            change_reason=change.reason if change else None,
            change_date=change.date if change else None,
            municipality=resident.municipality,
            disclosed_at=now,
        )

    return _once(tx, command, now, _Told(Event.DISCLOSED_INFORMATION, OwnInformation, tell))


def disclose_provisions(
    tx: DiscloseTx, command: Disclose, now: datetime, policy: DisclosurePolicy
) -> ProvisionLog:
    """Disclose to whom the holder's information was provided, up to the end of last month.

    Raises Refusal with a reason that the proto's method lists; DISCLOSURE_NOT_OWN is a
    DeniedAttempt, which the log shows.
    """

    def tell(resident: Resident) -> ProvisionLog:
        period = period_of(now, policy)
        return ProvisionLog(provided_to(tx, resident.person, period, policy), period, now)

    return _once(tx, command, now, _Told(Event.DISCLOSED_PROVISIONS, ProvisionLog, tell))


@dataclass(frozen=True, slots=True)
class _Told(Generic[Answer]):
    """What kind of answer a disclosure gives, how it is made, and its event."""

    event: Event
    kind: type[Answer]
    tell: Callable[[Resident], Answer]


def _once(tx: DiscloseTx, command: Disclose, now: datetime, told: _Told[Answer]) -> Answer:
    """Answer a request once: use up its session, tell, keep the answer, write the leaf."""
    # The two kinds of disclosure have one command, and a request id is for one of them.
    content = told.event.encode() + canonical(command)
    request = Request(command.terminal.uri, command.request_id, content)
    earlier = first_answer(tx.answers, request, now)
    if earlier is not None:
        return decode_answer(earlier, told.kind)
    uri = command.terminal.uri
    session = use_session(tx, command.session_id, uri, Purpose.OWN_DISCLOSURE, now)
    resident = tx.residents.resident(session.person)
    if command.code is not None and command.code != resident.record.code:
        raise DeniedAttempt(Refusal(Reason.DISCLOSURE_NOT_OWN), _refused(command, resident, now))
    answer = told.tell(resident)
    tx.answers.put(
        request,
        encode_answer(answer),
        resource=_NO_RESOURCE,
        sealed_for=resident.municipality,
        now=now,
    )
    tx.audit.append(_event(told.event, command, resident, now))
    return answer


def _information(resident: Resident, policy: DisclosurePolicy) -> Information:
    record = resident.record
    return Information(
        name=record.name,
        alias=record.alias,
        birth=record.birth,
        sex=record.sex,
        address=registered_address(resident, policy.municipalities[resident.municipality]),
        code=record.code,
    )


def _event(event: Event, command: Disclose, resident: Resident, now: datetime) -> AuditEvent:
    items = tuple(Item) if event is Event.DISCLOSED_INFORMATION else ()
    return AuditEvent(
        event=event,
        at=now,
        caller_uri=command.terminal.uri,
        issuing=command.terminal.municipality,
        residence=resident.municipality,
        subjects=(resident.person,),
        items=items,
        resource=command.session_id.hex(),
    )


def _refused(command: Disclose, resident: Resident, now: datetime) -> AuditEvent:
    return AuditEvent(
        event=Event.DISCLOSURE_REFUSED,
        at=now,
        caller_uri=command.terminal.uri,
        cause=Reason.DISCLOSURE_NOT_OWN,
        issuing=command.terminal.municipality,
        residence=resident.municipality,
        subjects=(resident.person,),
        resource=command.session_id.hex(),
    )
