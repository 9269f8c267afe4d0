"""The token of a page that ends at a row: the row's cursor, as digits."""

from __future__ import annotations

from typing import Final

from juki_center.errors import Reason, Refusal

_LONGEST: Final = 18


def cursor_of(page_token: str) -> int:
    """Return the cursor behind which a page begins; 0 for the first one.

    Raises Refusal(FIELD_INVALID) for a token that this center did not make.

    >>> cursor_of(""), cursor_of("42")
    (0, 42)
    """
    if not page_token:
        return 0
    if not (page_token.isascii() and page_token.isdecimal() and len(page_token) <= _LONGEST):
        raise Refusal(Reason.FIELD_INVALID, field="page_token", rule="UNKNOWN")
    return int(page_token)
