"""Where the paper comes out. A printer that is a file keeps the copy for its owner alone."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from juki_client.outcome import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class Printer(Protocol):
    """Something that makes paper of a PDF."""

    def print(self, pdf: bytes, issue_number: str) -> None:
        """Print, and return when the paper is out; raise Problem PRINTER_FAILED."""
        ...


@dataclass(frozen=True, slots=True)
class FilePrinter:
    """Writes the PDF to a file, whole or not at all, readable for its owner only."""

    path: Path

    def print(self, pdf: bytes, issue_number: str) -> None:
        """Write the file."""
        write_whole(self.path, pdf, {"issueNumber": issue_number})


def write_whole(path: Path, octets: bytes, facts: Mapping[str, str]) -> None:
    """Write a file whole or not at all, readable for its owner only.

    Raises Problem PRINTER_FAILED with these facts.
    """
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.unlink(missing_ok=True)
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(octets)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise Problem("PRINTER_FAILED", facts) from error
