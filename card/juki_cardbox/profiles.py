"""The two kinds of cards that can be made: our own, and one that stock eID software takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from juki_card import tlv
from juki_card.ec import BRAINPOOL_P256R1, P256, Domain

_TEMPLATE: Final = 0x61
_NAME: Final = 0x4F
_LABEL: Final = 0x50
_PATH: Final = 0x51
_INSIDE: Final = 0x73

JUKI_APPLICATION: Final = bytes.fromhex("f04a554b4901")
EID_APPLICATION: Final = bytes.fromhex("e80704007f00070302")
_ESIGN: Final = bytes.fromhex("a000000167455349474e")
_ESIGN_INFORMATION: Final = bytes.fromhex("e828bd080f") + _ESIGN
_TRAVEL_DOCUMENT: Final = bytes.fromhex("a0000002471001")


@dataclass(frozen=True, slots=True)
class Profile:
    """What cards of a kind have in common. `directory` is the content of EF.DIR."""

    name: str
    application: bytes
    domain: Domain
    pin_digits: int
    suspends_last_try: bool
    directory: bytes


def _entry(application: bytes, rest: bytes = b"") -> bytes:
    """Return an application template of EF.DIR (ISO/IEC 7816-4, 12.2.3)."""
    return tlv.encode(_TEMPLATE, tlv.encode(_NAME, application) + rest)


def _stock_directory() -> bytes:
    """Return EF.DIR as stock clients recognise an eID card: four applications, in this order."""
    information = (
        tlv.encode(_LABEL, b"CIA zu DF.eSign")
        + tlv.encode(_PATH, b"")
        + tlv.encode(_INSIDE, tlv.encode(_NAME, _ESIGN))
    )
    applications = (_TRAVEL_DOCUMENT, EID_APPLICATION, _ESIGN)
    return _entry(_ESIGN_INFORMATION, information) + b"".join(map(_entry, applications))


JUKI: Final = Profile(
    name="juki",
    application=JUKI_APPLICATION,
    domain=P256,
    pin_digits=4,
    suspends_last_try=False,
    directory=_entry(JUKI_APPLICATION),
)
NPA: Final = Profile(
    name="npa",
    application=EID_APPLICATION,
    domain=BRAINPOOL_P256R1,
    pin_digits=6,
    suspends_last_try=True,
    directory=_stock_directory(),
)
PROFILES: Final = {profile.name: profile for profile in (JUKI, NPA)}
