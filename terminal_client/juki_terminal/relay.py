"""Batches from the center to the card and answers back, until the result.

The terminal protects batches that the center leaves plain, and sends the others as they are: it
cannot read them. Within the channel of the PIN it passes on only what a card session consists of,
so that not even the center can make it change a PIN.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from juki_card.apdu import CommandAPDU, ResponseAPDU
from juki_card.errors import CardError, ParseError, SecureMessagingError
from juki_client.outcome import Problem
from jukinet.card.v1 import card_session_service_pb2 as card_pb

if TYPE_CHECKING:
    from collections.abc import Callable

    from juki_card.flow import Transmit
    from juki_card.secure_messaging import ReaderChannel
    from juki_card.transcript import Transcript
    from juki_terminal.stream import SessionStream

_MAX_BATCHES: Final = 8
_MAX_COMMANDS: Final = 32
_EXTERNAL_AUTHENTICATE: Final = 0x82
_READ_BINARY: Final = 0xB0
_MANAGE_SECURITY_ENVIRONMENT: Final = 0x22
_GENERAL_AUTHENTICATE: Final = 0x86
_RELAYED: Final = frozenset(
    (_EXTERNAL_AUTHENTICATE, _READ_BINARY, _MANAGE_SECURITY_ENVIRONMENT, _GENERAL_AUTHENTICATE)
)


@dataclass(frozen=True, slots=True)
class Relay:
    """A card after PACE, its channel, and the transcript that names the session."""

    transmit: Transmit
    channel: ReaderChannel
    transcript: Transcript
    refuse: Callable[[bytes], object] = lambda _: None
    """Is given the card's serial before the center hears of the card; raises Problem."""

    def run(self, stream: SessionStream) -> card_pb.Result:
        """Relay batches until the result; raise Problem."""
        for number in range(1, _MAX_BATCHES + 1):
            step = stream.receive()
            if step.WhichOneof("step") == "result":
                return step.result
            if step.WhichOneof("step") != "batch" or step.batch.number != number:
                raise Problem("STEP_OUT_OF_ORDER", {"expected": f"batch {number} or result"})
            answers = card_pb.Answers(batch_number=number, responses=self._batch(step.batch))
            stream.send(card_pb.AuthenticateRequest(answers=answers))
        raise Problem("STEP_OUT_OF_ORDER", {"expected": "result"})

    def _batch(self, batch: card_pb.Batch) -> list[bytes]:
        """Run a batch up to the first status word that is not acceptable (TR-03112)."""
        if not 1 <= len(batch.commands) <= _MAX_COMMANDS:
            raise _malformed("commands")
        answers: list[bytes] = []
        read, is_read = b"", batch.protection == card_pb.Batch.PROTECTION_TERMINAL
        for command in batch.commands:
            answer = self._exchange(batch.protection, command)
            self.transcript.add(command.apdu, answer.encode())
            answers.append(answer.encode())
            if is_read and command.apdu[1:2] == bytes([_READ_BINARY]):
                read += answer.data
            if answer.sw not in command.acceptable_status_words:
                break
        self._look(read)
        return answers

    def _look(self, read: bytes) -> None:
        """Have the serial looked at where a batch has read EF.CardSecurity, whole.

        It is a permanent identifier: it is neither kept nor logged. What cannot be read here, the
        center judges.
        """
        try:
            # It loads a parser of ASN.1, which most commands can do without.
            from juki_card import card_security  # noqa: PLC0415

            keys = card_security.parse(read).chip_keys() if read else ()
        except CardError:
            return
        for key in keys:
            self.refuse(key.serial)

    def _exchange(self, protection: int, command: card_pb.Command) -> ResponseAPDU:
        try:
            apdu = CommandAPDU.decode(command.apdu)
        except ParseError as error:
            raise _malformed("apdu") from error
        match protection:
            case card_pb.Batch.PROTECTION_TERMINAL:
                return self._exchange_protected(apdu, command)
            case card_pb.Batch.PROTECTION_END_TO_END:
                return self.transmit(apdu)
            case _:
                raise _malformed("protection")

    def _exchange_protected(self, apdu: CommandAPDU, command: card_pb.Command) -> ResponseAPDU:
        if apdu.ins not in _RELAYED:
            raise Problem("PLAN_NOT_FOR_TERMINAL", {"field": "apdu"})
        answer = self.transmit(self.channel.wrap(apdu))
        try:
            return self.channel.unwrap(answer)
        except SecureMessagingError:
            # A card that gives up the channel says why in clear; the center hears that word.
            if answer.data or answer.sw in command.acceptable_status_words:
                raise
            return answer


def _malformed(field: str) -> Problem:
    return Problem("STEP_OUT_OF_ORDER", {"field": field})
