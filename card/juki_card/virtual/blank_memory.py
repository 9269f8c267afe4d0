"""What a blank chip keeps without power, until TERMINATE makes a card's memory of it.

Every part is written once; its key of Chip Authentication is made once. Parts never change, so a
run that is taken up again finds what the first one wrote, and nothing of another card.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from juki_card import blank, ec
from juki_card.apdu import SW
from juki_card.blank import NOTHING, ChipState, Part, TrustContent
from juki_card.blank_key import check_chip_serial
from juki_card.card_access import CA_KEY_ID
from juki_card.virtual.memory import (
    Access,
    CardMemory,
    Directory,
    ElementaryFile,
    PinRecord,
    PinState,
)
from juki_card.virtual.turn import Refused

if TYPE_CHECKING:
    from juki_card.blank_key import BlankKey
    from juki_card.ec import Domain, PrivateKey
    from juki_card.passwords import Can, TransportPin

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class BlankMemory:
    """A chip that is no card yet.

    `files` are those of its mask, EF.DIR and EF.CardAccess, which are the same for a whole batch
    and can be read once it is a card.
    """

    chip_serial: bytes
    key: BlankKey
    application: bytes
    domain: Domain
    files: tuple[ElementaryFile, ...]
    chip_key: PrivateKey | None = None
    trust: TrustContent | None = None
    dg1: bytes | None = None
    card_security: bytes | None = None
    can: Can | None = None
    transport_pin: TransportPin | None = None

    def __post_init__(self) -> None:
        check_chip_serial(self.chip_serial)

    def __repr__(self) -> str:
        """Show nothing that is secret or that tells chips apart."""
        return f"BlankMemory({self.done!r})"

    @property
    def done(self) -> Part:
        """The parts that are there."""
        held = {
            Part.CHIP_KEY: self.chip_key,
            Part.TRUST: self.trust,
            Part.DG1: self.dg1,
            Part.CARD_SECURITY: self.card_security,
            Part.CAN: self.can,
            Part.TRANSPORT_PIN: self.transport_pin,
        }
        done = NOTHING
        for part, value in held.items():
            done |= NOTHING if value is None else part
        return done

    @property
    def point(self) -> bytes | None:
        """The public key of Chip Authentication, uncompressed."""
        return None if self.chip_key is None else ec.encode_point(self.chip_key.public_key())

    def state(self, *, protected: bool) -> ChipState:
        """Return what GET STATE tells."""
        if not protected:
            return ChipState(self.chip_serial, self.done)
        trust = None if self.trust is None else blank.digest(self.trust.encode())
        security = None if self.card_security is None else blank.digest(self.card_security)
        return ChipState(self.chip_serial, self.done, self.point, trust, security)

    def with_key(self, key: PrivateKey) -> BlankMemory:
        """Return the memory with its key of Chip Authentication."""
        return replace(self, chip_key=key)

    def holding(self, part: Part, content: bytes) -> BlankMemory:
        """Return the memory after PUT CONTENT: this one where it holds the same already.

        Raises Refused where it holds something else or has no key yet, ParseError and
        AuthenticationFailed where the content cannot be on a card.
        """
        match part:
            case Part.TRUST:
                trust = TrustContent.decode(content)
                return replace(self, trust=_once(self.trust, trust))
            case Part.DG1:
                return replace(self, dg1=_once(self.dg1, blank.decode_dg1(content)))
            case Part.CARD_SECURITY:
                security = blank.decode_card_security(content, _there(self.point))
                return replace(self, card_security=_once(self.card_security, security))
            case Part.CAN:
                return replace(self, can=_once(self.can, blank.decode_can(content)))
            case _:
                pin = blank.decode_transport_pin(content)
                return replace(self, transport_pin=_once(self.transport_pin, pin))

    def card(self) -> CardMemory:
        """Return the card that TERMINATE makes; raise Refused where a part is missing.

        Chip serial and key of the blank are forgotten: the serial would tell cards apart.
        """
        trust = _there(self.trust)
        security, dg1 = _there(self.card_security), _there(self.dg1)
        written = (
            ElementaryFile(Directory.MASTER_FILE, 0x011D, 0x1D, Access.TERMINAL, security),
            ElementaryFile(Directory.APPLICATION, 0x0101, 0x01, Access.READ_DG1, dg1),
        )
        return CardMemory(
            application=self.application,
            files=(*self.files, *written),
            chip_key=_there(self.chip_key),
            chip_key_id=CA_KEY_ID,
            trust_points=trust.trust_points,
            today=trust.today,
            pin=PinRecord(PinState.TRANSPORT, _there(self.transport_pin)),
            can=_there(self.can),
        )


def _once(held: T | None, content: T) -> T:
    """Return the content; raise Refused where something else is held."""
    if held is not None and held != content:
        raise Refused(SW.FILE_EXISTS)
    return content


def _there(held: T | None) -> T:
    """Return what is held; raise Refused where it is missing."""
    if held is None:
        raise Refused(SW.CONDITIONS_NOT_SATISFIED)
    return held
