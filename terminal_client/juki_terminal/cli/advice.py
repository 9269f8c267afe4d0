"""What a clerk is told of a card's work that ended too early, beside the text of its problem."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import typer

from juki_client.outcome import Exit, Problem
from juki_client.report import say
from juki_terminal.card_life import EARLIER_STANDS
from juki_terminal.cli.card_life_texts import Text
from juki_terminal.cli.residents_texts import Text as ChangeText

if TYPE_CHECKING:
    from collections.abc import Iterator

    from juki_client.outcome import Language

_BEFORE_THE_CARD: Final = frozenset(
    (
        "PIN_NOT_ENTERED",
        "PIN_NOT_FOUR_DIGITS",
        "PIN_TOO_OBVIOUS",
        "PIN_ENTRIES_DIFFER",
        "CARD_ACCESS_NUMBER_NOT_ENTERED",
        "CARD_ACCESS_NUMBER_WRONG",
        "CARD_TIMEOUT",
        "READER_NOT_FOUND",
    )
)
"""With these no card has seen a PIN."""
_CUT: Final = frozenset((Exit.READER_OR_CARD, Exit.UNREACHABLE))


@contextmanager
def advised(language: Language, command: str) -> Iterator[None]:
    """Say what the clerk does next, where the reason of a problem alone does not."""
    try:
        yield
    except Problem as problem:
        if problem.reason == "OUTCOME_UNKNOWN":
            say(ChangeText.RUN_AGAIN.say(language, command=command))
        elif problem.reason in EARLIER_STANDS:
            say(ChangeText.EARLIER_STANDS.say(language, command=command))
        raise


@contextmanager
def advised_of_pin(language: Language) -> Iterator[None]:
    """Say whether a try of the PIN may have been counted, and that the work goes on."""
    try:
        yield
    except (KeyboardInterrupt, typer.Abort):
        say(Text.GO_ON_LATER.say(language))
        raise
    except Problem as problem:
        if problem.reason in _BEFORE_THE_CARD:
            say(Text.NOTHING_COUNTED.say(language))
        elif problem.exit in _CUT or problem.reason == "PIN_CHANGE_INCONCLUSIVE":
            say(Text.GO_ON_LATER.say(language))
        raise
