"""One turn of the table: what a row is given, and what it makes of it.

A row either returns a `Transition` or raises: `Refused` names its status word, and what the parsers
and verifiers of the protocol raise has a status word too. Every refusal that is raised drops the
session.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from juki_card.apdu import SW, ResponseAPDU
from juki_card.errors import AuthenticationFailed, CardError, ParseError
from juki_card.virtual.session import Session

if TYPE_CHECKING:
    from juki_card.apdu import CommandAPDU
    from juki_card.virtual.blank_memory import BlankMemory
    from juki_card.virtual.chance import Chance
    from juki_card.virtual.memory import CardMemory
    from juki_card.virtual.session import SecuredBy, Stage

Memory: TypeAlias = "CardMemory | BlankMemory"
"""What a chip keeps without power: a card's, or that of a blank which TERMINATE makes a card."""


class Refused(CardError):
    """The table has no such row, or the row's conditions are not met; the session is dropped."""

    def __init__(self, status_word: int) -> None:
        super().__init__(f"refused with {status_word:04X}")
        self.status_word = status_word


@dataclass(frozen=True, slots=True)
class Transition:
    """What a command led to. The driver saves `memory`, then sends `answer`.

    Where `answer` is None the driver saves `memory` and calls `proceed`: a try is counted before
    the secret is compared.
    """

    memory: Memory
    session: Session
    answer: ResponseAPDU | None


@dataclass(frozen=True, slots=True)
class Turn:
    """A card and one plain command to it; `room` is how much data the answer can carry."""

    memory: CardMemory
    session: Session
    command: CommandAPDU
    chance: Chance
    room: int

    def answer(self, data: bytes = b"", sw: int = SW.OK) -> Transition:
        """Answer and change nothing."""
        return Transition(self.memory, self.session, ResponseAPDU(data, sw))

    def onward(
        self,
        stage: Stage,
        data: bytes = b"",
        *,
        sw: int = SW.OK,
        memory: CardMemory | None = None,
        secured: SecuredBy | None = None,
    ) -> Transition:
        """Answer and go to `stage`, with a new memory or new keys where they are given."""
        session = replace(self.session, stage=stage, secured=secured or self.session.secured)
        return Transition(memory or self.memory, session, ResponseAPDU(data, sw))

    def dropped(self, sw: int) -> Transition:
        """Answer with a refusal and forget the session."""
        return Transition(self.memory, Session(), ResponseAPDU(b"", sw))

    def expects_no_answer_data(self) -> None:
        """Refuse an Le where the norm has none: real cards do (ISO/IEC 7816-4, 5.2)."""
        if self.command.ne:
            raise Refused(SW.WRONG_LENGTH)

    def expects_no_data(self) -> None:
        """Refuse command data where the norm has none."""
        if self.command.data:
            raise Refused(SW.WRONG_LENGTH)

    def expects_answer_data(self) -> None:
        """Refuse a missing Le where the answer has data."""
        if not self.command.ne:
            raise Refused(SW.WRONG_LENGTH)


def status_word_of(error: CardError) -> int:
    """Return what a card says of something that its parsers or verifiers raised."""
    match error:
        case Refused():
            return error.status_word
        case ParseError():
            return SW.WRONG_DATA
        case AuthenticationFailed():
            return SW.AUTHENTICATION_FAILED
        case _:
            return SW.CONDITIONS_NOT_SATISFIED
