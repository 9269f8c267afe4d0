"""The stage of the whole way: a center, readers, cards, and terminals run as their users run them.

The scenarios in `scenarios` play on it, for the tests and for the demonstration alike.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from juki_card.resident_code import decode_dg1
from juki_cardbox.cardfile import CardFile
from juki_cardbox.sandbox import PcscSandbox
from juki_cardbox.slot import CardSlot
from juki_center.cli import dev_texts
from tests.support.center_process import ROOT, CenterProcess

RIGHT_PIN = dev_texts.PIN
TERMINAL = "from juki_terminal.cli import main; main()"
AGENCY = "from juki_agency.cli import main; main()"
CENTER = "from juki_center.cli import main; main()"
_DG1 = 0x0101
# Stock tools that came with the packages lie beside the interpreter.
_PATH = f"{Path(sys.executable).parent}:{os.environ.get('PATH', os.defpath)}"


class Slots(Protocol):
    """A place for one card."""

    kind: str

    def insert(self, card: Path) -> AbstractContextManager[str]:
        """Put a card file in; gives the address of the reader for a terminal."""
        ...


class VirtualSlots:
    """Cards in the terminal's own process, without PC/SC."""

    kind = "virtual"

    @contextmanager
    def insert(self, card: Path) -> Iterator[str]:
        yield f"virtual:{card}"


class PcscSlots:
    """Cards in a real pcscd."""

    kind = "pcsc"

    def __init__(self, sandbox: PcscSandbox) -> None:
        self._sandbox = sandbox

    @contextmanager
    def insert(self, card: Path) -> Iterator[str]:
        self._sandbox.insert(CardSlot(card))
        try:
            yield f"pcsc:{self._sandbox.reader_name()}"
        finally:
            self._sandbox.pull()


@dataclass(frozen=True, slots=True)
class Run:
    """A finished program: exit code, its JSON object, what it said, its seconds, its traffic."""

    exit_code: int
    answer: dict[str, Any]
    said: str
    seconds: float
    traffic: tuple[dict[str, Any], ...] = ()

    @property
    def reason(self) -> str:
        """The reason of a refusal, empty after success."""
        return str((self.answer.get("error") or {}).get("reason", ""))

    @property
    def result(self) -> dict[str, Any]:
        """What the command gave."""
        found: dict[str, Any] = self.answer.get("result") or {}
        return found

    @property
    def counted(self) -> Counter[str]:
        """How many messages and command APDUs went by, under `messages` and `apdus`."""
        return Counter(
            messages=sum("message" in line for line in self.traffic),
            apdus=sum(line.get("apdu") == ">" for line in self.traffic),
        )


@dataclass
class Stage:
    """Everything that a scenario needs."""

    folder: Path
    center: CenterProcess
    slots: Slots
    environment: dict[str, str] = field(default_factory=dict)
    counted: Counter[str] = field(default_factory=Counter)
    """What went by at all terminals so far."""

    @property
    def config(self) -> Path:
        """The configuration of the window terminal in Chiyoda."""
        return self.folder / "terminal.toml"

    def card(self, key: str) -> Path:
        """The card file of a sample resident."""
        return self.folder / "cards" / f"{key}.card"

    def code(self, key: str) -> str:
        """The resident record code on a card's chip: what no terminal may see."""
        memory = CardFile(self.card(key)).load()
        return decode_dg1(next(f.content for f in memory.files if f.identifier == _DG1))

    def terminal(
        self, *arguments: str, config: Path | None = None, reader: str = "", stdin: str = ""
    ) -> Run:
        """Run `juki-terminal --json` to its end."""
        trace = self.folder / "trace.jsonl"
        trace.unlink(missing_ok=True)
        options = ["--config", str(config or self.config), "--json", "--trace", str(trace)]
        options += ["--lang", "en", *(["--reader", reader] if reader else [])]
        done = self._run([sys.executable, "-c", TERMINAL, *options, *arguments], stdin)
        traffic = trace.read_text(encoding="utf-8").splitlines() if trace.exists() else []
        run = replace(done, traffic=tuple(json.loads(line) for line in traffic))
        self.counted += run.counted
        return run

    def issue(  # what may differ between applicants
        self,
        key: str,
        *options: str,
        pins: tuple[str, ...] = (RIGHT_PIN,),
        card: Path | None = None,
        out: Path | None = None,
        config: Path | None = None,
    ) -> Run:
        """Put a resident's card in, ask for a copy, and give these PINs."""
        paper = out or self.folder / "paper" / f"{key}.pdf"
        with self.slots.insert(card or self.card(key)) as reader:
            return self.terminal(
                *("copy", "issue", "--out", str(paper), "--pin-from", "-", *options),
                reader=reader,
                config=config,
                stdin="".join(f"{pin}\n" for pin in pins),
            )

    def recorded_issue(self, key: str) -> bytes:
        """Issue a copy at a terminal that keeps every byte that it handles; return them."""
        out = self.folder / "handled"
        with self.slots.insert(self.card(key)) as reader:
            command = [sys.executable, "-m", "tests.e2e.recorder", str(self.config), reader]
            done = self._run([*command, str(out)], RIGHT_PIN + "\n")
        if done.exit_code:
            raise AssertionError(done.said)
        self.counted += Counter(done.answer)
        return out.read_bytes()

    def operator(self, *arguments: str, stdin: str = "") -> Run:
        """Run `juki-center` to its end."""
        return self._run([sys.executable, "-c", CENTER, *arguments], stdin)

    def stock(self, *command: str) -> Run:
        """Run a program that is not ours; its output is what it said."""
        return self._run(list(command), "")

    def _run(self, command: list[str], stdin: str) -> Run:
        began = time.monotonic()
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=os.environ | {"PATH": _PATH} | self.environment,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        seconds = time.monotonic() - began
        return finished(done.returncode, done.stdout, done.stderr, seconds)


def finished(exit_code: int, out: str, said: str, seconds: float) -> Run:
    """Return a run; what it printed is its answer where that is a JSON object."""
    try:
        answer = json.loads(out)
    except ValueError:
        return Run(exit_code, {}, out + said, seconds)
    return Run(exit_code, answer, said, seconds)
