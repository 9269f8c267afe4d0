"""A center with so many idle terminals: what each stream costs it in memory.

Each terminal has a certificate, a connection and a stream of its own, by the frames of `juki_load`,
in this process; what the center's process holds for them is read from the system before and after.
"""

from __future__ import annotations

import asyncio
import resource
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from juki_load.callers import Caller
from juki_load.calls import watch
from juki_load.prepare.making import Wanted, prepare
from juki_load.prepared import Prepared
from juki_load.wire.dial import Address
from jukinet.fleet.v1 import terminal_service_pb2 as pb
from tools.scale.center import Served, TestCenter

if TYPE_CHECKING:
    from collections.abc import Callable

    from juki_load.wire.header_blocks import Ending

_AT_ONCE: Final = 16
_PAUSE_SECONDS: Final = 2.0
_SETTLE_SECONDS: Final = 5.0
_TRIES: Final = 100
_FILES_BESIDE: Final = 256
_REQUEST: Final = pb.WatchRequest().SerializeToString()


class NotOpened(Exception):  # a measurement that means nothing
    """A stream did not come about, or ended while it was idle."""


class _Idle:
    """One terminal's stream, from its first message to its end."""

    def __init__(self, caller: Caller) -> None:
        self.caller = caller
        self.is_open = False
        self._told = asyncio.Event()

    async def open(self) -> None:
        """Open it; a center that has many at the door is asked again later. Raises NotOpened."""
        for _ in range(_TRIES):
            self._told.clear()
            line = await self.caller.open(watch.PATH, self)
            if line is not None:
                connection, stream = line
                connection.send(stream, _REQUEST, ends=True)
                await self._told.wait()
                if self.is_open:
                    return
            await asyncio.sleep(_PAUSE_SECONDS)
        raise NotOpened(self.caller.uri)

    def message(self, octets: bytes) -> None:  # noqa: ARG002  # that something came is enough
        """Note that the center has begun to tell."""
        self.is_open = True
        self._told.set()

    def ended(self, ending: Ending) -> None:  # noqa: ARG002  # why is the center's affair
        """Note that it is over."""
        self.is_open = False
        self._told.set()


def measure(center: TestCenter, streams: int, *, told: Callable[[int], None]) -> dict[str, float]:
    """Make the terminals, start the center, and open their streams; return the figures by name."""
    center.prepare()
    _allow_files(streams + _FILES_BESIDE)
    folder = _terminals(center.folder, streams)
    with Served(center) as served:
        return asyncio.run(_opened(served, folder, streams, told))


async def _opened(
    served: Served, folder: Prepared, streams: int, told: Callable[[int], None]
) -> dict[str, float]:
    address, leaves = Address.parse(served.address), folder.center_leaves
    idle = [
        _Idle(Caller(address, folder.terminal(label), leaves))
        for label in folder.manifest.terminals[:streams]
    ]
    # What the first stream makes once is no part of the others.
    await idle[0].open()
    await asyncio.sleep(_SETTLE_SECONDS)
    before, began = served.pss_kib, time.monotonic()
    await _open_all(idle[1:], told)
    seconds = time.monotonic() - began
    await asyncio.sleep(_SETTLE_SECONDS)
    grown = served.pss_kib - before
    if not all(one.is_open for one in idle):
        raise NotOpened(f"{sum(not one.is_open for one in idle)} have ended")
    await asyncio.gather(*(one.caller.close() for one in idle))
    return {
        "streams": streams,
        "first_pss_kib": before,
        "kib_a_stream": grown / (streams - 1),
        "open_seconds": seconds,
    }


async def _open_all(idle: list[_Idle], told: Callable[[int], None]) -> None:
    waiting, opened = iter(idle), 0

    async def open_some() -> None:
        nonlocal opened
        for one in waiting:
            await one.open()
            opened += 1
            told(opened)

    await asyncio.gather(*(open_some() for _ in range(_AT_ONCE)))


def _terminals(folder: Path, count: int) -> Prepared:
    wanted = Wanted(
        folder / "load", folder / "pki", terminals=count, cards=0, residents=1, agencies=1
    )
    return prepare(wanted, lambda *_: None)


def _allow_files(wanted: int) -> None:
    """Let this process, and the center that it starts, hold so many connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard), hard))
