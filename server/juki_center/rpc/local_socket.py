"""A Unix socket on the center's machine, for root and the center's own user alone.

The file's mode keeps others out, and who connects is asked of the kernel once more. What may be
ordered stands in `local_orders`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import stat
import struct
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from juki_center.rpc.local_orders import MOST_OCTETS, obey

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from juki_center.rpc.local_orders import LocalParts

logger = logging.getLogger(__name__)

_TIMEOUT_SECONDS: Final = 5.0
_MODE: Final = 0o600
_BACKLOG: Final = 8
# struct ucred of the kernel: process, user, group (unix(7), SO_PEERCRED).
_CREDENTIALS: Final = struct.Struct("3i")


class SocketOccupiedError(OSError):
    """Where the socket should be, there is something else, or another center listens."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path}: cannot be listened on; is another center running?")


@asynccontextmanager
async def listening_locally(parts: LocalParts, path: Path) -> AsyncIterator[None]:
    """Take orders on a socket until the block ends. Raises SocketOccupiedError and OSError."""
    bound = bind_locally(path)
    server = await asyncio.start_unix_server(
        _Visits(parts).serve, sock=bound, limit=MOST_OCTETS, backlog=_BACKLOG
    )
    try:
        yield
    finally:
        server.close()
        await server.wait_closed()
        _remove(path)


def bind_locally(path: Path) -> socket.socket:
    """Return a socket at a path that is the owner's alone.

    Raises SocketOccupiedError where somebody listens there, or something else lies there.
    """
    _remove_left_over(path)
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        bound.bind(str(path))
        # Nobody can connect before it listens, and then the mode is there.
        path.chmod(_MODE)
    except OSError:
        bound.close()
        raise
    return bound


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)


def _remove_left_over(path: Path) -> None:
    """Remove the socket of a center that was killed; raise SocketOccupiedError for any other."""
    if not path.exists():
        return
    if not stat.S_ISSOCK(path.lstat().st_mode):
        raise SocketOccupiedError(path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
            return
    raise SocketOccupiedError(path)


class _Visits:
    """Serves connections: one order each."""

    def __init__(self, parts: LocalParts) -> None:
        self._parts = parts

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one order and close; what is slow, too long or a stranger's is dropped."""
        dropped = (TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError)
        try:
            if not is_trusted(user_of(writer)):
                logger.warning("a stranger at the local socket")
                return
            with contextlib.suppress(*dropped):
                async with asyncio.timeout(_TIMEOUT_SECONDS):
                    line = await reader.readuntil(b"\n")
                writer.write(await obey(self._parts, line))
                await writer.drain()
        except Exception as error:
            # Its text may quote a person's data: only its kind is told.
            logger.error("a local order failed: %s", type(error).__name__)  # noqa: TRY400
        finally:
            writer.close()


def user_of(writer: asyncio.StreamWriter) -> int:
    """Return whose process is at the other end, as the kernel says."""
    peer: socket.socket = writer.get_extra_info("socket")
    said = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    user: int = _CREDENTIALS.unpack(said)[1]
    return user


def is_trusted(user: int) -> bool:
    """Tell whether a user may give orders: root, and who runs the center."""
    return user in {0, os.geteuid()}
