"""The window: how every act on applications and cards is done once, by a named clerk, and logged.

A refusal changes nothing, and the log shows it with its cause and, once it is known, the person.
The first answer is kept sealed under the municipality's key and given back to the same request.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Protocol
from uuid import UUID

from juki_center.areas.audit.events import AuditEvent, AuditLog, DeniedAttempt, Event
from juki_center.areas.callers import Terminal
from juki_center.areas.cards.policy import CardPolicy
from juki_center.areas.days import day_in_japan
from juki_center.areas.requests.answers import Answers, Request, first_answer
from juki_center.areas.requests.encoding import canonical
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.areas.residents.records import PersonID
from juki_center.errors import NotAllowed, Reason, Refusal, RuleBroken


class WindowTx(Protocol):
    """What doing an act once needs of a transaction."""

    @property
    def answers(self) -> Answers: ...

    @property
    def audit(self) -> AuditLog: ...


@dataclass(frozen=True, slots=True)
class Window:
    """Where an act is done: at which terminal, by whom, when."""

    terminal: Terminal
    clerk_name: str = field(repr=False)
    now: datetime
    policy: CardPolicy

    @property
    def register(self) -> MunicipalityCode:
        """The municipality whose residents and cards the window serves."""
        return self.policy.municipalities.register_of(self.terminal.municipality)

    @property
    def today(self) -> date:
        """The day in Japan."""
        return day_in_japan(self.now)


@dataclass(frozen=True, slots=True)
class Done:
    """What an act did: its answer as octets, and what the log says of it.

    `resource` is an application or card number; `details` are plain facts, never personal data.
    `residence` is whose log shows the act too, where that is another register than the window's.
    """

    answer: bytes = field(repr=False)
    event: Event
    subjects: tuple[PersonID, ...] = ()
    resource: str = ""
    details: tuple[tuple[str, str], ...] = ()
    residence: MunicipalityCode | None = None


class Found:
    """Whom an act concerns, as far as it has found out; what the log of a refusal may name."""

    __slots__ = ("resource", "subjects")

    def __init__(self) -> None:
        self.subjects: tuple[PersonID, ...] = ()
        self.resource = ""

    def is_about(self, *subjects: PersonID, resource: str = "") -> None:
        """Say whom the act concerns."""
        self.subjects = subjects
        self.resource = resource


def once(
    tx: WindowTx,
    window: Window,
    command: object,
    *,
    request_id: UUID,
    act: Callable[[Found], Done],
    refused: Event = Event.CARD_ACT_REFUSED,
) -> bytes:
    """Do a changing act, or return the octets that it answered when its request came first.

    Raises Refusal: REQUEST_ID_REUSED, ANSWER_EXPIRED, UNAUTHENTICATED, RESIDENCE_DISCONNECTED; and
    CLERK_NAME_REQUIRED and what `act` raises, as DeniedAttempt.
    """
    request = Request(window.terminal.uri, request_id, canonical(command))
    earlier = first_answer(tx.answers, request, window.now)
    if earlier is not None:
        return earlier
    done = logged(window, act, refused)
    tx.answers.put(
        request,
        done.answer,
        resource=done.resource or str(request_id),
        sealed_for=window.register,
        now=window.now,
    )
    tx.audit.append(_leaf_of(window, done))
    return done.answer


def look(
    tx: WindowTx,
    window: Window,
    act: Callable[[Found], Done],
    refused: Event = Event.CARD_ACT_REFUSED,
) -> bytes:
    """Do an act that changes nothing and that the log shows all the same.

    Raises Refusal: UNAUTHENTICATED; and CLERK_NAME_REQUIRED and what `act` raises, as
    DeniedAttempt.
    """
    done = logged(window, act, refused)
    tx.audit.append(_leaf_of(window, done))
    return done.answer


def logged(window: Window, act: Callable[[Found], Done], refused: Event) -> Done:
    """Run an act so that its refusals leave a leaf, with broken rules as refusals."""
    refuse_abolished(window)
    found = Found()
    with _denied(window, found, refused):
        if not window.clerk_name.strip():
            raise Refusal(Reason.CLERK_NAME_REQUIRED)
        return act(found)


def refuse_abolished(window: Window) -> None:
    """Raise Refusal(UNAUTHENTICATED) for a window whose municipality is no more."""
    municipalities = window.policy.municipalities
    if municipalities.valid_on(window.terminal.municipality, window.today) is None:
        raise Refusal(Reason.UNAUTHENTICATED)


def sender_of(window: Window) -> str:
    """Return the municipality that writes to residents, with its prefecture.

    Raises Refusal(UNAUTHENTICATED) where it is no more.
    """
    office = window.policy.municipalities.valid_on(window.register, window.today)
    if office is None:
        raise Refusal(Reason.UNAUTHENTICATED)
    return office.full_name


@contextmanager
def _denied(window: Window, found: Found, refused: Event) -> Iterator[None]:
    try:
        yield
    except Refusal as refusal:
        cause = refusal
    except RuleBroken as broken:
        cause = Refusal(Reason.FIELD_INVALID, field=broken.field, rule=broken.rule)
    except NotAllowed as no:
        cause = Refusal(Reason.NOT_IN_THIS_STATE, state=no.state, event=no.event)
    else:
        return
    event = replace(
        leaf(window, refused, subjects=found.subjects, resource=found.resource),
        cause=cause.reason,
    )
    raise DeniedAttempt(cause, event) from cause


def _leaf_of(window: Window, done: Done) -> AuditEvent:
    written = leaf(
        window, done.event, subjects=done.subjects, resource=done.resource, details=done.details
    )
    return replace(written, residence=done.residence or window.register)


def leaf(
    window: Window,
    event: Event,
    *,
    subjects: tuple[PersonID, ...] = (),
    resource: str = "",
    details: tuple[tuple[str, str], ...] = (),
) -> AuditEvent:
    """Return what the log says of an act: who, where, whose, with which outcome."""
    return AuditEvent(
        event=event,
        at=window.now,
        caller_uri=window.terminal.uri,
        issuing=window.terminal.municipality,
        residence=window.register,
        subjects=subjects,
        resource=resource,
        details=details,
    )
