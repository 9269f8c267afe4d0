"""What must hold between the books and the moves of a store, as an auditor reads the file.

Nothing of the center is used here: plain columns, by SQL.
"""

from __future__ import annotations

from pathlib import Path

from juki_center.storage.sql import SQL
from tests.support.rows import Peekable, peeking, tables

_OPEN = "('NOTIFIED', 'ORDINARY', 'TRANSFERRED', 'LAPSED')"
_VERSIONS = (
    "(SELECT person, version, municipality FROM record_history"
    " UNION ALL SELECT person, version, municipality FROM records)"
)
_RULES = {
    "a person is in the directory and not in one book": (
        "SELECT d.person FROM directory d LEFT JOIN records r ON r.person = d.person"
        " WHERE r.person IS NULL OR r.version <> d.version OR r.municipality <> d.municipality"
    ),
    "a person is in a book and not in the directory": (
        "SELECT person FROM records WHERE person NOT IN (SELECT person FROM directory)"
    ),
    "a history has a gap, or a version twice": (
        "SELECT d.person FROM directory d WHERE d.version <>"
        f" (SELECT COUNT(DISTINCT v.version) FROM {_VERSIONS} v WHERE v.person = d.person)"
        f" OR d.version <> (SELECT COUNT(*) FROM {_VERSIONS} v WHERE v.person = d.person)"
    ),
    "a person changed books without having left the first one": (
        "SELECT n.person, n.version FROM"
        f" {_VERSIONS} n JOIN record_history h ON h.person = n.person"
        " AND h.version = n.version - 1 WHERE h.municipality <> n.municipality"
        " AND (h.state NOT IN ('MOVED_OUT', 'DELETED') OR h.ended_stay <> 1)"
    ),
    "a person is to move twice": (
        "SELECT person FROM move_members WHERE is_open = 1 GROUP BY person HAVING COUNT(*) > 1"
    ),
    "a member is open and the move is not, or the other way round": (
        "SELECT b.number FROM move_members b JOIN moves m ON m.number = b.number"
        f" WHERE b.is_open <> CASE WHEN b.state = 'MOVING' AND m.state IN {_OPEN} THEN 1 ELSE 0 END"
    ),
    "a move has ended without a time, or has a time and goes on": (
        f"SELECT number FROM moves WHERE (ended_at IS NULL) <> (state IN {_OPEN})"
    ),
    "somebody who is to move does not live at the origin": (
        "SELECT b.number FROM move_members b JOIN moves m ON m.number = b.number"
        " JOIN directory d ON d.person = b.person WHERE b.is_open = 1"
        " AND d.municipality <> m.origin"
    ),
    "somebody has moved and the books do not say so": (
        "SELECT b.number FROM move_members b JOIN moves m ON m.number = b.number"
        " WHERE b.state = 'MOVED' AND m.state = 'COMPLETED' AND m.arrived_in IN"
        " (SELECT code FROM municipalities) AND NOT ("
        f" EXISTS (SELECT 1 FROM {_VERSIONS} v WHERE v.person = b.person"
        " AND v.version = b.arrived_version AND v.municipality = m.arrived_in)"
        " AND EXISTS (SELECT 1 FROM record_history h WHERE h.person = b.person"
        " AND h.version = b.left_version AND h.municipality = m.origin AND h.state = 'MOVED_OUT'))"
    ),
    "a move is completed and somebody is still to move": (
        "SELECT b.number FROM move_members b JOIN moves m ON m.number = b.number"
        " WHERE b.state = 'MOVING' AND m.state NOT IN ('NOTIFIED', 'ORDINARY', 'TRANSFERRED',"
        " 'LAPSED', 'CANCELLED')"
    ),
    "a move was taken back and somebody is not at the origin again": (
        "SELECT b.number FROM move_members b JOIN moves m ON m.number = b.number"
        " JOIN directory d ON d.person = b.person WHERE m.state = 'CANCELLED_AFTER'"
        " AND b.arrived_version > 0 AND d.municipality <> m.origin AND NOT EXISTS"
        " (SELECT 1 FROM moves later JOIN move_members l ON l.number = later.number"
        " WHERE l.person = b.person AND later.cursor > m.cursor)"
    ),
    "a claim stands on a move that nobody holds": (
        "SELECT number FROM moves WHERE state = 'NOTIFIED' AND transfer_id IS NOT NULL"
    ),
    "a move is claimed by nobody": (
        "SELECT number FROM moves WHERE state = 'TRANSFERRED' AND transfer_id IS NULL"
    ),
    "a destination has papers of a move that has not arrived there": (
        "SELECT a.number FROM move_arrivals a JOIN moves m ON m.number = a.number"
        " WHERE m.arrived_in IS NULL OR m.arrived_in <> a.municipality"
    ),
}


def disagreements(store: Peekable) -> list[str]:
    """Return every rule that a store breaks, with what breaks it."""
    with peeking(store) as sql:
        return broken_rules(sql)


def broken_rules(sql: SQL) -> list[str]:
    """Return every rule that an open store breaks, with what breaks it."""
    return [
        f"{rule}: {row}"
        for rule, question in _RULES.items()
        for row in sql.execute(question).fetchall()
    ]


def content(store: Path) -> dict[str, list[tuple[object, ...]]]:
    """Return everything that a store holds, table by table."""
    with peeking(store) as sql:
        return {
            name: sorted(sql.execute(f'SELECT * FROM "{name}"').fetchall(), key=repr)  # our tables
            for name in tables(sql)
        }
