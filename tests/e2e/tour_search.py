"""The end of the tour: whoever steals every file of the center reads nothing of any resident."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from tests.e2e.telling import Scenario
from tests.e2e.tour_stage import TourStage
from tests.support.byte_search import ByteSearch, Hit
from tests.support.photos import jpeg
from tests.support.planting import PLANTED
from tests.support.secret_search import SecretSearch

CANARY = "金糸雀\u3000歌子"
CANARY_NUMBER = "604718"
CANARY_PICTURE = jpeg((413, 531), "L")
BACKUP = "center.sqlite"
SOMEBODY = "yoshida-taro"


def backup_of_a_running_center(stage: TourStage) -> str:
    """A backup is taken while the center runs, and is whole."""
    copy = stage.backup / BACKUP
    copy.unlink(missing_ok=True)
    run = stage.operate("backup", str(copy))
    assert run.exit_code == 0, (run.answer, run.said)
    assert copy.stat().st_mode & 0o777 == 0o600
    again = stage.operate("backup", str(copy))
    assert again.exit_code != 0, "a backup was overwritten"
    with closing(sqlite3.connect(copy)) as sql:
        (verdict,) = sql.execute("PRAGMA integrity_check").fetchone()
        (records,) = sql.execute("SELECT count(*) FROM records").fetchone()
    assert verdict == "ok"
    assert records == stage.ask_store("SELECT count(*) FROM records")[0][0]
    return f"{copy.stat().st_size:,} bytes, {records:,} records, integrity ok, never overwritten"


def nothing_lies_in_the_clear(stage: TourStage) -> str:
    """No name, address or code of any resident in data, WAL, temporary files, logs and backup."""
    search = ByteSearch({*stage.personal, CANARY})
    folders = [stage.state, stage.temporary, stage.backup, stage.folder / "terminal"]
    # A key that was just replaced leaves the write-ahead log empty: one act more fills it.
    asked = stage.operate(
        "alerts", "person", "--by", "operator-1", "--from", "-", stdin=stage.code(SOMEBODY) + "\n"
    )
    assert asked.exit_code == 0, asked.said
    assert (stage.state / "center.sqlite-wal").stat().st_size > 0
    assert (stage.backup / BACKUP).exists()

    found, octets = search.hits_in(folders)

    planted = _planted(stage)
    missed = _missed(search, planted)
    assert not missed, f"the search itself is blind: {sorted(missed)}"
    places = sorted({f"{Path(hit.place).name} ({hit.form})" for hit in found})
    assert not found, f"{len(found)} hits, in {places}"
    return (
        f"{octets:,} bytes searched for {len(stage.personal):,} texts in {len(search):,} forms,"
        f" folded ones too: 0 hits; the canary: found in all of {len(planted)} places"
    )


def nothing_of_a_card_lies_in_the_clear(stage: TourStage) -> str:
    """No photo, no access number from a card's face and no transport PIN in any of those files."""
    pictures = {*stage.pictures, CANARY_PICTURE}
    search = SecretSearch({*stage.numbers, CANARY_NUMBER}, pictures)

    found, octets = search.hits_in([stage.state, stage.temporary, stage.backup])

    planted = _planted(stage)
    blind = {
        place: kinds
        for place, path in planted.items()
        if (kinds := {"number", "picture"} - search.hits(path.read_bytes()))
    }
    assert not blind, f"the search itself is blind: {blind}"
    assert not found, f"{len(found)} hits: {sorted(found)}"
    return (
        f"{octets:,} bytes searched for {len(stage.numbers)} numbers and {len(stage.pictures)}"
        f" photos: 0 hits; the canaries: found in all of {len(planted)} places"
    )


def _planted(stage: TourStage) -> dict[str, Path]:
    """Lay a canary down in copies: main file, write-ahead log, temporary file, log, backup."""
    folder = stage.folder / "canary"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    everything = b"\x00".join(lay_down(CANARY) for lay_down in PLANTED.values())
    everything += (b"\n" + CANARY_NUMBER.encode() + b"\n" + CANARY_PICTURE) * 3
    main = folder / "center.sqlite"
    shutil.copy(stage.backup / BACKUP, main)
    with closing(sqlite3.connect(main)) as sql, sql:
        sql.execute("PRAGMA journal_mode = DELETE")
        _plant(sql, everything)
    backup = folder / "backup.sqlite"
    with closing(sqlite3.connect(main)) as sql, closing(sqlite3.connect(backup)) as target:
        sql.backup(target)
    walled = folder / "walled.sqlite"
    with closing(sqlite3.connect(walled, isolation_level=None)) as sql:
        sql.execute("PRAGMA journal_mode = WAL")
        sql.execute("CREATE TABLE audit_leaves (leaf_index, salt)")
        sql.execute("INSERT INTO audit_leaves VALUES (0, ?)", (everything,))
        log = folder / "walled.log"
        shutil.copy(folder / "walled.sqlite-wal", log)
    access = folder / "access.log"
    access.write_bytes((stage.state / "access.log").read_bytes() + everything)
    temporary = folder / "etilqs_canary"
    temporary.write_bytes(bytes(4096) + everything)
    return {
        "main file": main, "write-ahead log": log, "temporary file": temporary,
        "log": access, "backup": backup,
    }  # fmt: skip


def _plant(sql: sqlite3.Connection, octets: bytes) -> None:
    changed = sql.execute("UPDATE audit_leaves SET salt = ? WHERE leaf_index = 0", (octets,))
    assert changed.rowcount == 1


def _missed(search: ByteSearch, planted: dict[str, Path]) -> set[tuple[str, str]]:
    """Return the forms that were not found, with the place where they lie."""
    missed = set()
    for place, path in planted.items():
        found = search.hits(path.read_bytes())
        missed |= {(place, form) for form in PLANTED if Hit(CANARY, form) not in found}
    return missed


SEARCH = (
    Scenario("A backup while the center runs", backup_of_a_running_center),
    Scenario("Nothing of a resident in the clear", nothing_lies_in_the_clear),
    Scenario("Nothing of a card in the clear", nothing_of_a_card_lies_in_the_clear),
)
