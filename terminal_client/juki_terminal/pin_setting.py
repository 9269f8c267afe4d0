"""Setting a PIN at the card in the reader: no message leaves the terminal (card-edge profile, 4).

A channel of PACE without rights, opened by the old PIN, by the transport PIN of a card that was not
handed over, or by the CAN after a window took the PIN away, permits one command: the new PIN.

A card that goes away while that command runs has either the old PIN or the new one, and all its
tries; PIN_CHANGE_INCONCLUSIVE says so. What to do then: try the new PIN first, because a wrong PIN
costs a try, and the right one gives all of them back. `finish_first_pin` does this at hand-over.
"""

from __future__ import annotations

import secrets
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from juki_card import eac, pace, pin_management
from juki_card.apdu import ResponseAPDU
from juki_card.errors import CardRemoved, PinWrong, SecureMessagingError
from juki_card.flow import run
from juki_card.passwords import PasswordReference
from juki_client.outcome import Problem
from juki_terminal.card_problems import card_problems
from juki_terminal.reader import connected

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from juki_card.apdu import CommandAPDU
    from juki_card.passwords import Can, Password, Pin, TransportPin
    from juki_card.secure_messaging import ReaderChannel
    from juki_terminal.new_pin import NewPinSource
    from juki_terminal.pin import PinSource
    from juki_terminal.reader import Reader


def _ignore(tries_left: int) -> None:  # noqa: ARG001  # nobody waits
    return


@dataclass(frozen=True, slots=True)
class Patient:
    """Randomness of this terminal, how long it waits, in seconds, and who hears of a wrong PIN."""

    card_wait_seconds: float = 30.0
    pin_timeout_seconds: float = 90.0
    random: Callable[[int], bytes] = secrets.token_bytes
    pin_was_wrong: Callable[[int], None] = _ignore


def change_pin(
    reader: Reader, old: PinSource, new: NewPinSource, patient: Patient | None = None
) -> None:
    """Replace the holder's PIN by another, after the old one.

    Both are asked before either is used, so that a new PIN that breaks the rule costs nothing.
    A wrong old PIN is asked for again, as long as there are tries. Raises Problem: what the sources
    raise, PIN_WRONG, PIN_LOCKED, and those of the card and the reader, after which the card has the
    old PIN; and PIN_CHANGE_INCONCLUSIVE, after which it has the old one or the new one.
    """
    around = patient or Patient()
    with _card(reader, around) as card:
        selected = card.select(PasswordReference.PIN)
        known = old.ask(selected.password.tries_left, around.pin_timeout_seconds)
        chosen = new.ask(around.pin_timeout_seconds)
        while (wrong := card.try_pin(selected, known, chosen)) is not None:
            around.pin_was_wrong(wrong.tries_left)
            selected = card.select(PasswordReference.PIN)
            known = _asked_again(old, selected.password.tries_left, around, wrong)


def set_first_pin(
    reader: Reader, transport_pin: TransportPin, new: Pin, patient: Patient | None = None
) -> None:
    """Set the holder's own PIN at hand-over, once, with the transport PIN that the center keeps.

    Raises Problem as `change_pin`; PIN_WRONG where the card has not this transport PIN (any more).
    """
    around = patient or Patient()
    with _card(reader, around) as card:
        card.set_pin(card.select(PasswordReference.PIN), transport_pin, new)


def finish_first_pin(
    reader: Reader, transport_pin: TransportPin, new: Pin, patient: Patient | None = None
) -> None:
    """Set the first PIN after PIN_CHANGE_INCONCLUSIVE, whether or not the card has it already.

    The new PIN is tried first. Where it is wrong the card still has the transport PIN, which gives
    all tries back. Where both are wrong, the holder has typed another PIN than before: two tries
    are gone, and the next call begins with the PIN that is typed then. Raises Problem as
    `set_first_pin`.
    """
    around = patient or Patient()
    with _card(reader, around) as card:
        try:
            card.open(card.select(PasswordReference.PIN), new).close()
        except PinWrong as error:
            if error.tries_left == 0:
                raise
            card.set_pin(card.select(PasswordReference.PIN), transport_pin, new)


def set_pin_after_unlock(
    reader: Reader, can: Can, new: Pin, patient: Patient | None = None
) -> None:
    """Set a new PIN on a card whose PIN a window has taken away, with the number from its face.

    Raises Problem: CARD_ACCESS_NUMBER_WRONG; CARD_REFUSED (6982) where the card has a PIN, which
    after a cut means that the new one was set; PIN_CHANGE_INCONCLUSIVE, and those of the card and
    the reader.
    """
    around = patient or Patient()
    with _card(reader, around) as card:
        card.set_pin(card.select(PasswordReference.CAN), can, new)


@contextmanager
def _card(reader: Reader, patient: Patient) -> Iterator[_LocalCard]:
    with connected(reader, patient.card_wait_seconds), card_problems():
        yield _LocalCard(reader, patient)


class _LocalCard:
    """The card in the reader, without a center."""

    def __init__(self, reader: Reader, patient: Patient) -> None:
        self._reader = reader
        self._random = patient.random

    def select(self, reference: PasswordReference) -> eac.Prepared:
        """Name the password that comes next, and learn the tries that are left of a PIN."""
        return run(eac.prepare(None, reference), self._transmit)

    def open(self, selected: eac.Prepared, password: Password) -> ReaderChannel:
        """Run PACE; raise PinWrong, CanWrong and what else `pace.establish` raises."""
        octets = self._random(pace.random_size(selected.access.domain))
        ephemerals = pace.Ephemerals.from_random(selected.access.domain, octets)
        opened = run(pace.establish(password, selected.access, ephemerals), self._transmit)
        return opened.channel

    def set_pin(self, selected: eac.Prepared, password: Password, new: Pin) -> None:
        """Open the card and set its PIN; raise Problem PIN_CHANGE_INCONCLUSIVE besides."""
        with closing(self.open(selected, password)) as channel, _inconclusive():
            run(pin_management.change_pin(channel, new), self._transmit)

    def try_pin(self, selected: eac.Prepared, pin: Pin, new: Pin) -> PinWrong | None:
        """Set the PIN, or return what the card said of a wrong one while it has tries left."""
        try:
            self.set_pin(selected, pin, new)
        except PinWrong as error:
            if error.tries_left == 0:
                raise
            return error
        return None

    def _transmit(self, command: CommandAPDU) -> ResponseAPDU:
        return ResponseAPDU.decode(self._reader.transmit(command.encode()))


@contextmanager
def _inconclusive() -> Iterator[None]:
    """Report that nobody saw the card's answer to the one command that changes it."""
    try:
        yield
    except Problem as problem:
        raise Problem("PIN_CHANGE_INCONCLUSIVE", {"cause": problem.reason}) from problem
    except (CardRemoved, SecureMessagingError) as error:
        cause = "CARD_REMOVED" if isinstance(error, CardRemoved) else "CARD_REFUSED"
        raise Problem("PIN_CHANGE_INCONCLUSIVE", {"cause": cause}) from error


def _asked_again(old: PinSource, tries_left: int | None, patient: Patient, wrong: PinWrong) -> Pin:
    """Ask for the old PIN again; where nothing follows a wrong PIN, the wrong PIN is the end."""
    try:
        return old.ask(tries_left, patient.pin_timeout_seconds)
    except Problem as problem:
        if problem.reason == "PIN_NOT_ENTERED":
            raise wrong from problem
        raise
