"""Register files for tests, and what a store holds after them."""

from __future__ import annotations

import csv
import io
import random  # noqa: TID251  # seeded, as the command does
from collections.abc import Iterable
from contextlib import closing
from datetime import date
from pathlib import Path

from juki_center.areas.ports import Tx
from juki_center.areas.residents.codes import MunicipalityCode, ResidentCode
from juki_center.areas.residents.imports import Finding, Import, Importer, ImportMode
from juki_center.areas.residents.records import PersonID, Resident
from juki_center.areas.residents.register_file import COLUMNS
from juki_center.areas.residents.synthetic import Line, Synthesis
from juki_center.areas.residents.synthetic_places import Country, Places
from juki_center.cli import shipped
from juki_center.data import synthetic_rows
from juki_center.storage.bulk import BulkConnection
from juki_center.storage.center_store import BulkWriting
from juki_center.storage.import_run import Around, Order, run_import
from juki_center.storage.keys import KeyEncryptionKey
from juki_center.storage.postgresql import PostgreSQLBulk
from juki_center.storage.sqlite import SQLiteStore
from tests.support.center import NOW
from tests.support.postgresql import URL_FILE

AS_OF = date(2026, 4, 1)
MUNICIPALITIES = shipped.municipalities()
CALLER = "juki://center/center-1"


def people(count: int, seed: int = 1, municipality: str = "112089") -> list[Line]:
    """Invent residents of one municipality."""
    places = Places(
        synthetic_rows, Country(MUNICIPALITIES, AS_OF), (MunicipalityCode(municipality),)
    )
    draws = random.Random(seed)
    return list(Synthesis(synthetic_rows, places, draws, AS_OF).lines(count))


def text_of(lines: Iterable[Line | str]) -> str:
    """Return a register file's text; a line may be given as it stands."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for line in lines:
        if isinstance(line, str):
            out.write(f"{line}\n")
        else:
            writer.writerow([line.get(column, "") for column in COLUMNS])
    return out.getvalue()


def import_into(
    folder: Path,
    file: Path,
    mode: ImportMode = ImportMode.LINES,
    *,
    host: bool = True,
    restart: bool = False,
    around: Around | None = None,
) -> Import:
    """Import a file into the store of a folder, as the command does."""
    by = Importer(CALLER, MUNICIPALITIES if host else None)
    with closing(bulk_of(folder)) as connection:
        order = Order(file, mode, by, restart=restart)
        return run_import(connection, order, around or Around(lambda: NOW))


def bulk_of(folder: Path) -> BulkWriting:
    """Return a writing connection to the store of a folder."""
    named, kek = folder / URL_FILE, KeyEncryptionKey.load(folder / "kek")
    if named.exists():
        return PostgreSQLBulk(named.read_text(), kek)
    return BulkConnection(folder / "center.db", kek)


def findings(store: SQLiteStore, done: Import) -> list[Finding]:
    """Return what was found in an import."""
    return store.read(lambda tx: list(tx.imports.findings(done.import_id)))


def by_code(store: SQLiteStore, line: Line) -> Resident | None:
    """Return the record that a line made."""

    def look(tx: Tx) -> Resident | None:
        found = tx.residents.by_code(ResidentCode(line["code"]))
        return None if found is None else tx.residents.resident(found.person)

    return store.read(look)


def everybody(store: SQLiteStore) -> dict[str, tuple[object, ...]]:
    """Return all that a store holds of everybody, by code; without what chance made."""

    def look(tx: Tx) -> dict[str, tuple[object, ...]]:
        found = {}
        sql = tx.residents._sql  # type: ignore[attr-defined]  # no question asks for everybody
        for (octets,) in sql.execute("SELECT person FROM directory").fetchall():
            one = tx.residents.resident(PersonID(octets))
            earlier = [
                (old.version, old.state, old.household, old.record)
                for old in tx.residents.earlier(one, 100)
            ]
            found[one.record.code.digits] = (
                one.municipality,
                one.household,
                one.state,
                one.version,
                one.record,
                earlier,
            )
        return found

    return store.read(look)


def write(home: Path, lines: list[Line | str], name: str = "register.csv") -> Path:
    """Write a register file into a folder."""
    file = home / name
    file.write_text(text_of(lines), encoding="utf-8", newline="")
    return file


def moved(line: Line, version: int) -> Line:
    """Return a later version of a line: the person has moved within the municipality."""
    return line | {
        "version": str(version),
        "address": f"埼玉県所沢市並木{version}番地",
        "reason": "MOVE_WITHIN",
        "change_date": "令和8年5月1日",
    }
