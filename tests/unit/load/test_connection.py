"""The connection, judged by a server of another library."""

from __future__ import annotations

import base64

import h2.events
import h2.settings
import pytest
from google.rpc import error_details_pb2, status_pb2

from juki_load.wire.connection import CANCELLED, GOING_AWAY, LOST, NO_STATUS
from juki_load.wire.frames import ErrorCode
from juki_load.wire.header_blocks import DONE, Ending
from tests.support.http2_judge import Heard, Judge

PATH = "/a.Service/Call"


@pytest.fixture
async def judge() -> Judge:
    judge = Judge()
    await judge.start()
    return judge


async def test_a_unary_call_is_a_whole_request_of_grpc(judge: Judge) -> None:
    heard = Heard()

    judge.client.call(PATH, b"question", heard)
    await judge.settle()
    judge.answer(1, b"answer")
    await judge.settle()

    assert judge.headers() == [
        {
            ":method": "POST",
            ":scheme": "https",
            ":path": PATH,
            ":authority": "center:7443",
            "te": "trailers",
            "content-type": "application/grpc",
            "user-agent": "juki-load",
            "grpc-timeout": "20S",
        }
    ]
    assert judge.body(1) == b"\0\0\0\0\x08question"
    assert heard == Heard([b"answer"], [DONE])
    assert judge.client.under_way == 0


async def test_many_calls_of_several_paths_arrive_as_they_were_made(judge: Judge) -> None:
    paths = [f"/a.Service/Call{number % 3}" for number in range(30)]

    for number, path in enumerate(paths):
        judge.client.call(path, b"%04d" % number, Heard())
        if number % 4 == 0:
            await judge.settle()
    await judge.settle()

    assert [fields[":path"] for fields in judge.headers()] == paths
    assert [judge.body(2 * n + 1)[5:] for n in range(30)] == [b"%04d" % n for n in range(30)]


async def test_a_message_larger_than_the_windows_waits_for_them(judge: Judge) -> None:
    message = bytes(range(256)) * 800

    judge.client.call(PATH, message, Heard())
    await judge.settle()
    before = len(judge.body(1))
    for _ in range(4):
        judge.server.increment_flow_control_window(65_535, 1)
        judge.server.increment_flow_control_window(65_535)
        await judge.settle()

    assert before == 65_535
    assert judge.body(1)[5:] == message
    assert len(judge.of(h2.events.StreamEnded)) == 1


async def test_calls_beyond_the_peers_limit_wait_for_room(judge: Judge) -> None:
    judge.server.update_settings({h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: 2})
    await judge.settle()
    heard = [Heard() for _ in range(3)]

    for one in heard:
        judge.client.call(PATH, b"x", one)
    await judge.settle()
    sent_at_first = len(judge.headers())
    judge.answer(1, b"")
    await judge.settle()

    assert (sent_at_first, len(judge.headers())) == (2, 3)
    assert judge.client.under_way == 2


async def test_a_smaller_window_of_new_settings_holds_for_open_streams(judge: Judge) -> None:
    judge.server.update_settings({h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: 10})
    await judge.settle()

    judge.client.call(PATH, b"0123456789abcdef", Heard())
    await judge.settle()
    before = judge.body(1)
    judge.server.update_settings({h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: 30})
    await judge.settle()

    assert len(before) == 10
    assert judge.body(1)[5:] == b"0123456789abcdef"


async def test_a_ping_is_answered(judge: Judge) -> None:
    judge.server.ping(b"12345678")

    await judge.settle()

    assert [e.ping_data for e in judge.of(h2.events.PingAckReceived)] == [b"12345678"]  # type: ignore[attr-defined]
    assert judge.client.pings == 1


async def test_a_goaway_ends_what_the_peer_will_not_look_at(judge: Judge) -> None:
    first, second, third = Heard(), Heard(), Heard()
    judge.client.call(PATH, b"x", first)
    judge.client.call(PATH, b"x", second)
    await judge.settle()

    judge.server.close_connection(last_stream_id=1)
    judge.say()
    judge.client.call(PATH, b"x", third)

    assert (first.endings, second.endings, third.endings) == ([], [GOING_AWAY], [LOST])


@pytest.mark.parametrize(
    ("code", "ending"),
    [
        (ErrorCode.REFUSED_STREAM, Ending(14, "REFUSED_STREAM")),
        (ErrorCode.ENHANCE_YOUR_CALM, Ending(8, "ENHANCE_YOUR_CALM")),
        (ErrorCode.CANCEL, CANCELLED),
        (ErrorCode.NO_ERROR, NO_STATUS),
    ],
)
async def test_a_reset_stream_ends_with_what_it_means(
    judge: Judge, code: ErrorCode, ending: Ending
) -> None:
    heard = Heard()
    judge.client.call(PATH, b"x", heard)
    await judge.settle()

    judge.server.reset_stream(1, int(code))
    await judge.settle()

    assert heard.endings == [ending]


