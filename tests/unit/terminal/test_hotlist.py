"""The hotlist at a terminal: what it believes, what it refuses, and when it is too old."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from juki_center.areas.fleet import hotlist as center_hotlist
from juki_center.areas.fleet.hotlist import CardState, Nodes, Standing
from juki_client.outcome import Exit, Problem
from juki_terminal import hotlist_file
from juki_terminal.hotlist import Hotlist, Piece, assembled, read_piece
from juki_terminal.hotlist_guard import HotlistGuard, trusted_leaves
from juki_terminal.paper.trust import CopySigners
from tests.support import center_edge
from tests.support.copy_content import encode, make_signer, seal
from tests.support.hotlist_pieces import (
    KEY,
    MADE_AT,
    NODE,
    NODE_URI,
    SERIALS,
    VECTORS,
    changes,
    content,
    entry,
    signed,
    vectors,
)

if TYPE_CHECKING:
    from pathlib import Path

    from juki_pki.folder import PKIFolder

SIGNERS = CopySigners.from_pem(make_signer().pem)
NOW = datetime.fromtimestamp(MADE_AT, UTC)
STALE = NOW + timedelta(minutes=10, seconds=1)


def piece(value: object) -> Piece:
    return read_piece(signed(value), SIGNERS)


def listed(**others: Any) -> Hotlist:
    found = assembled([piece(content(**others))])
    assert found is not None
    return found


def rule_of(problem: Problem) -> str:
    assert problem.reason == "HOTLIST_NOT_TRUSTED"
    return problem.metadata["rule"]


def test_vectors_are_what_their_maker_makes() -> None:
    assert json.loads(VECTORS.read_text()) == vectors()


def test_vectors_are_read_in_their_order() -> None:
    known = json.loads(VECTORS.read_text())
    signers = CopySigners.from_pem(known["signer"]["certificate_pem"].encode())
    pieces = [read_piece(bytes.fromhex(one["cose"]), signers) for one in known["pieces"]]

    found = assembled(pieces[:1])
    assert found is not None
    for one in pieces[1:]:
        found = found.changed(one)

    assert (found.cursor, found.made_at) == (9, NOW + timedelta(seconds=90))
    assert {one.hex() for one in found.cards} == set(known["entries"][1:3])
    assert (found.node_certificates, found.node_uris) == ({NODE}, {NODE_URI})


def test_center_writes_the_octets_of_the_vectors() -> None:
    cards = {entry(SERIALS[0]): CardState.SUSPENDED, entry(SERIALS[1]): CardState.REVOKED}
    standing = Standing(7, NOW, KEY, Nodes((NODE,), (NODE_URI,)))

    (document,) = center_hotlist.whole(standing, cards)

    assert document.encode() == encode(content())
    assert center_hotlist.entry_of(KEY, SERIALS[0]) == entry(SERIALS[0])


@pytest.mark.parametrize(("card", "reason"), [(0, "CARD_SUSPENDED"), (1, "CARD_REVOKED")])
def test_listed_card_is_refused_by_its_reason(card: int, reason: str) -> None:
    with pytest.raises(Problem) as raised:
        listed().refuse(SERIALS[card], NOW)

    assert raised.value.reason == reason
    assert raised.value.exit is Exit.REFUSED


def test_other_card_is_left_to_the_center() -> None:
    listed().refuse(SERIALS[3], NOW)


def test_old_list_refuses_no_card_and_says_that_it_is_old() -> None:
    found = listed()

    found.refuse(SERIALS[0], STALE)

    with pytest.raises(Problem) as raised:
        found.require_fresh(STALE)
    assert raised.value.reason == "HOTLIST_TOO_OLD"
    assert raised.value.metadata == {"madeTime": NOW.isoformat(), "maxAgeSeconds": "600"}


def test_list_of_the_future_is_not_fresh() -> None:
    assert not listed().is_fresh(NOW - timedelta(minutes=3))
    assert listed().is_fresh(NOW - timedelta(minutes=1))


def test_changes_take_cards_on_and_off() -> None:
    found = listed().changed(piece(changes(3, 9, (SERIALS[0], 0), (SERIALS[2], 1))))

    found.refuse(SERIALS[0], NOW)
    with pytest.raises(Problem):
        found.refuse(SERIALS[2], NOW)
    assert found.cursor == 9


@pytest.mark.parametrize(
    ("value", "rule"),
    [
        (changes(8, 9), "GAP"),
        (changes(1, 6), "GAP"),
        (content(), "GAP"),
        (changes(7, 9, key=bytes(16)), "NOT_OF_THIS_LIST"),
        (changes(7, 9, made_at=MADE_AT - 1), "NOT_OF_THIS_LIST"),
    ],
)
def test_changes_that_do_not_fit_are_refused(value: object, rule: str) -> None:
    with pytest.raises(Problem) as raised:
        listed().changed(piece(value))

    assert rule_of(raised.value) == rule


def test_whole_list_waits_for_all_of_its_parts() -> None:
    first = piece(content(parts=2))
    second = piece(content(part=2, parts=2, cards=[[entry(SERIALS[2]), 1]]))

    assert assembled([first]) is None
    found = assembled([first, second])
    assert found is not None
    assert len(found.cards) == 3


@pytest.mark.parametrize(
    ("second", "rule"),
    [
        (content(part=1, parts=2), "ORDER"),
        (changes(7, 9, part=2, parts=2), "ORDER"),
        (content(part=2, parts=2, cursor=8), "NOT_OF_THIS_LIST"),
        (content(part=2, parts=2, made_at=MADE_AT + 1), "NOT_OF_THIS_LIST"),
    ],
)
def test_parts_of_two_lists_are_refused(second: object, rule: str) -> None:
    with pytest.raises(Problem) as raised:
        assembled([piece(content(parts=2)), piece(second)])

    assert rule_of(raised.value) == rule


@pytest.mark.parametrize(
    "value",
    [
        "no list",
        content()[:-1],
        content(label="juki-copy"),
        content(version=2),
        content(is_whole=1),
        content(since=8),
        content(cursor=-1),
        content(cursor=True),
        content(made_at=2**63 - 1),
        content(max_age=86_401),
        content(part=0),
        content(part=2),
        content(parts=1_001),
        content(key=bytes(15)),
        content(cards={}),
        content(cards=[[entry(SERIALS[0]), 0]]),
        content(cards=[[entry(SERIALS[0]), 3]]),
        content(cards=[[entry(SERIALS[0]), True]]),
        content(cards=[[SERIALS[0], 1]]),
        content(cards=[[entry(SERIALS[0]), 1]] * 2),
        content(cards=[[entry(SERIALS[0])]]),
        content(cards=[[number.to_bytes(16), 1] for number in range(2_001)]),
        content(certificates=[bytes(31)]),
        content(uris=["juki://operator/operator-1"]),
        content(uris=[7]),
    ],
)
def test_content_of_another_form_is_refused(value: object) -> None:
    with pytest.raises(Problem) as raised:
        piece(value)

    assert rule_of(raised.value) == "CONTENT"


def test_strangers_signature_is_refused() -> None:
    with pytest.raises(Problem) as raised:
        read_piece(signed(content(), make_signer(scalar=7)), SIGNERS)

    assert rule_of(raised.value) == "SIGNER_UNKNOWN"


def test_signer_that_was_not_valid_then_is_refused() -> None:
    with pytest.raises(Problem) as raised:
        piece(content(made_at=MADE_AT + 3 * 365 * 86_400))

    assert rule_of(raised.value) == "SIGNER_UNKNOWN"


def test_altered_content_is_refused() -> None:
    octets = signed(content()).replace(entry(SERIALS[0]), entry(SERIALS[3]))

    with pytest.raises(Problem) as raised:
        read_piece(octets, SIGNERS)

    assert rule_of(raised.value) == "SIGNATURE"


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"\x00" * (128 * 1024 + 1),
        encode([1, 2]),
        encode("x"),
        signed(content(), kind="application/juki-copy+cbor"),
        seal(encode(content()), make_signer(), protected=encode({1: -7})),
        signed(content()) + b"\x00",
    ],
)
def test_octets_that_are_no_signed_hotlist_are_refused(octets: bytes) -> None:
    with pytest.raises(Problem) as raised:
        read_piece(octets, SIGNERS)

    assert rule_of(raised.value) == "CONTENT"


def kept_list() -> hotlist_file.KeptList:
    kept = hotlist_file.begun([piece(content())], 7)
    assert kept is not None
    return kept


def test_file_gives_back_the_list_and_the_cursor(tmp_path: Path) -> None:
    path = tmp_path / "state" / "hotlist"
    kept = kept_list().taking(piece(changes(7, 9, (SERIALS[2], 1)))).at(12)

    hotlist_file.save(path, kept)

    assert hotlist_file.load(path, SIGNERS) == kept
    assert path.stat().st_mode & 0o077 == 0
    assert [one.name for one in path.parent.iterdir()] == ["hotlist"]


def test_file_that_is_not_there_is_no_list(tmp_path: Path) -> None:
    assert hotlist_file.load(tmp_path / "hotlist", SIGNERS) is None


def test_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(Problem) as raised:
        hotlist_file.load(tmp_path, SIGNERS)

    assert raised.value.reason == "CONFIGURATION_INVALID"


@pytest.mark.parametrize(
    ("octets", "rule"),
    [
        (b"", "FILE"),
        (encode([2, 0, [signed(content())]]), "FILE"),
        (encode([1, 0, []]), "FILE"),
        (encode([1, 0, ["x"]]), "FILE"),
        (encode([1, 0, [signed(content(parts=2))]]), "FILE"),
        (encode([1, 0, [signed(changes(0, 1))]]), "ORDER"),
        (encode([1, 0, [signed(content(), make_signer(scalar=7))]]), "SIGNER_UNKNOWN"),
    ],
)
def test_damaged_file_is_refused(tmp_path: Path, octets: bytes, rule: str) -> None:
    path = tmp_path / "hotlist"
    path.write_bytes(octets)

    with pytest.raises(Problem) as raised:
        hotlist_file.load(path, SIGNERS)

    assert rule_of(raised.value) == rule


def test_word_of_freshness_takes_the_place_of_the_one_before() -> None:
    kept = kept_list()

    for minute in range(1, 100):
        kept = kept.taking(piece(changes(7, 7, made_at=MADE_AT + 60 * minute)))

    assert len(kept.pieces) == 2
    assert not kept.is_long


def test_freshness_over_other_events_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    """Events that change no card move the end of a word of freshness, and not its beginning."""
    kept = kept_list()

    for event in range(1, 100):
        kept = kept.taking(piece(changes(5, 7 + event, made_at=MADE_AT + 60 * event)))
    hotlist_file.save(tmp_path / "hotlist", kept)

    assert len(kept.pieces) == 2
    assert hotlist_file.load(tmp_path / "hotlist", SIGNERS) == kept


def test_freshness_that_a_newer_one_does_not_reach_back_over_is_kept(tmp_path: Path) -> None:
    kept = kept_list().taking(piece(changes(7, 9, made_at=MADE_AT + 60)))

    kept = kept.taking(piece(changes(9, 9, made_at=MADE_AT + 120)))
    hotlist_file.save(tmp_path / "hotlist", kept)

    assert len(kept.pieces) == 3
    assert hotlist_file.load(tmp_path / "hotlist", SIGNERS) == kept


def guard(found: Hotlist | None, *, required: bool, at: datetime = NOW) -> HotlistGuard:
    return HotlistGuard(found, required, lambda: at, lambda: None)


def test_required_list_that_is_old_or_missing_lets_no_session_begin() -> None:
    for found in (None, listed()):
        with pytest.raises(Problem) as raised:
            guard(found, required=True, at=STALE).begin()
        assert raised.value.reason == "HOTLIST_TOO_OLD"


def test_list_that_is_not_required_only_says_that_it_is_old() -> None:
    told = []
    HotlistGuard(listed(), False, lambda: STALE, lambda: told.append("old")).begin()
    HotlistGuard(listed(), True, lambda: NOW, lambda: told.append("fresh")).begin()

    assert told == ["old"]


def test_revoked_node_is_no_anchor_of_the_channel_however_old_the_list(pki: PKIFolder) -> None:
    pem = center_edge.pinned(pki)
    leaf = pki.center("center-1").certificate_sha256

    by_certificate = listed(certificates=[leaf], uris=[])
    by_uri = listed(certificates=[], uris=["juki://center/center-1"])

    assert trusted_leaves(pem, listed()) == pem
    assert trusted_leaves(pem, None) == pem
    for found in (by_certificate, by_uri):
        with pytest.raises(Problem) as raised:
            trusted_leaves(pem, found)
        assert raised.value.reason == "CERTIFICATE_REVOKED"


def test_entry_needs_the_whole_serial() -> None:
    """Who has the list can not tell a card from it: the entry is an HMAC under the list's key."""
    assert entry(SERIALS[0]) != hashlib.sha256(SERIALS[0]).digest()[:16]
    assert entry(SERIALS[0]) != entry(SERIALS[0], bytes(16))
