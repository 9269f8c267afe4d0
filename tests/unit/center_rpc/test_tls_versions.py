"""TLS 1.3 completes, TLS 1.2 does not."""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING

import pytest

from tests.support.center_edge import running, scripted

if TYPE_CHECKING:
    from juki_pki.folder import PKIFolder


def client_context(pki: PKIFolder, version: ssl.TLSVersion) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = context.maximum_version = version
    context.load_verify_locations(pki.trust_path / "root.pem")
    folder = pki.path / "terminal" / "131016-01"
    context.load_cert_chain(folder / "chain.pem", folder / "key.pem")
    context.set_alpn_protocols(["h2"])
    return context


async def negotiated(address: str, context: ssl.SSLContext) -> str | None:
    host, _, port = address.rpartition(":")
    _, writer = await asyncio.open_connection(host, int(port), ssl=context)
    connection: ssl.SSLObject = writer.get_extra_info("ssl_object")
    writer.close()
    return connection.version()


async def test_tls_1_3_completes(pki: PKIFolder) -> None:
    async with running(pki, scripted()) as edge:
        version = await negotiated(edge.address, client_context(pki, ssl.TLSVersion.TLSv1_3))

    assert version == "TLSv1.3"


async def test_tls_1_2_does_not_complete(pki: PKIFolder) -> None:
    async with running(pki, scripted()) as edge:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await negotiated(edge.address, client_context(pki, ssl.TLSVersion.TLSv1_2))
