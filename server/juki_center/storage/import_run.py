"""An import from its file into the store, in short transactions or in a single one.

What a line does to the register is the use case's part. Here the file is read on from where the
import is, and a file that changes under the import stops it.
"""

from __future__ import annotations

import hashlib
import os
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from io import BufferedReader
from itertools import islice
from pathlib import Path
from typing import Final

from juki_center.areas.residents.imports import (
    Finding,
    Import,
    Importer,
    ImportMode,
    ImportTx,
    ReadLine,
    Source,
    apply_lines,
    begin_import,
    finish_import,
    refuse_file,
)
from juki_center.areas.residents.register_file import Layout, parse_update
from juki_center.areas.residents.updates import Outcome
from juki_center.errors import Reason, Refusal, RuleBroken
from juki_center.storage.center_store import BulkWriting
from juki_center.storage.register_lines import Line, check_beginning, lines

LINES_IN_A_TRANSACTION: Final = 500
"""At most; fewer where they take longer than an act of the center should wait."""
_FEWEST_LINES: Final = 100
_FEWEST_WHERE_FAR: Final = 10
_SECONDS_IN_A_TRANSACTION: Final = 0.05
# A writer that waits for its turn looks for it every 25 milliseconds at first.
_TURN_SECONDS: Final = 0.03
_BUSY_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be imported, how, and by whom.

    `restart` gives up an earlier import of the same file that was cut off.
    """

    path: Path
    mode: ImportMode
    by: Importer
    restart: bool = False


@dataclass(frozen=True, slots=True)
class Around:
    """What a run takes from outside: the time, and who is told how far it is."""

    clock: Callable[[], datetime]
    reached: Callable[[Import], None] = lambda _: None


@dataclass(frozen=True, slots=True)
class _Opened:
    """The file as it was when the run began."""

    file: BufferedReader
    source: Source
    layout: Layout
    header_end: int
    stamp: tuple[int, int]

    def check_unchanged(self) -> None:
        """Raise Refusal(IMPORT_NOT_THE_SAME) for a file that somebody is writing to."""
        if _stamp(self.file) != self.stamp:
            raise Refusal(Reason.IMPORT_NOT_THE_SAME)

    def read(self, importing: Import, pace: Pace) -> Iterator[list[ReadLine]]:
        """Read on behind the last line that counts, as many lines at a time as the pace says."""
        found = (
            read_line(self.layout, line)
            for line in lines(self.file, after=importing.line, offset=importing.offset)
        )
        while batch := list(islice(found, pace.lines)):
            self.check_unchanged()
            yield batch


class Pace:
    """How many lines go into the next transaction, and when others have their turn."""

    def __init__(self, *, is_careful: bool = False) -> None:
        """Begin with many lines; where each costs an unknown way to a server, with few."""
        self._fewest = _FEWEST_WHERE_FAR if is_careful else _FEWEST_LINES
        self.lines = (
            min(self._fewest, LINES_IN_A_TRANSACTION) if is_careful else LINES_IN_A_TRANSACTION
        )
        self._busy_until = 0.0

    def took(self, seconds: float) -> None:
        """Take fewer lines where a transaction was long, and more where it was short."""
        fitting = int(self.lines * _SECONDS_IN_A_TRANSACTION / max(seconds, 0.001))
        self.lines = min(max(fitting, self._fewest), LINES_IN_A_TRANSACTION)

    def give_way(self, connection: BulkWriting) -> None:
        """Leave the store alone for a moment where others write to it too."""
        if connection.others_wrote():
            self._busy_until = time.monotonic() + _BUSY_SECONDS
        if time.monotonic() < self._busy_until:
            time.sleep(_TURN_SECONDS)


class _NotAsAWholeError(Exception):
    """The file has a line that is refused; whatever was applied is to be undone."""

    def __init__(self, importing: Import, broken: list[Finding]) -> None:
        super().__init__("not as a whole")
        self.importing = importing
        self.broken = broken


def run_import(connection: BulkWriting, order: Order, around: Around) -> Import:
    """Import a file, or go on with the import of it that was cut off.

    Raises RuleBroken for a file that cannot be read as a register file, OSError for one that cannot
    be read at all, Refusal(IMPORT_NOT_THE_SAME) where it is not the one that was begun, and
    Refusal(STORE_UNAVAILABLE); what was reported as reached stays.
    """
    with order.path.open("rb") as file:
        opened = _open(file, order)
        now = around.clock()
        begun = Import(str(uuid.uuid4()), opened.source, now, now, 1, opened.header_end)
        if order.mode is ImportMode.FILE:
            return _as_a_whole(connection, order, opened, begun, around)
        return _line_by_line(connection, order, opened, begun, around)


def read_line(layout: Layout, line: Line) -> ReadLine:
    """Return what a line says, or the rule that it breaks."""
    if line.broken:
        return ReadLine(line.number, line.end, rule=line.broken)
    try:
        return ReadLine(line.number, line.end, parse_update(layout, line.text))
    except RuleBroken as broken:
        return ReadLine(line.number, line.end, column=broken.field, rule=broken.rule)


def _open(file: BufferedReader, order: Order) -> _Opened:
    check_beginning(file)
    stamp = _stamp(file)
    digest = hashlib.file_digest(file, "sha256").digest()
    header = next(lines(file))
    if header.broken and header.broken != "LAST_LINE_UNFINISHED":
        raise RuleBroken(header.broken, "header")
    layout = Layout.parse(header.text)
    source = Source(str(order.path.resolve()), digest, order.mode)
    return _Opened(file, source, layout, header.end, stamp)


def _stamp(file: BufferedReader) -> tuple[int, int]:
    found = os.fstat(file.fileno())
    return found.st_size, found.st_mtime_ns


def _line_by_line(
    connection: BulkWriting, order: Order, opened: _Opened, begun: Import, around: Around
) -> Import:
    with connection.committing() as tx:
        importing = begin_import(tx, begun, restart=order.restart)
    around.reached(importing)
    pace = Pace(is_careful=connection.is_far)
    for batch in opened.read(importing, pace):
        with connection.committing() as tx:
            began = time.monotonic()
            importing = apply_lines(tx, importing, batch, around.clock(), order.by)
        pace.took(time.monotonic() - began)
        around.reached(importing)
        pace.give_way(connection)
    with connection.committing() as tx:
        return finish_import(tx, importing, around.clock())


def _as_a_whole(
    connection: BulkWriting, order: Order, opened: _Opened, begun: Import, around: Around
) -> Import:
    try:
        with connection.committing() as tx:
            return _apply_all(tx, order, opened, begun, around)
    except _NotAsAWholeError as stopped:
        with connection.committing() as tx:
            begin_import(tx, begun, restart=order.restart)
            return refuse_file(tx, stopped.importing, stopped.broken, around.clock())


def _apply_all(
    tx: ImportTx, order: Order, opened: _Opened, begun: Import, around: Around
) -> Import:
    importing = begin_import(tx, begun, restart=order.restart)
    for batch in opened.read(importing, Pace()):
        importing = apply_lines(tx, importing, batch, around.clock(), order.by)
        around.reached(importing)
    if importing.totals.refused:
        found = tx.imports.findings(importing.import_id)
        broken = [one for one in found if one.outcome is Outcome.REFUSED]
        raise _NotAsAWholeError(importing, broken)
    return finish_import(tx, importing, around.clock())
