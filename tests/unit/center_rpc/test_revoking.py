"""Revoking a peer: over gRPC and beside a center that serves, for new calls and open streams."""

from __future__ import annotations

import asyncio
import json
import shutil
import statistics
import uuid
from contextlib import AsyncExitStack, closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import grpc
import pytest
from typer.testing import CliRunner

from juki_center.areas.cards.register import CardStatus
from juki_center.areas.fleet.revocations import OfCertificate, OfPeer
from juki_center.cli.commands import app
from juki_client.outcome import Problem
from juki_pki import make
from juki_pki.identity import PeerIdentity, Role
from juki_pki.profile import Profiles
from juki_terminal import hotlist_file
from juki_terminal.paper.trust import CopySigners
from jukinet.card.v1 import card_session_service_pb2_grpc as session_grpc
from jukinet.operations.v1 import center_service_pb2 as pb
from jukinet.operations.v1 import center_service_pb2_grpc as pb_grpc
from tests.support.center import enter_everybody, open_test_store, serial_of
from tests.support.center_edge import channel
from tests.support.revoking import RevokingCenter, revoke_in, revoking_center
from tests.support.undisturbed import Stopwatch
from tests.unit.center_rpc.test_interceptor import error_info

if TYPE_CHECKING:
    from pathlib import Path

    from juki_pki.credential import X509Credential
    from juki_pki.folder import PKIFolder

TERMINAL = "juki://municipality/131016/terminal/01"
SERIAL = serial_of("yoshida-taro")
WITHIN_SECONDS = 1.0
TERMINALS = 20
STREAMS_EACH = 50
_CONFIG = """\
environment = "test"
[pki]
dir = "pki"
[keys]
kek = "kek"
[store]
url = "sqlite:///center.db"
"""


def request(**fields: object) -> pb.RevokeTerminalRequest:
    whole = {"request_id": str(uuid.uuid4()), "reason": pb.REVOCATION_REASON_STOLEN} | fields
    return pb.RevokeTerminalRequest(**whole)  # type: ignore[arg-type]  # as each test needs them


async def revoke(
    center: RevokingCenter,
    pki: PKIFolder,
    message: pb.RevokeTerminalRequest,
    peer: X509Credential | None = None,
) -> pb.RevokeTerminalResponse:
    async with channel(center.edge, pki, peer or pki.operator("operator-1")) as opened:
        stub = pb_grpc.CenterServiceStub(opened)
        answer: pb.RevokeTerminalResponse = await stub.RevokeTerminal(message, timeout=10)
        return answer


async def opened_streams(
    opened: grpc.aio.Channel, count: int
) -> list[grpc.aio.StreamStreamCall[object, object]]:
    """Open streams that wait for ever, and return when each has said its first word."""
    stub = session_grpc.CardSessionServiceStub(opened)
    streams = [stub.Authenticate() for _ in range(count)]
    await asyncio.gather(*(stream.read() for stream in streams))
    return streams


async def reason_of(stream: grpc.aio.StreamStreamCall[object, object]) -> str:
    """Return the reason that a stream ends with."""
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        async with asyncio.timeout(10):
            await stream.read()
    return error_info(raised.value).reason


async def test_operator_revokes_a_terminal_and_its_next_call_is_refused(
    pki: PKIFolder, tmp_path: Path
) -> None:
    async with (
        revoking_center(pki, tmp_path) as center,
        channel(center.edge, pki, pki.terminal("131016", "01")) as before,
    ):
        streams = await opened_streams(before, 1)

        answer = await revoke(center, pki, request(uri=TERMINAL))

        async with channel(center.edge, pki, pki.terminal("131016", "01")) as after:
            for opened in (before, after):
                late = session_grpc.CardSessionServiceStub(opened).Authenticate()
                assert await reason_of(late) == "CERTIFICATE_REVOKED"
        assert await reason_of(streams[0]) == "CERTIFICATE_REVOKED"

    assert answer.reason == pb.REVOCATION_REASON_STOLEN
    assert answer.revoked_time.ToDatetime(UTC) <= datetime.now(UTC)


