"""Wrong certificates against a server that listens: refused in the handshake, or by the first call.

Which of the two is settled here for each. A client of OpenSSL shows what no client of gRPC would
send; a client of gRPC shows the status where the handshake itself is in order.
"""

from __future__ import annotations

import asyncio
import shutil
import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, TypeAlias

import grpc
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from juki_client import channel as client_channel
from juki_client.identity import ClientIdentity
from juki_client.outcome import Problem
from juki_pki import make
from juki_pki.folder import PKIFolder
from juki_pki.identity import PeerIdentity, Role
from juki_pki.profile import Profiles
from jukinet.copies.v1 import certificate_copy_service_pb2 as pb
from jukinet.copies.v1 import certificate_copy_service_pb2_grpc as pb_grpc
from tests.support.center_edge import pinned, running, scripted
from tests.support.crafted_certificates import (
    URI,
    Crafted,
    Wanted,
    issued,
    of_another_key,
    of_credential,
    p256,
    right,
    self_signed,
    tampered,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.center_edge import RunningEdge

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))
"""What opens HTTP/2: the client's preface and empty SETTINGS (RFC 9113, 3.4)."""
_SECONDS = 10

Craft: TypeAlias = Callable[[PKIFolder, PKIFolder], Crafted | None]
REFUSED_BY_TLS: dict[str, Craft] = {
    "none": lambda _own, _other: None,
    "self-signed": lambda _own, _other: self_signed(),
    "of another root": lambda _own, other: of_credential(other.terminal("131016", "01")),
    "expired": lambda own, _: issued(
        own, Wanted(p256(), begins=timedelta(days=-9), ends=timedelta(seconds=-1))
    ),
    "not valid yet": lambda own, _: issued(own, Wanted(p256(), begins=timedelta(hours=1))),
    "for servers only": lambda own, _: issued(
        own, Wanted(p256(), usage=ExtendedKeyUsageOID.SERVER_AUTH)
    ),
    "of a role that the authority may not name": lambda own, _: issued(
        own, Wanted(p256(), uris=("juki://mayor/01",))
    ),
    "without a URI": lambda own, _: issued(own, Wanted(p256(), uris=())),
    "Ed25519": lambda own, _: issued(own, Wanted(ed25519.Ed25519PrivateKey.generate())),
    "of another key": lambda own, _: of_another_key(own),
    "with a tampered signature": lambda own, _: tampered(own),
}
REFUSED_BY_CALL: dict[str, Craft] = {
    "with a host name alone": lambda own, _: issued(
        own, Wanted(p256(), uris=(), hosts=("localhost",))
    ),
    "with two URIs": lambda own, _: issued(
        own, Wanted(p256(), uris=(URI, "juki://operator/night"))
    ),
    "with a URI of another scheme": lambda own, _: issued(
        own, Wanted(p256(), uris=(URI.replace("juki:", "https:"),))
    ),
    "with a municipality that is none": lambda own, _: issued(
        own, Wanted(p256(), uris=("juki://municipality/131017/terminal/01",))
    ),
    "RSA": lambda own, _: issued(own, Wanted(rsa.generate_private_key(65537, 2048))),
    "P-384": lambda own, _: issued(own, Wanted(ec.generate_private_key(ec.SECP384R1()))),
    "of an authority": lambda own, _: issued(own, Wanted(p256(), is_authority=True)),
}


async def is_let_in(edge: RunningEdge, pki: PKIFolder, client: Crafted | None, at: Path) -> bool:
    """Whether the server opens HTTP/2, which it does when the client's certificate is verified."""
    context = ssl.create_default_context(cafile=str(pki.trust_path / "root.pem"))
    context.set_alpn_protocols(["h2"])
    if client is not None:
        context.load_cert_chain(*client.write(at))
    host, _, port = edge.address.rpartition(":")
    async with asyncio.timeout(_SECONDS):
        reader, writer = await asyncio.open_connection(host, int(port), ssl=context)
        try:
            writer.write(_PREFACE)
            await writer.drain()
            return bool(await reader.read(1))
        except (ssl.SSLError, ConnectionError):
            return False
        finally:
            writer.close()


