"""What people enter at a card session, and what they are told while it runs.

Each source asks at the terminal device, or reads a file where a test or a script names one.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from juki_client.outcome import Problem
from juki_client.report import say
from juki_terminal import hotlist_guard
from juki_terminal.can import CanSource, FileCan, PromptCan
from juki_terminal.cli.card import FULL_COUNTER
from juki_terminal.cli.texts import Text
from juki_terminal.hotlist_guard import HotlistGuard
from juki_terminal.new_pin import FileNewPin, NewPinSource, PromptNewPin
from juki_terminal.pin import FilePin, PinSource, PromptPin
from juki_terminal.session import Stage, Surroundings

if TYPE_CHECKING:
    from collections.abc import Collection

    from juki_client.outcome import Language
    from juki_terminal.cli.settings import Settings
    from juki_terminal.config import TerminalConfig

_STAGES: Final = {
    Stage.CARD_AWAITED: Text.CARD_AWAITED,
    Stage.CARD_IN: Text.CARD_IN,
    Stage.PIN_WRONG: Text.PIN_WRONG,
    Stage.PIN_LOCKED: Text.PIN_LOCKED,
    Stage.PIN_RIGHT: Text.PIN_RIGHT,
    Stage.CAN_WRONG: Text.CAN_WRONG,
    Stage.CAN_RIGHT: Text.CAN_RIGHT,
    Stage.CARD_CHECKED: Text.CARD_CHECKED,
}


def surroundings(settings: Settings, config: TerminalConfig) -> Surroundings:
    """Return the configured patience, and tell each stage in the terminal's language."""
    return Surroundings(
        card_wait_seconds=config.card_wait_seconds,
        pin_timeout_seconds=config.pin_timeout_seconds,
        progress=lambda stage: say(_STAGES[stage].say(settings.language)),
        guard=_guard(settings, config),
    )


def _guard(settings: Settings, config: TerminalConfig) -> HotlistGuard | None:
    """Return the guard of a terminal that has a hotlist; raise Problem HOTLIST_NOT_TRUSTED."""
    if config.hotlist is None:
        return None
    return HotlistGuard(
        hotlist_guard.load(config),
        config.hotlist_required,
        lambda: datetime.now(UTC),
        lambda: say(Text.HOTLIST_NOT_USED.say(settings.language)),
    )


def pin_source(language: Language, pin_from: str | None) -> PinSource:
    """Return where the holder's PIN comes from; raise Problem USAGE_INVALID."""
    if pin_from is not None:
        return FilePin.read(pin_from)

    def prompt(tries_left: int | None, malformed: bool) -> str:  # the source's call
        text = Text.ASK_PIN_FORM if malformed else Text.ASK_PIN
        return text.say(language, tries=FULL_COUNTER if tries_left is None else tries_left)

    return PromptPin(prompt)


def can_source(language: Language, can_from: str | None) -> CanSource:
    """Return where the number from the card's face comes from; raise Problem USAGE_INVALID."""
    if can_from is not None:
        return FileCan.read(can_from)

    def prompt(malformed: bool) -> str:  # the source's call
        return (Text.ASK_CAN_FORM if malformed else Text.ASK_CAN).say(language)

    return PromptCan(prompt)


def new_pin_source(
    language: Language, new_pin_from: str | None, forbidden: Collection[str] = ()
) -> NewPinSource:
    """Return where a new PIN comes from; raise Problem USAGE_INVALID.

    `forbidden` are the PINs that the center names for this holder.
    """
    if new_pin_from is not None:
        return FileNewPin.read(new_pin_from, forbidden)

    def prompt(is_second: bool, problem: Problem | None) -> str:  # the source's call
        asked = (Text.ASK_NEW_PIN_AGAIN if is_second else Text.ASK_NEW_PIN).say(language)
        return f"{problem.text(language)}\n{asked}" if problem is not None else asked

    return PromptNewPin(prompt, forbidden)


def refuse_both_from_stdin(**options: str | None) -> None:
    """Raise Problem USAGE_INVALID where more than one option reads standard input."""
    named = [name for name, value in options.items() if value == "-"]
    if len(named) > 1:
        facts = {"field": named[0].replace("_", "-"), "rule": "one from standard input"}
        raise Problem("USAGE_INVALID", facts)
