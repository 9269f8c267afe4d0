"""When a certificate is renewed: at two thirds of its life, and not all at the same moment."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime

_LABEL: Final = b"juki-net renewal time v1\0"
_SPREAD: Final = 12
"""The share of its life over which the renewals of certificates of one age are spread."""


def renew_at(begins: datetime, ends: datetime, fingerprint: bytes) -> datetime:
    """Return the time between two thirds and three quarters of a certificate's life.

    Which one is told by its fingerprint alone: thousands of terminals that were enrolled on one
    day do not come back on one, and one that is asked twice says the same.
    """
    life = ends - begins
    draw = int.from_bytes(hashlib.sha256(_LABEL + fingerprint).digest()[:4], "big")
    return begins + life * 2 / 3 + life / _SPREAD * (draw / 2**32)
