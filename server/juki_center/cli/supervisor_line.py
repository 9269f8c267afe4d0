"""A socket beside `listen.local` on which a supervisor takes two orders: show, and restart.

As at the local socket of a center, the file's mode keeps others out, and who connects is asked of
the kernel once more.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import TYPE_CHECKING, Final, Protocol, cast

import orjson

from juki_center.cli.crew_errors import RenewalFailed, SupervisorAbsent
from juki_center.rpc.local_socket import bind_locally, is_trusted, user_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from juki_center.cli.crew import Crew

SHOW: Final = "show"
RESTART: Final = "restart"
_MOST_OCTETS: Final = 64
_WITHIN_SECONDS: Final = 5.0


class Renewing(Protocol):
    """What takes the orders."""

    crew: Crew

    async def renew(self) -> None:
        """Replace every worker, one after the other. Raises RenewalFailed."""

    def pids(self) -> dict[int, int]:
        """Return the process number of each worker, by its serial number."""


def line_of(local: Path) -> Path:
    """Return where the socket lies.

    >>> from pathlib import PurePosixPath
    >>> line_of(PurePosixPath("/run/juki-center/local")).name
    'local.workers'
    """
    return local.with_name(f"{local.name}.workers")


@contextlib.asynccontextmanager
async def taking_orders(supervisor: Renewing, local: Path | None) -> AsyncIterator[None]:
    """Take orders until the block ends, where `listen.local` is configured.

    Raises SocketOccupiedError and OSError.
    """
    if local is None:
        yield
        return
    path = line_of(local)
    visits = _Visits(supervisor)
    server = await asyncio.start_unix_server(
        visits.serve, sock=bind_locally(path), limit=_MOST_OCTETS
    )
    try:
        yield
    finally:
        server.close()
        path.unlink(missing_ok=True)


class _Visits:
    def __init__(self, supervisor: Renewing) -> None:
        self._supervisor = supervisor

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Do one order and close; what is slow, too long or a stranger's is dropped."""
        dropped = (TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError)
        try:
            if is_trusted(user_of(writer)):
                with contextlib.suppress(*dropped):
                    async with asyncio.timeout(_WITHIN_SECONDS):
                        order = await reader.readuntil(b"\n")
                    writer.write(orjson.dumps(await self._obey(order.decode().strip())))
                    await writer.drain()
        finally:
            writer.close()

    async def _obey(self, order: str) -> dict[str, object]:
        if order == RESTART:
            try:
                await self._supervisor.renew()
            except RenewalFailed:
                return {"done": False}
        return {"done": order in (SHOW, RESTART), "workers": self._workers()}

    def _workers(self) -> list[dict[str, object]]:
        crew, pids = self._supervisor.crew, self._supervisor.pids()
        return [
            {
                "worker": one.place,
                "pid": pids.get(one.serial, 0),
                "state": one.phase.name.lower(),
                "restarts": crew.places[one.place].restarts,
            }
            for one in sorted(crew.processes.values(), key=lambda one: (one.place, one.serial))
        ]


def order(path: Path, what: str) -> list[Mapping[str, str | int]]:
    """Give an order and return the workers as they are then; a restart takes its time.

    Raises SupervisorAbsent, and RenewalFailed.
    """
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
            line.connect(str(path))
            line.sendall(f"{what}\n".encode())
            with line.makefile("rb") as answer:
                octets = answer.read()
    except OSError as error:
        raise SupervisorAbsent(str(path)) from error
    if not octets:
        raise SupervisorAbsent(str(path))
    said = orjson.loads(octets)
    if not said["done"]:
        raise RenewalFailed
    return cast("list[Mapping[str, str | int]]", said["workers"])
