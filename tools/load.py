"""A load test of a whole center: `make load` runs nine o'clock at two workers on PostgreSQL.

It makes a PostgreSQL server, a test center and its callers in out/load, where they are kept for
the next time, serves with several workers until the scenario has run, and leaves with its verdict:
the exit codes are those of `juki-load run`. What it does not know it hands to `juki-load run`.
"""

from __future__ import annotations

import argparse
import json
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.error import URLError

from juki_center.cli import dev_texts
from juki_center.cli.clock import system_clock
from juki_center.cli.dev_folder import NODE, DevFolder
from tools.postgresql import Server, ServerAbsent

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_ROOT: Final = Path(__file__).parents[1]
_READY_SECONDS: Final = 90.0
_STOP_SECONDS: Final = 60.0
_ABSENT: Final = 5
_USUAL_STORE: Final = '"sqlite:///center/center.sqlite"'
_DATABASE: Final = "center"
_CENTER: Final = "from juki_center.cli import main; main()"
_LOAD: Final = "from juki_load.cli import main; main()"


class CenterAbsent(Exception):  # what is the case, and no defect
    """The center does not come up; its own log says why."""


@dataclass(frozen=True, slots=True)
class Callers:
    """Who calls, and whom they ask about: nine o'clock has one terminal for each municipality."""

    terminals: int = 1892
    cards: int = 1400
    residents: int = 10_000
    agencies: int = 4

    def options(self) -> list[str]:
        """Return them as `juki-load prepare` takes them."""
        pairs = ((f"--{one.name}", str(getattr(self, one.name))) for one in fields(self))
        return [text for pair in pairs for text in pair]


@dataclass(frozen=True, slots=True)
class Stage:
    """A folder with a test center and its callers, and the database of the center."""

    folder: Path
    store_url: str
    workers: int = 2

    @property
    def center(self) -> DevFolder:
        """The center's own folder."""
        return DevFolder(self.folder / "center")

    @property
    def people(self) -> Path:
        """The folder of `juki-load prepare`."""
        return self.folder / "people"

    def prepare(self, callers: Callers) -> int:
        """Make what is missing and enter it at the center; return 0, or why `juki-load` failed."""
        center = self.center
        center.prepare(system_clock())
        self._configure()
        folder, pki = str(self.people), str(center.pki.path)
        made = _load("prepare", folder, "--center-pki", pki, *callers.options())
        return made or _load("enter", "--from", folder, "--center-config", str(center.config))

    def run(self, *arguments: str) -> int:
        """Serve while `juki-load` runs with these arguments; return its exit code.

        Raises CenterAbsent.
        """
        with self.serving():
            where = ("--center", self.listen("grpc"), "--status", self.listen("http"))
            return _load(*arguments, *where, "--from", str(self.people))

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Serve until the block ends. Raises CenterAbsent."""
        crew = ("--workers", str(self.workers), "--ready-workers", str(self.workers))
        with (self.folder / "center.log").open("wb") as log:
            center = subprocess.Popen(
                [sys.executable, "-c", _CENTER, "serve", "--config", self.center.config, *crew],
                stdout=log,
                stderr=log,
            )
        try:
            self._await_ready(center)
            yield
        finally:
            _end(center)

    def _configure(self) -> None:
        """Write the configuration anew, with ports that are free now."""
        text = dev_texts.center_toml(NODE)
        text = text.replace(_USUAL_STORE, json.dumps(self.store_url))
        text = text.replace("[listen]", '[listen]\nlocal = "local"')
        for line in [one for one in text.splitlines() if '"127.0.0.1:' in one]:
            name = line.split(" = ")[0]
            text = text.replace(line, f'{name} = "127.0.0.1:{_free_port()}"')
        self.center.config.write_text(text, encoding="utf-8")

    def listen(self, name: str) -> str:
        """Return where the center listens for something: "grpc" or "http"."""
        lines = self.center.config.read_text(encoding="utf-8").splitlines()
        return next(one for one in lines if one.startswith(f"{name} = ")).split('"')[1]

    def _await_ready(self, center: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + _READY_SECONDS
        while not _is_ready(self.listen("http")):
            if center.poll() is not None or time.monotonic() > deadline:
                raise CenterAbsent(f"the center does not serve: {self.folder / 'center.log'}")
            time.sleep(0.1)


def _end(center: subprocess.Popen[bytes]) -> None:
    center.terminate()
    try:
        center.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        center.kill()
        center.wait()


def _load(*arguments: str) -> int:
    return subprocess.run([sys.executable, "-c", _LOAD, *arguments], check=False).returncode


def _is_ready(http: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://{http}/ready", timeout=2) as answer:
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@contextmanager
def running(server: Server) -> Iterator[str]:
    """Run a PostgreSQL server until the block ends, made where it is missing; give its URL.

    Raises ServerAbsent, or CalledProcessError where it does not start.
    """
    if not server.folder.exists():
        server.folder.parent.mkdir(parents=True, exist_ok=True)
        server.make()
    if not server.is_running:
        server.start()
    try:
        # That there is one already is as good.
        where = ("--host", str(server.folder), "--username", "juki")
        server.run("createdb", *where, _DATABASE, check=False)
        yield server.url(_DATABASE)
    finally:
        server.stop()


def main(arguments: Sequence[str]) -> int:
    """Set everything up, run a scenario, and return what `juki-load run` says of it."""
    callers = Callers()
    parser = argparse.ArgumentParser(prog="python -m tools.load", description=__doc__)
    parser.add_argument("scenario", nargs="?", default="0900", help="a name, or a TOML file")
    parser.add_argument("--dir", type=Path, default=_ROOT / "out" / "load", help="where it lies")
    parser.add_argument("--workers", type=int, default=2, help="processes of the center")
    parser.add_argument("--knee", action="store_true", help="look for the knee of the scenario")
    for one in fields(callers):
        default = getattr(callers, one.name)
        parser.add_argument(f"--{one.name}", type=int, default=default, help=f"{default}")
    asked, more = parser.parse_known_args(arguments)
    wanted = Callers(**{one.name: getattr(asked, one.name) for one in fields(callers)})
    folder = asked.dir.absolute()
    command = ("knee" if asked.knee else "run", asked.scenario, *more)
    try:
        with running(Server(folder / "pg")) as url:
            stage = Stage(folder, url, asked.workers)
            return stage.prepare(wanted) or stage.run(*command)
    except (ServerAbsent, CenterAbsent, subprocess.CalledProcessError) as error:
        sys.stderr.write(f"load: {error}\n")
        return _ABSENT


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
