"""Applications as tables on a screen; nothing about a person is in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from juki_client.outcome import Language
from juki_terminal.cli.applications_texts import (
    APPLICATION_KINDS,
    END_REASONS_TOLD,
    STATES,
    STYLES,
    Label,
    Text,
    words_in,
)
from juki_terminal.cli.card_life_texts import grouped
from juki_terminal.cli.tables import table
from juki_terminal.register_words import moment_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jukinet.cards.v1 import card_application_pb2 as pb


def application_table(application: pb.Application, language: Language) -> str:
    """Return an application, one item a line; what is empty is left out."""
    cells = zip(Label, _cells(application, language), strict=True)
    return table((), [(label.say(language), cell) for label, cell in cells if cell])


def applications_table(applications: Sequence[pb.Application], language: Language) -> str:
    """Return applications, one a line, in the order that the center gave."""
    if not applications:
        return Text.NONE_LISTED.say(language)
    head = [label.say(language) for label in Label]
    return table(head, [_cells(one, language) for one in applications])


def _cells(one: pb.Application, language: Language) -> tuple[str, ...]:
    """Return what stands under each label; a reason that is newer than this program as it came."""
    place = 0 if language is Language.JAPANESE else 1
    return (
        one.number,
        words_in(language, STATES).get(one.state, ""),
        words_in(language, APPLICATION_KINDS).get(one.kind, ""),
        words_in(language, STYLES).get(one.style, ""),
        moment_text(one.submit_time) if one.HasField("submit_time") else "",
        one.reply_until,
        END_REASONS_TOLD.get(one.end_reason, (one.end_reason,) * 2)[place],
        grouped(one.card_number),
    )
