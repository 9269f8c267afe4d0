"""Records as tables on a screen; every text comes out whole, on one line of its own.

A fixed width would cut or fold names, and between an ideograph and its variation selector at that;
so tables are as wide as what they hold.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from juki_terminal.cli.residents_texts import Text
from juki_terminal.cli.tables import table
from juki_terminal.register_words import STATES, Label, entry_text, lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from juki_client.outcome import Language
    from jukinet.residents.v1 import residence_record_pb2 as pb

_MEMBER: Final = ("relationship_to_householder", "name", "name_kana", "date_of_birth", "sex")
_MEMBER_LABELS: Final = (
    Label.RELATIONSHIP,
    Label.NAME,
    Label.KANA,
    Label.BIRTH,
    Label.SEX,
    Label.STATE,
    Label.CODE,
    Label.VERSION,
)


def record_table(record: pb.ResidenceRecord, language: Language, title: str = "") -> str:
    """Return a record, one item a line."""
    rows = [(line.label.say(language), line.text) for line in lines(record)]
    return table((), rows, title)


def history_tables(versions: Iterable[pb.ResidenceRecord], language: Language) -> list[str]:
    """Return earlier versions, each under its number."""
    return [
        record_table(one, language, Text.EARLIER_VERSION.say(language, version=one.version))
        for one in versions
    ]


def household_table(records: Sequence[pb.ResidenceRecord], language: Language) -> str:
    """Return the members of a household, one a line, in the order that the center gave."""
    if not records:
        return Text.NO_MEMBERS.say(language)
    head = [label.say(language) for label in _MEMBER_LABELS]
    rows = [
        (
            *(entry_text(record.entries, name) for name in _MEMBER),
            STATES.get(record.state, ""),
            record.code,
            str(record.version),
        )
        for record in records
    ]
    return table(head, rows)
