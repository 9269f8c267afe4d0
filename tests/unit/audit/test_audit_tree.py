"""The log's tree: published vectors, agreement with `merkle.root`, and proofs that prove."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from juki_audit import merkle
from juki_audit.errors import LogMalformed, ProofInvalid
from juki_audit.tree import (
    EMPTY_ROOT,
    MAX_SIZE,
    Frontier,
    Head,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    verify_consistency,
    verify_inclusion,
)
from tests.support.audit_vectors import VECTORS

TREE = VECTORS["tree"]
ENTRIES = [bytes.fromhex(one) for one in TREE["entries"]]
LARGE = VECTORS["large_tree"]
LEAVES = [bytes([number & 255, number >> 8]) * 16 for number in range(300)]
SMALL = 40


def _store(leaves: list[bytes]) -> Callable[[int, int], bytes]:
    """Keep the complete nodes as a store would; reading any other is a KeyError."""
    nodes = Frontier().append_all(leaves).nodes
    kept = {(node.level, node.index): node.hash for node in nodes}
    return lambda level, index: kept[level, index]


def _octets(texts: list[str]) -> tuple[bytes, ...]:
    return tuple(base64.b64decode(text) for text in texts)


def _hashes(texts: list[str]) -> tuple[bytes, ...]:
    return tuple(bytes.fromhex(text) for text in texts)


READ = _store(LEAVES)
HEADS = [Head(size, merkle.root(LEAVES[:size])) for size in range(len(LEAVES) + 1)]


def _proves_inclusion(head: Head, leaf: bytes, index: int, proof: tuple[bytes, ...]) -> bool:
    try:
        verify_inclusion(head, leaf, index, proof)
    except ProofInvalid:
        return False
    return True


def _proves_consistency(older: Head, newer: Head, proof: tuple[bytes, ...]) -> bool:
    try:
        verify_consistency(older, newer, proof)
    except ProofInvalid:
        return False
    return True


def _distorted(proof: tuple[bytes, ...]) -> list[tuple[bytes, ...]]:
    """Return proofs that are shorter, longer, changed or in another order."""
    others = [(*proof, EMPTY_ROOT), (EMPTY_ROOT, *proof)]
    for place, one in enumerate(proof):
        others.append(proof[:place] + proof[place + 1 :])
        others.append((*proof[:place], bytes([one[0] ^ 1]) + one[1:], *proof[place + 1 :]))
        others.append((*proof[:place], one[:-1], *proof[place + 1 :]))
    if len(proof) > 1:
        others.append(proof[::-1])
    return others


@pytest.mark.parametrize(("size", "root"), list(enumerate(TREE["roots"])))
def test_published_entries_have_the_published_root(size: int, root: str) -> None:
    frontier = Frontier().append_all(ENTRIES[:size]).frontier

    assert frontier.root().hex() == root
    assert frontier.head() == Head(size, bytes.fromhex(root))


@pytest.mark.parametrize("case", TREE["inclusion"])
def test_published_inclusion_proof_is_made_and_verifies(case: dict[str, object]) -> None:
    index, size = int(str(case["index"])), int(str(case["size"]))

    proof = inclusion_proof(_store(ENTRIES), index, size)

    assert [one.hex() for one in proof] == case["proof"]
    verify_inclusion(Head(size, bytes.fromhex(TREE["roots"][size])), ENTRIES[index], index, proof)


@pytest.mark.parametrize("case", TREE["consistency"])
def test_published_consistency_proof_is_made_and_verifies(case: dict[str, object]) -> None:
    first, second = int(str(case["first"])), int(str(case["second"]))
    older, newer = (Head(one, bytes.fromhex(TREE["roots"][one])) for one in (first, second))

    proof = consistency_proof(_store(ENTRIES), first, second)

    assert [one.hex() for one in proof] == case["proof"]
    verify_consistency(older, newer, proof)


def test_proofs_of_a_real_log_of_a_milliard_leaves_verify() -> None:
    newer = Head(LARGE["size"], base64.b64decode(LARGE["root"]))
    older = Head(LARGE["first"], base64.b64decode(LARGE["first_root"]))
    entry = base64.b64decode(LARGE["entry"])

    verify_inclusion(newer, entry, LARGE["index"], _octets(LARGE["inclusion"]))
    verify_consistency(older, newer, _octets(LARGE["consistency"]))

    assert not _proves_inclusion(newer, entry, LARGE["index"] + 1, _octets(LARGE["inclusion"]))


def test_root_of_every_size_to_300_is_the_reference() -> None:
    frontier = Frontier()

    for size, leaf in enumerate(LEAVES):
        assert frontier.head() == HEADS[size]
        frontier = frontier.append(leaf).frontier

    assert frontier.head() == HEADS[-1]


@settings(max_examples=60, deadline=None)
@given(leaves=st.lists(st.binary(max_size=40), max_size=90), data=st.data())
def test_any_leaves_appended_in_two_parts_have_the_reference_root(
    leaves: list[bytes], data: st.DataObject
) -> None:
    cut = data.draw(st.integers(0, len(leaves)))
    first = Frontier().append_all(leaves[:cut])
    second = first.frontier.append_all(leaves[cut:])
    at_once = Frontier().append_all(leaves)

    assert second.frontier.root() == merkle.root(leaves)
    assert first.nodes + second.nodes == at_once.nodes
    assert Frontier.decode(second.frontier.encode()) == second.frontier


def test_each_complete_node_is_given_once_and_is_the_root_of_its_leaves() -> None:
    nodes = Frontier().append_all(LEAVES[:77]).nodes

    assert {(node.level, node.index) for node in nodes} == {
        (level, index) for level in range(7) for index in range(77 >> level)
    }
    assert len(nodes) == sum(77 >> level for level in range(7))
    for node in nodes:
        begin, end = node.index << node.level, (node.index + 1) << node.level
        assert node.hash == merkle.root(LEAVES[begin:end])
    assert nodes[0].hash == leaf_hash(LEAVES[0])


def test_every_inclusion_proof_to_size_40_verifies_and_no_other_does() -> None:
    for size in range(1, SMALL + 1):
        for index in range(size):
            proof = inclusion_proof(READ, index, size)
            leaf, head = LEAVES[index], HEADS[size]

            verify_inclusion(head, leaf, index, proof)

            assert not _proves_inclusion(head, LEAVES[index + 1], index, proof)
            assert not _proves_inclusion(Head(size, LEAVES[0]), leaf, index, proof)
            for other in (index - 1, index + 1, index ^ 2, size):
                assert not _proves_inclusion(head, leaf, other, proof)
            for distorted in _distorted(proof):
                assert not _proves_inclusion(head, leaf, index, distorted)


def test_inclusion_proof_is_of_no_other_size() -> None:
    for size in range(1, SMALL + 1):
        proof = inclusion_proof(READ, 0, size)

        proven = [
            other
            for other in range(1, SMALL + 1)
            if _proves_inclusion(HEADS[other], LEAVES[0], 0, proof)
        ]

        assert proven == [size]


def test_every_consistency_proof_to_size_40_verifies_and_no_other_does() -> None:
    for second in range(1, SMALL + 1):
        for first in range(1, second + 1):
            proof = consistency_proof(READ, first, second)
            older, newer = HEADS[first], HEADS[second]

            verify_consistency(older, newer, proof)

            assert not _proves_consistency(Head(first, LEAVES[0]), newer, proof)
            assert not _proves_consistency(older, Head(second, LEAVES[0]), proof)
            for distorted in _distorted(proof):
                assert not _proves_consistency(older, newer, distorted)
            if first < second:
                assert not _proves_consistency(newer, older, proof)
                assert not _proves_consistency(HEADS[first + 1], newer, proof)
                assert not _proves_consistency(older, HEADS[second + 1], proof)


def test_history_that_was_rewritten_is_not_consistent() -> None:
    rewritten = [*LEAVES[:4], b"another", *LEAVES[5:12]]
    newer = Frontier().append_all(rewritten).frontier.head()

    proof = consistency_proof(_store(rewritten), 7, 12)

    with pytest.raises(ProofInvalid) as refused:
        verify_consistency(HEADS[7], newer, proof)
    assert (refused.value.rule, refused.value.start, refused.value.size) == ("ROOT", 7, 12)


def test_every_tree_follows_the_empty_one_with_an_empty_proof() -> None:
    assert consistency_proof(READ, 0, 9) == ()

    verify_consistency(HEADS[0], HEADS[9], ())
    verify_consistency(HEADS[0], HEADS[0], ())

    assert not _proves_consistency(HEADS[0], HEADS[9], (EMPTY_ROOT,))
    assert not _proves_consistency(HEADS[9], HEADS[0], ())


@pytest.mark.parametrize(
    ("rule", "index", "size", "proof"),
    [
        ("LEAF_INDEX", 5, 5, ()),
        ("LEAF_INDEX", -1, 5, ()),
        ("LEAF_INDEX", 0, 0, ()),
        ("PROOF_LENGTH", 0, 2, ()),
        ("PROOF_LENGTH", 0, 1, (EMPTY_ROOT,)),
        ("HASH_LENGTH", 0, 2, (b"short",)),
        ("ROOT", 0, 2, (EMPTY_ROOT,)),
    ],
)
def test_inclusion_that_fails_names_its_rule(
    rule: str, index: int, size: int, proof: tuple[bytes, ...]
) -> None:
    with pytest.raises(ProofInvalid) as refused:
        verify_inclusion(HEADS[size], LEAVES[0], index, proof)

    assert (refused.value.rule, refused.value.start, refused.value.size) == (rule, index, size)


@pytest.mark.parametrize(
    ("rule", "first", "second", "proof"),
    [
        ("TREE_SIZES", 5, 4, ()),
        ("PROOF_LENGTH", 4, 4, (EMPTY_ROOT,)),
        ("PROOF_LENGTH", 3, 4, ()),
        ("HASH_LENGTH", 4, 5, (b"short",)),
        ("ROOT", 4, 5, (EMPTY_ROOT,)),
    ],
)
def test_consistency_that_fails_names_its_rule(
    rule: str, first: int, second: int, proof: tuple[bytes, ...]
) -> None:
    with pytest.raises(ProofInvalid) as refused:
        verify_consistency(HEADS[first], HEADS[second], proof)

    assert (refused.value.rule, refused.value.start, refused.value.size) == (rule, first, second)


def test_trees_of_the_greatest_size_have_proofs() -> None:
    """The leaves are imagined: a full subtree of one hash at every level, the rest beside it."""
    for size in (MAX_SIZE, MAX_SIZE - 1):
        read = _read_imagined(size)
        frontier = _imagined_frontier(size)

        for index in (0, size // 3, size - 1):
            proof = inclusion_proof(read, index, size)
            verify_inclusion(frontier.head(), b"same", index, proof)
        for first in (1, size // 3, size - 2):
            older = _imagined_frontier(first).head()
            verify_consistency(older, frontier.head(), consistency_proof(read, first, size))


def _read_imagined(size: int) -> Callable[[int, int], bytes]:
    levels = _imagined_levels()

    def read(level: int, index: int) -> bytes:
        assert (index + 1) << level <= size
        return levels[level]

    return read


def _imagined_levels() -> list[bytes]:
    """Return the hash of a full subtree of equal leaves, by its level."""
    levels = [leaf_hash(b"same")]
    for _ in range(63):
        levels.append(hashlib.sha256(b"\x01" + levels[-1] * 2).digest())
    return levels


def _imagined_frontier(size: int) -> Frontier:
    levels = _imagined_levels()
    return Frontier(size, tuple(levels[bit] for bit in range(63, -1, -1) if size >> bit & 1))


def test_full_tree_takes_no_leaf() -> None:
    with pytest.raises(LogMalformed, match="TREE_SIZE"):
        _imagined_frontier(MAX_SIZE).append(b"")


def test_next_to_full_tree_takes_one_leaf() -> None:
    grown = _imagined_frontier(MAX_SIZE - 1).append(b"same")

    assert grown.frontier == _imagined_frontier(MAX_SIZE)
    assert [node.level for node in grown.nodes] == list(range(64))


@pytest.mark.parametrize(
    ("rule", "octets"),
    [
        ("FRONTIER_LENGTH", b""),
        ("FRONTIER_LENGTH", bytes(7)),
        ("FRONTIER_LENGTH", bytes(9)),
        ("FRONTIER_LENGTH", bytes(40)),
        ("FRONTIER_LENGTH", bytes(7) + b"\x01"),
        ("FRONTIER_LENGTH", bytes(7) + b"\x03" + bytes(32)),
        ("TREE_SIZE", b"\x80" + bytes(6) + b"\x01" + bytes(64)),
        ("TREE_SIZE", b"\xff" * 8 + bytes(64 * 32)),
    ],
)
def test_octets_that_are_no_frontier_are_refused(rule: str, octets: bytes) -> None:
    with pytest.raises(LogMalformed) as refused:
        Frontier.decode(octets)

    assert refused.value.rule == rule


def test_frontier_has_one_encoding() -> None:
    frontier = Frontier().append_all(LEAVES[:3]).frontier

    octets = frontier.encode()

    assert octets == bytes(7) + b"\x03" + merkle.root(LEAVES[:2]) + leaf_hash(LEAVES[2])
    assert Frontier.decode(octets) == frontier


@pytest.mark.parametrize(
    ("rule", "size", "root"),
    [
        ("TREE_SIZE", -1, EMPTY_ROOT),
        ("TREE_SIZE", MAX_SIZE + 1, EMPTY_ROOT),
        ("ROOT_LENGTH", 1, bytes(31)),
        ("ROOT_OF_EMPTY_TREE", 0, bytes(32)),
    ],
)
def test_head_that_no_tree_has_is_refused(rule: str, size: int, root: bytes) -> None:
    with pytest.raises(LogMalformed) as refused:
        Head(size, root)

    assert refused.value.rule == rule


def test_hash_of_another_length_is_no_part_of_a_frontier() -> None:
    with pytest.raises(LogMalformed, match="FRONTIER_HASH_LENGTH"):
        Frontier(1, (bytes(31),))


@pytest.mark.parametrize(("index", "size"), [(-1, 3), (3, 3), (0, 0), (0, MAX_SIZE + 1)])
def test_leaf_outside_the_tree_has_no_proof(index: int, size: int) -> None:
    with pytest.raises(LogMalformed, match="LEAF_INDEX"):
        inclusion_proof(READ, index, size)


@pytest.mark.parametrize(("first", "second"), [(-1, 3), (4, 3), (0, MAX_SIZE + 1)])
def test_sizes_out_of_order_have_no_proof(first: int, second: int) -> None:
    with pytest.raises(LogMalformed, match="TREE_SIZES"):
        consistency_proof(READ, first, second)
