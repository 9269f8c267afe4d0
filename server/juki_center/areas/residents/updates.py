"""Updates from a municipality's own system: each makes the next version of a record, once.

The code says who it is, the version in which order. What comes too early is held, and applied by
itself as soon as the gap before it is closed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Protocol

from juki_center.areas.audit.events import AuditLog
from juki_center.areas.cards.application_rows import Applications
from juki_center.areas.cards.register import Cards
from juki_center.areas.copies.issues import Issues
from juki_center.areas.copies.voids import void_unprinted
from juki_center.areas.fleet.queues import UpdateQueues
from juki_center.areas.moves.rows import Moves
from juki_center.areas.moves.waiting_rows import Notices
from juki_center.areas.requests.answers import Answers
from juki_center.areas.residents.cancellations import what_stood_before
from juki_center.areas.residents.changes import Changes
from juki_center.areas.residents.civil_dates import CivilDate
from juki_center.areas.residents.codes import MunicipalityCode, ResidentCode
from juki_center.areas.residents.guards import refuse_before_birth, refuse_future
from juki_center.areas.residents.records import (
    NOBODY,
    ChangeInformation,
    ChangeReason,
    CodeHolder,
    ResidenceState,
    Resident,
    Residents,
)
from juki_center.areas.residents.rules import CheckedRecord
from juki_center.areas.residents.update_rules import (
    is_same,
    merged,
    refuse_first_version,
    refuse_silent_change,
    refuse_transition,
    refuse_unlike_nationality,
)
from juki_center.areas.residents.versions import follow_end, notify, write_version
from juki_center.errors import RuleBroken

if TYPE_CHECKING:
    # The ports know what is kept of all areas, this one among them.
    from juki_center.areas.ports import Chance


class Outcome(StrEnum):
    """What became of an update; the names of the proto's Outcome without their prefix."""

    APPLIED = "APPLIED"
    DUPLICATE = "DUPLICATE"
    HELD = "HELD"
    REFUSED = "REFUSED"


@dataclass(frozen=True, slots=True)
class UpdateReason:
    """Why and from which day on, as the municipality's own system says it."""

    reason: ChangeReason = field(repr=False)
    date: CivilDate = field(repr=False)


