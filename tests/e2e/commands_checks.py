"""What must hold of a card's life after any cut, and when the command has ended all the same."""

from __future__ import annotations

from datetime import date

from juki_card.passwords import Pin
from juki_card.virtual.memory import PIN_TRIES, CardMemory, PinState
from juki_cardbox.cardfile import CardFile
from juki_cardbox.personalise import serial_of
from juki_center.areas.cards.application_rows import ApplicationState, Fee
from juki_center.areas.cards.register import Card, CardStatus
from juki_center.areas.ports import Tx
from tests.e2e.commands_of_life import FIRST, SECOND, THIRD, USABLE, Life

ENDED = frozenset({CardStatus.VOID, CardStatus.REVOKED})
FEE_YEN = 500


def check_always(life: Life) -> None:
    """One usable card at most, none that the center does not know, and a fee for a card in use."""
    cards = life.counter.read(lambda tx: tx.cards.of_person(life.person))
    assert sum(card.status in USABLE for card in cards) <= 1
    known = {card.serial: card for card in cards}
    for chip in life.chips:
        memory = CardFile(chip).read()
        if isinstance(memory, CardMemory):
            assert serial_of(memory) in known, f"{chip} answers as a card that is not registered"
            assert chip == life.chip or known[serial_of(memory)].status in ENDED, chip
    state, fees = life.counter.read(lambda tx: (_state(tx, life), _fees(tx, life)))
    is_delivered = state is ApplicationState.DELIVERED
    assert [fee.amount_yen for fee in fees] == [FEE_YEN] * is_delivered
    is_active = life.memory is not None and _card(life).status is CardStatus.ACTIVE
    assert is_active == is_delivered


def check_cut(life: Life) -> None:
    """What else must hold of the PIN: never a try that was not earned, nor a PIN of nobody's."""
    check_always(life)
    if life.memory is None:
        return
    pin, card = life.pin, _card(life)
    chosen = [Pin(FIRST), Pin(SECOND), Pin(THIRD)]
    if pin.state is PinState.OPERATIONAL:
        assert pin.value in chosen
    elif pin.value is None:
        # A window has taken the PIN away, so the center lets no service have the card.
        assert card.pin_pending
    else:
        assert card.status in {CardStatus.MAKING, CardStatus.MADE}


def check_tries_are_kept(life: Life) -> None:
    """A right PIN was typed: a cut may cost the one try that was under way, and gives none."""
    if life.memory is not None:
        assert life.pin.tries_left >= PIN_TRIES - 1


def check_tries_are_earned(life: Life) -> None:
    """The card was locked: it has tries again only where the center knows of the unlocking."""
    assert life.pin.tries_left == 0 or _card(life).pin_pending or not _unlocks(life)


def check_made(life: Life) -> None:
    """The card waits for its holder."""
    check_always(life)
    assert _card(life).status is CardStatus.MADE
    assert life.counter.read(lambda tx: _state(tx, life)) is ApplicationState.READY
    assert (life.pin.state, life.pin.tries_left) == (PinState.TRANSPORT, PIN_TRIES)
    check_nothing_is_open(life)


def check_in_use(life: Life, pin: str) -> None:
    """The holder has the card, with this PIN and all tries, and nothing is left to do."""
    check_always(life)
    card = _card(life)
    assert (card.status, card.pin_pending) == (CardStatus.ACTIVE, False)
    assert (life.pin.state, life.pin.value) == (PinState.OPERATIONAL, Pin(pin))
    assert life.pin.tries_left == PIN_TRIES
    check_nothing_is_open(life)


def check_nothing_is_open(life: Life) -> None:
    """The center has nothing left to finish."""
    opened = life.counter.read(lambda tx: tx.personalisations.open_ones(None, after=0, limit=9))
    assert opened == []
    assert _unlocks(life) == []


def _card(life: Life) -> Card:
    card = life.counter.read(lambda tx: tx.cards.card(life.serial))
    assert card is not None
    return card


def _state(tx: Tx, life: Life) -> ApplicationState:
    application = tx.applications.application(life.number)
    assert application is not None
    return application.state


def _fees(tx: Tx, life: Life) -> list[Fee]:
    application = tx.applications.application(life.number)
    assert application is not None
    every = tx.applications.fees(application.municipality, date.min, date.max)
    return [fee for fee in every if fee.application == life.number]


def _unlocks(life: Life) -> list[bytes]:
    every = life.counter.read(lambda tx: tx.unlocks.open_of_card(life.serial))
    return [unlock.unlock_id for unlock in every]
