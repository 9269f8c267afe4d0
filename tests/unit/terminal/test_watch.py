"""A terminal that watches: what it keeps, where it goes on, and when it comes back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from google.protobuf.duration_pb2 import Duration

from juki_client.outcome import Problem
from juki_terminal.paper.trust import CopySigners
from juki_terminal.watch import EventKind, TerminalWatch, WatchEvent
from jukinet.fleet.v1 import terminal_service_pb2 as pb
from tests.support.copy_content import make_signer
from tests.support.hotlist_pieces import MADE_AT, SERIALS, changes, content, signed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from juki_terminal.hotlist_file import KeptList

SIGNERS = CopySigners.from_pem(make_signer().pem)
RESPONSE = pb.WatchResponse
CUT = Problem("CENTER_UNREACHABLE", {"status": "UNAVAILABLE"})


def welcome(seconds: int = 40) -> pb.WatchResponse:
    settings = RESPONSE.Configuration(reconnect_after=Duration(seconds=seconds))
    return RESPONSE(welcome=RESPONSE.Welcome(is_snapshot=True, configuration=settings))


def hotlist(value: object, cursor: int) -> pb.WatchResponse:
    return RESPONSE(cursor=cursor, hotlist=RESPONSE.SignedHotlist(cose=signed(value)))


def beat(cursor: int, value: object | None = None, seconds: int = 50) -> pb.WatchResponse:
    cose = b"" if value is None else signed(value)
    return RESPONSE(
        cursor=cursor,
        heartbeat=RESPONSE.Heartbeat(
            hotlist=RESPONSE.SignedHotlist(cose=cose), reconnect_after=Duration(seconds=seconds)
        ),
    )


def notice(kind: pb.WatchResponse.Notice.Kind.ValueType, cursor: int) -> pb.WatchResponse:
    return RESPONSE(
        cursor=cursor, notice=RESPONSE.Notice(kind=kind, scope="MUNICIPALITY", subject="112089")
    )


class Script:
    """Gives one scripted stream after the other, and notes from where each was asked."""

    def __init__(self, *streams: list[pb.WatchResponse | Problem]) -> None:
        self._streams = list(streams)
        self.cursors: list[int] = []
        self.pauses: list[float] = []
        self.kept: list[KeptList] = []
        self.watch = TerminalWatch(
            self._open,
            signers=SIGNERS,
            keep=self.kept.append,
            pause=self.pauses.append,
            chance=lambda: 0.5,
        )

    def _open(self, cursor: int) -> ScriptedStream:
        self.cursors.append(cursor)
        if not self._streams:
            self.watch.stop()
            return ScriptedStream([])
        return ScriptedStream(self._streams.pop(0))

    def events(self) -> list[WatchEvent]:
        return list(self.watch.events())

    def kinds(self) -> list[EventKind]:
        return [event.kind for event in self.events()]


class ScriptedStream:
    """Messages, and perhaps the problem that ends them."""

    def __init__(self, said: list[pb.WatchResponse | Problem]) -> None:
        self._said = said

    def __iter__(self) -> Iterator[pb.WatchResponse]:
        for one in self._said:
            if isinstance(one, Problem):
                raise one
            yield one

    def cancel(self) -> object:
        return None


def test_list_is_kept_with_the_cursor_of_each_message() -> None:
    script = Script(
        [
            welcome(),
            hotlist(content(), 7),
            hotlist(changes(7, 9, (SERIALS[2], 1)), 9),
            notice(RESPONSE.Notice.KIND_DISCONNECTED, 10),
            CUT,
        ]
    )

    events = script.events()

    assert [event.kind for event in events[:4]] == [
        EventKind.CONNECTED,
        EventKind.HOTLIST,
        EventKind.HOTLIST,
        EventKind.DISCONNECTED,
    ]
    assert (events[2].cards, events[3].subject) == (3, "MUNICIPALITY 112089")
    assert [kept.cursor for kept in script.kept] == [7, 9, 10]
    assert script.cursors == [0, 10]


def test_list_in_parts_is_kept_when_it_is_whole() -> None:
    script = Script(
        [
            welcome(),
            hotlist(content(parts=2), 0),
            hotlist(content(part=2, parts=2, cards=[]), 7),
            CUT,
        ]
    )

    kinds = script.kinds()

    assert kinds[:2] == [EventKind.CONNECTED, EventKind.HOTLIST]
    assert [kept.cursor for kept in script.kept] == [7]


def test_stream_that_is_cut_within_a_list_begins_anew() -> None:
    script = Script([welcome(), hotlist(content(parts=2), 0), CUT])

    script.events()

    assert script.cursors == [0, 0]
    assert script.kept == []


def test_word_of_freshness_is_kept() -> None:
    fresh = changes(7, 7, made_at=MADE_AT + 60)
    script = Script([welcome(), hotlist(content(), 7), beat(7, fresh), CUT])

    kinds = script.kinds()

    assert kinds[2] is EventKind.FRESH
    assert script.kept[-1].hotlist.made_at.timestamp() == MADE_AT + 60


def test_delay_that_the_center_named_last_is_kept_after_a_cut() -> None:
    script = Script([welcome(40), beat(0, seconds=50), CUT])

    script.events()

    assert script.pauses == [50.0]


def test_delay_of_the_ending_goes_before_the_one_that_was_named() -> None:
    slow = Problem("WATCH_TOO_SLOW", {"cursor": "3", "retryAfterSeconds": "12.5"})
    script = Script([welcome(40), slow])

    events = script.events()

    assert script.pauses == [12.5]
    assert (events[-1].kind, events[-1].reason) == (EventKind.LOST, "WATCH_TOO_SLOW")


def test_center_that_does_not_answer_is_asked_ever_more_rarely() -> None:
    script = Script(*[[CUT]] * 12)

    script.events()

    assert script.pauses == sorted(script.pauses)
    assert script.pauses[:4] == [1.0, 2.0, 4.0, 8.0]
    assert script.pauses[-1] == 300.0


def test_delay_that_is_no_number_counts_as_none() -> None:
    script = Script([Problem("OVERLOADED", {"retryAfterSeconds": "soon"})])

    script.events()

    assert script.pauses == [1.0]


@pytest.mark.parametrize(
    "reason", ["CERTIFICATE_REVOKED", "WATCH_REPLACED", "ROLE_NOT_ALLOWED", "UNAUTHENTICATED"]
)
def test_end_that_no_waiting_mends_is_raised(reason: str) -> None:
    script = Script([welcome(), Problem(reason)])

    with pytest.raises(Problem) as raised:
        script.events()

    assert raised.value.reason == reason
    assert script.pauses == []


def test_piece_that_is_not_trusted_is_not_kept_and_the_list_is_fetched_whole() -> None:
    stranger = RESPONSE.SignedHotlist(cose=signed(content(), make_signer(scalar=7)))
    script = Script(
        [welcome(), hotlist(content(), 7), RESPONSE(cursor=9, hotlist=stranger)],
        [welcome(), hotlist(content(), 7), CUT],
    )

    events = script.events()

    assert [event.reason for event in events if event.reason] == [
        "HOTLIST_NOT_TRUSTED",
        "CENTER_UNREACHABLE",
    ]
    assert script.cursors == [0, 0, 7]


def test_change_without_a_list_is_not_trusted() -> None:
    script = Script([welcome(), hotlist(changes(0, 7), 7)])

    events = script.events()

    assert events[-1].reason == "HOTLIST_NOT_TRUSTED"


def test_what_a_newer_center_says_only_moves_the_cursor() -> None:
    script = Script([welcome(), hotlist(content(), 7), RESPONSE(cursor=8), CUT])

    script.events()

    assert script.cursors == [0, 8]


def test_other_messages_are_told() -> None:
    script = Script(
        [
            RESPONSE(cursor=1, descriptions_changed=RESPONSE.DescriptionsChanged()),
            RESPONSE(cursor=2, configuration=RESPONSE.Configuration()),
            notice(RESPONSE.Notice.KIND_RECONNECTED, 3),
            notice(RESPONSE.Notice.KIND_UNSPECIFIED, 4),
            CUT,
        ]
    )

    assert script.kinds() == [
        EventKind.DESCRIPTIONS,
        EventKind.CONFIGURATION,
        EventKind.RECONNECTED,
        EventKind.LOST,
    ]


def test_watch_that_is_stopped_ends_without_a_word() -> None:
    script = Script([welcome(), notice(RESPONSE.Notice.KIND_RECONNECTED, 3), CUT])
    events = script.watch.events()
    next(events)

    script.watch.stop()

    assert [event.kind for event in events] == [EventKind.RECONNECTED]
    assert script.cursors == [0]
