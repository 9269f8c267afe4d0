"""A pcscd of one's own: real PC/SC with vpcd readers, in namespaces that nothing else sees.

vpcd listens on every interface and every pcscd wants the same paths, so each runs in its own mount
and network namespace. Clients reach it through PCSCLITE_CSOCK_NAME; libpcsclite reads that variable
once in a process, so a process meets one sandbox in its life (restarts keep the path).
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from juki_cardbox.errors import ReaderUnavailable, SandboxUnavailable
from juki_cardbox.foreign_socket import connect_beside
from juki_cardbox.vpcd import ABSENCE_SECONDS, DEFAULT_PORT, CardService

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType
    from typing import Self

    from juki_cardbox.vpcd import Slot

DRIVER: Final = Path("/usr/lib/pcsc/drivers/serial/libifdvpcd.so")
READER_NAME: Final = "Juki Virtual Reader"
_SLOTS_PER_READER: Final = 2
_START_SECONDS: Final = 10.0
_POLL_SECONDS: Final = 0.01
_STOP_SECONDS: Final = 5.0

# A fresh /run hides the machine's own pcscd and works where /run/pcscd does not exist.
_SCRIPT: Final = """
set -e
mkdir -p "$1/run"
exec 3<"$1/run"
mount -t tmpfs none /run
mkdir /run/pcscd
mount --bind /proc/self/fd/3 /run/pcscd
exec 3<&-
ip link set lo up
exec pcscd --foreground --config "$1/reader.conf"
"""


def why_unavailable() -> str | None:
    """Say what this machine lacks for a sandbox, None where nothing is known to be missing."""
    for program in ("pcscd", "unshare", "nsenter", "ip"):
        if shutil.which(program, path=_search_path()) is None:
            return f"{program} is not installed"
    if not DRIVER.is_file():
        return "vsmartcard-vpcd is not installed"
    probe = subprocess.run(
        [*_unshare(), "mount", "-t", "tmpfs", "none", "/run"],
        capture_output=True,
        check=False,
        env=_environment(),
    )
    if probe.returncode:
        return "namespaces are not permitted here: " + probe.stderr.decode(errors="replace").strip()
    return None


class PcscSandbox:
    """One pcscd with `slots` card slots; use it as a context, then set `environment` for clients.

    Slots are named by `reader_name(0)`, `reader_name(1)` and so on. pcscd 1.9.9 carries 16.
    """

    def __init__(self, directory: Path | None = None, *, slots: int = 2) -> None:
        self._own_directory = directory is None
        self.directory = directory or Path(tempfile.mkdtemp(prefix="juki-pcsc-"))
        self._entries = -(-slots // _SLOTS_PER_READER)
        self._pcscd: subprocess.Popen[bytes] | None = None
        self._services: dict[int, CardService] = {}
        self._emptied: dict[int, float] = {}

    def __enter__(self) -> Self:
        """Start pcscd."""
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Pull all cards, stop pcscd and remove a directory that was made here."""
        self.close()

    @property
    def socket_path(self) -> Path:
        """Where clients reach pcscd."""
        return self.directory / "run" / "pcscd.comm"

    @property
    def environment(self) -> Mapping[str, str]:
        """What a client process needs in its environment, before it loads libpcsclite."""
        return {"PCSCLITE_CSOCK_NAME": str(self.socket_path)}

    def reader_name(self, slot: int = 0) -> str:
        """Return the PC/SC name of a slot."""
        entry, place = divmod(slot, _SLOTS_PER_READER)
        return f"{_friendly_name(entry)} 00 {place:02X}"

    def start(self) -> None:
        """Start pcscd and wait until it listens; raise SandboxUnavailable where it does not."""
        (self.directory / "run").mkdir(parents=True, exist_ok=True)
        self.socket_path.unlink(missing_ok=True)
        self._configure()
        with (self.directory / "pcscd.log").open("ab") as log:
            self._pcscd = subprocess.Popen(
                [*_unshare(), "sh", "-c", _SCRIPT, "sandbox", str(self.directory)],
                stdout=log,
                stderr=log,
                env=_environment(),
            )
        self._await_listening(self._pcscd)

    def stop(self) -> None:
        """Stop pcscd; cards in it lose their reader, as in a crash of the daemon."""
        if self._pcscd is not None:
            self._pcscd.terminate()
            try:
                self._pcscd.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._pcscd.kill()
                self._pcscd.wait()
            self._pcscd = None

    def restart(self) -> None:
        """Stop and start pcscd on the same path; inserted cards come back by themselves."""
        self.stop()
        self.start()

    def close(self) -> None:
        """Pull all cards, stop pcscd and remove a directory that was made here."""
        for slot in tuple(self._services):
            self.pull(slot)
        self.stop()
        if self._own_directory:
            shutil.rmtree(self.directory, ignore_errors=True)

    def insert(self, card: Slot, slot: int = 0) -> None:
        """Put a card into a slot; the reader reports it within about half a second.

        Waits until the slot has been empty for long enough that pcscd saw it.
        """
        self.pull(slot)
        time.sleep(max(0.0, self._emptied.get(slot, 0.0) + ABSENCE_SECONDS - time.monotonic()))
        service = CardService(card, partial(self._dial, slot), redial_seconds=ABSENCE_SECONDS)
        service.start()
        self._services[slot] = service

    def pull(self, slot: int = 0) -> None:
        """Pull the card of a slot, if there is one."""
        service = self._services.pop(slot, None)
        if service is not None:
            service.stop()
            self._emptied[slot] = time.monotonic()

    def _dial(self, slot: int) -> socket.socket:
        port = DEFAULT_PORT + slot
        if self._pcscd is None:
            raise ReaderUnavailable("127.0.0.1", port, "pcscd is not running")
        return connect_beside(self._pcscd.pid, "127.0.0.1", port)

    def _configure(self) -> None:
        """Write reader.conf, with a copy of the driver for each reader.

        The driver keeps its slots by their place alone: two readers of one library share them.
        """
        entries = []
        for number in range(self._entries):
            driver = self.directory / f"vpcd-{number}.so"
            shutil.copyfile(DRIVER, driver)
            entries.append(_entry(number, driver))
        (self.directory / "reader.conf").write_text("\n".join(entries), encoding="ascii")

    def _await_listening(self, pcscd: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline and pcscd.poll() is None:
            if _listens(self.socket_path):
                return
            time.sleep(_POLL_SECONDS)
        self.stop()
        log = (self.directory / "pcscd.log").read_text(encoding="utf-8", errors="replace")
        raise SandboxUnavailable("pcscd did not start: " + log.strip().rpartition("\n")[2])


def _listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0


def _entry(number: int, driver: Path) -> str:
    port = DEFAULT_PORT + number * _SLOTS_PER_READER
    return (
        f'FRIENDLYNAME "{_friendly_name(number)}"\n'
        f"DEVICENAME /dev/null:{port}\nLIBPATH {driver}\nCHANNELID {port}\n"
    )


def _friendly_name(entry: int) -> str:
    return READER_NAME if entry == 0 else f"{READER_NAME} {chr(ord('A') + entry)}"


def _unshare() -> list[str]:
    user_namespace = ["-U", "-r"] if os.geteuid() else []
    return ["unshare", *user_namespace, "-n", "-m"]


def _environment() -> dict[str, str]:
    return {**os.environ, "PATH": _search_path()}


def _search_path() -> str:
    # pcscd and ip lie where an ordinary user's PATH does not look.
    return os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin"
