"""Connecting: TLS 1.3 with a terminal's own certificate, and the center's leaves as anchors."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from juki_load.wire.connection import Connection

if TYPE_CHECKING:
    from pathlib import Path

_HANDSHAKE_SECONDS: Final = 20.0


@dataclass(frozen=True, slots=True)
class Address:
    """Where a center listens."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Address:
        """Return the address in HOST:PORT; raise ValueError for what is none."""
        host, _, port = text.rpartition(":")
        if not host or not port.isdigit():
            raise ValueError(f"not HOST:PORT: {text}")
        return cls(host.strip("[]"), int(port))

    def __str__(self) -> str:
        """Return HOST:PORT."""
        return f"{self.host}:{self.port}"


def client_tls(chain: Path, key: Path, center_leaves: Path) -> ssl.SSLContext:
    """Return the TLS of one caller: 1.3 only, its own certificate, the pinned leaves of the center.

    Raises OSError and ssl.SSLError for files that are missing or no certificates.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    # The anchors are the leaves themselves, as for every client of this network.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.load_verify_locations(center_leaves)
    context.load_cert_chain(chain, key)
    context.set_alpn_protocols(["h2"])
    return context


async def dial(
    address: Address, tls: ssl.SSLContext | None, *, patience: str = "20S"
) -> Connection:
    """Connect; return when the center's settings have come.

    `patience` is the deadline that calls name; `tls` of None is for servers of this package's own.
    Raises OSError, ssl.SSLError, TimeoutError.
    """
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(_HANDSHAKE_SECONDS):
        _, connection = await loop.create_connection(
            lambda: Connection(str(address), patience=patience),
            address.host,
            address.port,
            ssl=tls,
            server_hostname=address.host if tls is not None else None,
        )
        await connection.ready()
    return connection
