"""Issue numbers: issuing municipality, day in Japan, serial, and four characters of chance.

The last part keeps a number from being guessed from its neighbours'.
"""

from __future__ import annotations

from datetime import date

from juki_center.areas.residents.codes import MunicipalityCode

CHANCE_OCTETS = 3
# Crockford's alphabet: no I, L, O, U, so that a number read aloud is the number written down.
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def issue_number(issuing: MunicipalityCode, day: date, serial: int, chance: bytes) -> str:
    """Return the number of an issue; `chance` is 3 random bytes, of which 20 bits are used.

    >>> issue_number(MunicipalityCode("131016"), date(2026, 11, 23), 42, bytes(3))
    '131016-20261123-000042-0000'
    """
    drawn = int.from_bytes(chance, "big")
    suffix = "".join(_ALPHABET[drawn >> shift & 31] for shift in (15, 10, 5, 0))
    return f"{issuing}-{day:%Y%m%d}-{serial:06d}-{suffix}"
