"""Writing keys once and certificates whole.

A key is created with mode 0600 and never replaced; every other file appears complete or not at
all, even if the machine stops in the middle.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from juki_pki.errors import AlreadyExists, KeyExposed, Missing

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY_MODE: Final = 0o600
PUBLIC_MODE: Final = 0o644
_OTHERS: Final = 0o077


def write_key(path: Path, octets: bytes) -> None:
    """Create a private key file; raise AlreadyExists rather than touch one that is there."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, KEY_MODE)
    except FileExistsError as error:
        raise AlreadyExists(path) from error
    with os.fdopen(handle, "wb") as file:
        # The umask may have taken bits away, and an owner without the right to read is no use.
        os.fchmod(file.fileno(), KEY_MODE)
        _write_through(file.fileno(), octets)
    sync_folder(path.parent)


def write_public(path: Path, octets: bytes) -> None:
    """Create or replace a public file in one step."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            os.fchmod(file.fileno(), PUBLIC_MODE)
            _write_through(file.fileno(), octets)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def _write_through(handle: int, octets: bytes) -> None:
    view = memoryview(octets)
    while view:
        view = view[os.write(handle, view) :]
    os.fsync(handle)


def sync_folder(path: Path) -> None:
    """Make the names in a folder durable."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Give a folder to fill, which becomes `path` at the end; on an error nothing stays.

    Raise AlreadyExists where `path` has anything in it, also if that came in the meantime.
    """
    _refuse_content(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    try:
        temporary.chmod(0o755)
        yield temporary
        _rename_folder(temporary, path)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    sync_folder(path.parent)


def _refuse_content(path: Path) -> None:
    if path.is_symlink() or (path.exists() and not path.is_dir()):
        raise AlreadyExists(path)
    if path.is_dir() and any(path.iterdir()):
        raise AlreadyExists(path)


def _rename_folder(source: Path, target: Path) -> None:
    # rename(2) takes the place of an empty folder only, so a race ends in an error, not a loss.
    try:
        source.rename(target)
    except OSError as error:
        raise AlreadyExists(target) from error


@contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Hold the folder's lock, so that two programs do not issue into it at once."""
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise Missing(folder) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def read_public(path: Path) -> bytes:
    """Return a file's bytes; raise Missing where it is not there or cannot be opened."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise Missing(path) from error


def read_key(path: Path) -> bytes:
    """Return a key file's bytes; raise KeyExposed where others than its owner have any right."""
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode & 0o7777
            octets = file.read()
    except OSError as error:
        raise Missing(path) from error
    if mode & _OTHERS:
        raise KeyExposed(path, mode)
    return octets
