"""Centers as forks of one process that has loaded the program: a second of work less at each start.

For tests that start a center again and again, because they kill it. `python -m
tests.support.center_forks` reads one JSON object a line, an `Order`, and prints the number of the
process that it has forked. It does nothing but import and fork, so nothing of gRPC is in use and no
thread runs when it does. What a person starts is tested elsewhere, as a program of its own.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import threading
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True)
class Order:
    """A center to be started: its command line, its environment, and the file that it writes to."""

    arguments: list[str]
    environment: dict[str, str]
    log: str


class ForkedCenter:
    """What the tests need of `subprocess.Popen`, for a process that is not our own child."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._handle = os.pidfd_open(pid)

    def __del__(self) -> None:
        os.close(self._handle)

    def poll(self) -> int | None:
        """Return None while it lives; how it ended is not known."""
        return 0 if self._is_over(0) else None

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end. Raises subprocess.TimeoutExpired."""
        if not self._is_over(timeout):
            raise subprocess.TimeoutExpired(str(self.pid), timeout or 0.0)
        return 0

    def send_signal(self, number: int) -> None:
        """Send a signal, if it lives."""
        if not self._is_over(0):
            signal.pidfd_send_signal(self._handle, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def _is_over(self, seconds: float | None) -> bool:
        return bool(select.select([self._handle], [], [], seconds)[0])


class CenterForks:
    """The process that forks centers; it ends with this one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.center_forks"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def start(self, order: Order) -> ForkedCenter:
        """Fork a center."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with self._lock:
            self._process.stdin.write(json.dumps(asdict(order)) + "\n")
            self._process.stdin.flush()
            return ForkedCenter(int(self._process.stdout.readline()))


@cache
def center_forks() -> CenterForks:
    """Return the one of this process, which is started when it is asked for first."""
    return CenterForks()


def _become(order: Order) -> None:
    """Be the center of an order, in the child that was forked for it."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    log = os.open(order.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    for stream in (1, 2):
        os.dup2(log, stream)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.environ.update(order.environment)
    sys.argv = ["juki-center", *order.arguments]
    mortal_center.be()


def _bury(*_: object) -> None:
    """Take note of every child that has ended, so that nothing of it is left."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return


def serve() -> None:
    """Fork a center for each order, and say which process it is."""
    signal.signal(signal.SIGCHLD, _bury)
    for line in sys.stdin:
        order = Order(**json.loads(line))
        child = os.fork()
        if not child:
            try:
                _become(order)
            except BaseException as error:  # the child must not go on as its parent
                if not isinstance(error, SystemExit):
                    sys.excepthook(type(error), error, error.__traceback__)
            finally:
                sys.stdout.flush()
                os._exit(1)
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    from tests.support import mortal_center

    # The command loads its modules when it is called; here they are loaded before it is.
    __import__("juki_center.cli.commands")
    __import__("juki_center.cli.dev")
    serve()
