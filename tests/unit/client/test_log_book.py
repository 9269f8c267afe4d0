"""The log book never goes back, proves what it has seen, and trusts a log that failed no more."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from juki_audit.receipts import OwnAct, Receipt
from juki_client.log_book import MOST_WAITING, PROVED_FOR_SECONDS, LogBook
from juki_client.log_shelf import MemoryShelf
from juki_client.outcome import Exit, Language, Problem
from tests.support.trial_log import OTHER_KEY, TERMINAL, TrialLog, leaf_of
from tests.support.trial_prover import TrialProver

START = 1_800_000_000


class Clock:
    """A time that the test sets."""

    def __init__(self) -> None:
        self.at = START

    def __call__(self) -> int:
        return self.at


@pytest.fixture
def log() -> TrialLog:
    """A log with five leaves of others."""
    log = TrialLog()
    log.append_others(5)
    return log


@pytest.fixture
def clock() -> Clock:
    """The book's clock."""
    return Clock()


@pytest.fixture
def book(log: TrialLog, clock: Clock) -> LogBook:
    """A book in which nothing is written yet."""
    return LogBook(log.trusted, MemoryShelf(), clock)


def act(seen: int = 0) -> OwnAct:
    """Return the act that `acted` puts into a log."""
    return OwnAct("TRIED", TERMINAL, seen)


def acted(log: TrialLog) -> Receipt:
    """Do an act; return its receipt."""
    return log.receipt_of(leaf_of("TRIED"))


def take(book: LogBook, receipt: Receipt) -> None:
    """Take a receipt as one of an act that was asked for just now."""
    known = book.require_trusted()
    book.take(receipt, act(known.size), known=known)


def refused(attempt: Callable[[], object]) -> Problem:
    """Return the problem that an attempt ends with."""
    with pytest.raises(Problem) as caught:
        attempt()
    return caught.value


def test_first_head_is_trusted_as_it_is(book: LogBook, log: TrialLog) -> None:
    take(book, acted(log))

    memory = book.look()
    assert memory.size == 6
    assert memory.proved is not None
    assert memory.proved.head == log.heads[6]
    assert not memory.waiting


def test_newest_head_is_kept_across_receipts(book: LogBook, log: TrialLog) -> None:
    for _ in range(3):
        take(book, acted(log))
        log.append_others(2)

    assert [one.head.size for one in book.look().heads()] == [6, 9, 12]


def test_smaller_log_is_refused_and_not_trusted_any_more(book: LogBook, log: TrialLog) -> None:
    short = log.forked_at(5)
    log.append_others(4)
    take(book, acted(log))

    problem = refused(lambda: take(book, acted(short)))

    assert problem.reason == "LOG_SHRANK"
    assert problem.metadata == {"size": "6", "knownSize": "10"}
    again = refused(book.require_trusted)
    assert (again.reason, again.metadata["since"]) == ("LOG_SHRANK", str(START))
    assert book.look().size == 10


def test_other_root_of_the_same_size_is_refused(book: LogBook, log: TrialLog) -> None:
    fork = log.forked_at(5)
    fork.append_others(1)
    take(book, acted(log))
    fork.append(leaf_of("TRIED"))
    log.append_others(1)
    take(book, acted(log))
    known = book.require_trusted()
    fork.append_others(1)

    problem = refused(lambda: book.take(fork.receipt([6]), act(), known=known))

    assert (problem.reason, problem.metadata) == ("LOG_FORKED", {"size": "8"})
    assert refused(book.require_trusted).reason == "LOG_FORKED"


def test_smaller_head_of_an_act_that_was_asked_for_before_waits_for_its_proof(
    book: LogBook, log: TrialLog
) -> None:
    take(book, acted(log))
    before, early = book.require_trusted(), acted(log)
    log.append_others(3)
    take(book, acted(log))

    book.take(early, act(before.size), known=before)
    book.prove(TrialProver(log))

    assert book.look().size == 11
    assert not book.look().waiting


@pytest.mark.parametrize(
    ("other", "rule"),
    [
        (TrialLog(origin="log.example/other"), "ORIGIN_OTHER"),
        (TrialLog(key=OTHER_KEY), "SIGNER_UNKNOWN"),
    ],
)
def test_checkpoint_of_another_log_is_refused(
    book: LogBook, log: TrialLog, other: TrialLog, rule: str
) -> None:
    take(book, acted(log))
    other.append_others(7)

    problem = refused(lambda: take(book, acted(other)))

    assert (problem.reason, problem.metadata["rule"]) == ("LOG_NOT_TRUSTED", rule)
    assert refused(book.require_trusted).reason == "LOG_NOT_TRUSTED"


def test_receipt_of_another_act_is_refused(book: LogBook, log: TrialLog) -> None:
    receipt = log.receipt_of(leaf_of("OTHER"))

    problem = refused(lambda: take(book, receipt))

    assert (problem.reason, problem.metadata) == ("RECEIPT_INVALID", {"rule": "EVENT_OTHER"})
    assert refused(book.require_trusted).reason == "RECEIPT_INVALID"
    assert problem.exit is Exit.REFUSED
    assert "印刷していません" in problem.text(Language.JAPANESE)


