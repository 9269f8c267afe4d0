"""The journal survives crashes, torn lines and second programs, and knows no shortcut."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from juki_client.outcome import Problem
from juki_terminal.journal import TRANSITIONS, Entry, Journal, State

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
ENTRY = Entry(
    request_id="7f0c1b1e-54cc-4f0c-8d6c-5b1b7a0e0001",
    state=State.PREPARED,
    at=int(NOW.timestamp()),
    by_card=True,
    evidence=bytes(range(32)),
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "terminal.journal"


def write(path: Path, *states: State) -> None:
    with Journal(path) as journal:
        entry = journal.begin(ENTRY)
        for state in states:
            entry = journal.advance(replace(entry, state=state), NOW)


def test_entry_is_read_back_as_it_was_written(path: Path) -> None:
    entry = replace(ENTRY, issue_number="131016-20261123-000001-7K3Q", attempt=2)
    entry = replace(entry, report_id="r", pdf_sha256=bytes(32), by_card=False)

    with Journal(path) as journal:
        journal.begin(entry)
    with Journal(path) as journal:
        found = journal.find(entry.issue_number)

    assert found == entry


def test_file_is_for_its_owner_only(path: Path) -> None:
    write(path)

    assert path.stat().st_mode & 0o777 == 0o600


def test_open_issue_forbids_a_new_one_and_says_how_to_finish(path: Path) -> None:
    write(path, State.ASKED)

    with Journal(path) as journal, pytest.raises(Problem) as caught:
        journal.begin(replace(ENTRY, request_id="another"))

    assert caught.value.reason == "COPY_UNFINISHED"
    assert caught.value.metadata["requestId"] == ENTRY.request_id
    assert caught.value.metadata["state"] == "asked"


def test_closed_issue_makes_way_for_a_new_one(path: Path) -> None:
    write(path, State.ASKED, State.REFUSED)

    with Journal(path) as journal:
        journal.begin(replace(ENTRY, request_id="another"))
        opened = journal.open_entry()

    assert opened is not None
    assert opened.request_id == "another"


@pytest.mark.parametrize("cut", [1, 10, 50])
def test_torn_last_line_is_dropped_and_the_state_before_it_stands(path: Path, cut: int) -> None:
    write(path, State.ASKED, State.ISSUED)
    path.write_bytes(path.read_bytes()[:-cut])

    with Journal(path) as journal:
        found = journal.find(ENTRY.request_id)
        assert found is not None
        journal.advance(replace(found, state=State.ISSUED), NOW)
    with Journal(path) as journal:
        again = journal.find(ENTRY.request_id)

    assert found.state is State.ASKED
    assert again is not None
    assert again.state is State.ISSUED


@pytest.mark.parametrize(
    "line", [b"{}", b"[]", b"garbage", b'{"v":1}', b'{"v":2,"request":"x"}', b"\xff\xfe"]
)
def test_damage_inside_the_file_is_reported_with_its_line(path: Path, line: bytes) -> None:
    write(path, State.ASKED)
    lines = path.read_bytes().split(b"\n")
    path.write_bytes(b"\n".join([lines[0], line, *lines[1:]]))

    with pytest.raises(Problem) as caught, Journal(path):
        pass

    assert (caught.value.reason, caught.value.metadata["line"]) == ("JOURNAL_DAMAGED", "2")


def test_second_program_at_the_same_terminal_is_refused(path: Path) -> None:
    with Journal(path), pytest.raises(Problem) as caught, Journal(path):
        pass

    assert caught.value.reason == "COPY_UNFINISHED"


def test_folder_in_the_place_of_the_file_is_a_damaged_journal(tmp_path: Path) -> None:
    with pytest.raises(Problem) as caught, Journal(tmp_path):
        pass

    assert caught.value.reason == "JOURNAL_DAMAGED"


@pytest.mark.parametrize("before", list(State))
@pytest.mark.parametrize("after", list(State))
def test_only_the_steps_of_the_table_are_taken(path: Path, before: State, after: State) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(replace(ENTRY, state=before).to_line())

    with Journal(path) as journal:
        found = journal.find(ENTRY.request_id)
        assert found is not None
        changed = replace(found, state=after)
        if after in TRANSITIONS[before]:
            assert journal.advance(changed, NOW).state is after
        else:
            with pytest.raises(ValueError, match="does not lead to"):
                journal.advance(changed, NOW)


def test_every_state_leads_to_a_closed_one() -> None:
    closed = {state for state in State if not TRANSITIONS[state]}
    reached = set(closed)
    for _ in State:
        reached |= {state for state in State if TRANSITIONS[state] & reached}

    assert reached == set(State)
