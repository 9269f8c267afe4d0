"""`watch` and `hotlist`: what keeps the terminal fit while it runs, and what is kept of it."""

from __future__ import annotations

import json
import signal
import sys
import threading
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Final

import grpc

from juki_client.channel import problem_of
from juki_client.identity_slot import IdentitySlot
from juki_client.outcome import JSON, Exit, Problem
from juki_client.report import Report
from juki_terminal import hotlist_file
from juki_terminal.cli.texts import Text
from juki_terminal.paper.errors import PaperError
from juki_terminal.paper.fonts import Fonts
from juki_terminal.paper_press import copy_signers
from juki_terminal.reader.presence import is_present
from juki_terminal.upkeep import Outfit, Place, Upkeep
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
    EventKind.RENEWED: Text.WATCH_RENEWED,
    EventKind.TRUST: Text.WATCH_TRUST,
    EventKind.FAILED: Text.WATCH_FAILED,
}
"""That all is as it was, and that it was reported, is told to machines only."""
_DISTRIBUTION: Final = "jukinet-center"
_UNINSTALLED: Final = "source-tree"


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
    """Keep the terminal's certificate, trust and hotlist fresh and print what happens.

    Ends well on SIGTERM. Raises KeyboardInterrupt where a person has ended it, Problem where no
    waiting helps.
    """
    config = settings.config()
    teller = _Teller(settings)
    with settings.center(config) as center:
        watching, upkeep = _begun(settings, config, center, teller)
        with _ended_by_signals(watching) as interrupted, upkeep.running():
            for event in watching.events():
                upkeep.hear(event)
                teller.tell(event)
    if interrupted.is_set():
        raise KeyboardInterrupt
    result: dict[str, JSON] = {"events": teller.told, "cursor": watching.cursor}
    return Report(result, Text.WATCH_ENDED.say(settings.language))


def _begun(
    settings: Settings, config: TerminalConfig, center: Center, teller: _Teller
) -> tuple[TerminalWatch, Upkeep]:
    """Return the watch and its upkeep, which know of each other."""

    def opened(cursor: int) -> CenterStream:
        upkeep.take_up()
        return CenterStream(center, cursor)

    watching = TerminalWatch(
        opened,
        signers=copy_signers(config.trust_dir),
        kept=_kept(config),
        keep=lambda kept: _keep(config, kept),
    )
    place = Place(IdentitySlot(config.certificate, config.key), config.trust_dir)
    address = settings.reader_address or config.reader
    outfit = Outfit(_version(), lambda: is_present(address), _can_print)
    upkeep = Upkeep(center, watching, place, outfit, teller.tell)
    return watching, upkeep


def _version() -> str:
    """Return the version of what is installed; a tree that is run as it lies has none."""
    try:
        return version(_DISTRIBUTION)
    except PackageNotFoundError:
        return _UNINSTALLED


def _can_print() -> bool:
    try:
        Fonts.find()
    except PaperError:
        return False
    return True


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


def _kept(config: TerminalConfig) -> hotlist_file.KeptList | None:
    """Return the list that is kept, where one is; a damaged one is fetched anew."""
    if config.hotlist is None:
        return None
    try:
        return hotlist_file.load(config.hotlist, copy_signers(config.trust_dir))
    except Problem as problem:
        if problem.reason != "HOTLIST_NOT_TRUSTED":
            raise
        return None


def _keep(config: TerminalConfig, kept: hotlist_file.KeptList) -> None:
    """Keep a list for the other commands, unless they are to have none."""
    if config.hotlist is not None:
        hotlist_file.save(config.hotlist, kept)


@contextmanager
def _ended_by_signals(watching: TerminalWatch) -> Iterator[threading.Event]:
    """Let SIGTERM and Ctrl-C end the events; gives whether it was Ctrl-C."""
    interrupted = threading.Event()

    def stop(number: int, _frame: object) -> None:
        if number == signal.SIGINT:
            interrupted.set()
        watching.stop()

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield interrupted
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Teller:
    """Prints events, a line each, from whichever thread they come."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._turn = threading.Lock()
        self.told = 0

    def tell(self, event: WatchEvent) -> None:
        """Print an event, unless it is of those that are for machines only."""
        line = _as_json(event) if self._settings.as_json else _as_text(event, self._settings)
        with self._turn:
            self.told += 1
            if line:
                sys.stdout.write(line + "\n")
                sys.stdout.flush()


def _as_json(event: WatchEvent) -> str:
    facts = {
        "event": event.kind.value,
        "cursor": event.cursor,
        "subject": event.subject,
        "cards": event.cards,
        "reason": event.reason,
        "retry_seconds": round(event.retry_seconds, 1),
    }
    return json.dumps({name: value for name, value in facts.items() if value != ""})


def _as_text(event: WatchEvent, settings: Settings) -> str:
    text = _TEXTS.get(event.kind)
    if text is None:
        return ""
    return text.say(
        settings.language,
        subject=event.subject,
        cards=event.cards,
        reason=event.reason,
        seconds=f"{event.retry_seconds:.0f}",
    )
