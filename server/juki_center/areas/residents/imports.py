"""Imports: lines of a register file applied one by one, with totals that add up.

How far an import is, and what became of its lines, is written in the transaction that applies
them; so an import that was cut off goes on exactly behind the last line that counts. Each line
stands alone: one that cannot be applied leaves no trace and does not stop the others.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Final, Protocol

from juki_center.areas.audit.events import AuditEvent, Event
from juki_center.areas.days import day_in_japan
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.areas.residents.municipalities import Municipalities
from juki_center.areas.residents.registers import Registers
from juki_center.areas.residents.updates import (
    Applied,
    Outcome,
    Update,
    UpdateTx,
    apply_update,
)
from juki_center.errors import NotAllowed, Reason, Refusal, RuleBroken

NOT_HOSTED: Final = "REGISTER_NOT_HOSTED"
"""The rule that a line breaks where its municipality's register was never begun."""


class ImportMode(StrEnum):
    """Whether each line counts by itself, or the file as a whole or not at all."""

    LINES = "lines"
    FILE = "file"


@dataclass(frozen=True, slots=True)
class Totals:
    """How many lines had which outcome; `freed` are held updates that the lines set free."""

    applied: int = 0
    duplicate: int = 0
    held: int = 0
    refused: int = 0
    freed: int = 0

    @property
    def lines(self) -> int:
        """All lines: each has exactly one outcome."""
        return self.applied + self.duplicate + self.held + self.refused

    def plus(self, outcome: Outcome, freed: int = 0) -> Totals:
        """Return the totals with one more line."""
        match outcome:
            case Outcome.APPLIED:
                return replace(self, applied=self.applied + 1, freed=self.freed + freed)
            case Outcome.DUPLICATE:
                return replace(self, duplicate=self.duplicate + 1, freed=self.freed + freed)
            case Outcome.HELD:
                return replace(self, held=self.held + 1, freed=self.freed + freed)
            case Outcome.REFUSED:
                return replace(self, refused=self.refused + 1, freed=self.freed + freed)


@dataclass(frozen=True, slots=True)
class Source:
    """What is imported: the file's name, the hash of its content, and how it is to be applied.

    The store keeps the hash keyed: a short file could be guessed from the hash itself.
    """

    name: str
    digest: bytes
    mode: ImportMode


@dataclass(frozen=True, slots=True)
class Import:
    """An import and how far it is: the last line that counts, and where in the file it ends."""

    import_id: str
    source: Source
    began_at: datetime
    changed_at: datetime
    line: int
    offset: int
    totals: Totals = Totals()
    is_finished: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """What became of a line that was not applied; never with a word of it.

    `missing` is the version that has to come first, with HELD. An applied line has a finding where
    it closed a gap, and the held update behind the gap could not be applied.
    """

    line: int
    outcome: Outcome
    field: str = ""
    rule: str = ""
    missing: int = 0


@dataclass(frozen=True, slots=True)
class ReadLine:
    """A line that was read: an update, or the rule that the line breaks."""

    number: int
    end: int
    update: Update | None = field(default=None, repr=False)
    column: str = ""
    rule: str = ""


@dataclass(frozen=True, slots=True)
class Importer:
    """Who imports, and whose registers may begin with this import; None: of nobody."""

    caller_uri: str
    may_host: Municipalities | None = None


class Imports(Protocol):
    """What the store keeps of imports."""

    def find(self, import_id: str) -> Import | None:
        """Return the import with this id."""

    def keyed(self, source: Source) -> Source:
        """Return a source with its hash in the form in which the store keeps it."""

    def unfinished(self, name: str) -> Import | None:
        """Return the import of a file that was begun and not finished."""

    def newest(self, limit: int) -> list[Import]:
        """Return imports, the newest first."""

    def add(self, begun: Import) -> None:
        """Add an import."""

    def reached(self, now: Import, findings: Sequence[Finding]) -> None:
        """Write how far an import is, and what became of the lines since."""

    def findings(self, import_id: str, *, after: int = 0) -> Iterator[Finding]:
        """Give the lines behind `after` that were not applied, in their order."""


class ImportTx(UpdateTx, Protocol):
    """What importing needs of a transaction."""

    @property
    def imports(self) -> Imports: ...

    @property
    def registers(self) -> Registers: ...

    def alone(self) -> AbstractContextManager[None]:
        """Undo what is done inside where it raises, and nothing else."""


def begin_import(tx: ImportTx, begun: Import, *, restart: bool) -> Import:
    """Begin an import, or take up the one of the same file that was cut off.

    An earlier one of another content, or in another mode, stands in the way, unless it is to
    `restart`: then it stays as far as it came. Raises Refusal(IMPORT_NOT_THE_SAME).
    """
    begun = replace(begun, source=tx.imports.keyed(begun.source))
    earlier = tx.imports.unfinished(begun.source.name)
    if earlier is not None and not restart:
        if earlier.source != begun.source:
            raise Refusal(Reason.IMPORT_NOT_THE_SAME)
        return earlier
    if earlier is not None:
        tx.imports.reached(replace(earlier, is_finished=True), ())
    tx.imports.add(begun)
    return begun


def apply_lines(
    tx: ImportTx, importing: Import, lines: Sequence[ReadLine], now: datetime, by: Importer
) -> Import:
    """Apply lines that follow each other, and write how far the import is with them."""
    return apply_each(tx, importing, lines, now, by)[0]


