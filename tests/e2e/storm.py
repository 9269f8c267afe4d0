"""Many applicants at many terminals while the center is killed at every point that there is.

The center dies by SIGKILL: at each point of each act inside it (`mortal_center`), and, by a
terminal's hand, before and after each message. It is started again at once. What the terminals saw
is written down as they see it, for `judge` to judge.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random  # noqa: TID251  # a seed makes a storm that can be seen again

from google.protobuf.message import Message

from juki_center.areas.residents.records import ResidenceState
from juki_center.cli import dev_texts
from juki_center.storage.samples import read_samples
from juki_client.identity import ClientIdentity
from juki_client.outcome import Problem
from juki_client.patience import Patience
from juki_pki import make
from juki_pki.folder import PKIFolder
from juki_pki.identity import PeerIdentity, Role
from juki_pki.profile import Profiles
from juki_terminal.application import CardProof, CopyApplication
from juki_terminal.channel import Center
from juki_terminal.copies import CopyDesk, CopyStatus, Tray, issue_copy, resume
from juki_terminal.journal import Journal
from juki_terminal.paper.envelope import SignedCopy
from juki_terminal.paper_press import PaperPress
from juki_terminal.pin import FilePin
from juki_terminal.reader import open_reader
from juki_terminal.session import authenticate
from juki_terminal.trace import Trace
from juki_terminal.trust import Trust
from jukinet.copies.v1 import certificate_copy_service_pb2 as copies_pb
from tests.support.center_process import CenterProcess
from tests.support.judge import Application, Seen
from tests.support.mortal_cuts import CUTS

TERMINALS = 8
CHIYODA = "131016"
# Every message between a terminal and the center, in the order in which they pass.
MESSAGES = (
    *(">hello", "<plan", ">ready", "<batch 1", ">answers 1", "<batch 2", ">answers 2", "<result"),
    *(">IssueCopyRequest", "<IssueCopyResponse", ">ConfirmPrintRequest", "<ConfirmPrintResponse"),
)
_PATIENCE_SECONDS = 240.0
_PAUSE = 0.2


def tries() -> Iterator[None]:
    """Yield again and again; raise where the center does not come back for long."""
    end = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < end:
        yield
        time.sleep(_PAUSE)
    raise RuntimeError("the center did not come back")


@dataclass
class Storm:
    """A center that keeps dying, and what was seen meanwhile."""

    center: CenterProcess
    server_cuts: list[str]
    hits: Counter[str] = field(default_factory=Counter)
    history: list[Application] = field(default_factory=list)
    listed: set[str] = field(default_factory=set)
    defects: dict[str, str] = field(default_factory=dict)
    _over: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _killed_by_terminal: bool = False

    def supervise(self) -> None:
        """Start the center again whenever it dies, each time with the next cut in it."""
        while not self._over.is_set():
            if not self.center.wait_for_death(0.1):
                continue
            with self._lock:
                if not self._killed_by_terminal and self.server_cuts:
                    self.hits[self.server_cuts.pop(0)] += 1
                self._killed_by_terminal = False
                self.start()

    def start(self) -> None:
        """Start the center with the next cut."""
        cut = {"cut": self.server_cuts[0]} if self.server_cuts else {}
        self.center.start(**self.defects, **cut)

    def kill(self, point: str) -> None:
        """Kill the center by a terminal's hand; it comes back by `supervise`."""
        with self._lock:
            if not self.center.wait_for_death(0):
                self._killed_by_terminal = True
                self.center.kill()
            self.hits[point] += 1

    def end(self) -> None:
        """Let the center live from now on."""
        self._over.set()


class Fuse(Trace):
    """A trace that kills the center when a chosen message passes, once."""

    def __init__(self, kill: Callable[[str], None]) -> None:
        self._kill = kill
        self.point = ""

    def apdu(self, direction: str, octets: bytes) -> None:
        """Look away."""

    def event(self, text: str) -> None:
        """Look away."""

    def message(self, direction: str, message: Message) -> None:
        """Kill before a message is sent, or after one was received."""
        if self.point and self.point == direction + _name(message):
            point, self.point = self.point, ""
            self._kill(point)