def test_leaf_older_than_what_was_sent_is_refused(book: LogBook, log: TrialLog) -> None:
    old = log.append(leaf_of("TRIED"))
    take(book, acted(log))

    problem = refused(lambda: take(book, log.receipt([old])))

    assert problem.metadata == {"rule": "LEAF_OLD"}


def test_checkpoint_that_a_fault_came_with_is_kept(book: LogBook, log: TrialLog) -> None:
    receipt = replace(acted(log), checkpoint=b"\xffno checkpoint")

    refused(lambda: take(book, receipt))

    fault = book.look().fault
    assert fault is not None
    assert fault.checkpoint == b"\\xffno checkpoint"


def test_first_fault_stands(book: LogBook, log: TrialLog) -> None:
    known = book.require_trusted()
    refused(lambda: take(book, log.receipt_of(leaf_of("OTHER"))))

    refused(lambda: book.take(log.receipt([]), act(), known=known))

    assert refused(book.require_trusted).metadata["rule"] == "EVENT_OTHER"


def test_proof_joins_all_heads_to_the_newest(book: LogBook, log: TrialLog, clock: Clock) -> None:
    for _ in range(3):
        take(book, acted(log))
        log.append_others(2)
    prover = TrialProver(log)
    clock.at += 50

    book.prove(prover)

    assert sorted(prover.asked) == [(6, 9), (9, 12), (12, 14)]
    memory = book.look()
    assert memory.proved is not None
    assert memory.proved.head == log.heads[14]
    assert (memory.proved_at, memory.waiting) == (START + 50, ())


def test_nothing_is_asked_where_nothing_was_seen(book: LogBook, log: TrialLog) -> None:
    prover = TrialProver(log)

    book.prove(prover)

    assert not prover.asked


def test_head_that_comes_during_a_proof_waits_for_the_next(book: LogBook, log: TrialLog) -> None:
    take(book, acted(log))

    class Meanwhile(TrialProver):
        def newest(self, first: int) -> tuple[bytes, Sequence[bytes]]:
            told = super().newest(first)
            take(book, acted(log))
            return told

    book.prove(Meanwhile(log))

    memory = book.look()
    assert memory.proved is not None
    assert memory.proved.head.size == 6
    assert [one.head.size for one in memory.waiting] == [7]


def test_forked_log_cannot_prove_itself(book: LogBook, log: TrialLog) -> None:
    take(book, acted(log))
    fork = log.forked_at(5)
    fork.append_others(6)

    problem = refused(lambda: book.prove(TrialProver(fork)))

    assert (problem.reason, problem.metadata["rule"]) == ("LOG_FORKED", "ROOT")
    assert refused(book.require_trusted).reason == "LOG_FORKED"


def test_head_between_two_proofs_that_is_on_no_line_is_found(book: LogBook, log: TrialLog) -> None:
    take(book, acted(log))
    fork = log.forked_at(5)
    fork.append_others(2)
    take(book, acted(fork))
    log.append_others(9)

    problem = refused(lambda: book.prove(TrialProver(log)))

    assert problem.reason == "LOG_FORKED"


def test_shrunken_log_is_found_by_its_head(book: LogBook, log: TrialLog) -> None:
    short = log.forked_at(5)
    log.append_others(4)
    take(book, acted(log))

    class Lying(TrialProver):
        def newest(self, first: int) -> tuple[bytes, Sequence[bytes]]:  # noqa: ARG002
            return self.log.checkpoint(), ()

    problem = refused(lambda: book.prove(Lying(short)))

    assert problem.reason == "LOG_SHRANK"


def test_center_that_has_fewer_leaves_has_a_shrunken_log(book: LogBook, log: TrialLog) -> None:
    short = log.forked_at(4)
    take(book, acted(log))

    problem = refused(lambda: book.prove(TrialProver(short)))

    assert (problem.reason, problem.metadata) == ("LOG_SHRANK", {"treeSize": "4"})
    assert refused(book.require_trusted).reason == "LOG_SHRANK"


def test_center_that_does_not_answer_says_nothing_of_its_log(book: LogBook, log: TrialLog) -> None:
    take(book, acted(log))

    class Away(TrialProver):
        def newest(self, first: int) -> tuple[bytes, Sequence[bytes]]:  # noqa: ARG002
            raise Problem("CENTER_UNREACHABLE")

    problem = refused(lambda: book.prove(Away(log)))

    assert problem.reason == "CENTER_UNREACHABLE"
    assert book.require_trusted().size == 6


def test_proof_is_due_after_an_hour(book: LogBook, log: TrialLog, clock: Clock) -> None:
    assert not book.is_due()
    take(book, acted(log))

    found = []
    for seconds in (0, PROVED_FOR_SECONDS - 1, PROVED_FOR_SECONDS, -1):
        clock.at = START + seconds
        found.append(book.is_due())

    assert found == [False, False, True, True]


def test_proof_is_due_when_many_heads_wait(book: LogBook, log: TrialLog) -> None:
    for _ in range(MOST_WAITING):
        take(book, acted(log))
    assert not book.is_due()

    take(book, acted(log))

    assert book.is_due()


def test_book_that_is_begun_anew_takes_the_next_head(book: LogBook, log: TrialLog) -> None:
    refused(lambda: take(book, log.receipt_of(leaf_of("OTHER"))))

    book.begin_anew()
    take(book, acted(log))

    assert book.require_trusted().size == log.size
