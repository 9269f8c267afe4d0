"""Cards as tables on a screen; nothing about a person is in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from juki_client.card_words import state_word
from juki_terminal.cli.card_life_texts import Label, Text, grouped
from juki_terminal.cli.tables import table
from juki_terminal.register_words import moment_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from juki_client.outcome import Language
    from jukinet.cards.v1 import card_pb2


def card_table(card: card_pb2.Card, language: Language) -> str:
    """Return a card, one item a line; what is empty is left out."""
    cells = zip(Label, _cells(card, language), strict=True)
    return table((), [(label.say(language), cell) for label, cell in cells if cell])


def cards_table(cards: Sequence[card_pb2.Card], language: Language) -> str:
    """Return cards, one a line, in the order that the center gave."""
    if not cards:
        return Text.NO_CARDS.say(language)
    head = [label.say(language) for label in Label]
    return table(head, [_cells(card, language) for card in cards])


def _cells(card: card_pb2.Card, language: Language) -> tuple[str, ...]:
    """Return what stands under each label."""
    return (
        grouped(card.number),
        state_word(card.state, language),
        card.made_on,
        card.valid_until,
        (Text.PIN_PENDING if card.pin_pending else Text.PIN_SET).say(language),
        moment_text(card.return_time) if card.HasField("return_time") else "",
        card.continue_until,
    )
