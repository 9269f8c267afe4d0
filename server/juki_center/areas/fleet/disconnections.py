"""Disconnections: whom the center answers no more, at which level, why, until two connect them.

Closing is easy: one operator is enough, whoever else is cut off, and closing again only renews
level and reason. Opening takes two persons, which is the edge's business. What must work whatever
is cut off stands in `PASSING`, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Final, Protocol, cast
from uuid import UUID

import cbor2

from juki_center.areas.audit.events import AuditEvent, AuditLog, Event
from juki_center.areas.cards.batches import CardBatch, CutOffBatches, card_batch
from juki_center.areas.fleet import subject_names
from juki_center.areas.fleet.control import Control, ControlKind
from juki_center.areas.fleet.queues import UpdateQueues, go_on, wait_while_closed
from juki_center.areas.moves.waiting import NoticesTx, notices_go_on, notices_wait
from juki_center.areas.requests.answers import Answers, Request, first_answer
from juki_center.areas.requests.encoding import canonical
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.areas.residents.registers import Registers
from juki_center.errors import KeyUnusable, Reason, Refusal, RuleBroken

MOST_REASON_CHARACTERS: Final = 200
_MOST_NAME_CHARACTERS: Final = 200


class Scope(StrEnum):
    """What is cut off; the names of the proto's Scope without their prefix."""

    TERMINAL = "TERMINAL"
    MUNICIPALITY = "MUNICIPALITY"
    AGENCY = "AGENCY"
    FUNCTION = "FUNCTION"
    CENTER = "CENTER"
    CARD_BATCH = "CARD_BATCH"


class Level(IntEnum):
    """The threat that was judged to be there (emergency plan, levels 1 to 3).

    NONE is for drills and maintenance, LOW for a blocked intrusion or a virus that was found, HIGH
    for data that are exposed or a terminal in the wrong hands.
    """

    NONE = 1
    LOW = 2
    HIGH = 3


@dataclass(frozen=True, slots=True)
class Subject:
    """What is cut off by name.

    `name` is a terminal's or an agency's URI, a municipality's code, the full name of a service on
    the wire, such as `jukinet.moves.v1.MoveService`, a batch of cards as `cards.batches` names it;
    it is empty for the whole center. Raises RuleBroken for a name that no such subject can have.
    """

    scope: Scope
    name: str

    def __post_init__(self) -> None:
        if len(self.name) > _MOST_NAME_CHARACTERS or not _NAMES[self.scope](self.name):
            raise RuleBroken(f"NO_{self.scope}")

    @property
    def municipality(self) -> MunicipalityCode | None:
        """The municipality that is cut off, where one is."""
        return MunicipalityCode(self.name) if self.scope is Scope.MUNICIPALITY else None

    @property
    def batch(self) -> CardBatch | None:
        """The batch of cards that is cut off, where one is."""
        return card_batch(self.name) if self.scope is Scope.CARD_BATCH else None


_NAMES: Final[Mapping[Scope, Callable[[str], bool]]] = {
    Scope.TERMINAL: subject_names.is_terminal,
    Scope.MUNICIPALITY: subject_names.is_municipality,
    Scope.AGENCY: subject_names.is_agency,
    Scope.FUNCTION: subject_names.is_service,
    Scope.CENTER: subject_names.is_empty,
    Scope.CARD_BATCH: subject_names.is_card_batch,
}

CENTER: Final = Subject(Scope.CENTER, "")

PASSING: Final = frozenset(
    {
        "/grpc.health.v1.Health/Check",
        "/grpc.health.v1.Health/Watch",
        "/jukinet.cards.v1.CardService/SuspendCard",
        "/jukinet.operations.v1.CenterService/Disconnect",
        "/jukinet.operations.v1.CenterService/GetCheckpoint",
        "/jukinet.operations.v1.CenterService/GetStatus",
        "/jukinet.operations.v1.CenterService/ProveConsistency",
        "/jukinet.operations.v1.CenterService/ProveInclusion",
        "/jukinet.operations.v1.CenterService/RevokeTerminal",
    }
)
"""What works whoever is cut off: reporting a lost card, closing, proofs and probes.

Nothing of it shows a resident's data, and nothing of it opens anything.
"""
PASSING_FOR_OPERATORS: Final = ("jukinet.operations.v1.", "jukinet.approvals.v1.")
"""Packages that operators may use while the whole center is cut off: it is opened by them."""

