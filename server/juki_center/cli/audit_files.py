"""What the commands of `juki-center audit` read: whom to trust, earlier heads, copies, stores."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from juki_audit.checkpoints import Checkpoint
from juki_audit.copies import LogCopy
from juki_audit.errors import LogMalformed
from juki_audit.examination import Trust
from juki_audit.rows import LogRecords
from juki_audit.witnesses import WitnessKey
from juki_center.errors import RuleBroken
from juki_center.storage.log_records import stored_log
from juki_pki.log_signer import VERIFIERS, load_verifiers

if TYPE_CHECKING:
    from juki_audit.rows import Row


class CosignedLog(LogRecords, Protocol):
    """What there is of a log, and the heads of it that witnesses have cosigned."""

    def cosigned(self) -> tuple[bytes, ...]:
        """Return the heads with lines of witnesses."""


@dataclass(frozen=True, slots=True)
class Earlier:
    """A head that was trusted before, and the copy that it came with, if it came with one."""

    path: Path
    checkpoint: Checkpoint
    copy: LogCopy | None
    notes: tuple[bytes, ...] = ()

    def rows(self) -> Iterator[Row]:
        """Yield the rows of the earlier copy; none where there is only a head."""
        return self.copy.rows() if self.copy else iter(())


def load_trust(trust: Path | None, witnesses: list[Path], needed: int) -> Trust:
    """Read whom to trust: a trust folder, or a file of verifiers; and the keys of witnesses.

    Raises RuleBroken, PKIError and OSError.
    """
    if trust is None:
        raise RuleBroken("TRUST_MISSING", "--trust")
    verifiers = load_verifiers(trust / VERIFIERS if trust.is_dir() else trust)
    keys = tuple(key for path in witnesses for key in _witnesses(path))
    if needed > len(keys):
        raise RuleBroken("NEED_TOO_LARGE", "--need")
    return Trust(verifiers, keys, needed)


def load_earlier(path: Path, trust: Trust) -> Earlier:
    """Read an earlier head, alone or in its copy, and verify it.

    Raises HeadNotTrusted, LogMalformed, CopyMalformed and OSError.
    """
    if not _is_copy(path):
        note = path.read_bytes()
        return Earlier(path, trust.checkpoint(note), None, (note,))
    copy = open_copy(path)
    return Earlier(path, trust.checkpoint(copy.note), copy, (copy.note, *copy.cosigned()))


def open_copy(path: Path) -> LogCopy:
    """Open a copy; raises CopyMalformed and OSError."""

    def lines() -> Iterator[bytes]:
        with path.open("rb") as file:
            yield from file

    return LogCopy.read(lines)


@contextmanager
def records(copy: Path | None, store: Path | None) -> Iterator[CosignedLog]:
    """Open what is to be examined: a copy or a store.

    Raises RuleBroken for both or neither, CopyMalformed, OSError and StoreUnusable.
    """
    if (copy is None) == (store is None):
        raise RuleBroken("COPY_OR_STORE")
    if store is not None:
        with stored_log(store) as log:
            yield log
    elif copy is not None:
        yield open_copy(copy)


def is_cut_off(path: Path) -> bool:
    """Say whether a copy lacks its end; raises CopyMalformed and OSError."""
    end = open_copy(path).end()
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - len(end)))
        return file.read() != end


def _is_copy(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(1) == b"{"


def _witnesses(path: Path) -> list[WitnessKey]:
    try:
        return [WitnessKey.decode(line) for line in path.read_text("ascii").splitlines()]
    except (UnicodeDecodeError, LogMalformed):
        raise RuleBroken("NOT_A_WITNESS", str(path)) from None
