"""A virtual card in the reader of a virtual terminal, behind PACE.

PACE runs between card and terminal and never reaches the center, so it is left out: card and
terminal get the keys of a channel as if they had agreed on them. Everything that the center sees of
a card is made by the card's own code: certificates are verified, challenges drawn, signatures
checked, the chip authenticated and the file read.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final

from juki_card import eac
from juki_card import terminal_authentication as ta
from juki_card.apdu import CommandAPDU, ResponseAPDU
from juki_card.errors import AuthenticationFailed
from juki_card.flow import batch, run
from juki_card.kdf import KEY_SIZE
from juki_card.passwords import PasswordReference
from juki_card.secure_messaging import ReaderChannel, SessionKeys, protected
from juki_card.virtual.blank_memory import BlankMemory
from juki_card.virtual.card import process
from juki_card.virtual.session import PaceDone, PaceFacts, SecuredBy, Session
from juki_cardbox.slot import SystemChance

if TYPE_CHECKING:
    from juki_card.virtual.memory import CardMemory

ATR: Final = bytes.fromhex("3b80800101")
_ID_OCTETS: Final = 32
_CARD_ACCESS: Final = 0x011C


class HeldCard:
    """A card for one session after the other; what it remembers stays with it."""

    def __init__(self, memory: CardMemory) -> None:
        """Take a card as its file has it; the file is not written again."""
        self._memory = memory
        self._session = Session()
        self._chance = SystemChance()
        self._channel: ReaderChannel | None = None
        self._access = next(f.content for f in memory.files if f.identifier == _CARD_ACCESS)

    def open(self, plan: eac.Plan) -> eac.Ready:
        """Begin a session as behind PACE, and open Terminal Authentication (APDU 7 to 12).

        Raises CardError where the card refuses the plan.
        """
        keys = SessionKeys(secrets.token_bytes(KEY_SIZE), secrets.token_bytes(KEY_SIZE))
        id_picc = secrets.token_bytes(_ID_OCTETS)
        facts = PaceFacts(PasswordReference.PIN, plan.chat, id_picc)
        self._session = Session(stage=PaceDone(facts), secured=SecuredBy(keys))
        self._channel = ReaderChannel(keys)
        chain = plan.chain(anchor.chr for anchor in self._memory.trust_points)
        steps = batch(*plan.opening_steps(chain))
        answers = run(protected(steps, self._channel), self._transmit)
        words = tuple(answer.sw for answer in answers)
        return eac.Ready(self._access, chain.trust_point, id_picc, ta.challenge(answers), words)

    def answer(self, apdu: bytes, *, by_terminal: bool) -> bytes:
        """Answer a command of the center, protected by the terminal's channel or end to end.

        Raises CardError for octets that are no command, and where the channel is broken.
        """
        command = CommandAPDU.decode(apdu)
        if not by_terminal or self._channel is None:
            return self._transmit(command).encode()
        return self._channel.unwrap(self._transmit(self._channel.wrap(command))).encode()

    def _transmit(self, command: CommandAPDU) -> ResponseAPDU:
        turn = process(self._memory, self._session, command.encode(), self._chance)
        if turn.answer is None or isinstance(turn.memory, BlankMemory):
            # Only PACE counts a try, and PACE is left out.
            raise AuthenticationFailed("the card does what no session asks of it")
        # What the card learned of the date, a real one keeps too.
        self._memory, self._session = turn.memory, turn.session
        return turn.answer
