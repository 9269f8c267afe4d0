"""A test center in a folder of its own: its configuration, and the program that serves it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Self
from urllib.error import URLError

from juki_center.cli import dev_texts
from juki_center.cli.dev_folder import DevFolder
from juki_center.config import CenterConfig

_MAIN: Final = "from juki_center.cli import main; main()"
_FILE_URL: Final = "sqlite:///center/center.sqlite"
_START_SECONDS: Final = 600.0
_STOP_SECONDS: Final = 60.0
_LOOK_SECONDS: Final = 0.02
_SAID: Final = 2_000


class NotReady(Exception):  # what happened, and no defect of the measurement
    """The center ended, or was not ready in time."""


@dataclass(frozen=True, slots=True)
class TestCenter:
    """A center that is thrown away; its store is a file in the folder, or a server's database."""

    folder: Path

    def prepare(self, store_url: str = _FILE_URL) -> CenterConfig:
        """Make what is missing of its keys, and write its configuration with ports of its own."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        DevFolder(self.folder).prepare(datetime.now(UTC))
        text = dev_texts.center_toml("center-1").replace(
            json.dumps(_FILE_URL), json.dumps(store_url)
        )
        for usual in (7443, 7444, 7445):
            text = text.replace(f"127.0.0.1:{usual}", f"127.0.0.1:{_free_port()}")
        self.config_path.write_text(text, encoding="utf-8")
        return CenterConfig.load(self.config_path)

    @property
    def config_path(self) -> Path:
        """The file of its configuration."""
        return self.folder / "center.toml"

    def file_octets(self) -> int:
        """Return the size of its store's file with the write-ahead log, without the reserve."""
        files = ("center.sqlite", "center.sqlite-wal")
        paths = [self.folder / "center" / name for name in files]
        return sum(path.stat().st_size for path in paths if path.exists())


class Served:
    """`juki-center serve` in a process of its own, from its start until it is left."""

    def __init__(self, center: TestCenter) -> None:
        self._center = center
        self._config = CenterConfig.load(center.config_path)
        self._process: subprocess.Popen[bytes] | None = None
        self.seconds_to_ready = 0.0
        self.cpu_to_ready = 0.0

    def __enter__(self) -> Self:
        """Start it, and return when it is ready. Raises NotReady with what it said last."""
        began = time.monotonic()
        log = self._center.folder / "serve.log"
        with log.open("wb") as said:
            command = [sys.executable, "-c", _MAIN, "serve"]
            self._process = subprocess.Popen(
                [*command, "--config", str(self._center.config_path)], stdout=said, stderr=said
            )
        while not self._is_ready():
            late = time.monotonic() - began > _START_SECONDS
            if late or self._process.poll() is not None:
                self.__exit__()
                raise NotReady(log.read_text(errors="replace")[-_SAID:])
            time.sleep(_LOOK_SECONDS)
        self.seconds_to_ready = time.monotonic() - began
        self.cpu_to_ready = _cpu_seconds(self._process.pid)
        return self

    def __exit__(self, *_: object) -> None:
        """End it in order."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._process.wait(_STOP_SECONDS)

    @property
    def address(self) -> str:
        """Where it takes calls."""
        return self._config.listen_grpc

    def start_figures(self) -> dict[str, float]:
        """Return what starting it took, and its memory now."""
        return {
            "ready_seconds": self.seconds_to_ready,
            "ready_cpu_seconds": self.cpu_to_ready,
            "ready_pss_kib": self.pss_kib,
        }

    @property
    def pss_kib(self) -> int:
        """The memory that is its own, and its share of what it shares, in KiB."""
        if self._process is None:
            raise NotReady("it was never started")
        return pss_kib(self._process.pid)

    def _is_ready(self) -> bool:
        try:
            url = f"http://{self._config.listen_http}/ready"
            with urllib.request.urlopen(url, timeout=5) as answer:
                return bool(answer.status == 200)
        except (URLError, OSError):
            return False


def pss_kib(pid: int | None = None) -> int:
    """Return the proportional set size of a process, of this one unless it is named."""
    path = Path(f"/proc/{pid or os.getpid()}/smaps_rollup")
    for line in path.read_text(encoding="ascii").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    raise OSError(f"{path} says no Pss")


def _cpu_seconds(pid: int) -> float:
    """Return the CPU that a process has used, user and system (proc(5), fields 14 and 15)."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
