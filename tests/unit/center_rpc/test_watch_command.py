"""`juki-terminal watch` and `hotlist` against a center that serves, each a program of its own."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from typing import TYPE_CHECKING

from juki_center.areas.cards.register import CardStatus
from tests.support.center import serial_of
from tests.support.watching import watched_center

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from pathlib import Path

    from juki_pki.folder import PKIFolder
    from tests.support.watching import WatchedCenter

_OF_ITS_OWN = {"failed", "reported", "trust", "renewed"}
SERIAL = serial_of("yoshida-taro")


def configured(
    center: WatchedCenter, pki: PKIFolder, folder: Path, *, hotlist: bool = True
) -> Path:
    terminal = pki.path / "terminal" / "131016-01"
    path = folder / "terminal.toml"
    path.write_text(
        f"""
environment = "test"
[center]
address = "{center.edge.address}"
[identity]
certificate = "{terminal / "chain.pem"}"
key = "{terminal / "key.pem"}"
[trust]
dir = "{pki.trust_path}"
[reader]
name = "virtual:none.card"
[journal]
path = "terminal.journal"
"""
        + ('[hotlist]\npath = "hotlist"\n' if hotlist else "")
    )
    return path


async def begun(config: Path, *arguments: str) -> Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "from juki_terminal.cli import main; main()",
        "--config",
        str(config),
        "--json",
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )


async def line_of(process: Process) -> dict[str, object]:
    """Return the next line about the stream; what the terminal keeps up is tested elsewhere."""
    assert process.stdout is not None
    while True:
        async with asyncio.timeout(20):
            line: dict[str, object] = json.loads(await process.stdout.readline())
        if line.get("event") not in _OF_ITS_OWN:
            return line


async def ended(config: Path, *arguments: str) -> tuple[int, dict[str, object]]:
    process = await begun(config, *arguments)
    line = await line_of(process)
    return await process.wait(), line


async def test_watch_keeps_the_list_until_it_is_told_to_end(pki: PKIFolder, tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    async with watched_center(pki, tmp_path / "store") as center:
        config = configured(center, pki, tmp_path)
        missing = await ended(config, "hotlist")
        process = await begun(config, "watch")
        first = [await line_of(process) for _ in range(2)]

        await center.store.act(lambda tx: tx.cards.set_status(SERIAL, CardStatus.SUSPENDED))
        told = await line_of(process)

        process.send_signal(signal.SIGTERM)
        last, code = await line_of(process), await process.wait()
        found = await ended(config, "hotlist")
        (tmp_path / "hotlist").write_bytes(b"damaged")
        damaged = await ended(config, "hotlist")

    assert (missing[0], missing[1]["error"]["reason"]) == (3, "HOTLIST_TOO_OLD")  # type: ignore[index]  # JSON
    assert [one["event"] for one in first] == ["connected", "hotlist"]
    assert (told["event"], told["cards"]) == ("hotlist", 1)
    assert (code, last["ok"], last["command"]) == (0, True, "watch")
    assert found[0] == 0
    assert found[1]["result"]["cards"] == 1  # type: ignore[index]  # JSON
    assert found[1]["result"]["is_fresh"] is True  # type: ignore[index]  # JSON
    assert (damaged[0], damaged[1]["error"]["reason"]) == (3, "HOTLIST_NOT_TRUSTED")  # type: ignore[index]  # JSON


async def test_terminal_without_a_hotlist_watches_and_keeps_none(
    pki: PKIFolder, tmp_path: Path
) -> None:
    (tmp_path / "store").mkdir()
    async with watched_center(pki, tmp_path / "store") as center:
        config = configured(center, pki, tmp_path, hotlist=False)

        process = await begun(config, "watch")
        first = await line_of(process)
        process.send_signal(signal.SIGTERM)
        code = await process.wait()
        shown = await ended(config, "hotlist")

    assert (first["event"], code) == ("connected", 0)
    assert shown[0] == 2
    assert shown[1]["error"]["metadata"] == {"key": "hotlist.path"}  # type: ignore[index]  # JSON


async def test_ctrl_c_ends_a_watch_as_interrupted_by_its_user(
    pki: PKIFolder, tmp_path: Path
) -> None:
    (tmp_path / "store").mkdir()
    async with watched_center(pki, tmp_path / "store") as center:
        process = await begun(configured(center, pki, tmp_path), "watch")
        first = await line_of(process)

        process.send_signal(signal.SIGINT)
        lines = [await line_of(process)]
        while "ok" not in lines[-1]:
            lines.append(await line_of(process))
        code = await process.wait()

    assert (first["event"], code) == ("connected", 130)
    assert lines[-1]["error"]["reason"] == "INTERRUPTED"  # type: ignore[index]  # JSON
