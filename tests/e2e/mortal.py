"""Runs of terminals that die: rehearsed once to learn their events, then killed at each.

The process that is killed is one of `tests.support.mortal_commands`.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.e2e.stage import Run, finished
from tests.support.center_process import ROOT


@dataclass(frozen=True)
class Event:
    """What a terminal was about to do, or had just seen. `number` counts from 1.

    `is_step` says that it is a message, or that the card or the journal has changed since the
    event before: what lies between two steps makes no difference to anybody.
    """

    number: int
    name: str
    is_step: bool


@dataclass
class MortalTerminals:
    """A process that forks terminals."""

    folder: Path
    process: subprocess.Popen[str]
    config: Path
    watched: Sequence[Path] = ()
    """Files whose changes are steps: the card, the journals."""
    environment: Mapping[str, str] = field(default_factory=dict)

    def run(self, *arguments: str, stdin: str = "", fatal: int = 0, reader: str = "") -> Run | None:
        """Run a command to its end, or None where it was killed at the fatal event."""
        out = self.folder / "run.json"
        out.unlink(missing_ok=True)
        options = ["--config", str(self.config), "--json", "--lang", "en"]
        options += ["--trace", str(self.folder / "mortal.jsonl")]
        options += ["--reader", reader] if reader else []
        order: dict[str, Any] = {
            "arguments": [*options, *arguments],
            "stdin": stdin,
            "fatal": fatal,
            "watched": [str(path) for path in self.watched],
            "out": str(out),
            "environment": dict(self.environment),
        }
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        if json.loads(self.process.stdout.readline())["killed"]:
            return None
        told = json.loads(out.read_text(encoding="utf-8"))
        return finished(told["code"], told["out"], told["said"], 0.0)

    def events(self) -> list[Event]:
        """Return the events of the last run."""
        lines = (self.folder / "run.json.events").read_text(encoding="utf-8").splitlines()
        told = [json.loads(line) for line in lines]
        return [
            Event(number, one["name"], one["message"] or one["changed"])
            for number, one in enumerate(told, start=1)
        ]


@contextmanager
def mortal_commandss(
    folder: Path, config: Path, *watched: Path, environment: Mapping[str, str] | None = None
) -> Iterator[MortalTerminals]:
    """Start the process that forks terminals."""
    folder.mkdir(parents=True, exist_ok=True)
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.mortal_commands"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield MortalTerminals(folder, process, config, watched, environment or {})
    finally:
        assert process.stdin is not None
        process.stdin.close()
        process.wait(20)


def fatal_events(events: Sequence[Event], *, every: bool) -> list[Event]:
    """Return the events at which a terminal is killed: every one, or the steps.

    Where nothing has changed between an answer and the next command, it makes no difference between
    which of the two the power goes.
    """
    return [event for event in events if every or event.is_step]


def commands(events: Sequence[Event], *, every: bool) -> list[Event]:
    """Return the moments before each command or message, and the one after the last answer."""
    return [event for event in events if every or event.name.startswith(">")] + [*events[-1:]]
