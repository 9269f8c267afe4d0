"""Disconnections over gRPC: who is cut off, how fast, and what works on."""

from __future__ import annotations

import asyncio
import uuid
from contextlib import AsyncExitStack, closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from juki_center.areas.cards.register import CardStatus
from juki_center.areas.fleet.disconnections import CENTER, Scope, Subject
from juki_pki import make
from juki_pki.identity import PeerIdentity, Role
from juki_pki.profile import Profiles
from jukinet.card.v1 import card_session_service_pb2_grpc as session_grpc
from jukinet.cards.v1 import card_service_pb2_grpc as cards_grpc
from jukinet.copies.v1 import certificate_copy_service_pb2 as copies_pb
from jukinet.copies.v1 import certificate_copy_service_pb2_grpc as copies_grpc
from jukinet.operations.v1 import center_service_pb2 as pb
from jukinet.operations.v1 import center_service_pb2_grpc as pb_grpc
from jukinet.operations.v1 import disconnection_pb2 as messages
from tests.support import card_service
from tests.support.center import SAMPLES, open_test_store
from tests.support.disconnecting import (
    CHIYODA,
    TOKOROZAWA,
    CuttingCenter,
    cut_in,
    cutting_center,
    message_of,
    opened_streams,
)
from tests.support.undisturbed import Stopwatch
from tests.unit.center_rpc.test_interceptor import error_info

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from juki_pki.credential import X509Credential
    from juki_pki.folder import PKIFolder
    from tests.support.disconnecting import Stream

TERMINAL = "juki://municipality/112089/terminal/01"
SESSIONS = Subject(Scope.FUNCTION, "jukinet.card.v1.CardSessionService")
WITHIN_SECONDS = 2.0
MOST_ERRORS = 0.01
TERMINALS, STREAMS_EACH, CALLS_EACH = 20, 50, 50


@pytest.fixture
async def center(
    pki: PKIFolder, furnished_registers: Path, tmp_path: Path
) -> AsyncIterator[CuttingCenter]:
    """A center that serves everybody."""
    within = timedelta(seconds=60)
    async with cutting_center(pki, furnished_registers, tmp_path / "center", within) as serving:
        yield serving


def request(cut_off: Subject = TOKOROZAWA, **fields: object) -> pb.DisconnectRequest:
    """Return a whole request."""
    whole = {
        "request_id": str(uuid.uuid4()),
        "subject": message_of(cut_off),
        "level": messages.THREAT_LEVEL_HIGH,
        "reason": "exposed media",
    }
    return pb.DisconnectRequest(**whole | fields)  # type: ignore[arg-type]  # as each test needs


async def reason_of(stream: Stream) -> str:
    """Return the reason that a stream ends with; its code is always UNAVAILABLE."""
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        async with asyncio.timeout(10):
            await stream.read()
    assert raised.value.code() is grpc.StatusCode.UNAVAILABLE
    return error_info(raised.value).reason


async def new_stream(line: grpc.aio.Channel) -> str:
    """Return the reason with which a new stream is refused."""
    return await reason_of(session_grpc.CardSessionServiceStub(line).Authenticate())


async def look(line: grpc.aio.Channel) -> str:
    """Ask after an issue; return the reason of the refusal, which is no error of the center."""
    asked = copies_pb.GetIssueRequest(request_id=str(uuid.uuid4()))
    try:
        await copies_grpc.CertificateCopyServiceStub(line).GetIssue(asked, timeout=5)
    except grpc.aio.AioRpcError as error:
        return error_info(error).reason
    return ""


@pytest.mark.parametrize(
    ("subject", "reason"),
    [
        (Subject(Scope.TERMINAL, TERMINAL), "DISCONNECTED_TERMINAL"),
        (TOKOROZAWA, "DISCONNECTED_MUNICIPALITY"),
        (SESSIONS, "DISCONNECTED_FUNCTION"),
        (CENTER, "DISCONNECTED_CENTER"),
    ],
)
async def test_case_41_streams_end_with_the_reason_and_new_ones_are_refused(
    center: CuttingCenter, pki: PKIFolder, subject: Subject, reason: str
) -> None:
    async with (
        center.channel(pki.terminal("112089", "01")) as line,
        center.channel(pki.operator("operator-1")) as operators,
    ):
        (stream,) = await opened_streams(line, 1)
        watch = Stopwatch()

        await pb_grpc.CenterServiceStub(operators).Disconnect(request(subject))

        assert await reason_of(stream) == reason
        assert watch.seconds() < WITHIN_SECONDS
        assert await new_stream(line) == reason


