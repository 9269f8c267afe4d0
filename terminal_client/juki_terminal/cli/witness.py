"""`log witness`: the municipality's own signature under the center's log, once or for good."""

from __future__ import annotations

import json
import signal
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from juki_client import witness_key
from juki_client.log_shelf import FileShelf
from juki_client.outcome import JSON, Problem
from juki_client.report import Report, say
from juki_client.witness import Witness
from juki_client.witnessing import AGAINST_THE_LOG, HandedIn, NotReached, Witnessing
from juki_terminal.cli.texts import Text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from juki_terminal.channel import Center
    from juki_terminal.cli.settings import Settings


def cosign(settings: Settings, key: Path, *, send: bool = False) -> Report:
    """Cosign the newest head; raises Problem as `Witness.cosign` and `witness_key.load` do."""
    secret, facts = witness_key.load(key), dict[str, JSON]()
    with settings.center(settings.config()) as center, _alerting(settings, key):
        cosigned = _witness(center, key).cosign(center.prover)
        if send:
            _, facts["cosigned_tree_size"] = center.prover.hand_in(cosigned.note)
    note = cosigned.note.decode()
    facts |= {"tree_size": cosigned.head.size, "witness": secret.name, "checkpoint": note}
    return Report(facts, note.removesuffix("\n"))


def watch(settings: Settings, key: Path, every: int) -> Report:
    """Witness until SIGTERM or Ctrl-C; raises Problem for what speaks against the log."""
    handed_in = 0
    with (
        settings.center(settings.config()) as center,
        _alerting(settings, key),
        _stopped_by_signals() as stopped,
    ):
        rounds = Witnessing(_witness(center, key), center.prover)
        for told in rounds.rounds(lambda: not stopped.wait(every)):
            handed_in += isinstance(told, HandedIn)
            _print(settings, told, every)
    return Report({"handed_in": handed_in}, Text.WATCH_ENDED.say(settings.language))


def _witness(center: Center, key: Path) -> Witness:
    return Witness(center.trust.log, witness_key.load(key), FileShelf(_state(key)))


def _state(key: Path) -> Path:
    return key.with_name(key.name + ".state")


@contextmanager
def _alerting(settings: Settings, key: Path) -> Iterator[None]:
    """Say aloud what speaks against the log, before the command ends with it."""
    try:
        yield
    except Problem as problem:
        if problem.reason in AGAINST_THE_LOG:
            say(Text.WITNESS_ALERT.say(settings.language, reason=problem.reason, file=_state(key)))
        raise


@contextmanager
def _stopped_by_signals() -> Iterator[threading.Event]:
    stopped = threading.Event()
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = {number: signal.signal(number, lambda *_: stopped.set()) for number in numbers}
    try:
        yield stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _print(settings: Settings, told: HandedIn | NotReached, every: int) -> None:
    if settings.as_json:
        facts: dict[str, JSON]
        match told:
            case HandedIn():
                facts = {
                    "event": "cosigned",
                    "tree_size": told.size,
                    "cosigned_tree_size": told.reached,
                }
            case NotReached():
                facts = {"event": "not_reached", "reason": told.reason, "retry_seconds": every}
        sys.stdout.write(json.dumps(facts) + "\n")
        sys.stdout.flush()
        return
    match told:
        case HandedIn():
            line = Text.WITNESS_COSIGNED.say(
                settings.language, size=told.size, reached=told.reached
            )
        case NotReached():
            line = Text.WITNESS_LATER.say(settings.language, reason=told.reason, seconds=every)
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
