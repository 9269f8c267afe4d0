"""Watch: what peers are told, in which order, from which cursor on, and how a stream ends."""

from __future__ import annotations

import asyncio
import tracemalloc
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from juki_center.areas.cards.register import CardStatus
from juki_center.areas.fleet.admission import Pace
from juki_center.areas.fleet.control import ControlKind, forget_old_events
from juki_center.areas.fleet.disconnections import Disconnection, Level, Scope, Subject
from juki_center.areas.fleet.hotlist import CardState, entry_of
from juki_center.areas.fleet.revocations import OfPeer
from juki_center.rpc.watch_hub import Settings
from jukinet.fleet.v1 import terminal_service_pb2 as pb
from tests.support.center import NOW, make_signer, serial_of
from tests.support.center_edge import channel
from tests.support.revoking import revoke_in
from tests.support.undisturbed import Stopwatch
from tests.support.watching import WatchedCenter, said, watched_center
from tests.unit.center_rpc.test_interceptor import error_info

if TYPE_CHECKING:
    from pathlib import Path

    from juki_pki.folder import PKIFolder
    from tests.support.watching import Stream

TERMINAL = "juki://municipality/131016/terminal/01"
TERMINAL_2 = "juki://municipality/131016/terminal/02"
SERIAL = serial_of("yoshida-taro")
IDLE_STREAMS = 500
NOTICE = pb.WatchResponse.Notice


async def suspend(center: WatchedCenter, status: CardStatus = CardStatus.SUSPENDED) -> None:
    await center.store.act(lambda tx: tx.cards.set_status(SERIAL, status))


async def happen(
    center: WatchedCenter, kind: ControlKind, subject: str = "", count: int = 1
) -> None:
    def act(tx: object) -> None:
        for _ in range(count):
            tx.control.append(kind, subject, NOW)  # type: ignore[attr-defined]  # a transaction

    await center.store.act(act)


async def read(stream: Stream, count: int = 1) -> list[pb.WatchResponse]:
    async with asyncio.timeout(10):
        return [await stream.read() for _ in range(count)]  # type: ignore[misc]  # no end of file


def steps(messages: list[pb.WatchResponse]) -> list[str]:
    return [message.WhichOneof("step") or "" for message in messages]


async def ended(stream: Stream) -> grpc.aio.AioRpcError:
    async with asyncio.timeout(20):
        try:
            while await stream.read() is not grpc.aio.EOF:
                pass
        except grpc.aio.AioRpcError as error:
            return error
    raise AssertionError("the stream has ended well")


def delay_of(error: grpc.aio.AioRpcError) -> float:
    status = rpc_status.from_call(error)  # type: ignore[arg-type]  # duck-typed by the library
    assert status is not None
    retry = error_details_pb2.RetryInfo()
    assert status.details[1].Unpack(retry)
    return retry.retry_delay.ToTimedelta().total_seconds()


async def test_first_messages_are_the_state_as_it_is(pki: PKIFolder, tmp_path: Path) -> None:
    async with watched_center(pki, tmp_path) as center, center.stub() as stub:
        await suspend(center)
        stream = stub.Watch(pb.WatchRequest())

        welcome, hotlist = await read(stream, 2)

        key = center.store.read(lambda tx: tx.control.hotlist_key())
        newest = center.store.read(lambda tx: tx.control.newest())
    assert welcome.welcome.is_snapshot
    assert welcome.welcome.configuration.heartbeat_interval.seconds == 30
    assert [entry_of(key, SERIAL), CardState.SUSPENDED] in said(hotlist.hotlist.cose)[10]  # type: ignore[operator]  # a list
    assert (welcome.cursor, hotlist.cursor) == (0, newest)


async def test_suspension_reaches_an_open_stream_within_a_second(
    pki: PKIFolder, tmp_path: Path
) -> None:
    async with watched_center(pki, tmp_path) as center, center.stub() as stub:
        stream = stub.Watch(pb.WatchRequest())
        first = await read(stream, 2)
        watch = Stopwatch()

        await suspend(center)
        (told,) = await read(stream)

        took = watch.seconds()
    print(f"\na suspension at an open stream after {took * 1000:.0f} ms")
    assert took < 1.0
    assert said(told.hotlist.cose)[2:5] == [False, first[-1].cursor, told.cursor]


