"""Applications as tables on a screen; nothing about a person is in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from juki_terminal.cli.applications_texts import (
    APPLICATION_KINDS,
    STATES,
    STYLES,
    Label,
    Text,
    words_in,
)
from juki_terminal.cli.tables import table
from juki_terminal.register_words import moment_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from juki_client.outcome import Language
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
    """Return what stands under each label."""
    return (
        one.number,
        words_in(language, STATES).get(one.state, ""),
        words_in(language, APPLICATION_KINDS).get(one.kind, ""),
        words_in(language, STYLES).get(one.style, ""),
        moment_text(one.submit_time) if one.HasField("submit_time") else "",
        one.reply_until,
        one.end_reason,
        one.card_number,
    )
