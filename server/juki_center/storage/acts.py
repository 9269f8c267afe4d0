"""One act in a transaction: its savepoint, its leaves, and what a refused attempt leaves behind."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

from juki_center.areas.audit.events import DeniedAttempt
from juki_center.areas.calls import Call
from juki_center.storage.connection import Connection, savepoint
from juki_center.storage.faults import error_name
from juki_center.storage.log_growth import Written
from juki_center.storage.transaction import Transaction

logger = logging.getLogger(__name__)

Answer = TypeVar("Answer")


def run_act(
    sql: Connection,
    tx: Transaction,
    act: Callable[[Transaction], Answer],
    call: Call | None = None,
) -> tuple[Answer, Written]:
    """Run an act and make its leaves; what it raises undoes it alone.

    The transaction has been begun, for its keys too: its acts share what they read of them. Of an
    act that raises DeniedAttempt the leaf stands, and the exception comes out all the same.
    """
    tx.log.begin_act()
    try:
        with savepoint(sql):
            return act(tx), tx.log.end_act(call)
    except DeniedAttempt as denied:
        tx.keys.begin()
        _log_denied(sql, tx, denied, call)
        raise
    except BaseException:
        # A key that the act made is none, and one that it destroyed is one again.
        tx.keys.begin()
        raise


def _log_denied(sql: Connection, tx: Transaction, denied: DeniedAttempt, call: Call | None) -> None:
    tx.log.begin_act()
    try:
        with savepoint(sql):
            tx.audit.append(denied.event)
            tx.log.end_act(call)
    except Exception as error:
        logger.warning("denied attempt not logged: %s", error_name(error))
        raise
