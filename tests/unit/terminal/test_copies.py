"""Issuing copies: exactly once, never another person's, finished after every crash."""

from __future__ import annotations

import hashlib
import itertools
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from juki_client import civil_date
from juki_client.outcome import Problem
from juki_client.patience import Patience
from juki_pki.folder import PKIFolder
from juki_terminal.application import (
    CardProof,
    CopyApplication,
    DocumentKind,
    Item,
    PhotoDocument,
    Scope,
    Subject,
)
from juki_terminal.channel import Center
from juki_terminal.copies import CopyDesk, Tray, issue_copy, resume
from juki_terminal.journal import Entry, Journal, State
from juki_terminal.paper.envelope import SignedCopy
from juki_terminal.paper_press import PaperPress
from jukinet.copies.v1 import certificate_copy_service_pb2 as copies_pb
from tests.unit.terminal.center_double import CopiesDouble, SessionDouble

SESSION = bytes(range(16))
TRANSCRIPT = bytes(range(32, 64))
START = datetime(2026, 11, 23, 9, tzinfo=UTC)


class Crash(BaseException):
    """The power went; nothing of the program runs on."""


@dataclass
class Clock:
    """A clock that tests move; it can crash at one of its readings, just before a write."""

    at: datetime = START
    readings: int = 0
    crash_at: int = 0

    def __call__(self) -> datetime:
        self.readings += 1
        if self.readings == self.crash_at:
            raise Crash
        return self.at


@dataclass
class CountingPrinter:
    """A printer whose papers can be counted, and that can crash before or after printing."""

    papers: list[str] = field(default_factory=list)
    crash: str = ""

    def print(self, pdf: bytes, issue_number: str) -> None:  # noqa: ARG002  # papers are counted
        if self.crash == "before":
            raise Crash
        if self.crash == "broken":
            raise Problem("PRINTER_FAILED", {"issueNumber": issue_number})
        self.papers.append(issue_number)
        if self.crash == "after":
            raise Crash


@dataclass
class Bench:
    """A desk whose parts can be made to fail."""

    center: Center
    press: PaperPress
    path: Path
    clock: Clock = field(default_factory=Clock)
    printer: CountingPrinter = field(default_factory=CountingPrinter)
    seconds: float = 0

    def issue(self, application: CopyApplication) -> object:
        with Journal(self.path) as journal:
            return issue_copy(self._desk(journal), application)

    def resume(self, key: str, tray: Tray | None = None) -> object:
        def look(entry: Entry) -> Tray:
            assert tray is not None, "nobody should have been asked"
            return tray

        with Journal(self.path) as journal:
            return resume(self._desk(journal), key, look)

    def entry(self) -> Entry:
        with Journal(self.path) as journal:
            (entry,) = journal.entries()
        return entry

    def _desk(self, journal: Journal) -> CopyDesk:
        ticks = itertools.count()
        return CopyDesk(
            center=self.center,
            journal=journal,
            press=self.press,
            printer=self.printer,
            now=self.clock,
            patience=Patience(
                seconds=self.seconds, sleep=lambda _: None, monotonic=lambda: float(next(ticks))
            ),
        )


class QuickPress(PaperPress):
    """Opens signed content as the real one does; sets no type."""

    def render(self, signed: SignedCopy) -> bytes:
        return b"%PDF-" + signed.content.digest


class PressWithoutGlyph(QuickPress):
    """Its font lacks a character."""

    def render(self, signed: SignedCopy) -> bytes:  # noqa: ARG002  # whatever it says
        raise Problem("CHARACTER_NOT_PRINTABLE", {"codePoints": "U+845B U+E01EF"})


@pytest.fixture
def by_card(sessions: SessionDouble) -> CopyApplication:
    sessions.transcripts[SESSION] = TRANSCRIPT
    return CopyApplication(CardProof(SESSION, TRANSCRIPT), fee_yen=300)


@pytest.fixture
def bench(center: Center, pki: PKIFolder, tmp_path: Path) -> Iterator[Bench]:
    press = QuickPress.load(pki.trust_path)
    return Bench(center, press, tmp_path / "terminal.journal")


