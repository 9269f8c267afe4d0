"""Resident record codes for invented residents: as many as are wanted, and never one twice.

The body with number i is the i-th of a permutation of all ten-digit numbers that a key chooses, so
nothing has to remember what was given out. Codes for real residents come from a municipality's
stock and from nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterator

from juki_center.areas.residents.codes import ResidentCode, is_issuable, resident_check_digit
from juki_center.areas.residents.synthetic_draws import Draws

_HALF = 100_000
_ROUNDS = 4
_MASK = (1 << 64) - 1


def codes(draws: Draws) -> Iterator[str]:
    """Give codes that a stock could hold, in an order and a choice of their own for each stream.

    At most ten thousand million bodies exist, of which one in eleven is left out.
    """
    keys = [int(draws.random() * _MASK) for _ in range(_ROUNDS)]
    for index in range(_HALF * _HALF):
        body = f"{permuted(index, keys):010d}"
        code = body + resident_check_digit(body)
        if index and is_issuable(ResidentCode(code)):
            yield code


def permuted(index: int, keys: list[int]) -> int:
    """Return the image of a number below ten thousand million: a Feistel network on its halves.

    >>> len({permuted(index, [1, 2, 3, 4]) for index in range(1000)})
    1000
    """
    left, right = divmod(index, _HALF)
    for key in keys:
        left, right = right, (left + _mixed(right ^ key)) % _HALF
    return left * _HALF + right


def _mixed(number: int) -> int:
    """Scatter a number over 64 bits (the finisher of SplitMix64)."""
    number = (number ^ (number >> 30)) * 0xBF58476D1CE4E5B9 & _MASK
    number = (number ^ (number >> 27)) * 0x94D049BB133111EB & _MASK
    return number ^ (number >> 31)