def _name(message: Message) -> str:
    """Return the name of a message, or of the step in it."""
    if "step" not in message.DESCRIPTOR.oneofs_by_name:
        return message.DESCRIPTOR.name
    step = message.WhichOneof("step") or ""
    match step:
        case "batch":
            return f"batch {message.batch.number}"  # type: ignore[attr-defined]  # it is a batch
        case "answers":
            return f"answers {message.answers.batch_number}"  # type: ignore[attr-defined]  # so too
        case _:
            return step


class Witness:
    """A press that writes down what signed content a terminal was given, before it is judged."""

    def __init__(self, press: PaperPress) -> None:
        self._press = press
        self.seen: list[Seen] = []

    def open(self, signed_content: bytes) -> SignedCopy:
        """Verify as a terminal does, and write down whose copy it is."""
        signed = self._press.open(signed_content)
        content = signed.content
        self.seen.append(
            Seen(
                issue_number=content.issue_number,
                person=content.persons[0].name,
                transcript_hash=content.evidence,
                request_id=str(content.request_id.hex()),
            )
        )
        return signed

    def render(self, signed: SignedCopy) -> bytes:
        """Return the content's digest: no paper is looked at in a storm."""
        return signed.content.digest


class _Printer:
    """A printer that never fails."""

    def print(self, pdf: bytes, issue_number: str) -> None:
        """Do nothing."""


@dataclass
class Window:
    """One terminal and those who come to it, one after the other."""

    name: str
    folder: Path
    storm: Storm
    cards: list[str]
    names: dict[str, str]
    cuts: dict[int, str]

    def serve(self, applicants: int) -> None:
        """Serve so many applicants."""
        pki = PKIFolder(self.folder / "pki")
        place = pki.peer_path(PeerIdentity(Role.TERMINAL, self.name, CHIYODA))
        identity = ClientIdentity.load(place / "chain.pem", place / "key.pem")
        trust = Trust.load(pki.trust_path)
        fuse = Fuse(self.storm.kill)
        with (
            Journal(self.folder / "terminal" / f"storm-{self.name}.journal") as journal,
            Center(self.storm.center.address, identity, trust, fuse) as center,
        ):
            witness = Witness(PaperPress.load(pki.trust_path))
            patience = Patience(seconds=60.0, pause=_PAUSE)
            desk = CopyDesk(center, journal, witness, _Printer(), patience=patience)
            for number in range(applicants):
                fuse.point = self.cuts.get(number, "")
                key = self.cards[number % len(self.cards)]
                application = self._serve_one(desk, witness, key)
                application.final = _final(desk, application)
                self.storm.history.append(application)
            self.storm.listed |= _listed(desk)

    def _serve_one(self, desk: CopyDesk, witness: Witness, key: str) -> Application:
        """Bring one applicant to a finished issue, whatever happens to the center meanwhile."""
        witness.seen.clear()
        for _ in tries():
            with suppress(Problem):
                reader = open_reader(f"virtual:{self.folder / 'cards' / f'{key}.card'}")
                card = authenticate(desk.center, reader, FilePin([dev_texts.PIN]))
                application = Application(self.names[key], self.name, "", card.transcript_hash)
                return self._issue(desk, witness, application, card.session_id)
        raise AssertionError

    def _issue(
        self, desk: CopyDesk, witness: Witness, application: Application, session_id: bytes
    ) -> Application:
        """Issue, and finish what a cut left open; raise Problem where nothing was begun."""
        proof = CardProof(session_id, application.transcript_hash)
        try:
            status = issue_copy(desk, CopyApplication(proof, fee_yen=300))
        except Problem as problem:
            entry = desk.journal.open_entry()
            if entry is None:
                if witness.seen:
                    # The terminal refused what it was given; the judge shall see it.
                    application.gave_up = problem.reason
                    return self._told(application, witness, witness.seen[-1].request_id)
                raise
            status = _finish(desk, entry.request_id)
        return self._told(application, witness, status.request_id.replace("-", ""))

    def _told(self, application: Application, witness: Witness, request_id: str) -> Application:
        return replace(application, request_id=request_id, answers=list(witness.seen))


