"""`watch` and `hotlist`: what the center tells while the terminal runs, and what is kept of it."""

from __future__ import annotations

import json
import signal
import sys
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import grpc

from juki_client.channel import problem_of
from juki_client.outcome import JSON, Exit, Problem
from juki_client.report import Report
from juki_terminal import hotlist_file
from juki_terminal.cli.texts import Text
from juki_terminal.paper_press import copy_signers
from juki_terminal.watch import EventKind, TerminalWatch, WatchEvent
from jukinet.fleet.v1 import terminal_service_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from juki_terminal.channel import Center
    from juki_terminal.cli.settings import Settings
    from juki_terminal.config import TerminalConfig

_TEXTS: Final = {
    EventKind.CONNECTED: Text.WATCH_CONNECTED,
    EventKind.HOTLIST: Text.WATCH_HOTLIST,
    EventKind.DISCONNECTED: Text.WATCH_DISCONNECTED,
    EventKind.RECONNECTED: Text.WATCH_RECONNECTED,
    EventKind.DESCRIPTIONS: Text.WATCH_DESCRIPTIONS,
    EventKind.CONFIGURATION: Text.WATCH_CONFIGURATION,
    EventKind.LOST: Text.WATCH_LOST,
}


class CenterStream:
    """One stream of the center, whose errors are Problems."""

    def __init__(self, center: Center, cursor: int) -> None:
        self._call = center.terminals.Watch(pb.WatchRequest(cursor=cursor))

    def __iter__(self) -> Iterator[pb.WatchResponse]:
        """Return the messages until the stream ends."""
        try:
            yield from self._call
        except grpc.RpcError as error:
            raise problem_of(error) from error

    def cancel(self) -> object:
        """End the stream."""
        return self._call.cancel()


def watch(settings: Settings) -> Report:
    """Keep the hotlist fresh and print what happens, until SIGTERM or Ctrl-C."""
    config = settings.config()
    path, signers = _path(config), copy_signers(config.trust_dir)
    told = 0
    with settings.center(config) as center:
        watching = TerminalWatch(
            lambda cursor: CenterStream(center, cursor),
            signers=signers,
            kept=_kept(path, config),
            keep=lambda kept: hotlist_file.save(path, kept),
        )
        with _ended_by_signals(watching):
            for event in watching.events():
                told += 1
                _print(settings, event)
    result: dict[str, JSON] = {"events": told, "cursor": watching.cursor}
    return Report(result, Text.WATCH_ENDED.say(settings.language))


def hotlist(settings: Settings) -> Report:
    """Say how new the hotlist is, and how many cards are on it."""
    config = settings.config()
    kept = hotlist_file.load(_path(config), copy_signers(config.trust_dir))
    if kept is None:
        raise Problem("HOTLIST_TOO_OLD")
    found, now = kept.hotlist, datetime.now(UTC)
    is_fresh = found.is_fresh(now)
    result: dict[str, JSON] = {
        "cursor": found.cursor,
        "made": found.made_at.isoformat(),
        "max_age_seconds": int(found.max_age.total_seconds()),
        "is_fresh": is_fresh,
        "cards": len(found.cards),
        "revoked_nodes": len(found.node_certificates) + len(found.node_uris),
    }
    text = Text.HOTLIST_FRESH if is_fresh else Text.HOTLIST_OLD
    line = text.say(
        settings.language,
        cards=len(found.cards),
        made=found.made_at.isoformat(),
        cursor=kept.cursor,
    )
    return Report(result, line, Exit.DONE if is_fresh else Exit.REFUSED)


def _path(config: TerminalConfig) -> Path:
    if config.hotlist is None:
        raise Problem("CONFIGURATION_INVALID", {"key": "hotlist.path"})
    return config.hotlist


def _kept(path: Path, config: TerminalConfig) -> hotlist_file.KeptList | None:
    """Return the list that is kept; a damaged one is fetched anew."""
    try:
        return hotlist_file.load(path, copy_signers(config.trust_dir))
    except Problem as problem:
        if problem.reason != "HOTLIST_NOT_TRUSTED":
            raise
        return None


@contextmanager
def _ended_by_signals(watching: TerminalWatch) -> Iterator[None]:
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = {number: signal.signal(number, lambda *_: watching.stop()) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _print(settings: Settings, event: WatchEvent) -> None:
    if settings.as_json:
        facts = {
            "event": event.kind.value,
            "cursor": event.cursor,
            "subject": event.subject,
            "cards": event.cards,
            "reason": event.reason,
            "retry_seconds": round(event.retry_seconds, 1),
        }
        line = json.dumps({name: value for name, value in facts.items() if value != ""})
    elif event.kind is EventKind.FRESH:
        return
    else:
        line = _TEXTS[event.kind].say(
            settings.language,
            subject=event.subject,
            cards=event.cards,
            reason=event.reason,
            seconds=f"{event.retry_seconds:.0f}",
        )
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
