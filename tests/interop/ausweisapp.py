"""AusweisApp2, the stock eID client, driven by its websocket interface (its SDK, API level 2).

It runs without a screen, in a home and a network namespace of its own: it listens on fixed ports,
and nothing else on the machine shall meet them.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from websockets.sync.client import ClientConnection, connect

from juki_cardbox.errors import ReaderUnavailable
from juki_cardbox.foreign_socket import connect_beside

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator, Mapping

PROGRAM = "AusweisApp2"
_PORT = 24727
_START_SECONDS = 30.0
_ANSWER_SECONDS = 20.0
_POLL_SECONDS = 0.05
_FOLDERS = ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR")
_SCRIPT = f"ip link set lo up; exec {PROGRAM} --ui websocket --port {_PORT} --no-logfile --no-proxy"


class AusweisApp:
    """One conversation with the program. `heard` are its messages so far."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self.heard: list[dict[str, Any]] = []

    def say(self, command: str, value: str | None = None) -> None:
        """Send a command."""
        message = {"cmd": command} | ({"value": value} if value is not None else {})
        self._connection.send(json.dumps(message))

    def await_one_of(self, *names: str) -> dict[str, Any]:
        """Return the next message with one of these names; fail with all heard if none comes."""
        deadline = time.monotonic() + _ANSWER_SECONDS
        while (left := deadline - time.monotonic()) > 0:
            try:
                message: dict[str, Any] = json.loads(self._connection.recv(timeout=left))
            except TimeoutError:
                break
            self.heard.append(message)
            if message["msg"] in names:
                return message
        raise AssertionError(f"none of {names} came; heard: {self.heard}")

    def start_pin_change(self, reader: str, insert: Callable[[], None]) -> dict[str, Any]:
        """Begin to change a PIN, put the card in, and return the question for its password.

        The card goes in only when the program knows the reader: it opens each new reader for a
        moment without a card, and pcscd 1.9 can lose an insertion in that very moment.
        """
        self.say("RUN_CHANGE_PIN")
        while self.await_one_of("READER")["name"] != reader:
            pass
        insert()
        return self.await_one_of("ENTER_PIN", "ENTER_CAN", "ENTER_PUK")

    def cancel(self) -> dict[str, Any]:
        """Give the PIN change up, and wait until it has ended."""
        self.say("CANCEL")
        return self.await_one_of("CHANGE_PIN")


@contextmanager
def running(folder: Path, environment: Mapping[str, str]) -> Iterator[AusweisApp]:
    """Start the program with its files in `folder`; stop it at the end."""
    with (folder / "ausweisapp.log").open("wb") as log:
        program = subprocess.Popen(
            [*_unshare(), "sh", "-c", _SCRIPT],
            env=_environment(folder) | dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        with _dialled(program) as channel, _opened(channel) as connection:
            yield AusweisApp(connection)
    finally:
        program.kill()
        program.wait()


def _opened(channel: socket.socket) -> ClientConnection:
    return connect(f"ws://127.0.0.1:{_PORT}/eID-Kernel", sock=channel, open_timeout=_START_SECONDS)


def _dialled(program: subprocess.Popen[bytes]) -> socket.socket:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            return connect_beside(program.pid, "127.0.0.1", _PORT)
        except ReaderUnavailable:
            if program.poll() is not None or time.monotonic() > deadline:
                raise
            time.sleep(_POLL_SECONDS)


def _unshare() -> list[str]:
    user_namespace = ["-U", "-r"] if os.geteuid() else []
    return ["unshare", *user_namespace, "-n"]


def _environment(folder: Path) -> dict[str, str]:
    variables = {"PATH": os.environ["PATH"] + ":/usr/sbin:/sbin", "LANG": "C.UTF-8"}
    for name in _FOLDERS:
        (folder / name).mkdir(mode=0o700)
        variables[name] = str(folder / name)
    return variables | {"QT_QPA_PLATFORM": "offscreen"}
