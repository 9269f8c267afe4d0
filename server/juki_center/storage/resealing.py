"""What the data keys seal, table by table, to be sealed anew under a newer version.

Each question is answered by an index on the key's version: rows that are done drop out of it, so
that the work goes on from where it was, whatever ended it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from juki_center.storage.answers_table import answer_owner
from juki_center.storage.applications_table import papers_owner, photo_owner
from juki_center.storage.approvals_table import approval_owner
from juki_center.storage.card_notes_table import card_note_owner
from juki_center.storage.changes_table import change_owner
from juki_center.storage.clerks_table import clerk_owner
from juki_center.storage.issues_table import note_owner
from juki_center.storage.keys import SealKey
from juki_center.storage.locks_table import lock_owner
from juki_center.storage.moves_table import arrival_owner, correction_owner, move_owner
from juki_center.storage.notices_table import notice_inbox_owner
from juki_center.storage.pending_table import pending_owner
from juki_center.storage.personalisations_table import chip_owner
from juki_center.storage.queues_table import inbox_owner
from juki_center.storage.residents_table import record_owner
from juki_center.storage.sql import SQL, Row, as_number, as_octets, as_text
from juki_center.storage.stock_table import stock_owner
from juki_center.storage.unlocks_table import unlock_owner


@dataclass(frozen=True, slots=True)
class SealedTable:
    """A table with sealed rows.

    `rows` asks for those of a municipality (NULL for the center) and a version of its key: the
    sealed blob, then what `owner` needs, which begins with the row's own key. `put` writes version
    and blob to the row with that key, of `key_columns` columns.
    """

    name: str
    rows: str
    put: str
    owner: Callable[[Row], str]
    key_columns: int
    is_padded: bool = True


def _record(row: Row) -> str:
    person, version, municipality, household = row
    return record_owner(
        as_text(municipality), as_octets(person), as_octets(household), as_number(version)
    )


def _answer(row: Row) -> str:
    return answer_owner(as_text(row[0]), UUID(bytes=as_octets(row[1])))


_SEALED_OF = "WHERE municipality = ? AND key_version = ? AND sealed IS NOT NULL LIMIT ?"
_OF = "WHERE municipality = ? AND key_version = ? LIMIT ?"
_APPROVALS_PUT = "UPDATE approvals SET key_version = ?, sealed = ? WHERE approval_id = ?"
_SET = "SET key_version = ?, sealed = ? WHERE"
_ANSWERS_PUT = f"UPDATE answers {_SET} caller_uri = ? AND request_id = ?"

# Records come before their history: what is replaced meanwhile moves its sealed octets there.
OF_MUNICIPALITY: Final = (
    SealedTable(
        "records",
        f"SELECT sealed, person, version, municipality, household FROM records {_OF}",  # noqa: S608  # a constant
        f"UPDATE records {_SET} person = ? AND version = ?",  # a constant
        _record,
        2,
    ),
    SealedTable(
        "record_history",
        f"SELECT sealed, person, version, municipality, household FROM record_history {_OF}",  # noqa: S608  # a constant
        f"UPDATE record_history {_SET} person = ? AND version = ?",  # a constant
        _record,
        2,
    ),
    SealedTable(
        "code_stock",
        f"SELECT sealed, municipality, slot FROM code_stock {_OF}",  # noqa: S608  # a constant
        f"UPDATE code_stock {_SET} municipality = ? AND slot = ?",  # a constant
        lambda row: stock_owner(as_text(row[0])),
        2,
        is_padded=False,
    ),
    SealedTable(
        "edit_locks",
        f"SELECT sealed, person, lock_id FROM edit_locks {_OF}",  # noqa: S608  # a constant
        f"UPDATE edit_locks {_SET} person = ?",  # a constant
        lambda row: lock_owner(as_octets(row[0]), as_octets(row[1])),
        1,
    ),
    SealedTable(
        "changes",
        f"SELECT sealed, position, person FROM changes {_OF}",  # noqa: S608  # a constant
        f"UPDATE changes {_SET} position = ?",  # a constant
        lambda row: change_owner(as_number(row[0]), as_octets(row[1])),
        1,
    ),
    SealedTable(
        "pending_updates",
        f"SELECT sealed, token, version FROM pending_updates {_OF}",  # noqa: S608  # a constant
        f"UPDATE pending_updates {_SET} token = ? AND version = ?",  # a constant
        lambda row: pending_owner(as_octets(row[0]), as_number(row[1])),
        2,
    ),
    SealedTable(
        "update_queues",
        f"SELECT sealed, municipality FROM update_queues {_OF}",  # noqa: S608  # a constant
        f"UPDATE update_queues {_SET} municipality = ?",  # a constant
        lambda row: inbox_owner(as_text(row[0])),
        1,
        is_padded=False,
    ),
    SealedTable(
        "notice_queues",
        f"SELECT sealed, municipality FROM notice_queues {_OF}",  # noqa: S608  # a constant
        f"UPDATE notice_queues {_SET} municipality = ?",  # a constant
        lambda row: notice_inbox_owner(as_text(row[0])),
        1,
        is_padded=False,
    ),
    SealedTable(
        "answers",
        "SELECT sealed, caller_uri, request_id FROM answers"
        " WHERE municipality = ? AND key_version = ? AND sealed IS NOT NULL LIMIT ?",
        _ANSWERS_PUT,
        _answer,
        2,
    ),
    SealedTable(
        "card_applications",
        f"SELECT sealed, number FROM card_applications {_SEALED_OF}",  # noqa: S608  # a constant
        f"UPDATE card_applications {_SET} number = ?",  # a constant
        lambda row: papers_owner(as_text(row[0])),
        1,
    ),
    SealedTable(
        "card_photos",
        f"SELECT sealed, application FROM card_photos {_OF}",  # noqa: S608  # a constant
        f"UPDATE card_photos {_SET} application = ?",  # a constant
        lambda row: photo_owner(as_text(row[0])),
        1,
    ),
    SealedTable(
        "card_personalisations",
        f"SELECT sealed, id FROM card_personalisations {_SEALED_OF}",  # noqa: S608  # a constant
        f"UPDATE card_personalisations {_SET} id = ?",  # a constant
        lambda row: chip_owner(as_octets(row[0])),
        1,
    ),
    SealedTable(
        "card_unlocks",
        f"SELECT sealed, id FROM card_unlocks {_SEALED_OF}",  # noqa: S608  # a constant
        f"UPDATE card_unlocks {_SET} id = ?",  # a constant
        lambda row: unlock_owner(as_octets(row[0])),
        1,
    ),
    SealedTable(
        "moves",
        "SELECT sealed, number FROM moves WHERE origin = ? AND key_version = ? LIMIT ?",
        f"UPDATE moves {_SET} number = ?",  # a constant
        lambda row: move_owner(as_text(row[0])),
        1,
    ),
    SealedTable(
        "move_arrivals",
        f"SELECT sealed, number FROM move_arrivals {_OF}",  # noqa: S608  # a constant
        f"UPDATE move_arrivals {_SET} number = ?",  # a constant
        lambda row: arrival_owner(as_text(row[0])),
        1,
    ),
    SealedTable(
        "move_corrections",
        f"SELECT sealed, number, person FROM move_corrections {_OF}",  # noqa: S608  # a constant
        f"UPDATE move_corrections {_SET} number = ? AND person = ?",  # a constant
        lambda row: correction_owner(as_text(row[0]), as_octets(row[1])),
        2,
    ),
    SealedTable(
        "clerks",
        f"SELECT sealed, clerk_id FROM clerks {_OF}",  # noqa: S608  # a constant
        f"UPDATE clerks {_SET} clerk_id = ?",  # a constant
        lambda row: clerk_owner(as_text(row[0])),
        1,
    ),
    SealedTable(
        "approvals",
        f"SELECT sealed, approval_id FROM approvals {_SEALED_OF}",  # noqa: S608  # a constant
        _APPROVALS_PUT,
        lambda row: approval_owner(as_text(row[0])),
        1,
    ),
)
OF_CENTER: Final = (
    SealedTable(
        "answers",
        "SELECT sealed, caller_uri, request_id FROM answers"
        " WHERE municipality IS ? AND key_version = ? AND sealed IS NOT NULL LIMIT ?",
        _ANSWERS_PUT,
        _answer,
        2,
    ),
    SealedTable(
        "issues",
        "SELECT note, number FROM issues"
        " WHERE ? IS NULL AND note_key_version = ? AND note IS NOT NULL LIMIT ?",
        "UPDATE issues SET note_key_version = ?, note = ? WHERE number = ?",
        lambda row: note_owner(as_text(row[0])),
        1,
    ),
    SealedTable(
        "card_notes",
        "SELECT sealed, cursor, card_serial, at FROM card_notes"
        " WHERE ? IS NULL AND key_version = ? LIMIT ?",
        f"UPDATE card_notes {_SET} cursor = ?",  # a constant
        lambda row: card_note_owner(as_octets(row[1]), as_number(row[2])),
        1,
    ),
    SealedTable(
        "approvals",
        "SELECT sealed, approval_id FROM approvals"
        " WHERE municipality IS ? AND key_version = ? AND sealed IS NOT NULL LIMIT ?",
        _APPROVALS_PUT,
        lambda row: approval_owner(as_text(row[0])),
        1,
    ),
)


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key and the one that takes its place; `municipality` is None for the center's own."""

    municipality: str | None
    before: int
    old: SealKey
    after: int
    new: SealKey


