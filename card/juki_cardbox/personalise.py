"""Making a card: its chip key, its files, its trust point, its PIN and its CAN.

Everything comes as an argument; the card file is written once and never over another.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from juki_card import card_security, ec, resident_code
from juki_card.card_access import CA_KEY_ID, CardAccess
from juki_card.errors import ParseError
from juki_card.passwords import Pin
from juki_card.virtual.chance import draw_scalar
from juki_card.virtual.memory import (
    Access,
    CardMemory,
    Directory,
    ElementaryFile,
    PinRecord,
    PinState,
)
from juki_cardbox.cardfile import CardFile
from juki_cardbox.profiles import JUKI
from juki_cardbox.slot import SystemChance

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    from juki_card.cvc import CVCertificate
    from juki_card.passwords import Can, TransportPin
    from juki_card.virtual.chance import Chance
    from juki_cardbox.profiles import Profile


@dataclass(frozen=True, slots=True)
class CardSigner:
    """Who vouches for chip keys: an X.509 certificate, DER, and its key."""

    certificate: bytes
    key: ec.PrivateKey

    def __repr__(self) -> str:
        """Show nothing of the key."""
        return "CardSigner(***)"


@dataclass(frozen=True, slots=True)
class Personalisation:
    """What is put on one card.

    A TransportPin makes a card that was not handed over yet; without a resident code the card has
    no EF.DG1, as a clerk's. `today` is the date that the card knows at first.
    """

    pin: Pin | TransportPin
    can: Can
    trust_point: CVCertificate
    signer: CardSigner
    today: date
    resident_code: str | None = None
    profile: Profile = JUKI


def make_card(path: Path, wanted: Personalisation, *, chance: Chance | None = None) -> CardMemory:
    """Make a card file with a fresh chip key and return what the card remembers.

    Raises CardExists where there is such a file, ParseError where the PIN or the resident code is
    not what the profile wants.
    """
    memory = make_memory(wanted, chance or SystemChance())
    CardFile(path).create(memory)
    return memory


def make_memory(wanted: Personalisation, chance: Chance) -> CardMemory:
    """Return the memory of a card with a fresh chip key."""
    profile = wanted.profile
    if isinstance(wanted.pin, Pin) and len(wanted.pin.octets()) != profile.pin_digits:
        raise ParseError(f"PIN: profile {profile.name} wants {profile.pin_digits} digits")
    chip_key = draw_scalar(chance, profile.domain).key()
    state = PinState.OPERATIONAL if isinstance(wanted.pin, Pin) else PinState.TRANSPORT
    return CardMemory(
        application=profile.application,
        files=_files(wanted, chip_key),
        chip_key=chip_key,
        chip_key_id=CA_KEY_ID,
        trust_points=(wanted.trust_point,),
        today=wanted.today,
        pin=PinRecord(state, wanted.pin),
        can=wanted.can,
        pin_digits=profile.pin_digits,
        suspends_last_try=profile.suspends_last_try,
    )


def serial_of(memory: CardMemory) -> bytes:
    """Return the card's serial as the center's register has it, 32 octets."""
    return _public(memory.chip_key).serial


def mask_files(profile: Profile) -> tuple[ElementaryFile, ...]:
    """Return what every card of a profile has: EF.DIR and EF.CardAccess, free to read."""
    master, access = Directory.MASTER_FILE, CardAccess.offering(profile.domain)
    return (
        ElementaryFile(master, 0x2F00, 0x1E, Access.ALWAYS, profile.directory),
        ElementaryFile(master, 0x011C, 0x1C, Access.ALWAYS, access.encode()),
    )


def _files(wanted: Personalisation, chip_key: ec.PrivateKey) -> tuple[ElementaryFile, ...]:
    signer = wanted.signer
    security = card_security.for_chip(
        _public(chip_key), signer_certificate=signer.certificate, signer_key=signer.key
    )
    files = (
        *mask_files(wanted.profile),
        ElementaryFile(Directory.MASTER_FILE, 0x011D, 0x1D, Access.TERMINAL, security),
    )
    if wanted.resident_code is None:
        return files
    dg1 = resident_code.encode_dg1(wanted.resident_code)
    application = Directory.APPLICATION
    return (*files, ElementaryFile(application, 0x0101, 0x01, Access.READ_DG1, dg1))


def _public(chip_key: ec.PrivateKey) -> card_security.ChipKey:
    point = ec.encode_point(chip_key.public_key())
    return card_security.ChipKey(ec.domain_of_key(chip_key).parameter_id, point, CA_KEY_ID)
