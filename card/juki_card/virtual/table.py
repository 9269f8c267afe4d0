"""The table: which order is obeyed in which state. What is not here is refused.

| state | order | row |
|---|---|---|
| idle, password named, PACE, TA done, CA done | SELECT, READ BINARY | `files` |
| idle, password named, PACE | MSE:Set AT (PACE) | `pace.name_password` |
| password named, nonce sent, mapped, keys agreed | GENERAL AUTHENTICATE 1, 2, 3, 4 | `pace` |
| PACE | MSE:Set DST; MSE:Set AT (TA) | `terminal.name_issuer`, `name_terminal` |
| issuer named | PSO: VERIFY CERTIFICATE | `terminal.verify_certificate` |
| terminal named | GET CHALLENGE | `terminal.send_challenge` |
| challenge sent | EXTERNAL AUTHENTICATE | `terminal.verify_signature` |
| TA done | MSE:Set AT (CA) | `chip.name_key` |
| CA key named | GENERAL AUTHENTICATE | `chip.agree` |
| PACE | RESET RETRY COUNTER, new PIN | `pin_management.change_pin` |
| CA done | RESET RETRY COUNTER, PIN-TO-TRANSPORT | `pin_management` |
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from juki_card.apdu import SW
from juki_card.virtual import chip, files, pace, pin_management, terminal
from juki_card.virtual.orders import Order, order_of
from juki_card.virtual.session import (
    Agreed,
    Challenged,
    ChipDone,
    ChipKeyNamed,
    Idle,
    IssuerNamed,
    Mapped,
    NonceSent,
    PaceDone,
    PasswordNamed,
    TerminalDone,
    TerminalNamed,
)
from juki_card.virtual.turn import Refused

if TYPE_CHECKING:
    from juki_card.virtual.turn import Transition, Turn


def look_up(turn: Turn) -> Transition:
    """Obey an order that has a row in this state; raise Refused for any other."""
    order = order_of(turn.command)
    for part in (_files, _pace, _terminal, _chip_and_pin):
        if (outcome := part(turn, order)) is not None:
            return outcome
    match order:
        case Order.UNKNOWN:
            raise Refused(SW.INS_NOT_SUPPORTED)
        case Order.WRONG_PARAMETERS:
            raise Refused(SW.WRONG_P1P2)
        case _:
            raise Refused(SW.CONDITIONS_NOT_SATISFIED)


def _files(turn: Turn, order: Order) -> Transition | None:
    match turn.session.stage, order:
        case ((Idle() | PasswordNamed() | PaceDone() | TerminalDone() | ChipDone()), Order.SELECT):
            return files.select(turn)
        case (
            (Idle() | PasswordNamed() | PaceDone() | TerminalDone() | ChipDone()),
            Order.READ_BINARY,
        ):
            return files.read_binary(turn)
        case _:
            return None


def _pace(turn: Turn, order: Order) -> Transition | None:
    match turn.session.stage, order:
        case ((Idle() | PasswordNamed() | PaceDone()), Order.SET_AT_PACE):
            return pace.name_password(turn)
        case PasswordNamed() as stage, Order.STEP:
            return pace.send_nonce(turn, stage)
        case NonceSent() as stage, Order.STEP:
            return pace.map_generator(turn, stage)
        case Mapped() as stage, Order.STEP:
            return pace.agree(turn, stage)
        case Agreed() as stage, Order.LAST_STEP:
            return pace.count(turn, stage)
        case _:
            return None


def _terminal(turn: Turn, order: Order) -> Transition | None:
    match turn.session.stage, order:
        case PaceDone() as stage, Order.SET_DST:
            return terminal.name_issuer(turn, stage)
        case IssuerNamed() as stage, Order.VERIFY_CERTIFICATE:
            return terminal.verify_certificate(turn, stage)
        case PaceDone() as stage, Order.SET_AT_TERMINAL:
            return terminal.name_terminal(turn, stage)
        case TerminalNamed() as stage, Order.GET_CHALLENGE:
            return terminal.send_challenge(turn, stage)
        case Challenged() as stage, Order.EXTERNAL_AUTHENTICATE:
            return terminal.verify_signature(turn, stage)
        case _:
            return None


def _chip_and_pin(turn: Turn, order: Order) -> Transition | None:
    match turn.session.stage, order:
        case TerminalDone() as stage, Order.SET_AT_CHIP:
            return chip.name_key(turn, stage)
        case ChipKeyNamed() as stage, Order.LAST_STEP:
            return chip.agree(turn, stage)
        case PaceDone() as stage, Order.CHANGE_PIN:
            return pin_management.change_pin(turn, stage)
        case ChipDone() as stage, Order.UNBLOCK_PIN:
            return pin_management.unblock_pin(turn, stage)
        case ChipDone() as stage, Order.PIN_TO_TRANSPORT:
            return pin_management.pin_to_transport(turn, stage)
        case _:
            return None
