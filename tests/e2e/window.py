"""A window terminal in this process, at a center in its own: what both see can be looked at."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from juki_center.cli import dev_texts
from juki_client.identity import ClientIdentity
from juki_client.patience import Patience
from juki_pki import make
from juki_pki.folder import PKIFolder
from juki_pki.identity import PeerIdentity, Role
from juki_pki.profile import Profiles
from juki_terminal.application import CardProof, CopyApplication, Item, Proof, Scope, Subject
from juki_terminal.channel import Center
from juki_terminal.copies import CopyDesk, CopyStatus, issue_copy
from juki_terminal.journal import Journal
from juki_terminal.paper.attachment import extract_signed_content
from juki_terminal.paper.content import CopyContent
from juki_terminal.paper.envelope import open_envelope
from juki_terminal.paper_press import PaperPress
from juki_terminal.pin import FilePin
from juki_terminal.reader.virtual import VirtualReader
from juki_terminal.session import AuthenticatedCard, authenticate
from juki_terminal.trace import Trace, TracedReader
from juki_terminal.trust import Trust
from jukinet.copies.v1 import certificate_copy_service_pb2 as copies_pb

CHIYODA = "131016"
RIGHT_PIN = dev_texts.PIN


@dataclass(frozen=True)
class Wanted:
    """What an applicant wants on the copy."""

    scope: Scope = Scope.SELF
    subjects: tuple[Subject, ...] = ()
    items: tuple[Item, ...] = ()


USUAL = Wanted()


@dataclass
class Printer:
    """Keeps the papers, by issue number."""

    papers: dict[str, list[bytes]] = field(default_factory=dict)

    def print(self, pdf: bytes, issue_number: str) -> None:
        """Keep a paper."""
        self.papers.setdefault(issue_number, []).append(pdf)


@dataclass(frozen=True)
class Window:
    """One terminal of a development center's folder."""

    folder: Path
    desk: CopyDesk
    trace: Trace
    printer: Printer

    @property
    def center(self) -> Center:
        """The center that it dials."""
        return self.desk.center

    def card(self, key: str) -> Path:
        """The card file of a sample resident."""
        return self.folder / "cards" / f"{key}.card"

    def reader(self, card: Path) -> TracedReader:
        """A reader with a card in it, whose APDUs go to the trace."""
        return TracedReader(VirtualReader(card), self.trace)

    def authenticate(self, card: Path, *pins: str) -> AuthenticatedCard:
        """Run a card session with these PINs, else with the right one."""
        return authenticate(self.center, self.reader(card), FilePin(list(pins or (RIGHT_PIN,))))

    def issue(self, key: str, *pins: str, wanted: Wanted = USUAL) -> CopyStatus:
        """Authenticate a resident's card and issue a copy to them."""
        card = self.authenticate(self.card(key), *pins)
        return self.issue_to(CardProof(card.session_id, card.transcript_hash), wanted)

    def issue_to(self, proof: Proof, wanted: Wanted = USUAL) -> CopyStatus:
        """Issue a copy to whom a card session or a photo document shows."""
        application = CopyApplication(
            proof, wanted.scope, wanted.subjects, wanted.items, fee_yen=300
        )
        return issue_copy(self.desk, application)

    def printed(self, issue_number: str) -> CopyContent:
        """Read the copy that lies in the tray, once."""
        (pdf,) = self.printer.papers[issue_number]
        return open_envelope(extract_signed_content(pdf)).content

    def listed(self) -> list[str]:
        """Ask the center for the numbers of all issues of the municipality, newest first."""
        numbers: list[str] = []
        token = ""
        while True:
            request = copies_pb.ListIssuesRequest(page_size=200, page_token=token)
            page = self.center.call(self.center.copies.ListIssues, request)
            numbers += [issue.issue_number for issue in page.issues]
            token = page.next_page_token
            if not token:
                return numbers


@contextmanager
def opened_window(
    folder: Path,
    address: str,
    trace: Trace,
    *,
    name: str = "01",
    patience: Patience | None = None,
) -> Iterator[Window]:
    """Open the window with this name; it is enrolled where it has no certificate yet."""
    identity = PeerIdentity(Role.TERMINAL, name, CHIYODA)
    pki = PKIFolder(folder / "pki")
    if not pki.peer_path(identity).exists():
        make.issue_peer(pki, identity, Profiles.load(), datetime.now(UTC))
    path = pki.peer_path(identity)
    own = ClientIdentity.load(path / "chain.pem", path / "key.pem")
    trust = Trust.load(pki.trust_path)
    with (
        Journal(folder / "terminal" / f"window-{name}.journal") as journal,
        Center(address, own, trust, trace) as center,
    ):
        printer = Printer()
        press = PaperPress.load(pki.trust_path)
        desk = CopyDesk(center, journal, press, printer, patience=patience or Patience())
        yield Window(folder, desk, trace, printer)
