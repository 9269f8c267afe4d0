"""Cards of sample residents in every state of their life, and acts on them at a window."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass, replace
from datetime import date, datetime

from juki_center.areas.callers import Desk, Operator, Terminal
from juki_center.areas.cards.application_rows import (
    Application,
    ApplicationKind,
    ApplicationPapers,
    ApplicationState,
    Place,
)
from juki_center.areas.cards.hand_overs import BeginHandOver, HandOver
from juki_center.areas.cards.note_rows import CardNote
from juki_center.areas.cards.numbers import ApplicationNumber, CardNumber
from juki_center.areas.cards.personalisation_rows import (
    ChipSecrets,
    Personalisation,
    PersonalisationState,
)
from juki_center.areas.cards.references import ByCode, ByNumber
from juki_center.areas.cards.register import Card, CardKind, CardStatus, CardStyle, Purpose
from juki_center.areas.cards.resumptions import ResumeCard
from juki_center.areas.cards.returns import ByCheck, ReturnCard
from juki_center.areas.cards.revocations import RevokeCard
from juki_center.areas.cards.sessions import RecordSession, record_session
from juki_center.areas.cards.suspensions import (
    BySerial,
    CallerQuestion,
    Channel,
    LossReason,
    LossReport,
    Reporter,
    SuspendCard,
    Topic,
)
from juki_center.areas.cards.unlock_rows import UnlockMode
from juki_center.areas.cards.unlocks import (
    BeginUnlock,
    CompleteUnlock,
    attempt_unlock,
    begin_unlock,
)
from juki_center.areas.evidence import DocumentKind, IdentityDocument
from juki_center.areas.ports import Tx
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.storage.sqlite import SQLiteStore
from tests.support.card_window import CLERK, TARO, CardWindow, document
from tests.support.center import NOW, SAMPLES, TOKOROZAWA, serial_of

DESK = Desk("juki://municipality/131016/desk/01", MunicipalityCode("131016"))
OPERATOR = Operator("juki://operator/operator-1")
TRANSPORT_PIN = "48213"
APPLICATION = ApplicationNumber.drawn(b"\0\0\0\0\0\0\0\7")
NEW_SERIAL = hashlib.sha256(b"the new card").digest()
TWO = (document(), document(DocumentKind.PENSION_BOOK))
ONE_KIND_TWICE = (document(), document())
LICENCE_AND_PRIVATE = (document(), document(DocumentKind.PRIVATE_BODY))
LOST = LossReport(
    Reporter.HOLDER,
    Channel.PHONE,
    LossReason.LOST,
    (CallerQuestion(Topic.BIRTH_DATE, answered_rightly=True),),
    "所沢警察署 第123号",
)


@dataclass(slots=True)
class CardLife:
    """The window of a municipality, and what may be done there to a card."""

    window: CardWindow

    @property
    def store(self) -> SQLiteStore:
        """The store behind the window."""
        return self.window.store

    def card(self, serial: bytes = serial_of(TARO)) -> Card:  # a constant
        """Return a card as the register has it."""
        card = self.store.read(lambda tx: tx.cards.card(serial))
        assert card is not None
        return card

    def notes(self, serial: bytes = serial_of(TARO)) -> list[CardNote]:  # a constant
        """Return the notes to a card."""
        return self.store.read(lambda tx: tx.card_notes.of_card(serial))

    async def session(
        self,
        purpose: Purpose,
        serial: bytes = serial_of(TARO),  # a constant
        *,
        terminal: Terminal = TOKOROZAWA,
        now: datetime = NOW,
    ) -> bytes:
        """Finish a session of a card."""
        session_id = uuid.uuid4().bytes
        command = RecordSession(terminal, session_id, purpose, serial, None, bytes(32))
        await self.store.act(lambda tx: record_session(tx, command, now))
        return session_id

    async def make(self, key: str = TARO, status: CardStatus = CardStatus.MADE) -> Application:
        """Let a resident have a made card and an application that is READY; no other card lives."""
        application = ready_application(self.store, key)

        def act(tx: Tx) -> None:
            tx.cards.set_status(serial_of(key), CardStatus.REVOKED)
            tx.applications.add(application, None)
            tx.personalisations.add(made_for(application))
            tx.cards.add_card(made_card(application, status))

        await self.store.act(act)
        return application

    async def set_status(self, status: CardStatus, serial: bytes) -> None:
        """Give a card a state, whatever led there."""
        await self.store.act(lambda tx: tx.cards.set_status(serial, status))

    async def disconnect(self) -> None:
        """Cut Tokorozawa off."""
        code = TOKOROZAWA.municipality
        await self.store.act(lambda tx: tx.registers.set_connected(code, connected=False))

    async def begin_unlock(self, command: BeginUnlock | None = None) -> bytes:
        """Open an unlocking."""
        begun = await self.window.do(begin_unlock, command or unlocking())
        return begun.unlock_id

    async def attempt(
        self,
        unlock_id: bytes,
        serial: bytes = serial_of(TARO),  # a constant
        *,
        terminal: Terminal = TOKOROZAWA,
        now: datetime = NOW,
    ) -> UnlockMode:
        """Write that a command may reach the card."""
        return await self.store.act(lambda tx: attempt_unlock(tx, unlock_id, serial, terminal, now))


def ready_application(store: SQLiteStore, key: str) -> Application:
    """Return an application of a sample resident whose card waits."""
    holder = store.read(lambda tx: tx.residents.by_code(SAMPLES[key].record.code))
    assert holder is not None
    return Application(
        number=APPLICATION,
        municipality=holder.municipality,
        person=holder.person,
        state=ApplicationState.READY,
        kind=ApplicationKind.FIRST,
        style=CardStyle.STYLE_1,
        submitted_at=NOW,
        papers=ApplicationPapers(CLERK, Place.COUNTER),
    )


def made_for(application: Application) -> Personalisation:
    """Return how the card of an application was made."""
    return Personalisation(
        personalisation_id=b"p" * 16,
        application=application.number,
        municipality=application.municipality,
        person=application.person,
        chip_serial=b"c" * 16,
        terminal_uri=TOKOROZAWA.uri,
        state=PersonalisationState.DONE,
        begun_at=NOW,
        card_number=CardNumber.drawn(b"made-now"),
        secrets=ChipSecrets("314159", TRANSPORT_PIN),
        card_serial=NEW_SERIAL,
        ended_at=NOW,
    )


def made_card(application: Application, status: CardStatus = CardStatus.MADE) -> Card:
    """Return the card of an application."""
    return Card(
        serial=NEW_SERIAL,
        person=application.person,
        kind=CardKind.RESIDENT,
        status=status,
        municipality=application.municipality,
        valid_until=date(2036, 11, 22),
        number=CardNumber.drawn(b"made-now"),
        made_on=date(2026, 11, 23),
    )


def by_code(key: str = TARO) -> ByCode:
    """Mean the newest card of a sample resident."""
    return ByCode(SAMPLES[key].record.code)


def by_number(serial: bytes = serial_of(TARO)) -> ByNumber:  # a constant
    """Mean the card with which a sample resident began, by its number."""
    return ByNumber(CardNumber.drawn(serial[-8:]))


def suspension(
    card: ByCode | ByNumber | BySerial | None = None,
    caller: Terminal | Desk | Operator = DESK,
    **changes: object,
) -> SuspendCard:
    """Return the report of a loss by telephone."""
    command = SuspendCard(caller, uuid.uuid4(), CLERK, card or by_code(), LOST)
    return replace(command, **changes)  # type: ignore[arg-type]  # fields of the command


def resumption(
    session_id: bytes,
    documents: tuple[IdentityDocument, ...] = TWO,
    terminal: Terminal = TOKOROZAWA,
) -> ResumeCard:
    """Return a resumption in person."""
    return ResumeCard(terminal, uuid.uuid4(), CLERK, session_id, documents)


def revocation(card: ByCode | ByNumber | None = None, **changes: object) -> RevokeCard:
    """Return the end of a card at the residence's window."""
    command = RevokeCard(TOKOROZAWA, uuid.uuid4(), CLERK, card or by_code(), (document(),))
    return replace(command, **changes)  # type: ignore[arg-type]  # fields of the command


