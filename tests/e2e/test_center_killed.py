"""The center killed (-9) at each message, and nobody starts it again: what a terminal is left with.

It ends with a reason, in time. Once there is a center again it asks, and is told the truth.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from juki_cardbox.cardfile import CardFile
from juki_client.outcome import Problem
from juki_client.patience import Patience
from juki_terminal.copies import IN_FLIGHT_SECONDS, CopyStatus, Tray, resume
from juki_terminal.journal import Entry, State
from jukinet.copies.v1 import certificate_copy_service_pb2 as copies_pb
from tests.e2e.stage import Stage, VirtualSlots
from tests.e2e.storm import MESSAGES, Fuse
from tests.e2e.window import Window, opened_window
from tests.support.center_process import CenterProcess

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]
APPLICANT = "sato-kazu"
# The terminal is patient for a second here; all else must be done long before the watchdogs' 20 s.
PATIENCE = Patience(seconds=1.0, pause=0.2)
IN_TIME_SECONDS = 15.0
UNKNOWN_EXIT = 6
IN_SESSION = MESSAGES[:7]
BEFORE_THE_ISSUE = MESSAGES[7:9]
AFTER_THE_ISSUE = MESSAGES[9:]


@dataclass(frozen=True)
class End:
    """How an application ended at a terminal whose center had gone."""

    status: CopyStatus | None
    problem: Problem | None
    seconds: float
    entry: Entry | None
    """What the journal holds open."""


@pytest.fixture(scope="module")
def center(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CenterProcess]:
    """A center that lives when a test begins; each test leaves a living one behind."""
    with CenterProcess(tmp_path_factory.mktemp("killed"), is_forked=True) as serving:
        yield serving


def apply(center: CenterProcess, fuse: Fuse) -> End:
    """Apply for a copy, with a center that dies meanwhile."""
    began = time.monotonic()
    with opened_window(center.folder, center.address, fuse, patience=PATIENCE) as window:
        status = problem = None
        try:
            status = window.issue(APPLICANT)
        except Problem as caught:
            problem = caught
        seconds = time.monotonic() - began
        return End(status, problem, seconds, window.desk.journal.open_entry())


@dataclass
class Later:
    """The same terminal program started again, when there is a center again."""

    window: Window

    def ask(self, request_id: str) -> CopyStatus:
        """Ask what became of a request, when it can be under way no more."""
        soon = datetime.now(UTC) + timedelta(seconds=IN_FLIGHT_SECONDS + 1)
        desk = replace(self.window.desk, now=lambda: soon)
        return resume(desk, request_id, lambda _: Tray.EMPTY)

    def center_says(self, request_id: str) -> copies_pb.Issue:
        """Ask the center itself, past the journal."""
        request = copies_pb.GetIssueRequest(request_id=request_id)
        return self.window.center.call(self.window.center.copies.GetIssue, request).issue


@pytest.fixture
def numbers_before(center: CenterProcess) -> list[str]:
    """The issues that the center lists; one that a failed test left dead is started first."""
    if not center.is_ready():
        center.start()
    with opened_window(center.folder, center.address, Fuse(_nobody)) as window:
        return window.listed()


def _nobody(_: str) -> None:
    raise AssertionError


@pytest.fixture
def fuse(center: CenterProcess) -> Fuse:
    return Fuse(lambda _: center.kill())


@pytest.mark.parametrize("point", IN_SESSION)
def test_killed_in_the_card_session_nothing_is_begun_and_no_try_is_lost(
    center: CenterProcess, fuse: Fuse, numbers_before: list[str], point: str
) -> None:
    fuse.point = point

    end = apply(center, fuse)
    center.start()

    assert fuse.point == "", "the message never passed"
    assert end.problem is not None
    assert end.problem.reason == "CENTER_UNREACHABLE"
    assert end.entry is None
    assert end.seconds < IN_TIME_SECONDS
    with opened_window(center.folder, center.address, fuse) as window:
        assert window.listed() == numbers_before
        assert CardFile(window.card(APPLICANT)).load().pin.tries_left == 3
        again = window.issue(APPLICANT)
        assert window.listed() == [again.issue_number, *numbers_before]


@pytest.mark.parametrize("point", BEFORE_THE_ISSUE)
def test_killed_before_the_request_arrives_the_terminal_learns_that_nothing_was_issued(
    center: CenterProcess, fuse: Fuse, numbers_before: list[str], point: str
) -> None:
    fuse.point = point

    end = apply(center, fuse)
    center.start()

    assert fuse.point == "", "the message never passed"
    request_id = of_unknown_outcome(end)
    with opened_window(center.folder, center.address, fuse) as window:
        status = Later(window).ask(request_id)
        assert (status.state, status.issue_number) == (State.REFUSED, "")
        assert window.listed() == numbers_before
        again = window.issue(APPLICANT)
        assert window.listed() == [again.issue_number, *numbers_before]


@pytest.mark.parametrize("point", AFTER_THE_ISSUE)
def test_killed_after_the_answer_the_paper_is_out_once_and_the_center_hears_of_it(
    center: CenterProcess, fuse: Fuse, numbers_before: list[str], point: str
) -> None:
    fuse.point = point

    end = apply(center, fuse)
    center.start()

    assert fuse.point == "", "the message never passed"
    assert end.status is not None
    reported = point == MESSAGES[-1]
    assert (end.status.state is State.CONFIRMED) == reported
    assert end.status.open_because == ("" if reported else "CENTER_UNREACHABLE")
    assert end.seconds < IN_TIME_SECONDS
    with opened_window(center.folder, center.address, fuse) as window:
        later = Later(window)
        status = later.ask(end.status.request_id)
        assert (status.state, status.issue_number) == (State.CONFIRMED, end.status.issue_number)
        assert window.printer.papers == {}, "printed a second time"
        assert window.listed() == [status.issue_number, *numbers_before]
        issue = later.center_says(status.request_id)
        assert issue.print_state == copies_pb.PRINT_STATE_PRINTED


def of_unknown_outcome(end: End) -> str:
    """Require the outcome to be called unknown, in time; return the request id to ask by."""
    assert end.problem is not None
    assert end.problem.reason == "OUTCOME_UNKNOWN"
    assert end.problem.metadata["cause"] == "CENTER_UNREACHABLE"
    assert end.seconds < IN_TIME_SECONDS
    assert end.entry is not None
    assert end.entry.state is State.ASKED
    assert end.problem.metadata["requestId"] == end.entry.request_id
    return end.entry.request_id


@pytest.mark.parametrize("cut", ["issue:written", "issue:committed"])
def test_killed_inside_the_issue_the_terminal_learns_whether_it_was_committed(
    center: CenterProcess, fuse: Fuse, numbers_before: list[str], tmp_path: Path, cut: str
) -> None:
    note = tmp_path / "number"
    center.stop()
    center.start(cut=cut, cut_note=str(note))

    end = apply(center, fuse)
    assert center.wait_for_death(0)
    center.start()

    request_id = of_unknown_outcome(end)
    number = note.read_text(encoding="ascii") if cut == "issue:committed" else ""
    with opened_window(center.folder, center.address, fuse) as window:
        status = Later(window).ask(request_id)
        assert status.issue_number == number
        assert status.state is (State.CONFIRMED if number else State.REFUSED)
        assert {key: len(papers) for key, papers in window.printer.papers.items()} == (
            {number: 1} if number else {}
        )
        assert window.listed() == [*([number] if number else []), *numbers_before]


def test_killed_the_command_names_the_request_and_copy_status_tells_its_end(
    center: CenterProcess, numbers_before: list[str], tmp_path: Path
) -> None:
    stage = Stage(center.folder, center, VirtualSlots())
    impatient = center.folder / "impatient.toml"
    text = stage.config.read_text(encoding="utf-8")
    text = text.replace("[session]", "[session]\nretry_seconds = 1")
    impatient.write_text(text, encoding="utf-8")
    note = tmp_path / "number"
    center.stop()
    center.start(cut="issue:committed", cut_note=str(note))

    run = stage.issue(APPLICANT, config=impatient, out=tmp_path / "copy.pdf")
    request_id = str(run.answer["error"]["metadata"]["requestId"])
    asked_in_vain = stage.terminal("copy", "status", request_id, config=impatient)
    center.start()
    out = ("--out", str(tmp_path / "copy.pdf"))
    asked = stage.terminal("copy", "status", request_id, *out, config=impatient)

    assert (run.exit_code, run.reason) == (UNKNOWN_EXIT, "OUTCOME_UNKNOWN")
    assert asked_in_vain.reason == "CENTER_UNREACHABLE"
    assert asked.result["issue_number"] == note.read_text(encoding="ascii")
    assert asked.result["state"] == "confirmed"
    assert (tmp_path / "copy.pdf").read_bytes().startswith(b"%PDF")
    with opened_window(center.folder, center.address, Fuse(_nobody)) as window:
        assert window.listed() == [asked.result["issue_number"], *numbers_before]
