from __future__ import annotations

from datetime import timedelta

import cbor2
from hypothesis import given
from hypothesis import strategies as st

from juki_audit.leaf import EPOCH, Leaf

TEXTS = st.text(max_size=40)


@given(
    st.builds(
        Leaf,
        event=TEXTS,
        at=st.integers(0, 2**52).map(lambda micros: EPOCH + timedelta(microseconds=micros)),
        caller_uri=TEXTS,
        outcome=TEXTS,
        request_id=st.just(b"") | st.binary(min_size=16, max_size=16),
        clerk=TEXTS,
        issuing=TEXTS,
        residence=TEXTS,
        subjects=st.lists(st.binary(min_size=16, max_size=16), max_size=3).map(tuple),
        items=st.lists(TEXTS, max_size=3).map(tuple),
        resource=TEXTS,
        details=st.dictionaries(TEXTS, TEXTS, max_size=5),
    )
)
def test_content_is_what_a_canonical_encoder_writes(leaf: Leaf) -> None:
    octets = leaf.encode()

    assert octets == cbor2.dumps(cbor2.loads(octets), canonical=True)
