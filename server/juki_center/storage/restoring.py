"""Puts a copy of a store into the store's place; what was there is kept beside it."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from juki_center.errors import StoreUnusable
from juki_center.storage.backup import check_copy, flush
from juki_center.storage.faults import error_name
from juki_center.storage.keys import KeyEncryptionKey

_BESIDE: Final = ("-wal", "-shm")


def restore(
    copy: Path,
    store: Path,
    kek: KeyEncryptionKey,
    now: datetime,
    examine: Callable[[Path], None],
) -> Path | None:
    """Check a copy, let `examine` judge it, and put it into the store's place.

    Returns where the replaced store lies now, or None where there was none. `examine` raises what
    keeps the copy from being used. Raises StoreUnusable where the copy is damaged or somebody uses
    the store, KeyUnusable where the key does not open the copy, and OSError. Until the last step
    the store stays as it is.
    """
    coming = store.with_name(f"{store.name}.restoring")
    try:
        _take(copy, coming)
        check_copy(coming, kek)
        examine(coming)
        flush(coming)
        replaced = _set_aside(store, now) if store.exists() else None
        coming.rename(store)
        flush(store.parent)
    finally:
        for path in (coming, *(coming.with_name(coming.name + one) for one in _BESIDE)):
            path.unlink(missing_ok=True)
    return replaced


def _take(copy: Path, coming: Path) -> None:
    coming.unlink(missing_ok=True)
    os.close(os.open(coming, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    with copy.open("rb") as source, coming.open("wb") as target:
        shutil.copyfileobj(source, target)


def _set_aside(store: Path, now: datetime) -> Path:
    """Move a store that nobody uses to a name that tells when it was replaced."""
    _empty_log(store)
    aside = store.with_name(f"{store.name}.replaced-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}")
    if aside.exists():
        raise FileExistsError(aside)
    store.rename(aside)
    for one in _BESIDE:
        with suppress(FileNotFoundError):
            store.with_name(store.name + one).rename(aside.with_name(aside.name + one))
    return aside


def _empty_log(store: Path) -> None:
    """Move the write-ahead log into the file, which also tells whether somebody uses the store.

    A file that is no database any more has no log worth keeping, and is only set aside.
    """
    try:
        with closing(sqlite3.connect(store, isolation_level=None, timeout=0)) as sql:
            sql.execute("PRAGMA locking_mode = EXCLUSIVE")
            sql.execute("BEGIN EXCLUSIVE")
            sql.execute("ROLLBACK")
            sql.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.OperationalError as error:
        raise StoreUnusable(f"{store}: in use ({error_name(error)}); stop the center") from error
    except sqlite3.DatabaseError:
        return
