"""Octets from outside are a hotlist of a trusted signer, or a Problem that echoes nothing."""

from __future__ import annotations

import os

from hypothesis import given, settings
from hypothesis import strategies as st

from juki_client.outcome import Problem
from juki_terminal.hotlist import read_piece
from juki_terminal.paper.trust import CopySigners
from tests.support.copy_content import make_signer
from tests.support.hotlist_pieces import content, signed

EXAMPLES = 20_000 if os.environ.get("JUKI_LONG") else 400
long = settings(max_examples=EXAMPLES, deadline=None)
SIGNERS = CopySigners.from_pem(make_signer().pem)
TRUE = signed(content())
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**64), 2**64 - 1)
    | st.floats(allow_nan=False)
    | st.binary(max_size=40)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.integers(0, 9), inner),
    max_leaves=10,
)


def is_refused(octets: bytes) -> bool:
    try:
        read_piece(octets, SIGNERS)
    except Problem as problem:
        return problem.reason == "HOTLIST_NOT_TRUSTED"
    return False


@long
@given(st.binary(max_size=300))
def test_any_octets_are_refused(octets: bytes) -> None:
    assert is_refused(octets)


@long
@given(st.integers(0, len(TRUE) - 1), st.integers(1, 255))
def test_any_other_octet_is_noticed(place: int, difference: int) -> None:
    octets = bytearray(TRUE)
    octets[place] ^= difference

    assert is_refused(bytes(octets))


@long
@given(st.integers(0, len(TRUE) - 1))
def test_any_cut_is_noticed(length: int) -> None:
    assert is_refused(TRUE[:length])


@long
@given(st.integers(2, 12), VALUES)
def test_signed_content_of_any_form_is_read_or_refused(place: int, value: object) -> None:
    fields = content()
    fields[place] = value

    is_refused(signed(fields))
