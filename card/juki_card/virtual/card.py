"""The card: command chaining and secure messaging around the table.

`process` takes octets as a reader brings them and returns what the card remembers, knows and
answers. It raises nothing for any octets (the h2 rule: what is not in the table is refused and
drops the session).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from juki_card.apdu import CHAINING, SHORT_NE, SW, CommandAPDU, ResponseAPDU
from juki_card.errors import CardError, SecureMessagingError
from juki_card.secure_messaging import CLA_PROTECTED
from juki_card.virtual import blank, pace
from juki_card.virtual.blank import BlankTurn
from juki_card.virtual.blank_memory import BlankMemory
from juki_card.virtual.orders import GENERAL_AUTHENTICATE
from juki_card.virtual.session import Counted, SecuredBy, Session
from juki_card.virtual.table import look_up
from juki_card.virtual.turn import Refused, Transition, Turn, status_word_of

if TYPE_CHECKING:
    from juki_card.virtual.chance import Chance
    from juki_card.virtual.turn import Memory

MOST_CHAINED: Final = 4_096
"""Octets of one chained command that the card's buffer takes."""
_INVALID_CLASS: Final = 0xFF
"""Commands for the reader itself, which a reader without that function passes on."""
_BLOCK: Final = 16
_ENVELOPE: Final = 14
"""Status and MAC objects of a protected answer: 99 02 sw, 8E 08 mac."""


def process(memory: Memory, session: Session, octets: bytes, chance: Chance) -> Transition:
    """Answer one command APDU.

    The driver saves the memory before it sends the answer; where the answer is None it saves the
    memory and calls `proceed`.
    """
    try:
        command = CommandAPDU.decode(octets)
        return _assembled(memory, session, command, chance)
    except CardError as error:
        return _dropped(memory, status_word_of(error))


def proceed(memory: Memory, session: Session) -> Transition:
    """Compare the secret whose try was counted and saved (PACE, last step)."""
    stage = session.stage
    if not isinstance(stage, Counted) or isinstance(memory, BlankMemory):
        return _dropped(memory, SW.CONDITIONS_NOT_SATISFIED)
    return _protected(session.secured, pace.compare(memory, session, stage))


def _assembled(
    memory: Memory, session: Session, command: CommandAPDU, chance: Chance
) -> Transition:
    """Collect a chain before anything looks at it (ISO/IEC 7816-4, 5.3.3).

    GENERAL AUTHENTICATE uses the same class bit for the steps of a protocol.
    """
    _check_class(session, command)
    if session.chained is not None:
        command = _joined(session.chained, command)
    if command.cla & CHAINING and command.ins != GENERAL_AUTHENTICATE:
        if command.ne or len(command.data) > MOST_CHAINED:
            raise Refused(SW.WRONG_LENGTH)
        return Transition(memory, replace(session, chained=command), ResponseAPDU(b"", SW.OK))
    return _opened(memory, replace(session, chained=None), command, chance)


def _check_class(session: Session, command: CommandAPDU) -> None:
    """Refuse a plain command in a channel, and a protected one without a channel."""
    if command.cla == _INVALID_CLASS:
        raise Refused(SW.CLA_NOT_SUPPORTED)
    protection = command.cla & CLA_PROTECTED
    if session.secured is None and protection:
        raise Refused(SW.SM_NOT_SUPPORTED)
    if session.secured is not None and protection != CLA_PROTECTED:
        raise Refused(SW.SM_MISSING)


def _joined(first: CommandAPDU, part: CommandAPDU) -> CommandAPDU:
    same = (part.cla | CHAINING, part.ins, part.p1, part.p2)
    if same != (first.cla, first.ins, first.p1, first.p2):
        raise Refused(SW.CONDITIONS_NOT_SATISFIED)
    return replace(part, data=first.data + part.data)


def _opened(memory: Memory, session: Session, command: CommandAPDU, chance: Chance) -> Transition:
    """Take secure messaging off, ask the table, put it on again."""
    secured = session.secured
    if secured is None:
        return _obeyed(memory, session, command, chance, room=command.ne)
    if not command.ne:
        raise Refused(SW.WRONG_LENGTH)
    try:
        plain = secured.channel().unwrap(command)
    except SecureMessagingError:
        raise Refused(SW.SM_INCORRECT) from None
    try:
        outcome = _obeyed(memory, session, plain, chance, room=_room(command.ne))
    except CardError as error:
        # The refusal is still protected; the session is dropped with it.
        outcome = _dropped(memory, status_word_of(error))
    return _protected(secured, outcome)


def _obeyed(
    memory: Memory, session: Session, command: CommandAPDU, chance: Chance, *, room: int
) -> Transition:
    """Ask the table of a card, or that of a blank."""
    if isinstance(memory, BlankMemory):
        return blank.look_up(BlankTurn(memory, session, command, chance, room))
    return look_up(Turn(memory, session, command, chance, room))


def _protected(secured: SecuredBy | None, outcome: Transition) -> Transition:
    """Protect an answer with the keys that its command came under, and count the exchange."""
    if secured is None or outcome.answer is None:
        return outcome
    answer = secured.channel(unanswered=1).wrap(outcome.answer)
    session = outcome.session
    if session.secured is secured:
        session = replace(session, secured=replace(secured, exchanges=secured.exchanges + 1))
    return Transition(outcome.memory, session, answer)


def _room(ne: int) -> int:
    """Return how many plain octets fit a protected answer of at most `ne` octets."""
    if not ne:
        return 0
    cryptogram = ne - _ENVELOPE - (4 if ne <= SHORT_NE else 5)
    return max(0, cryptogram // _BLOCK * _BLOCK - 1)


def _dropped(memory: Memory, status_word: int) -> Transition:
    return Transition(memory, Session(), ResponseAPDU(b"", status_word))