_BY_URI: Final = {"terminal": Scope.TERMINAL, "agency": Scope.AGENCY}
_REASONS: Final = {
    Scope.TERMINAL: Reason.DISCONNECTED_TERMINAL,
    Scope.MUNICIPALITY: Reason.DISCONNECTED_MUNICIPALITY,
    Scope.AGENCY: Reason.DISCONNECTED_AGENCY,
    Scope.FUNCTION: Reason.DISCONNECTED_FUNCTION,
    Scope.CENTER: Reason.DISCONNECTED_CENTER,
    Scope.CARD_BATCH: Reason.DISCONNECTED_CARD_BATCH,
}


@dataclass(frozen=True, slots=True)
class Disconnection:
    """What is cut off, since when, by whom and why; `reason` is an operator's words."""

    subject: Subject
    level: Level
    reason: str = field(repr=False)
    at: datetime
    by: str

    def refusal(self) -> Refusal:
        """Return with which refusal calls end; its facts say neither why nor by whom."""
        return refusal_of(self.subject)


def refusal_of(subject: Subject) -> Refusal:
    """Return the refusal for what belongs to a subject that is cut off."""
    return Refusal(_REASONS[subject.scope])


class Disconnections(CutOffBatches, Protocol):
    """What the store keeps of them."""

    def of(self, subject: Subject) -> Disconnection | None:
        """Return the disconnection of exactly this subject."""

    def first_of(self, subjects: Iterable[Subject]) -> Subject | None:
        """Return one of these subjects that is cut off, where there is one."""

    def every(self) -> list[Disconnection]:
        """Return all of them, the oldest first."""

    def put(self, disconnection: Disconnection) -> None:
        """Keep one, in place of an earlier one of the same subject."""

    def remove(self, subject: Subject) -> None:
        """Keep it no longer."""


class GuardTx(Protocol):
    """What looking whether a caller is cut off needs of a transaction."""

    @property
    def disconnections(self) -> Disconnections: ...


class DisconnectTx(GuardTx, NoticesTx, Protocol):
    """What cutting off and connecting again need of a transaction."""

    @property
    def answers(self) -> Answers: ...

    @property
    def audit(self) -> AuditLog: ...

    @property
    def control(self) -> Control: ...

    @property
    def queues(self) -> UpdateQueues: ...

    @property
    def registers(self) -> Registers: ...


@dataclass(frozen=True, slots=True)
class Disconnect:
    """Command: cut a subject off. `by` is who says so: an operator, or the machine's owner."""

    by: str
    request_id: UUID
    subject: Subject
    level: Level
    reason: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Reconnect:
    """Command: connect a subject again. That two persons want it was looked at before."""

    by: str
    request_id: UUID
    subject: Subject


@dataclass(frozen=True, slots=True)
class Standing:
    """Who calls what. `register` is whose register the caller's office keeps.

    That is another municipality than the office's own with a ward of a designated city.
    """

    method: str
    role: str
    uri: str
    municipality: MunicipalityCode | None = None
    register: MunicipalityCode | None = None


def subjects_of(caller: Standing) -> tuple[Subject, ...]:
    """Return all subjects whose disconnection stops a call; none for what passes always."""
    service = caller.method.strip("/").partition("/")[0]
    if caller.method in PASSING:
        return ()
    if caller.role == "operator" and service.startswith(PASSING_FOR_OPERATORS):
        return ()
    found = [CENTER]
    if subject_names.is_service(service):
        found.append(Subject(Scope.FUNCTION, service))
    if caller.role in _BY_URI:
        found.append(Subject(_BY_URI[caller.role], caller.uri))
    places = dict.fromkeys((caller.municipality, caller.register))
    found.extend(Subject(Scope.MUNICIPALITY, str(one)) for one in places if one is not None)
    return tuple(found)


def refuse_cut_off(tx: GuardTx, subjects: Iterable[Subject]) -> None:
    """Raise the refusal of the first of these subjects that is cut off.

    DISCONNECTED_TERMINAL, DISCONNECTED_MUNICIPALITY, DISCONNECTED_AGENCY, DISCONNECTED_FUNCTION or
    DISCONNECTED_CENTER.
    """
    cut_off = tx.disconnections.first_of(subjects)
    if cut_off is not None:
        raise refusal_of(cut_off)


