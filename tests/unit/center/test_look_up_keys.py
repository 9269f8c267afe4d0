"""Tokens are HMAC-SHA-256, made from copies of a keyed state."""

from __future__ import annotations

import hashlib
import hmac

from hypothesis import given
from hypothesis import strategies as st

from juki_center.storage.keys import LookUpKey

KEY = bytes(range(32))


@given(st.lists(st.binary(max_size=200), max_size=4))
def test_a_token_is_the_hmac_of_its_framed_parts(parts: list[bytes]) -> None:
    framed = b"".join(len(part).to_bytes(4, "big") + part for part in parts)

    assert LookUpKey(KEY).token(*parts) == hmac.digest(KEY, framed, hashlib.sha256)


def test_a_derived_key_is_one_of_its_own_and_always_the_same() -> None:
    key = LookUpKey(KEY)
    first = key.derive("11")

    assert first is key.derive("11")
    assert first.token(b"x") == LookUpKey(key.token(b"derive", b"11")).token(b"x")
    assert len({first.token(b"x"), key.derive("13").token(b"x"), key.token(b"x")}) == 3


def test_keys_show_nothing_of_themselves() -> None:
    assert repr(LookUpKey(KEY)) == "LookUpKey(***)"