def photo_document(**changes: object) -> PhotoDocument:
    document = PhotoDocument(
        kind=DocumentKind.DRIVING_LICENCE,
        number="30 12 345678-90",
        name="𠮷田　太郎",
        birth_date=civil_date.parse("昭和45年3月2日", "birth"),
        address="埼玉県所沢市並木一丁目1番地の1",
        municipality="112089",
        salt=bytes(range(16)),
    )
    return replace(document, **changes)  # type: ignore[arg-type]  # names of fields


def test_copy_is_issued_printed_once_and_confirmed(
    bench: Bench, copies: CopiesDouble, by_card: CopyApplication
) -> None:
    status = bench.issue(by_card)

    (report,) = copies.reports
    assert status.state is State.CONFIRMED
    assert bench.printer.papers == [status.issue_number]
    assert (report.print_state, report.attempt) == (copies_pb.PRINT_STATE_PRINTED, 1)
    assert report.pdf_sha256 == status.pdf_sha256


def test_request_says_what_the_applicant_wants(
    bench: Bench, copies: CopiesDouble, by_card: CopyApplication
) -> None:
    child = Subject("𠮷田　花", civil_date.parse("平成12年", "birth"))
    wanted = replace(
        by_card,
        scope=Scope.LISTED,
        subjects=(child,),
        items=(Item.RELATIONSHIP, Item.REGISTERED_DOMICILE),
    )

    bench.issue(wanted)

    (request,) = copies.requests
    assert request.scope == copies_pb.IssueCopyRequest.SCOPE_LISTED
    assert [subject.name for subject in request.subjects] == ["𠮷田　花"]
    assert list(request.items) == [
        copies_pb.IssueCopyRequest.ITEM_RELATIONSHIP,
        copies_pb.IssueCopyRequest.ITEM_REGISTERED_DOMICILE,
    ]
    assert request.fee_yen == 300
    assert uuid.UUID(request.request_id).version == 4


def test_photo_document_is_evidence_without_its_number(bench: Bench, copies: CopiesDouble) -> None:
    status = bench.issue(CopyApplication(photo_document()))

    (request,) = copies.requests
    assert status.state is State.CONFIRMED
    assert (
        request.photo_identification.number_hash
        == photo_document(number="３０１２３４５６７８９０").number_hash()
    )
    assert b"345678" not in request.SerializeToString()


def test_number_hash_is_of_salt_and_number_and_the_request_says_both() -> None:
    document = photo_document(number="3012")

    proof = CopyApplication(document).request(str(uuid.uuid4())).photo_identification

    assert proof.number_salt == document.salt
    assert proof.number_hash == hashlib.sha256(document.salt + b"3012").digest()


def test_one_document_in_two_applications_shows_no_common_hash() -> None:
    request_id = str(uuid.uuid4())
    applications = [CopyApplication(photo_document(salt=bytes([n] * 16))) for n in range(2)]

    requests = [application.request(request_id) for application in applications]

    hashes = {request.photo_identification.number_hash for request in requests}
    evidence = {application.evidence(request_id) for application in applications}
    assert (len(hashes), len(evidence)) == (2, 2)


def test_photo_request_that_is_repeated_carries_the_same_salt(
    bench: Bench, copies: CopiesDouble
) -> None:
    bench.seconds = 10
    copies.faults = ["", "after"]

    bench.issue(CopyApplication(photo_document()))

    assert len(copies.requests) >= 2
    assert len({request.SerializeToString() for request in copies.requests}) == 1


@pytest.mark.parametrize("reason", ["ISSUE_SUPPRESSED", "NOT_SAME_HOUSEHOLD", "SESSION_USED"])
def test_refusal_comes_with_its_reason_and_leaves_nothing_open(
    bench: Bench, copies: CopiesDouble, by_card: CopyApplication, reason: str
) -> None:
    copies.faults = [reason]

    with pytest.raises(Problem) as caught:
        bench.issue(by_card)

    assert caught.value.reason == reason
    assert bench.entry().state is State.REFUSED
    assert bench.printer.papers == []


@pytest.mark.parametrize("fault", ["before", "after"])
def test_cut_while_asking_is_asked_again_and_issued_once(
    bench: Bench, copies: CopiesDouble, by_card: CopyApplication, fault: str
) -> None:
    bench.seconds = 10
    copies.faults = [fault, fault]

    status = bench.issue(by_card)

    assert status.state is State.CONFIRMED
    assert len(copies.issues) == 1
    assert len({request.request_id for request in copies.requests}) == 1


