"""Who holds a card: one program at a time, said in a lock file beside the card.

The lock goes with the process, however that ends, so a card is never stuck in a dead reader.
"""

from __future__ import annotations

import fcntl
import os
import signal
import time
from typing import TYPE_CHECKING, Final

from juki_cardbox.errors import CardBusy, CardFileError, CardNotInserted

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

_INSERTED: Final = "juki-card insert, process "
_POLL_SECONDS: Final = 0.02
_PULL_SECONDS: Final = 5.0
_MODE: Final = 0o600


def lock_path(path: Path) -> Path:
    """Return where the holder of a card says that it holds it."""
    return path.with_name(f".{path.name}.lock")


def inserting_holder() -> str:
    """Return how `juki-card insert` says that it is the holder, so that `pull` can end it."""
    return f"{_INSERTED}{os.getpid()}"


def lock(path: Path, holder: str) -> BinaryIO:
    """Take the card for this process until the file is closed.

    Raises CardFileError where there is no such card, CardBusy where another program holds it.
    """
    if not path.is_file():
        raise CardFileError(path, "is not there")
    file = os.fdopen(os.open(lock_path(path), os.O_RDWR | os.O_CREAT, _MODE), "r+b")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        found = _read(file)
        file.close()
        raise CardBusy(path, found) from None
    file.truncate(0)
    file.write(holder.encode())
    file.flush()
    return file


def holder_of(path: Path) -> str | None:
    """Return what the holder of a card says of itself, None where nobody holds it."""
    try:
        file = lock_path(path).open("rb")
    except FileNotFoundError:
        return None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return _read(file)
    return None


def pull(path: Path) -> None:
    """End the `juki-card insert` that holds a card, and wait until the card is free.

    Raises CardNotInserted where there is none, CardBusy where another kind of program holds it.
    """
    holder = holder_of(path)
    if holder is None:
        raise CardNotInserted(path)
    if not holder.startswith(_INSERTED):
        raise CardBusy(path, holder)
    os.kill(int(holder.removeprefix(_INSERTED)), signal.SIGTERM)
    deadline = time.monotonic() + _PULL_SECONDS
    while holder_of(path) is not None:
        if time.monotonic() > deadline:
            raise CardBusy(path, holder)
        time.sleep(_POLL_SECONDS)


def _read(file: BinaryIO) -> str:
    file.seek(0)
    return file.read().decode(errors="replace").strip()