@pytest.mark.parametrize(
    "subject",
    [TOKOROZAWA, Subject(Scope.TERMINAL, TERMINAL), Subject(Scope.AGENCY, "juki://agency/a")],
)
async def test_case_41_streams_of_others_go_on(
    center: CuttingCenter, pki: PKIFolder, subject: Subject
) -> None:
    async with center.channel(pki.terminal("131016", "01")) as line:
        (stream,) = await opened_streams(line, 1)

        await center.cut(subject)

        assert await look(line) == "ISSUE_NOT_FOUND"
        assert not stream.done()


async def test_what_is_connected_again_is_served_again(
    center: CuttingCenter, pki: PKIFolder
) -> None:
    async with center.channel(pki.terminal("112089", "01")) as line:
        await center.cut(TOKOROZAWA)
        before = await look(line)

        await center.connect(TOKOROZAWA)

        assert before == "DISCONNECTED_MUNICIPALITY"
        assert await look(line) == "ISSUE_NOT_FOUND"


async def test_what_another_process_cuts_off_ends_too(
    center: CuttingCenter, pki: PKIFolder, tmp_path: Path
) -> None:
    async with center.channel(pki.terminal("112089", "01")) as line:
        (stream,) = await opened_streams(line, 1)
        with closing(open_test_store(tmp_path / "center")) as beside:
            await cut_in(beside, TOKOROZAWA)
            watch = Stopwatch()

            reason = await reason_of(stream)

    assert reason == "DISCONNECTED_MUNICIPALITY"
    assert watch.seconds() < WITHIN_SECONDS


@pytest.mark.parametrize("subject", [CENTER, CHIYODA])
async def test_case_42_a_lost_card_is_suspended_by_telephone_whatever_is_cut_off(
    center: CuttingCenter, pki: PKIFolder, subject: Subject
) -> None:
    await center.cut(TOKOROZAWA)
    await center.cut(subject)

    async with center.channel(pki.desk("131016", "01")) as desk:
        answer = await cards_grpc.CardServiceStub(desk).SuspendCard(card_service.suspend())

    assert answer.HasField("card")
    holder = center.store.read(lambda tx: tx.residents.by_code(SAMPLES["yoshida-taro"].record.code))
    assert holder is not None
    (card,) = center.store.read(lambda tx: tx.cards.of_person(holder.person))
    assert card.status is CardStatus.SUSPENDED


async def test_case_42_while_the_center_is_cut_off_it_can_be_asked_and_closed_further(
    center: CuttingCenter, pki: PKIFolder
) -> None:
    await center.cut(CENTER)

    async with center.channel(pki.operator("operator-1")) as line:
        stub = pb_grpc.CenterServiceStub(line)
        await stub.Disconnect(request(CHIYODA))
        status = await stub.GetStatus(pb.GetStatusRequest())
        health = await health_pb2_grpc.HealthStub(line).Check(health_pb2.HealthCheckRequest())

    assert [one.subject for one in status.disconnections] == [
        message_of(CENTER),
        message_of(CHIYODA),
    ]
    assert status.disconnections[0].level == messages.THREAT_LEVEL_HIGH
    assert status.disconnections[0].reason == "exposed media"
    assert health.status == health_pb2.HealthCheckResponse.SERVING


async def test_operators_open_a_center_that_is_cut_off(
    center: CuttingCenter, pki: PKIFolder
) -> None:
    await center.cut(CENTER)
    asked = pb.ReconnectRequest(request_id=str(uuid.uuid4()), subject=message_of(CENTER))

    async with center.channel(pki.operator("operator-1")) as line:
        answer = await pb_grpc.CenterServiceStub(line).Reconnect(asked)

    assert answer.ended.subject == message_of(CENTER)


async def test_what_is_not_cut_off_is_not_connected(center: CuttingCenter, pki: PKIFolder) -> None:
    asked = pb.ReconnectRequest(request_id=str(uuid.uuid4()), subject=message_of(CENTER))

    async with center.channel(pki.operator("operator-1")) as line:
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await pb_grpc.CenterServiceStub(line).Reconnect(asked)

    assert error_info(raised.value).reason == "NOT_DISCONNECTED"