def test_cut_for_too_long_is_an_unknown_outcome_that_names_the_request(
    bench: Bench, copies: CopiesDouble, by_card: CopyApplication
) -> None:
    copies.faults = ["after"]

    with pytest.raises(Problem) as caught:
        bench.issue(by_card)
    request_id = caught.value.metadata["requestId"]
    status = bench.resume(request_id)

    assert (caught.value.reason, caught.value.exit) == ("OUTCOME_UNKNOWN", 6)
    assert status.state is State.CONFIRMED
    assert status.request_id == request_id
    assert len(copies.issues) == 1


def test_store_that_never_worked_is_a_refusal_that_may_be_repeated(
    bench: Bench, copies: CopiesDouble, by_card: CopyApplication
) -> None:
    copies.faults = ["STORE_UNAVAILABLE"]

    with pytest.raises(Problem) as caught:
        bench.issue(by_card)

    assert caught.value.reason == "STORE_UNAVAILABLE"
    assert bench.entry().state is State.REFUSED


@pytest.mark.parametrize("later", ["STORE_UNAVAILABLE", "ROLE_NOT_ALLOWED", "OVERLOADED"])
def test_refusal_before_the_request_was_looked_up_does_not_settle_an_earlier_cut(
    bench: Bench, copies: CopiesDouble, by_card: CopyApplication, later: str
) -> None:
    bench.seconds = 2
    copies.faults = ["after", later, later, later]

    with pytest.raises(Problem) as caught:
        bench.issue(by_card)

    assert (caught.value.reason, caught.value.metadata["cause"]) == ("OUTCOME_UNKNOWN", later)
    assert bench.entry().state is State.ASKED


def test_refusal_after_the_request_was_looked_up_settles_an_earlier_cut(
    bench: Bench, copies: CopiesDouble, by_card: CopyApplication
) -> None:
    bench.seconds = 5
    copies.faults = ["before", "SESSION_EXPIRED"]

    with pytest.raises(Problem) as caught:
        bench.issue(by_card)

    assert caught.value.reason == "SESSION_EXPIRED"
    assert bench.entry().state is State.REFUSED


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"ev": bytes(32)}, "evidence"),
        ({"req": bytes(16)}, "request_id"),
        ({"by": "photo"}, "proof"),
        ({"no": "131016-20261123-000099-7K3Q"}, "issue_number"),
        ({"per": []}, "doc.per"),
    ],
)
def test_content_of_somebody_else_is_never_printed(
    bench: Bench,
    copies: CopiesDouble,
    by_card: CopyApplication,
    changes: dict[str, object],
    field: str,
) -> None:
    copies.changes = changes

    with pytest.raises(Problem) as caught:
        bench.issue(by_card)

    assert (caught.value.reason, caught.value.metadata["field"]) == ("COPY_NOT_FOR_REQUEST", field)
    assert bench.printer.papers == []
    assert bench.entry().state is State.REFUSED


def test_content_of_an_unknown_signer_is_never_printed(
    bench: Bench, other_pki: PKIFolder, by_card: CopyApplication
) -> None:
    bench.press = QuickPress.load(other_pki.trust_path)

    with pytest.raises(Problem) as caught:
        bench.issue(by_card)

    assert caught.value.metadata == {"field": "signature"}
    assert bench.printer.papers == []


def test_character_that_cannot_be_printed_gives_the_copy_up(
    bench: Bench, copies: CopiesDouble, by_card: CopyApplication, pki: PKIFolder
) -> None:
    bench.press = PressWithoutGlyph.load(pki.trust_path)

    with pytest.raises(Problem) as caught:
        bench.issue(by_card)

    (report,) = copies.reports
    assert caught.value.reason == "CHARACTER_NOT_PRINTABLE"
    assert (report.print_state, report.attempt) == (copies_pb.PRINT_STATE_ABANDONED, 0)
    assert bench.entry().state is State.ABANDONED


def test_report_that_is_lost_leaves_the_copy_good_and_the_report_due(
    bench: Bench, copies: CopiesDouble, by_card: CopyApplication
) -> None:
    copies.faults = ["", "after"]

    status = bench.issue(by_card)
    finished = bench.resume(status.issue_number)

    assert (status.state, status.open_because) == (State.PRINTED, "CENTER_UNREACHABLE")
    assert finished.state is State.CONFIRMED
    assert len({report.request_id for report in copies.reports}) == 1
    assert bench.printer.papers == [status.issue_number]