async def test_stream_is_resumed_with_what_it_missed(pki: PKIFolder, tmp_path: Path) -> None:
    async with watched_center(pki, tmp_path) as center, center.stub() as stub:
        await happen(center, ControlKind.CONFIGURATION_CHANGED)
        kept = (await read(stub.Watch(pb.WatchRequest()), 2))[-1].cursor
        await suspend(center)
        await happen(center, ControlKind.DISCONNECTED, "MUNICIPALITY:112089")
        await happen(center, ControlKind.DESCRIPTIONS_CHANGED)

        messages = await read(stub.Watch(pb.WatchRequest(cursor=kept)), 4)

    assert steps(messages) == ["welcome", "hotlist", "notice", "descriptions_changed"]
    assert not messages[0].welcome.is_snapshot
    # The event before `kept` was none of a card: lists from before it take the changes, too.
    assert said(messages[1].hotlist.cose)[2:4] == [False, kept - 1]
    notice = messages[2].notice
    assert (notice.kind, notice.scope, notice.subject) == (
        NOTICE.KIND_DISCONNECTED,
        "MUNICIPALITY",
        "112089",
    )
    assert [message.cursor for message in messages] == [kept, kept, kept, kept + 3]


async def test_cursor_that_is_unknown_begins_with_the_state(pki: PKIFolder, tmp_path: Path) -> None:
    async with watched_center(pki, tmp_path) as center, center.stub() as stub:
        messages = await read(stub.Watch(pb.WatchRequest(cursor=10**9)), 2)

    assert messages[0].welcome.is_snapshot
    assert said(messages[1].hotlist.cose)[2] is True


async def test_stream_begins_anew_where_events_were_forgotten(
    pki: PKIFolder, tmp_path: Path
) -> None:
    async with watched_center(pki, tmp_path) as center, center.stub() as stub:
        for _ in range(3):
            await happen(center, ControlKind.CONFIGURATION_CHANGED)
        whole = (await read(stub.Watch(pb.WatchRequest(cursor=1)), 1))[0].welcome
        await center.store.act(lambda tx: forget_old_events(tx, NOW + timedelta(days=36_500)))

        forgotten = (await read(stub.Watch(pb.WatchRequest(cursor=1)), 1))[0].welcome

    assert (whole.is_snapshot, forgotten.is_snapshot) == (False, True)


async def test_state_as_it_is_tells_what_is_cut_off(pki: PKIFolder, tmp_path: Path) -> None:
    cut_off = (Subject(Scope.MUNICIPALITY, "112089"), Subject(Scope.TERMINAL, TERMINAL_2))
    async with watched_center(pki, tmp_path) as center, center.stub() as stub:
        for subject in cut_off:
            one = Disconnection(subject, Level.HIGH, "drill", NOW, "juki://operator/operator-1")
            await center.store.act(lambda tx, one=one: tx.disconnections.put(one))

        messages = await read(stub.Watch(pb.WatchRequest()), 3)

    assert steps(messages) == ["welcome", "hotlist", "notice"]
    assert messages[2].notice.kind == NOTICE.KIND_DISCONNECTED
    assert messages[2].notice.subject == "112089"


async def test_agency_is_told_what_is_cut_off_and_nothing_of_cards(
    pki: PKIFolder, tmp_path: Path
) -> None:
    async with (
        watched_center(pki, tmp_path) as center,
        center.stub(pki.agency("passport-1")) as stub,
    ):
        stream = stub.Watch(pb.WatchRequest())
        await read(stream)
        await suspend(center)
        await happen(center, ControlKind.RECONNECTED, "CENTER:")

        (told,) = await read(stream)

    assert told.notice.kind == NOTICE.KIND_RECONNECTED
    assert (told.notice.scope, told.notice.subject) == ("CENTER", "")


async def test_that_another_terminal_is_cut_off_is_told_to_nobody(
    pki: PKIFolder, tmp_path: Path
) -> None:
    async with (
        watched_center(pki, tmp_path) as center,
        center.stub(pki.desk("131016", "01")) as stub,
    ):
        stream = stub.Watch(pb.WatchRequest())
        await read(stream)
        await happen(center, ControlKind.DISCONNECTED, f"TERMINAL:{TERMINAL}")
        await happen(center, ControlKind.DESCRIPTIONS_CHANGED)

        (told,) = await read(stream)

    assert steps([told]) == ["descriptions_changed"]


