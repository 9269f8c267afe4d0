"""Small files that survive a cut: the old content or the new one, never half of it."""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from juki_client.outcome import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from juki_client.outcome import JSON


def keep(path: Path, content: Mapping[str, JSON]) -> None:
    """Replace a file durably; only its owner can read it. Raises Problem FILE_NOT_USABLE."""
    with usable(path):
        _replace(path, content)


@contextmanager
def usable(path: Path) -> Iterator[None]:
    """Raise Problem FILE_NOT_USABLE where the system has a file's trouble, such as a full disk."""
    try:
        yield
    except OSError as error:
        problem = f"{path.name}: {error.strerror}"
        raise Problem("FILE_NOT_USABLE", {"problem": problem}) from error


def _replace(path: Path, content: Mapping[str, JSON]) -> None:
    new = path.with_name(path.name + ".new")
    octets = json.dumps(content, ensure_ascii=False).encode() + b"\n"
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "wb") as stream:  # noqa: PTH123  # a descriptor has no path
        stream.write(octets)
        stream.flush()
        os.fsync(stream.fileno())
    new.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make a new or renamed file's name durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_kept(path: Path) -> dict[str, JSON] | None:
    """Return what was kept, None for nothing; raise Problem FILE_NOT_USABLE for another file."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise Problem("FILE_NOT_USABLE", {"problem": f"{path.name} is no state file"}) from error
    if not isinstance(content, dict):
        raise Problem("FILE_NOT_USABLE", {"problem": f"{path.name} is no state file"})
    return content
