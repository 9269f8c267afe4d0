"""What an idle stream of a terminal weighs at the center, beside one at a server that does nothing.

Every terminal has a certificate and a connection of its own, at both servers. Streams are opened in
portions, in turns; what a process weighs (PSS) before and after a portion is what the portion
weighs. The first portion at each server is not counted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from juki_load.callers import Caller
from juki_load.calls.watch import PATH
from juki_load.wire.dial import Address
from juki_load.wire.header_blocks import Ending
from jukinet.fleet.v1 import terminal_service_pb2 as pb
from tests.bench.bare_server import IDLE, question
from tests.bench.effort import Effort
from tests.bench.measuring import Figure, Goal, Part
from tests.bench.people import Peopled, peopled_center
from tests.bench.server_cpu import bare_server

G7 = 1.2
_SETTLE_SECONDS = 0.5
_AT_ONCE = 20


def measure(folder: Path, effort: Effort) -> Iterator[Part]:
    """Measure G7."""
    terminals = effort.streams * (effort.pairs + 1)
    with (
        peopled_center(folder, terminals=terminals, cards=1) as peopled,
        bare_server(peopled.center.folder / "pki") as (bare_pid, bare_address),
    ):
        yield asyncio.run(_measured(peopled, bare_pid, Address.parse(bare_address), effort))


@dataclass(slots=True)
class _Server:
    """A server, what opens a stream there, and what each portion of streams has added."""

    pid: int
    path: str
    asked: bytes
    callers: list[Caller]
    kib_a_stream: list[float] = field(default_factory=list)

    async def open(self, portion: slice) -> int:
        """Open a portion of streams, and note what they weigh; return the octets first told."""
        before = _pss_kib(self.pid)
        callers, first = self.callers[portion], b""
        for begin in range(0, len(callers), _AT_ONCE):
            some = callers[begin : begin + _AT_ONCE]
            first = (await asyncio.gather(*(self._begin(one) for one in some)))[0]
        await asyncio.sleep(_SETTLE_SECONDS)
        self.kib_a_stream.append((_pss_kib(self.pid) - before) / len(callers))
        return len(first)

    async def _begin(self, caller: Caller) -> bytes:
        stream = _Idle()
        opened = await caller.open(self.path, stream)
        if opened is None:
            raise ConnectionError("a stream was not taken")
        connection, line = opened
        connection.send(line, self.asked, ends=True)
        return await stream.first


class _Idle:
    """A stream that is open from its first message on."""

    def __init__(self) -> None:
        self.first: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def message(self, octets: bytes) -> None:
        if not self.first.done():
            self.first.set_result(octets)

    def ended(self, ending: Ending) -> None:
        if not self.first.done():
            self.first.set_exception(ConnectionError(ending.name))


async def _measured(peopled: Peopled, bare_pid: int, bare: Address, effort: Effort) -> Part:
    watch = pb.WatchRequest().SerializeToString()
    center = _Server(peopled.center.pid, PATH, watch, peopled.terminals(peopled.address))
    told = await center.open(slice(0, effort.streams))
    other = _Server(bare_pid, IDLE, question(4, told), peopled.terminals(bare))
    await other.open(slice(0, effort.streams))
    for number in range(1, effort.pairs + 1):
        portion = slice(number * effort.streams, (number + 1) * effort.streams)
        for server in (center, other) if number % 2 else (other, center):
            await server.open(portion)
    for caller in (*center.callers, *other.callers):
        await caller.close()
    return _part(center.kib_a_stream[1:], other.kib_a_stream[1:], effort)


def _part(center: list[float], bare: list[float], effort: Effort) -> Part:
    ratio = median(a / b if b > 0 else float("nan") for a, b in zip(center, bare, strict=True))
    figures = [
        Figure("of a terminal's stream at the center", median(center), f"{median(center):.1f} KiB"),
        Figure("of a stream at a bare server", median(bare), f"{median(bare):.1f} KiB"),
    ]
    title = f"Memory of idle streams, in portions of {effort.streams}"
    return Part(title, figures, [Goal("G7 ratio", ratio, G7)])


def _pss_kib(pid: int) -> int:
    """Return the proportional share of memory that a process holds, in KiB."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    raise RuntimeError("the system does not say what a process holds")
