"""Cards and finished card sessions in the database. Global: under no municipality's key."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Final

from juki_center.areas.cards.batches import Origin
from juki_center.areas.cards.numbers import CardNumber
from juki_center.areas.cards.register import (
    Card,
    CardKind,
    CardSession,
    CardStatus,
    CardStyle,
    Purpose,
)
from juki_center.areas.fleet.control import Control, ControlKind
from juki_center.areas.fleet.hotlist import CardState, state_of
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.areas.residents.records import PersonID
from juki_center.storage.card_batches import CutOffCards
from juki_center.storage.sql import SQL, Row, as_number, as_octets, as_text, from_micros, to_micros

CARD_COLUMNS: Final = (
    "serial", "person", "kind", "status", "municipality", "valid_until", "number", "made_on",
    "style", "pin_pending", "returned_at", "continue_until",
)  # fmt: skip
"""What `card_of` reads, in its order."""
_SELECT: Final = f"SELECT {', '.join(CARD_COLUMNS)} FROM cards"  # noqa: S608  # constants


class CardsTable:
    """Cards and their sessions, for one transaction."""

    def __init__(self, sql: SQL, control: Control) -> None:
        self._sql = sql
        self._control = control
        self._cut_off = CutOffCards(sql)

    def card(self, serial: bytes) -> Card | None:
        """Return the card with this serial."""
        row = self._sql.execute(f"{_SELECT} WHERE serial = ?", (serial,)).fetchone()
        return None if row is None else self._cut_off.marked(card_of(row))

    def of_person(self, person: PersonID) -> list[Card]:
        """Return all cards that a person has or had, newest first."""
        rows = self._sql.execute(
            f"{_SELECT} WHERE person = ? ORDER BY rowid DESC", (person.octets,)
        ).fetchall()
        return [self._cut_off.marked(card_of(row)) for row in rows]

    def by_number(self, number: CardNumber) -> Card | None:
        """Return the card with this number on its face."""
        row = self._sql.execute(f"{_SELECT} WHERE number = ?", (number,)).fetchone()
        return None if row is None else self._cut_off.marked(card_of(row))

    def add_card(self, card: Card) -> None:
        """Enter a card; its serial is new."""
        self._sql.execute(
            "INSERT INTO cards (serial, person, kind, status, municipality, valid_until, number,"
            " made_on, style, pin_pending, returned_at, continue_until)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                card.serial,
                card.person.octets,
                card.kind,
                card.status,
                str(card.municipality),
                card.valid_until.isoformat(),
                card.number,
                card.made_on.isoformat(),
                card.style,
                int(card.pin_pending),
                None if card.returned_at is None else to_micros(card.returned_at),
                None if card.continue_until is None else card.continue_until.isoformat(),
            ),
        )
        self._tell(card.serial, None, card.status)

    def set_status(self, serial: bytes, status: CardStatus) -> None:
        """Write a card's state."""
        row = self._sql.execute("SELECT status FROM cards WHERE serial = ?", (serial,)).fetchone()
        self._sql.execute("UPDATE cards SET status = ? WHERE serial = ?", (status, serial))
        if row is not None:
            self._tell(serial, CardStatus(as_text(row[0])), status)

    def stopped(self, day: date) -> list[tuple[bytes, CardStatus]]:
        """Return the serials of cards that no terminal may take, unless they have expired."""
        rows = self._sql.execute(
            "SELECT serial, status FROM cards WHERE status IN ('HELD', 'SUSPENDED', 'REVOKED')"
            " AND returned_at IS NULL AND valid_until >= ?",
            (day.isoformat(),),
        ).fetchall()
        return [(as_octets(row[0]), CardStatus(as_text(row[1]))) for row in rows]

    def in_cut_off_batches(self, day: date) -> list[bytes]:
        """Return the serials of cards in use or in the making whose batch is cut off."""
        return self._cut_off.serials(day)

    def origin(self, card: Card) -> Origin:
        """Return where a card comes from."""
        return self._cut_off.origin(card)

    def _tell(self, serial: bytes, before: CardStatus | None, after: CardStatus) -> None:
        """Let terminals know where a card comes onto the hotlist or leaves it.

        All paths to a card's state end here, so that none can forget it. The time is the store's
        own: it says how long the event is kept, and decides nothing.
        """
        state = state_of(after)
        if state is not (CardState.FREE if before is None else state_of(before)):
            self._control.append(
                ControlKind.CARD_CHANGED, serial.hex(), datetime.now(UTC), bytes([state])
            )

    def set_pin_pending(self, serial: bytes, *, pending: bool) -> None:
        """Write whether a card still has to prove its PIN."""
        self._sql.execute(
            "UPDATE cards SET pin_pending = ? WHERE serial = ?", (int(pending), serial)
        )

    def set_returned(self, serial: bytes, returned_at: datetime) -> None:
        """Write when a card was handed in."""
        self._sql.execute(
            "UPDATE cards SET returned_at = ? WHERE serial = ?", (to_micros(returned_at), serial)
        )

    def set_continuation(
        self, serial: bytes, municipality: MunicipalityCode, until: date | None
    ) -> None:
        """Write whose card it is, and until when its use may be continued; None: it is in use."""
        self._sql.execute(
            "UPDATE cards SET municipality = ?, continue_until = ? WHERE serial = ?",
            (str(municipality), None if until is None else until.isoformat(), serial),
        )

    def not_continued(self, day: date, limit: int) -> list[Card]:
        """Return cards that have not ended and whose use could be continued before `day` only."""
        rows = self._sql.execute(
            f"{_SELECT} WHERE continue_until < ? AND status IN ('ACTIVE', 'SUSPENDED')"
            " ORDER BY continue_until, rowid LIMIT ?",
            (day.isoformat(), limit),
        ).fetchall()
        return [self._cut_off.marked(card_of(row)) for row in rows]

    def session(self, session_id: bytes) -> CardSession | None:
        """Return a finished session."""
        row = self._sql.execute(
            "SELECT session_id, terminal_uri, purpose, person, card_serial, transcript_hash,"
            " usable_until, is_used FROM card_sessions WHERE session_id = ?",
            (session_id,),
        ).fetchone()
        if row is None:
            return None
        return CardSession(
            session_id=as_octets(row[0]),
            terminal_uri=as_text(row[1]),
            purpose=Purpose(as_text(row[2])),
            person=PersonID(as_octets(row[3])),
            card_serial=as_octets(row[4]),
            transcript_hash=as_octets(row[5]),
            usable_until=from_micros(as_number(row[6])),
            is_used=bool(as_number(row[7])),
        )

    def add_session(self, session: CardSession) -> None:
        """Enter a finished session; its id is new."""
        self._sql.execute(
            "INSERT INTO card_sessions (session_id, terminal_uri, purpose, person, card_serial,"
            " transcript_hash, usable_until, is_used) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                session.session_id,
                session.terminal_uri,
                session.purpose,
                session.person.octets,
                session.card_serial,
                session.transcript_hash,
                to_micros(session.usable_until),
                int(session.is_used),
            ),
        )

    def mark_used(self, session_id: bytes) -> None:
        """Consume a session."""
        self._sql.execute(
            "UPDATE card_sessions SET is_used = 1 WHERE session_id = ?", (session_id,)
        )

    def use_up_sessions(self, card_serial: bytes, purposes: frozenset[Purpose]) -> None:
        """Consume all sessions that a card has finished for one of the purposes."""
        marks = ", ".join("?" * len(purposes))
        self._sql.execute(
            "UPDATE card_sessions SET is_used = 1"  # noqa: S608  # question marks
            f" WHERE card_serial = ? AND is_used = 0 AND purpose IN ({marks})",
            (card_serial, *purposes),
        )

    def remove_sessions_before(self, moment: datetime) -> None:
        """Remove the sessions, used or not, whose time was over before `moment`."""
        self._sql.execute("DELETE FROM card_sessions WHERE usable_until < ?", (to_micros(moment),))


def card_of(row: Row) -> Card:
    """Return the card of a row with CARD_COLUMNS; whether its batch is cut off is not in it."""
    return Card(
        serial=as_octets(row[0]),
        person=PersonID(as_octets(row[1])),
        kind=CardKind(as_text(row[2])),
        status=CardStatus(as_text(row[3])),
        municipality=MunicipalityCode(as_text(row[4])),
        valid_until=date.fromisoformat(as_text(row[5])),
        number=CardNumber(as_text(row[6])),
        made_on=date.fromisoformat(as_text(row[7])),
        style=CardStyle(as_text(row[8])),
        pin_pending=bool(as_number(row[9])),
        returned_at=None if row[10] is None else from_micros(as_number(row[10])),
        continue_until=None if row[11] is None else date.fromisoformat(as_text(row[11])),
    )
