"""Proofs about the log's tree: they prove, they cost one question, and sizes are looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from juki_audit import checkpoints
from juki_audit.tree import Frontier, verify_consistency, verify_inclusion
from juki_center.areas.audit import proofs
from juki_center.errors import Reason, Refusal
from tests.support.log_in_memory import ORIGIN, VERIFIER, LogInMemory

if TYPE_CHECKING:
    from collections.abc import Callable

    from juki_audit.tree import Head

LEAVES = [bytes([number]) * 32 for number in range(23)]


def head(size: int) -> Head:
    return Frontier().append_all(LEAVES[:size]).frontier.head()


def a_log(signed: int | None = len(LEAVES)) -> LogInMemory:
    return LogInMemory(LEAVES, signed)


@pytest.mark.parametrize("size", [1, 2, 7, 8, 16, 22, 23])
def test_every_leaf_of_a_size_is_proven_with_one_question(size: int) -> None:
    for index in range(size):
        log = a_log()

        proven = proofs.prove_inclusion(log, index, size)

        verify_inclusion(head(size), proven.commitment, index, proven.proof)
        assert (proven.size, proven.checkpoint, log.asked) == (size, b"", int(size > 1))


def test_an_inclusion_without_a_size_leads_to_the_newest_signed_head() -> None:
    proven = proofs.prove_inclusion(a_log(signed=20), 3, None)

    signed = checkpoints.parse(proven.checkpoint)
    trusted = checkpoints.verify(signed, ORIGIN, [VERIFIER])
    verify_inclusion(trusted.head, proven.commitment, 3, proven.proof)
    assert proven.size == trusted.head.size == 20


@pytest.mark.parametrize("first", [0, 1, 5, 8, 22, 23])
def test_a_consistency_without_a_size_leads_to_the_newest_signed_head(first: int) -> None:
    log = a_log()

    proven = proofs.prove_consistency(log, first, None)

    verify_consistency(head(first), head(23), proven.proof)
    assert checkpoints.parse(proven.checkpoint).checkpoint.head == head(23)
    assert log.asked <= 1


def test_a_consistency_between_two_sizes_needs_no_signed_head() -> None:
    proven = proofs.prove_consistency(a_log(signed=None), 6, 19)

    verify_consistency(head(6), head(19), proven.proof)
    assert (proven.size, proven.checkpoint) == (19, b"")


@pytest.mark.parametrize(
    ("ask", "size"),
    [
        (lambda log: proofs.prove_inclusion(log, 23, None), "23"),
        (lambda log: proofs.prove_inclusion(log, 0, 24), "23"),
        (lambda log: proofs.prove_consistency(log, 24, None), "23"),
        (lambda log: proofs.prove_consistency(log, 1, 24), "23"),
    ],
)
def test_what_the_log_never_held_is_refused_with_its_size(
    ask: Callable[[LogInMemory], object], size: str
) -> None:
    with pytest.raises(Refusal) as refused:
        ask(a_log())

    assert refused.value.reason is Reason.LOG_SHORTER
    assert refused.value.metadata == {"treeSize": size}


def test_a_leaf_that_is_unsigned_yet_is_not_proven_under_the_newest_head() -> None:
    with pytest.raises(Refusal) as refused:
        proofs.prove_inclusion(a_log(signed=20), 20, None)

    assert refused.value.metadata == {"treeSize": "20"}


@pytest.mark.parametrize(
    ("ask", "field"),
    [
        (lambda log: proofs.prove_inclusion(log, 7, 7), "leaf_index"),
        (lambda log: proofs.prove_consistency(log, 8, 7), "first_size"),
    ],
)
def test_sizes_that_contradict_each_other_are_refused(
    ask: Callable[[LogInMemory], object], field: str
) -> None:
    with pytest.raises(Refusal) as refused:
        ask(a_log())

    assert refused.value.reason is Reason.FIELD_INVALID
    assert refused.value.metadata["field"] == field


@pytest.mark.parametrize(
    "ask",
    [
        proofs.newest_checkpoint,
        lambda log: proofs.prove_inclusion(log, 0, None),
        lambda log: proofs.prove_consistency(log, 0, None),
    ],
)
def test_a_log_without_a_signed_head_says_so(ask: Callable[[LogInMemory], object]) -> None:
    with pytest.raises(Refusal) as refused:
        ask(a_log(signed=None))

    assert refused.value.reason is Reason.LOG_NOT_SIGNED
