"""A PostgreSQL server of one's own: `make pg` starts one in out/pg and leaves it running.

It listens on a Unix socket in its folder and nowhere else; who may enter the folder is trusted.
PostgreSQL does not run as root: there, the server runs as the distribution's user `postgres`.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_ROOT: Final = Path(__file__).parents[1]
_USER: Final = "postgres"
_ROLE: Final = "juki"
_DATABASE: Final = "center"
_BINARIES: Final = (Path("/usr/lib/postgresql/15/bin"), Path("/usr/lib/postgresql/16/bin"))
_SETTINGS: Final = """
listen_addresses = ''
unix_socket_directories = '{folder}'
max_connections = 200
log_min_messages = fatal
autovacuum_naptime = 10min
"""


class ServerAbsent(Exception):  # what is the case, and no defect
    """PostgreSQL is not installed."""


@dataclass(frozen=True, slots=True)
class Server:
    """A server in a folder."""

    folder: Path

    @property
    def is_running(self) -> bool:
        """Whether it runs."""
        return (self.folder / ".s.PGSQL.5432").exists() and not self._control("status", check=False)

    def url(self, database: str) -> str:
        """Return the URL of one of its databases."""
        return f"postgresql:///{database}?host={self.folder}&user={_ROLE}"

    def make(self, *, is_durable: bool = True) -> None:
        """Make its files. One that is not durable is for what is thrown away."""
        self.folder.mkdir(parents=True, mode=0o700)
        if os.geteuid() == 0:
            shutil.chown(self.folder, _USER, _USER)
        made = ["--pgdata", "data", "--username", _ROLE, "--auth", "trust", "--no-sync"]
        self.run("initdb", *made, "--encoding", "UTF8", "--locale", "C")
        settings = _SETTINGS.format(folder=self.folder)
        if not is_durable:
            settings += "fsync = off\nfull_page_writes = off\n"
        with (self.folder / "data" / "postgresql.conf").open("a") as file:
            file.write(settings)

    def start(self) -> None:
        """Start it, and return when it answers."""
        self._control("start", "--log", "log", "--wait")

    def stop(self) -> None:
        """Stop it at once, as a loss of power would; one that does not run is stopped already."""
        self._control("stop", "--mode", "immediate", check=False)

    def _control(self, action: str, *more: str, check: bool = True) -> int:
        return self.run("pg_ctl", "--pgdata", "data", action, *more, check=check)

    def run(self, program: str, *arguments: str, check: bool = True) -> int:
        is_root = os.geteuid() == 0
        done = subprocess.run(
            [found(program), *arguments],
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=check,
            user=_USER if is_root else None,
            group=_USER if is_root else None,
            extra_groups=[] if is_root else None,
        )
        return done.returncode


def found(program: str) -> Path:
    """Return where the distribution keeps a program of the server. Raises ServerAbsent."""
    for folder in _BINARIES:
        if (folder / program).exists():
            return folder / program
    on_path = shutil.which(program)
    if on_path is None:
        raise ServerAbsent(f"{program} is not installed: the package postgresql-15")
    return Path(on_path)


def main(arguments: list[str]) -> int:
    """Start or stop the server in out/pg, and say how it is reached."""
    parser = argparse.ArgumentParser(prog="python -m tools.postgresql", description=__doc__)
    parser.add_argument("action", choices=("start", "stop"))
    action = parser.parse_args(arguments).action
    server = Server(_ROOT / "out" / "pg")
    try:
        _start(server) if action == "start" else server.stop()
    except (ServerAbsent, subprocess.CalledProcessError) as error:
        sys.stderr.write(f"pg: {error}\n")
        return 1
    return 0


def _start(server: Server) -> None:
    if not server.folder.exists():
        server.make()
    if not server.is_running:
        server.start()
    # That there is one already is as good.
    server.run(
        "createdb", "--host", str(server.folder), "--username", _ROLE, _DATABASE, check=False
    )
    sys.stdout.write(f"{server.url(_DATABASE)}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
