"""Two nodes of one center: each `juki-center serve --workers 2` with its own certificate."""

from __future__ import annotations

import re
import shutil
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from juki_pki import make
from juki_pki.folder import PKIFolder
from juki_pki.identity import PeerIdentity, Role
from juki_pki.profile import Profiles
from tests.ha.ports import free_ports
from tests.ha.programs import kill_by_number
from tests.support.crew_center import CrewCenter, move_to_server

WORKERS: Final = 2
_SECOND: Final = "center-2"


def made(folder: Path, url: str) -> tuple[Path, Path]:
    """Make a center with invented residents on the database; return the folders of its nodes."""
    first, second = folder / "center-1", folder / "center-2"
    move_to_server(first, url)
    make.issue_peer(
        PKIFolder(first / "pki"),
        PeerIdentity(Role.CENTER, _SECOND),
        Profiles.load(),
        datetime.now(UTC),
    )
    second.mkdir(mode=0o700)
    shutil.copytree(first / "pki", second / "pki")
    (second / "center").mkdir(mode=0o700)
    shutil.copy2(first / "center" / "kek", second / "center" / "kek")
    text = (first / "center.toml").read_text(encoding="utf-8").replace('"center-1"', f'"{_SECOND}"')
    ports = iter(free_ports(3))
    text = re.sub(
        r'^(grpc|http|enrolment) = "127.0.0.1:\d+"',
        lambda listen: f'{listen[1]} = "127.0.0.1:{next(ports)}"',
        text,
        flags=re.MULTILINE,
    )
    (second / "center.toml").write_text(text, encoding="utf-8")
    return first, second


class Node:
    """One node, its supervisor and its workers."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.name = folder.name
        self._opened = ExitStack()
        self._crew = self._new()

    @property
    def address(self) -> str:
        """Where it listens."""
        return self._crew.address

    def start(self) -> None:
        """Start it, and return when all its workers are ready."""
        self._crew = self._new()
        self._opened.enter_context(self._crew)

    def _new(self) -> CrewCenter:
        return CrewCenter(self.folder, WORKERS)

    def kill(self) -> None:
        """End every process of it at once, as a loss of power would."""
        supervisor = self._crew.supervisor
        if supervisor is None:
            return
        # The supervisor first, so that it starts no worker anew.
        workers = self._crew.workers()
        supervisor.kill()
        supervisor.wait()
        for worker in workers:
            kill_by_number(worker.pid)

    def kill_worker(self) -> None:
        """End one worker, and return when another has its place."""
        self._crew.kill(self._crew.workers()[0])

    def is_ready(self) -> bool:
        """Whether it says that it serves."""
        return self._crew.is_ready()

    def ask_to_end(self) -> None:
        """Tell it to end in order, and do not wait."""
        if self._crew.supervisor is not None and self._crew.supervisor.poll() is None:
            self._crew.supervisor.terminate()

    def stop(self) -> None:
        """End it in order."""
        self._opened.close()
