"""Receipts from outside are of the log that made them, or break a rule that echoes nothing."""

from __future__ import annotations

import os

from hypothesis import given, settings
from hypothesis import strategies as st

from juki_audit.errors import LogRefused
from juki_audit.receipts import LoggedLeaf, OwnAct, Receipt, open_receipt, require_act
from tests.support.trial_log import TERMINAL, TrialLog, leaf_of

EXAMPLES = 20_000 if os.environ.get("JUKI_LONG") else 400
long = settings(max_examples=EXAMPLES, deadline=None)


def _log() -> TrialLog:
    log = TrialLog()
    log.append_others(6)
    log.append(leaf_of("TRIED", request_id=bytes(range(16))))
    log.append_others(4)
    return log


LOG = _log()
TRUE = LOG.receipt([6])
ACT = OwnAct("TRIED", TERMINAL, 6, bytes(range(16)))


@st.composite
def nearly(draw: st.DrawFn, octets: bytes) -> bytes:
    """Draw the octets with a few places cut out or put in."""
    for _ in range(draw(st.integers(0, 2))):
        begin = draw(st.integers(0, len(octets)))
        end = draw(st.integers(begin, min(begin + 8, len(octets))))
        octets = octets[:begin] + draw(st.binary(max_size=4)) + octets[end:]
    return octets


@st.composite
def leaves(draw: st.DrawFn) -> LoggedLeaf:
    """Draw a leaf of the log, or nearly one."""
    logged = LOG.logged(draw(st.integers(0, LOG.size - 1)))
    hashes = st.sampled_from(logged.proof) | st.binary(max_size=33)
    return draw(
        st.just(logged)
        | st.builds(
            LoggedLeaf,
            index=st.integers(0, LOG.size) | st.integers(0, (1 << 64) - 1),
            salt=nearly(logged.salt),
            content=nearly(logged.content),
            proof=st.just(logged.proof) | st.lists(hashes, max_size=6).map(tuple),
        )
    )


receipts = st.builds(
    Receipt,
    leaves=st.lists(leaves(), max_size=3).map(tuple) | st.just(TRUE.leaves),
    checkpoint=nearly(TRUE.checkpoint) | st.sampled_from([LOG.checkpoint(n) for n in range(12)]),
)


@long
@given(receipt=receipts)
def test_receipt_is_of_the_log_or_breaks_a_rule(receipt: Receipt) -> None:
    told = ""
    try:
        opened = open_receipt(receipt, LOG.trusted)
    except LogRefused as refused:
        told = refused.rule
    else:
        assert opened.head == LOG.heads[opened.head.size]
        contents = [LOG.leaves[one.index][1] for one in opened.leaves]
        assert [one.leaf.encode() for one in opened.leaves] == contents

    assert told.isascii()
    assert not told or told.replace("_", "").isalnum()


@long
@given(receipt=receipts)
def test_what_is_taken_for_the_act_is_its_leaf(receipt: Receipt) -> None:
    try:
        own = require_act(open_receipt(receipt, LOG.trusted), ACT)
    except LogRefused:
        return

    assert own.index == 6


@long
@given(content=nearly(TRUE.leaves[0].content) | st.binary(max_size=200))
def test_content_that_is_in_the_log_is_a_leaf_or_breaks_a_rule(content: bytes) -> None:
    log = TrialLog()
    receipt = log.receipt([log.append_octets(content)])

    try:
        opened = open_receipt(receipt, log.trusted)
    except LogRefused:
        return

    assert opened.leaves[0].leaf.encode() == content
