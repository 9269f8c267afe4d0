"""What the service manager is told."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from juki_center.cli.service_manager import READY, tell


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.settimeout(5)
        yield listening


def test_a_manager_is_told_at_its_socket(
    manager: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", manager.getsockname())

    tell(READY)

    assert manager.recv(100) == b"READY=1"


def test_a_manager_with_an_abstract_address_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind("\0juki-test-notify")
        listening.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", "@juki-test-notify")

        tell("STOPPING=1")

        assert listening.recv(100) == b"STOPPING=1"


@pytest.mark.parametrize("address", ["", "relative/path", "/nowhere/at/all"])
def test_without_a_manager_nothing_happens(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", address)

    tell(READY)