async def test_a_lost_connection_ends_every_call(judge: Judge) -> None:
    heard = Heard()
    judge.client.call(PATH, b"x", heard)

    judge.client.connection_lost(None)

    assert heard.endings == [LOST]
    assert not judge.client.takes_calls


async def test_octets_that_are_no_http2_end_the_connection(judge: Judge) -> None:
    judge.client.data_received(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    assert judge.is_closed
    assert judge.of(h2.events.ConnectionTerminated)


async def test_answers_in_pieces_and_of_many_frames_are_whole(judge: Judge) -> None:
    heard = Heard()
    judge.client.call(PATH, b"x", heard)
    await judge.settle()
    message = bytes(range(256)) * 200
    framed = b"\0" + len(message).to_bytes(4, "big") + message
    judge.server.send_headers(1, [(":status", "200")])
    for at in range(0, len(framed), 16_000):
        judge.server.send_data(1, framed[at : at + 16_000], pad_length=7)
    judge.server.send_headers(1, [("grpc-status", "0")], end_stream=True)
    octets = judge.server.data_to_send()

    for at in range(0, len(octets), 997):
        judge.client.data_received(octets[at : at + 997])

    assert heard == Heard([message], [DONE])


async def test_a_header_block_in_many_frames_is_read_whole(judge: Judge) -> None:
    heard = Heard()
    judge.client.call(PATH, b"x", heard)
    await judge.settle()
    filling = [(f"x-{number}", "y" * 4_000) for number in range(10)]

    judge.server.send_headers(
        1, [(":status", "200"), *filling, ("grpc-status", "5")], end_stream=True
    )
    judge.say()

    assert heard.endings == [Ending(5)]


async def test_the_reason_and_the_delay_of_a_refusal_are_read(judge: Judge) -> None:
    status = status_pb2.Status(code=8)
    info = error_details_pb2.ErrorInfo(reason="OVERLOADED", domain="center.jukinet")
    retry = error_details_pb2.RetryInfo()
    retry.retry_delay.FromMilliseconds(1_500)
    for detail in (info, retry):
        status.details.add().Pack(detail)
    details = base64.b64encode(status.SerializeToString()).decode().rstrip("=")
    heard = Heard()
    judge.client.call(PATH, b"x", heard)
    await judge.settle()

    fields = [(":status", "200"), ("grpc-status", "8"), ("grpc-status-details-bin", details)]
    judge.server.send_headers(1, fields, end_stream=True)
    judge.say()

    assert heard.endings == [Ending(8, "OVERLOADED", 1.5)]


async def test_a_stream_carries_messages_both_ways(judge: Judge) -> None:
    heard = Heard()
    stream = judge.client.open(PATH, heard)
    assert stream is not None

    judge.client.send(stream, b"one")
    await judge.settle()
    judge.server.send_headers(1, [(":status", "200")])
    judge.server.send_data(1, b"\0\0\0\0\x01a\0\0\0\0\x01b")
    await judge.settle()
    judge.client.finish(stream)
    await judge.settle()
    judge.server.send_headers(1, [("grpc-status", "0")], end_stream=True)
    await judge.settle()

    assert judge.body(1) == b"\0\0\0\0\x03one"
    assert "grpc-timeout" not in judge.headers()[0]
    assert heard == Heard([b"a", b"b"], [DONE])


async def test_a_cancelled_stream_is_reset(judge: Judge) -> None:
    heard = Heard()
    stream = judge.client.open(PATH, heard)
    assert stream is not None

    judge.client.cancel(stream)
    judge.client.cancel(stream)
    await judge.settle()

    assert heard.endings == [CANCELLED]
    assert len(judge.of(h2.events.StreamReset)) == 1


async def test_the_peer_gets_its_window_back(judge: Judge) -> None:
    stream = judge.client.open(PATH, Heard())
    assert stream is not None
    await judge.settle()
    judge.server.send_headers(1, [(":status", "200")])

    for _ in range(2_000):
        judge.server.send_data(1, b"\0\0\0\x27\x0b" + b"x" * 9_995)
        judge.say()
        if judge.server.local_flow_control_window(1) < 20_000:
            await judge.settle()

    assert judge.server.local_flow_control_window(1) > 20_000


async def test_a_peer_without_a_table_gets_whole_fields(judge: Judge) -> None:
    judge.server.update_settings({h2.settings.SettingCodes.HEADER_TABLE_SIZE: 0})
    await judge.settle()

    for _ in range(3):
        judge.client.call(PATH, b"x", Heard())
    await judge.settle()

    assert [fields["te"] for fields in judge.headers()] == ["trailers"] * 3


async def test_a_compressed_message_ends_the_connection(judge: Judge) -> None:
    judge.client.call(PATH, b"x", Heard())
    await judge.settle()

    judge.server.send_headers(1, [(":status", "200")])
    judge.server.send_data(1, b"\1\0\0\0\x01a")
    judge.say()

    assert judge.is_closed