@dataclass(frozen=True, slots=True)
class Update:
    """One version of one person's record. `version` counts from 1.

    `household_number` is the municipality's own; `record` has passed the register's rules, which
    its type says; `change` is None in the initial load of a register, of which no notice is made.
    """

    municipality: MunicipalityCode
    household_number: str = field(repr=False)
    version: int
    state: ResidenceState = field(repr=False)
    record: CheckedRecord = field(repr=False)
    change: UpdateReason | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of an update of a version; `followed` are the held ones that it set free.

    With REFUSED, `field` is the proto's name of the field that breaks a rule, or empty, and `rule`
    is the rule; with HELD, `missing` is the version that has to come first, or 0 where all updates
    of the register wait.
    """

    outcome: Outcome
    version: int
    field: str = ""
    rule: str = ""
    missing: int = 0
    followed: tuple[Applied, ...] = ()


@dataclass(frozen=True, slots=True)
class Gap:
    """Updates of one municipality that wait for a version which has not come.

    `missing` is the version right before the earliest one that waits, `since` when the first one
    came.
    """

    municipality: MunicipalityCode
    missing: int
    persons: int
    updates: int
    since: datetime


class PendingUpdates(Protocol):
    """What the store keeps of updates that came too early, sealed for their municipality."""

    def gaps(self) -> list[Gap]:
        """Count what waits, by municipality and missing version; disconnected ones too."""

    def hold(self, update: Update, *, missing: int, now: datetime) -> None:
        """Keep an update, in place of an earlier one of the same code and version."""

    def take(
        self, municipality: MunicipalityCode, code: ResidentCode, version: int
    ) -> Update | None:
        """Return the held update of a code and a version, and hold it no longer."""


_MOVES: Final = frozenset(
    {
        ChangeReason.MOVE_IN,
        ChangeReason.SPECIAL_MOVE_IN,
        ChangeReason.MOVE_OUT,
        ChangeReason.MOVE_WITHIN,
    }
)
"""With these reasons a copy that is not printed yet shows another address than the record."""


class UpdateTx(Protocol):
    """What applying updates needs of a transaction."""

    @property
    def answers(self) -> Answers: ...

    @property
    def applications(self) -> Applications: ...

    @property
    def audit(self) -> AuditLog: ...

    @property
    def cards(self) -> Cards: ...

    @property
    def chance(self) -> Chance: ...

    @property
    def changes(self) -> Changes: ...

    @property
    def issues(self) -> Issues: ...

    @property
    def moves(self) -> Moves: ...

    @property
    def notices(self) -> Notices: ...

    @property
    def pending(self) -> PendingUpdates: ...

    @property
    def queues(self) -> UpdateQueues: ...

    @property
    def residents(self) -> Residents: ...


def apply_update(tx: UpdateTx, update: Update, now: datetime, *, caller_uri: str) -> Applied:
    """Apply an update, or let it wait behind the others while its whole register's updates wait.

    `rule` of one that waits so is the state of the queue. Raises what `apply_now` raises.
    """
    waits = tx.queues.state_of(update.municipality)
    if waits is not None:
        tx.queues.put(update, now)
        return Applied(Outcome.HELD, update.version, rule=str(waits))
    return apply_now(tx, update, now, caller_uri=caller_uri)


def apply_now(tx: UpdateTx, update: Update, now: datetime, *, caller_uri: str) -> Applied:
    """Apply an update if it is the next version of its record, and what waited for it.

    `caller_uri` is who imports, for the log of cards that lapse. Raises
    Refusal(RESIDENCE_DISCONNECTED); every other trouble is an outcome.
    """
    applied = _apply(tx, update, now, caller_uri)
    if applied.outcome is not Outcome.APPLIED:
        return applied
    followed = tuple(_follow(tx, update, now, caller_uri))
    return replace(applied, followed=followed) if followed else applied


def _follow(tx: UpdateTx, update: Update, now: datetime, caller_uri: str) -> Iterator[Applied]:
    """Apply the held updates that an applied one sets free, until one does not apply."""
    code, version = update.record.code, update.version + 1
    while (held := tx.pending.take(update.municipality, code, version)) is not None:
        applied = _apply(tx, held, now, caller_uri)
        yield applied
        if applied.outcome is not Outcome.APPLIED:
            return
        version += 1


def _apply(tx: UpdateTx, update: Update, now: datetime, caller_uri: str) -> Applied:
    try:
        holder = tx.residents.by_any_code(update.record.code)
        known = _own(tx, holder, update)
        missing = known.version + 1 if known else 1
        if known is not None and update.version < missing:
            _refuse_unlike(tx, known, update)
            return Applied(Outcome.DUPLICATE, update.version)
        if known is not None:
            _refuse_elsewhere(holder, update)
        if update.version > missing:
            tx.pending.hold(update, missing=missing, now=now)
            return Applied(Outcome.HELD, update.version, missing=missing)
        if known is None:
            _enter(tx, update, now, is_taken=holder is not None)
        else:
            _append(tx, known, update, now, caller_uri)
            # Where an entry at the desk has closed the gap, the same update may still be held.
            tx.pending.take(update.municipality, update.record.code, update.version)
    except RuleBroken as broken:
        return Applied(Outcome.REFUSED, update.version, broken.field, broken.rule)
    return Applied(Outcome.APPLIED, update.version)


def _own(tx: UpdateTx, holder: CodeHolder | None, update: Update) -> Resident | None:
    """Return the newest version in the update's own book, wherever the person lives now.

    Raises RuleBroken, CODE_CHANGED, for a former code in that book. Somebody whom the book has
    never had is as unknown as one whom nobody knows; so is a code that was given elsewhere.
    """
    if holder is None and update.version == 1:
        return None
    # The same is asked for every code, so that the work says nothing about whose it is; a first
    # version of somebody else's code is answered as such anyway.
    person = holder.where.person if holder is not None else NOBODY
    known, code = tx.residents.own_last(person, update.municipality), update.record.code
    if known is None or code not in {known.record.code, *known.record.former_codes}:
        return None
    if code != known.record.code:
        raise RuleBroken("CODE_CHANGED", "code")
    return known


def _refuse_elsewhere(holder: CodeHolder | None, update: Update) -> None:
    """Raise RuleBroken, CODE_ELSEWHERE, for a new version of somebody who has moved away."""
    if holder is not None and holder.where.municipality != update.municipality:
        raise RuleBroken("CODE_ELSEWHERE", "code")


def _enter(tx: UpdateTx, update: Update, now: datetime, *, is_taken: bool) -> None:
    refuse_first_version(update)
    _refuse_dates(update, now)
    if is_taken:
        # Last, so that only an entry that would stand learns that the code is somebody's.
        raise RuleBroken("CODE_ELSEWHERE", "code")
    household = tx.residents.numbered_household(update.municipality, update.household_number)
    change = _information(update, now)
    person = tx.residents.enter(update.municipality, household, update.record, update.state, change)
    entered = Resident(
        person, update.municipality, household, update.state, 1, update.record, change
    )
    notify(tx, None, entered)


def _append(tx: UpdateTx, before: Resident, update: Update, now: datetime, caller_uri: str) -> None:
    refuse_transition(before.state, update)
    refuse_unlike_nationality(before.record, update)
    _refuse_dates(update, now)
    following = replace(
        before,
        household=tx.residents.numbered_household(update.municipality, update.household_number),
        state=update.state,
        record=merged(before.record, update.record),
        change=_information(update, now),
    )
    if update.change is not None and update.change.reason is ChangeReason.CANCELLATION:
        following = _cancelling(tx, before, following)
    refuse_silent_change(before, following)
    written = write_version(tx, before, following)
    if update.change is not None and update.change.reason in _MOVES:
        void_unprinted(tx, [written.person], now, caller_uri)
    follow_end(tx, before, written, caller_uri=caller_uri, now=now)


def _cancelling(tx: UpdateTx, newest: Resident, following: Resident) -> Resident:
    """Return the version that cancels the newest one.

    Raises RuleBroken unless it is what stood before, and that entry may be cancelled.
    """
    before = what_stood_before(tx, newest)
    if before is None:
        raise RuleBroken("ENTRY_NOT_CANCELLABLE", "reason")
    if not is_same(before, following):
        raise RuleBroken("NOT_WHAT_STOOD_BEFORE", "entries")
    change = following.change
    return replace(following, change=change and replace(change, cancels=newest.version))


def _refuse_unlike(tx: UpdateTx, newest: Resident, update: Update) -> None:
    """Raise RuleBroken, VERSION_OLD, where the book has no such version, or another content."""
    stored: Resident | None = newest
    if newest.version != update.version:
        stored = tx.residents.own_last(newest.person, newest.municipality, update.version)
    if stored is None or stored.version != update.version:
        raise RuleBroken("VERSION_OLD", "version")
    sent = replace(
        stored,
        household=tx.residents.numbered_household(update.municipality, update.household_number),
        state=update.state,
        record=merged(stored.record, update.record),
    )
    if not is_same(stored, sent) or _why(stored.change) != update.change:
        raise RuleBroken("VERSION_OLD", "version")


def _refuse_dates(update: Update, now: datetime) -> None:
    """Raise RuleBroken: FUTURE, and BEFORE_BIRTH for a change of somebody not yet born.

    Only a move out is entered beforehand (article 24).
    """
    refuse_future(update.record.birth, now, "date_of_birth")
    if update.change is None:
        return
    refuse_before_birth(update.change.date, update.record.birth, "change_date")
    if update.change.reason is not ChangeReason.MOVE_OUT:
        refuse_future(update.change.date, now, "change_date")


def _why(change: ChangeInformation | None) -> UpdateReason | None:
    return UpdateReason(change.reason, change.date) if change else None


def _information(update: Update, now: datetime) -> ChangeInformation | None:
    why = update.change
    return ChangeInformation(why.reason, why.date, recorded_at=now) if why else None