def apply_each(
    tx: ImportTx, importing: Import, lines: Sequence[ReadLine], now: datetime, by: Importer
) -> tuple[Import, list[Finding]]:
    """Do what `apply_lines` does; return with it what became of each line, applied ones too."""
    totals, outcomes = importing.totals, []
    hosting = _Hosting(tx.registers, by.may_host, now)
    for line in lines:
        applied = _apply(tx, line, now, by, hosting)
        freed = sum(one.outcome is Outcome.APPLIED for one in applied.followed)
        totals = totals.plus(applied.outcome, freed)
        outcomes.append(_finding(line.number, applied))
    reached = replace(
        importing, line=lines[-1].number, offset=lines[-1].end, totals=totals, changed_at=now
    )
    tx.imports.reached(reached, [one for one in outcomes if _is_told(one)])
    tx.audit.append(_event(importing, reached, now, by))
    return reached, outcomes


def finish_import(tx: ImportTx, importing: Import, now: datetime) -> Import:
    """Close an import: the file has no further line."""
    finished = replace(importing, is_finished=True, changed_at=now)
    tx.imports.reached(finished, ())
    return finished


def refuse_file(tx: ImportTx, undone: Import, broken: Sequence[Finding], now: datetime) -> Import:
    """Close an import as a whole of which nothing was applied, because of the broken lines.

    `undone` is how far it came before it was taken back; its other lines are refused with it.
    """
    refused = replace(
        undone, totals=Totals(refused=undone.totals.lines), is_finished=True, changed_at=now
    )
    tx.imports.reached(refused, broken)
    return refused


def unmentioned(importing: Import) -> tuple[Outcome, str]:
    """Return the outcome and the rule of the lines of which there is no finding."""
    is_whole = importing.source.mode is ImportMode.FILE
    if is_whole and importing.totals.refused:
        return Outcome.REFUSED, "FILE_NOT_APPLIED"
    return Outcome.APPLIED, ""


class _Hosting:
    """Which registers are hosted; looked up once for a stretch of lines."""

    def __init__(
        self, registers: Registers, may_host: Municipalities | None, now: datetime
    ) -> None:
        self._registers = registers
        self._may_host = may_host
        self._today = day_in_japan(now)
        self._hosted: set[MunicipalityCode] = set()

    def check(self, municipality: MunicipalityCode) -> None:
        """Host a register that may begin. Raises RuleBroken for one that is not hosted.

        It counts as hosted only once `keep` says that the line which began it stands.
        """
        if municipality in self._hosted:
            return
        if not self._registers.is_hosted(municipality):
            if self._may_host is None:
                raise RuleBroken(NOT_HOSTED, "municipality")
            if self._may_host.office_on(municipality, self._today).is_ward:
                raise RuleBroken("NO_REGISTER_OF_ITS_OWN", "municipality")
            self._registers.host(municipality)

    def keep(self, municipality: MunicipalityCode) -> None:
        """Look this register up no more: a line of it stands."""
        self._hosted.add(municipality)


def _apply(tx: ImportTx, line: ReadLine, now: datetime, by: Importer, hosting: _Hosting) -> Applied:
    """Apply one line under its own savepoint; every trouble of its own becomes its outcome."""
    if line.update is None:
        return Applied(Outcome.REFUSED, 0, line.column, line.rule)
    version = line.update.version
    try:
        with tx.alone():
            hosting.check(line.update.municipality)
            applied = apply_update(tx, line.update, now, caller_uri=by.caller_uri)
            _undo_refused(applied)
    except RuleBroken as broken:
        return Applied(Outcome.REFUSED, version, broken.field, broken.rule)
    except NotAllowed:
        return Applied(Outcome.REFUSED, version, "state", Reason.NOT_IN_THIS_STATE)
    except Refusal as refusal:
        if refusal.reason is Reason.STORE_UNAVAILABLE:
            raise
        return Applied(Outcome.REFUSED, version, "", refusal.reason)
    hosting.keep(line.update.municipality)
    return applied


def _undo_refused(applied: Applied) -> None:
    """Raise RuleBroken for a refused update: with it goes the register that it would begin."""
    if applied.outcome is Outcome.REFUSED:
        raise RuleBroken(applied.rule, applied.field)


def _is_told(finding: Finding) -> bool:
    return finding.outcome is not Outcome.APPLIED or bool(finding.rule)


def _finding(number: int, applied: Applied) -> Finding:
    """Say what became of a line; of an applied one also what it set free in vain."""
    finding = Finding(number, applied.outcome, applied.field, applied.rule, applied.missing)
    # Behind a held update that is refused the others wait on; so it can only be the last.
    last = applied.followed[-1] if applied.followed else applied
    if last.outcome is applied.outcome:
        return finding
    rule = f"HELD_VERSION_{last.version}_{last.outcome} {last.rule}".rstrip()
    return replace(finding, field=last.field, rule=rule)


def _event(before: Import, after: Import, now: datetime, by: Importer) -> AuditEvent:
    return AuditEvent(
        event=Event.RECORDS_IMPORTED,
        at=now,
        caller_uri=by.caller_uri,
        resource=before.import_id,
        details=(
            ("from_line", str(before.line + 1)),
            ("to_line", str(after.line)),
            ("applied", str(after.totals.applied - before.totals.applied)),
        ),
    )
