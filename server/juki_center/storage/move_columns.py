"""The columns of a move, of its persons and of an alert, and what they mean."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final

from juki_center.areas.moves.numbers import MoveNumber
from juki_center.areas.moves.rows import AlertKind, Move, MoveAlert, MoveMember, Transfer
from juki_center.areas.moves.states import MemberState, MoveKind, MoveState
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.areas.residents.records import PersonID
from juki_center.storage.sql import (
    Row,
    Value,
    as_number,
    as_octets,
    as_text,
    from_micros,
    to_micros,
)

COLUMNS: Final = (
    "number, origin, destination, kind, state, version, planned_on, notified_on, filed_at,"
    " last_day, departed, arrived_in, moved_on, registered_late, ended_at, certificates,"
    " certificate_version, missing_since, transfer_id, transfer_to, transfer_terminal,"
    " transfer_card, transfer_moved_on, fetched_at"
)
COLUMN_COUNT: Final = COLUMNS.count(",") + 1
MARKS: Final = ", ".join("?" * COLUMN_COUNT)


def read_move(row: Row, members: tuple[MoveMember, ...]) -> Move:
    """Return a move of its columns."""
    return Move(
        number=MoveNumber(as_text(row[0])),
        origin=MunicipalityCode(as_text(row[1])),
        destination=_code(row[2]),
        kind=MoveKind(as_text(row[3])),
        state=MoveState(as_text(row[4])),
        version=as_number(row[5]),
        planned_on=date.fromisoformat(as_text(row[6])),
        notified_on=date.fromisoformat(as_text(row[7])),
        filed_at=from_micros(as_number(row[8])),
        members=members,
        last_day=_day(row[9]),
        departed=bool(row[10]),
        transfer=_transfer(row),
        arrived_in=_code(row[11]),
        moved_on=_day(row[12]),
        registered_late=bool(row[13]),
        ended_at=_moment(row[14]),
        certificates=as_number(row[15]),
        certificate_version=as_number(row[16]),
        missing_since=_moment(row[17]),
    )


def _transfer(row: Row) -> Transfer | None:
    if row[18] is None:
        return None
    return Transfer(
        transfer_id=as_octets(row[18]),
        municipality=MunicipalityCode(as_text(row[19])),
        terminal_uri=as_text(row[20]),
        card_serial=as_octets(row[21]),
        moved_on=date.fromisoformat(as_text(row[22])),
        fetched_at=from_micros(as_number(row[23])),
    )


def move_values(move: Move) -> tuple[Value, ...]:
    """Return a move's columns."""
    transfer = move.transfer
    claim: tuple[Value, ...] = (None,) * 6
    if transfer is not None:
        claim = (
            transfer.transfer_id,
            str(transfer.municipality),
            transfer.terminal_uri,
            transfer.card_serial,
            transfer.moved_on.isoformat(),
            to_micros(transfer.fetched_at),
        )
    return (
        move.number,
        str(move.origin),
        _text(move.destination),
        move.kind,
        move.state,
        move.version,
        move.planned_on.isoformat(),
        move.notified_on.isoformat(),
        to_micros(move.filed_at),
        _iso(move.last_day),
        int(move.departed),
        _text(move.arrived_in),
        _iso(move.moved_on),
        int(move.registered_late),
        _micros(move.ended_at),
        move.certificates,
        move.certificate_version,
        _micros(move.missing_since),
        *claim,
    )


def read_member(row: Row) -> MoveMember:
    """Return a person of a notice."""
    return MoveMember(
        person=PersonID(as_octets(row[0])),
        state=MemberState(as_text(row[1])),
        left_version=as_number(row[2]),
        arrived_version=as_number(row[3]),
    )


def read_alert(row: Row) -> MoveAlert:
    """Return an alert."""
    return MoveAlert(
        alert_id=as_octets(row[0]),
        municipality=MunicipalityCode(as_text(row[1])),
        number=MoveNumber(as_text(row[2])),
        kind=AlertKind(as_text(row[3])),
        at=from_micros(as_number(row[4])),
        seen_at=_moment(row[5]),
    )


def _code(value: Value) -> MunicipalityCode | None:
    return None if value is None else MunicipalityCode(as_text(value))


def _text(code: MunicipalityCode | None) -> str | None:
    return None if code is None else str(code)


def _day(value: Value) -> date | None:
    return None if value is None else date.fromisoformat(as_text(value))


def _iso(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _moment(value: Value) -> datetime | None:
    return None if value is None else from_micros(as_number(value))


def _micros(moment: datetime | None) -> int | None:
    return None if moment is None else to_micros(moment)
