"""A window in tests: acts on applications and cards of sample residents, each a new request."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import TypeVar

import pytest

from juki_center.areas.audit.events import DeniedAttempt
from juki_center.areas.callers import Terminal
from juki_center.areas.cards.application_commands import (
    ApplicationForm,
    GetApplication,
    LapsedCard,
    RecordReply,
    RejectApplication,
    SubmitApplication,
    Taken,
)
from juki_center.areas.cards.application_rows import Application, EndReason, Place
from juki_center.areas.cards.applications import submit_application
from juki_center.areas.cards.numbers import ApplicationNumber, CardNumber, LetterNumber
from juki_center.areas.cards.policy import CardPolicy
from juki_center.areas.cards.register import CardKind, CardStatus, CardStyle
from juki_center.areas.evidence import DocumentKind, IdentityDocument, LegalRepresentative
from juki_center.areas.ports import Tx
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.cli import shipped
from juki_center.rule_sets import RuleSet
from juki_center.storage.sqlite import SQLiteStore
from tests.support.center import NOW, SAMPLES, TOKOROZAWA, serial_of
from tests.support.photos import jpeg

Command = TypeVar("Command")
Answer = TypeVar("Answer")
Act = Callable[[Tx, Command, datetime, CardPolicy], Answer]

MUNICIPALITIES = shipped.municipalities()
TARO = "yoshida-taro"
CHILD = "yoshida-sakura"
CLERK = "佐藤　花"
TODAY = date(2026, 11, 23)
PHOTO = jpeg()
PARENT = LegalRepresentative("\U00020bb7田　太郎", "戸籍謄本")
NO_SUCH = ApplicationNumber("A000000000195")


def document(
    kind: DocumentKind = DocumentKind.DRIVING_LICENCE, *, chip_verified: bool = False
) -> IdentityDocument:
    """Return a document whose number only its hash remembers."""
    return IdentityDocument(kind, b"\x5a" * 32, b"\xa5" * 16, chip_verified=chip_verified)


@dataclass(slots=True)
class CardWindow:
    """The window of one municipality on a store with everybody in it."""

    store: SQLiteStore
    terminal: Terminal = TOKOROZAWA
    now: datetime = NOW
    policy: CardPolicy = field(default_factory=lambda: CardPolicy(RuleSet.R2003_08, MUNICIPALITIES))

    @property
    def register(self) -> MunicipalityCode:
        """The municipality of the window."""
        return self.terminal.municipality

    def under(self, rule_set: RuleSet) -> CardWindow:
        """Return the window under another law."""
        return replace(self, policy=replace(self.policy, rule_set=rule_set))

    async def do(
        self, act: Act[Command, Answer], command: Command, now: datetime | None = None
    ) -> Answer:
        """Run an act."""
        return await self.store.act(lambda tx: act(tx, command, now or self.now, self.policy))

    async def refused(
        self, act: Act[Command, object], command: Command, now: datetime | None = None
    ) -> DeniedAttempt:
        """Return the refusal of an act that the log shows."""
        with pytest.raises(DeniedAttempt) as caught:
            await self.do(act, command, now)
        return caught.value

    async def apply(self, key: str = TARO, **changes: object) -> Taken:
        """Take an application for a first card; `changes` are fields of the form."""
        return await self.do(submit_application, self.submission(key, **changes))

    async def apply_by_letter(self, key: str = TARO) -> tuple[Application, LetterNumber]:
        """Take an application that is answered by a letter; return the letter's number too."""
        taken = await self.apply(key, documents=())
        assert taken.letter is not None
        return taken.application, taken.letter.number

    def submission(self, key: str = TARO, **changes: object) -> SubmitApplication:
        """Return an application at the counter with a driving licence, for a card of style 1."""
        form = ApplicationForm(
            code=SAMPLES[key].record.code,
            style=CardStyle.STYLE_1,
            place=Place.COUNTER,
            documents=(document(),),
        )
        form = replace(form, **changes)  # type: ignore[arg-type]  # fields of the form
        return SubmitApplication(self.terminal, uuid.uuid4(), CLERK, form)

    def with_photo(self, key: str = TARO, **changes: object) -> SubmitApplication:
        """Return an application for a card of style 2, with a photo of this month."""
        photo = {"photo": PHOTO, "photo_taken_on": TODAY - timedelta(days=3)}
        return self.submission(key, **{"style": CardStyle.STYLE_2, **photo, **changes})

    def reply(
        self, application: Application, letter: LetterNumber, **changes: object
    ) -> RecordReply:
        """Return a reply that the applicant brings."""
        command = RecordReply(
            terminal=self.terminal,
            request_id=uuid.uuid4(),
            clerk_name=CLERK,
            application=application.number,
            letter=letter,
            brought_by_applicant=True,
        )
        return replace(command, **changes)  # type: ignore[arg-type]  # fields of the command

    def rejection(
        self, application: Application, reason: EndReason = EndReason.WITHDRAWN
    ) -> RejectApplication:
        """Return the end of an application."""
        return RejectApplication(self.terminal, uuid.uuid4(), CLERK, application.number, reason)

    def question(self, application: Application) -> GetApplication:
        """Return a question for an application with its letter or notice."""
        return GetApplication(self.terminal, CLERK, application.number, with_letter=True)

    def kept(self, number: ApplicationNumber) -> Application:
        """Return an application as the store keeps it."""
        found = self.store.read(lambda tx: tx.applications.application(number))
        assert found is not None
        return found

    def status(self, key: str = TARO) -> CardStatus:
        """Return the state of the card with which a sample resident began."""
        card = self.store.read(lambda tx: tx.cards.card(serial_of(key)))
        assert card is not None
        return card.status

    async def set_status(self, status: CardStatus, *keys: str) -> None:
        """Give the cards of sample residents a state, whatever led there."""

        def act(tx: Tx) -> None:
            for key in keys:
                tx.cards.set_status(serial_of(key), status)

        await self.store.act(act)


NONE_HELD = {"lapsed_card": LapsedCard.NONE_HELD}
RESIDENT = CardKind.RESIDENT


def card_number(octets: bytes = bytes(8)) -> CardNumber:
    """Return a card number that eight octets stand for."""
    return CardNumber.drawn(octets)
