"""Changes made once: what the journal keeps for the next run, and which run it is for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from juki_client.change_journal import Change, ChangeJournal, ChangeState
from juki_client.changes import Answered, Attempt, Changes, carry_out
from juki_client.outcome import Problem
from juki_client.patience import Patience
from juki_terminal.channel import Center
from juki_terminal.residents import CALLS
from tests.unit.terminal.residents_double import CODE, ResidentsDouble

SESSION = bytes(range(16))
NUMBER = "123456789012"
CALL = CALLS["change-code"]


def journal_of(folder: Path) -> ChangeJournal:
    return ChangeJournal(folder / "terminal.journal.cards")


@pytest.fixture
def changes(center: Center, tmp_path: Path) -> Iterator[Changes]:
    with journal_of(tmp_path) as opened:
        yield Changes(center, opened, patience=Patience(seconds=0))


def send(changes: Changes, attempt: Attempt) -> Answered:
    request = CALL.request(code=CODE)
    return carry_out(changes, attempt, CALL.of(changes.center), request)  # type: ignore[arg-type]  # the fixture's


def test_line_of_an_older_journal_is_read_and_written_alike(tmp_path: Path) -> None:
    line = '{"v":1,"request":"r","command":"death","state":"asked","at":5}\n'
    (tmp_path / "terminal.journal.cards").write_text(line)

    with journal_of(tmp_path) as journal:
        found = journal.open_change("death")

    assert found == Change("r", "death", ChangeState.ASKED, 5)
    assert found.to_line().decode() == line


def test_transfer_and_open_subjects_are_found_by_the_next_run(tmp_path: Path) -> None:
    fetched = Change("r1", "fetch", ChangeState.DONE, 5, "M1", SESSION, transfer_id=SESSION)
    registered = Change("r2", "in-by-card", ChangeState.ASKED, 6, "M1")
    with journal_of(tmp_path) as journal:
        journal.record(fetched)
        journal.record(registered)

    with journal_of(tmp_path) as again:
        found, subjects = again.last_change("fetch", "M1"), again.open_subjects("in-by-card")

    assert found == fetched
    assert subjects == ("M1",)


@pytest.mark.parametrize("line", ["{}", "[]", '{"v":1}', "no"])
def test_line_that_is_none_is_named_by_its_number(tmp_path: Path, line: str) -> None:
    (tmp_path / "terminal.journal.cards").write_text(line + "\n")

    with pytest.raises(Problem) as refused, journal_of(tmp_path):
        pass

    assert refused.value.reason == "JOURNAL_DAMAGED"
    assert refused.value.metadata == {"file": "terminal.journal.cards", "line": "1"}


def test_change_whose_outcome_is_unknown_is_kept_with_its_subject_and_session(
    tmp_path: Path, changes: Changes, residents: ResidentsDouble
) -> None:
    residents.faults = ["after"]
    attempt = changes.begin("resume", NUMBER).with_session(SESSION)

    with pytest.raises(Problem, match="OUTCOME_UNKNOWN"):
        send(changes, attempt)
    changes.journal.__exit__(None, None, None)

    with journal_of(tmp_path) as again:
        kept = again.open_change("resume", NUMBER)
        assert kept is not None
        assert (kept.request_id, kept.session_id) == (attempt.request_id, SESSION)
        assert again.open_change("resume", NUMBER[::-1]) is None
        assert again.open_change("return", NUMBER) is None


def test_another_subject_has_a_request_id_of_its_own(
    changes: Changes, residents: ResidentsDouble
) -> None:
    residents.faults = ["after"]
    first = changes.begin("resume", NUMBER)
    with pytest.raises(Problem, match="OUTCOME_UNKNOWN"):
        send(changes, first)

    other, same = changes.begin("resume", NUMBER[::-1]), changes.begin("resume", NUMBER)

    assert (other.is_repeated, same.is_repeated) == (False, True)
    assert (other.request_id != first.request_id, same.request_id) == (True, first.request_id)


def test_change_that_was_answered_is_not_repeated(changes: Changes, tmp_path: Path) -> None:
    answered = send(changes, changes.begin("resume", NUMBER))

    lines = (tmp_path / "terminal.journal.cards").read_text().splitlines()
    assert not answered.is_repeated
    assert changes.journal.open_change("resume", NUMBER) is None
    assert [json.loads(line)["state"] for line in lines] == ["asked", "done"]
