"""Applications for a card, their photos and the ledger of fees in the database."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final

from juki_center.areas.cards.application_rows import (
    Application,
    ApplicationKind,
    ApplicationPapers,
    ApplicationState,
    EndReason,
    Fee,
)
from juki_center.areas.cards.holdings import Holding
from juki_center.areas.cards.numbers import ApplicationNumber, CardNumber
from juki_center.areas.cards.register import CardStyle
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.areas.residents.records import PersonID
from juki_center.storage.holdings import holding
from juki_center.storage.keyring import KeyRing
from juki_center.storage.papers_codec import decode_papers, encode_papers
from juki_center.storage.sql import (
    SQL,
    Row,
    Value,
    as_number,
    as_octets,
    as_text,
    from_micros,
    to_micros,
)

_COLUMNS: Final = (
    "number, municipality, person, state, kind, style, submitted_at, reply_until, ended_at,"
    " end_reason, card_number"
)
_DELIVERED: Final = "DELIVERED"
_AWAITED: Final = "INQUIRY_SENT"


class ApplicationsTable:
    """Applications, for one transaction."""

    def __init__(self, sql: SQL, keys: KeyRing) -> None:
        self._sql = sql
        self._keys = keys

    def application(self, number: ApplicationNumber) -> Application | None:
        """Return an application with its papers. Raises Refusal(RESIDENCE_DISCONNECTED)."""
        row = self._sql.execute(
            f"SELECT {_COLUMNS}, key_version, sealed FROM card_applications WHERE number = ?",  # noqa: S608  # a constant
            (number,),
        ).fetchone()
        if row is None:
            return None
        if row[12] is None:
            return _application(row, None)
        key = self._keys.data_key(MunicipalityCode(as_text(row[1])), as_number(row[11])).key
        papers = decode_papers(key.open(as_octets(row[12]), papers_owner(number)))
        return _application(row, papers)

    def municipality_of(self, number: ApplicationNumber) -> MunicipalityCode | None:
        """Say whose application it is, without opening anything; None where there is none."""
        row = self._sql.execute(
            "SELECT municipality FROM card_applications WHERE number = ?", (number,)
        ).fetchone()
        return None if row is None else MunicipalityCode(as_text(row[0]))

    def open_of_person(self, person: PersonID) -> list[Application]:
        """Return a person's applications that have not ended, without their papers."""
        rows = self._sql.execute(
            f"SELECT {_COLUMNS} FROM card_applications"  # noqa: S608  # a constant
            " WHERE person = ? AND ended_at IS NULL ORDER BY cursor",
            (person.octets,),
        ).fetchall()
        return [_application(row, None) for row in rows]

    def overdue(self, day: date, limit: int) -> list[Application]:
        """Return applications whose replies counted until before a day, without their papers."""
        rows = self._sql.execute(
            f"SELECT {_COLUMNS} FROM card_applications"  # noqa: S608  # a constant
            " WHERE ended_at IS NULL AND reply_until < ? AND state = ? LIMIT ?",
            (day.isoformat(), _AWAITED, limit),
        ).fetchall()
        return [_application(row, None) for row in rows]

    def page(
        self,
        municipality: MunicipalityCode,
        states: tuple[ApplicationState, ...],
        *,
        after: int,
        limit: int,
    ) -> list[tuple[int, Application]]:
        """Return applications of a municipality behind a cursor, oldest first, without papers."""
        marks = ", ".join("?" * len(states))
        rows = self._sql.execute(
            f"SELECT {_COLUMNS}, cursor FROM card_applications"  # noqa: S608  # question marks
            f" WHERE municipality = ? AND cursor > ? AND state IN ({marks})"
            " ORDER BY cursor LIMIT ?",
            (str(municipality), after, *states, limit),
        ).fetchall()
        return [(as_number(row[11]), _application(row, None)) for row in rows]

    def add(self, application: Application, photo: bytes | None) -> None:
        """Enter an application; its number is new. Raises Refusal(RESIDENCE_DISCONNECTED)."""
        key = self._keys.data_key(application.municipality)
        sealed = None
        if application.papers is not None:
            octets = encode_papers(application.papers)
            sealed = key.key.seal(octets, papers_owner(application.number))
        self._sql.execute(
            f"INSERT INTO card_applications ({_COLUMNS}, key_version, sealed)"  # noqa: S608  # a constant
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (*_values(application), key.version, sealed),
        )
        if photo is not None:
            self._add_photo(application, photo)

    def update(self, application: Application) -> None:
        """Write state, end, card and reply; and the papers unless they are None.

        Raises Refusal(RESIDENCE_DISCONNECTED).
        """
        self.set_state(
            application.number,
            application.state,
            ended_at=application.ended_at,
            end_reason=application.end_reason,
        )
        self._sql.execute(
            "UPDATE card_applications SET card_number = ?, reply_until = ? WHERE number = ?",
            (application.card_number, _day(application.reply_until), application.number),
        )
        if application.papers is None:
            return
        key = self._keys.data_key(application.municipality)
        octets = encode_papers(application.papers)
        self._sql.execute(
            "UPDATE card_applications SET key_version = ?, sealed = ? WHERE number = ?",
            (
                key.version,
                key.key.seal(octets, papers_owner(application.number)),
                application.number,
            ),
        )

    def set_state(
        self,
        number: ApplicationNumber,
        state: ApplicationState,
        *,
        ended_at: datetime | None,
        end_reason: EndReason | None,
    ) -> None:
        """Write the state alone: also while the municipality is disconnected."""
        self._sql.execute(
            "UPDATE card_applications SET state = ?, ended_at = ?, end_reason = ? WHERE number = ?",
            (state, _micros(ended_at), end_reason, number),
        )

    def photo(self, number: ApplicationNumber) -> bytes | None:
        """Return the photo; None where there is none, or none any more.

        Raises Refusal(RESIDENCE_DISCONNECTED).
        """
        row = self._sql.execute(
            "SELECT municipality, key_version, sealed FROM card_photos WHERE application = ?",
            (number,),
        ).fetchone()
        if row is None:
            return None
        key = self._keys.data_key(MunicipalityCode(as_text(row[0])), as_number(row[1])).key
        return key.open(as_octets(row[2]), photo_owner(number))

    def forget_photos(
        self, *, delivered_before: datetime, refused_before: datetime, limit: int
    ) -> int:
        """Delete photos of applications that ended before these times; return how many."""
        # There are few photos and many applications: CROSS JOIN keeps the photos in front.
        return self._sql.execute(
            "DELETE FROM card_photos WHERE application IN ("
            " SELECT p.application FROM card_photos p"
            " CROSS JOIN card_applications a ON a.number = p.application"
            " WHERE a.ended_at < CASE a.state WHEN ? THEN ? ELSE ? END LIMIT ?)",
            (_DELIVERED, to_micros(delivered_before), to_micros(refused_before), limit),
        ).rowcount

    def forget_papers(self, *, ended_before: datetime, limit: int) -> int:
        """Delete the papers of applications that ended before a time; return how many."""
        return self._sql.execute(
            "UPDATE card_applications SET sealed = NULL WHERE cursor IN ("
            " SELECT cursor FROM card_applications"
            " WHERE ended_at < ? AND sealed IS NOT NULL LIMIT ?)",
            (to_micros(ended_before), limit),
        ).rowcount

    def photos_held(self, *, delivered_before: datetime, refused_before: datetime) -> Holding:
        """Count the photos, and those whose applications ended before these times."""
        row = self._sql.execute(
            "SELECT count(*), min(a.submitted_at),"
            " count(*) FILTER (WHERE a.ended_at < CASE a.state WHEN ? THEN ? ELSE ? END)"
            " FROM card_photos p JOIN card_applications a ON a.number = p.application",
            (_DELIVERED, to_micros(delivered_before), to_micros(refused_before)),
        ).fetchone()
        return holding(row)

    def papers_held(self, *, ended_before: datetime) -> Holding:
        """Count the papers, and those whose applications ended before a time."""
        row = self._sql.execute(
            "SELECT count(*), min(submitted_at), count(*) FILTER (WHERE ended_at < ?)"
            " FROM card_applications"
            " WHERE sealed IS NOT NULL",
            (to_micros(ended_before),),
        ).fetchone()
        return holding(row)

    def add_fee(self, fee: Fee) -> None:
        """Enter a fee into the ledger; the application has none yet."""
        self._sql.execute(
            "INSERT INTO card_fees (application, municipality, card_number, kind, amount_yen,"
            " taken_on, taken_at, terminal_uri) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                fee.application,
                str(fee.municipality),
                fee.card_number,
                fee.kind,
                fee.amount_yen,
                fee.taken_on.isoformat(),
                to_micros(fee.taken_at),
                fee.terminal_uri,
            ),
        )

    def fees(self, municipality: MunicipalityCode, first: date, last: date) -> list[Fee]:
        """Return the fees of a municipality between two days in Japan, both included."""
        rows = self._sql.execute(
            "SELECT application, municipality, card_number, kind, amount_yen, taken_on, taken_at,"
            " terminal_uri FROM card_fees WHERE municipality = ? AND taken_on BETWEEN ? AND ?"
            " ORDER BY taken_at",
            (str(municipality), first.isoformat(), last.isoformat()),
        ).fetchall()
        return [_fee(row) for row in rows]

    def _add_photo(self, application: Application, photo: bytes) -> None:
        key = self._keys.data_key(application.municipality)
        self._sql.execute(
            "INSERT INTO card_photos (application, municipality, key_version, sealed)"
            " VALUES (?, ?, ?, ?)",
            (
                application.number,
                str(application.municipality),
                key.version,
                key.key.seal(photo, photo_owner(application.number)),
            ),
        )


