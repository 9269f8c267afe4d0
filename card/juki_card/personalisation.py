"""Making a card of a blank chip: the center's side, as flows (card-edge profile, clause 4).

    identify -> open_chip -> generate_key -> write -> terminate

Each flow is one batch, so the center can commit between any two of them, and a run that was cut off
anywhere begins again with `identify`: what is done is done already, and the chip refuses whatever
differs from it. What the center writes down, and when, is not here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from juki_card import blank, ec
from juki_card.apdu import SW
from juki_card.blank import EVERYTHING, ChipState, Part, TrustContent
from juki_card.blank_key import Challenges, verify_token
from juki_card.card_access import CA_KEY_ID
from juki_card.card_security import ChipKey
from juki_card.errors import (
    AuthenticationFailed,
    CardError,
    ContentDiffers,
    NotABlank,
    UnexpectedStatus,
)
from juki_card.flow import Flow, Step, batch
from juki_card.resident_code import encode_dg1
from juki_card.secure_messaging import ReaderChannel, protected

if TYPE_CHECKING:
    from datetime import date

    from juki_card.blank_key import BlankKey
    from juki_card.cvc import CVCertificate
    from juki_card.passwords import Can, TransportPin

GET_STATE: Final = "GET STATE"
MUTUAL_AUTHENTICATE: Final = "MUTUAL AUTHENTICATE"
DOMAIN: Final = ec.P256
"""The curve of our cards."""
_COMPARED_BY_DIGEST: Final = (Part.TRUST, Part.CARD_SECURITY)


@dataclass(frozen=True, slots=True)
class FoundBlank:
    """A chip that says it is a blank; nothing of it is proved. Its challenge is used once."""

    state: ChipState
    challenge: bytes

    @property
    def chip_serial(self) -> bytes:
        """The serial that the chip names; `MasterKey.blank_key` gives the key for it."""
        return self.state.chip_serial


@dataclass(frozen=True, slots=True)
class OpenChip:
    """A chip that proved its key, the channel to it, and what it holds."""

    channel: ReaderChannel
    state: ChipState

    @property
    def is_complete(self) -> bool:
        """Whether nothing is missing but TERMINATE."""
        return self.state.done == EVERYTHING


@dataclass(frozen=True, slots=True)
class Content:
    """What is put on one card besides its key.

    `card_security` is EF.CardSecurity over the key that `generate_key` gave
    (`card_security.for_chip`). A run that is taken up again wants the same content.
    """

    trust_points: tuple[CVCertificate, ...]
    today: date
    resident_code: str = field(repr=False)
    card_security: bytes = field(repr=False)
    can: Can
    transport_pin: TransportPin

    def parts(self) -> dict[Part, bytes]:
        """Return the octets of each part; raise ParseError where one cannot be on a card."""
        return {
            Part.TRUST: TrustContent(self.trust_points, self.today).encode(),
            Part.DG1: encode_dg1(self.resident_code),
            Part.CARD_SECURITY: self.card_security,
            Part.CAN: self.can.octets(),
            Part.TRANSPORT_PIN: self.transport_pin.octets(),
        }


def identify() -> Flow[FoundBlank]:
    """Ask a chip what it is, and for its challenge: one batch, in the clear.

    A chip whose channel a run before left open refuses once and forgets the channel, so it is asked
    again. Raises NotABlank where it is something else, a card made already among them, ParseError,
    UnexpectedStatus.
    """
    try:
        return (yield from _ask())
    except NotABlank as error:
        if error.status_word != SW.SM_MISSING:
            raise
    return (yield from _ask())


def open_chip(found: FoundBlank, key: BlankKey, challenge: bytes) -> Flow[OpenChip]:
    """Prove both ends to each other, the center first, and read the state: one batch.

    `challenge` are 16 octets drawn for this call alone. The keys of the channel follow from what is
    known before the chip answers, so the protected GET STATE goes along. Raises
    AuthenticationFailed where either end does not have the key, ParseError, SecureMessagingError,
    UnexpectedStatus.
    """
    challenges = Challenges(found.chip_serial, found.challenge, challenge)
    channel = ReaderChannel(key.session_keys(challenges))
    proof = blank.mutual_authenticate(challenge, key.center_token(challenges))
    steps = (
        Step(proof, MUTUAL_AUTHENTICATE),
        Step(channel.wrap(blank.get_state()), GET_STATE),
    )
    try:
        token, told = yield from batch(*steps)
    except UnexpectedStatus as error:
        if (error.status_word, error.command) == (SW.AUTHENTICATION_FAILED, MUTUAL_AUTHENTICATE):
            raise AuthenticationFailed("blank chip: it does not take the center's key") from error
        raise
    verify_token(key.chip_token(challenges), token.data, whose="chip")
    state = ChipState.decode(channel.unwrap(told).data)
    if state.chip_serial != found.chip_serial:
        raise AuthenticationFailed("blank chip: it named another serial in the clear")
    return OpenChip(channel, state)


def generate_key(chip: OpenChip) -> Flow[ChipKey]:
    """Have the chip make its key of Chip Authentication, or tell the one that it has: one batch.

    `ChipKey.serial` is the card's serial in the register. Raises ParseError, SecureMessagingError,
    UnexpectedStatus, and AuthenticationFailed where the chip told another key before.
    """
    step = Step(blank.generate_key(), "GENERATE KEY")
    (answer,) = yield from protected(batch(step), chip.channel)
    point = blank.decode_public_key(answer.data, DOMAIN)
    if chip.state.point not in (None, point):
        raise AuthenticationFailed("blank chip: it has another key than it told")
    return ChipKey(DOMAIN.parameter_id, point, CA_KEY_ID)


def write(chip: OpenChip, content: Content) -> Flow[None]:
    """Put everything on the chip: one batch.

    A part that is there with the same digest is not sent again; resident code, CAN and transport
    PIN are always sent, because only the chip may compare them. Raises ContentDiffers, which names
    the part, where the chip holds something else, ParseError, SecureMessagingError,
    UnexpectedStatus.
    """
    steps = {
        f"PUT CONTENT ({part.name})": (part, octets)
        for part, octets in content.parts().items()
        if not _is_there(chip.state, part, octets)
    }
    wanted = (Step(blank.put_content(*what), name) for name, what in steps.items())
    try:
        yield from protected(batch(*wanted), chip.channel)
    except UnexpectedStatus as error:
        if error.status_word == SW.FILE_EXISTS:
            raise ContentDiffers(str(steps[error.command][0].name)) from error
        raise


def terminate(chip: OpenChip) -> Flow[None]:
    """Make the blank a card: one batch, and the only step that cannot be taken again.

    The channel is dead afterwards. Raises SecureMessagingError, and UnexpectedStatus where a part
    is missing (6985). Where no answer comes it may have happened: then `identify` raises NotABlank.
    """
    step = Step(blank.terminate(), "TERMINATE")
    try:
        yield from protected(batch(step), chip.channel)
    finally:
        chip.channel.close()


def _ask() -> Flow[FoundBlank]:
    steps = (Step(blank.get_state(), GET_STATE), Step(blank.get_challenge(), "GET CHALLENGE"))
    try:
        state, challenge = yield from batch(*steps)
    except UnexpectedStatus as error:
        if error.command == GET_STATE:
            raise NotABlank(error.status_word) from error
        raise
    return FoundBlank(ChipState.decode(state.data), challenge.data)


def _is_there(state: ChipState, part: Part, octets: bytes) -> bool:
    """Say whether a part is there with this content; raise ContentDiffers where it differs."""
    if part not in _COMPARED_BY_DIGEST or part not in state.done:
        return False
    known = state.trust_digest if part is Part.TRUST else state.security_digest
    if known is None:
        raise CardError("blank chip: no digest of a part that is done")
    if known != blank.digest(octets):
        raise ContentDiffers(str(part.name))
    return True
