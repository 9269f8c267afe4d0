"""Notes to cards in the database, sealed under the center's own key."""

from __future__ import annotations

from datetime import datetime
from typing import cast

import cbor2

from juki_center.areas.cards.holdings import Holding
from juki_center.areas.cards.note_rows import CardNote, NoteKind
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.storage.holdings import holding
from juki_center.storage.keyring import KeyRing
from juki_center.storage.sql import (
    SQL,
    Row,
    as_number,
    as_octets,
    as_text,
    from_micros,
    to_micros,
)


class CardNotesTable:
    """Notes, for one transaction."""

    def __init__(self, sql: SQL, keys: KeyRing) -> None:
        self._sql = sql
        self._keys = keys

    def add(self, note: CardNote) -> None:
        """Enter a note."""
        key = self._keys.center_key()
        owner = card_note_owner(note.card_serial, to_micros(note.at))
        facts = cbor2.dumps(note.facts, canonical=True)
        self._sql.execute(
            "INSERT INTO card_notes (card_serial, at, kind, municipality, caller_uri, key_version,"
            " sealed) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                note.card_serial,
                to_micros(note.at),
                note.kind,
                str(note.municipality),
                note.caller_uri,
                key.version,
                key.key.seal(facts, owner),
            ),
        )

    def of_card(self, card_serial: bytes) -> list[CardNote]:
        """Return a card's notes, oldest first."""
        rows = self._sql.execute(
            "SELECT card_serial, at, kind, municipality, caller_uri, key_version, sealed"
            " FROM card_notes WHERE card_serial = ? ORDER BY cursor",
            (card_serial,),
        ).fetchall()
        return [self._note(row) for row in rows]

    def forget(self, *, before: datetime, limit: int) -> int:
        """Delete notes of before a time; return how many."""
        return self._sql.execute(
            "DELETE FROM card_notes WHERE cursor IN ("
            " SELECT cursor FROM card_notes WHERE at < ? ORDER BY at LIMIT ?)",
            (to_micros(before), limit),
        ).rowcount

    def held(self, *, before: datetime) -> Holding:
        """Count the notes, and those of before a time."""
        row = self._sql.execute(
            "SELECT count(*), min(at), count(*) FILTER (WHERE at < ?) FROM card_notes",
            (to_micros(before),),
        ).fetchone()
        return holding(row)

    def _note(self, row: Row) -> CardNote:
        serial, at = as_octets(row[0]), as_number(row[1])
        key = self._keys.center_key(as_number(row[5])).key
        facts = cbor2.loads(key.open(as_octets(row[6]), card_note_owner(serial, at)))
        return CardNote(
            card_serial=serial,
            at=from_micros(at),
            kind=NoteKind(as_text(row[2])),
            municipality=MunicipalityCode(as_text(row[3])),
            caller_uri=as_text(row[4]),
            facts=cast("dict[str, object]", facts),
        )


def card_note_owner(card_serial: bytes, at: int) -> str:
    """Return what binds a sealed note to its card and time, in microseconds."""
    return f"card-note/{card_serial.hex()}/{at}"
