"""The window of a residence at which cards are applied for, made, handed over and unlocked.

It works with the terminal's library, as an integrator's program would: the demonstration, the tests
over PC/SC and the terminals that are killed all use it.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from google.protobuf.message import Message

from juki_client.change_journal import ChangeJournal
from juki_client.changes import Changes
from juki_client.identity import ClientIdentity
from juki_client.patience import Patience
from juki_pki.folder import PKIFolder
from juki_pki.identity import PeerIdentity, Role
from juki_terminal.can import FileCan
from juki_terminal.card_work import CardWork
from juki_terminal.channel import Center
from juki_terminal.hand_over import HandOverOrder, hand_over
from juki_terminal.identity_documents import SeenDocument, identity_documents
from juki_terminal.new_pin import FileNewPin
from juki_terminal.personalisation import Wanted, WrittenCard, open_ones, personalise
from juki_terminal.pin import FilePin
from juki_terminal.pin_desk import PinDesk
from juki_terminal.reader import open_reader
from juki_terminal.session import Surroundings, authenticate
from juki_terminal.trace import Trace, TracedReader
from juki_terminal.trust import Trust
from juki_terminal.unlock import UnlockOrder, unlock
from jukinet.cards.v1 import card_application_pb2 as forms_pb
from jukinet.cards.v1 import card_application_service_pb2 as applications_pb
from jukinet.cards.v1 import card_pb2
from jukinet.cards.v1 import card_service_pb2 as pb
from jukinet.cards.v1.identity_document_pb2 import IdentityDocument
from jukinet.options.v1 import options_pb2

RESIDENCE = "112089"
FEE_YEN = 500
LICENCE = SeenDocument(IdentityDocument.KIND_DRIVING_LICENCE, "501234567890")
PENSION_BOOK = SeenDocument(IdentityDocument.KIND_PENSION_BOOK, "1234-567890")
TWO = (LICENCE, PENSION_BOOK)


@dataclass(frozen=True)
class Counter:
    """One terminal of the residence. `reader` is the address of its reader."""

    folder: Path
    address: str
    reader: str = ""
    trace: Trace | None = None
    name: str = "01"

    @contextmanager
    def opened(self) -> Iterator[PinDesk]:
        """Open the window for one command, as a program that is started for it does."""
        pki = PKIFolder(self.folder / "pki")
        own = pki.peer_path(PeerIdentity(Role.TERMINAL, self.name, RESIDENCE))
        identity = ClientIdentity.load(own / "chain.pem", own / "key.pem")
        journals = self.folder / "terminal" / f"{RESIDENCE}-{self.name}"
        with (
            Center(self.address, identity, Trust.load(pki.trust_path), self.trace) as center,
            ChangeJournal(journals.with_suffix(".changes")) as journal,
            CardWork(journals.with_suffix(".work")) as work,
        ):
            reader = open_reader(self.reader or "virtual:none")
            traced = TracedReader(reader, self.trace) if self.trace is not None else reader
            changes = Changes(center, journal, patience=Patience(seconds=0.0))
            around = Surroundings(card_wait_seconds=5.0, pin_timeout_seconds=10.0)
            yield PinDesk(center, traced, changes, work, around)

    def apply(
        self,
        code: str,
        *,
        photo: bytes = b"",
        taken_on: str = "",
        documents: Sequence[SeenDocument] = (LICENCE,),
    ) -> applications_pb.SubmitApplicationResponse:
        """Apply for a first card; with a photo, of style 2. Raises Problem."""
        request_id = str(uuid.uuid4())
        request = applications_pb.SubmitApplicationRequest(
            request_id=request_id,
            form=forms_pb.ApplicationForm(
                code=code,
                style=forms_pb.CARD_STYLE_2 if photo else forms_pb.CARD_STYLE_1,
                place=forms_pb.ApplicationForm.PLACE_COUNTER,
                photo=photo,
                photo_taken_on=taken_on,
                documents=identity_documents(documents, request_id),
            ),
        )
        with self.opened() as desk:
            return desk.center.call(desk.center.applications.SubmitApplication, request)

    def make(self, application: str) -> WrittenCard:
        """Make a card of the blank in the reader, or finish one; raise Problem."""
        with self.opened() as desk:
            return personalise(
                desk.center,
                desk.reader,
                Wanted(application),
                surroundings=desk.surroundings,
            )

    def open_makings(self) -> int:
        """Return how many cards were begun and not finished."""
        with self.opened() as desk:
            return len(open_ones(desk.center))

    def hand_over(self, application: str, pin: str) -> pb.HandOverResponse:
        """Hand a card over, or finish it; the holder enters the PIN twice. Raises Problem."""
        order = HandOverOrder(application, (LICENCE,), _twice(pin), lambda _: None)
        with self.opened() as desk:
            return cast("pb.HandOverResponse", hand_over(desk, order).message)

    def unlock(self, number: str, can: str, pin: str, *, forgotten: bool) -> pb.UnlockPinResponse:
        """Unlock a PIN, or finish it; a forgotten one is replaced. Raises Problem."""
        order = UnlockOrder(
            card_number=number,
            forgotten=forgotten,
            documents=TWO,
            can=FileCan([can] * 3),
            pin=FilePin([pin]),
            new_pin=_twice(pin),
        )
        with self.opened() as desk:
            return cast("pb.UnlockPinResponse", unlock(desk, order).message)

    def resume(self, can: str) -> pb.ResumeCardResponse:
        """Take a suspension back, with the card in the reader and two documents; raise Problem."""

        def request(key: str, session: bytes) -> Message:
            documents = identity_documents(TWO, key)
            return pb.ResumeCardRequest(
                request_id=key, card_session_id=session, documents=documents
            )

        return cast("pb.ResumeCardResponse", self._with_check("ResumeCard", can, request))

    def take_back(self, can: str) -> pb.ReturnCardResponse:
        """Take the card in the reader back; raise Problem."""

        def request(key: str, session: bytes) -> Message:
            return pb.ReturnCardRequest(request_id=key, card_session_id=session)

        return cast("pb.ReturnCardResponse", self._with_check("ReturnCard", can, request))

    def reissue_lost(self, code: str) -> pb.ReissueCardResponse:
        """Apply for a card in place of one that is lost; raise Problem."""
        request_id = str(uuid.uuid4())
        request = pb.ReissueCardRequest(
            request_id=request_id,
            form=forms_pb.ApplicationForm(
                code=code,
                style=forms_pb.CARD_STYLE_1,
                place=forms_pb.ApplicationForm.PLACE_COUNTER,
                documents=identity_documents((LICENCE,), request_id),
            ),
            lost=pb.LossNotice(reason=pb.SuspendCardRequest.REASON_LOST),
        )
        with self.opened() as desk:
            return desk.center.call(desk.center.cards.ReissueCard, request)

    def cards_of(self, code: str) -> list[card_pb2.Card]:
        """Return a person's cards as the center has them, newest first; raise Problem."""
        request = pb.GetCardRequest(card=pb.CardReference(code=code))
        with self.opened() as desk:
            return list(desk.center.call(desk.center.cards.GetCard, request).cards)

    def _with_check(
        self, method: str, can: str, request: Callable[[str, bytes], Message]
    ) -> Message:
        with self.opened() as desk:
            checked = authenticate(
                desk.center,
                desk.reader,
                FileCan([can]),
                purpose=options_pb2.PURPOSE_CARD_CHECK,
                surroundings=desk.surroundings,
            )
            call = getattr(desk.center.cards, method)
            return desk.center.call(call, request(str(uuid.uuid4()), checked.session_id))


def _twice(pin: str) -> Callable[[Sequence[str]], FileNewPin]:
    return lambda forbidden: FileNewPin([pin, pin], forbidden)
