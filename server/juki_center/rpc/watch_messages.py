"""The messages of Watch, made of control events and of the state as it is."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from juki_center.areas.fleet.control import ControlKind
from juki_center.areas.fleet.disconnections import Scope
from jukinet.fleet.v1 import terminal_service_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from juki_center.areas.fleet.control import ControlEvent
    from juki_center.areas.ports import Tx
    from juki_center.rpc.watch_hub import Settings

_KINDS: Final = {
    ControlKind.DISCONNECTED: pb.WatchResponse.Notice.KIND_DISCONNECTED,
    ControlKind.RECONNECTED: pb.WatchResponse.Notice.KIND_RECONNECTED,
}
# That one terminal or one agency is cut off is no business of the others.
_PUBLIC: Final = frozenset(
    {
        Scope.MUNICIPALITY.value,
        Scope.FUNCTION.value,
        Scope.CENTER.value,
        Scope.CARD_BATCH.value,
    }
)
_AT_ONCE: Final = 10_000


def of_event(event: ControlEvent) -> pb.WatchResponse | None:
    """Return what everybody is told of an event; None for what only the hotlist tells."""
    match event.kind:
        case ControlKind.DISCONNECTED | ControlKind.RECONNECTED:
            return _notice(event.kind, event.subject)
        case ControlKind.DESCRIPTIONS_CHANGED:
            return descriptions_changed()
        case _:
            return None


def descriptions_changed() -> pb.WatchResponse:
    """Return the message that the descriptions are to be fetched anew."""
    return pb.WatchResponse(descriptions_changed=pb.WatchResponse.DescriptionsChanged())


def can_resume(tx: Tx, cursor: int) -> bool:
    """Whether every event after a cursor is still kept, and they are not too many to tell."""
    return tx.control.oldest() <= cursor + 1 and tx.control.newest() - cursor <= _AT_ONCE


def missed(tx: Tx, after: int, up_to: int) -> list[pb.WatchResponse]:
    """Return what everybody was told after a cursor, up to another one."""
    events = tx.control.after(after, _AT_ONCE)
    found = [of_event(event) for event in events if event.cursor <= up_to]
    return [message for message in found if message is not None]


def standing(tx: Tx) -> list[pb.WatchResponse]:
    """Return what is cut off now."""
    found = [
        _notice(ControlKind.DISCONNECTED, f"{one.subject.scope}:{one.subject.name}")
        for one in tx.disconnections.every()
    ]
    return [message for message in found if message is not None]


def hotlist(pieces: Sequence[bytes]) -> list[pb.WatchResponse]:
    """Return pieces of the hotlist."""
    return [
        pb.WatchResponse(hotlist=pb.WatchResponse.SignedHotlist(cose=piece)) for piece in pieces
    ]


def welcome(settings: pb.WatchResponse.Configuration, *, is_snapshot: bool) -> pb.WatchResponse:
    """Return the first message."""
    first = pb.WatchResponse.Welcome(is_snapshot=is_snapshot, configuration=settings)
    return pb.WatchResponse(welcome=first)


def configuration(settings: Settings, reconnect: float) -> pb.WatchResponse.Configuration:
    """Return the settings of a peer."""
    return pb.WatchResponse.Configuration(
        heartbeat_interval=_duration(settings.heartbeat_seconds),
        status_interval=_duration(settings.status_seconds),
        reconnect_after=_duration(reconnect),
    )


def configured(settings: Settings, reconnect: float) -> pb.WatchResponse:
    """Return the message that other settings hold from now on."""
    return pb.WatchResponse(configuration=configuration(settings, reconnect))


def heartbeat(cursor: int, now: datetime, fresh: bytes, reconnect: float) -> pb.WatchResponse:
    """Return the message that says that nothing has happened."""
    time = Timestamp()
    time.FromDatetime(now)
    beat = pb.WatchResponse.Heartbeat(time=time, reconnect_after=_duration(reconnect))
    if fresh:
        beat.hotlist.cose = fresh
    return pb.WatchResponse(cursor=cursor, heartbeat=beat)


def in_order(told: Sequence[pb.WatchResponse], before: int, after: int) -> list[pb.WatchResponse]:
    """Return messages that belong together, with their cursors.

    Only the last one says that everything up to `after` was told: who has kept some of them and
    goes on from there is told all of them again.
    """
    ordered = []
    for place, message in enumerate(told, start=1):
        one = pb.WatchResponse()
        one.CopyFrom(message)
        one.cursor = after if place == len(told) else before
        ordered.append(one)
    return ordered


def _notice(kind: ControlKind, subject: str) -> pb.WatchResponse | None:
    scope, _, name = subject.partition(":")
    if scope not in _PUBLIC:
        return None
    notice = pb.WatchResponse.Notice(kind=_KINDS[kind], scope=scope, subject=name)
    return pb.WatchResponse(notice=notice)


def _duration(seconds: float) -> Duration:
    span = Duration()
    span.FromTimedelta(timedelta(seconds=seconds))
    return span
