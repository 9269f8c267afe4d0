"""Clerks, their rights and sign-ins in the database; a name is sealed under its municipality's key.

How it stands with a sign-in is one statement over primary keys, because every act asks it.
"""

from __future__ import annotations

from datetime import date, datetime

from juki_center.areas.clerks.rows import (
    Clerk,
    ClerkState,
    Grant,
    NewClerk,
    Right,
    SignIn,
    Standing,
)
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.storage.card_batches import CutOffCards
from juki_center.storage.cards_table import CARD_COLUMNS, card_of
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

_CLERK = "clerk_id, municipality, card_serial, state"
_CARD = ", ".join(f"k.{column}" for column in CARD_COLUMNS)
_STANDING = f"""
    SELECT s.terminal_uri, s.sign_in_id, s.clerk_id, s.began_at, s.ends_at, s.used_at,
        c.clerk_id, c.municipality, c.card_serial, c.state, r.first_day, r.last_day, {_CARD}
    FROM sign_ins s
    JOIN clerks c ON c.clerk_id = s.clerk_id
    JOIN cards k ON k.serial = c.card_serial
    LEFT JOIN clerk_rights r ON r.clerk_id = c.clerk_id AND r.clerk_right = ?
    WHERE s.terminal_uri = ?
"""  # noqa: S608  # constants
_SIGN_IN_COLUMNS = 6
_CLERK_COLUMNS = 4


