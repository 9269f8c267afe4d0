"""A credential's folder with its successor and its predecessors.

    key.pem certificate.pem ...         in use
    next/                               published, not in use yet
    previous/<when it was replaced>/    not in use any more, still trusted
    retired/<when it was replaced>/     trusted no more; the certificate alone, its key is deleted

A successor is staged as one whole folder. Putting it to use moves its files one by one, the key
first; a reader in between finds files that do not fit and keeps what it had, and a run that was cut
off is finished by the next. Who may do what when is decided in `rollover`.
"""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from juki_pki.errors import AlreadyStaged, NotStaged, Unreadable
from juki_pki.files import new_folder, read_key, read_public, sync_folder, write_key, write_public

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NEXT: Final = "next"
PREVIOUS: Final = "previous"
RETIRED: Final = "retired"
KEY: Final = "key.pem"
PUBLISHED: Final = "published"
"""The file beside a successor that says since when it is published."""
_STAMP: Final = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True, slots=True)
class Predecessor:
    """What was in use before."""

    path: Path
    replaced_at: datetime


def is_staged(path: Path) -> bool:
    """Whether a successor waits to be used, or was begun to be."""
    return (path / NEXT).is_dir() and any((path / NEXT).iterdir())


def published_at(path: Path) -> datetime:
    """Return since when a successor waits; raise NotStaged, or Unreadable."""
    file = path / NEXT / PUBLISHED
    if not file.exists():
        raise NotStaged(path)
    return _time(read_public(file).decode("ascii", "replace").strip(), file)


@contextmanager
def staging(path: Path, now: datetime) -> Iterator[Path]:
    """Give a folder to fill with a successor; raise AlreadyStaged where one waits."""
    if is_staged(path):
        raise AlreadyStaged(path)
    with new_folder(path / NEXT) as temporary:
        write_public(temporary / PUBLISHED, f"{_stamp(now)}\n".encode())
        yield temporary


def promote(path: Path, now: datetime) -> None:
    """Put the successor to use and keep what it replaces; raise NotStaged."""
    successor = path / NEXT
    if not is_staged(path):
        raise NotStaged(path)
    if (successor / KEY).exists():
        _keep(path, now)
    for file in sorted(successor.iterdir(), key=lambda file: (file.name != KEY, file.name)):
        if file.name != PUBLISHED:
            file.replace(path / file.name)
    sync_folder(path)
    (successor / PUBLISHED).unlink(missing_ok=True)
    successor.rmdir()


def _keep(path: Path, now: datetime) -> None:
    """Copy what is in use, unless a run that was cut off has done so."""
    key = read_key(path / KEY)
    if any(read_key(one.path / KEY) == key for one in predecessors(path)):
        return
    with new_folder(path / PREVIOUS / _stamp(now)) as kept:
        for file in path.iterdir():
            if file.name == KEY:
                write_key(kept / KEY, key)
            elif file.is_file() and not file.name.startswith("."):
                write_public(kept / file.name, read_public(file))


def predecessors(path: Path) -> tuple[Predecessor, ...]:
    """Return what is still trusted of before, the newest first; raise Unreadable."""
    folders = sorted((path / PREVIOUS).glob("[!.]*"), reverse=True)
    return tuple(Predecessor(folder, _replaced_at(folder)) for folder in folders)


def _replaced_at(folder: Path) -> datetime:
    return _time(folder.name, folder)


def _stamp(now: datetime) -> str:
    return now.astimezone(UTC).strftime(_STAMP)


def _time(text: str, source: Path) -> datetime:
    try:
        return datetime.strptime(text, _STAMP).replace(tzinfo=UTC)
    except ValueError as error:
        raise Unreadable(str(source), "no time such as 20030825T000000Z") from error


def living(path: Path) -> tuple[Path, ...]:
    """Return the folders of every generation that is trusted: in use, to come, of before.

    A successor whose key has moved is not whole any more: its other files are about to follow.
    """
    successor = (path / NEXT,) if (path / NEXT / KEY).exists() else ()
    return (path, *successor, *(one.path for one in predecessors(path)))


def retired(path: Path) -> tuple[Path, ...]:
    """Return the folders of the generations that are trusted no more."""
    return tuple(sorted((path / RETIRED).glob("[!.]*")))


def retire(path: Path, old: Predecessor, *, keep: str | None = None) -> None:
    """Delete a predecessor with its key; its file `keep` stays among the retired ones."""
    if keep is not None:
        with new_folder(path / RETIRED / old.path.name) as kept:
            write_public(kept / keep, read_public(old.path / keep))
    (old.path / KEY).unlink()
    shutil.rmtree(old.path)
    sync_folder(path / PREVIOUS)