def reseal(sql: SQL, tables: tuple[SealedTable, ...], keys: NewKey, limit: int) -> int:
    """Seal at most `limit` rows anew and return how many; 0 where the old key seals nothing."""
    for table in tables:
        rows = sql.execute(table.rows, (keys.municipality, keys.before, limit)).fetchall()
        for row in rows:
            owner = table.owner(row[1:])
            sealed = _sealed_anew(keys, as_octets(row[0]), owner, is_padded=table.is_padded)
            sql.execute(table.put, (keys.after, sealed, *row[1 : 1 + table.key_columns]))
        if rows:
            return len(rows)
    return 0


def count_sealed(
    sql: SQL, tables: tuple[SealedTable, ...], municipality: str | None, version: int
) -> int:
    """Return how many rows a version of a key seals."""
    everything = -1
    total = 0
    for table in tables:
        question = f"SELECT count(*) FROM ({table.rows})"  # noqa: S608  # our own statements
        row = sql.execute(question, (municipality, version, everything)).fetchone()
        total += as_number(row[0]) if row else 0
    return total


def _sealed_anew(keys: NewKey, sealed: bytes, owner: str, *, is_padded: bool) -> bytes:
    if is_padded:
        return keys.new.seal(keys.old.open(sealed, owner), owner)
    return keys.new.wrap(keys.old.unwrap(sealed, owner), owner)
