"""Runs of windows that die: rehearsed once to learn their events, then killed at each of them.

The processes that are killed are those of `mortal_window`.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tests.e2e.mortal_window import Order
from tests.support.center_process import ROOT


@dataclass(frozen=True)
class Event:
    """What a window was about to do, or had just seen. `number` counts from 1.

    `is_step` says that the world may be another one than at the event before: the center has
    answered, or the card or a journal has changed. Else it makes no difference when the power goes.
    """

    number: int
    name: str
    is_step: bool

    def __str__(self) -> str:
        return f"{self.number} {self.name}"


@dataclass(frozen=True)
class Ended:
    """How a run ended."""

    killed: bool
    reason: str = ""
    result: Mapping[str, str] = field(default_factory=dict)


@dataclass
class MortalWindows:
    """A process that forks windows of one residence, before a center that may come and go."""

    folder: Path
    center: str
    scratch: Path
    process: subprocess.Popen[str]
    environment: Mapping[str, str] = field(default_factory=dict)

    def run(self, act: str, card: Path | str, *, fatal: int = 0, **arguments: str) -> Ended:
        """Run an act with a card; `card` is a file, or the address of a reader."""
        out = self.scratch / "run.json"
        out.unlink(missing_ok=True)
        journals = sorted((self.folder / "terminal").glob("112089-01.*"))
        order = Order(
            act=act,
            arguments=arguments,
            folder=str(self.folder),
            address=self.center,
            reader=f"virtual:{card}" if isinstance(card, Path) else card,
            fatal=fatal,
            watched=[str(path) for path in ([card] if isinstance(card, Path) else []) + journals],
            out=str(out),
            environment=dict(self.environment),
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(asdict(order)) + "\n")
        self.process.stdin.flush()
        if json.loads(self.process.stdout.readline())["killed"]:
            return Ended(killed=True)
        told = json.loads(out.read_text(encoding="utf-8"))
        return Ended(killed=False, reason=told["reason"], result=told["result"])

    def events(self) -> list[Event]:
        """Return the events of the last run."""
        lines = (self.scratch / "run.json.events").read_text(encoding="utf-8").splitlines()
        told = [json.loads(line) for line in lines]
        return [
            Event(at, one["name"], at == 1 or one["changed"] or _is_answer(one["name"]))
            for at, one in enumerate(told, start=1)
        ]


def _is_answer(name: str) -> bool:
    return name.startswith("<") and len(name) > 1


@contextmanager
def mortal_windows(
    folder: Path, center: str, scratch: Path, environment: Mapping[str, str] | None = None
) -> Iterator[MortalWindows]:
    """Start the process that forks windows; `folder` is a development center's."""
    scratch.mkdir(parents=True, exist_ok=True)
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.e2e.mortal_window"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield MortalWindows(folder, center, scratch, process, environment or {})
    finally:
        assert process.stdin is not None
        process.stdin.close()
        process.wait(20)


def fatal_events(events: Sequence[Event], *, every: bool) -> list[Event]:
    """Return the events at which a window is killed: every one, or the steps alone."""
    return [event for event in events if every or event.is_step]
