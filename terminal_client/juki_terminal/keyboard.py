"""Secrets typed at the terminal device: no echo, in time, nothing left over from before."""

from __future__ import annotations

import os
import select
import termios
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from juki_client.outcome import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DEVICE: Final = "/dev/tty"
_LONGEST_LINE: Final = 64


@dataclass(frozen=True, slots=True)
class Keyboard:
    """The device at which people type; it is not standard input, which may be a pipe.

    `option` is what a caller without a device is told to use instead.
    """

    device: str = DEVICE
    option: str = "--pin-from"
    monotonic: Callable[[], float] = field(default=time.monotonic)

    def require(self) -> None:
        """Raise Problem USAGE_INVALID where there is no device, before a card is asked for."""
        os.close(self._opened())

    def _opened(self) -> int:
        try:
            return os.open(self.device, os.O_RDWR | os.O_NOCTTY)
        except OSError as error:
            facts = {"field": "pin", "rule": f"a terminal to type it at, or {self.option}"}
            raise Problem("USAGE_INVALID", facts) from error

    @contextmanager
    def silent(self, seconds: float) -> Iterator[SilentLines]:
        """Open the device with the echo off, and forget what was typed before and after.

        Raises Problem USAGE_INVALID where there is no such device.
        """
        terminal = self._opened()
        before = termios.tcgetattr(terminal)
        silent = termios.tcgetattr(terminal)
        silent[3] &= ~termios.ECHO
        try:
            termios.tcsetattr(terminal, termios.TCSAFLUSH, silent)
            yield SilentLines(terminal, self.monotonic() + seconds, self.monotonic)
        finally:
            termios.tcsetattr(terminal, termios.TCSAFLUSH, before)
            os.close(terminal)


class SilentLines:
    """Lines from a device whose echo is off, until `end`."""

    def __init__(self, terminal: int, end: float, monotonic: Callable[[], float]) -> None:
        self._terminal = terminal
        self._end = end
        self._monotonic = monotonic

    def ask(self, prompt: str) -> str | None:
        """Show a prompt and return the line that was typed; None where none came in time.

        What is no ASCII comes back as U+FFFD, which is no digit.
        """
        os.write(self._terminal, prompt.encode("utf-8"))
        seconds = max(0.0, self._end - self._monotonic())
        ready, _, _ = select.select([self._terminal], [], [], seconds)
        line = os.read(self._terminal, _LONGEST_LINE) if ready else b""
        os.write(self._terminal, b"\n")
        return line.strip().decode("ascii", errors="replace") if line else None

    def forget(self) -> None:
        """Throw away what was typed beyond the line, such as the rest of one that was too long."""
        termios.tcflush(self._terminal, termios.TCIFLUSH)
