"""Checkpoints and keys from outside meet nothing but rules, and have one encoding."""

from __future__ import annotations

import os

from hypothesis import given, settings
from hypothesis import strategies as st

from juki_audit import checkpoints
from juki_audit.errors import HeadNotTrusted, LogMalformed
from juki_audit.notes import VerifierKey
from juki_audit.tree import Frontier
from tests.support.audit_vectors import VECTORS

GO = VECTORS["checkpoints"]
KEYS = [VerifierKey.decode(GO["key"])]
SEEDS = [text.encode() for text in (*(head["text"] for head in GO["heads"]), GO["cosigned"])]
KEY_TEXTS = [text.encode() for text in (GO["key"], VECTORS["note"]["key"])]
FRAGMENTS = [
    b"\n",
    b"\n\n",
    "\u2014 ".encode(),
    "\u3000".encode(),
    b"+",
    b" ",
    b"=",
    b"0",
    b"sum.golang.org Az3g",
    b"\xff",
    b"\x00",
]
EXAMPLES = 20_000 if os.environ.get("JUKI_LONG") else 400
long = settings(max_examples=EXAMPLES, deadline=None)


@st.composite
def nearly(draw: st.DrawFn, seeds: list[bytes]) -> bytes:
    """Draw one of the published octets with a few places cut out or put in."""
    octets = draw(st.sampled_from(seeds))
    for _ in range(draw(st.integers(0, 4))):
        begin = draw(st.integers(0, len(octets)))
        end = draw(st.integers(begin, min(begin + 8, len(octets))))
        middle = draw(st.sampled_from(FRAGMENTS) | st.binary(max_size=4))
        octets = octets[:begin] + middle + octets[end:]
    return octets


@long
@given(octets=nearly(SEEDS) | st.binary(max_size=300))
def test_octets_are_a_checkpoint_of_one_encoding_or_break_a_rule(octets: bytes) -> None:
    try:
        signed = checkpoints.parse(octets)
    except LogMalformed as refused:
        told = str(refused)
    else:
        told = "READ"
        assert signed.note().encode() == octets

    assert told.replace("_", "").isupper()
    assert told.isascii()


@long
@given(octets=nearly(SEEDS))
def test_what_verifies_has_the_text_that_was_signed(octets: bytes) -> None:
    try:
        checkpoints.verify(checkpoints.parse(octets), GO["origin"], KEYS)
    except (LogMalformed, HeadNotTrusted):
        return

    assert any(octets.startswith(seed.rpartition(b"\n\n")[0] + b"\n\n") for seed in SEEDS)


@long
@given(octets=nearly(KEY_TEXTS) | st.text(max_size=80).map(str.encode))
def test_text_is_a_key_of_one_encoding_or_breaks_a_rule(octets: bytes) -> None:
    text = octets.decode(errors="surrogateescape")
    try:
        key = VerifierKey.decode(text)
    except LogMalformed:
        return

    assert key.encode() == text


@long
@given(octets=st.binary(max_size=140))
def test_octets_are_a_frontier_of_one_encoding_or_break_a_rule(octets: bytes) -> None:
    try:
        frontier = Frontier.decode(octets)
    except LogMalformed:
        return

    assert frontier.encode() == octets
