"""Runs a command of ours in this process: the same `main`, without an interpreter's start.

What a command prints and how it exits is what its users see; only the second that the imports take
is paid once. One command at a time: arguments and standard streams belong to the whole process.
"""

from __future__ import annotations

import io
import os
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass

DEFECT = 1


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended, and what it printed."""

    exit_code: int
    out: str
    said: str


def run_here(
    main: Callable[[], None],
    arguments: Sequence[str],
    *,
    stdin: str = "",
    environment: Mapping[str, str] | None = None,
) -> Ended:
    """Run a command's `main` with these arguments and this input."""
    out, said = _Stream(), _Stream()
    with ExitStack() as stack:
        stack.enter_context(redirect_stdout(out))
        stack.enter_context(redirect_stderr(said))
        stack.enter_context(_process(arguments, stdin, environment or {}))
        code = _exit_code(main)
    return Ended(code, out.text, said.text)


class _Stream(io.TextIOWrapper):
    """A text stream that keeps what is written to it, also to its buffer."""

    def __init__(self) -> None:
        self._kept = io.BytesIO()
        super().__init__(self._kept, encoding="utf-8", write_through=True)

    @property
    def text(self) -> str:
        self.flush()
        return self._kept.getvalue().decode()


def _exit_code(main: Callable[[], None]) -> int:
    try:
        main()
    except SystemExit as end:
        return int(end.code or 0)
    except Exception:  # what an interpreter would print and exit with
        traceback.print_exc()
        return DEFECT
    return 0


@contextmanager
def _process(
    arguments: Sequence[str], stdin: str, environment: Mapping[str, str]
) -> Iterator[None]:
    kept = sys.argv, sys.stdin, dict(os.environ)
    sys.argv = ["command", *arguments]
    sys.stdin = io.TextIOWrapper(io.BytesIO(stdin.encode()), encoding="utf-8")
    os.environ.update(environment)
    try:
        yield
    finally:
        sys.argv, sys.stdin = kept[:2]
        os.environ.clear()
        os.environ.update(kept[2])
