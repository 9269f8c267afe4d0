"""A development center whose store was moved to a server, served by several processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.error import URLError

from juki_center.cli.supervisor_line import SHOW, line_of, order
from juki_center.config import CenterConfig
from tests.support.center_process import ROOT, CenterProcess, eventually, free_port
from tests.support.postgresql import databases

_MAIN = "from juki_center.cli import main; main()"
_SECONDS = 90.0


def juki_center(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the center."""
    command = [sys.executable, "-c", _MAIN, *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def move_to_server(folder: Path, url: str, *, with_clerks: bool = True) -> None:
    """Make a development center, its clerks signed in or not, and move its store to a server."""
    with CenterProcess(folder, with_clerks=with_clerks):
        # It takes calls before it has written down how others call it; this is written last.
        eventually((folder / "RESIDENTS.md").exists)
    config = folder / "center.toml"
    file = f"sqlite:///{folder / 'center' / 'center.sqlite'}"
    moved = juki_center("migrate-store", file, url, "--config", str(config))
    assert moved.returncode == 0, moved.stderr
    text = config.read_text(encoding="utf-8")
    text = text.replace('"sqlite:///center/center.sqlite"', json.dumps(url))
    text = text.replace("[listen]", '[listen]\nlocal = "local"')
    for port in (7443, 7444, 7445):
        text = text.replace(f":{port}", f":{free_port()}")
    config.write_text(text, encoding="utf-8")


@contextmanager
def served_crew(folder: Path) -> Iterator[CrewCenter]:
    """Serve a development center by two workers from a database of its own."""
    with databases() as found:
        move_to_server(folder, found.server.url(found.empty()))
        with CrewCenter(folder) as serving:
            yield serving


@dataclass(frozen=True)
class Worker:
    """What a supervisor says of one of its workers."""

    number: int
    pid: int
    state: str


class CrewCenter:
    """`juki-center serve --workers N` in a folder whose store is on a server."""

    def __init__(self, folder: Path, workers: int = 2) -> None:
        self.folder = folder
        self.config = folder / "center.toml"
        self.log = folder / "crew.log"
        self._workers = workers
        self.supervisor: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start and wait until all workers are ready."""
        with self.log.open("ab") as log:
            self.supervisor = subprocess.Popen(
                [sys.executable, "-c", _MAIN, "serve", *self._options()],
                cwd=ROOT,
                stdout=log,
                stderr=log,
            )
        try:
            eventually(self.is_ready, _SECONDS)
        except TimeoutError:
            self.stop()
            raise RuntimeError(self.log.read_text(errors="replace")[-3000:]) from None

    def _options(self) -> tuple[str, ...]:
        number = str(self._workers)
        return ("--config", str(self.config), "--workers", number, "--ready-workers", number)

    def stop(self) -> None:
        """End it in order; one that hangs is killed, and that is an error."""
        if self.supervisor is not None and self.supervisor.poll() is None:
            self.supervisor.terminate()
            try:
                self.supervisor.wait(40)
            except subprocess.TimeoutExpired:
                self.supervisor.kill()
                raise

    @property
    def url(self) -> str:
        """Where its store is."""
        return CenterConfig.load(self.config).store_url

    def command(self, *arguments: str) -> dict[str, str]:
        """Run an operator's command that succeeds; return its result."""
        ran = juki_center(*arguments, "--config", str(self.config), "--json")
        assert ran.returncode == 0, ran.stderr
        found: dict[str, str] = json.loads(ran.stdout)["result"]
        return found

    def _listen(self, name: str) -> str:
        (line,) = (
            one for one in self.config.read_text(encoding="utf-8").splitlines()
            if one.startswith(f"{name} = ")
        )  # fmt: skip
        return line.partition('"')[2].strip('"')

    @property
    def address(self) -> str:
        """Where all workers listen."""
        return self._listen("grpc")

    def status(self, path: str) -> tuple[int, str]:
        """Ask the one status address."""
        url = f"http://{self._listen('http')}{path}"
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except (URLError, OSError):
            return 0, ""

    def is_ready(self) -> bool:
        """Whether it says so; a supervisor that has ended is an error."""
        if self.supervisor is not None and self.supervisor.poll() is not None:
            raise RuntimeError(self.log.read_text(errors="replace")[-3000:])
        return self.status("/ready")[0] == 200

    def workers(self) -> list[Worker]:
        """Return the workers as an operator sees them."""
        local = CenterConfig.load(self.config).listen_local
        assert local is not None
        listed = order(line_of(local), SHOW)
        return [Worker(int(one["worker"]), int(one["pid"]), str(one["state"])) for one in listed]

    def kill(self, worker: Worker) -> None:
        """End a worker as a fault would, and wait until another serves in its place."""
        os.kill(worker.pid, signal.SIGKILL)
        deadline = time.monotonic() + _SECONDS
        while not self._is_replaced(worker):
            assert time.monotonic() < deadline, "nobody has taken the place"
            time.sleep(0.02)

    def _is_replaced(self, gone: Worker) -> bool:
        ready = [one.pid for one in self.workers() if one.state == "ready"]
        return gone.pid not in ready and len(ready) == self._workers
