"""Moves, their persons and their alerts as tables on a screen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from juki_terminal.cli.moves_texts import Text
from juki_terminal.cli.moves_words import ALERTS, KINDS, STATES, AlertLabel, Label, words_in
from juki_terminal.cli.tables import table
from juki_terminal.municipality_names import name_of
from juki_terminal.register_words import ENTRIES, entry_text, moment_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from juki_client.outcome import Language
    from jukinet.moves.v1 import move_pb2 as pb

ENTRIES_SHOWN: Final = {
    name: ENTRIES[name]
    for name in (
        "name",
        "name_kana",
        "date_of_birth",
        "sex",
        "relationship_to_householder",
        "address",
    )
}
_LISTED: Final = (
    Label.NUMBER,
    Label.KIND,
    Label.STATE,
    Label.ORIGIN,
    Label.PLANNED_DESTINATION,
    Label.DESTINATION,
    Label.NOTICE_DATE,
    Label.PLANNED_DATE,
    Label.LAST_DAY,
    Label.MOVED_DATE,
    Label.MEMBERS,
)


def move_table(move: pb.Move, language: Language) -> str:
    """Return a move, one item a line; what is empty is left out."""
    cells = _cells(move, language)
    return table((), [(label.say(language), cells[label]) for label in Label if cells[label]])


def moves_table(moves: Sequence[pb.Move], language: Language) -> str:
    """Return moves, one a line, in the order that the center gave."""
    if not moves:
        return Text.NO_MOVES.say(language)
    head = [label.say(language) for label in _LISTED]
    rows = [_cells(move, language) for move in moves]
    return table(head, [[cells[label] for label in _LISTED] for cells in rows])


def persons_table(persons: Sequence[pb.MovingPerson], language: Language) -> str:
    """Return the persons of a notice under the numbers by which a clerk ticks them."""
    head = ("", *(label.say(language) for label in ENTRIES_SHOWN.values()))
    rows = [
        (str(place), *(entry_text(one.entries, name) for name in ENTRIES_SHOWN))
        for place, one in enumerate(persons, start=1)
    ]
    return table(head, rows)


def alerts_table(alerts: Sequence[pb.MoveAlert], language: Language) -> str:
    """Return alerts, one a line, in the order that the center gave."""
    if not alerts:
        return Text.NO_ALERTS.say(language)
    kinds = words_in(language, ALERTS)
    rows = [
        (
            one.alert_id,
            one.move_number,
            kinds.get(one.kind, ""),
            moment_text(one.time),
            moment_text(one.acknowledge_time) if one.HasField("acknowledge_time") else "",
        )
        for one in alerts
    ]
    return table([label.say(language) for label in AlertLabel], rows)


def _cells(move: pb.Move, language: Language) -> dict[Label, str]:
    planned = move.planned_destination_code
    return {
        Label.NUMBER: move.number,
        Label.KIND: words_in(language, KINDS).get(move.kind, ""),
        Label.STATE: words_in(language, STATES).get(move.state, ""),
        Label.ORIGIN: name_of(move.origin_code),
        Label.PLANNED_DESTINATION: name_of(planned) if planned else Text.ABROAD.say(language),
        Label.DESTINATION: name_of(move.destination_code) if move.destination_code else "",
        Label.NOTICE_DATE: move.notice_date,
        Label.PLANNED_DATE: move.planned_date,
        Label.LAST_DAY: move.last_day,
        Label.MOVED_DATE: move.moved_date,
        Label.MEMBERS: f"{move.moved_count}/{move.member_count}",
        Label.VERSION: str(move.notice_version),
        Label.CERTIFICATES: str(move.certificate_count) if move.certificate_count else "",
        Label.LATE: Text.YES.say(language) if move.registered_late else "",
        Label.ENDED: moment_text(move.end_time) if move.HasField("end_time") else "",
    }
