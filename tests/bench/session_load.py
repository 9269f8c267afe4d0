"""A process that keeps a center busy with card sessions, at a rate or as fast as they go.

    python -m tests.bench.session_load FOLDER HOST:PORT AT-ONCE

Each line on standard input is a rate of sessions a second that begins now, with 0 for as many as
AT-ONCE windows can hold, or `stop`, which has it print how many were finished in how many seconds.
It is a process of its own because virtual cards and terminals compute as much as a center does.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path

import uvloop

from juki_load.calls.conversation import Over
from juki_load.prepared import Prepared
from juki_load.wire.dial import Address
from tests.bench.people import CardSessions, callers_of
from tests.support.center_process import ROOT

_RAMP_SECONDS = 1.0
_PAUSE_SECONDS = 0.02


class SessionLoad:
    """The process, as who measures has it."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def start(self, rate: float) -> None:
        """Have sessions begin at a rate, and return when they are under way."""
        self._say(f"{rate:.3f}")
        time.sleep(_RAMP_SECONDS)

    def stop(self) -> float:
        """Have no more sessions begin; return how many were finished a second."""
        self._say("stop")
        assert self._process.stdout is not None
        said = json.loads(self._process.stdout.readline())
        return float(said["sessions"] / said["seconds"])

    def _say(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()


@contextmanager
def session_load(folder: Path, address: str, at_once: int) -> Iterator[SessionLoad]:
    """Run the process; it is ended with the block."""
    module = ["-m", "tests.bench.session_load", str(folder), address, str(at_once)]
    with subprocess.Popen(
        [sys.executable, *module],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield SessionLoad(process)
        finally:
            process.terminate()


class _Busy:
    """Sessions under way, and how many were finished."""

    def __init__(self, sessions: CardSessions, at_once: int) -> None:
        self._sessions, self._at_once = sessions, at_once
        self._finished, self._began = 0, time.perf_counter()
        self._tasks: set[asyncio.Task[None]] = set()
        self._turn = 0

    def start(self, rate: float) -> None:
        self._finished, self._began = 0, time.perf_counter()
        self._turn += 1
        if rate:
            self._keep(self._paced(rate, self._turn))
        else:
            for _ in range(self._at_once):
                self._keep(self._again_and_again(self._turn))

    def stop(self) -> str:
        """Have no more begin; those under way end by themselves."""
        self._turn += 1
        seconds = time.perf_counter() - self._began
        return json.dumps({"sessions": self._finished, "seconds": seconds})

    async def _paced(self, rate: float, turn: int) -> None:
        began, due = time.perf_counter(), 0
        while turn == self._turn:
            while due < (time.perf_counter() - began) * rate and len(self._tasks) <= self._at_once:
                self._keep(self._one())
                due += 1
            await asyncio.sleep(0.5 / rate)

    async def _again_and_again(self, turn: int) -> None:
        while turn == self._turn:
            await self._one()

    def _keep(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _one(self) -> None:
        try:
            await self._sessions.one()
        except (Over, IndexError):
            # Refused, or no window is free yet after the turn before: it was not finished.
            await asyncio.sleep(_PAUSE_SECONDS)
        else:
            self._finished += 1


async def _serve(folder: Path, address: str, at_once: int) -> None:
    people = Prepared.load(folder)
    sessions = CardSessions(people, callers_of(people, Address.parse(address)))
    busy = _Busy(sessions, at_once)
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        if line.strip() == "stop":
            print(busy.stop(), flush=True)
        else:
            busy.start(float(line))


if __name__ == "__main__":
    uvloop.run(_serve(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
