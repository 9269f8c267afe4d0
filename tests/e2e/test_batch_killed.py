"""A batch, and either side of it killed (-9): nothing lost, nothing half, nothing twice."""

from __future__ import annotations

import csv
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.support.center import SAMPLES
from tests.support.center_process import ROOT, CenterProcess

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]
MAIN = "from juki_agency.cli import main; main()"
LINES = 330
CODES = [
    SAMPLES[key].record.code.digits for key in ("takahashi-ichiro", "yoshida-taro", "wang-xiaoming")
]
UNREACHABLE = 5


@dataclass
class Order:
    """A batch of the pension office: its files, and the program that runs it."""

    center: CenterProcess
    folder: Path
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def out(self) -> Path:
        return self.folder / "results.csv"

    @property
    def state(self) -> Path:
        return self.folder / "results.csv.state"

    def start(self, patience: float = 60.0) -> subprocess.Popen[bytes]:
        """Start the program; the same call goes on where an earlier one was cut."""
        questions = self.folder / "questions.csv"
        questions.write_text("code\n" + "\n".join(self._codes()), encoding="utf-8")
        command = [
            sys.executable, "-c", MAIN, "--config", str(self.center.folder / "agency-pension.toml"),
            "--json", "batch", str(questions), "--affair", "pension", "--items", "name,code",
            "--out", str(self.out), "--patience", str(patience),
        ]  # fmt: skip
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, env=os.environ)
        self.started.append(process)
        return process

    def finish(self, process: subprocess.Popen[bytes]) -> dict[str, object]:
        """Wait for the end; return the result."""
        out, _ = process.communicate(timeout=120)
        envelope = json.loads(out)
        assert (process.returncode, envelope["ok"]) == (0, True), envelope
        result: dict[str, object] = envelope["result"]
        return result

    def done(self) -> int:
        """Return how many lines the program has written down for good."""
        try:
            return int(json.loads(self.state.read_text(encoding="utf-8"))["done"])
        except FileNotFoundError:
            return 0

    def wait_for(self, lines: int) -> None:
        deadline = time.monotonic() + 60
        while self.done() < lines:
            assert time.monotonic() < deadline, "the batch does not move"
            time.sleep(0.01)

    def rows(self) -> list[dict[str, str]]:
        with self.out.open(encoding="utf-8", newline="") as stream:
            return list(csv.DictReader(stream))

    def require_whole(self) -> None:
        """Every line once, as asked, and its provision once, under the number in the result."""
        rows = self.rows()
        assert [int(row["line"]) for row in rows] == list(range(1, LINES + 1))
        assert [row["code"] for row in rows] == list(self._codes())
        assert {row["outcome"] for row in rows} == {"MATCH"}
        recorded = self._recorded()
        assert sorted(line for line, _ in recorded) == list(range(1, LINES + 1))
        assert {int(row["line"]): int(row["provision"]) for row in rows} == dict(recorded)
        assert not self.state.exists()

    def _codes(self) -> Iterator[str]:
        return (CODES[number % len(CODES)] for number in range(LINES))

    def _recorded(self) -> list[tuple[int, int]]:
        """Return line and number of each provision of the newest batch."""
        store = self.center.folder / "center" / "center.sqlite"
        with closing(sqlite3.connect(store)) as sql:
            (batch,) = sql.execute(
                "SELECT batch_id FROM batches ORDER BY began_at DESC LIMIT 1"
            ).fetchone()
            return sql.execute(
                "SELECT line, id FROM provisions WHERE batch_id = ? ORDER BY line", (batch,)
            ).fetchall()


@pytest.fixture(scope="module")
def center(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CenterProcess]:
    """A center that lives when a test begins; each test leaves a living one behind."""
    with CenterProcess(tmp_path_factory.mktemp("batch"), is_forked=True) as serving:
        yield serving


@pytest.fixture
def order(center: CenterProcess, tmp_path: Path) -> Iterator[Order]:
    wanted = Order(center, tmp_path)
    yield wanted
    for process in wanted.started:
        process.kill()
        process.wait()


CUTS = [
    "open:committed",
    "lines:written:2",
    "lines:committed:1",
    "lines:committed:4",
    "finish:begun",
]


@pytest.mark.parametrize("cut", CUTS)
def test_center_that_is_killed_comes_back_and_the_batch_goes_on_by_itself(
    center: CenterProcess, order: Order, cut: str
) -> None:
    center.stop()
    center.start(cut=cut)

    running = order.start()
    assert center.wait_for_death(60)
    center.start()
    result = order.finish(running)

    assert (result["lines"], result["counts"], result["refused"]) == (LINES, {"MATCH": LINES}, 0)
    order.require_whole()


def test_batch_whose_center_stays_away_ends_with_its_reason_and_goes_on_when_run_again(
    center: CenterProcess, order: Order
) -> None:
    center.stop()
    center.start(cut="lines:committed:3")
    running = order.start(patience=1)
    out, _ = running.communicate(timeout=60)
    before = order.done()
    center.start()

    order.finish(order.start())

    assert running.returncode == UNREACHABLE
    assert json.loads(out)["error"]["reason"] == "CENTER_UNREACHABLE"
    assert 0 < before < LINES
    order.require_whole()


@pytest.mark.parametrize("lines", [1, 200])
def test_client_that_is_killed_goes_on_when_it_is_run_again(order: Order, lines: int) -> None:
    running = order.start()
    order.wait_for(lines)
    running.send_signal(signal.SIGKILL)
    running.communicate()

    order.finish(order.start())

    order.require_whole()


def test_both_sides_killed_again_and_again_lose_nothing(
    center: CenterProcess, order: Order
) -> None:
    for lines in (60, 200):
        running = order.start()
        order.wait_for(lines)
        running.send_signal(signal.SIGKILL)
        running.communicate()
        center.kill()
        center.start()

    order.finish(order.start())

    order.require_whole()
