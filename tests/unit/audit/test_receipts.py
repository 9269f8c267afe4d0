"""A receipt is taken for the caller's own act in the trusted log, and for nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from juki_audit.errors import HeadNotTrusted, LogMalformed, LogRefused, ProofInvalid, ReceiptRefused
from juki_audit.leaf import Leaf
from juki_audit.notes import VerifierKey
from juki_audit.receipts import (
    LoggedLeaf,
    OwnAct,
    Receipt,
    TrustedLog,
    open_receipt,
    require_act,
)
from tests.support.trial_log import KEY, ORIGIN, OTHER_KEY, TERMINAL, TrialLog, leaf_of

REQUEST = bytes(range(16))
ACT = OwnAct("COPY_ISSUED", TERMINAL, 5, REQUEST, "131016-1", (("scope", "SELF"),))
LEAF = replace(
    leaf_of("COPY_ISSUED", request_id=REQUEST),
    resource="131016-1",
    details={"scope": "SELF", "evidence": "00"},
)


@pytest.fixture
def log() -> TrialLog:
    """A log with five leaves of others."""
    log = TrialLog()
    log.append_others(5)
    return log


def changed_leaf(receipt: Receipt, change: Callable[[LoggedLeaf], LoggedLeaf]) -> Receipt:
    """Return a receipt whose first leaf is another."""
    first, *rest = receipt.leaves
    return replace(receipt, leaves=(change(first), *rest))


def test_receipt_of_the_own_act_is_taken(log: TrialLog) -> None:
    receipt = log.receipt_of(LEAF)

    opened = open_receipt(receipt, log.trusted)
    own = require_act(opened, ACT)

    assert opened.head == log.heads[6]
    assert (own.index, own.leaf) == (5, LEAF)


def test_receipt_with_several_leaves_shows_the_act_among_them(log: TrialLog) -> None:
    indexes = [log.append(leaf_of("CARD_STATUS_CHANGED")), log.append(LEAF)]

    own = require_act(open_receipt(log.receipt(indexes), log.trusted), ACT)

    assert own.index == 6


def test_receipt_of_a_repeated_answer_leads_to_a_newer_checkpoint(log: TrialLog) -> None:
    index = log.append(LEAF)
    log.append_others(7)

    opened = open_receipt(log.receipt([index]), log.trusted)

    assert opened.head.size == 13
    assert require_act(opened, ACT).index == 5


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (lambda one: replace(one, salt=bytes(32)), "ROOT"),
        (lambda one: replace(one, salt=one.salt[1:]), "LEAF_SALT"),
        (lambda one: replace(one, content=leaf_of("COPY_ISSUED").encode()), "ROOT"),
        (lambda one: replace(one, index=4), "ROOT"),
        (lambda one: replace(one, index=6), "LEAF_INDEX"),
        (lambda one: replace(one, proof=one.proof[1:]), "PROOF_LENGTH"),
        (lambda one: replace(one, proof=(bytes(31), *one.proof[1:])), "HASH_LENGTH"),
        (lambda one: replace(one, proof=(bytes(32), *one.proof[1:])), "ROOT"),
    ],
)
def test_leaf_that_is_not_in_the_tree_is_refused(
    log: TrialLog, change: Callable[[LoggedLeaf], LoggedLeaf], rule: str
) -> None:
    receipt = changed_leaf(log.receipt_of(LEAF), change)

    with pytest.raises((ProofInvalid, LogMalformed)) as refused:
        open_receipt(receipt, log.trusted)

    assert refused.value.rule == rule


def test_leaf_whose_content_is_none_is_refused(log: TrialLog) -> None:
    receipt = log.receipt([log.append_octets(b"\x00")])

    with pytest.raises(LogMalformed, match="LEAF_KEYS"):
        open_receipt(receipt, log.trusted)


def test_receipt_without_a_leaf_is_refused(log: TrialLog) -> None:
    with pytest.raises(ReceiptRefused, match="RECEIPT_EMPTY"):
        open_receipt(log.receipt([]), log.trusted)


def test_receipt_with_one_leaf_twice_is_refused(log: TrialLog) -> None:
    index = log.append(LEAF)

    with pytest.raises(ReceiptRefused, match="LEAF_ORDER"):
        open_receipt(log.receipt([index, index]), log.trusted)


@pytest.mark.parametrize(
    ("other", "rule"),
    [
        (TrialLog(origin="log.example/other"), "ORIGIN_OTHER"),
        (TrialLog(key=OTHER_KEY), "SIGNER_UNKNOWN"),
    ],
)
def test_receipt_of_another_log_is_refused(log: TrialLog, other: TrialLog, rule: str) -> None:
    receipt = other.receipt_of(LEAF)

    with pytest.raises(HeadNotTrusted) as refused:
        open_receipt(receipt, log.trusted)

    assert refused.value.rule == rule


def test_checkpoint_with_a_wrong_signature_is_refused(log: TrialLog) -> None:
    receipt = log.receipt_of(LEAF)
    lines = log.checkpoint(5).split(b"\n")
    body = receipt.checkpoint.split(b"\n")[:4]
    forged = b"\n".join([*body, *lines[4:]])

    with pytest.raises(HeadNotTrusted, match="SIGNATURE_INVALID"):
        open_receipt(replace(receipt, checkpoint=forged), log.trusted)


def test_octets_that_are_no_checkpoint_are_refused(log: TrialLog) -> None:
    with pytest.raises(LogMalformed, match="NOTE_FORM"):
        open_receipt(replace(log.receipt_of(LEAF), checkpoint=b"5"), log.trusted)


@pytest.mark.parametrize(
    ("leaf", "rule"),
    [
        (replace(LEAF, event="COPY_RECALLED"), "EVENT_OTHER"),
        (replace(LEAF, caller_uri="juki://municipality/131016/terminal/w2"), "CALLER_OTHER"),
        (replace(LEAF, outcome="SESSION_USED"), "OUTCOME_OTHER"),
        (replace(LEAF, request_id=bytes(16)), "REQUEST_OTHER"),
        (replace(LEAF, request_id=b""), "REQUEST_OTHER"),
        (replace(LEAF, resource="131016-2"), "RESOURCE_OTHER"),
        (replace(LEAF, details={"scope": "HOUSEHOLD"}), "DETAIL_OTHER"),
    ],
)
def test_receipt_of_another_act_is_refused(log: TrialLog, leaf: Leaf, rule: str) -> None:
    opened = open_receipt(log.receipt_of(leaf), log.trusted)

    with pytest.raises(ReceiptRefused) as refused:
        require_act(opened, ACT)

    assert refused.value.rule == rule


def test_fault_of_the_nearest_leaf_is_told(log: TrialLog) -> None:
    indexes = [log.append(leaf_of("CARD_STATUS_CHANGED")), log.append(replace(LEAF, outcome="NO"))]
    opened = open_receipt(log.receipt(indexes), log.trusted)

    with pytest.raises(ReceiptRefused, match="OUTCOME_OTHER"):
        require_act(opened, ACT)


def test_leaf_that_stood_in_the_log_before_the_request_is_refused(log: TrialLog) -> None:
    opened = open_receipt(log.receipt_of(LEAF), log.trusted)

    with pytest.raises(ReceiptRefused, match="LEAF_OLD"):
        require_act(opened, replace(ACT, seen=6))


def test_old_leaf_beside_the_own_one_is_refused(log: TrialLog) -> None:
    opened = open_receipt(log.receipt([4, log.append(LEAF)]), log.trusted)

    with pytest.raises(ReceiptRefused, match="LEAF_OLD"):
        require_act(opened, ACT)


def test_act_without_id_and_resource_is_told_by_its_event(log: TrialLog) -> None:
    opened = open_receipt(log.receipt_of(LEAF), log.trusted)

    assert require_act(opened, OwnAct("COPY_ISSUED", TERMINAL, 0)).leaf == LEAF


def test_verifiers_of_one_log_are_trusted_together() -> None:
    keys = tuple(VerifierKey.of(ORIGIN, key) for key in (KEY, OTHER_KEY))

    trusted = TrustedLog.decode("".join(f"{key.encode()}\n" for key in keys))

    assert trusted == TrustedLog(ORIGIN, keys)
    head = TrialLog(key=OTHER_KEY)
    assert trusted.head(head.checkpoint()) == head.heads[0]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "log.example+00000000+AA==\n",
        "".join(f"{VerifierKey.of(name, KEY).encode()}\n" for name in ("log-1", "log-2")),
    ],
)
def test_text_that_names_no_one_log_is_refused(text: str) -> None:
    with pytest.raises(LogRefused):
        TrustedLog.decode(text)
