"""The verdict of `make ha` on births: each is there once, and its request has one answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from juki_audit.checkpoints import Checkpoint, sign
from juki_audit.leaf import DONE, Leaf, commitment
from juki_audit.receipts import TrustedLog
from juki_audit.tree import Frontier
from jukinet.audit.v1 import receipt_pb2
from tests.ha.registrars import Entered, Reply
from tests.ha.verdict import EVENT_OF_BIRTHS, Stored, StoredLeaf, Verdict, judge_births
from tests.support.log_keys import ORIGIN, log_key
from tests.support.own_history import Held
from tests.support.registering import Registered

_AT = datetime(2003, 8, 25, tzinfo=UTC)
# The key that `log_key` makes.
_KEY = Ed25519PrivateKey.from_private_bytes((1).to_bytes(32, "big"))
_IDS = (b"a" * 16, b"b" * 16)
_OTHER = b"c" * 16
_PERSONS = 7
_ORDERLY = Verdict(acknowledged=2, lost=0, twice=0, faults=())


def leaf(request_id: bytes, salt: int) -> StoredLeaf:
    """Return the leaf of a birth that was entered."""
    who = "juki://terminal/131016/01"
    content = Leaf(EVENT_OF_BIRTHS, _AT, who, DONE, request_id).encode()
    octets = bytes([salt]) * 32
    return StoredLeaf(octets, content, commitment(octets, content))


def note(leaves: Sequence[StoredLeaf]) -> bytes:
    """Return the signed head of a log."""
    frontier = Frontier().append_all(one.commitment for one in leaves).frontier
    return sign(Checkpoint(ORIGIN, frontier.head()), _KEY).note().encode()


def reply(leaves: Sequence[StoredLeaf], place: int, answer: bytes, size: int) -> Reply:
    """Return an answer that was given when the log had a size."""
    one = leaves[place]
    logged = receipt_pb2.LoggedLeaf(index=place, salt=one.salt, content=one.content)
    return Reply(answer, receipt_pb2.Receipt(leaves=[logged], checkpoint=note(leaves[:size])))


LEAVES = [leaf(one, number) for number, one in enumerate(_IDS)]


def entered(number: int) -> Entered:
    """Return a birth that was answered, and answered again when the log had grown."""
    answer, code = b"record-%d" % number, f"0000000000{number}"
    first = reply(LEAVES, number, answer, number + 1)
    again = reply(LEAVES, number, answer, len(LEAVES))
    return Entered(Registered(_IDS[number], 2, code), float(number), first, [again])


def judged(
    leaves: Sequence[StoredLeaf] = LEAVES,
    births: Sequence[Entered] = (entered(0), entered(1)),
    *,
    persons: int = 2,
    unanswered: Sequence[bytes] = (),
) -> Verdict:
    """Judge a center that has so many persons more, and these leaves."""
    of_leaves = Counter(
        (EVENT_OF_BIRTHS, Leaf.decode(one.content).request_id) for one in leaves if one.content
    )
    before = Held(frozenset(), _PERSONS, Counter())
    after = Held(frozenset(), _PERSONS + persons, of_leaves)
    stored = Stored(set(), leaves, note(leaves))
    log = TrustedLog(ORIGIN, log_key().verifiers)
    return judge_births(births, unanswered, (before, after), stored, log)


def test_births_that_are_there_once_and_were_answered_alike_are_in_order() -> None:
    assert judged() == _ORDERLY


def test_birth_without_its_row_is_lost() -> None:
    assert judged(persons=1) == replace(_ORDERLY, lost=1)


def test_birth_without_its_leaf_is_lost_and_its_heads_do_not_hold() -> None:
    verdict = judged(LEAVES[:1])

    assert (verdict.lost, verdict.faults) == (1, ("head of size 2: the log ends at 1",))


def test_birth_whose_leaf_stands_elsewhere_than_its_receipt_says_is_lost() -> None:
    verdict = judged(LEAVES[::-1])

    assert verdict.lost == 2
    assert "head of size 1: the log has another root there" in verdict.faults


def test_birth_with_two_rows_was_done_twice() -> None:
    assert judged(persons=3) == replace(_ORDERLY, twice=1)


def test_birth_with_two_leaves_was_done_twice() -> None:
    assert judged([*LEAVES, leaf(_IDS[0], 9)]) == replace(_ORDERLY, twice=1)


def test_birth_that_nobody_sent_is_told() -> None:
    assert judged([*LEAVES, leaf(_OTHER, 9)], persons=3).twice > 0


def test_birth_that_was_sent_and_never_answered_may_be_there_once() -> None:
    there = [*LEAVES, leaf(_OTHER, 9)]

    assert judged(there, persons=3, unanswered=[_OTHER]) == _ORDERLY
    assert judged(unanswered=[_OTHER]) == _ORDERLY
    assert judged([*there, leaf(_OTHER, 8)], persons=4, unanswered=[_OTHER]).twice > 0


def test_two_children_with_one_code_are_told() -> None:
    one, other = entered(0), entered(1)
    shared = replace(other, registered=replace(other.registered, code=one.registered.code))

    assert judged(births=[one, shared]) == replace(_ORDERLY, twice=1)


@pytest.mark.parametrize(
    "second",
    [reply(LEAVES, 0, b"record-9", 2), reply([LEAVES[0], leaf(_IDS[0], 9)], 1, b"record-0", 2)],
    ids=["another record", "another leaf"],
)
def test_second_answer_that_is_not_the_first_is_told(second: Reply) -> None:
    birth = replace(entered(0), again=[second])

    assert judged(births=[birth, entered(1)]).twice == 1
