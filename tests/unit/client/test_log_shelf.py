"""The log book's file survives cuts, is shared by programs, and says so where it is damaged."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from juki_audit.receipts import OwnAct, TrustedLog
from juki_client.log_book import LogBook
from juki_client.log_shelf import FileShelf
from juki_client.outcome import Problem
from tests.support.trial_log import OTHER_KEY, TERMINAL, TrialLog, leaf_of
from tests.support.trial_prover import TrialProver

ACT = OwnAct("TRIED", TERMINAL, 0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the book lies."""
    return tmp_path / "state" / "terminal.log-book"


def take(book: LogBook, log: TrialLog) -> None:
    book.take(log.receipt_of(leaf_of("TRIED")), ACT, known=book.require_trusted())


def damage_of(path: Path, log: TrustedLog) -> Problem:
    with pytest.raises(Problem) as caught:
        LogBook(log, FileShelf(path)).look()
    assert caught.value.reason == "JOURNAL_DAMAGED"
    return caught.value


def test_what_is_known_is_found_by_the_next_program(path: Path) -> None:
    log = TrialLog()
    for _ in range(3):
        take(LogBook(log.trusted, FileShelf(path)), log)

    memory = LogBook(log.trusted, FileShelf(path)).look()

    assert [one.head for one in memory.heads()] == log.heads[1:]
    assert path.stat().st_mode & 0o777 == 0o600


def test_fault_is_found_by_the_next_program(path: Path) -> None:
    log = TrialLog()
    book = LogBook(log.trusted, FileShelf(path), lambda: 1_800_000_000)
    with pytest.raises(Problem):
        book.take(log.receipt_of(leaf_of("OTHER")), ACT, known=book.require_trusted())

    with pytest.raises(Problem) as caught:
        LogBook(log.trusted, FileShelf(path)).require_trusted()

    assert caught.value.reason == "RECEIPT_INVALID"
    assert caught.value.metadata == {"rule": "EVENT_OTHER", "since": "1800000000"}


def test_book_that_is_put_away_stays_as_evidence(path: Path) -> None:
    log = TrialLog()
    book = LogBook(log.trusted, FileShelf(path), lambda: 1_800_000_000)
    take(book, log)
    before = path.read_bytes()

    name = book.begin_anew()

    assert name == "terminal.log-book.1800000000"
    assert path.with_name(name).read_bytes() == before
    assert book.look().newest is None
    assert not book.begin_anew()


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text[:-20],
        lambda text: text.partition("{")[0] + "[]",
        lambda text: text.replace('"v": 1', '"v": 2'),
        lambda text: text.replace('"proved_at"', '"proven_at"'),
        lambda text: text.replace('"waiting": []', '"waiting": [1]'),
        lambda text: json.dumps(json.loads(text) | {"waiting": [json.loads(text)["proved"]]}),
        lambda text: json.dumps(json.loads(text) | {"fault": {}}),
        lambda text: text.replace("log.example/trial\\n1", "log.example/trial\\n2"),
    ],
)
def test_damaged_book_is_refused(path: Path, change: Callable[[str], str]) -> None:
    log = TrialLog()
    take(LogBook(log.trusted, FileShelf(path)), log)
    text = path.read_text(encoding="utf-8")
    assert change(text) != text
    path.write_text(change(text), encoding="utf-8")

    assert damage_of(path, log.trusted).metadata["file"] == "log book"


def test_book_of_another_log_is_refused(path: Path) -> None:
    log = TrialLog()
    take(LogBook(log.trusted, FileShelf(path)), log)

    damage = damage_of(path, TrialLog(origin="log.example/other").trusted)

    assert damage.metadata["rule"] == "ORIGIN_OTHER"


def test_heads_of_a_signer_that_was_retired_since_are_still_held_against_the_log(
    path: Path,
) -> None:
    log = TrialLog()
    take(LogBook(log.trusted, FileShelf(path)), log)
    rolled_over = TrialLog(key=OTHER_KEY)

    book = LogBook(rolled_over.trusted, FileShelf(path))
    with pytest.raises(Problem) as caught:
        book.prove(TrialProver(rolled_over))

    assert book.look().size == log.size
    assert caught.value.reason == "LOG_SHRANK"


def test_path_that_is_a_folder_is_refused(path: Path) -> None:
    path.mkdir(parents=True)

    assert damage_of(path, TrialLog().trusted).metadata["problem"] == "Is a directory"


def test_folder_that_cannot_be_made_is_refused(path: Path) -> None:
    path.parent.write_text("a file")

    assert "file" in damage_of(path, TrialLog().trusted).metadata


def test_place_where_nothing_can_be_written_is_told(path: Path) -> None:
    log = TrialLog()
    book = LogBook(log.trusted, FileShelf(path))
    path.parent.mkdir()
    path.with_name(path.name + ".new").mkdir()

    with pytest.raises(Problem) as caught:
        take(book, log)

    assert caught.value.reason == "JOURNAL_DAMAGED"


def test_second_program_waits_for_its_turn(path: Path) -> None:
    first, second = FileShelf(path), FileShelf(path)
    done = threading.Event()

    def replace() -> None:
        with second.turn() as content:
            content.replace(content.read() + b"second")
        done.set()

    with first.turn() as content:
        other = threading.Thread(target=replace)
        other.start()
        assert not done.wait(0.05)
        content.replace(b"first, ")
    other.join()

    assert path.read_bytes() == b"first, second"


def test_lock_is_not_left_to_children(path: Path) -> None:
    with FileShelf(path).turn():
        held = {
            int(one.name)
            for one in Path("/proc/self/fd").iterdir()
            if one.exists() and str(one.readlink()).endswith(".lock")
        }

        assert len(held) == 1
        assert not any(os.get_inheritable(one) for one in held)
