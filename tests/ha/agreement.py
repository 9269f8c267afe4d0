"""Three etcd on the loopback: they agree on which database server leads, and for how long."""

from __future__ import annotations

import urllib.request
from pathlib import Path
from typing import Final, Self
from urllib.error import URLError

from tests.ha.ports import free_ports
from tests.ha.programs import Program, await_until, found, hand_over

MEMBERS: Final = 3


class Agreement:
    """The three; with one of them gone the other two still agree."""

    def __init__(self, folder: Path) -> None:
        """Lay out the members; nothing is started."""
        binary = found("etcd", "etcd-server")
        ports = free_ports(2 * MEMBERS)
        self.clients, peers = ports[:MEMBERS], ports[MEMBERS:]
        all_members = ",".join(
            f"etcd-{n}=http://127.0.0.1:{port}" for n, port in enumerate(peers, 1)
        )
        self._programs: list[Program] = []
        for number, (client, peer) in enumerate(zip(self.clients, peers, strict=True), 1):
            home = folder / f"etcd-{number}"
            home.mkdir(mode=0o700)
            hand_over(home)
            command = (
                binary,
                *("--name", f"etcd-{number}", "--data-dir", str(home / "data")),
                *("--listen-client-urls", f"http://127.0.0.1:{client}"),
                *("--advertise-client-urls", f"http://127.0.0.1:{client}"),
                *("--listen-peer-urls", f"http://127.0.0.1:{peer}"),
                *("--initial-advertise-peer-urls", f"http://127.0.0.1:{peer}"),
                *("--initial-cluster", all_members, "--initial-cluster-state", "new"),
                # A machine that is busy with everything at once is late, and not gone.
                *("--heartbeat-interval", "200", "--election-timeout", "2000"),
                *("--logger", "zap", "--log-level", "warn"),
            )
            self._programs.append(Program(command, home, folder / f"etcd-{number}.log"))

    def __enter__(self) -> Self:
        """Start them, and return when they agree."""
        try:
            for program in self._programs:
                program.start()
            await_until(self._is_agreed, "etcd does not answer; see out/ha/etcd-1.log")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for program in self._programs:
            program.stop()

    def _is_agreed(self) -> bool:
        return all(self._is_healthy(port) for port in self.clients)

    @staticmethod
    def _is_healthy(port: int) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2) as answer:
                return b'"true"' in answer.read()
        except (URLError, OSError):
            return False
