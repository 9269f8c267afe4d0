"""A center killed (-9) while it delivers what has waited: nothing is lost, nothing comes twice.

Long by JUKI_LONG=1: at every write. Short: at one in the middle, and the last.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest

from juki_center.areas.moves.deliveries import deliver_next
from juki_center.areas.moves.rows import AlertKind, Correction, MoveAlert
from juki_center.areas.moves.waiting import send_entries, tell
from juki_center.areas.moves.waiting_rows import NoticeQueueState
from juki_center.areas.ports import Tx
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.cli.queue_drain import drain
from tests.support.center import NOW, open_test_store
from tests.support.center_process import ROOT
from tests.support.cut_off import connect, cut
from tests.support.move_world import Crash, World
from tests.support.waiting_moves import MOVES, OFFICES, arrived_moves

pytestmark = pytest.mark.embedded
LONG: Final = os.environ.get("JUKI_LONG") == "1"
OFFICE: Final = MunicipalityCode(OFFICES[0])
COUNT: Final = 6
NAMES: Final = [bytes([one]) * 16 for one in range(1, COUNT + 1)]


def lay_in(tx: Tx) -> None:
    """Send notices of two moves, every second one with entries."""
    people = arrived_moves(tx)
    for place, name in enumerate(NAMES):
        number = MOVES[place % 2]
        if place % 2:
            tell(tx, [MoveAlert(name, OFFICE, number, AlertKind.ARRIVED, NOW)])
            continue
        alert = MoveAlert(name, OFFICE, number, AlertKind.CORRECTION, NOW)
        record = tx.residents.resident(people[number]).record
        send_entries(tx, alert, Correction(number, people[number], OFFICE, NOW, record))


def found(path: Path) -> tuple[list[bytes], list[bytes], int]:
    """Return what was delivered and what waits, in order, and how many leaves say so."""
    with closing(sqlite3.connect(path)) as sql:
        delivered = sql.execute("SELECT id FROM move_alerts ORDER BY cursor").fetchall()
        waiting = sql.execute("SELECT id FROM queued_notices ORDER BY place").fetchall()
        (fates,) = sql.execute("SELECT count(*) FROM notice_fates").fetchone()
    return [one for (one,) in delivered], [one for (one,) in waiting], fates


@pytest.fixture
def waiting_folder(folder: Path) -> Path:
    """Return a center's folder in which notices wait for an office that is connected again."""

    async def furnish() -> None:
        store = open_test_store(folder)
        await cut(store, OFFICE)
        await store.act(lay_in)
        await connect(store, OFFICE)
        store.close()

    asyncio.run(furnish())
    return folder


def drained(folder: Path, fatal: int) -> subprocess.CompletedProcess[str]:
    """Deliver in a process of its own, which dies before a write."""
    return subprocess.run(
        [sys.executable, "-m", "tests.support.mortal_drain", str(folder), str(fatal)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )


async def go_on(folder: Path) -> None:
    """Deliver in a center that lives."""
    store = open_test_store(folder)
    try:
        await drain(store, lambda: NOW)
    finally:
        store.close()


@pytest.mark.slow
@pytest.mark.timeout(3600 if LONG else 120)
def test_a_drain_that_is_killed_delivers_each_notice_once_and_in_order(
    waiting_folder: Path, tmp_path: Path
) -> None:
    rehearsal = Path(shutil.copytree(waiting_folder, tmp_path / "rehearsal"))
    writes = int(drained(rehearsal, 0).stdout)
    assert found(rehearsal / "center.db") == (NAMES, [], COUNT)

    for fatal in range(1, writes + 1) if LONG else (writes // 2, writes):
        killed = Path(shutil.copytree(waiting_folder, tmp_path / f"killed-{fatal}"))
        died = drained(killed, fatal)

        delivered, waiting, fates = found(killed / "center.db")
        assert died.returncode == -signal.SIGKILL, died.stderr
        assert delivered + waiting == NAMES, fatal
        assert fates == len(delivered), fatal

        asyncio.run(go_on(killed))
        assert found(killed / "center.db") == (NAMES, [], COUNT), fatal
        shutil.rmtree(killed)


def test_a_delivery_that_stops_before_any_statement_is_done_whole_the_next_time() -> None:
    statement, is_over = 0, False
    while not is_over:
        statement += 1
        world = World()
        try:
            is_over = _stopped_and_done(world, statement)
        finally:
            world.close()
    assert statement > 5


def _stopped_and_done(world: World, statement: int) -> bool:
    """Stop one delivery before a statement; return whether it has fewer."""
    code = OFFICE
    world.do(lambda tx: tx.notices.begin(code, NOW))
    world.do(lay_in)
    world.do(lambda tx: tx.notices.change(code, NoticeQueueState.DELIVERING))
    try:
        world.do(_deliver, stop_before=statement)
    except Crash:
        assert _state(world) == ([], NAMES)
        world.do(_deliver)
        assert _state(world) == (NAMES[:1], NAMES[1:])
        return False
    return True


def _deliver(tx: Tx) -> object:
    return deliver_next(tx, OFFICE, NOW, caller_uri="juki://center/job")


def _state(world: World) -> tuple[list[bytes], list[bytes]]:
    delivered = world.sql.execute("SELECT id FROM move_alerts ORDER BY cursor").fetchall()
    waiting = world.sql.execute("SELECT id FROM queued_notices ORDER BY place").fetchall()
    return [one for (one,) in delivered], [one for (one,) in waiting]