def handing_in(session_id: bytes, **changes: object) -> ReturnCard:
    """Return the handing in of a card whose chip answers."""
    command = ReturnCard(TOKOROZAWA, uuid.uuid4(), CLERK, ByCheck(session_id))
    return replace(command, **changes)  # type: ignore[arg-type]  # fields of the command


def unlocking(**changes: object) -> BeginUnlock:
    """Return the opening of an unlocking of Taro's forgotten PIN."""
    command = BeginUnlock(TOKOROZAWA, uuid.uuid4(), CLERK, by_code(), TWO, UnlockMode.FORGOTTEN)
    return replace(command, **changes)  # type: ignore[arg-type]  # fields of the command


def unlocked(unlock_id: bytes, session_id: bytes, **changes: object) -> CompleteUnlock:
    """Return the end of an unlocking."""
    command = CompleteUnlock(TOKOROZAWA, uuid.uuid4(), CLERK, unlock_id, session_id)
    return replace(command, **changes)  # type: ignore[arg-type]  # fields of the command


def opening(**changes: object) -> BeginHandOver:
    """Return the opening of a hand-over."""
    command = BeginHandOver(TOKOROZAWA, CLERK, APPLICATION, (document(),))
    return replace(command, **changes)  # type: ignore[arg-type]  # fields of the command


def hand_over_of(session_id: bytes, **changes: object) -> HandOver:
    """Return a hand-over with its fee."""
    command = HandOver(TOKOROZAWA, uuid.uuid4(), CLERK, APPLICATION, session_id, 500)
    return replace(command, **changes)  # type: ignore[arg-type]  # fields of the command
