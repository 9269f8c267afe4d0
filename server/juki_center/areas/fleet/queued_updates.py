"""The act of applying what has waited: in order, a few at a time, each for itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final, Protocol

from juki_center.areas.audit.events import AuditEvent, Event
from juki_center.areas.fleet.queues import QueueState
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.areas.residents.updates import Applied, Outcome, Update, UpdateTx, apply_now
from juki_center.errors import NotAllowed, RuleBroken

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

AT_ONCE: Final = 50


class ApplyTx(UpdateTx, Protocol):
    """What applying what has waited needs of a transaction."""

    def alone(self) -> AbstractContextManager[None]:
        """Undo what is done inside where it raises, and nothing else."""


@dataclass(frozen=True, slots=True)
class Round:
    """What became of some updates that had waited; `is_over` tells that nothing waits any more."""

    municipality: MunicipalityCode
    applied: int
    refused: int
    is_over: bool


def apply_waiting(
    tx: ApplyTx, municipality: MunicipalityCode, now: datetime, *, caller_uri: str
) -> Round | None:
    """Apply the updates that have waited longest; None where nothing is to be applied.

    One that breaks a rule is passed by, as it is in an import, and counted. Raises
    Refusal(RESIDENCE_DISCONNECTED) where the register was closed again.
    """
    if tx.queues.state_of(municipality) is not QueueState.RELEASING:
        return None
    waiting = tx.queues.first(municipality, AT_ONCE)
    outcomes = [_apply(tx, place, update, now, caller_uri) for place, update in waiting]
    refused = sum(one is Outcome.REFUSED for one in outcomes)
    is_over = len(waiting) < AT_ONCE
    if is_over:
        tx.queues.end(municipality)
    this = Round(municipality, len(waiting) - refused, refused, is_over)
    if waiting:
        _log(tx, this, now, caller_uri)
    return this


def _apply(tx: ApplyTx, place: int, update: Update, now: datetime, caller_uri: str) -> Outcome:
    tx.queues.remove(place)
    try:
        with tx.alone():
            return _refusing(apply_now(tx, update, now, caller_uri=caller_uri))
    except (RuleBroken, NotAllowed, _RefusedError):
        return Outcome.REFUSED


def _refusing(applied: Applied) -> Outcome:
    if applied.outcome is Outcome.REFUSED:
        raise _RefusedError
    return applied.outcome


class _RefusedError(Exception):
    """Undoes what a refused update has done so far."""


def _log(tx: ApplyTx, this: Round, now: datetime, caller_uri: str) -> None:
    tx.audit.append(
        AuditEvent(
            Event.RECORDS_IMPORTED,
            now,
            caller_uri,
            residence=this.municipality,
            resource=str(this.municipality),
            details=(
                ("from", "queue"),
                ("applied", str(this.applied)),
                ("refused", str(this.refused)),
            ),
        )
    )
