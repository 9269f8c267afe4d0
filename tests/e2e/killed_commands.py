"""Commands of a terminal that die at one of their events, or whose center does.

The process that runs them is `tests.support.mortal_commands`.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.e2e.stage import Run, finished
from tests.support.center_process import ROOT


@dataclass(frozen=True)
class Event:
    """What a terminal was about to do, or had just seen or done. `number` counts from 1.

    `is_message` tells a message to or from the center from what happens at the card and the disk.
    """

    number: int
    name: str
    is_message: bool


@dataclass
class MortalTerminals:
    """A process that forks terminals."""

    folder: Path
    process: subprocess.Popen[str]
    config: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    def run(
        self,
        *arguments: str,
        stdin: str = "",
        fatal: int = 0,
        reader: str = "",
        victim: int = 0,
    ) -> Run | None:
        """Run a command to its end, or None where it was killed at the fatal event.

        A `victim` is another process, which is killed at that event in its place.
        """
        out = self.folder / "run.json"
        out.unlink(missing_ok=True)
        options = ["--config", str(self.config), "--json", "--lang", "en"]
        options += ["--trace", str(self.folder / "mortal.jsonl")]
        options += ["--reader", reader] if reader else []
        order: dict[str, Any] = {
            "arguments": [*options, *arguments],
            "stdin": stdin,
            "fatal": fatal,
            "out": str(out),
            "environment": dict(self.environment),
            "victim": victim,
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
        return [Event(**json.loads(line)) for line in lines]


@contextmanager
def mortal_terminals(
    folder: Path, config: Path, *, environment: Mapping[str, str] | None = None
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
        yield MortalTerminals(folder, process, config, environment or {})
    finally:
        assert process.stdin is not None
        process.stdin.close()
        process.wait(20)
