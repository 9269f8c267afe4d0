"""A desk's report is sent and told whatever becomes of its receipt; what is wrong is told too."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from juki_audit.leaf import Leaf
from jukinet.audit.v1.receipt_pb2 import Receipt
from tests.support.receipting import Receipting, wire
from tests.unit.desk.center_double import CardsDouble
from tests.unit.desk.conftest import Run
from tests.unit.desk.test_suspend_command import FORM


def other(receipting: Receipting) -> None:
    """Give the receipts of another report from now on."""

    def bend(receipt: Receipt) -> Receipt:
        own = Leaf.decode(receipt.leaves[0].content)
        leaf = Leaf(own.event, own.at, own.caller_uri, own.outcome, request_id=bytes(16))
        return wire(receipting.log, receipting.log.append(leaf))

    receipting.bend = bend


@pytest.mark.parametrize("lang", ["ja", "en"])
def test_report_without_a_receipt_is_done_and_says_so(
    run: Run, receipting: Receipting, lang: str
) -> None:
    receipting.bend = lambda _: None

    ended = run("suspend", "--from", "-", stdin=json.dumps(FORM), lang=lang, as_json=False)

    assert ended.code == 0
    assert ("受領証がありません" if lang == "ja" else "without a receipt") in ended.out
    assert ("一時停止しました" if lang == "ja" else "SUSPENDED") in ended.out


def test_report_without_a_receipt_is_known_to_machines(run: Run, receipting: Receipting) -> None:
    receipting.bend = lambda _: None

    ended = run("suspend", "--from", "-", stdin=json.dumps(FORM))

    assert (ended.code, ended.result["stopped"], ended.result["receipt"]) == (0, True, False)


def test_receipt_of_another_report_is_told_after_the_card(run: Run, receipting: Receipting) -> None:
    other(receipting)

    ended = run("suspend", "--from", "-", stdin=json.dumps(FORM))

    assert (ended.code, ended.error["reason"]) == (3, "RECEIPT_INVALID")
    assert "SUSPENDED. Card" in ended.err


def test_report_is_sent_by_a_desk_that_does_not_trust_the_log(
    run: Run, receipting: Receipting, double: CardsDouble
) -> None:
    honest = receipting.bend
    other(receipting)
    run("suspend", "--from", "-", stdin=json.dumps(FORM))
    receipting.bend = honest

    ended = run("suspend", "--from", "-", stdin=json.dumps(FORM))

    assert ended.result["stopped"]
    assert len(double.requests) == 2
    assert run("log", "status").code == 3


def test_report_is_sent_by_a_desk_whose_log_book_is_damaged(
    run: Run, config: Path, double: CardsDouble
) -> None:
    run("suspend", "--from", "-", stdin=json.dumps(FORM))
    (book,) = config.parent.rglob("*.log-book")
    book.write_text("{", encoding="utf-8")

    ended = run("suspend", "--from", "-", stdin=json.dumps(FORM))

    assert len(double.requests) == 2
    assert (ended.code, ended.error["reason"]) == (1, "JOURNAL_DAMAGED")
    assert "SUSPENDED. Card" in ended.err
