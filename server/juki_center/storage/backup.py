"""A copy of the store's file, taken while a center serves from it: one state, checked, sealed.

The copy holds what the store holds and nothing more: opened, it is of no use without the
key-encryption key. It is written beside its final name, and gets that name when it is whole.
"""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

from juki_center.errors import StoreUnusable
from juki_center.storage.connection import connect
from juki_center.storage.faults import error_name
from juki_center.storage.keys import KeyEncryptionKey
from juki_center.storage.transaction import Transaction

_PAGES_AT_ONCE: Final = 2_000


def back_up(
    store: Path,
    copy: Path,
    kek: KeyEncryptionKey,
    progress: Callable[[int, int], None],
    examine: Callable[[Path], None] = lambda _path: None,
) -> int:
    """Copy a store and return the copy's size in octets; `progress` is told pages done and all.

    `examine` judges the copy before it gets its name, and raises what it has against it.

    Raises FileExistsError, never overwriting anything; OSError; StoreUnusable where the store
    cannot be read or the copy is not whole; KeyUnusable where the key does not open the copy.
    """
    # An unfinished copy is known by its name.
    partial = copy.with_name(f"{copy.name}.partial")
    if copy.exists():
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(copy))
    os.close(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        _copy(store, partial, progress)
        check_copy(partial, kek)
        examine(partial)
        flush(partial)
        # A link fails where the name is taken by now; a rename would overwrite.
        os.link(partial, copy)
        size = copy.stat().st_size
    finally:
        with suppress(FileNotFoundError):
            partial.unlink()
    flush(copy.parent)
    return size


def _copy(store: Path, partial: Path, progress: Callable[[int, int], None]) -> None:
    try:
        with closing(connect(store, read_only=True)) as source, closing(_target(partial)) as target:
            # All pages are read in one state, whatever is committed in the meantime.
            source.execute("BEGIN")
            source.execute("SELECT count(*) FROM alembic_version").fetchone()
            source.backup(
                target,
                pages=_PAGES_AT_ONCE,
                progress=lambda _status, left, pages: progress(pages - left, pages),
            )
            # One file, without a write-ahead log beside it.
            target.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.Error as error:
        raise StoreUnusable(f"{store}: {error_name(error)}") from error


def _target(partial: Path) -> sqlite3.Connection:
    """Open the copy; it is flushed as a whole at the end, so nothing is journalled before."""
    target = sqlite3.connect(partial, isolation_level=None)
    target.execute("PRAGMA synchronous = OFF")
    return target


def check_copy(partial: Path, kek: KeyEncryptionKey) -> None:
    """Raise StoreUnusable for a damaged copy, KeyUnusable for one that the key does not open."""
    with closing(sqlite3.connect(partial, isolation_level=None)) as sql:
        try:
            found = [row[0] for row in sql.execute("PRAGMA integrity_check(1)").fetchall()]
        except sqlite3.Error as error:
            raise StoreUnusable(f"{partial}: {error_name(error)}") from error
        if found != ["ok"]:
            raise StoreUnusable(f"{partial}: the copy is damaged, and so may be the store")
        Transaction(sql, kek).keys.check()


def flush(path: Path) -> None:
    """Have a file's content, or a folder's names, on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
