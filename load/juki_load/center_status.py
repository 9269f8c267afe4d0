"""The center's status page: whose center it is, and how busy it is while a run goes on."""

from __future__ import annotations

import asyncio
import os
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from juki_client.outcome import Problem
from juki_load.measure.result import Sample
from juki_load.wire.dial import Address

if TYPE_CHECKING:
    from collections.abc import Mapping

_ALLOWED: Final = frozenset(("dev", "test"))
_INFO: Final = re.compile(r'juki_center_info\{environment="([a-z]+)"')
_VALUE: Final = re.compile(r"^(\w+)(?:\{[^}]*\})? ([0-9.eE+-]+)$", re.MULTILINE)
_LARGEST_PAGE: Final = 4 << 20
_SECONDS: Final = 5.0
_CPU: Final = "process_cpu_seconds_total"
_MEMORY: Final = "process_resident_memory_bytes"
_STORE: Final = "juki_store_busy_seconds_total"
_STREAMS: Final = "juki_terminal_watches_open"


def default_address(center: Address) -> Address:
    """Return where the status page usually is: at the next port."""
    return Address(center.host, center.port + 1)


async def read_page(address: Address) -> str:
    """Return the metrics; raise Problem CENTER_UNREACHABLE where there are none."""
    try:
        async with asyncio.timeout(_SECONDS):
            reader, writer = await asyncio.open_connection(address.host, address.port)
            writer.write(b"GET /metrics HTTP/1.1\r\nHost: center\r\n\r\n")
            page = await reader.read(_LARGEST_PAGE)
            while more := await reader.read(_LARGEST_PAGE):
                page += more
            writer.close()
    except (OSError, TimeoutError) as error:
        raise Problem("CENTER_UNREACHABLE", {"status": f"http://{address}"}) from error
    return page.decode("utf-8", errors="replace")


async def require_test_center(address: Address) -> None:
    """Raise Problem USAGE_INVALID unless the center itself says that it is for development or test.

    A page that says nothing counts as production.
    """
    said = _INFO.search(await read_page(address))
    environment = said[1] if said else "unknown"
    if environment not in _ALLOWED:
        rule = f"the center says environment {environment}: load is for dev and test centers only"
        raise Problem("USAGE_INVALID", {"field": "center", "rule": rule})


@dataclass(slots=True)
class Observer:
    """Looks at the center from time to time; what it cannot see is absent from the samples."""

    address: Address
    pid: int | None = None
    """The center's process, where it runs on this machine."""
    _before: tuple[float, float | None, float | None] | None = None

    async def watch(self, start: float, every_seconds: float, samples: list[Sample]) -> None:
        """Add a sample again and again until cancelled, the first at a time of the monotonic clock.

        Its second is 0, as that of the calls.
        """
        await asyncio.sleep(max(0.0, start - time.monotonic()))
        while True:
            samples.append(await self._sample(time.monotonic() - start))
            await asyncio.sleep(every_seconds)

    async def _sample(self, second: float) -> Sample:
        try:
            values = parse_values(await read_page(self.address))
        except Problem:
            values = {}
        cpu, memory = (values.get(_CPU), values.get(_MEMORY)) if self.pid is None else (None, None)
        if self.pid is not None:
            cpu, memory = cpu_and_memory(self.pid)
        store = values.get(_STORE)
        before, self._before = self._before, (second, cpu, store)
        return Sample(
            second=second,
            cpu_share=_share(before, 1, second, cpu),
            rss_mib=None if memory is None else memory / 2**20,
            store_share=_share(before, 2, second, store),
            open_streams=values.get(_STREAMS),
        )


def parse_values(page: str) -> Mapping[str, float]:
    """Return the metrics of a page by name, those with several labels added up."""
    values: dict[str, float] = {}
    for name, value in _VALUE.findall(page):
        values[name] = values.get(name, 0.0) + float(value)
    return values


def cpu_and_memory(pid: int) -> tuple[float | None, float | None]:
    """Return CPU seconds and resident bytes of a process; None where the system tells neither."""
    try:
        # The name of the program, in brackets, may hold anything.
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    except (OSError, UnicodeDecodeError):
        return None, None
    ticks = int(fields[11]) + int(fields[12])
    memory = int(fields[21]) * os.sysconf("SC_PAGE_SIZE")
    return ticks / os.sysconf("SC_CLK_TCK"), float(memory)


def _share(
    before: tuple[float, float | None, float | None] | None,
    place: int,
    second: float,
    value: float | None,
) -> float | None:
    """Return how much of the time since the sample before was used."""
    earlier = None if before is None else before[place]
    if before is None or earlier is None or value is None or second <= before[0]:
        return None
    return max(0.0, value - float(earlier)) / (second - before[0])
