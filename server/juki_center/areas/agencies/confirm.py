"""The act of confirming one person, and how an answer becomes a provision."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from juki_center.areas.agencies.answering import Answered, answer, kind_of
from juki_center.areas.agencies.authorisations import Agencies, Authorisation, covering
from juki_center.areas.agencies.commands import (
    AffairCode,
    Confirm,
    Confirmation,
    Kind,
    Outcome,
)
from juki_center.areas.agencies.policy import AgencyPolicy
from juki_center.areas.agencies.provisions import Provision, Provisions, Recorded
from juki_center.areas.agencies.subscriptions import Subscriptions
from juki_center.areas.audit.events import AuditEvent, AuditLog, DeniedAttempt, Event
from juki_center.areas.callers import Agency
from juki_center.areas.residents.changes import Item
from juki_center.areas.residents.records import Residents
from juki_center.errors import Refusal

_WATCHABLE = frozenset({Outcome.MATCH, Outcome.MATCH_WITH_VARIANT, Outcome.DELETED})


class AuthorisedTx(Protocol):
    """What looking for an authorisation needs of a transaction."""

    @property
    def agencies(self) -> Agencies: ...


class ConfirmTx(AuthorisedTx, Protocol):
    """What confirming needs of a transaction."""

    @property
    def audit(self) -> AuditLog: ...

    @property
    def provisions(self) -> Provisions: ...

    @property
    def residents(self) -> Residents: ...

    @property
    def subscriptions(self) -> Subscriptions: ...


@dataclass(frozen=True, slots=True)
class Asking:
    """An agency that asks for an affair, and the kinds of provision that it asks for."""

    agency: Agency
    affair: AffairCode
    kinds: tuple[Kind, ...]


def confirm(tx: ConfirmTx, command: Confirm, now: datetime, policy: AgencyPolicy) -> Confirmation:
    """Confirm a person (article 30-9; 30-7 in 2003). Each answer is a provision of its own.

    Raises DeniedAttempt, which the log shows: AFFAIR_NOT_AUTHORISED, ITEM_NOT_PERMITTED,
    QUERY_TOO_BROAD, and RESIDENCE_DISCONNECTED, which tells that there is such a person.
    """
    kind = kind_of(command.question)
    watching = (Kind.CHANGES,) if command.watch else ()
    asking = Asking(command.agency, command.affair, (kind, *watching))
    allowed = authorised(tx, asking, command.items, now, policy)
    try:
        answered = answer(tx, command.question, command.items, policy.municipalities)
    except Refusal as refusal:
        raise DeniedAttempt(refusal, _refused(asking, refusal, now)) from refusal
    told = watched(tx, answered, allowed) if command.watch else answered
    provision = provision_of(told, allowed, kind, now)
    recorded = None if provision is None else tx.provisions.add(provision)
    tx.audit.append(_event(command, kind, allowed, told, recorded, now))
    return told.confirmation if recorded is None else numbered(told, recorded)


def authorised(
    tx: AuthorisedTx, asking: Asking, items: tuple[Item, ...], now: datetime, policy: AgencyPolicy
) -> Authorisation:
    """Return the row that allows a request. Raises DeniedAttempt."""
    rows = rows_for(tx, asking, policy)
    try:
        return covering(rows, asking.kinds, items, now)
    except Refusal as refusal:
        raise DeniedAttempt(refusal, _refused(asking, refusal, now)) from refusal


def rows_for(tx: AuthorisedTx, asking: Asking, policy: AgencyPolicy) -> list[Authorisation]:
    """Return an agency's rows for an affair, of whatever day.

    A row for an affair that the catalogue does not have allows nothing.
    """
    if asking.affair not in policy.affairs:
        return []
    return tx.agencies.authorisations(asking.agency.agency, asking.affair)


def watched(tx: ConfirmTx, answered: Answered, allowed: Authorisation) -> Answered:
    """Subscribe to the person of an answer, where there is one; return the answer with the
    reference that notices will carry."""
    confirmation, resident = answered.confirmation, answered.resident
    if resident is None or confirmation.outcome not in _WATCHABLE:
        return answered
    reference = tx.subscriptions.add(allowed.agency, allowed.affair, resident.person)
    return replace(answered, confirmation=replace(confirmation, subject_reference=reference))


def provision_of(
    answered: Answered, allowed: Authorisation, kind: Kind, now: datetime
) -> Provision | None:
    """Return the provision that an answer is, where it says something of a person."""
    resident = answered.resident
    if resident is None:
        return None
    return Provision(
        at=now,
        agency=allowed.agency,
        affair=allowed.affair,
        purpose=allowed.purpose,
        kind=kind,
        person=resident.person,
        municipality=resident.municipality,
        items=answered.told,
        outcome=answered.confirmation.outcome,
    )


def numbered(answered: Answered, recorded: Recorded) -> Confirmation:
    """Return an answer with the number of its provision."""
    return replace(answered.confirmation, provision_id=str(recorded.number))


def _event(
    command: Confirm,
    kind: Kind,
    allowed: Authorisation,
    answered: Answered,
    recorded: Recorded | None,
    now: datetime,
) -> AuditEvent:
    resident, confirmation = answered.resident, answered.confirmation
    return AuditEvent(
        event=Event.IDENTITY_CONFIRMED,
        at=now,
        caller_uri=command.agency.uri,
        residence=resident.municipality if resident else None,
        subjects=(resident.person,) if resident else (),
        items=tuple(answered.told),
        resource=str(recorded.number) if recorded else "",
        details=(
            ("affair", command.affair.text),
            ("purpose", allowed.purpose),
            ("kind", kind),
            ("outcome", confirmation.outcome),
            *_when(count=str(confirmation.count or "")),
            *_when(watch="yes" if confirmation.subject_reference else ""),
        ),
        request_id=command.question_id,
    )


def _refused(asking: Asking, refusal: Refusal, now: datetime) -> AuditEvent:
    return AuditEvent(
        event=Event.CONFIRMATION_REFUSED,
        at=now,
        caller_uri=asking.agency.uri,
        cause=refusal.reason,
        details=(
            ("affair", asking.affair.text),
            ("kind", " ".join(asking.kinds)),
            *_when(item=refusal.metadata.get("item", "")),
        ),
    )


def _when(**details: str) -> Iterable[tuple[str, str]]:
    """Return the details that say something."""
    return [(key, value) for key, value in details.items() if value]