def papers_owner(number: str) -> str:
    """Return what binds sealed papers to their application."""
    return f"card-papers/{number}"


def photo_owner(number: str) -> str:
    """Return what binds a sealed photo to its application."""
    return f"card-photo/{number}"


def _values(one: Application) -> tuple[Value, ...]:
    return (
        one.number,
        str(one.municipality),
        one.person.octets,
        one.state,
        one.kind,
        one.style,
        to_micros(one.submitted_at),
        _day(one.reply_until),
        _micros(one.ended_at),
        one.end_reason,
        one.card_number,
    )


def _application(row: Row, papers: ApplicationPapers | None) -> Application:
    return Application(
        number=ApplicationNumber(as_text(row[0])),
        municipality=MunicipalityCode(as_text(row[1])),
        person=PersonID(as_octets(row[2])),
        state=ApplicationState(as_text(row[3])),
        kind=ApplicationKind(as_text(row[4])),
        style=CardStyle(as_text(row[5])),
        submitted_at=from_micros(as_number(row[6])),
        papers=papers,
        reply_until=None if row[7] is None else date.fromisoformat(as_text(row[7])),
        ended_at=_moment(row[8]),
        end_reason=None if row[9] is None else EndReason(as_text(row[9])),
        card_number=None if row[10] is None else CardNumber(as_text(row[10])),
    )


def _fee(row: Row) -> Fee:
    return Fee(
        application=ApplicationNumber(as_text(row[0])),
        municipality=MunicipalityCode(as_text(row[1])),
        card_number=CardNumber(as_text(row[2])),
        kind=ApplicationKind(as_text(row[3])),
        amount_yen=as_number(row[4]),
        taken_on=date.fromisoformat(as_text(row[5])),
        taken_at=from_micros(as_number(row[6])),
        terminal_uri=as_text(row[7]),
    )


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _micros(moment: datetime | None) -> int | None:
    return None if moment is None else to_micros(moment)


def _moment(value: Value) -> datetime | None:
    return None if value is None else from_micros(as_number(value))
