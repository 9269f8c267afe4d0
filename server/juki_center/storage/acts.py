"""One act in a transaction: how it is undone, its leaves, and what a refused attempt leaves."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

from juki_center.areas.audit.events import DeniedAttempt
from juki_center.areas.calls import Call
from juki_center.storage.connection import Connection, savepoint
from juki_center.storage.faults import BROKEN_CONSTRAINT, FAULTS, error_name
from juki_center.storage.log_growth import Written
from juki_center.storage.transaction import Transaction

logger = logging.getLogger(__name__)

Answer = TypeVar("Answer")


class HalfDone(Exception):  # what happened, and no defect
    """An act failed after it had changed something, and there is no savepoint to go back to."""


def run_act(
    sql: Connection,
    tx: Transaction,
    act: Callable[[Transaction], Answer],
    call: Call | None = None,
) -> tuple[Answer, Written]:
    """Run an act under a savepoint and make its leaves; what it raises undoes it alone.

    The transaction has been begun, for its keys too: its acts share what they read of them. Of an
    act that raises DeniedAttempt the leaf stands, and the exception comes out all the same.
    """
    tx.write_waiting()
    mark = tx.begin_act()
    try:
        with savepoint(sql):
            return act(tx), tx.log.end_act(call)
    except DeniedAttempt as denied:
        tx.undo_act(mark)
        _log_denied(tx, denied, call)
        raise
    except BaseException:
        tx.undo_act(mark)
        raise


def run_act_openly(
    sql: Connection,
    tx: Transaction,
    act: Callable[[Transaction], Answer],
    call: Call | None = None,
) -> tuple[Answer, Written]:
    """Run an act as `run_act` does, without a savepoint: nearly all acts succeed, or are refused
    before they have written anything, so that there is nothing to undo.

    Raises HalfDone where there is: the transaction must be rolled back as a whole.
    """
    mark = tx.begin_act()
    changed = sql.total_changes
    try:
        return act(tx), tx.log.end_act(call)
    except BROKEN_CONSTRAINT:
        # On a server the transaction is broken too, whatever was done before.
        raise HalfDone from None
    except FAULTS:
        raise
    except Exception as error:
        if sql.total_changes != changed:
            raise HalfDone from None
        tx.undo_act(mark)
        if isinstance(error, DeniedAttempt):
            _log_denied(tx, error, call)
        raise


def _log_denied(tx: Transaction, denied: DeniedAttempt, call: Call | None) -> None:
    tx.log.begin_act()
    try:
        tx.audit.append(denied.event)
        tx.log.end_act(call)
    except Exception as error:
        logger.warning("denied attempt not logged: %s", error_name(error))
        raise
