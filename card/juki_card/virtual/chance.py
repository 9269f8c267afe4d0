"""Randomness as an argument, and private keys drawn from it.

A chance that always answers the same makes a session that can be replayed octet for octet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from juki_card.ec import Scalar

if TYPE_CHECKING:
    from juki_card.ec import Domain

_SPARE_OCTETS: Final = 8


class Chance(Protocol):
    """A source of random octets; a card in use has the operating system's."""

    def octets(self, count: int) -> bytes:
        """Return `count` octets that nobody can foresee."""
        ...


def draw_scalar(chance: Chance, domain: Domain) -> Scalar:
    """Draw a private key; 64 spare bits make its bias negligible (FIPS 186-5, A.2.1)."""
    return Scalar.from_random(domain, chance.octets(domain.size + _SPARE_OCTETS))
