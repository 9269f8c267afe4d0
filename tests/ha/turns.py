"""Callers of two nodes in turns: what one node does not answer is put to the other one."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, Protocol

from juki_client.outcome import Problem
from juki_client.patience import told_seconds

CALL_SECONDS: Final = 5.0
GIVES_UP_SECONDS: Final = 180.0
BETWEEN_SECONDS: Final = 0.01
_PAUSE_SECONDS: Final = 0.2
_PASSING: Final = frozenset(
    ("CENTER_UNREACHABLE", "SHUTTING_DOWN", "STORE_UNAVAILABLE", "OVERLOADED", "LOG_UNAVAILABLE")
)


@dataclass(slots=True)
class Turns:
    """Which of the nodes is asked now, and by what calls were refused so far."""

    nodes: int
    now: int
    refused: Counter[str] = field(default_factory=Counter)

    def turn(self) -> None:
        """Turn to the other node."""
        self.now = (self.now + 1) % self.nodes

    def bear(self, problem: Problem, until: float) -> None:
        """Pause, and turn to the other node. Raises the problem where it does not pass."""
        self.refused[problem.reason] += 1
        if problem.reason not in _PASSING or time.monotonic() > until:
            raise problem
        self.turn()
        time.sleep(max(_PAUSE_SECONDS, told_seconds(problem) or 0.0))


class Line(Protocol):
    """Somebody who asks both nodes and writes down what was answered."""

    defects: list[str]

    def times(self) -> list[float]:
        """When something was acknowledged."""
        ...

    def ask_until(self, over: threading.Event) -> None:
        """Ask until it is over. Raises Problem for what does not pass."""
        ...

    def prove(self) -> None:
        """Have the log proved to be one, from the first head seen to the newest; raises Problem."""
        ...


@contextmanager
def asking_meanwhile(lines: Sequence[Line]) -> Iterator[None]:
    """Have all of them ask while the block runs; at its end all that was asked has its answer."""
    over = threading.Event()
    threads = [threading.Thread(target=_ask, args=(one, over), daemon=True) for one in lines]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()


def _ask(line: Line, over: threading.Event) -> None:
    """Let one ask; what goes wrong is kept for the verdict."""
    try:
        line.ask_until(over)
    except Problem as problem:
        line.defects.append(f"{problem.reason} {dict(problem.metadata)}")
    except BaseException as error:
        line.defects.append(type(error).__name__)
        raise
