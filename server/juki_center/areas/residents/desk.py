"""The desk: how every act on a register is done once, by a named clerk, and into the log.

A refusal changes nothing, and the log shows it with its cause and, once it is known, the person.
What an act answers is kept as the versions that it wrote: versions never change, so that a request
that comes again is answered from the register itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Protocol, cast
from uuid import UUID

import cbor2

from juki_center.areas.audit.events import AuditEvent, AuditLog, DeniedAttempt, Event
from juki_center.areas.callers import Terminal
from juki_center.areas.cards.application_rows import Applications
from juki_center.areas.cards.register import Cards
from juki_center.areas.days import day_in_japan
from juki_center.areas.moves.rows import Moves
from juki_center.areas.moves.waiting_rows import Notices
from juki_center.areas.requests.answers import Answers, Request, first_answer
from juki_center.areas.requests.encoding import canonical
from juki_center.areas.residents.changes import Changes
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.areas.residents.locks import EditLocks
from juki_center.areas.residents.policy import RegisterPolicy
from juki_center.areas.residents.records import PersonID, Resident, Residents
from juki_center.areas.residents.stock import CodeStock
from juki_center.errors import NotAllowed, Reason, Refusal, RuleBroken

if TYPE_CHECKING:
    # The ports know what is kept of all areas, this one among them.
    from juki_center.areas.ports import Chance


class ReadTx(Protocol):
    """What reading a record needs of a transaction."""

    @property
    def audit(self) -> AuditLog: ...

    @property
    def residents(self) -> Residents: ...


class RegisterTx(ReadTx, Protocol):
    """What changing a record needs of a transaction."""

    @property
    def answers(self) -> Answers: ...

    @property
    def applications(self) -> Applications: ...

    @property
    def cards(self) -> Cards: ...

    @property
    def changes(self) -> Changes: ...

    @property
    def codes(self) -> CodeStock: ...

    @property
    def chance(self) -> Chance: ...

    @property
    def locks(self) -> EditLocks: ...

    @property
    def moves(self) -> Moves: ...

    @property
    def notices(self) -> Notices: ...


@dataclass(frozen=True, slots=True)
class Desk:
    """Where an act is done: at which window, by whom, when, and on whose register."""

    terminal: Terminal
    clerk_name: str = field(repr=False)
    now: datetime
    policy: RegisterPolicy

    @property
    def register(self) -> MunicipalityCode:
        """The municipality whose register the window keeps."""
        return self.policy.municipalities.register_of(self.terminal.municipality)


@dataclass(frozen=True, slots=True)
class Written:
    """What an act wrote: the records in their new versions, and the numbers of its answer.

    `event` is what the log calls it.
    """

    records: tuple[Resident, ...]
    numbers: tuple[int, ...] = ()
    event: Event = Event.RECORD_CHANGED


Find = Callable[[], tuple[Resident, ...]]
"""Finds whom the act concerns; until it returns, the log knows nobody."""

Write = Callable[[tuple[Resident, ...]], Written]
"""Does the act to those who were found, or refuses it before anything is written."""


def once(
    tx: RegisterTx, desk: Desk, command: object, *, request_id: UUID, find: Find, write: Write
) -> Written:
    """Do a changing act, or return what it wrote when its request came first.

    Raises Refusal: REQUEST_ID_REUSED, ANSWER_EXPIRED, UNAUTHENTICATED, RESIDENCE_DISCONNECTED; and
    what `find` and `write` raise, as DeniedAttempt.
    """
    request = Request(desk.terminal.uri, request_id, canonical(command))
    earlier = first_answer(tx.answers, request, desk.now)
    if earlier is not None:
        return _reopen(tx, earlier)
    refuse_abolished(desk)
    with logged(desk):
        refuse_unnamed(desk)
        found = find()
    with logged(desk, found):
        written = write(found)
    tx.answers.put(
        request,
        _kept(written),
        resource=str(request_id),
        sealed_for=desk.register,
        now=desk.now,
    )
    tx.audit.append(leaf(desk, written.event, written.records))
    return written


def refuse_abolished(desk: Desk) -> None:
    """Raise Refusal(UNAUTHENTICATED) for a window whose municipality is no more."""
    day = day_in_japan(desk.now)
    if desk.policy.municipalities.valid_on(desk.terminal.municipality, day) is None:
        raise Refusal(Reason.UNAUTHENTICATED)


def refuse_unnamed(desk: Desk) -> None:
    """Raise Refusal(CLERK_NAME_REQUIRED)."""
    if not desk.clerk_name.strip():
        raise Refusal(Reason.CLERK_NAME_REQUIRED)


@contextmanager
def logged(desk: Desk, found: tuple[Resident, ...] = ()) -> Iterator[None]:
    """Let refusals pass as ones that the log shows, and broken rules as refusals."""
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
    event = leaf(desk, Event.RECORD_REFUSED, found, cause.reason)
    raise DeniedAttempt(cause, event) from cause


def leaf(
    desk: Desk, event: Event, concerned: tuple[Resident, ...], cause: Reason | None = None
) -> AuditEvent:
    """Return what the log says of an act: who, where, whose, with which outcome."""
    done = AuditEvent(
        event=event,
        at=desk.now,
        caller_uri=desk.terminal.uri,
        issuing=desk.terminal.municipality,
        residence=desk.register,
        subjects=tuple(dict.fromkeys(one.person for one in concerned)),
    )
    return done if cause is None else replace(done, cause=cause)


def _kept(written: Written) -> bytes:
    versions = [[one.person.octets, one.version] for one in written.records]
    return cbor2.dumps([versions, list(written.numbers)], canonical=True)


def _reopen(tx: ReadTx, octets: bytes) -> Written:
    versions, numbers = cast("tuple[list[tuple[bytes, int]], list[int]]", cbor2.loads(octets))
    records = tuple(tx.residents.version(PersonID(person), number) for person, number in versions)
    return Written(records, tuple(numbers))
