"""A terminal prints nothing that the audit log does not show, and trusts a log that failed no more.

The center in this process is honest about everything but its log.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest
from typer.testing import CliRunner

from juki_audit.leaf import Leaf
from juki_client.outcome import Problem
from juki_pki.folder import PKIFolder
from juki_terminal.channel import Center
from juki_terminal.cli import app
from juki_terminal.pin import FilePin
from juki_terminal.reader.virtual import VirtualReader
from juki_terminal.session import authenticate
from juki_terminal.trust import Trust
from jukinet.audit.v1.receipt_pb2 import Receipt
from tests.support.receipting import Receipting, only, wire
from tests.support.trial_log import TrialLog, leaf_of
from tests.unit.terminal.center_double import CopiesDouble, SessionDouble, serving
from tests.unit.terminal.conftest import PIN, identity_of

EVENT = "COPY_ISSUED"


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str

    @property
    def error(self) -> dict[str, Any]:
        """What the envelope says of the problem."""
        return cast("dict[str, Any]", json.loads(self.out.splitlines()[-1])["error"])

    @property
    def result(self) -> dict[str, Any]:
        """What the envelope says of the result."""
        return cast("dict[str, Any]", json.loads(self.out.splitlines()[-1])["result"])


Run = Callable[..., Ended]
Bent = Callable[[Receipting, Receipt], Receipt | None]


@pytest.fixture
def run(config: Path) -> Run:
    """Run commands of one terminal."""

    def run(*arguments: str, stdin: str = "", lang: str = "en", as_json: bool = True) -> Ended:
        options = ["--config", str(config), "--lang", lang, *(["--json"] if as_json else [])]
        ended = CliRunner().invoke(app, [*options, *arguments], input=stdin)
        return Ended(ended.exit_code, ended.stdout)

    return run


def issue(run: Run, out: Path) -> Ended:
    """Ask for a copy by card."""
    return run("copy", "issue", "--out", str(out), "--pin-from", "-", stdin=PIN)


def missing(_receipting: Receipting, _receipt: Receipt) -> None:
    """Give no receipt."""


def of_another_act(receipting: Receipting, receipt: Receipt) -> Receipt:
    """Give the receipt of an act that the same terminal has done at the same time."""
    own = Leaf.decode(receipt.leaves[0].content)
    other = leaf_of("COPY_PRINT_CONFIRMED", own.caller_uri, own.request_id)
    return wire(receipting.log, receipting.log.append(other))


def of_another_request(receipting: Receipting, receipt: Receipt) -> Receipt:
    """Give the receipt of another copy of the same terminal."""
    own = Leaf.decode(receipt.leaves[0].content)
    other = leaf_of(EVENT, own.caller_uri, bytes(16))
    return wire(receipting.log, receipting.log.append(other))


def of_before(receipting: Receipting, _receipt: Receipt) -> Receipt:
    """Give a leaf that was in the log before."""
    return wire(receipting.log, 0)


def of_another_log(receipting: Receipting, receipt: Receipt) -> Receipt:
    """Give the same leaf, as another log has it."""
    other = TrialLog("jukinet/log-of-others", receipting.log.key)
    other.append_others(receipt.leaves[0].index)
    return wire(other, other.append_octets(receipt.leaves[0].content))


def of_a_shrunken_log(receipting: Receipting, receipt: Receipt) -> Receipt:
    """Give the leaf in a log from which others were taken away."""
    short = receipting.log.forked_at(1)
    return wire(short, short.append_octets(receipt.leaves[0].content))


def of_a_leaf_that_is_not_in_the_tree(_receipting: Receipting, receipt: Receipt) -> Receipt:
    """Give a leaf that was changed after it was logged."""
    receipt.leaves[0].salt = bytes(32)
    return receipt


WRONG = [
    (missing, "RECEIPT_MISSING", ""),
    (of_another_act, "RECEIPT_INVALID", "EVENT_OTHER"),
    (of_another_request, "RECEIPT_INVALID", "REQUEST_OTHER"),
    (of_before, "RECEIPT_INVALID", "LEAF_OLD"),
    (of_another_log, "LOG_NOT_TRUSTED", "ORIGIN_OTHER"),
    (of_a_shrunken_log, "LOG_SHRANK", ""),
    (of_a_leaf_that_is_not_in_the_tree, "RECEIPT_INVALID", "ROOT"),
]
STICKY = WRONG[1:]


def bent(receipting: Receipting, bend: Bent) -> None:
    """Let the receipts of issues be bent from now on."""
    receipting.bend = only(EVENT, lambda receipt: bend(receipting, receipt))


@pytest.mark.parametrize(("bend", "reason", "rule"), WRONG)
def test_new_issue_without_its_receipt_is_not_printed(
    run: Run, receipting: Receipting, tmp_path: Path, bend: Bent, reason: str, rule: str
) -> None:
    assert issue(run, tmp_path / "first.pdf").code == 0
    bent(receipting, bend)

    ended = issue(run, tmp_path / "copy.pdf")

    assert (ended.code, ended.error["reason"]) == (3, reason)
    assert ended.error["metadata"].get("rule", "") == rule
    assert not (tmp_path / "copy.pdf").exists()


@pytest.mark.parametrize(("bend", "reason", "rule"), WRONG)
def test_issue_resumed_from_the_journal_without_its_receipt_is_not_printed(
    run: Run,
    receipting: Receipting,
    copies: CopiesDouble,
    tmp_path: Path,
    bend: Bent,
    reason: str,
    rule: str,
) -> None:
    assert issue(run, tmp_path / "first.pdf").code == 0
    copies.faults = ["", "after"]
    cut = issue(run, tmp_path / "copy.pdf")
    assert cut.error["reason"] == "OUTCOME_UNKNOWN"
    bent(receipting, bend)

    ended = run("copy", "status", "--out", str(tmp_path / "copy.pdf"))

    assert (ended.code, ended.error["reason"]) == (3, reason)
    assert ended.error["metadata"].get("rule", "") == rule
    assert not (tmp_path / "copy.pdf").exists()


def test_issue_whose_receipt_comes_later_is_printed_then(
    run: Run, receipting: Receipting, tmp_path: Path
) -> None:
    bent(receipting, missing)
    issue(run, tmp_path / "copy.pdf")
    receipting.bend = lambda receipt: receipt

    ended = run("copy", "status", "--out", str(tmp_path / "copy.pdf"))

    assert (ended.code, ended.result["state"]) == (0, "confirmed")
    assert (tmp_path / "copy.pdf").exists()


@pytest.mark.parametrize(("bend", "reason", "rule"), STICKY)
def test_log_that_failed_is_not_trusted_until_a_person_says_so(
    run: Run, receipting: Receipting, tmp_path: Path, bend: Bent, reason: str, rule: str
) -> None:
    issue(run, tmp_path / "first.pdf")
    bent(receipting, bend)
    issue(run, tmp_path / "copy.pdf")
    receipting.bend = lambda receipt: receipt

    again = run("copy", "status", "--out", str(tmp_path / "copy.pdf"))
    looked = run("log", "status", lang="ja", as_json=False)
    told = run("log", "status")
    accepted = run("log", "accept")
    finished = run("copy", "status", "--out", str(tmp_path / "copy.pdf"))

    assert (again.code, again.error["reason"]) == (3, reason)
    assert "since" in again.error["metadata"]
    assert looked.code == 3
    assert "監査ログを信頼していません" in looked.out
    assert (told.code, told.result["trusted"], told.result["reason"]) == (3, False, reason)
    assert told.result["metadata"].get("rule", "") == rule
    assert (tmp_path / accepted.result["kept_as"]).exists()
    assert (finished.code, finished.result["state"]) == (0, "confirmed")


def test_fork_is_found_at_the_beginning_of_the_next_session(
    run: Run, receipting: Receipting, tmp_path: Path
) -> None:
    issue(run, tmp_path / "first.pdf")

    def forked(_: Receipting, receipt: Receipt) -> Receipt:
        fork = receipting.log.forked_at(2)
        fork.append_others(receipt.leaves[0].index - 2)
        return wire(fork, fork.append_octets(receipt.leaves[0].content))

    bent(receipting, forked)
    issue(run, tmp_path / "second.pdf")
    receipting.bend = lambda receipt: receipt

    ended = issue(run, tmp_path / "third.pdf")

    assert (ended.code, ended.error["reason"]) == (3, "LOG_FORKED")
    assert not (tmp_path / "third.pdf").exists()
    assert issue(run, tmp_path / "fourth.pdf").error["reason"] == "LOG_FORKED"


def test_shrunken_log_is_found_at_the_beginning_of_a_session(
    run: Run, receipting: Receipting, tmp_path: Path
) -> None:
    issue(run, tmp_path / "first.pdf")
    receipting.log = receipting.log.forked_at(1)

    ended = issue(run, tmp_path / "copy.pdf")

    assert (ended.code, ended.error["reason"]) == (3, "LOG_SHRANK")
    assert not (tmp_path / "copy.pdf").exists()


def test_session_without_a_receipt_proves_nothing(pki: PKIFolder, card: Path) -> None:
    receipting = Receipting.of(pki)
    receipting.bend = lambda _: None
    trust = Trust.load(pki.trust_path)

    with (
        serving(pki, SessionDouble(pki), receipting=receipting) as address,
        Center(address, identity_of(pki), trust) as center,
        pytest.raises(Problem) as caught,
    ):
        authenticate(center, VirtualReader(card), FilePin([PIN]))

    assert caught.value.reason == "RECEIPT_MISSING"


def test_session_with_the_receipt_of_another_session_proves_nothing(
    pki: PKIFolder, card: Path
) -> None:
    receipting = Receipting.of(pki)
    trust = Trust.load(pki.trust_path)

    def other(receipt: Receipt) -> Receipt:
        own = Leaf.decode(receipt.leaves[0].content)
        another = leaf_of(own.event, own.caller_uri)
        return wire(receipting.log, receipting.log.append(another))

    receipting.bend = other
    with (
        serving(pki, SessionDouble(pki), receipting=receipting) as address,
        Center(address, identity_of(pki), trust) as center,
        pytest.raises(Problem) as caught,
    ):
        authenticate(center, VirtualReader(card), FilePin([PIN]))

    assert caught.value.metadata == {"rule": "RESOURCE_OTHER"}


def test_request_names_the_tree_that_was_seen_when_it_was_sent_first(
    run: Run, receipting: Receipting, copies: CopiesDouble, tmp_path: Path
) -> None:
    issue(run, tmp_path / "first.pdf")
    before = receipting.log.size

    issue(run, tmp_path / "second.pdf")

    # The session has put its leaf into the log meanwhile, and its receipt was seen.
    assert copies.requests[1].seen_tree_size == before + 1


def test_damaged_log_book_is_told_and_can_be_put_aside(run: Run, tmp_path: Path) -> None:
    issue(run, tmp_path / "first.pdf")
    (tmp_path / "terminal.journal.log-book").write_text("{", encoding="utf-8")

    refused = issue(run, tmp_path / "copy.pdf")
    accepted = run("log", "accept")
    printed = issue(run, tmp_path / "copy.pdf")

    assert (refused.code, refused.error["reason"]) == (1, "JOURNAL_DAMAGED")
    assert accepted.code == 0
    assert printed.code == 0
