"""Case 43: whatever is done to a log, the examination names the rows or nodes it was done to."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from juki_audit.examination import Examined, Trust, differing_rows, examine
from juki_audit.findings import Rule
from juki_audit.tree import EMPTY_ROOT, Frontier, Head
from tests.support.log_in_memory import VERIFIER, signed_head
from tests.support.log_records import Records, row_of

if TYPE_CHECKING:
    from collections.abc import Callable

SIZE = 23
TRUST = Trust((VERIFIER,))
Found = list[tuple[Rule, int | None, int | None]]


def look(records: Records, *earlier: Head, trust: Trust = TRUST) -> Examined:
    return examine(records, trust, earlier, lambda _size: None)


def found(records: Records, *earlier: Head) -> Found:
    return [(one.rule, one.first, one.last) for one in look(records, *earlier).findings]


def head_of(size: int) -> Head:
    leaves = [row_of(index).commitment for index in range(size)]
    return Frontier().append_all(leaves).frontier.head()


@pytest.mark.parametrize("size", [1, 2, 3, 8, 22, 23])
def test_a_sound_log_has_no_finding(size: int) -> None:
    examined = look(Records.of(size), *(head_of(one) for one in range(size + 1)))

    assert examined.is_sound
    assert (examined.size, examined.head) == (size, head_of(size))


@pytest.mark.parametrize("index", [0, 7, 22])
@pytest.mark.parametrize("keeps_tree", [True, False])
def test_case_43_an_altered_row_is_named(index: int, *, keeps_tree: bool) -> None:
    records = Records.of(SIZE)
    records.kept[index] = replace(row_of(100), index=index)
    records.keeps_tree = keeps_tree

    assert found(records) == [(Rule.ALTERED, index, index)]


def test_case_43_an_altered_content_is_named() -> None:
    records = Records.of(SIZE)
    records.kept[5] = replace(records.kept[5], content=row_of(5, "other").content)

    assert found(records) == [(Rule.CONTENT_ALTERED, 5, 5)]


@pytest.mark.parametrize("part", ["salt", "content"])
def test_a_salt_or_a_content_alone_is_named(part: str) -> None:
    records = Records.of(SIZE)
    gone = {"salt": None} if part == "salt" else {"content": None}
    records.kept[5] = replace(records.kept[5], **gone)

    assert found(records) == [(Rule.CONTENT_ALTERED, 5, 5)]


def test_a_row_whose_content_was_deleted_is_sound() -> None:
    records = Records.of(SIZE)
    records.kept[5] = replace(records.kept[5], salt=None, content=None)

    assert look(records).is_sound


@pytest.mark.parametrize("first", [0, 9, 20])
@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("is_renumbered", [False, True])
def test_case_43_removed_rows_are_named(first: int, count: int, *, is_renumbered: bool) -> None:
    records = Records.of(SIZE)
    del records.kept[first : first + count]
    if is_renumbered:
        records.renumber()

    assert found(records) == [(Rule.REMOVED, first, first + count - 1)]


@pytest.mark.parametrize(("one", "other"), [(3, 4), (0, 22), (5, 17)])
def test_case_43_a_reordered_pair_names_both(one: int, other: int) -> None:
    records = Records.of(SIZE)
    records.kept[one], records.kept[other] = records.kept[other], records.kept[one]
    records.renumber()

    examined = look(records)

    assert [(f.rule, f.first, f.other) for f in examined.findings] == [
        (Rule.REORDERED, one, other),
        (Rule.REORDERED, other, one),
    ]


def test_lines_that_lie_in_another_order_are_named() -> None:
    records = Records.of(SIZE)
    records.kept[3], records.kept[4] = records.kept[4], records.kept[3]

    assert found(records) == [(Rule.REORDERED, 3, 3)]


def test_a_row_that_is_there_twice_is_named() -> None:
    records = Records.of(SIZE)
    records.kept.insert(9, records.kept[4])

    assert found(records) == [(Rule.ADDED, 4, 4)]


@pytest.mark.parametrize("place", [0, 11, SIZE])
def test_a_row_that_was_put_in_is_named(place: int) -> None:
    records = Records.of(SIZE)
    records.kept.insert(place, row_of(100))
    records.renumber()

    assert found(records) == [(Rule.ADDED, place, place)]


def test_a_truncated_log_is_named_by_what_its_head_signed() -> None:
    records = Records.of(SIZE)
    del records.kept[20:]
    records.regrow()

    assert found(records) == [(Rule.REMOVED, 20, 22)]


def test_leaves_behind_the_signed_head_are_named() -> None:
    records = Records.of(SIZE)
    records.note = Records.of(20).note

    assert found(records) == [(Rule.NOT_SIGNED, 20, 22)]


@pytest.mark.parametrize("place", [(1, 3), (2, 2), (4, 0)])
def test_a_changed_node_is_named_and_nothing_above_it(place: tuple[int, int]) -> None:
    records = Records.of(SIZE)
    records.tree[place] = bytes(32)

    findings = look(records).findings

    assert [(one.rule, one.level, one.first) for one in findings] == [(Rule.NODE_ALTERED, *place)]


def test_a_changed_leaf_hash_is_told_from_a_changed_row() -> None:
    records = Records.of(SIZE)
    records.tree[0, 6] = bytes(32)

    findings = look(records).findings

    assert [(one.rule, one.level, one.first) for one in findings] == [(Rule.NODE_ALTERED, 0, 6)]


@pytest.mark.parametrize("place", [(0, 6), (0, 22), (1, 3), (3, 1)])
def test_a_removed_node_is_named(place: tuple[int, int]) -> None:
    records = Records.of(SIZE)
    del records.tree[place]

    findings = look(records).findings

    assert [(one.rule, one.level, one.first) for one in findings] == [(Rule.NODE_REMOVED, *place)]


def test_a_changed_head_is_named() -> None:
    records = Records.of(SIZE)
    records.head = Frontier(SIZE, (bytes(32),) * SIZE.bit_count())

    assert found(records) == [(Rule.HEAD_ALTERED, None, None)]


def test_a_row_and_its_whole_path_rewritten_contradict_the_signed_root() -> None:
    records = Records.of(SIZE)
    records.kept[5] = replace(row_of(100), index=5)
    records.regrow()

    assert found(records) == [(Rule.ROOT_OTHER, None, None)]


def test_a_log_rewritten_with_its_own_key_is_found_by_an_older_head() -> None:
    records = Records.of(SIZE)
    records.kept[5] = replace(row_of(100), index=5)
    records.regrow()
    records.note = signed_head([row.commitment for row in records.kept])

    assert look(records, head_of(5)).is_sound
    assert found(records, head_of(6)) == [(Rule.NOT_GROWN, None, None)]


def test_a_rewritten_row_is_named_by_an_older_copy() -> None:
    before, now = Records.of(20), Records.of(SIZE)
    now.kept[5] = replace(row_of(100), index=5)
    del now.kept[9]

    findings = differing_rows(before.rows(), now.rows())

    assert [(one.rule, one.first) for one in findings] == [(Rule.ALTERED, 5), (Rule.REMOVED, 9)]


def test_a_shrunken_log_is_found_by_an_older_head() -> None:
    assert found(Records.of(20), head_of(SIZE)) == [(Rule.SHRUNK, None, None)]


def _by_another_key(records: Records) -> bytes:
    other = Ed25519PrivateKey.from_private_bytes(bytes(32))
    return signed_head([row.commitment for row in records.kept], other)


@pytest.mark.parametrize(
    ("forge", "facts"),
    [
        (lambda _records: b"", "NOT_THERE"),
        (lambda records: records.note.replace(b"\n23\n", b"\n22\n"), "SIGNATURE_INVALID"),
        (lambda records: records.note.replace(b"log.test\n", b"log.else\n", 1), "ORIGIN_OTHER"),
        (_by_another_key, "SIGNER_UNKNOWN"),
        (lambda _records: b"nonsense", "NOTE_FORM"),
    ],
)
def test_a_changed_checkpoint_is_refused(forge: Callable[[Records], bytes], facts: str) -> None:
    records = Records.of(SIZE)
    records.note = forge(records)

    findings = look(records).findings

    assert [(one.rule, one.facts) for one in findings] == [(Rule.CHECKPOINT_REFUSED, facts)]


def test_without_a_trusted_head_altered_rows_are_named_all_the_same() -> None:
    records = Records.of(SIZE)
    records.note = b""
    records.kept[5] = replace(row_of(100), index=5)

    assert (Rule.ALTERED, 5, 5) in found(records)


def test_an_index_far_away_costs_no_walk_to_it() -> None:
    records = Records.of(SIZE)
    records.kept[22] = replace(records.kept[22], index=1 << 60)

    rules = {rule for rule, _, _ in found(records)}

    assert {Rule.REMOVED} < rules


def test_an_empty_log_is_sound_under_the_empty_head() -> None:
    records = Records.of(0)

    assert look(records, Head(0, EMPTY_ROOT)).is_sound


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_no_change_of_rows_goes_unnoticed(data: st.DataObject) -> None:
    size = data.draw(st.integers(2, 40))
    records = Records.of(size)
    places = data.draw(st.lists(st.integers(0, size - 1), min_size=size, max_size=size))
    sound = [records.kept[place] for place in range(size)]
    records.kept = [replace(sound[place], index=at) for at, place in enumerate(places)]
    wrong = {at for at, place in enumerate(places) if at != place}

    examined = look(records)

    named = {
        index
        for one in examined.findings
        if one.first is not None and one.last is not None
        for index in range(one.first, one.last + 1)
    }
    assert named == wrong or (wrong and named and named <= wrong)
