"""Programs that run beside this one: each with a log of its own, ended by its number alone.

PostgreSQL does not run as root, so as root the servers run as the distribution's user `postgres`.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

_USER: Final = "postgres"
_STOP_SECONDS: Final = 15.0
_WAIT_SECONDS: Final = 120.0
# What leads Python of the distribution to modules that are not its own.
_NOT_PASSED: Final = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "PYTEST_CURRENT_TEST")


class ProgramAbsent(Exception):  # what is the case, and no defect
    """A program of the distribution is not installed."""


def found(name: str, package: str) -> str:
    """Return where a program lies. Raises ProgramAbsent, naming its package."""
    path = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/bin:/usr/sbin")
    if path is None:
        raise ProgramAbsent(f"{name} is not installed: the package {package}")
    return path


def hand_over(path: Path) -> None:
    """Let the servers' user have a file or a folder."""
    if os.geteuid() == 0:
        shutil.chown(path, _USER, _USER)


@dataclass
class Program:
    """One program; started, killed, started again."""

    command: tuple[str, ...]
    folder: Path
    log: Path
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def pid(self) -> int:
        """The process that was started last."""
        if self._process is None:
            raise RuntimeError(f"{self.command[0]} was never started")
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether it runs."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it, as the servers' user where this is root."""
        is_root = os.geteuid() == 0
        kept = {name: value for name, value in os.environ.items() if name not in _NOT_PASSED}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.command,
                cwd=self.folder,
                env=kept,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                user=_USER if is_root else None,
                group=_USER if is_root else None,
                extra_groups=[] if is_root else None,
                # A Ctrl-C at the keyboard is for this program, which ends the others in order.
                start_new_session=True,
            )

    def kill(self) -> None:
        """End it as a fault would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> None:
        """End it in order, or else by force."""
        if self._process is None or not self.is_running:
            return
        self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()


def kill_by_number(pid: int) -> None:
    """End a process that was not started here, and return when it is gone."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + _STOP_SECONDS
    while is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    """Whether there is such a process that has not ended; an unreaped one has."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def await_until(is_so: Callable[[], bool], problem: str) -> None:
    """Return when something is so. Raises TimeoutError with the problem."""
    deadline = time.monotonic() + _WAIT_SECONDS
    while not is_so():
        if time.monotonic() > deadline:
            raise TimeoutError(problem)
        time.sleep(0.1)
