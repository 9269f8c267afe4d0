"""Updates that came too early, in the database: sealed for their municipality."""

from __future__ import annotations

from datetime import datetime
from typing import cast

import cbor2

from juki_center.areas.residents.codes import MunicipalityCode, ResidentCode
from juki_center.areas.residents.records import ChangeReason, ResidenceState
from juki_center.areas.residents.rules import CheckedRecord
from juki_center.areas.residents.updates import Gap, Update, UpdateReason
from juki_center.storage import record_codec
from juki_center.storage.code_tokens import TOKEN_OCTETS
from juki_center.storage.keyring import KeyRing, LookUp, Version
from juki_center.storage.keys import LookUpKey
from juki_center.storage.sql import SQL, Row, as_number, as_octets, as_text, from_micros, to_micros

_VERSION = 1
_FIND = "SELECT token, key_version, sealed FROM pending_updates WHERE token = ? AND version = ?"
_ANY = "SELECT 1 FROM pending_updates LIMIT 1"
_OF_TOKENS = (
    "SELECT token, version, municipality, key_version, sealed FROM pending_updates"
    " WHERE token_version = ? LIMIT ?"
)
_MOVE = (
    "UPDATE pending_updates SET token = ?, token_version = ?, sealed = ?"
    " WHERE token = ? AND version = ?"
)
_DELETE = "DELETE FROM pending_updates WHERE token = ? AND version = ?"
_GAPS = (
    "SELECT municipality, earliest - 1 AS missing, count(*), sum(updates), min(since) FROM"
    " (SELECT municipality, min(version) AS earliest, count(*) AS updates, min(held_at) AS since"
    " FROM pending_updates GROUP BY municipality, token) AS waiting"
    " GROUP BY municipality, missing ORDER BY municipality, missing"
)


class PendingTable:
    """Held updates, for one transaction."""

    def __init__(self, sql: SQL, keys: KeyRing) -> None:
        self._sql = sql
        self._keys = keys

    def gaps(self) -> list[Gap]:
        """Count what waits, by municipality and missing version; nothing is opened for it."""
        return [
            Gap(
                municipality=MunicipalityCode(as_text(row[0])),
                missing=as_number(row[1]),
                persons=as_number(row[2]),
                updates=as_number(row[3]),
                since=from_micros(as_number(row[4])),
            )
            for row in self._sql.execute(_GAPS).fetchall()
        ]

    def hold(self, update: Update, *, missing: int, now: datetime) -> None:
        """Keep an update, in place of an earlier one of the same code and version.

        Raises Refusal(RESIDENCE_DISCONNECTED).
        """
        self._remove(update.municipality, update.record.code, update.version)
        data_key = self._keys.data_key(update.municipality)
        newest = self._keys.written(LookUp.CODE)[-1]
        token = pending_token(newest.key, update.municipality, update.record.code)
        owner = pending_owner(token, update.version)
        self._sql.execute(
            "INSERT INTO pending_updates (token, version, token_version, municipality, held_at,"
            " key_version, sealed) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                token,
                update.version,
                newest.number,
                str(update.municipality),
                to_micros(now),
                data_key.version,
                data_key.key.seal(encode_update(update, missing), owner),
            ),
        )

    def take(
        self, municipality: MunicipalityCode, code: ResidentCode, version: int
    ) -> Update | None:
        """Return a held update, and hold it no longer. Raises Refusal(RESIDENCE_DISCONNECTED)."""
        row = self._find(municipality, code, version)
        if row is None:
            return None
        token, data_key = as_octets(row[0]), self._keys.data_key(municipality, as_number(row[1]))
        opened = data_key.key.open(as_octets(row[2]), pending_owner(token, version))
        self._sql.execute(_DELETE, (token, version))
        return decode_update(opened, municipality, version)

    def retoken(self, limit: int) -> int:
        """Move at most `limit` updates to the newest key's tokens; return how many there were.

        Raises Refusal(RESIDENCE_DISCONNECTED).
        """
        active, *newer = self._keys.written(LookUp.CODE)
        if not newer:
            return 0
        rows = self._sql.execute(_OF_TOKENS, (active.number, limit)).fetchall()
        for row in rows:
            self._move(row, newer[-1])
        return len(rows)

    def _move(self, row: Row, newest: Version[LookUpKey]) -> None:
        token, version = as_octets(row[0]), as_number(row[1])
        municipality = MunicipalityCode(as_text(row[2]))
        data_key = self._keys.data_key(municipality, as_number(row[3]))
        opened = data_key.key.open(as_octets(row[4]), pending_owner(token, version))
        moved = pending_token(newest.key, municipality, _record(opened)[0].code)
        sealed = data_key.key.seal(opened, pending_owner(moved, version))
        self._sql.execute(_MOVE, (moved, newest.number, sealed, token, version))

    def _find(self, municipality: MunicipalityCode, code: ResidentCode, version: int) -> Row | None:
        """Look under every version of the key: an update has one token, whichever was newest."""
        # Hardly ever is anything held, and an import of a million lines asks for each of them.
        if self._sql.execute(_ANY).fetchone() is None:
            return None
        for one in self._keys.versions(LookUp.CODE):
            token = pending_token(one.key, municipality, code)
            row = self._sql.execute(_FIND, (token, version)).fetchone()
            if row is not None:
                return row
        return None

    def _remove(self, municipality: MunicipalityCode, code: ResidentCode, version: int) -> None:
        for one in self._keys.versions(LookUp.CODE):
            self._sql.execute(_DELETE, (pending_token(one.key, municipality, code), version))


def pending_token(key: LookUpKey, municipality: MunicipalityCode, code: ResidentCode) -> bytes:
    """Return under which token an update is held: not the one by which its person is found."""
    parts = (b"pending", str(municipality).encode(), code.digits.encode())
    return key.token(*parts)[:TOKEN_OCTETS]


def pending_owner(token: bytes, version: int) -> str:
    """Return what a held update is sealed to; the token stands for municipality and code."""
    return f"pending:{token.hex()}:{version}"


def encode_update(update: Update, missing: int) -> bytes:
    """Return an update as it is sealed."""
    change = update.change
    return cbor2.dumps(
        {
            "v": _VERSION,
            "household": update.household_number,
            "state": str(update.state),
            "missing": missing,
            "record": record_codec.encode(update.record),
            "change": [str(change.reason), record_codec.encode_date(change.date)]
            if change
            else None,
        }
    )


def _record(opened: bytes) -> tuple[CheckedRecord, dict[str, object]]:
    entries = cast("dict[str, object]", cbor2.loads(opened))
    if entries["v"] != _VERSION:
        raise ValueError("unknown version of a held update")
    record, _ = record_codec.decode(cast("bytes", entries["record"]))
    return CheckedRecord(record), entries


def decode_update(opened: bytes, municipality: MunicipalityCode, version: int) -> Update:
    """Return an update that was sealed."""
    record, entries = _record(opened)
    return Update(
        municipality=municipality,
        household_number=str(entries["household"]),
        version=version,
        state=ResidenceState(str(entries["state"])),
        record=record,
        change=_change(cast("list[object] | None", entries["change"])),
    )


def _change(parts: list[object] | None) -> UpdateReason | None:
    if parts is None:
        return None
    reason, day = parts
    date = record_codec.decode_date(cast("list[object]", day))
    return UpdateReason(ChangeReason(str(reason)), date)