async def test_revoked_certificate_ends_and_the_peers_other_one_goes_on(
    pki: PKIFolder, tmp_path: Path
) -> None:
    identity = PeerIdentity(Role.TERMINAL, "twice", "131016")
    old = make.issue_peer(pki, identity, Profiles.load(), datetime.now(UTC))
    shutil.rmtree(pki.peer_path(identity))
    new = make.issue_peer(pki, identity, Profiles.load(), datetime.now(UTC))
    fingerprint = OfCertificate(old.certificate_sha256, identity.uri)
    async with (
        revoking_center(pki, tmp_path) as center,
        channel(center.edge, pki, old) as by_old,
        channel(center.edge, pki, new) as by_new,
    ):
        (ended,), (lasting,) = await opened_streams(by_old, 1), await opened_streams(by_new, 1)

        await center.revoke(fingerprint)

        assert await reason_of(ended) == "CERTIFICATE_REVOKED"
        assert not lasting.done()


@pytest.mark.parametrize(
    ("fields", "field", "rule"),
    [
        ({"request_id": "1", "uri": TERMINAL}, "request_id", "UUID_V4"),
        ({}, "subject", "REQUIRED"),
        ({"uri": "juki://nobody"}, "uri", "PEER_URI"),
        ({"uri": TERMINAL, "reason": 0}, "reason", "REQUIRED"),
        (
            {"certificate": pb.RevokeTerminalRequest.RevokedCertificate(sha256=b"short")},
            "certificate.sha256",
            "BYTES_32",
        ),
        (
            {"certificate": pb.RevokeTerminalRequest.RevokedCertificate(sha256=bytes(32), uri="x")},
            "certificate.uri",
            "PEER_URI",
        ),
    ],
)
async def test_wrong_field_is_named(
    pki: PKIFolder, tmp_path: Path, fields: dict[str, object], field: str, rule: str
) -> None:
    async with revoking_center(pki, tmp_path) as center:
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await revoke(center, pki, request(**fields))

    info = error_info(raised.value)
    assert (info.reason, info.metadata["field"], info.metadata["rule"]) == (
        "FIELD_INVALID",
        field,
        rule,
    )


async def test_only_operators_revoke(pki: PKIFolder, tmp_path: Path) -> None:
    async with revoking_center(pki, tmp_path) as center:
        for peer in (
            pki.terminal("131016", "01"),
            pki.desk("131016", "01"),
            pki.agency("passport-1"),
        ):
            with pytest.raises(grpc.aio.AioRpcError) as raised:
                await revoke(center, pki, request(uri=TERMINAL), peer)
            assert error_info(raised.value).reason == "ROLE_NOT_ALLOWED"

        assert center.store.read(lambda tx: tx.revocations.count()) == 0


async def test_revocation_by_another_process_ends_streams_within_a_second(
    pki: PKIFolder, tmp_path: Path
) -> None:
    async with (
        revoking_center(pki, tmp_path) as center,
        channel(center.edge, pki, pki.terminal("131016", "01")) as opened,
    ):
        (stream,) = await opened_streams(opened, 1)
        with closing(open_test_store(tmp_path)) as beside:
            await revoke_in(beside, OfPeer(TERMINAL))
            watch = Stopwatch()

            reason = await reason_of(stream)

    assert reason == "CERTIFICATE_REVOKED"
    assert watch.seconds() < WITHIN_SECONDS


async def test_ban_at_a_thousand_open_streams_takes_less_than_a_second(
    pki: PKIFolder, tmp_path: Path
) -> None:
    """Each terminal in its turn is banned; the streams of the last one, never banned, go on."""
    peers = [PeerIdentity(Role.TERMINAL, f"live-{number}", "131016") for number in range(TERMINALS)]
    now, profiles, took = datetime.now(UTC), Profiles.load(), []
    async with revoking_center(pki, tmp_path) as center, AsyncExitStack() as stack:
        channels = [
            await stack.enter_async_context(
                channel(center.edge, pki, make.issue_peer(pki, peer, profiles, now))
            )
            for peer in peers
        ]
        streams = [await opened_streams(opened, STREAMS_EACH) for opened in channels]
        assert len(center.fleet.live) == TERMINALS * STREAMS_EACH

        for peer, banned in zip(peers[:-1], streams[:-1], strict=True):
            watch = Stopwatch()
            await center.revoke(OfPeer(peer.uri))
            reasons = await asyncio.gather(*(reason_of(stream) for stream in banned))
            took.append(watch.seconds())
            assert set(reasons) == {"CERTIFICATE_REVOKED"}

        assert len(center.fleet.live) == STREAMS_EACH
        assert not any(stream.done() for stream in streams[-1])
    print(
        f"\nban of {STREAMS_EACH} streams among {TERMINALS * STREAMS_EACH:,}, ms:"
        f" p50={statistics.median(took) * 1000:.0f} max={max(took) * 1000:.0f}"
    )
    assert max(took) < WITHIN_SECONDS


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """The configuration of a center with an empty store."""
    open_test_store(tmp_path).close()
    path = tmp_path / "center.toml"
    path.write_text(_CONFIG)
    return path


