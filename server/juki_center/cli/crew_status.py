"""What all workers together answer on the one status address: are they ready, and their metrics.

Each worker is asked when somebody asks, over a socket of its own. One that does not answer in time
is not ready.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import orjson

from juki_center.cli.crew import Phase
from juki_center.cli.worker_metrics import merged
from juki_center.rpc import status_http
from juki_center.rpc.status_http import Answer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from juki_center.cli.crew import Crew, Process

_WITHIN_SECONDS: Final = 2.0
_MOST_OCTETS: Final = 16 << 20


@dataclass(frozen=True, slots=True)
class Said:
    """What a worker has answered; nothing and 503 where it has not."""

    status: HTTPStatus = HTTPStatus.SERVICE_UNAVAILABLE
    body: bytes = b""

    @property
    def is_good(self) -> bool:
        """Whether it says yes."""
        return self.status is HTTPStatus.OK

    @property
    def takes_calls(self) -> bool:
        """Whether it listens, be the store or a key in trouble or not."""
        with contextlib.suppress(orjson.JSONDecodeError, KeyError, TypeError):
            return bool(orjson.loads(self.body)["checks"]["accepting"])
        return False


async def ask(socket: Path, path: str) -> Said:
    """Ask a worker; whatever goes wrong is no answer."""
    wrong = (OSError, TimeoutError, ValueError, asyncio.IncompleteReadError)
    with contextlib.suppress(*wrong):
        async with asyncio.timeout(_WITHIN_SECONDS):
            return await _asked(socket, path)
    return Said()


async def _asked(socket: Path, path: str) -> Said:
    reader, writer = await asyncio.open_unix_connection(str(socket), limit=_MOST_OCTETS)
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: worker\r\n\r\n".encode("ascii"))
        head = await reader.readuntil(b"\r\n\r\n")
        body = await reader.read(_MOST_OCTETS)
        while more := await reader.read(_MOST_OCTETS):
            body += more
    finally:
        writer.close()
    return Said(HTTPStatus(int(head.split(b" ", 2)[1])), body)


@dataclass(frozen=True, slots=True)
class CrewStatus:
    """Answers on the one address. `least` workers must be ready for the whole to be."""

    crew: Crew
    least: int
    socket_of: Callable[[int], Path] = field(repr=False)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request and close."""
        await status_http.visit(reader, writer, self._respond)

    async def _respond(self, head: bytes) -> bytes:
        question = status_http.asked(head)
        if isinstance(question, Answer):
            return question.encode(with_body=True)
        path, with_body = question
        return (await self._answer(path)).encode(with_body=with_body)

    async def _answer(self, path: str) -> Answer:
        match path:
            case "/live":
                return status_http.live()
            case "/ready":
                return status_http.readiness(await self._checks())
            case "/metrics":
                return status_http.exposition(await self._exposition())
            case _:
                return status_http.not_found()

    async def _checks(self) -> dict[str, bool]:
        said = await self._ask_each("/ready")
        ready = sum(one.is_good for one in said.values())
        return {"workers": ready >= self.least, "accepting": not self.crew.is_ending}

    async def _exposition(self) -> bytes:
        said = await self._ask_each("/metrics")
        pages = {place: one.body.decode("utf-8") for place, one in said.items() if one.is_good}
        return (merged(pages) + self._own()).encode()

    async def _ask_each(self, path: str) -> dict[int, Said]:
        """Ask the newest worker of each place that serves."""
        newest: dict[int, Process] = {one.place: one for one in self.crew.ready}
        said = await asyncio.gather(
            *(ask(self.socket_of(one.serial), path) for one in newest.values())
        )
        return dict(sorted(zip(newest, said, strict=True)))

    def _own(self) -> str:
        crew = self.crew
        phases = [one.phase for one in crew.processes.values()]
        states = [
            f'juki_workers{{state="{phase.name.lower()}"}} {phases.count(phase)}' for phase in Phase
        ]
        restarts = [
            f'juki_worker_restarts_total{{worker="{number}"}} {place.restarts}'
            for number, place in enumerate(crew.places)
        ]
        lines = [
            "# HELP juki_workers Processes that serve, by how far they are.",
            "# TYPE juki_workers gauge",
            *states,
            "# HELP juki_worker_restarts_total Workers that were started because one had died.",
            "# TYPE juki_worker_restarts_total counter",
            *restarts,
        ]
        return "".join(f"{line}\n" for line in lines)
