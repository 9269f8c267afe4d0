"""The outer limit of any service here: a bare grpc.aio server on uvloop that answers with octets.

    python -m tests.bench.bare_server PKI-FOLDER

It listens on a free port of the loopback with the center's own certificate and demands one of its
callers, as the center does, and prints the port. What it answers stands in the question: the first
four octets of a message say how long the answer is to be (big-endian), so that both directions of
a call can be given the sizes of a real one.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from juki_center.rpc import tls13

# What gRPC reads from the environment must stand there before it is imported.
tls13.settle()

import grpc
import uvloop

from juki_pki.folder import PKIFolder

if TYPE_CHECKING:
    Context = grpc.aio.ServicerContext[bytes, bytes]

UNARY: Final = "/bench.Bare/Unary"
BIDI: Final = "/bench.Bare/Bidi"
IDLE: Final = "/bench.Bare/Idle"
_LENGTH_OCTETS: Final = 4
_FILLING: Final = b"\x55" * 65_536


def question(octets: int, answer_octets: int) -> bytes:
    """Return a question of a length that asks for an answer of a length, in octets."""
    return answer_octets.to_bytes(_LENGTH_OCTETS, "big") + _FILLING[: octets - _LENGTH_OCTETS]


def _answer(asked: bytes) -> bytes:
    return _FILLING[: int.from_bytes(asked[:_LENGTH_OCTETS], "big")]


async def _unary(asked: bytes, _context: Context) -> bytes:
    return _answer(asked)


async def _bidi(asked: AsyncIterator[bytes], context: Context) -> None:
    async for one in asked:
        await context.write(_answer(one))


async def _idle(asked: bytes, context: Context) -> None:
    """Answer once, and keep the stream open."""
    await context.write(_answer(asked))
    await asyncio.Event().wait()


async def serve(folder: Path) -> None:
    """Serve until this process is ended."""
    pki = PKIFolder(folder)
    own = pki.center("center-1")
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    handlers = {
        "Unary": grpc.unary_unary_rpc_method_handler(_unary),
        "Bidi": grpc.stream_stream_rpc_method_handler(_bidi),
        "Idle": grpc.unary_stream_rpc_method_handler(_idle),
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("bench.Bare", handlers),))
    root = (pki.trust_path / "root.pem").read_bytes()
    credentials = grpc.ssl_server_credentials(
        [(own.key_pem, own.chain_pem)], root, require_client_auth=True
    )
    port = server.add_secure_port("127.0.0.1:0", credentials)
    await server.start()
    print(port, flush=True)
    await server.wait_for_termination()


if __name__ == "__main__":
    uvloop.run(serve(Path(sys.argv[1])))