async def test_changed_settings_are_told(pki: PKIFolder, tmp_path: Path) -> None:
    async with watched_center(pki, tmp_path) as center, center.stub() as stub:
        stream = stub.Watch(pb.WatchRequest())
        await read(stream, 2)

        await happen(center, ControlKind.CONFIGURATION_CHANGED)

        (told,) = await read(stream)
    assert told.configuration.status_interval.seconds == 3600


async def test_new_keys_make_everybody_fetch_the_descriptions(
    pki: PKIFolder, tmp_path: Path
) -> None:
    async with watched_center(pki, tmp_path) as center, center.stub() as stub:
        stream = stub.Watch(pb.WatchRequest())
        await read(stream, 2)

        center.parts.take_over(make_signer()[0])

        assert steps(await read(stream)) == ["descriptions_changed"]


async def test_operator_may_not_watch(pki: PKIFolder, tmp_path: Path) -> None:
    async with (
        watched_center(pki, tmp_path) as center,
        center.stub(pki.operator("operator-1")) as stub,
    ):
        error = await ended(stub.Watch(pb.WatchRequest()))

    assert error_info(error).reason == "ROLE_NOT_ALLOWED"


async def test_heartbeat_keeps_the_hotlist_fresh(pki: PKIFolder, tmp_path: Path) -> None:
    settings = Settings(heartbeat_seconds=0.05)
    async with watched_center(pki, tmp_path, settings) as center, center.stub() as stub:
        stream = stub.Watch(pb.WatchRequest())
        first = await read(stream, 2)

        (beat,) = await read(stream)

    assert steps([beat]) == ["heartbeat"]
    assert said(beat.heartbeat.hotlist.cose)[2:5] == [False, first[1].cursor, first[1].cursor]
    assert beat.heartbeat.reconnect_after.ToTimedelta() >= timedelta(seconds=1)


async def test_second_stream_of_a_peer_ends_the_first(pki: PKIFolder, tmp_path: Path) -> None:
    async with watched_center(pki, tmp_path) as center, center.stub() as stub:
        first = stub.Watch(pb.WatchRequest())
        await read(first, 2)

        second = stub.Watch(pb.WatchRequest())
        await read(second, 2)

        error = await ended(first)
        await suspend(center)
        assert steps(await read(second)) == ["hotlist"]
        assert len(center.parts.hub) == 1
    assert error_info(error).reason == "WATCH_REPLACED"


async def test_revoked_terminal_reads_why_its_stream_ends(pki: PKIFolder, tmp_path: Path) -> None:
    async with watched_center(pki, tmp_path) as center, center.stub() as stub:
        stream = stub.Watch(pb.WatchRequest())
        await read(stream, 2)

        await revoke_in(center.store, OfPeer(TERMINAL))

        error = await ended(stream)
        assert len(center.parts.hub) == 0
    assert error_info(error).reason == "CERTIFICATE_REVOKED"


async def test_shutdown_ends_streams_each_with_its_own_time_to_come_back(
    pki: PKIFolder, tmp_path: Path
) -> None:
    settings = Settings(pace=Pace(per_second=0.1, burst=10))
    peers = (pki.terminal("131016", "01"), pki.terminal("131016", "02"), pki.desk("131016", "01"))
    async with watched_center(pki, tmp_path, settings) as center:
        lines = [channel(center.edge, pki, peer) for peer in peers]
        streams = [
            line.unary_stream(
                "/jukinet.fleet.v1.TerminalService/Watch",
                request_serializer=pb.WatchRequest.SerializeToString,
                response_deserializer=pb.WatchResponse.FromString,
            )(pb.WatchRequest())
            for line in lines
        ]
        for stream in streams:
            await read(stream)

        center.parts.hub.close()

        errors = [await ended(stream) for stream in streams]
        async with center.stub() as stub:
            late = await ended(stub.Watch(pb.WatchRequest()))
        for line in lines:
            await line.close()
    assert {error_info(error).reason for error in (*errors, late)} == {"SHUTTING_DOWN"}
    assert len({delay_of(error) for error in errors}) == len(errors)
    assert all(1.0 <= delay_of(error) <= 31.0 for error in errors)


async def test_too_many_at_once_are_told_when_to_come_back(pki: PKIFolder, tmp_path: Path) -> None:
    settings = Settings(pace=Pace(per_second=0.01, burst=1))
    async with watched_center(pki, tmp_path, settings) as center, center.stub() as stub:
        stream = stub.Watch(pb.WatchRequest())
        await read(stream, 2)

        error = await ended(stub.Watch(pb.WatchRequest()))

        assert not stream.done()
    assert error_info(error).reason == "OVERLOADED"
    assert delay_of(error) == pytest.approx(102, abs=5)