def test_open_issue_forbids_the_next(
    bench: Bench, copies: CopiesDouble, by_card: CopyApplication
) -> None:
    copies.faults = ["after"]
    with pytest.raises(Problem):
        bench.issue(by_card)

    with pytest.raises(Problem) as caught:
        bench.issue(by_card)

    assert caught.value.reason == "COPY_UNFINISHED"
    assert len(copies.requests) == 1


def test_printer_that_fails_leaves_it_to_the_clerk_and_reprints_under_the_same_number(
    bench: Bench, copies: CopiesDouble, by_card: CopyApplication
) -> None:
    bench.printer.crash = "broken"
    with pytest.raises(Problem) as caught:
        bench.issue(by_card)
    bench.printer.crash = ""

    status = bench.resume(bench.entry().request_id, Tray.EMPTY)

    states = [(report.print_state, report.attempt) for report in copies.reports]
    assert caught.value.reason == "PRINTER_FAILED"
    assert states == [(copies_pb.PRINT_STATE_FAILED, 1), (copies_pb.PRINT_STATE_PRINTED, 2)]
    assert (status.state, status.attempt) == (State.CONFIRMED, 2)
    assert bench.printer.papers == [status.issue_number]


def test_clerk_who_gives_up_gets_no_more_paper(
    bench: Bench, copies: CopiesDouble, by_card: CopyApplication
) -> None:
    bench.printer.crash = "before"
    with pytest.raises(Crash):
        bench.issue(by_card)
    bench.printer.crash = ""

    status = bench.resume(bench.entry().request_id, Tray.GIVE_UP)

    assert status.state is State.ABANDONED
    assert copies.reports[-1].print_state == copies_pb.PRINT_STATE_ABANDONED
    assert bench.printer.papers == []


def test_request_that_may_still_be_under_way_is_not_given_up(
    bench: Bench, copies: CopiesDouble, by_card: CopyApplication
) -> None:
    copies.faults = ["before"]
    with pytest.raises(Problem):
        bench.issue(by_card)
    key = bench.entry().request_id

    bench.clock.at = START + timedelta(seconds=10)
    with pytest.raises(Problem) as early:
        bench.resume(key)
    bench.clock.at = START + timedelta(seconds=31)
    late = bench.resume(key)

    assert early.value.reason == "OUTCOME_UNKNOWN"
    assert early.value.metadata["retryAfterSeconds"] == "20"
    assert late.state is State.REFUSED


def test_issue_that_the_center_has_settled_is_taken_over(
    bench: Bench, copies: CopiesDouble, by_card: CopyApplication
) -> None:
    copies.faults = ["after"]
    with pytest.raises(Problem):
        bench.issue(by_card)
    (issue,) = copies.issues.values()
    issue.print_state = copies_pb.PRINT_STATE_ABANDONED

    status = bench.resume(bench.entry().request_id)

    assert status.state is State.ABANDONED
    assert bench.printer.papers == []


def test_copy_of_somebody_who_moved_is_not_printed_any_more_and_says_why(
    bench: Bench, copies: CopiesDouble, by_card: CopyApplication
) -> None:
    copies.faults = ["after"]
    with pytest.raises(Problem):
        bench.issue(by_card)
    (issue,) = copies.issues.values()
    issue.print_state = copies_pb.PRINT_STATE_ABANDONED
    issue.recall_reason = copies_pb.RecallCopyRequest.RECALL_REASON_RESIDENT_MOVED

    status = bench.resume(bench.entry().request_id)

    assert (status.state, status.recalled_because) == (State.ABANDONED, "RESIDENT_MOVED")
    assert bench.printer.papers == []


def test_paper_in_the_tray_is_void_when_its_holder_moved_before_the_report(
    bench: Bench, copies: CopiesDouble, by_card: CopyApplication
) -> None:
    bench.printer.crash = "after"
    with pytest.raises(Crash):
        bench.issue(by_card)
    bench.printer.crash = ""
    (issue,) = copies.issues.values()
    issue.print_state = copies_pb.PRINT_STATE_ABANDONED
    issue.recall_reason = copies_pb.RecallCopyRequest.RECALL_REASON_RESIDENT_MOVED
    copies.faults = ["PRINT_STATE_CONFLICT"]

    status = bench.resume(bench.entry().request_id, Tray.PRINTED)

    assert (status.state, status.recalled_because) == (State.ABANDONED, "RESIDENT_MOVED")


