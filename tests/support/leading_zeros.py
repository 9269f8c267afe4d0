"""Search for points whose x coordinate begins with a zero octet."""

from __future__ import annotations

import itertools

from juki_card import ec


def first_with_zero(domain: ec.Domain, step: int, *, start: int = 0, other_than: int) -> int:
    """Return the first n for which the x coordinate of (start + n*step)*G begins with 00.

    The points are added up one by one, which is far quicker than a multiplication for each.
    """
    stride = _affine(domain, step)
    point = _affine(domain, start + step)
    for n in itertools.count(1):
        if point[0] >> 8 * (domain.size - 1) == 0 and n != other_than:
            return n
        following = domain.add(point, stride)
        assert following is not None
        point = following
    raise AssertionError


def _affine(domain: ec.Domain, number: int) -> tuple[int, int]:
    numbers = ec.private_key(domain, number % domain.order).public_key().public_numbers()
    return numbers.x, numbers.y
