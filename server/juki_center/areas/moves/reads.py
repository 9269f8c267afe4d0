"""Looking at moves: one with what its side may know, pages of them, and the alerts of an office.

A page tells municipalities and days, and no person: it leaves no leaf. A single move does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Protocol, TypeVar

from juki_center.areas.audit.events import Event
from juki_center.areas.cards.window import Done, Found, refuse_abolished
from juki_center.areas.moves.answer_codec import decode_answer, encode_answer
from juki_center.areas.moves.answers import (
    AlertPage,
    MovePage,
    MoveRead,
    WaitingCorrection,
)
from juki_center.areas.moves.certificates import own_codes
from juki_center.areas.moves.commands import (
    GetMove,
    ListAlerts,
    ListMoves,
    SeeAlert,
)
from juki_center.areas.moves.expectations import told_beforehand
from juki_center.areas.moves.policy import MovePolicy
from juki_center.areas.moves.rows import Correction, Move, MoveAlert, Moves, Selection
from juki_center.areas.moves.states import MoveState
from juki_center.areas.moves.waiting import NoticesTx
from juki_center.areas.moves.waiting_rows import NoticeSent
from juki_center.areas.moves.window import MoveTx, MoveWindow, look, window_of
from juki_center.areas.requests.page_tokens import cursor_of
from juki_center.areas.residents.codes import MunicipalityCode, ResidentCode
from juki_center.areas.residents.records import Residents
from juki_center.errors import Reason, Refusal

Row = TypeVar("Row")


class ReadTx(MoveTx, NoticesTx, Protocol):
    """What looking at a move needs of a transaction."""

    @property
    def residents(self) -> Residents: ...


class PageTx(Protocol):
    """What listing needs of a transaction."""

    @property
    def moves(self) -> Moves: ...


def get_move(tx: ReadTx, command: GetMove, now: datetime, policy: MovePolicy) -> MoveRead:
    """Return a move of the window's municipality, from it or to it.

    The origin is told its persons' codes and whether a printed paper is out of date, the
    destination the corrections that wait. A planned destination that is told beforehand sees the
    notice while it is open and nobody has claimed it. Raises Refusal: UNAUTHENTICATED,
    CLERK_NAME_REQUIRED, MOVE_NOT_FOUND, RESIDENCE_DISCONNECTED.
    """
    here = window_of(command.by, now, policy)

    def act(found: Found) -> Done:
        move = tx.moves.move(command.number)
        if move is None or not _is_shown(here, move):
            raise Refusal(Reason.MOVE_NOT_FOUND)
        found.is_about(*move.persons, resource=move.number)
        return Done(
            encode_answer(_read(tx, here, move)),
            Event.MOVE_READ,
            subjects=move.persons,
            resource=move.number,
        )

    return decode_answer(look(tx, here, act), MoveRead)


def _notices(tx: ReadTx, here: MoveWindow, move: Move) -> tuple[NoticeSent, ...]:
    """Return what has waited for the other side of a move: its origin is told of all others.

    A destination is told of the origin alone: where else somebody was expected is no matter of it.
    """
    is_origin = here.register == move.origin
    return tuple(
        one
        for one in tx.notices.of_move(move.number)
        if (one.municipality != move.origin if is_origin else one.municipality == move.origin)
    )


def _is_shown(here: MoveWindow, move: Move) -> bool:
    concerned = {move.origin, move.arrived_in, _claimant(move)}
    return here.register in concerned or _is_expected(here, move)


def _is_expected(here: MoveWindow, move: Move) -> bool:
    return move.state is MoveState.NOTIFIED and told_beforehand(here, move) == here.register


def _read(tx: ReadTx, here: MoveWindow, move: Move) -> MoveRead:
    if move.origin == here.register:
        codes = own_codes(tx, move)
        outdated = _is_outdated(tx, move, codes)
        return MoveRead(move, codes, outdated, notices=_notices(tx, here, move))
    if here.register != (move.arrived_in or _claimant(move)):
        return MoveRead(move)
    waiting = tuple(_waiting(one) for one in tx.moves.corrections(move))
    return MoveRead(move, corrections=waiting, notices=_notices(tx, here, move))


def _claimant(move: Move) -> MunicipalityCode | None:
    return None if move.transfer is None else move.transfer.municipality


def _is_outdated(tx: ReadTx, move: Move, codes: tuple[ResidentCode, ...]) -> bool:
    if not (move.is_open and move.certificates) or move.destination is None:
        return False
    if move.certificate_version < move.version:
        return True
    return tx.moves.papers(move).printed_codes != codes


def _waiting(correction: Correction) -> WaitingCorrection:
    return WaitingCorrection(correction.record, correction.sent_at)


def list_moves(tx: PageTx, command: ListMoves, now: datetime, policy: MovePolicy) -> MovePage:
    """Return a page of the moves out of or into the window's municipality, oldest first.

    Raises Refusal: UNAUTHENTICATED, CLERK_NAME_REQUIRED; FIELD_INVALID for a page token that this
    center did not make, and for expected moves before 2023-02-06, when nobody was told beforehand.
    """
    here = _listing(window_of(command.by, now, policy))
    if command.selection is Selection.EXPECTED and not policy.is_pushed:
        raise Refusal(Reason.FIELD_INVALID, field="selection", rule="NOT_IN_RULE_SET")
    after, limit = cursor_of(command.page_token), command.page_size
    rows = _rows(tx, here, command.selection, after=after, limit=limit + 1)
    return MovePage(*_page(rows, limit))


def _rows(
    tx: PageTx, here: MoveWindow, selection: Selection, *, after: int, limit: int
) -> list[tuple[int, Move]]:
    """Return one row more than a page has, where there is one.

    A notice names the office that is planned, which may be a ward's: all of a city's are asked.
    """
    offices: tuple[MunicipalityCode, ...] = (here.register,)
    if selection is Selection.EXPECTED:
        offices = here.policy.municipalities.offices_of(here.register)
    found = [
        row
        for office in offices
        for row in tx.moves.page(office, selection, after=after, limit=limit)
    ]
    return sorted(found, key=lambda row: row[0])[:limit]


def list_alerts(tx: PageTx, command: ListAlerts, now: datetime, policy: MovePolicy) -> AlertPage:
    """Return a page of what the window's municipality must know, oldest first.

    Raises Refusal: UNAUTHENTICATED, CLERK_NAME_REQUIRED; FIELD_INVALID for a page token that this
    center did not make.
    """
    here = _listing(window_of(command.by, now, policy))
    after, limit = cursor_of(command.page_token), command.page_size
    rows = tx.moves.alerts(here.register, with_seen=command.with_seen, after=after, limit=limit + 1)
    return AlertPage(*_page(rows, limit))


def _listing(here: MoveWindow) -> MoveWindow:
    refuse_abolished(here.window)
    if not here.window.clerk_name.strip():
        raise Refusal(Reason.CLERK_NAME_REQUIRED)
    return here


def _page(rows: Sequence[tuple[int, Row]], limit: int) -> tuple[tuple[Row, ...], str]:
    shown = rows[:limit]
    token = str(shown[-1][0]) if len(rows) > limit else ""
    return tuple(one for _, one in shown), token


def see_alert(tx: MoveTx, command: SeeAlert, now: datetime, policy: MovePolicy) -> MoveAlert:
    """Note that a clerk has seen an alert; the first time counts, and again is the same.

    Raises Refusal: UNAUTHENTICATED, CLERK_NAME_REQUIRED, ALERT_NOT_FOUND.
    """
    here = window_of(command.by, now, policy)

    def act(found: Found) -> Done:
        alert = tx.moves.alert(command.alert_id)
        if alert is None or alert.municipality != here.register:
            raise Refusal(Reason.ALERT_NOT_FOUND)
        found.is_about(resource=alert.number)
        if alert.seen_at is None:
            tx.moves.see_alert(alert.alert_id, now)
            alert = replace(alert, seen_at=now)
        return Done(encode_answer(alert), Event.MOVE_ALERT_SEEN, resource=alert.number)

    return decode_answer(look(tx, here, act), MoveAlert)
