"""`card change-pin`: the holder replaces the PIN at the card. `card check`: is it genuine?"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from juki_client.outcome import JSON, Problem
from juki_client.report import Report, say
from juki_terminal.cli import entries
from juki_terminal.cli.texts import Text
from juki_terminal.lock_report import report_lock
from juki_terminal.pin_setting import Patient, change_pin
from juki_terminal.session import authenticate
from jukinet.options.v1 import options_pb2

if TYPE_CHECKING:
    from juki_terminal.cli.settings import Settings
    from juki_terminal.config import TerminalConfig


def change(settings: Settings, pin_from: str | None, new_pin_from: str | None) -> Report:
    """Change the PIN with the old one; no message about it leaves the terminal.

    Only a lock is told to the center, if it can be reached.
    """
    entries.refuse_both_from_stdin(pin_from=pin_from, new_pin_from=new_pin_from)
    config = settings.config()
    old = entries.pin_source(settings.language, pin_from)
    new = entries.new_pin_source(settings.language, new_pin_from)
    patient = Patient(
        config.card_wait_seconds,
        config.pin_timeout_seconds,
        pin_was_wrong=lambda _: say(Text.PIN_WRONG.say(settings.language)),
    )
    reader = settings.reader()
    say(Text.CARD_AWAITED.say(settings.language))
    try:
        change_pin(reader, old, new, patient)
    except Problem as problem:
        if problem.reason == "PIN_LOCKED":
            say(Text.PIN_LOCKED.say(settings.language))
            _report_lock(settings, config)
        raise
    result: dict[str, JSON] = {"reader": reader.name, "changed": True}
    return Report(result, Text.PIN_CHANGED.say(settings.language))


def check(settings: Settings, can_from: str | None) -> Report:
    """Let card and center authenticate each other, by the number from the card's face."""
    config = settings.config()
    source = entries.can_source(settings.language, can_from)
    with settings.center(config) as center:
        authenticate(
            center,
            settings.reader(),
            source,
            purpose=options_pb2.PURPOSE_CARD_CHECK,
            surroundings=entries.surroundings(settings, config),
        )
    return Report({"genuine": True}, Text.CARD_GENUINE.say(settings.language))


def _report_lock(settings: Settings, config: TerminalConfig) -> None:
    """Report the lock; a channel that cannot be opened must not hide it from the clerk."""
    with suppress(Problem), settings.center(config) as center:
        report_lock(center)
