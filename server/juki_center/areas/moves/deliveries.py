"""The act of delivering one notice that has waited: in order, once, with a leaf of its own.

One that cannot be entered is set aside and named. Later ones of the same move stand behind it,
because what they say may rest on it; everything else goes on.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final, Protocol

from juki_center.areas.audit.events import AuditEvent, AuditLog, Event
from juki_center.areas.moves.rows import Correction, Move
from juki_center.areas.moves.states import MemberState, MoveState
from juki_center.areas.moves.waiting import LayInTx
from juki_center.areas.moves.waiting_rows import NoticeFate, NoticeQueueState, WaitingNotice
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.errors import KeyUnusable, NotAllowed, Reason, Refusal, RuleBroken

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

_UNREADABLE: Final = "UNREADABLE"
_OF_ALL: Final = frozenset({Reason.RESIDENCE_DISCONNECTED, Reason.STORE_UNAVAILABLE})
"""What is no fault of a single notice: nothing is set aside for it."""


class DeliverTx(LayInTx, Protocol):
    """What delivering needs of a transaction."""

    @property
    def audit(self) -> AuditLog: ...

    def alone(self) -> AbstractContextManager[None]:
        """Undo what is done inside where it raises, and nothing else."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of one notice; `rule` is why it was set aside."""

    municipality: MunicipalityCode
    fate: NoticeFate
    rule: str = ""


def deliver_next(
    tx: DeliverTx, municipality: MunicipalityCode, now: datetime, *, caller_uri: str
) -> Delivery | None:
    """Deliver what has waited longest; None where there is nothing to deliver now.

    Raises Refusal: RESIDENCE_DISCONNECTED where the register was closed again, STORE_UNAVAILABLE
    where its inbox cannot be opened at all.
    """
    if tx.notices.state_of(municipality) is not NoticeQueueState.DELIVERING:
        return None
    notice = tx.notices.first(municipality)
    if notice is None:
        tx.notices.end(municipality)
        return None
    delivery = _delivered(tx, notice, municipality)
    if delivery.fate is NoticeFate.SET_ASIDE:
        tx.notices.set_aside(notice, delivery.rule)
    else:
        tx.notices.take(notice, delivery.fate, now)
    tx.audit.append(_leaf(notice, delivery, now, caller_uri))
    return delivery


def retry(tx: DeliverTx, municipality: MunicipalityCode, now: datetime, by: str) -> int:
    """Put what was set aside back at its places, to be delivered again; return how many."""
    count = tx.notices.retry(municipality)
    if count:
        tx.audit.append(
            AuditEvent(
                Event.NOTICES_RETRIED,
                now,
                by,
                residence=municipality,
                resource=str(municipality),
                details=(("notices", str(count)),),
            )
        )
    return count


def drop(
    tx: DeliverTx, municipality: MunicipalityCode, place: int, now: datetime, by: str
) -> WaitingNotice:
    """Give up a notice that was set aside; what stands behind it goes on.

    Raises Refusal(NOTICE_NOT_FOUND) for any that was not set aside.
    """
    for one in tx.notices.aside(municipality):
        if one.place == place:
            tx.notices.take(one, NoticeFate.DROPPED, now)
            dropped = Delivery(municipality, NoticeFate.DROPPED, one.set_aside)
            tx.audit.append(_leaf(one, dropped, now, by))
            return one
    raise Refusal(Reason.NOTICE_NOT_FOUND)


def _delivered(tx: DeliverTx, notice: WaitingNotice, municipality: MunicipalityCode) -> Delivery:
    try:
        with tx.alone():
            return Delivery(municipality, _enter(tx, notice))
    except Refusal as refusal:
        if refusal.reason in _OF_ALL:
            raise
        rule = str(refusal.reason)
    except RuleBroken as broken:
        rule = broken.rule
    except NotAllowed:
        rule = str(Reason.NOT_IN_THIS_STATE)
    except KeyUnusable:
        rule = _UNREADABLE
    return Delivery(municipality, NoticeFate.SET_ASIDE, rule)


def _enter(tx: DeliverTx, notice: WaitingNotice) -> NoticeFate:
    if notice.has_entries:
        correction = tx.notices.correction(notice)
        if not _is_wanted(tx.moves.move(notice.alert.number), correction):
            return NoticeFate.OVERTAKEN
        tx.moves.put_correction(correction)
    tx.moves.add_alerts([notice.alert])
    return NoticeFate.DELIVERED


def _is_wanted(move: Move | None, correction: Correction) -> bool:
    """Tell whether the persons are still where the correction was sent to.

    The move may have been taken back between the connection and the delivery.
    """
    if move is None or move.state is not MoveState.COMPLETED:
        return False
    moved = {one.person for one in move.members if one.state is MemberState.MOVED}
    return move.arrived_in == correction.municipality and correction.person in moved


_EVENTS: Final = {
    NoticeFate.SET_ASIDE: Event.NOTICE_SET_ASIDE,
    NoticeFate.DROPPED: Event.NOTICE_DROPPED,
}


def _leaf(notice: WaitingNotice, delivery: Delivery, now: datetime, caller_uri: str) -> AuditEvent:
    alert = notice.alert
    facts = [("kind", str(alert.kind)), ("fate", str(delivery.fate)), ("place", str(notice.place))]
    if delivery.rule:
        facts.append(("rule", delivery.rule))
    return AuditEvent(
        _EVENTS.get(delivery.fate, Event.NOTICE_DELIVERED),
        now,
        caller_uri,
        residence=delivery.municipality,
        resource=alert.number,
        details=(*facts, ("sent", alert.at.isoformat())),
    )
