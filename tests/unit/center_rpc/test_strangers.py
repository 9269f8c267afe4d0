"""Callers without a certificate who say too little do not keep others from enrolling."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import grpc
import pytest

from juki_center.areas.calls import Call
from juki_center.errors import Reason, Refusal
from juki_center.rpc.enrolment_listener import Limits
from juki_center.rpc.live_calls import LiveCalls
from juki_center.rpc.strangers import Room, Strangers
from jukinet.fleet.v1 import enrollment_service_pb2 as pb
from jukinet.fleet.v1 import enrollment_service_pb2_grpc as pb_grpc
from tests.support.fleet import Fleet, fresh_key, refused, serving
from tests.support.half_calls import ENROL, HALF, HalfCaller
from tests.support.undisturbed import Stopwatch

if TYPE_CHECKING:
    from pathlib import Path

    from juki_pki.folder import PKIFolder

PATIENT = Limits(Room(read_seconds=60))
HURRIED = Limits(Room(read_seconds=0.3), handshake_seconds=0.5, idle_seconds=0.5, age_seconds=1.0)
AT_MOST_SECONDS = 5.0


def reasons(fleet: Fleet) -> list[str]:
    """The reasons in the access log, one for each call that was refused."""
    fleet.log.flush()
    lines = [json.loads(line) for line in b"".join(fleet.written).splitlines()]
    return [line["reason"] for line in lines if line.get("reason")]


async def crowd(fleet: Fleet, stack: AsyncExitStack, count: int, source: str) -> list[HalfCaller]:
    """Open `count` connections, each with eight calls that have sent half of a request."""
    port, callers = fleet.server.enrolment_port, []
    for _ in range(count):
        caller = await HalfCaller.connect(port, source)
        stack.callback(caller.close)
        for _ in range(8):
            await caller.begin_call()
        callers.append(caller)
    return callers


@pytest.mark.parametrize("source", ["127.0.0.1", "127.0.0.2"])
async def test_half_sent_calls_do_not_keep_anybody_from_enrolling(
    pki: PKIFolder, tmp_path: Path, source: str
) -> None:
    async with serving(pki, tmp_path / "center", limits=PATIENT) as fleet, AsyncExitStack() as mob:
        made, callers = await fleet.token(), await crowd(fleet, mob, 12, source)
        await callers[0].ended(8)
        watch = Stopwatch()

        answer = await fleet.enrol(made.octets, fresh_key())
        took = watch.seconds()

    print(f"\nenrolled beside 96 half-sent calls of {source} after {took * 1000:.0f} ms")
    assert answer.issued.certificate
    assert took <= AT_MOST_SECONDS


async def test_half_sent_calls_of_many_networks_do_not_either(
    pki: PKIFolder, tmp_path: Path
) -> None:
    async with serving(pki, tmp_path / "center", limits=PATIENT) as fleet, AsyncExitStack() as mob:
        made = await fleet.token()
        for number in range(2, 14):
            await crowd(fleet, mob, 1, f"127.0.0.{number}")

        answer = await fleet.enrol(made.octets, fresh_key())

    assert answer.issued.certificate


@pytest.mark.parametrize("octets", [b"", HALF[:3], HALF])
async def test_half_sent_call_ends_when_its_time_is_over(
    pki: PKIFolder, tmp_path: Path, octets: bytes
) -> None:
    limits = Limits(Room(read_seconds=0.3))
    async with serving(pki, tmp_path / "center", limits=limits) as fleet:
        caller = await HalfCaller.connect(fleet.server.enrolment_port)
        await caller.begin_call(octets)

        async with asyncio.timeout(AT_MOST_SECONDS):
            await caller.ended(1)
        caller.close()

        assert reasons(fleet) == ["REQUEST_TOO_SLOW"]


async def test_connection_without_a_word_is_closed(pki: PKIFolder, tmp_path: Path) -> None:
    async with serving(pki, tmp_path / "center", limits=HURRIED) as fleet:
        port = fleet.server.enrolment_port
        before_tls = await asyncio.open_connection("127.0.0.1", port)
        after_tls = await HalfCaller.silent(port)
        after_preface = await HalfCaller.connect(port)
        in_a_header = await HalfCaller.connect(port)
        await in_a_header.begin_headers()

        async with asyncio.timeout(AT_MOST_SECONDS * 2):
            assert await before_tls[0].read() == b""
            for caller in (after_tls, after_preface, in_a_header):
                await caller.closed()
                caller.close()
        before_tls[1].close()


async def test_connections_beyond_the_most_are_closed_and_come_again_later(
    pki: PKIFolder, tmp_path: Path
) -> None:
    limits = Limits(handshake_seconds=1, most_connections=4)
    async with serving(pki, tmp_path / "center", limits=limits) as fleet, AsyncExitStack() as mob:
        made = await fleet.token()
        for _ in range(8):
            _, writer = await asyncio.open_connection("127.0.0.1", fleet.server.enrolment_port)
            mob.callback(writer.close)

        credentials = grpc.ssl_channel_credentials(fleet.leaves())
        async with grpc.aio.secure_channel(fleet.enrolment_address, credentials) as line:
            stub = pb_grpc.EnrollmentServiceStub(line)
            found = await refused(
                stub.Enroll(pb.EnrollRequest(token=bytes(16)), timeout=15, wait_for_ready=True)
            )

        assert found[0] in {"CERTIFICATE_REQUEST_INVALID", "FIELD_INVALID"}
        assert (await fleet.enrol(made.octets, fresh_key())).issued.certificate


async def test_a_call_that_ends_without_a_request_is_refused(
    pki: PKIFolder, tmp_path: Path
) -> None:
    async with serving(pki, tmp_path / "center") as fleet:
        credentials = grpc.ssl_channel_credentials(fleet.leaves())
        async with grpc.aio.secure_channel(fleet.enrolment_address, credentials) as line:
            call = line.stream_unary(ENROL)(timeout=10)
            await call.done_writing()

            found = await refused(call)

    assert found == ("FIELD_INVALID", {"field": "request", "rule": "PROTOBUF"})


def call() -> Call:
    return Call("stranger", "stranger", None, b"", ENROL)


def test_who_is_being_served_is_never_dropped() -> None:
    strangers = Strangers(LiveCalls(), Room(most=2, most_of_one=2))
    with strangers.place(call(), "ipv4:192.0.2.1:1") as one:
        one.is_waiting = False
        with strangers.place(call(), "ipv4:192.0.2.1:2") as two:
            two.is_waiting = False
            with pytest.raises(Refusal) as raised, strangers.place(call(), "ipv4:192.0.2.1:3"):
                pass

    assert raised.value.reason is Reason.OVERLOADED
    assert len(strangers) == 0