def disconnect(tx: DisconnectTx, command: Disconnect, now: datetime) -> Disconnection:
    """Cut a subject off; one that is so already has its level and reason renewed.

    A municipality's register closes with it: no key opens it from the next transaction on. Raises
    RuleBroken for a reason that is no text, and Refusal: REQUEST_ID_REUSED, ANSWER_EXPIRED.
    """
    reason = usable_reason(command.reason)

    def act() -> Disconnection:
        before = tx.disconnections.of(command.subject)
        since = before.at if before else now
        made = Disconnection(command.subject, command.level, reason, since, command.by)
        tx.disconnections.put(made)
        _close(tx, made, now)
        _tell(tx, Event.DISCONNECTED, made, Said(command.by, command.request_id, now))
        return made

    return _once(tx, command, now, act)


def reconnect(tx: DisconnectTx, command: Reconnect, now: datetime) -> Disconnection:
    """Connect a subject again, and return the disconnection that has ended.

    Raises Refusal: NOT_DISCONNECTED, REQUEST_ID_REUSED, ANSWER_EXPIRED.
    """

    def act() -> Disconnection:
        ended = tx.disconnections.of(command.subject)
        if ended is None:
            raise Refusal(Reason.NOT_DISCONNECTED)
        tx.disconnections.remove(command.subject)
        _open(tx, command.subject)
        _tell(tx, Event.RECONNECTED, ended, Said(command.by, command.request_id, now))
        return ended

    return _once(tx, command, now, act)


def usable_reason(text: str) -> str:
    """Return why something is closed, in an operator's words. Raises RuleBroken, TEXT_UNUSABLE."""
    reason = text.strip()
    if not 1 <= len(reason) <= MOST_REASON_CHARACTERS or not reason.isprintable():
        raise RuleBroken("TEXT_UNUSABLE", "reason")
    return reason


@dataclass(frozen=True, slots=True)
class Said:
    """Who has said something in which request, and when."""

    by: str
    request_id: UUID
    at: datetime


def _once(
    tx: DisconnectTx,
    command: Disconnect | Reconnect,
    now: datetime,
    act: Callable[[], Disconnection],
) -> Disconnection:
    request = Request(command.by, command.request_id, canonical(command))
    earlier = first_answer(tx.answers, request, now)
    if earlier is not None:
        return _decoded(earlier)
    done = act()
    resource = str(command.request_id)
    # The center's own key seals it: it says nothing about anybody and stands whoever is cut off.
    tx.answers.put(request, _encoded(done), resource=resource, sealed_for=None, now=now)
    return done


def _encoded(one: Disconnection) -> bytes:
    subject = one.subject
    at = one.at.isoformat()
    return cbor2.dumps([subject.scope.value, subject.name, int(one.level), one.reason, at, one.by])


def _decoded(octets: bytes) -> Disconnection:
    scope, name, level, reason, at, by = cast(
        "tuple[str, str, int, str, str, str]", cbor2.loads(octets)
    )
    subject = Subject(Scope(scope), name)
    return Disconnection(subject, Level(level), reason, datetime.fromisoformat(at), by)


def _close(tx: DisconnectTx, made: Disconnection, now: datetime) -> None:
    """Close a municipality's register; its updates and what it is told wait from then on."""
    municipality = made.subject.municipality
    if municipality is not None and tx.registers.is_connected(municipality):
        # Closing never fails for a register that cannot be opened anyway; nothing waits for it.
        with suppress(KeyUnusable):
            wait_while_closed(tx, municipality, now, made.by)
        notices_wait(tx, municipality, now)
        tx.registers.set_connected(municipality, connected=False)


def _open(tx: DisconnectTx, subject: Subject) -> None:
    municipality = subject.municipality
    if municipality is not None and tx.registers.is_hosted(municipality):
        tx.registers.set_connected(municipality, connected=True)
        go_on(tx, municipality)
        notices_go_on(tx, municipality)


def _tell(tx: DisconnectTx, event: Event, about: Disconnection, said: Said) -> None:
    """Tell every process that serves, and the log."""
    is_cut = event is Event.DISCONNECTED
    kind = ControlKind.DISCONNECTED if is_cut else ControlKind.RECONNECTED
    subject = about.subject
    tx.control.append(kind, f"{subject.scope}:{subject.name}", said.at)
    tx.audit.append(
        AuditEvent(
            event,
            said.at,
            said.by,
            residence=subject.municipality,
            resource=subject.name,
            details=(("scope", subject.scope), ("level", str(int(about.level)))),
            request_id=said.request_id,
        )
    )
