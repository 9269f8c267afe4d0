"""Every state of the virtual card, reached by real sessions, and a reader that continues there.

The table is pure, so a state is a value: the recorded memory and session after each command.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING

from juki_card import pace
from juki_card.apdu import CommandAPDU, ResponseAPDU
from juki_card.card_access import CardAccess
from juki_card.ec import P256
from juki_card.errors import UnexpectedStatus
from juki_card.flow import one, run
from juki_card.passwords import Pin, TransportPin
from juki_card.secure_messaging import ReaderChannel, protected
from juki_card.virtual.card import process
from juki_card.virtual.memory import PinRecord, PinState
from juki_card.virtual.session import Counted
from tests.support.eac_world import (
    CAN,
    PIN,
    WINDOW,
    CardInHand,
    ephemerals,
    whole_session,
    world,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from juki_card.chat import CHAT
    from juki_card.passwords import Password
    from juki_card.virtual.memory import CardMemory
    from juki_card.virtual.session import Session, State

ACCESS = CardAccess.offering(P256)
TRANSPORT_PIN = TransportPin("00000")
NEW_PIN = Pin("2580")


@dataclass(frozen=True)
class Snapshot:
    """A card after some commands; `came_by` are those that led here, as the card got them."""

    label: str
    memory: CardMemory
    session: Session
    came_by: tuple[bytes, ...] = ()

    def __repr__(self) -> str:
        """Name the way and the state, for test reports."""
        return f"{self.label}/{self.state.name}"

    @property
    def state(self) -> State:
        """The state of the table."""
        return self.session.state

    def card(self) -> CardInHand:
        """Return a card that is in this state."""
        return CardInHand(self.memory, session=self.session)


def reader_channel(card: CardInHand) -> ReaderChannel:
    """Return a reader's end of the channel that a card has; its keys are read from the card."""
    secured = card.session.secured
    assert secured is not None
    return ReaderChannel(secured.keys, commands=secured.exchanges, answers=secured.exchanges)


def say(card: CardInHand, command: CommandAPDU) -> ResponseAPDU:
    """Send a command, protected where the card has a channel; return the plain answer."""
    if card.session.secured is None:
        return card.transmit(command)
    channel = reader_channel(card)
    answer = card.transmit(channel.wrap(command))
    return channel.unwrap(answer) if answer.data else answer


def open_channel(
    card: CardInHand, password: Password, *, chat: CHAT | None = None
) -> pace.PACEResult:
    """Run PACE alone, APDU 2 to 6."""
    run(pace.select_password(ACCESS, password.reference, chat), card.transmit)
    return run(pace.establish(password, ACCESS, ephemerals()), card.transmit)


def say_protected(
    channel: ReaderChannel,
    transmit: Callable[[CommandAPDU], ResponseAPDU],
    command: CommandAPDU,
) -> None:
    """Send a command in a channel; raise UnexpectedStatus where the card refuses it."""
    run(protected(one(command, "command"), channel), transmit)


def set_pin(transmit: Callable[[CommandAPDU], ResponseAPDU], password: Password) -> None:
    """Set NEW_PIN in a channel that a password opens, as a terminal does without the center."""
    run(pace.select_password(ACCESS, password.reference, None), transmit)
    opened = run(pace.establish(password, ACCESS, ephemerals()), transmit)
    change = CommandAPDU(0x00, 0x2C, 0x02, 0x03, NEW_PIN.octets())
    say_protected(opened.channel, transmit, change)


@cache
def resident_session() -> tuple[Snapshot, ...]:
    """A whole session with the PIN, snapshot by snapshot; the first is a card with fresh power."""
    recorder = _Recorder("resident", CardInHand(world().memory()))
    whole_session(recorder.transmit, *world().plan())
    return recorder.snapshots()


@cache
def window_session() -> tuple[Snapshot, ...]:
    """A window session with the CAN of a card whose PIN is blocked, up to CA."""
    memory = world().memory()
    blocked = replace(memory, pin=replace(memory.pin, tries_left=0))
    recorder = _Recorder("window", CardInHand(blocked))
    with suppress(UnexpectedStatus):
        # The session ends at EF.DG1, which a window has no right to read.
        whole_session(recorder.transmit, *world().plan(WINDOW), password=CAN)
    return recorder.snapshots()


@cache
def special_cards() -> tuple[Snapshot, ...]:
    """Cards with a blocked PIN, with one try left, held back, in transport and without a PIN."""
    memory = world().memory()
    variants = {
        "blocked": replace(memory, pin=replace(memory.pin, tries_left=0)),
        "last try": replace(memory, pin=replace(memory.pin, tries_left=1)),
        "suspended": replace(memory, pin=replace(memory.pin, tries_left=1), suspends_last_try=True),
        "transport": replace(memory, pin=PinRecord(PinState.TRANSPORT, TRANSPORT_PIN)),
        "no pin": replace(memory, pin=PinRecord(PinState.TRANSPORT, None)),
    }
    found: list[Snapshot] = []
    for label, variant in variants.items():
        found.append(Snapshot(label, variant, CardInHand(variant).session))
        found.extend(_after_pace(label, variant))
    return tuple(found)


@cache
def counted() -> Snapshot:
    """The moment between the count and the comparison of a token."""
    before = next(s for s in resident_session() if s.state.name == "AGREED")
    last_step = resident_session()[resident_session().index(before) + 1].came_by[-1]
    outcome = process(before.memory, before.session, last_step, CardInHand(before.memory).chance)
    assert outcome.answer is None
    assert isinstance(outcome.session.stage, Counted)
    return Snapshot("resident", outcome.memory, outcome.session)


@cache
def all_states() -> tuple[Snapshot, ...]:
    """Every state that is reachable, each by at least one way."""
    return (*resident_session(), *window_session(), *special_cards(), counted())


class _Recorder:
    """A transport that keeps a snapshot after each command."""

    def __init__(self, label: str, card: CardInHand) -> None:
        self._label = label
        self._card = card
        self._commands: list[bytes] = []
        self._snapshots = [Snapshot(label, card.memory, card.session)]

    def transmit(self, command: CommandAPDU) -> ResponseAPDU:
        answer = self._card.transmit(command)
        self._commands.append(command.encode())
        self._snapshots.append(
            Snapshot(self._label, self._card.memory, self._card.session, tuple(self._commands))
        )
        return answer

    def snapshots(self) -> tuple[Snapshot, ...]:
        return tuple(self._snapshots)


def _after_pace(label: str, memory: CardMemory) -> tuple[Snapshot, ...]:
    match label:
        case "transport":
            password: Password = TRANSPORT_PIN
        case "suspended" | "no pin":
            password = CAN
        case "last try":
            password = PIN
        case _:
            return ()
    card = CardInHand(memory)
    open_channel(card, password)
    return (Snapshot(label, card.memory, card.session),)
