"""The messages of a card session between the wire and the card protocol.

Each function checks one message of the terminal, or writes one of the center's. In which order
they come, and what they prove, is decided by the session.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from juki_card import eac
from juki_card.apdu import ResponseAPDU
from juki_card.errors import ParseError
from juki_center.areas.cards.register import Purpose
from juki_center.errors import Reason, Refusal
from jukinet.card.v1 import card_session_service_pb2 as pb
from jukinet.options.v1 import options_pb2

if TYPE_CHECKING:
    from datetime import datetime

    from juki_card.flow import Answers, Batch

VERSION: Final = 1
_CARD_ACCESS: Final = 1_024
_STATUS_WORDS: Final = 64
_TRUST_POINT: Final = 16
_ATTESTATION: Final = 80
_ACT_ID: Final = 16
_PURPOSE_PREFIX: Final = "PURPOSE_"


@dataclass(frozen=True, slots=True)
class Ready:
    """What the card showed while PACE and the first half of Terminal Authentication ran."""

    card_access: bytes = field(repr=False)
    trust_point: str
    id_picc: bytes = field(repr=False)
    r_picc: bytes = field(repr=False)
    status_words: tuple[int, ...]
    attested_at: int
    """Seconds since 1970, by the terminal's clock."""
    attestation: bytes = field(repr=False)

    def report(self) -> eac.Ready:
        """Return the part that the card protocol looks at."""
        return eac.Ready(
            self.card_access, self.trust_point, self.id_picc, self.r_picc, self.status_words
        )


def malformed(name: str) -> Refusal:
    """Return the refusal of a message whose field does not fit."""
    return Refusal(Reason.ANSWERS_MALFORMED, field=name)


@dataclass(frozen=True, slots=True)
class Hello:
    """What a session is for; `act_id` names the unlock of PIN_UNLOCK, 16 bytes, else is empty."""

    purpose: Purpose
    act_id: bytes = b""


def hello(message: pb.Hello) -> Hello:
    """Return what the session is for.

    Raises Refusal: PURPOSE_UNKNOWN, VERSION_UNSUPPORTED, and ANSWERS_MALFORMED for an act that the
    purpose lacks or has no use for.
    """
    if VERSION not in message.versions:
        raise Refusal(Reason.VERSION_UNSUPPORTED, supported=str(VERSION))
    value = options_pb2.Purpose.DESCRIPTOR.values_by_number.get(message.purpose)
    name = value.name.removeprefix(_PURPOSE_PREFIX) if value is not None else ""
    if name not in Purpose.__members__:
        raise Refusal(Reason.PURPOSE_UNKNOWN)
    purpose = Purpose[name]
    wanted = _ACT_ID if purpose is Purpose.PIN_UNLOCK else 0
    _within("act_id", message.act_id, wanted, wanted)
    return Hello(purpose, message.act_id)


def purpose_number(purpose: Purpose) -> int:
    """Return the proto's number of a purpose, as the card's auxiliary data carry it."""
    return options_pb2.Purpose.Value(_PURPOSE_PREFIX + purpose.value)


def ready(message: pb.Ready) -> Ready:
    """Check the lengths of what the terminal reports; raise ANSWERS_MALFORMED."""
    _within("atr", message.atr, 2, 33)
    _within("card_access", message.card_access, 1, _CARD_ACCESS)
    _within("id_picc", message.id_picc, 32, 32)
    _within("r_picc", message.r_picc, 8, 8)
    _within("attestation", message.attestation, 8, _ATTESTATION)
    if not 1 <= len(message.trust_point) <= _TRUST_POINT:
        raise malformed("trust_point")
    words = tuple(message.status_words)
    if len(words) > _STATUS_WORDS or any(word > 0xFFFF for word in words):
        raise malformed("status_words")
    if message.attested_at.seconds < 0:
        raise malformed("attested_at")
    return Ready(
        card_access=message.card_access,
        trust_point=message.trust_point,
        id_picc=message.id_picc,
        r_picc=message.r_picc,
        status_words=words,
        attested_at=message.attested_at.seconds,
        attestation=message.attestation,
    )


def _within(name: str, value: bytes, least: int, most: int) -> None:
    if not least <= len(value) <= most:
        raise malformed(name)


def answers(message: pb.Answers, batch: Batch, number: int) -> Answers:
    """Return the answers to batch `number`, which are as many as a terminal could have got.

    Raise STEP_OUT_OF_ORDER for another batch's number, ANSWERS_TRUNCATED where one is missing,
    ANSWERS_MALFORMED for what no run of the batch gives.
    """
    if message.batch_number != number:
        expected, got = f"answers {number}", f"answers {message.batch_number}"
        raise Refusal(Reason.STEP_OUT_OF_ORDER, expected=expected, got=got)
    responses = _decoded(message)
    if len(responses) > len(batch.steps):
        raise malformed("responses")
    accepted = [step.accepts(one) for step, one in zip(batch.steps, responses, strict=False)]
    if not all(accepted[:-1]):
        raise malformed("responses")
    if len(responses) < len(batch.steps) and all(accepted):
        raise Refusal(
            Reason.ANSWERS_TRUNCATED, expected=str(len(batch.steps)), got=str(len(responses))
        )
    return responses


def _decoded(message: pb.Answers) -> Answers:
    try:
        return tuple(ResponseAPDU.decode(octets) for octets in message.responses)
    except ParseError:
        raise malformed("responses") from None


def batch_of(batch: Batch, number: int, protection: pb.Batch.Protection.ValueType) -> pb.Batch:
    """Translate a batch for the wire."""
    commands = [
        pb.Command(apdu=step.apdu.encode(), acceptable_status_words=sorted(step.accept))
        for step in batch.steps
    ]
    return pb.Batch(number=number, protection=protection, commands=commands)


def batch_message(
    batch: Batch, number: int, protection: pb.Batch.Protection.ValueType
) -> pb.AuthenticateResponse:
    """Write a batch."""
    return pb.AuthenticateResponse(batch=batch_of(batch, number, protection))


def result_message(
    session_id: bytes, usable_until: datetime, transcript_hash: bytes
) -> pb.AuthenticateResponse:
    """Write the result."""
    message = pb.Result(session_id=session_id, transcript_hash=transcript_hash)
    message.usable_until.FromDatetime(usable_until)
    return pb.AuthenticateResponse(result=message)
