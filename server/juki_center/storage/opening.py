"""What every store does when it is opened: make the keys that it lacks, and judge its log."""

from __future__ import annotations

import logging

from juki_center.areas.audit.heads import LogSigner
from juki_center.errors import LogBroken
from juki_center.storage.connection import Connection, transaction
from juki_center.storage.keys import KeyEncryptionKey
from juki_center.storage.log_check import check_log
from juki_center.storage.log_growth import sign_head
from juki_center.storage.log_table import read_head
from juki_center.storage.signing import HeadUnsigned, Signing
from juki_center.storage.transaction import Transaction

logger = logging.getLogger(__name__)


def make_keys(sql: Connection, kek: KeyEncryptionKey) -> None:
    """Make the keys that are missing. Raises KeyUnusable where the others are of another key."""
    tx = Transaction(sql, kek)
    with transaction(sql):
        tx.keys.make_missing_center_keys()
    tx.keys.check()


def open_log(
    sql: Connection, kek: KeyEncryptionKey, signer: LogSigner | None, signing: Signing | None
) -> bool:
    """Check the log, and sign its head where that was left unsigned; tell whether it is.

    Raises LogBroken, naming the row.
    """
    sql.execute("BEGIN")
    try:
        head = check_log(sql, Transaction(sql, kek).audit, signer)
    finally:
        sql.execute("ROLLBACK")
    return head.is_signed or (signing is not None and _sign_head(sql, signing))


def named(place: object, error: LogBroken) -> LogBroken:
    """Return the error with the store's name before it."""
    return LogBroken(f"{place}: {error.problem}")


def _sign_head(sql: Connection, signing: Signing) -> bool:
    try:
        with transaction(sql):
            sign_head(sql, read_head(sql).frontier, signing)
    except HeadUnsigned as error:
        # What needs no head is served, and the writer tries again.
        logger.warning("head not signed: %s", error)
        return False
    return True
