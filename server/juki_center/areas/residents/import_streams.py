"""Imports over a stream: rows by their number, each taken once, for one caller under one id.

How lines are applied and how far an import is kept stands in `imports`; an import over a stream
is one whose source is its caller.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from juki_center.areas.callers import Terminal
from juki_center.areas.residents.desk import Desk, refuse_abolished
from juki_center.areas.residents.imports import (
    Finding,
    Import,
    Importer,
    ImportMode,
    ImportTx,
    ReadLine,
    Source,
    Totals,
    apply_each,
    finish_import,
)
from juki_center.areas.residents.policy import RegisterPolicy
from juki_center.areas.residents.updates import Outcome
from juki_center.errors import Reason, Refusal

_NO_DIGEST: Final = b""
"""The rows of a stream come one by one: nobody knows their hash before the last."""


@dataclass(frozen=True, slots=True)
class ImportStream:
    """Which import a stream carries, and for whom."""

    terminal: Terminal
    import_id: UUID


def open_stream(
    tx: ImportTx, stream: ImportStream, now: datetime, policy: RegisterPolicy
) -> Import:
    """Begin an import, or take up the one that was cut off.

    Raises Refusal: UNAUTHENTICATED for a municipality that is no more, IMPORT_NOT_THE_SAME for
    another caller's import and a finished one.
    """
    refuse_abolished(Desk(stream.terminal, "", now, policy))
    if tx.imports.find(str(stream.import_id)) is not None:
        return _own(tx, stream)
    begun = Import(
        import_id=str(stream.import_id),
        source=Source(stream.terminal.uri, _NO_DIGEST, ImportMode.LINES),
        began_at=now,
        changed_at=now,
        line=0,
        offset=0,
    )
    tx.imports.add(begun)
    return begun


def take_rows(
    tx: ImportTx, stream: ImportStream, rows: Sequence[ReadLine], now: datetime
) -> list[Finding]:
    """Apply rows that follow each other; return what became of each, of those sent again too.

    Raises Refusal: STEP_OUT_OF_ORDER where rows before them are missing, IMPORT_NOT_THE_SAME as
    `open_stream` does, RESIDENCE_DISCONNECTED, with none of the rows counted.
    """
    importing = _own(tx, stream)
    first, wanted = rows[0].number, importing.line + 1
    if first > wanted:
        raise Refusal(Reason.STEP_OUT_OF_ORDER, expected=f"row {wanted}", got=f"row {first}")
    known = [row for row in rows if row.number < wanted]
    fresh = [row for row in rows if row.number >= wanted]
    outcomes = _earlier(tx, stream, known)
    if fresh:
        by = Importer(stream.terminal.uri)
        outcomes += apply_each(tx, importing, fresh, now, by)[1]
    if any(one.rule == Reason.RESIDENCE_DISCONNECTED for one in outcomes):
        # The rows are good and the register is out of reach for a time: they are to come again.
        raise Refusal(Reason.RESIDENCE_DISCONNECTED)
    return outcomes


def close_stream(tx: ImportTx, stream: ImportStream, row_count: int, now: datetime) -> Totals:
    """Close an import, all of whose rows have come.

    Raises Refusal: STEP_OUT_OF_ORDER for another number of rows, and as `open_stream` does.
    """
    importing = _own(tx, stream)
    if row_count != importing.line:
        expected, got = f"finish {importing.line}", f"finish {row_count}"
        raise Refusal(Reason.STEP_OUT_OF_ORDER, expected=expected, got=got)
    return finish_import(tx, importing, now).totals


def _own(tx: ImportTx, stream: ImportStream) -> Import:
    importing = tx.imports.find(str(stream.import_id))
    if (
        importing is None
        or importing.is_finished
        or importing.source != Source(stream.terminal.uri, _NO_DIGEST, ImportMode.LINES)
    ):
        raise Refusal(Reason.IMPORT_NOT_THE_SAME)
    return importing


def _earlier(tx: ImportTx, stream: ImportStream, rows: Sequence[ReadLine]) -> list[Finding]:
    """Return what became of rows that were taken before; what was not applied was noted."""
    if not rows:
        return []
    noted: dict[int, Finding] = {}
    for finding in tx.imports.findings(str(stream.import_id), after=rows[0].number - 1):
        if finding.line > rows[-1].number:
            break
        noted[finding.line] = finding
    return [noted.get(row.number, Finding(row.number, Outcome.APPLIED)) for row in rows]