def _finish(desk: CopyDesk, request_id: str) -> CopyStatus:
    for _ in tries():
        with suppress(Problem):
            return resume(desk, request_id, lambda _: Tray.EMPTY)
    raise AssertionError


def _final(desk: CopyDesk, application: Application) -> Seen | None:
    """Ask the center, when it lives, what it has for a request."""
    hexadecimal = application.request_id
    parts = (hexadecimal[:8], hexadecimal[8:12], hexadecimal[12:16], hexadecimal[16:20])
    request = copies_pb.GetIssueRequest(request_id="-".join([*parts, hexadecimal[20:]]))
    for _ in tries():
        try:
            number = desk.center.call(desk.center.copies.GetIssue, request).issue.issue_number
        except Problem as problem:
            if problem.reason == "ISSUE_NOT_FOUND":
                return None
            continue
        last = application.answers[-1] if application.answers else None
        own = Seen(number, application.applicant, application.transcript_hash, hexadecimal)
        return replace(last or own, issue_number=number)
    raise AssertionError


def _listed(desk: CopyDesk) -> set[str]:
    """Return the numbers of all issues of the municipality."""
    numbers: set[str] = set()
    token = ""
    for _ in tries():
        request = copies_pb.ListIssuesRequest(page_size=200, page_token=token)
        with suppress(Problem):
            page = desk.center.call(desk.center.copies.ListIssues, request)
            numbers |= {issue.issue_number for issue in page.issues}
            token = page.next_page_token
            if not token:
                return numbers
    raise AssertionError


def run_storm(folder: Path, *, applicants: int, seed: int, mutant: str = "") -> Storm:
    """Serve `applicants` at 8 terminals through every cut; a mutant is served without cuts."""
    random = Random(seed)
    storm = Storm(
        CenterProcess(folder, is_forked=True), [] if mutant else random.sample(CUTS, len(CUTS))
    )
    storm.defects = {"mutant": mutant} if mutant else {}
    storm.center.start()
    _enrol(folder)
    storm.center.stop()
    storm.start()
    supervisor = threading.Thread(target=storm.supervise)
    supervisor.start()
    try:
        windows = _windows(folder, storm, applicants, random, with_cuts=not mutant)
        with ThreadPoolExecutor(TERMINALS) as pool:
            list(pool.map(lambda window: window.serve(applicants // TERMINALS + 1), windows))
    finally:
        storm.end()
        supervisor.join()
        storm.center.stop()
    return storm


def _enrol(folder: Path) -> None:
    pki = PKIFolder(folder / "pki")
    for number in range(1, TERMINALS + 1):
        identity = PeerIdentity(Role.TERMINAL, f"{number:02}", CHIYODA)
        if not pki.peer_path(identity).exists():
            make.issue_peer(pki, identity, Profiles.load(), datetime.now(UTC))


def _windows(
    folder: Path, storm: Storm, applicants: int, random: Random, *, with_cuts: bool
) -> list[Window]:
    samples = [
        sample
        for sample in read_samples()
        if sample.state is ResidenceState.ACTIVE
        and sample.record.measure is None
        and str(sample.municipality) != CHIYODA
    ]
    names = {sample.key: sample.record.name for sample in samples}
    places = [(w, n) for w in range(TERMINALS) for n in range(applicants // TERMINALS)]
    chosen = random.sample(places, len(MESSAGES)) if with_cuts else []
    cuts = dict(zip(chosen, MESSAGES, strict=False))
    return [
        Window(
            name=f"{number + 1:02}",
            folder=folder,
            storm=storm,
            cards=[sample.key for sample in samples[number::TERMINALS]],
            names=names,
            cuts={n: point for (w, n), point in cuts.items() if w == number},
        )
        for number in range(TERMINALS)
    ]
