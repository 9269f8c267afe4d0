"""The verdict of `make ha` finds what it is there to find."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from juki_audit.checkpoints import Checkpoint, sign
from juki_audit.leaf import DONE, Leaf, commitment
from juki_audit.receipts import TrustedLog
from juki_audit.tree import Frontier
from jukinet.audit.v1 import receipt_pb2
from tests.ha.callers import Answered
from tests.ha.verdict import EVENT, Stored, StoredLeaf, judge, largest_gap
from tests.support.log_keys import ORIGIN, log_key

_AT = datetime(2003, 8, 25, tzinfo=UTC)
# The key that `log_key` makes.
_KEY = Ed25519PrivateKey.from_private_bytes((1).to_bytes(32, "big"))
_IDS = tuple(uuid.UUID(int=number) for number in range(1, 4))


def leaf(question_id: uuid.UUID, salt: int) -> StoredLeaf:
    """Return the leaf of a question that was answered."""
    content = Leaf(EVENT, _AT, "juki://agency/pension-1", DONE, question_id.bytes).encode()
    octets = bytes([salt]) * 32
    return StoredLeaf(octets, content, commitment(octets, content))


def note(leaves: list[StoredLeaf]) -> bytes:
    """Return the signed head of a log."""
    frontier = Frontier().append_all(one.commitment for one in leaves).frontier
    return sign(Checkpoint(ORIGIN, frontier.head()), _KEY).note().encode()


def answered(leaves: list[StoredLeaf], number: int) -> Answered:
    """Return what the caller of one question wrote down."""
    one = leaves[number]
    logged = receipt_pb2.LoggedLeaf(index=number, salt=one.salt, content=one.content)
    receipt = receipt_pb2.Receipt(leaves=[logged], checkpoint=note(leaves[: number + 1]))
    return Answered(_IDS[number], float(number), 1, f"p{number}", receipt)


@pytest.fixture
def leaves() -> list[StoredLeaf]:
    """Return a log of three questions."""
    return [leaf(one, number) for number, one in enumerate(_IDS)]


@pytest.fixture
def history(leaves: list[StoredLeaf]) -> list[Answered]:
    """Return what the callers wrote down."""
    return [answered(leaves, number) for number in range(3)]


@pytest.fixture
def log() -> TrustedLog:
    """Return the log that is trusted."""
    return TrustedLog(ORIGIN, log_key().verifiers)


def stored(leaves: list[StoredLeaf], *provisions: str) -> Stored:
    """Return a database."""
    named = provisions or ("p0", "p1", "p2")
    return Stored(set(named), leaves, note(leaves))


def test_what_was_acknowledged_and_is_there_once_is_in_order(
    leaves: list[StoredLeaf], history: list[Answered], log: TrustedLog
) -> None:
    verdict = judge(history, [], stored(leaves), log)

    assert (verdict.acknowledged, verdict.lost, verdict.twice, verdict.faults) == (3, 0, 0, ())


def test_acknowledged_act_without_its_row_is_lost(
    leaves: list[StoredLeaf], history: list[Answered], log: TrustedLog
) -> None:
    assert judge(history, [], stored(leaves, "p0", "p1"), log).lost == 1


def test_acknowledged_act_whose_leaf_is_gone_is_lost_and_its_head_does_not_hold(
    leaves: list[StoredLeaf], history: list[Answered], log: TrustedLog
) -> None:
    verdict = judge(history, [], stored(leaves[:2]), log)

    assert verdict.lost == 1
    assert verdict.faults == ("head of size 3: the log ends at 2",)


def test_leaf_that_another_took_the_place_of_is_lost(
    leaves: list[StoredLeaf], history: list[Answered], log: TrustedLog
) -> None:
    verdict = judge(history, [], stored([leaves[0], leaf(uuid.UUID(int=9), 9), leaves[2]]), log)

    assert verdict.lost == 1
    assert "head of size 2: the log has another root there" in verdict.faults


def test_request_with_two_leaves_was_done_twice(
    leaves: list[StoredLeaf], history: list[Answered], log: TrustedLog
) -> None:
    again = [*leaves, leaf(_IDS[0], 7)]

    assert judge(history, [], stored(again), log).twice == 1


def test_provision_that_answers_nobody_was_done_twice(
    leaves: list[StoredLeaf], history: list[Answered], log: TrustedLog
) -> None:
    assert judge(history, [], stored(leaves, "p0", "p1", "p2", "p3"), log).twice == 1


def test_try_that_was_not_answered_may_have_been_done_once(
    leaves: list[StoredLeaf], history: list[Answered], log: TrustedLog
) -> None:
    unanswered = uuid.UUID(int=4)
    there = stored([*leaves, leaf(unanswered, 7)], "p0", "p1", "p2", "p3")

    assert judge(history, [unanswered], there, log).twice == 0


def test_leaf_that_nobody_asked_for_is_told(
    leaves: list[StoredLeaf], history: list[Answered], log: TrustedLog
) -> None:
    there = stored([*leaves, leaf(uuid.UUID(int=4), 7)], "p0", "p1", "p2", "p3")

    assert judge(history, [], there, log).twice == 1


def test_two_questions_with_one_provision_are_told(
    leaves: list[StoredLeaf], history: list[Answered], log: TrustedLog
) -> None:
    shared = [*history[:2], replace(history[2], provision="p0")]

    assert judge(shared, [], stored(leaves, "p0", "p1"), log).twice == 1


def test_content_that_was_altered_is_told(
    leaves: list[StoredLeaf], history: list[Answered], log: TrustedLog
) -> None:
    altered = [*leaves[:2], replace(leaves[2], salt=bytes(31) + b"\1")]

    verdict = judge(history, [], stored(altered), log)

    assert verdict.faults == ("leaf 2: its content is not what was committed to",)


def test_silence_to_the_end_is_a_gap() -> None:
    assert largest_gap([1.0, 2.0], 2.0, 9.0) == 7.0
