"""What probes read over plain HTTP."""

from __future__ import annotations

import asyncio

import orjson
import pytest

from juki_center.rpc import status_http


def probes(*, store: bool = True) -> status_http.Probes:
    return status_http.Probes(lambda: {"store": store, "keys": True}, lambda: b"juki_calls 1\n")


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        (b"GET /live HTTP/1.1", b"200"),
        (b"GET /ready HTTP/1.1", b"200"),
        (b"GET /metrics HTTP/1.1", b"200"),
        (b"GET /metrics?x=1 HTTP/1.0", b"200"),
        (b"GET /residents HTTP/1.1", b"404"),
        (b"POST /live HTTP/1.1", b"405"),
        (b"GET /live HTTP/2.0", b"505"),
        (b"GET /live", b"400"),
        (b"\xff\xfe /live HTTP/1.1", b"400"),
        (b"", b"400"),
    ],
)
def test_request_line_gets_its_status(request_line: bytes, status: bytes) -> None:
    answer = probes().respond(request_line + b"\r\nHost: x\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 " + status + b" ")


def test_not_ready_names_the_failing_check() -> None:
    answer = probes(store=False).respond(b"GET /ready HTTP/1.1\r\n\r\n")

    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 503")
    assert orjson.loads(body) == {"ready": False, "checks": {"store": False, "keys": True}}


def test_head_has_the_length_without_the_body() -> None:
    answer = probes().respond(b"HEAD /metrics HTTP/1.1\r\n\r\n")

    assert b"Content-Length: 13\r\n" in answer
    assert answer.endswith(b"\r\n\r\n")


async def test_listener_answers_and_closes() -> None:
    listener, port = await status_http.start(probes(), "127.0.0.1", 0)
    async with listener:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /live HTTP/1.1\r\n\r\n")
        answer = await reader.read()
        writer.close()

    assert answer.endswith(b'{"live":true}')


async def test_head_over_the_limit_is_dropped_without_an_answer() -> None:
    listener, port = await status_http.start(probes(), "127.0.0.1", 0)
    async with listener:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /live HTTP/1.1\r\nX: " + b"x" * 20_000)
        try:
            answer = await reader.read()
        except ConnectionResetError:
            answer = b""
        writer.close()

    assert answer == b""
