"""Imports that are cut off, disturbed, or run beside others who write."""

from __future__ import annotations

import asyncio
import hashlib
from contextlib import closing
from pathlib import Path

import pytest

from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.areas.residents.imports import Import, ImportMode
from juki_center.areas.residents.synthetic import Line
from juki_center.errors import Reason, Refusal
from juki_center.storage import import_run
from juki_center.storage.import_run import Around
from juki_center.storage.sqlite import SQLiteStore
from tests.support.center import NOW
from tests.support.register_files import (
    bulk_of,
    everybody,
    findings,
    import_into,
    moved,
    people,
    write,
)
from tests.support.undisturbed import Stopwatch

TOKOROZAWA = MunicipalityCode("112089")
MODES = pytest.mark.parametrize("mode", list(ImportMode))


class CutError(Exception):
    """The import is cut off here."""


def cut_after(line: int) -> Around:
    def reached(importing: Import) -> None:
        if importing.line >= line:
            raise CutError

    return Around(lambda: NOW, reached)


@pytest.mark.usefixtures("small_transactions")
@pytest.mark.parametrize("line", [1, 2, 11, 40, 60, 73])
def test_an_import_that_was_cut_off_goes_on_and_ends_like_an_undisturbed_one(
    home: Path, empty: SQLiteStore, line: int
) -> None:
    lines: list[Line | str] = [*people(70)]
    lines.insert(30, "")
    lines.insert(55, moved(people(1, 9)[0], 2))
    file = write(home, lines)

    with pytest.raises(CutError):
        import_into(home, file, around=cut_after(line))
    (begun,) = empty.read(lambda tx: tx.imports.newest(9))
    done = import_into(home, file)

    assert begun.import_id == done.import_id
    assert begun.line >= line
    assert (done.totals.lines, done.totals.applied, done.line) == (72, 70, 73)
    assert (done.totals.held, done.totals.refused, done.totals.duplicate) == (1, 1, 0)
    assert [one.line for one in findings(empty, done)] == [32, 57]
    assert len(everybody(empty)) == 70


@pytest.mark.usefixtures("small_transactions")
def test_an_import_as_a_whole_that_was_cut_off_leaves_nothing_and_begins_anew(
    home: Path, empty: SQLiteStore
) -> None:
    file = write(home, [*people(50)])

    with pytest.raises(CutError):
        import_into(home, file, ImportMode.FILE, around=cut_after(31))

    assert everybody(empty) == {}
    assert empty.read(lambda tx: tx.imports.newest(9)) == []
    assert import_into(home, file, ImportMode.FILE).totals.applied == 50


@pytest.mark.usefixtures("small_transactions")
def test_another_file_under_the_name_is_refused_until_the_import_is_given_up(
    home: Path, empty: SQLiteStore
) -> None:
    lines = people(40)
    file = write(home, [*lines])
    with pytest.raises(CutError):
        import_into(home, file, around=cut_after(21))
    write(home, [*lines[:39], lines[39] | {"building": "別館"}])

    with pytest.raises(Refusal) as refused:
        import_into(home, file)
    with pytest.raises(Refusal):
        import_into(home, file, ImportMode.FILE)
    done = import_into(home, file, restart=True)

    assert refused.value.reason is Reason.IMPORT_NOT_THE_SAME
    assert (done.totals.applied, done.totals.duplicate, done.totals.lines) == (20, 20, 40)
    newest = empty.read(lambda tx: tx.imports.newest(9))
    assert [one.is_finished for one in newest] == [True, True]


@pytest.mark.usefixtures("small_transactions")
@MODES
def test_a_file_that_changes_while_it_is_read_stops_the_import(
    home: Path, empty: SQLiteStore, mode: ImportMode
) -> None:
    file = write(home, [*people(40)])

    def grow(importing: Import) -> None:
        if importing.line == 11:
            with file.open("a", encoding="utf-8") as more:
                more.write("x\n")

    with pytest.raises(Refusal) as refused:
        import_into(home, file, mode, around=Around(lambda: NOW, grow))

    assert refused.value.reason is Reason.IMPORT_NOT_THE_SAME
    assert len(everybody(empty)) == (10 if mode is ImportMode.LINES else 0)


@pytest.mark.embedded
async def test_a_connection_sees_that_others_wrote(home: Path, empty: SQLiteStore) -> None:
    with closing(bulk_of(home)) as connection:
        with connection.committing() as tx:
            tx.registers.host(TOKOROZAWA)
        by_itself = connection.others_wrote()
        await empty.act(lambda tx: tx.registers.host(MunicipalityCode("131016")))

        seen = [by_itself, connection.others_wrote(), connection.others_wrote()]

    assert seen == [False, True, False]


def test_transactions_get_shorter_where_they_take_too_long() -> None:
    pace = import_run.Pace()
    sizes = [pace.lines]
    for seconds in (0.1, 0.1, 3.0, 0.05, 0.025, 0.0):
        pace.took(seconds)
        sizes.append(pace.lines)

    assert sizes == [500, 250, 125, 100, 100, 200, 500]


async def test_acts_beside_an_import_are_done_in_time(home: Path, empty: SQLiteStore) -> None:
    file = write(home, [*people(2_500)])
    chiyoda = MunicipalityCode("131016")
    await empty.act(lambda tx: tx.registers.host(chiyoda))
    running = asyncio.create_task(asyncio.to_thread(import_into, home, file))
    waited = []

    while not running.done():
        watch = Stopwatch()
        await empty.act(lambda tx: tx.registers.set_connected(chiyoda, connected=True))
        waited.append(watch.seconds())

    assert (await running).totals.applied == 2_500
    # The store gives up after two seconds; on a machine that is not busy it takes a tenth of one.
    assert max(waited) < 2.0
    assert sorted(waited)[len(waited) // 2] < 0.5
    assert len(waited) > 5


@pytest.mark.embedded
def test_the_store_keeps_no_hash_by_which_a_short_file_could_be_guessed(
    home: Path, empty: SQLiteStore
) -> None:
    file = write(home, [*people(1)])

    done = import_into(home, file)

    digest = hashlib.sha256(file.read_bytes()).digest()
    assert done.source.digest != digest
    for part in home.glob("center.db*"):
        assert digest not in part.read_bytes()
