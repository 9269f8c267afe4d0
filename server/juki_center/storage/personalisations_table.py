"""Cards in the making in the database; what was drawn for a chip is sealed for its municipality."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from juki_center.areas.cards.holdings import Holding
from juki_center.areas.cards.numbers import ApplicationNumber, CardNumber
from juki_center.areas.cards.personalisation_rows import (
    ChipSecrets,
    Personalisation,
    PersonalisationState,
)
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.areas.residents.records import PersonID
from juki_center.storage.holdings import holding
from juki_center.storage.keyring import KeyRing
from juki_center.storage.papers_codec import decode_secrets, encode_secrets
from juki_center.storage.sql import (
    SQL,
    Row,
    as_number,
    as_octets,
    as_text,
    from_micros,
    to_micros,
)

_COLUMNS: Final = (
    "id, application, municipality, person, chip_serial, terminal_uri, state, begun_at,"
    " card_number, card_serial, ended_at"
)
_SELECT: Final = f"SELECT {_COLUMNS}, key_version, sealed, cursor FROM card_personalisations"  # noqa: S608  # a constant


class PersonalisationsTable:
    """Cards in the making, for one transaction."""

    def __init__(self, sql: SQL, keys: KeyRing) -> None:
        self._sql = sql
        self._keys = keys

    def by_id(self, personalisation_id: bytes) -> Personalisation | None:
        """Return one with its secrets. Raises Refusal(RESIDENCE_DISCONNECTED)."""
        return self._one("id = ?", personalisation_id)

    def of_chip(self, chip_serial: bytes) -> Personalisation | None:
        """Return the one that a blank belongs to, with its secrets.

        Raises Refusal(RESIDENCE_DISCONNECTED).
        """
        return self._one("chip_serial = ?", chip_serial)

    def of_card(self, card_serial: bytes) -> Personalisation | None:
        """Return the one that made a card, without its secrets."""
        row = self._sql.execute(f"{_SELECT} WHERE card_serial = ?", (card_serial,)).fetchone()
        return None if row is None else _row(row, None)

    def newest_of(self, application: ApplicationNumber) -> Personalisation | None:
        """Return an application's newest one that is not void, with its secrets.

        Raises Refusal(RESIDENCE_DISCONNECTED).
        """
        return self._one("state <> 'VOID' AND application = ?", application)

    def open_ones(
        self, municipality: MunicipalityCode | None, *, after: int, limit: int
    ) -> list[tuple[int, Personalisation]]:
        """Return open ones, oldest first, without secrets; None means everywhere."""
        of = "" if municipality is None else " AND municipality = ?"
        values = () if municipality is None else (str(municipality),)
        rows = self._sql.execute(
            f"{_SELECT} WHERE state = 'OPEN'{of} AND cursor > ? ORDER BY cursor LIMIT ?",
            (*values, after, limit),
        ).fetchall()
        return [(as_number(row[13]), _row(row, None)) for row in rows]

    def add(self, row: Personalisation) -> None:
        """Enter one; id and chip are new, and no other of the application is open.

        Raises Refusal(RESIDENCE_DISCONNECTED).
        """
        key = self._keys.data_key(row.municipality)
        sealed = None
        if row.secrets is not None:
            octets = encode_secrets(row.secrets)
            sealed = key.key.seal(octets, chip_owner(row.personalisation_id))
        self._sql.execute(
            f"INSERT INTO card_personalisations ({_COLUMNS}, key_version, sealed)"  # noqa: S608  # a constant
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                row.personalisation_id,
                row.application,
                str(row.municipality),
                row.person.octets,
                row.chip_serial,
                row.terminal_uri,
                row.state,
                to_micros(row.begun_at),
                row.card_number,
                row.card_serial,
                None if row.ended_at is None else to_micros(row.ended_at),
                key.version,
                sealed,
            ),
        )

    def set_card(self, personalisation_id: bytes, card_serial: bytes) -> None:
        """Write which card the chip has become."""
        self._sql.execute(
            "UPDATE card_personalisations SET card_serial = ? WHERE id = ?",
            (card_serial, personalisation_id),
        )

    def end(
        self, personalisation_id: bytes, state: PersonalisationState, ended_at: datetime
    ) -> None:
        """Write how it ended; the secrets stay until `forget_secrets`."""
        self._sql.execute(
            "UPDATE card_personalisations SET state = ?, ended_at = ? WHERE id = ?",
            (state, to_micros(ended_at), personalisation_id),
        )

    def forget_secrets(self, personalisation_id: bytes) -> None:
        """Delete the secrets."""
        self._sql.execute(
            "UPDATE card_personalisations SET sealed = NULL WHERE id = ?", (personalisation_id,)
        )

    def forget_ended_secrets(self, *, limit: int) -> int:
        """Delete secrets of chips whose applications have ended; return how many."""
        # Few are still sealed: CROSS JOIN keeps those in front.
        return self._sql.execute(
            "UPDATE card_personalisations SET sealed = NULL WHERE cursor IN ("
            " SELECT p.cursor FROM card_personalisations p INDEXED BY card_personalisations_sealed"
            " CROSS JOIN card_applications a ON a.number = p.application"
            " WHERE p.sealed IS NOT NULL AND a.ended_at IS NOT NULL LIMIT ?)",
            (limit,),
        ).rowcount

    def secrets_held(self) -> Holding:
        """Count the secrets, and those of chips whose applications have ended."""
        row = self._sql.execute(
            "SELECT count(*), min(p.begun_at), count(a.ended_at)"
            " FROM card_personalisations p JOIN card_applications a ON a.number = p.application"
            " WHERE p.sealed IS NOT NULL"
        ).fetchone()
        return holding(row)

    def _one(self, condition: str, value: bytes | str) -> Personalisation | None:
        row = self._sql.execute(f"{_SELECT} WHERE {condition}", (value,)).fetchone()
        if row is None:
            return None
        return _row(row, None if row[12] is None else self._secrets(row))

    def _secrets(self, row: Row) -> ChipSecrets:
        key = self._keys.data_key(MunicipalityCode(as_text(row[2])), as_number(row[11])).key
        return decode_secrets(key.open(as_octets(row[12]), chip_owner(as_octets(row[0]))))


def chip_owner(personalisation_id: bytes) -> str:
    """Return what binds sealed secrets to their personalisation."""
    return f"card-chip/{personalisation_id.hex()}"


def _row(row: Row, secrets: ChipSecrets | None) -> Personalisation:
    return Personalisation(
        personalisation_id=as_octets(row[0]),
        application=ApplicationNumber(as_text(row[1])),
        municipality=MunicipalityCode(as_text(row[2])),
        person=PersonID(as_octets(row[3])),
        chip_serial=as_octets(row[4]),
        terminal_uri=as_text(row[5]),
        state=PersonalisationState(as_text(row[6])),
        begun_at=from_micros(as_number(row[7])),
        card_number=CardNumber(as_text(row[8])),
        secrets=secrets,
        card_serial=None if row[9] is None else as_octets(row[9]),
        ended_at=None if row[10] is None else from_micros(as_number(row[10])),
    )
