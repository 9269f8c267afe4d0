"""Change notices in the database: sealed, and numbered from 1 without a gap as acts committed."""

from __future__ import annotations

from typing import cast

import cbor2

from juki_center.areas.residents.changes import ChangeNotice, Item
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.areas.residents.records import ChangeReason, PersonID
from juki_center.storage.keyring import KeyRing
from juki_center.storage.record_codec import decode_date, encode_date
from juki_center.storage.sql import (
    SQL,
    Row,
    as_number,
    as_octets,
    as_text,
    from_micros,
    to_micros,
)

_VERSION = 1
_SELECT = "SELECT position, at, municipality, person, key_version, sealed FROM changes"


class ChangesTable:
    """Change notices, for one transaction."""

    def __init__(self, sql: SQL, keys: KeyRing) -> None:
        self._sql = sql
        self._keys = keys

    def append(self, notice: ChangeNotice) -> None:
        """Append a notice. Raises Refusal(RESIDENCE_DISCONNECTED)."""
        position = self.last_position() + 1
        data_key = self._keys.data_key(notice.municipality)
        owner = change_owner(position, notice.person.octets)
        self._sql.execute(
            "INSERT INTO changes (position, at, municipality, person, key_version, sealed)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (
                position,
                to_micros(notice.recorded_at),
                str(notice.municipality),
                notice.person.octets,
                data_key.version,
                data_key.key.seal(_encode(notice), owner),
            ),
        )

    def last_position(self) -> int:
        """Return the newest notice's position; 0 for none."""
        row = self._sql.execute("SELECT coalesce(max(position), 0) FROM changes").fetchone()
        return as_number(row[0]) if row else 0

    def after(self, position: int, limit: int) -> list[tuple[int, ChangeNotice]]:
        """Open the notices after a position, with theirs, oldest first, at most `limit`.

        Raises Refusal(RESIDENCE_DISCONNECTED).
        """
        rows = self._sql.execute(
            f"{_SELECT} WHERE position > ? ORDER BY position LIMIT ?", (position, limit)
        ).fetchall()
        return [(as_number(row[0]), self._notice(row)) for row in rows]

    def at(self, position: int) -> ChangeNotice:
        """Open the notice at a position. Raises Refusal(RESIDENCE_DISCONNECTED)."""
        row = self._sql.execute(f"{_SELECT} WHERE position = ?", (position,)).fetchone()
        if row is None:
            raise LookupError(f"there is no change notice at {position}")
        return self._notice(row)

    def _notice(self, row: Row) -> ChangeNotice:
        municipality, person = MunicipalityCode(as_text(row[2])), PersonID(as_octets(row[3]))
        data_key = self._keys.data_key(municipality, as_number(row[4]))
        owner = change_owner(as_number(row[0]), person.octets)
        sealed = data_key.key.open(as_octets(row[5]), owner)
        _, version, reason, day, items = cast("list[object]", cbor2.loads(sealed))
        return ChangeNotice(
            person=person,
            municipality=municipality,
            version=cast("int", version),
            recorded_at=from_micros(as_number(row[1])),
            reason=ChangeReason(str(reason)),
            date=decode_date(cast("list[object]", day)),
            items=tuple(Item(str(item)) for item in cast("list[object]", items)),
        )


def change_owner(position: int, person: bytes) -> str:
    """Return what a notice is sealed to: it cannot be moved to another place or person."""
    return f"change:{position}:{person.hex()}"


def _encode(notice: ChangeNotice) -> bytes:
    items = [str(item) for item in notice.items]
    day = encode_date(notice.date)
    return cbor2.dumps([_VERSION, notice.version, str(notice.reason), day, items])