async def status_of(edge: RunningEdge, pki: PKIFolder, client: Crafted | None) -> grpc.StatusCode:
    """The status of one call over a connection of its own."""
    key, chain = (client.key, client.chain) if client else (None, None)
    credentials = grpc.ssl_channel_credentials(pinned(pki), key, chain)
    options = (("grpc.use_local_subchannel_pool", 1),)
    async with grpc.aio.secure_channel(edge.address, credentials, options=options) as channel:
        try:
            await pb_grpc.CertificateCopyServiceStub(channel).GetIssue(
                pb.GetIssueRequest(), timeout=_SECONDS
            )
        except grpc.aio.AioRpcError as error:
            return error.code()
    return grpc.StatusCode.OK


async def test_certificate_as_it_should_be_is_let_in(pki: PKIFolder, tmp_path: Path) -> None:
    async with running(pki, scripted()) as edge:
        assert await is_let_in(edge, pki, right(pki), tmp_path)
        assert await status_of(edge, pki, right(pki)) is grpc.StatusCode.OK


@pytest.mark.parametrize("fault", REFUSED_BY_TLS)
async def test_wrong_certificate_is_refused_in_the_handshake(
    pki: PKIFolder, other_pki: PKIFolder, tmp_path: Path, fault: str
) -> None:
    client = REFUSED_BY_TLS[fault](pki, other_pki)

    async with running(pki, scripted()) as edge:
        assert not await is_let_in(edge, pki, client, tmp_path)
        assert edge.log_text() == ""


@pytest.mark.parametrize("fault", REFUSED_BY_CALL)
async def test_certificate_of_nobody_is_refused_by_the_first_call(
    pki: PKIFolder, other_pki: PKIFolder, fault: str
) -> None:
    client = REFUSED_BY_CALL[fault](pki, other_pki)

    async with running(pki, scripted()) as edge:
        assert await status_of(edge, pki, client) is grpc.StatusCode.UNAUTHENTICATED
        assert '"reason":"UNAUTHENTICATED"' in edge.log_text()


# The client's side: whom a terminal, an agency or a desk talks to


def ask(address: str, pki: PKIFolder) -> None:
    """Ask as every client of ours does; raise Problem."""
    own = pki.terminal("131016", "01")
    place = pki.path / "terminal" / "131016-01"
    identity = ClientIdentity.load(place / "chain.pem", place / "key.pem")
    assert identity.key_pem == own.key_pem
    leaves = (pki.trust_path / "center-leaves.pem").read_bytes()
    with client_channel.pinned(address, identity, leaves) as channel:
        stub = pb_grpc.CertificateCopyServiceStub(channel)
        client_channel.call(stub.GetIssue, pb.GetIssueRequest(), seconds=_SECONDS)


async def test_client_talks_to_the_center_that_it_pins(pki: PKIFolder) -> None:
    async with running(pki, scripted()) as edge:
        await asyncio.to_thread(ask, edge.address, pki)


async def test_client_does_not_talk_to_a_center_of_another_authority(
    pki: PKIFolder, other_pki: PKIFolder
) -> None:
    """It has the same name, address and role; its certificate is another network's."""
    async with running(other_pki, scripted()) as edge:
        with pytest.raises(Problem) as raised:
            await asyncio.to_thread(ask, edge.address, pki)
        assert raised.value.reason == "CENTER_UNREACHABLE"
        assert edge.log_text() == ""


async def test_client_does_not_talk_to_an_unpinned_center_of_the_right_authority(
    pki: PKIFolder, tmp_path: Path
) -> None:
    """Whoever gets a second center's certificate from our authority is not believed for it."""
    shutil.copytree(pki.path, tmp_path / "pki")
    second = PKIFolder(tmp_path / "pki")
    identity = PeerIdentity(Role.CENTER, "center-2")
    unpinned = make.issue_peer(second, identity, Profiles.load(), datetime.now(UTC))

    async with running(pki, scripted()) as edge:
        edge.tls.use(unpinned, pki.trust().anchors)
        with pytest.raises(Problem) as raised:
            await asyncio.to_thread(ask, edge.address, pki)
        assert raised.value.reason == "CENTER_UNREACHABLE"
        assert edge.log_text() == ""