class ClerksTable:
    """Clerks, for one transaction."""

    def __init__(self, sql: SQL, keys: KeyRing) -> None:
        self._sql = sql
        self._keys = keys

    def clerk(self, clerk_id: str) -> Clerk | None:
        """Return the clerk with this id."""
        row = self._sql.execute(
            f"SELECT {_CLERK} FROM clerks WHERE clerk_id = ?",  # noqa: S608  # a constant
            (clerk_id,),
        ).fetchone()
        return None if row is None else _clerk(row)

    def by_card(self, card_serial: bytes) -> Clerk | None:
        """Return the clerk whose card this is."""
        row = self._sql.execute(
            f"SELECT {_CLERK} FROM clerks WHERE card_serial = ?",  # noqa: S608  # a constant
            (card_serial,),
        ).fetchone()
        return None if row is None else _clerk(row)

    def of_municipality(self, municipality: MunicipalityCode | None) -> list[Clerk]:
        """Return a municipality's clerks in the order of their ids; None: those of all."""
        rows = self._sql.execute(
            f"SELECT {_CLERK} FROM clerks WHERE ?1 IS NULL OR municipality = ?1 ORDER BY clerk_id",  # noqa: S608  # a constant
            (None if municipality is None else str(municipality),),
        ).fetchall()
        return [_clerk(row) for row in rows]

    def name(self, clerk: Clerk) -> str:
        """Open a clerk's name. Raises Refusal(RESIDENCE_DISCONNECTED)."""
        row = self._sql.execute(
            "SELECT key_version, sealed FROM clerks WHERE clerk_id = ?", (clerk.clerk_id,)
        ).fetchone()
        if row is None:
            raise LookupError("no such clerk")
        key = self._keys.data_key(clerk.municipality, as_number(row[0])).key
        return key.open(as_octets(row[1]), clerk_owner(clerk.clerk_id)).decode()

    def next_number(self, municipality: MunicipalityCode) -> int:
        """Return the number of a municipality's next clerk; the first is 1."""
        row = self._sql.execute(
            "SELECT count(*) + 1 FROM clerks WHERE municipality = ?", (str(municipality),)
        ).fetchone()
        return as_number(row[0]) if row else 1

    def add(self, new: NewClerk) -> None:
        """Enter a clerk; id and card are new. Raises Refusal(RESIDENCE_DISCONNECTED)."""
        clerk = new.clerk
        data_key = self._keys.data_key(clerk.municipality)
        self._sql.execute(
            "INSERT INTO clerks (clerk_id, municipality, card_serial, state, key_version, sealed)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (
                clerk.clerk_id,
                str(clerk.municipality),
                clerk.card_serial,
                clerk.state,
                data_key.version,
                data_key.key.seal(new.name.encode(), clerk_owner(clerk.clerk_id)),
            ),
        )

    def set_state(self, clerk_id: str, state: ClerkState) -> None:
        """Write a clerk's state."""
        self._sql.execute("UPDATE clerks SET state = ? WHERE clerk_id = ?", (state, clerk_id))

    def grants(self, clerk_id: str) -> list[Grant]:
        """Return all rights of a clerk, those that are over too."""
        rows = self._sql.execute(
            "SELECT clerk_right, first_day, last_day FROM clerk_rights WHERE clerk_id = ?"
            " ORDER BY clerk_right",
            (clerk_id,),
        ).fetchall()
        return [_grant(Right(as_text(row[0])), row[1:]) for row in rows]

    def put_grant(self, clerk_id: str, grant: Grant) -> None:
        """Give a right, or give it other days."""
        self._sql.execute(
            "INSERT OR REPLACE INTO clerk_rights (clerk_id, clerk_right, first_day, last_day)"
            " VALUES (?, ?, ?, ?)",
            (clerk_id, grant.right, grant.first_day.isoformat(), grant.last_day.isoformat()),
        )

    def remove_grant(self, clerk_id: str, right: Right) -> None:
        """Take a right away; nothing happens where the clerk has it not."""
        self._sql.execute(
            "DELETE FROM clerk_rights WHERE clerk_id = ? AND clerk_right = ?", (clerk_id, right)
        )

    def standing(self, terminal_uri: str, right: Right | None) -> Standing | None:
        """Return who is signed in at a terminal, with the grant of a right; None: nobody."""
        row = self._sql.execute(_STANDING, (right or "", terminal_uri)).fetchone()
        return None if row is None else _standing(row, right, CutOffCards(self._sql))

    def put_sign_in(self, sign_in: SignIn) -> None:
        """Enter a sign-in in place of whoever was signed in at the terminal."""
        self._sql.execute(
            "INSERT OR REPLACE INTO sign_ins (terminal_uri, sign_in_id, clerk_id, began_at,"
            " ends_at, used_at) VALUES (?, ?, ?, ?, ?, ?)",
            (
                sign_in.terminal_uri,
                sign_in.sign_in_id,
                sign_in.clerk_id,
                to_micros(sign_in.began_at),
                to_micros(sign_in.ends_at),
                to_micros(sign_in.used_at),
            ),
        )

    def touch_sign_in(self, terminal_uri: str, used_at: datetime) -> None:
        """Write when the sign-in at a terminal was last used."""
        self._sql.execute(
            "UPDATE sign_ins SET used_at = ? WHERE terminal_uri = ?",
            (to_micros(used_at), terminal_uri),
        )

    def remove_sign_in(self, terminal_uri: str) -> None:
        """Sign out whoever is signed in at a terminal."""
        self._sql.execute("DELETE FROM sign_ins WHERE terminal_uri = ?", (terminal_uri,))

    def remove_sign_ins_of(self, clerk_id: str) -> None:
        """Sign a clerk out at every terminal."""
        self._sql.execute("DELETE FROM sign_ins WHERE clerk_id = ?", (clerk_id,))

    def add_failure(self, subject: str, at: datetime) -> None:
        """Count a failed sign-in of a card or at a terminal."""
        self._sql.execute(
            "INSERT INTO sign_in_failures (subject, at) VALUES (?, ?)", (subject, to_micros(at))
        )

    def failures(self, subject: str, since: datetime) -> int:
        """Return how many sign-ins have failed since a time."""
        row = self._sql.execute(
            "SELECT count(*) FROM sign_in_failures WHERE subject = ? AND at >= ?",
            (subject, to_micros(since)),
        ).fetchone()
        return as_number(row[0]) if row else 0

    def forget_failures(self, *, subject: str = "", before: datetime | None = None) -> None:
        """Delete the failures of a subject, or all of before a time."""
        if subject:
            self._sql.execute("DELETE FROM sign_in_failures WHERE subject = ?", (subject,))
        if before is not None:
            self._sql.execute("DELETE FROM sign_in_failures WHERE at < ?", (to_micros(before),))

    def stop(self, subject: str, at: datetime) -> None:
        """Stop a terminal's sign-ins."""
        self._sql.execute(
            "INSERT OR REPLACE INTO sign_in_stops (subject, since) VALUES (?, ?)",
            (subject, to_micros(at)),
        )

    def is_stopped(self, subject: str) -> bool:
        """Return whether a terminal's sign-ins are stopped."""
        found = self._sql.execute("SELECT 1 FROM sign_in_stops WHERE subject = ?", (subject,))
        return found.fetchone() is not None

    def stopped(self) -> list[tuple[str, datetime]]:
        """Return the terminals whose sign-ins are stopped, and since when."""
        rows = self._sql.execute(
            "SELECT subject, since FROM sign_in_stops ORDER BY subject"
        ).fetchall()
        return [(as_text(row[0]), from_micros(as_number(row[1]))) for row in rows]

    def lift(self, subject: str) -> None:
        """Let sign-ins at a terminal go on."""
        self._sql.execute("DELETE FROM sign_in_stops WHERE subject = ?", (subject,))


def clerk_owner(clerk_id: str) -> str:
    """Return what a clerk's name is sealed to."""
    return f"clerk:{clerk_id}"


def _clerk(row: Row) -> Clerk:
    return Clerk(
        clerk_id=as_text(row[0]),
        municipality=MunicipalityCode(as_text(row[1])),
        card_serial=as_octets(row[2]),
        state=ClerkState(as_text(row[3])),
    )


def _grant(right: Right, days: Row) -> Grant:
    first, last = (date.fromisoformat(as_text(day)) for day in days)
    return Grant(right, first, last)


def _standing(row: Row, right: Right | None, cut_off: CutOffCards) -> Standing:
    clerk_at = _SIGN_IN_COLUMNS + _CLERK_COLUMNS
    days = row[clerk_at : clerk_at + 2]
    return Standing(
        sign_in=SignIn(
            terminal_uri=as_text(row[0]),
            sign_in_id=as_octets(row[1]),
            clerk_id=as_text(row[2]),
            began_at=from_micros(as_number(row[3])),
            ends_at=from_micros(as_number(row[4])),
            used_at=from_micros(as_number(row[5])),
        ),
        clerk=_clerk(row[_SIGN_IN_COLUMNS:clerk_at]),
        card=cut_off.marked(card_of(row[clerk_at + 2 :])),
        grant=_grant(right, days) if right is not None and days[0] is not None else None,
    )