def told(config: Path, *arguments: str) -> tuple[int, dict[str, object]]:
    done = CliRunner().invoke(app, ["revoke", *arguments, "--config", str(config), "--json"])
    return done.exit_code, json.loads(done.stdout)


def test_command_revokes_a_terminal(config: Path) -> None:
    code, said = told(config, TERMINAL, "--reason", "stolen")

    assert code == 0
    assert said["result"]["subject"] == TERMINAL  # type: ignore[index]  # an object of JSON
    with closing(open_test_store(config.parent)) as store:
        assert store.read(lambda tx: tx.revocations.has(bytes(32), TERMINAL))


def test_command_revokes_a_certificate_as_openssl_prints_it(config: Path) -> None:
    shown = ":".join(f"{octet:02X}" for octet in range(32))

    code, _ = told(config, shown, "--of", TERMINAL, "--reason", "out-of-use")

    assert code == 0
    with closing(open_test_store(config.parent)) as store:
        found = store.read(lambda tx: tx.revocations.find(OfCertificate(bytes(range(32)))))
    assert found is not None
    assert found.of == OfCertificate(bytes(range(32)), TERMINAL)


@pytest.mark.parametrize(
    "arguments", [("rubbish",), (TERMINAL, "--of", TERMINAL), ("juki://nobody",)]
)
def test_command_names_what_it_cannot_revoke(config: Path, arguments: tuple[str, ...]) -> None:
    code, said = told(config, *arguments, "--reason", "stolen")

    assert code in {2, 3}
    assert said["ok"] is False


def asked(config: Path, *arguments: str) -> dict[str, object]:
    done = CliRunner().invoke(app, ["hotlist", *arguments, "--config", str(config), "--json"])
    assert done.exit_code == 0
    result: dict[str, object] = json.loads(done.stdout)["result"]
    return result


async def with_stopped_card(folder: Path) -> None:
    with closing(open_test_store(folder)) as store:
        await store.act(enter_everybody)
        await store.act(lambda tx: tx.cards.set_status(SERIAL, CardStatus.SUSPENDED))
        await revoke_in(store, OfPeer(TERMINAL))


def test_hotlist_shows_what_was_revoked_and_counts_stopped_cards(
    config: Path, pki: PKIFolder
) -> None:
    config.write_text(_CONFIG.replace('"pki"', f'"{pki.path}"'))
    asyncio.run(with_stopped_card(config.parent))

    first, rest = asked(config, "show"), asked(config, "show", "--after", TERMINAL)

    assert (first["cards"], first["revoked"]) == (1, 1)
    assert [one["subject"] for one in first["revocations"]] == [TERMINAL]  # type: ignore[attr-defined]  # JSON
    assert rest["revocations"] == []


def test_exported_hotlist_is_a_terminals_file(config: Path, pki: PKIFolder) -> None:
    config.write_text(_CONFIG.replace('"pki"', f'"{pki.path}"'))
    asyncio.run(with_stopped_card(config.parent))
    out = config.parent / "hotlist"

    written = asked(config, "export", "--out", str(out))

    kept = hotlist_file.load(out, CopySigners.load(pki.trust_path))
    assert kept is not None
    assert kept.cursor == written["cursor"]
    with pytest.raises(Problem) as raised:
        kept.hotlist.refuse(SERIAL, datetime.now(UTC))
    assert raised.value.reason == "CARD_SUSPENDED"
