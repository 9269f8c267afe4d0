"""Unlocking a PIN: opened at the residence's window, written down before the card can have heard of
it, ended by the card's own proof.

A card whose PIN may have been taken away stays refused by every service until it has proved one:
giving an unlocking up does not change that.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final, Protocol, cast
from uuid import UUID

import cbor2

from juki_center.areas.audit.events import Event
from juki_center.areas.callers import Terminal
from juki_center.areas.cards.admission import PROVE_THE_PIN, admit
from juki_center.areas.cards.birth_pins import birth_pins
from juki_center.areas.cards.card_codec import decode_card, encode_card
from juki_center.areas.cards.policy import CardPolicy
from juki_center.areas.cards.references import (
    CardReference,
    ReferenceTx,
    find_own_card,
    own,
    refuse_gone,
)
from juki_center.areas.cards.register import Card, Cards, Purpose
from juki_center.areas.cards.sessions import find_card, use_session
from juki_center.areas.cards.unlock_rows import (
    Unlock,
    UnlockMode,
    UnlockPapers,
    Unlocks,
    UnlockState,
)
from juki_center.areas.cards.window import Done, Found, Window, WindowTx, once
from juki_center.areas.evidence import IdentityDocument, LegalRepresentative, refuse_without_two
from juki_center.areas.ports import Chance
from juki_center.errors import NotAllowed, Reason, Refusal

UNLOCK_ID_OCTETS: Final = 16
GIVEN_UP_AFTER: Final = timedelta(days=1)
_GOING_ON: Final = (UnlockState.OPEN, UnlockState.ATTEMPTED)
_HOUSEKEEPING_PAGE: Final = 500


class AttemptTx(Protocol):
    """What an attempt at a card needs of a transaction."""

    @property
    def cards(self) -> Cards: ...

    @property
    def unlocks(self) -> Unlocks: ...


class UnlockTx(WindowTx, ReferenceTx, Protocol):
    """What opening and ending an unlocking needs of a transaction."""

    @property
    def chance(self) -> Chance: ...

    @property
    def unlocks(self) -> Unlocks: ...


@dataclass(frozen=True, slots=True)
class BeginUnlock:
    """Command: a holder has come in person with two documents."""

    terminal: Terminal
    request_id: UUID
    clerk_name: str = field(repr=False)
    card: CardReference = field(repr=False)
    documents: tuple[IdentityDocument, ...] = field(repr=False)
    mode: UnlockMode
    representative: LegalRepresentative | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class UnlockBegun:
    """The unlocking, 16 bytes, and the PINs that this person may not choose."""

    unlock_id: bytes
    forbidden_pins: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class CompleteUnlock:
    """Command: the card has proved its PIN in a session; both ids are 16 bytes."""

    terminal: Terminal
    request_id: UUID
    clerk_name: str = field(repr=False)
    unlock_id: bytes
    session_id: bytes


def begin_unlock(
    tx: UnlockTx, command: BeginUnlock, now: datetime, policy: CardPolicy
) -> UnlockBegun:
    """Open an unlocking; it takes the place of any that is open for the card.

    Raises Refusal with a reason that the proto's method lists.
    """
    window = Window(command.terminal, command.clerk_name, now, policy)

    def act(found: Found) -> Done:
        card = find_own_card(tx, window, found, command.card)
        admit(card, Purpose.PIN_UNLOCK, now)
        refuse_without_two(command.documents)
        refuse_gone(tx, window, card.person)
        _give_up(tx, card.serial, now)
        unlock = _opened(window, command, card, tx.chance.octets(UNLOCK_ID_OCTETS))
        tx.unlocks.add(unlock)
        pins = birth_pins(tx.residents.resident(card.person).record.birth)
        return Done(
            cbor2.dumps([unlock.unlock_id, list(pins)], canonical=True),
            Event.UNLOCK_BEGUN,
            subjects=(card.person,),
            resource=card.number,
            details=(("mode", command.mode),),
        )

    answer = once(tx, window, command, request_id=command.request_id, act=act)
    unlock_id, pins = cast("tuple[bytes, list[str]]", cbor2.loads(answer))
    return UnlockBegun(unlock_id, tuple(pins))


def _opened(window: Window, command: BeginUnlock, card: Card, unlock_id: bytes) -> Unlock:
    return Unlock(
        unlock_id=unlock_id,
        municipality=window.register,
        person=card.person,
        card_serial=card.serial,
        terminal_uri=window.terminal.uri,
        mode=command.mode,
        state=UnlockState.OPEN,
        begun_at=window.now,
        papers=UnlockPapers(window.clerk_name, command.documents, command.representative),
    )


def attempt_unlock(
    tx: AttemptTx, unlock_id: bytes, serial: bytes, terminal: Terminal, now: datetime
) -> UnlockMode:
    """Write that a command on the PIN may now reach the card; return which one it is to be.

    From here on every service refuses the card, until it has proved its PIN. An unlocking that was
    attempted may be attempted again: the command may not have arrived. Raises Refusal:
    UNLOCK_NOT_FOUND for one of another terminal, of another card, or ended; and what `find_card`
    raises.
    """
    unlock = tx.unlocks.by_id(unlock_id)
    if unlock is None or not _is_for(unlock, serial, terminal):
        raise Refusal(Reason.UNLOCK_NOT_FOUND)
    find_card(tx, serial, Purpose.PIN_UNLOCK, now)
    tx.cards.set_pin_pending(serial, pending=True)
    # What the card has proved before says nothing about the PIN that it will have.
    tx.cards.use_up_sessions(serial, PROVE_THE_PIN)
    tx.unlocks.set_state(unlock_id, UnlockState.ATTEMPTED, None)
    return unlock.mode


def _is_for(unlock: Unlock, serial: bytes, terminal: Terminal) -> bool:
    return (unlock.card_serial, unlock.terminal_uri) == (
        serial,
        terminal.uri,
    ) and unlock.state in _GOING_ON


def complete_unlock(
    tx: UnlockTx, command: CompleteUnlock, now: datetime, policy: CardPolicy
) -> Card:
    """End an unlocking: the card has proved its PIN since the last attempt at it.

    Consumes the session, which must be of the very card. Raises Refusal with a reason that the
    proto's method lists.
    """
    window = Window(command.terminal, command.clerk_name, now, policy)

    def act(found: Found) -> Done:
        unlock = _own_unlock(tx, window, command.unlock_id)
        card = own(tx, window, found, tx.cards.card(unlock.card_serial))
        if unlock.state is not UnlockState.ATTEMPTED:
            raise NotAllowed(unlock.state, "PIN_PROVED")
        session = use_session(tx, command.session_id, window.terminal.uri, Purpose.PIN_PROOF, now)
        if session.card_serial != card.serial:
            raise Refusal(Reason.SESSION_NOT_FOUND)
        refuse_gone(tx, window, card.person)
        tx.cards.set_pin_pending(card.serial, pending=False)
        tx.unlocks.set_state(unlock.unlock_id, UnlockState.DONE, now)
        return Done(
            encode_card(replace(card, pin_pending=False)),
            Event.PIN_UNLOCKED,
            subjects=(card.person,),
            resource=card.number,
            details=(("mode", unlock.mode),),
        )

    return decode_card(once(tx, window, command, request_id=command.request_id, act=act))


def _own_unlock(tx: UnlockTx, window: Window, unlock_id: bytes) -> Unlock:
    unlock = tx.unlocks.by_id(unlock_id)
    if unlock is None or unlock.terminal_uri != window.terminal.uri:
        raise Refusal(Reason.UNLOCK_NOT_FOUND)
    return unlock


def give_up_old_unlocks(tx: AttemptTx, now: datetime) -> int:
    """Act: give up unlockings that were opened more than a day ago; return how many.

    `pin_pending` stays as it is: the card still owes its proof.
    """
    due = [
        unlock
        for _, unlock in tx.unlocks.open_ones(None, after=0, limit=_HOUSEKEEPING_PAGE)
        if now - unlock.begun_at > GIVEN_UP_AFTER
    ]
    for unlock in due:
        tx.unlocks.set_state(unlock.unlock_id, UnlockState.VOID, now)
    return len(due)


def _give_up(tx: AttemptTx, card_serial: bytes, now: datetime) -> None:
    for unlock in tx.unlocks.open_of_card(card_serial):
        tx.unlocks.set_state(unlock.unlock_id, UnlockState.VOID, now)
