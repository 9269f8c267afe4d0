"""Updates from a municipality's own system: each makes the next version of a record, once.

The code says who it is, the version in which order. What comes too early is held, and applied by
itself as soon as the gap before it is closed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from juki_center.areas.audit.events import AuditLog
from juki_center.areas.cards.register import Cards
from juki_center.areas.residents.changes import Changes
from juki_center.areas.residents.civil_dates import CivilDate
from juki_center.areas.residents.codes import MunicipalityCode, ResidentCode
from juki_center.areas.residents.records import ChangeReason, ResidenceState, Residents
from juki_center.areas.residents.rules import CheckedRecord


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
    is the rule; with HELD, `missing` is the version that has to come first.
    """

    outcome: Outcome
    version: int
    field: str = ""
    rule: str = ""
    missing: int = 0
    followed: tuple[Applied, ...] = ()


class PendingUpdates(Protocol):
    """What the store keeps of updates that came too early, sealed for their municipality."""

    def hold(self, update: Update, *, missing: int, now: datetime) -> None:
        """Keep an update, in place of an earlier one of the same code and version."""

    def take(
        self, municipality: MunicipalityCode, code: ResidentCode, version: int
    ) -> Update | None:
        """Return the held update of a code and a version, and hold it no longer."""


class UpdateTx(Protocol):
    """What applying updates needs of a transaction."""

    @property
    def audit(self) -> AuditLog: ...

    @property
    def cards(self) -> Cards: ...

    @property
    def changes(self) -> Changes: ...

    @property
    def pending(self) -> PendingUpdates: ...

    @property
    def residents(self) -> Residents: ...


def apply_update(tx: UpdateTx, update: Update, now: datetime, *, caller_uri: str) -> Applied:
    """Apply an update if it is the next version of its record, and what waited for it.

    `caller_uri` is who imports, for the log of cards that lapse. Raises
    Refusal(RESIDENCE_DISCONNECTED); every other trouble is an outcome.
    """
    raise NotImplementedError
