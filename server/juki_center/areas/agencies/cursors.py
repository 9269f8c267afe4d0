"""What a cursor of change notices holds: a place in the log, and what still waits before it.

    "1", position in 8 octets, then for each municipality that waits, by its code:
    the code's first five digits as a number in 2 octets, its own place in 6 octets

Numbers are big-endian. The length does not depend on them, so a cursor that fits goes on to fit.
Whoever holds a cursor cannot read it: it is sealed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from juki_center.areas.residents.codes import MunicipalityCode, municipality_check_digit

# With the 29 octets of its seal a cursor has at most 1,024.
MOST_OCTETS = 995
_VERSION = b"1"
_POSITION_OCTETS = 8
_CODE_OCTETS = 2
_PLACE_OCTETS = 6


@dataclass(frozen=True, slots=True)
class Cursor:
    """Everything up to `position` has been told, but for the notices of municipalities that wait:
    of each of those, everything up to its own place in `waits`."""

    position: int = 0
    waits: Mapping[MunicipalityCode, int] = field(default_factory=dict)

    @property
    def fits(self) -> bool:
        """Whether a sealed cursor has room for all of this."""
        return len(self.encode()) <= MOST_OCTETS

    def encode(self) -> bytes:
        """Return the octets to be sealed."""
        parts = [_VERSION, self.position.to_bytes(_POSITION_OCTETS, "big")]
        for code, told in sorted(self.waits.items()):
            parts.append(int(code.digits[:5]).to_bytes(_CODE_OCTETS, "big"))
            parts.append(told.to_bytes(_PLACE_OCTETS, "big"))
        return b"".join(parts)

    @classmethod
    def decode(cls, octets: bytes) -> Cursor:
        """Return the cursor of octets that were sealed here; nothing else is ever opened."""
        at = len(_VERSION) + _POSITION_OCTETS
        position = int.from_bytes(octets[len(_VERSION) : at], "big")
        waits: dict[MunicipalityCode, int] = {}
        for one in range(at, len(octets), _CODE_OCTETS + _PLACE_OCTETS):
            body = f"{int.from_bytes(octets[one : one + _CODE_OCTETS], 'big'):05d}"
            code = MunicipalityCode(body + municipality_check_digit(body))
            place = octets[one + _CODE_OCTETS : one + _CODE_OCTETS + _PLACE_OCTETS]
            waits[code] = int.from_bytes(place, "big")
        return cls(position, waits)