@pytest.mark.parametrize(
    ("fields", "field", "rule"),
    [
        ({"request_id": "1"}, "request_id", "UUID_V4"),
        ({"subject": None}, "subject", "REQUIRED"),
        ({"subject": messages.Subject(name="112089")}, "subject.scope", "REQUIRED"),
        ({"subject": messages.Subject(scope=99)}, "subject.scope", "UNKNOWN_VALUE"),  # type: ignore[arg-type]
        (
            {"subject": messages.Subject(scope=messages.SCOPE_MUNICIPALITY, name="112080")},
            "subject.name",
            "NO_MUNICIPALITY",
        ),
        ({"level": 0}, "level", "REQUIRED"),
        ({"level": 99}, "level", "UNKNOWN_VALUE"),
        ({"reason": ""}, "reason", "REQUIRED"),
        ({"reason": "x" * 201}, "reason", "TOO_LONG"),
        ({"reason": "two\nlines"}, "reason", "CONTROL_CHARACTER"),
    ],
)
async def test_a_wrong_field_is_named(
    center: CuttingCenter, pki: PKIFolder, fields: dict[str, object], field: str, rule: str
) -> None:
    async with center.channel(pki.operator("operator-1")) as line:
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await pb_grpc.CenterServiceStub(line).Disconnect(request(**fields))

    info = error_info(raised.value)
    assert (info.reason, info.metadata["field"]) == ("FIELD_INVALID", field)
    assert info.metadata["rule"] == rule
    assert center.store.read(lambda tx: tx.disconnections.every()) == []


async def test_only_operators_cut_off_connect_and_look(
    center: CuttingCenter, pki: PKIFolder
) -> None:
    peers = (pki.terminal("131016", "01"), pki.desk("131016", "01"), pki.agency("passport-1"))
    for peer in peers:
        async with center.channel(peer) as line:
            stub = pb_grpc.CenterServiceStub(line)
            for call in (
                stub.Disconnect(request()),
                stub.Reconnect(pb.ReconnectRequest()),
                stub.GetStatus(pb.GetStatusRequest()),
            ):
                with pytest.raises(grpc.aio.AioRpcError) as raised:
                    await call
                assert error_info(raised.value).reason == "ROLE_NOT_ALLOWED"

    assert center.store.read(lambda tx: tx.disconnections.every()) == []


async def asking(line: grpc.aio.Channel, until: asyncio.Event) -> list[str]:
    """Ask again and again; return the reasons that the answers had."""
    reasons: list[str] = []
    while not until.is_set() or len(reasons) < CALLS_EACH:
        reasons.append(await look(line))
        await asyncio.sleep(0.005)
    return reasons


def issued(pki: PKIFolder, municipality: str, name: str) -> X509Credential:
    """Return a terminal's credential, made for the test."""
    peer = PeerIdentity(Role.TERMINAL, name, municipality)
    return make.issue_peer(pki, peer, Profiles.load(), datetime.now(UTC))


async def test_case_41_a_disconnect_at_a_thousand_streams_takes_less_than_two_seconds(
    center: CuttingCenter, pki: PKIFolder
) -> None:
    """Half of the streams are the municipality's; the others go on, and so do calls of theirs."""
    over = asyncio.Event()
    async with AsyncExitStack() as stack:
        lines = {
            place: [
                await stack.enter_async_context(
                    center.channel(issued(pki, place, f"crowd-{number}"))
                )
                for number in range(TERMINALS // 2)
            ]
            for place in ("112089", "131016")
        }
        streams = {
            place: [one for line in those for one in await opened_streams(line, STREAMS_EACH)]
            for place, those in lines.items()
        }
        assert len(center.fleet.live) == TERMINALS * STREAMS_EACH
        others = asyncio.gather(*(asking(line, over) for line in lines["131016"]))
        operators = await stack.enter_async_context(center.channel(pki.operator("operator-1")))
        watch = Stopwatch()

        await pb_grpc.CenterServiceStub(operators).Disconnect(request())
        ended = await asyncio.gather(*(reason_of(one) for one in streams["112089"]))
        took = watch.seconds()
        refused = await asyncio.gather(*(new_stream(line) for line in lines["112089"]))
        took_new = watch.seconds()
        over.set()
        reasons = [one for each in await others for one in each]
        alive = sum(not one.done() for one in streams["131016"])

    errors = sum(one != "ISSUE_NOT_FOUND" for one in reasons) / len(reasons)
    print(
        f"\ndisconnect of {len(ended)} among {TERMINALS * STREAMS_EACH:,} streams:"
        f" ended in {took * 1000:.0f} ms, new ones refused after {took_new * 1000:.0f} ms,"
        f" errors of others {errors:.2%} of {len(reasons)} calls"
    )
    assert set(ended) == set(refused) == {"DISCONNECTED_MUNICIPALITY"}
    assert took < WITHIN_SECONDS
    assert errors < MOST_ERRORS
    assert alive == TERMINALS // 2 * STREAMS_EACH
