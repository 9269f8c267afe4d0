"""Plain HTTP for probes: /live, /ready and /metrics, and nothing else.

Probes cannot do mutual TLS, so this listener belongs on the loopback interface. One request a
connection, GET and HEAD only, with small limits.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, Protocol

import orjson

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

_HEAD_LIMIT_BYTES: Final = 4096
_TIMEOUT_SECONDS: Final = 5.0
_JSON: Final = "application/json"
_PROMETHEUS: Final = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer."""

    status: HTTPStatus
    body: bytes
    content_type: str = _JSON

    def encode(self, *, with_body: bool) -> bytes:
        """Return the octets; HEAD gets the same header without the body."""
        head = (
            f"HTTP/1.1 {self.status.value} {self.status.phrase}\r\n"
            f"Content-Type: {self.content_type}\r\n"
            f"Content-Length: {len(self.body)}\r\n"
            "Cache-Control: no-store\r\n"
            "Connection: close\r\n\r\n"
        ).encode("ascii")
        return head + (self.body if with_body else b"")


def _error(status: HTTPStatus) -> Answer:
    return Answer(status, orjson.dumps({"error": status.phrase}))


def asked(head: bytes) -> tuple[str, bool] | Answer:
    """Return the path that a request's head asks for and whether a body is wanted, or a refusal."""
    try:
        method, path, version = head.split(b"\r\n", 1)[0].decode("ascii").split(" ")
    except ValueError:
        return _error(HTTPStatus.BAD_REQUEST)
    if not version.startswith("HTTP/1."):
        return _error(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED)
    if method not in ("GET", "HEAD"):
        return _error(HTTPStatus.METHOD_NOT_ALLOWED)
    return path.partition("?")[0], method == "GET"


def live() -> Answer:
    """Return the answer of whatever answers."""
    return Answer(HTTPStatus.OK, orjson.dumps({"live": True}))


def readiness(checks: Mapping[str, bool]) -> Answer:
    """Return the answer that says whether all checks are good, and which are."""
    good = all(checks.values())
    status = HTTPStatus.OK if good else HTTPStatus.SERVICE_UNAVAILABLE
    return Answer(status, orjson.dumps({"ready": good, "checks": dict(checks)}))


def exposition(metrics: bytes) -> Answer:
    """Return the answer that has all metrics."""
    return Answer(HTTPStatus.OK, metrics, _PROMETHEUS)


def not_found() -> Answer:
    """Return the answer for every other path."""
    return _error(HTTPStatus.NOT_FOUND)


async def visit(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    respond: Callable[[bytes], Awaitable[bytes]],
) -> None:
    """Answer one request and close; a slow or oversized one is dropped."""
    dropped = (TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError)
    try:
        with contextlib.suppress(*dropped):
            async with asyncio.timeout(_TIMEOUT_SECONDS):
                head = await reader.readuntil(b"\r\n\r\n")
                writer.write(await respond(head))
                await writer.drain()
    finally:
        writer.close()


@dataclass(frozen=True, slots=True)
class Probes:
    """What the three paths answer."""

    ready: Callable[[], Mapping[str, bool]]
    """Named checks; ready is when all are true."""
    metrics: Callable[[], bytes]

    def answer(self, path: str) -> Answer:
        """Return the answer for a path."""
        match path:
            case "/live":
                return live()
            case "/ready":
                return readiness(self.ready())
            case "/metrics":
                return exposition(self.metrics())
            case _:
                return not_found()

    def respond(self, head: bytes) -> bytes:
        """Return the octets that answer a request's head, up to its empty line."""
        question = asked(head)
        if isinstance(question, Answer):
            return question.encode(with_body=True)
        path, with_body = question
        return self.answer(path).encode(with_body=with_body)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request and close; a slow or oversized one is dropped."""
        await visit(reader, writer, self._responded)

    async def _responded(self, head: bytes) -> bytes:
        return self.respond(head)


class Visited(Protocol):
    """What answers on a status listener."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request and close."""


async def start_unix(probes: Visited, path: str) -> asyncio.Server:
    """Listen on a Unix socket in a folder that only its owner may enter. Raises OSError."""
    return await asyncio.start_unix_server(probes.serve, path, limit=_HEAD_LIMIT_BYTES)


async def start(probes: Visited, host: str, port: int) -> tuple[asyncio.Server, int]:
    """Listen; return the listener and the port, which is chosen where `port` is 0."""
    server = await asyncio.start_server(probes.serve, host, port, limit=_HEAD_LIMIT_BYTES)
    chosen: int = server.sockets[0].getsockname()[1]
    return server, chosen
