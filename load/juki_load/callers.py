"""Callers: virtual terminals and agencies, each with its own certificate and its own connection.

A caller connects at its first call. Until the connection stands calls wait for it, and their time
runs: a handshake that is slow is a call that is slow.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING

from juki_load.wire.connection import LOST, Connection
from juki_load.wire.dial import Address, client_tls, dial
from juki_load.wire.header_blocks import Ending

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from juki_load.prepared import Identity
    from juki_load.wire.streams import Listener, Stream

_UNAVAILABLE = 14
NOT_CONNECTED = Ending(_UNAVAILABLE, "CONNECT_FAILED")


class Caller:
    """One identity and its connection, made anew where it was lost."""

    def __init__(
        self,
        address: Address,
        identity: Identity | None,
        center_leaves: Path | None,
        *,
        patience: str = "20S",
    ) -> None:
        """Without an identity it speaks plainly, to servers of this package's own."""
        self.identity = identity
        self.handshakes = 0
        self._address = address
        self._leaves = center_leaves
        self._patience = patience
        self._tls: ssl.SSLContext | None = None
        self._connection: Connection | None = None
        self._dialling: asyncio.Task[None] | None = None
        self._waiting: list[tuple[Callable[[Connection], None], Callable[[Ending], None]]] = []

    @property
    def uri(self) -> str:
        """Who it is."""
        return self.identity.uri if self.identity else ""

    def call(self, path: str, message: bytes, listener: Listener) -> None:
        """Make a unary call; the listener always hears of its end."""
        connection = self._connection
        if connection is not None and connection.takes_calls:
            connection.call(path, message, listener)
        else:
            self._when_connected(lambda c: c.call(path, message, listener), listener.ended)

    async def open(self, path: str, listener: Listener) -> tuple[Connection, Stream] | None:
        """Begin a stream; None where no connection comes about or it has no room for one."""
        connection = await self.connected()
        stream = None if connection is None else connection.open(path, listener)
        return None if connection is None or stream is None else (connection, stream)

    async def connected(self) -> Connection | None:
        """Return the connection; None where none comes about."""
        found: asyncio.Future[Connection | None] = asyncio.get_running_loop().create_future()
        if self._connection is not None and self._connection.takes_calls:
            return self._connection
        self._when_connected(found.set_result, lambda _: found.set_result(None))
        return await found

    async def close(self) -> None:
        """Hang up."""
        if self._dialling is not None:
            await asyncio.wait([self._dialling])
        if self._connection is not None:
            self._connection.close()

    def _when_connected(
        self, act: Callable[[Connection], None], otherwise: Callable[[Ending], None]
    ) -> None:
        self._waiting.append((act, otherwise))
        if self._dialling is None:
            self._dialling = asyncio.get_running_loop().create_task(self._dial())

    async def _dial(self) -> None:
        try:
            connection = await self._new_connection()
        except (OSError, ssl.SSLError, TimeoutError):
            connection = None
        self._dialling = None
        self._connection = connection
        waiting, self._waiting = self._waiting, []
        for act, otherwise in waiting:
            if connection is None:
                otherwise(NOT_CONNECTED)
            elif connection.takes_calls:
                act(connection)
            else:
                otherwise(LOST)

    async def _new_connection(self) -> Connection:
        if self.identity is not None and self._leaves is not None and self._tls is None:
            self._tls = client_tls(self.identity.chain, self.identity.key, self._leaves)
        self.handshakes += 1
        return await dial(self._address, self._tls, patience=self._patience)
