"""Imports in the database: how far each is, and what became of its lines; nothing of a person."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from juki_center.areas.residents.imports import Finding, Import, ImportMode, Source, Totals
from juki_center.areas.residents.updates import Outcome
from juki_center.storage.keyring import KeyRing, LookUp
from juki_center.storage.sql import (
    SQL,
    Row,
    as_number,
    as_octets,
    as_text,
    from_micros,
    to_micros,
)

_IMPORT: Final = (
    "SELECT import_id, source, content_digest, mode, is_finished, byte_offset, line, applied,"
    " duplicate, held, refused, freed, began_at, changed_at FROM imports"
)
_FINDINGS: Final = (
    "SELECT line, outcome, field, rule, missing FROM import_findings"
    " WHERE import_id = ? AND line > ? ORDER BY line LIMIT ?"
)
_PAGE: Final = 1_000


class ImportsTable:
    """Imports, for one transaction."""

    def __init__(self, sql: SQL, keys: KeyRing) -> None:
        self._sql = sql
        self._keys = keys

    def keyed(self, source: Source) -> Source:
        """Return a source with its hash in the form in which it is kept here."""
        key = self._keys.look_up(LookUp.CONTENT)
        return replace(source, digest=key.token(b"import", source.digest))

    def find(self, import_id: str) -> Import | None:
        """Return the import with this id."""
        row = self._sql.execute(f"{_IMPORT} WHERE import_id = ?", (import_id,)).fetchone()
        return None if row is None else _import(row)

    def unfinished(self, name: str) -> Import | None:
        """Return the import of a file that was begun and not finished."""
        row = self._sql.execute(
            f"{_IMPORT} WHERE source = ? AND is_finished = 0 ORDER BY began_at DESC LIMIT 1",
            (name,),
        ).fetchone()
        return None if row is None else _import(row)

    def newest(self, limit: int) -> list[Import]:
        """Return imports, the newest first."""
        rows = self._sql.execute(
            f"{_IMPORT} ORDER BY began_at DESC, import_id LIMIT ?", (limit,)
        ).fetchall()
        return [_import(row) for row in rows]

    def add(self, begun: Import) -> None:
        """Add an import."""
        source = begun.source
        self._sql.execute(
            "INSERT INTO imports (import_id, source, content_digest, mode, is_finished,"
            " byte_offset, line, applied, duplicate, held, refused, freed, began_at, changed_at)"
            " VALUES (?, ?, ?, ?, 0, ?, ?, 0, 0, 0, 0, 0, ?, ?)",
            (
                begun.import_id,
                source.name,
                source.digest,
                source.mode,
                begun.offset,
                begun.line,
                to_micros(begun.began_at),
                to_micros(begun.changed_at),
            ),
        )

    def reached(self, now: Import, findings: Sequence[Finding]) -> None:
        """Write how far an import is, and what became of the lines since."""
        totals = now.totals
        self._sql.execute(
            "UPDATE imports SET is_finished = ?, byte_offset = ?, line = ?, applied = ?,"
            " duplicate = ?, held = ?, refused = ?, freed = ?, changed_at = ? WHERE import_id = ?",
            (
                int(now.is_finished),
                now.offset,
                now.line,
                totals.applied,
                totals.duplicate,
                totals.held,
                totals.refused,
                totals.freed,
                to_micros(now.changed_at),
                now.import_id,
            ),
        )
        for one in findings:
            self._sql.execute(
                "INSERT INTO import_findings (import_id, line, outcome, field, rule, missing)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (now.import_id, one.line, one.outcome, one.field, one.rule, one.missing),
            )

    def findings(self, import_id: str, *, after: int = 0) -> Iterator[Finding]:
        """Give the lines behind `after` that were not applied, in their order."""
        last = after
        while rows := self._sql.execute(_FINDINGS, (import_id, last, _PAGE)).fetchall():
            for row in rows:
                yield _finding(row)
            last = as_number(rows[-1][0])


def _finding(row: Row) -> Finding:
    return Finding(
        line=as_number(row[0]),
        outcome=Outcome(as_text(row[1])),
        field=as_text(row[2]),
        rule=as_text(row[3]),
        missing=as_number(row[4]),
    )


def _import(row: Row) -> Import:
    applied, duplicate, held, refused, freed = map(as_number, row[7:12])
    return Import(
        import_id=as_text(row[0]),
        source=Source(as_text(row[1]), as_octets(row[2]), ImportMode(as_text(row[3]))),
        began_at=from_micros(as_number(row[12])),
        changed_at=from_micros(as_number(row[13])),
        line=as_number(row[6]),
        offset=as_number(row[5]),
        totals=Totals(applied, duplicate, held, refused, freed),
        is_finished=bool(as_number(row[4])),
    )