async def test_peer_that_does_not_read_is_ended_with_its_cursor(
    pki: PKIFolder, tmp_path: Path
) -> None:
    """Long notices fill what lies between the two ends; then the queue fills, and no further."""
    settings = Settings(most_waiting=8, write_seconds=60.0)
    async with watched_center(pki, tmp_path, settings) as center, center.stub() as stub:
        stream = stub.Watch(pb.WatchRequest())
        await read(stream, 2)
        kept = center.parts.book.cursor

        for _ in range(200):
            await happen(center, ControlKind.DISCONNECTED, "FUNCTION:" + "x" * 30_000)

        error = await ended(stream)
        newest = center.parts.book.cursor
    info = error_info(error)
    assert info.reason == "WATCH_TOO_SLOW"
    assert kept < int(info.metadata["cursor"]) < newest
    assert delay_of(error) >= 1.0


async def test_peer_that_never_reads_again_holds_nothing(pki: PKIFolder, tmp_path: Path) -> None:
    settings = Settings(most_waiting=8, write_seconds=0.2)
    async with watched_center(pki, tmp_path, settings) as center, center.stub() as stub:
        stream = stub.Watch(pb.WatchRequest())
        await read(stream, 2)

        async with asyncio.timeout(20):
            while len(center.parts.hub):
                await happen(center, ControlKind.DISCONNECTED, "FUNCTION:" + "x" * 30_000)
                await asyncio.sleep(0)

        assert len(center.fleet.live) <= 1


async def test_report_is_kept_and_answered_with_the_time(pki: PKIFolder, tmp_path: Path) -> None:
    made = Timestamp()
    made.FromDatetime(NOW)
    async with watched_center(pki, tmp_path) as center, center.stub() as stub:
        request = pb.ReportStatusRequest(
            software_version="1.2",
            hotlist_cursor=center.parts.book.cursor,
            hotlist_made_time=made,
            reader_ready=True,
        )

        answers = [await stub.ReportStatus(request) for _ in range(2)]

        (report,) = center.store.read(lambda tx: tx.terminal_reports.every())
        await suspend(center)
        late = await stub.ReportStatus(request)
    assert (report.uri, report.version, report.hotlist_made_at) == (TERMINAL, "1.2", NOW)
    assert (report.reader_ready, report.printer_ready) == (True, False)
    assert [answer.is_hotlist_current for answer in (*answers, late)] == [True, True, False]
    assert answers[0].time.ToDatetime(UTC) <= datetime.now(UTC)


@pytest.mark.parametrize(
    ("request_message", "field"),
    [
        (pb.ReportStatusRequest(), "software_version"),
        (pb.ReportStatusRequest(software_version="x" * 41), "software_version"),
        (pb.ReportStatusRequest(software_version="1", hotlist_cursor=2**63), "hotlist_cursor"),
        (
            pb.ReportStatusRequest(
                software_version="1", hotlist_made_time=Timestamp(seconds=2**60)
            ),
            "hotlist_made_time",
        ),
    ],
)
async def test_wrong_report_is_named(
    pki: PKIFolder, tmp_path: Path, request_message: pb.ReportStatusRequest, field: str
) -> None:
    async with watched_center(pki, tmp_path) as center, center.stub() as stub:
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await stub.ReportStatus(request_message)

    info = error_info(raised.value)
    assert (info.reason, info.metadata["field"]) == ("FIELD_INVALID", field)


async def test_idle_streams_cost_little_memory(pki: PKIFolder, tmp_path: Path) -> None:
    """What the hub itself holds for a stream, without what gRPC holds for it."""
    async with watched_center(pki, tmp_path, Settings(pace=Pace(1.0, IDLE_STREAMS))) as center:
        with ExitStack() as stack:
            tracemalloc.start()
            for number in range(IDLE_STREAMS):
                uri = f"juki://agency/idle-{number}"
                stream = stack.enter_context(center.parts.hub.opened(uri, "agency", 0))
                await stream.next(1.0)
            grown, _ = tracemalloc.get_traced_memory()
            tracemalloc.stop()
    print(f"\nthe hub's part of an idle stream: {grown / IDLE_STREAMS:.0f} bytes")
    assert grown / IDLE_STREAMS < 4_096
