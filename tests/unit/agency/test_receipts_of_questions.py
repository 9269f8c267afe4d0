"""An agency takes an answer for one only with the receipt of its own question."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from juki_audit.leaf import Leaf
from jukinet.agencies.v1 import identity_confirmation_service_pb2 as pb
from jukinet.audit.v1.receipt_pb2 import Receipt
from tests.support.receipting import Receipting, only, wire
from tests.unit.agency.center_double import AgencyDouble
from tests.unit.agency.conftest import Run

CODE = "24727059608"
Change = Callable[[Leaf], Leaf]


def relogged(receipting: Receipting, change: Change) -> Callable[[Receipt], Receipt]:
    """Give the receipt of another leaf that is in the log too."""

    def bend(receipt: Receipt) -> Receipt:
        leaf = change(Leaf.decode(receipt.leaves[0].content))
        return wire(receipting.log, receipting.log.append(leaf))

    return bend


def with_details(leaf: Leaf, **details: str) -> Leaf:
    """Return the leaf with other details."""
    return Leaf(leaf.event, leaf.at, leaf.caller_uri, leaf.outcome, resource=leaf.resource,
                details=details)  # fmt: skip


def ask(run: Run) -> object:
    """Ask by code; return how it ended."""
    ended = run("confirm", "--affair", "passport", stdin=f"{CODE}\n")
    return ended.code, ended.envelope.get("error", {}).get("reason")


def questions(folder: Path, count: int) -> Path:
    """Write a batch."""
    path = folder / "questions.csv"
    path.write_text("code\n" + f"{CODE}\n" * count, encoding="utf-8")
    return path


def test_each_question_has_an_id_of_its_own(run: Run, double: AgencyDouble) -> None:
    ask(run)
    ask(run)

    ids = {question.question_id for question in double.questions}
    assert len(ids) == 2
    assert all(ids)


@pytest.mark.parametrize("by", ["code", "attributes"])
def test_answer_without_a_receipt_is_not_shown(run: Run, receipting: Receipting, by: str) -> None:
    receipting.bend = only("IDENTITY_CONFIRMED", lambda _: None)
    person = {"code": CODE} if by == "code" else {"name": "髙橋　一郎", "birth": "昭和45年3月2日"}

    ended = run("confirm", "--affair", "passport", "--from", "-", stdin=json.dumps(person))

    assert (ended.code, ended.envelope["error"]["reason"]) == (3, "RECEIPT_MISSING")
    assert "髙橋" not in ended.out + ended.err


def test_receipt_of_another_question_ends_the_trust_until_a_person_says_so(
    run: Run, receipting: Receipting, config: Path
) -> None:
    honest = receipting.bend
    other = relogged(receipting, lambda leaf: Leaf(leaf.event, leaf.at, leaf.caller_uri, "DONE"))
    receipting.bend = other

    first = ask(run)
    receipting.bend = honest
    again = ask(run)
    told = run("log", "status")
    accepted = run("log", "accept")

    assert first == again == (3, "RECEIPT_INVALID")
    assert (told.code, told.envelope["result"]["trusted"]) == (3, False)
    assert (config.parent / accepted.envelope["result"]["kept_as"]).exists()
    assert ask(run) == (0, None)


def test_results_of_a_batch_are_those_of_its_leaves(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"

    ended = run("batch", str(questions(tmp_path, 130)), "--affair", "p", "--out", str(out))

    assert ended.code == 0
    assert len(list(csv.DictReader(out.open(encoding="utf-8-sig")))) == 130


@pytest.mark.parametrize(
    ("details", "rule"),
    [
        ({}, "LINES_OTHER"),
        ({"lines": "2-2"}, "LINES_OTHER"),
        ({"lines": "0-3"}, "LINES_OTHER"),
        ({"lines": "1"}, "LINES_OTHER"),
    ],
)
def test_results_under_the_leaf_of_other_lines_are_refused(
    run: Run, receipting: Receipting, tmp_path: Path, details: dict[str, str], rule: str
) -> None:
    receipting.bend = relogged(receipting, lambda leaf: with_details(leaf, **details))

    ended = run(
        "batch", str(questions(tmp_path, 3)), "--affair", "p", "--out", str(tmp_path / "o.csv")
    )

    error = ended.envelope["error"]
    assert (ended.code, error["reason"], error["metadata"]["rule"]) == (3, "RECEIPT_INVALID", rule)
    assert not run("log", "status").envelope["result"]["trusted"]


@pytest.mark.parametrize("last", [1, 2])
def test_line_that_no_leaf_vouches_for_is_refused(
    run: Run, receipting: Receipting, tmp_path: Path, last: int
) -> None:
    receipting.bend = relogged(receipting, lambda leaf: with_details(leaf, lines=f"1-{last}"))

    ended = run(
        "batch", str(questions(tmp_path, 3)), "--affair", "p", "--out", str(tmp_path / "o.csv")
    )

    assert (ended.code, ended.envelope["error"]["reason"]) == (3, "RECEIPT_MISSING")


def notice(cursor: bytes) -> pb.WatchChangesResponse:
    """Return a notice."""
    told = pb.ChangeNotice(subject_reference=b"s-1")
    return pb.WatchChangesResponse(notice=told, cursor=cursor)


CAUGHT_UP = pb.WatchChangesResponse(caught_up=pb.CaughtUp(), cursor=b"9")


def watch(run: Run, folder: Path) -> tuple[int, str]:
    """Watch once; return the exit code and the reason."""
    ended = run(
        "watch", "--affair", "p", "--state", str(folder / "cursor"), "--once", "--patience", "0"
    )
    return ended.code, ended.envelope.get("error", {}).get("reason", "")


def test_notices_with_receipts_are_handed_on(
    run: Run, double: AgencyDouble, tmp_path: Path
) -> None:
    double.changes = [[notice(b"1"), notice(b"2"), CAUGHT_UP]]

    assert watch(run, tmp_path) == (0, "")


def test_notice_without_a_receipt_is_not_handed_on(
    run: Run, double: AgencyDouble, receipting: Receipting, tmp_path: Path
) -> None:
    double.changes = [[notice(b"1"), CAUGHT_UP]]
    receipting.bend = lambda _: None

    assert watch(run, tmp_path) == (3, "RECEIPT_MISSING")
    assert not (tmp_path / "cursor").exists()


@pytest.mark.parametrize(("told", "end"), [("2", (0, "")), ("1", (3, "RECEIPT_MISSING"))])
def test_leaf_vouches_for_as_many_notices_as_it_says(
    run: Run,
    double: AgencyDouble,
    receipting: Receipting,
    tmp_path: Path,
    told: str,
    end: tuple[int, str],
) -> None:
    double.changes = [[notice(b"1"), notice(b"2"), CAUGHT_UP]]
    bend = relogged(receipting, lambda leaf: with_details(leaf, provisions=told))
    given: list[Receipt] = []

    def first_only(receipt: Receipt) -> Receipt | None:
        given.append(receipt)
        return bend(receipt) if len(given) == 1 else None

    receipting.bend = first_only

    assert watch(run, tmp_path) == end


@pytest.mark.parametrize("told", ["", "0", "many"])
def test_leaf_that_does_not_say_of_how_many_is_refused(
    run: Run, double: AgencyDouble, receipting: Receipting, tmp_path: Path, told: str
) -> None:
    double.changes = [[notice(b"1"), CAUGHT_UP]]
    receipting.bend = relogged(receipting, lambda leaf: with_details(leaf, provisions=told))

    assert watch(run, tmp_path) == (3, "RECEIPT_INVALID")
