"""EF.CardAccess: the protocols that a card offers to everybody (TR-03110-3, A.1.2).

It is the same for a whole batch of cards. Nobody signed it: the center compares it with
EF.CardSecurity after Terminal Authentication.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from juki_card import ec, oid, security_infos
from juki_card.errors import ParseError
from juki_card.security_infos import (
    CADomainParameters,
    CAInfo,
    PACEInfo,
    SecurityInfo,
    TAInfo,
)

FILE_ID: Final = 0x011C
SHORT_FILE_ID: Final = 0x1C
VERSION_2: Final = 2
CA_KEY_ID: Final = 1
"""The key that our own cards use for Chip Authentication."""
MAX_SIZE: Final = 1024


@dataclass(frozen=True, slots=True)
class CardAccess:
    """The entries of EF.CardAccess, in their order."""

    infos: tuple[SecurityInfo, ...]

    @classmethod
    def offering(cls, domain: ec.Domain, *, ca_key_id: int = CA_KEY_ID) -> CardAccess:
        """Return what a card of our profile offers: PACE, TA 2 and CA 2 on one curve."""
        return cls(
            (
                PACEInfo(oid.PACE_ECDH_GM_AES_128, VERSION_2, domain.parameter_id),
                TAInfo(VERSION_2),
                CAInfo(oid.CA_ECDH_AES_128, VERSION_2, ca_key_id),
                CADomainParameters(domain.parameter_id, ca_key_id),
            )
        )

    @property
    def pace(self) -> PACEInfo:
        """The PACE that we speak; ParseError where the card offers none."""
        for info in self.infos:
            if isinstance(info, PACEInfo) and info.version == VERSION_2 and _known(info):
                return info
        raise ParseError("EF.CardAccess: no PACE that we speak")

    @property
    def chip_authentication(self) -> CAInfo:
        """The Chip Authentication that we speak; ParseError where the card offers none."""
        for info in self.infos:
            if isinstance(info, CAInfo) and info.version == VERSION_2:
                return info
        raise ParseError("EF.CardAccess: no Chip Authentication that we speak")

    @property
    def domain(self) -> ec.Domain:
        """The curve of PACE."""
        return ec.domain_of(self.pace.parameter_id)

    @property
    def chip_authentication_domain(self) -> ec.Domain:
        """The curve of the Chip Authentication key; ParseError where the card names none."""
        key_id = self.chip_authentication.key_id
        for info in self.infos:
            if isinstance(info, CADomainParameters) and info.key_id == key_id:
                return ec.domain_of(info.parameter_id)
        raise ParseError("EF.CardAccess: no curve for Chip Authentication")

    def encode(self) -> bytes:
        """Return the file's octets."""
        return security_infos.encode(self.infos)

    @classmethod
    def decode(cls, octets: bytes) -> CardAccess:
        """Parse the file; raise ParseError."""
        if len(octets) > MAX_SIZE:
            raise ParseError(f"EF.CardAccess: more than {MAX_SIZE} octets")
        return cls(security_infos.decode(octets))


def _known(info: PACEInfo) -> bool:
    return any(domain.parameter_id == info.parameter_id for domain in ec.DOMAINS)
