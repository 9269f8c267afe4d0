"""How an office is told of a move: at once, or behind what waits for it already."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final, Protocol

from juki_center.areas.moves.rows import Correction, MoveAlert, Moves
from juki_center.areas.moves.waiting_rows import NoticeQueueState, Notices
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.errors import KeyUnusable, Reason, Refusal

MOST_HELD: Final = 10_000
"""So many notices of an office may wait before no further corrected entries are taken for it."""
FATES_KEPT: Final = timedelta(days=90)


class NoticesTx(Protocol):
    """What queues of notices need of a transaction."""

    @property
    def notices(self) -> Notices: ...


class LayInTx(NoticesTx, Protocol):
    """What telling offices needs of a transaction."""

    @property
    def moves(self) -> Moves: ...


def tell(tx: LayInTx, alerts: Sequence[MoveAlert]) -> None:
    """Tell each office, or let the alert stand behind what waits for it.

    However many wait: what has happened in one office is not undone because another is cut off.
    """
    for one in alerts:
        if waits(tx, one.municipality):
            tx.notices.put(one)
        else:
            tx.moves.add_alerts([one])


def send_entries(tx: LayInTx, alert: MoveAlert, correction: Correction) -> bool:
    """Send an office corrected entries; return whether they wait.

    Raises Refusal: RESIDENCE_DISCONNECTED for an office that is cut off and has no queue, and
    NOTICE_QUEUE_FULL.
    """
    office = alert.municipality
    if not waits(tx, office):
        tx.moves.put_correction(correction)
        tx.moves.add_alerts([alert])
        return False
    if tx.notices.held(office) >= MOST_HELD:
        raise Refusal(Reason.NOTICE_QUEUE_FULL)
    tx.notices.put(alert, correction)
    return True


def waits(tx: NoticesTx, municipality: MunicipalityCode) -> bool:
    """Tell whether what an office is told now waits."""
    return tx.notices.state_of(municipality) is not None


def notices_wait(tx: NoticesTx, municipality: MunicipalityCode, now: datetime) -> None:
    """Let what a municipality's office is told wait from now on, because its register closes."""
    if waits(tx, municipality):
        tx.notices.change(municipality, NoticeQueueState.CLOSED)
        return
    # Closing never fails for a register that cannot be opened anyway; nothing waits for it.
    with suppress(KeyUnusable):
        tx.notices.begin(municipality, now)


def forget_old_fates(tx: NoticesTx, now: datetime) -> None:
    """Forget what became of notices whose senders have had time to look."""
    tx.notices.forget(now - FATES_KEPT)


def notices_go_on(tx: NoticesTx, municipality: MunicipalityCode) -> None:
    """Have delivered what has waited, because the register is open again."""
    if waits(tx, municipality):
        tx.notices.change(municipality, NoticeQueueState.DELIVERING)