def test_copy_that_was_given_up_says_so_while_the_center_cannot_be_asked_why(
    bench: Bench, copies: CopiesDouble, by_card: CopyApplication
) -> None:
    copies.faults = ["after"]
    with pytest.raises(Problem):
        bench.issue(by_card)
    (issue,) = copies.issues.values()
    issue.print_state = copies_pb.PRINT_STATE_ABANDONED
    copies.faults = ["", "", "ISSUE_NOT_FOUND"]

    status = bench.resume(bench.entry().request_id)

    assert (status.state, status.recalled_because) == (State.ABANDONED, "")


def test_issue_whose_content_is_wiped_is_given_up(
    bench: Bench, copies: CopiesDouble, by_card: CopyApplication
) -> None:
    copies.faults = ["after"]
    with pytest.raises(Problem):
        bench.issue(by_card)
    (key,) = copies.contents
    copies.contents[key] = b""

    status = bench.resume(key)

    assert status.state is State.ABANDONED


def test_report_that_contradicts_the_center_takes_the_center_over(
    bench: Bench, copies: CopiesDouble, by_card: CopyApplication
) -> None:
    copies.faults = ["", "PRINT_STATE_CONFLICT"]
    status = bench.issue(by_card)

    assert status.state is State.PRINTED
    (issue,) = copies.issues.values()
    issue.print_state = copies_pb.PRINT_STATE_PRINTED
    copies.faults = ["PRINT_STATE_CONFLICT"]
    assert bench.resume(status.request_id).state is State.CONFIRMED


def test_report_that_was_recorded_long_ago_is_recorded(
    bench: Bench, copies: CopiesDouble, by_card: CopyApplication
) -> None:
    copies.faults = ["", "ANSWER_EXPIRED"]

    status = bench.issue(by_card)

    assert status.state is State.CONFIRMED


def test_unknown_issue_is_not_found(bench: Bench) -> None:
    with pytest.raises(Problem) as caught:
        bench.resume("131016-20261123-000099-7K3Q")

    assert caught.value.reason == "ISSUE_NOT_FOUND"


def crash_at(reading: int) -> Callable[[Bench], None]:
    def arm(bench: Bench) -> None:
        bench.clock.crash_at = reading

    return arm


def crash_in_printer(when: str) -> Callable[[Bench], None]:
    def arm(bench: Bench) -> None:
        bench.printer.crash = when

    return arm


# The clock is read once for the first entry and then just before each line of the journal.
CRASHES = {
    "before prepared": crash_at(1),
    "before asked": crash_at(2),
    "before issued": crash_at(3),
    "before sent": crash_at(4),
    "before the printer": crash_in_printer("before"),
    "after the printer": crash_in_printer("after"),
    "before printed": crash_at(5),
    "before confirmed": crash_at(6),
}


@pytest.mark.parametrize("point", CRASHES)
def test_crash_at_any_point_ends_in_one_paper_or_none_and_never_in_two(
    bench: Bench, copies: CopiesDouble, by_card: CopyApplication, point: str
) -> None:
    CRASHES[point](bench)
    with pytest.raises(Crash):
        bench.issue(by_card)
    bench.clock = Clock(START + timedelta(minutes=1))
    bench.printer.crash = ""
    if point == "before prepared":
        bench.issue(by_card)
    else:
        entry = bench.entry()
        saw_paper = Tray.PRINTED if bench.printer.papers else Tray.EMPTY
        asks = entry.state is State.SENT
        bench.resume(entry.request_id, saw_paper if asks else None)

    ended = bench.entry()
    expected = 0 if point == "before asked" else 1
    assert ended.state is (State.CONFIRMED if expected else State.REFUSED)
    assert len(bench.printer.papers) == expected
    assert len(copies.issues) == expected
    assert not ended.is_open


def test_crash_points_are_all_there_are(
    bench: Bench, copies: CopiesDouble, by_card: CopyApplication
) -> None:
    bench.issue(by_card)

    assert bench.clock.readings == 6
