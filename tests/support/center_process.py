"""A whole center in a process of its own, in a folder and on a port that outlive it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Self
from urllib.error import URLError

from tests.support.center_forks import ForkedCenter, Order, center_forks
from tests.support.clerks import sign_in_everywhere

ROOT = Path(__file__).resolve().parent.parent.parent
_START_SECONDS = 60.0
_STOP_SECONDS = 15.0
_MAIN = "from juki_center.cli import main; main()"


def free_port() -> int:
    """Return a port of the loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def eventually(is_so: Callable[[], bool], seconds: float = _START_SECONDS) -> None:
    """Wait until something is so that another process does; raise TimeoutError."""
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.02)


class CenterProcess:
    """`juki-center dev` in a folder; it can be killed, and started again with a defect."""

    def __init__(
        self,
        folder: Path,
        *,
        log: Path | None = None,
        environment: Mapping[str, str] | None = None,
        with_clerks: bool = True,
        is_forked: bool = False,
        program: str = _MAIN,
    ) -> None:
        """Without clerks nobody is signed in at first; `is_forked`: see `center_forks`.

        `program` is the Python that runs `juki-center`.
        """
        self._main = program
        self._is_forked = is_forked
        self.folder = folder
        self._signs_in = with_clerks
        self.log = log or folder / "center-process.log"
        """What it writes to its standard streams."""
        self._environment = dict(environment or {})
        self.port = free_port()
        self.http_port = free_port()
        self._process: subprocess.Popen[bytes] | ForkedCenter | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def address(self) -> str:
        """Where the center listens."""
        return f"127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """The process that was started last."""
        if self._process is None:
            raise RuntimeError("the center was never started")
        return self._process.pid

    def start(self, **defects: str) -> None:
        """Start and wait until it is ready; `defects` are JUKI_TEST_... of `mortal_center`."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        environment = os.environ | self._environment
        environment |= {f"JUKI_TEST_{name.upper()}": v for name, v in defects.items()}
        arguments = ["dev", *self._options()]
        if self._is_forked:
            order = Order(arguments, environment, str(self.log.absolute()))
            self._process = center_forks().start(order)
        else:
            module = ["-m", "tests.support.mortal_center"] if defects else ["-c", self._main]
            self._process = self._program([*module, *arguments], environment)
        self._await_ready(self._process)
        if self._signs_in:
            self._signs_in = False
            sign_in_everywhere(self.folder)

    def _program(
        self, arguments: list[str], environment: dict[str, str]
    ) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, *arguments],
                cwd=ROOT,
                stdout=log,
                stderr=log,
                env=environment,
            )

    def _options(self) -> list[str]:
        ports = ["--port", str(self.port), "--http-port", str(self.http_port)]
        return ["--dir", str(self.folder), *ports]

    def _await_ready(self, process: subprocess.Popen[bytes] | ForkedCenter) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline and process.poll() is None:
            if self.is_ready():
                return
            time.sleep(0.05)
        tail = self.log.read_text(errors="replace")[-2000:]
        raise RuntimeError(f"the center did not start:\n{tail}")

    def is_ready(self) -> bool:
        """Ask the plain status page."""
        try:
            with urllib.request.urlopen(
                f"http://127.0.0.1:{self.http_port}/ready", timeout=2
            ) as answer:
                return bool(answer.status == 200)
        except (URLError, OSError):
            return False

    def kill(self) -> None:
        """End it as a power cut would."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()

    def wait_for_death(self, seconds: float) -> bool:
        """Wait until it has died by itself; say whether it did in time."""
        if self._process is None:
            return True
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def stop(self) -> None:
        """End it in order; a center that hangs is killed, and that is an error."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise
