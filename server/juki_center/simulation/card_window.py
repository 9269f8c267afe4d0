"""The windows of the cards: applying, making, handing over, losing, finding again.

What a chip would do is left out: it is known by random bytes from the moment at which its key would
have been made, and its sessions are recorded as if it had answered.
"""

from __future__ import annotations

from juki_center.areas.cards.application_commands import (
    ApplicationForm,
    InquiryLetter,
    LapsedCard,
    Lost,
    RecordReply,
    ReissueCard,
    SubmitApplication,
    Taken,
)
from juki_center.areas.cards.application_rows import Place
from juki_center.areas.cards.applications import submit_application
from juki_center.areas.cards.hand_overs import (
    BeginHandOver,
    HandOver,
    begin_hand_over,
    hand_over,
)
from juki_center.areas.cards.identification import IDENTIFICATIONS
from juki_center.areas.cards.making import begin, know_card
from juki_center.areas.cards.numbers import ApplicationNumber
from juki_center.areas.cards.personalisation_commands import PersonaliseCard
from juki_center.areas.cards.references import ByNumber
from juki_center.areas.cards.register import Card, CardStyle, Purpose
from juki_center.areas.cards.reissues import reissue_card
from juki_center.areas.cards.replies import record_reply
from juki_center.areas.cards.resumptions import ResumeCard, resume_card
from juki_center.areas.cards.suspensions import (
    Channel,
    LossReason,
    LossReport,
    Reporter,
    SuspendCard,
    suspend_card,
)
from juki_center.areas.cards.window import Window
from juki_center.simulation.errands import Apply, Collect, Errand, Lose, Reissue, Resume
from juki_center.simulation.town import CLERK, DOCUMENTS, RestsOnNothing, Town, window

_SERIAL_OCTETS = 32
_CHIP_OCTETS = 16


class CardWindow:
    """The card windows of all municipalities; they remember the letters that are out."""

    def __init__(self, town: Town) -> None:
        self._town = town
        self._policy = town.policies.cards
        self._letters: dict[int, tuple[ApplicationNumber, InquiryLetter]] = {}

    def apply(self, errand: Apply) -> None:
        """Take an application; make and hand over the card where it is issued on the same day.

        Raises Refusal.
        """
        command = SubmitApplication(
            window(errand.office),
            self._town.request_id(),
            CLERK,
            self._form(errand.person, shows_document=not errand.by_letter),
        )
        taken = self._town.do(
            "submit_application",
            lambda tx: submit_application(tx, command, errand.at, self._policy),
        )
        self._go_on(errand, errand.person, taken)

    def collect(self, errand: Collect) -> None:
        """Record the reply to a letter, then make and hand over the card. Raises Refusal."""
        if errand.person not in self._letters:
            raise RestsOnNothing("letter")
        number, letter = self._letters.pop(errand.person)
        command = RecordReply(
            terminal=window(errand.office),
            request_id=self._town.request_id(),
            clerk_name=CLERK,
            application=number,
            letter=letter.number,
            brought_by_applicant=True,
            documents=DOCUMENTS,
            oral_questions_answered=True,
        )
        self._town.do("record_reply", lambda tx: record_reply(tx, command, errand.at, self._policy))
        self._make(errand, errand.person, number)

    def lose(self, errand: Lose) -> None:
        """Take a report of a lost card at the counter. Raises Refusal."""
        report = LossReport(Reporter.HOLDER, Channel.COUNTER, LossReason.LOST)
        reference = ByNumber(self._town.card_of(errand.person).number)
        command = SuspendCard(
            window(errand.office), self._town.request_id(), CLERK, reference, report
        )
        self._town.do("suspend_card", lambda tx: suspend_card(tx, command, errand.at, self._policy))

    def resume(self, errand: Resume) -> None:
        """Take a suspension back. Raises Refusal."""
        card = self._town.card_of(errand.person)
        session = self._session(errand, errand.person, card, Purpose.CARD_CHECK)
        command = ResumeCard(
            terminal=window(errand.office),
            request_id=self._town.request_id(),
            clerk_name=CLERK,
            session_id=session,
            documents=DOCUMENTS,
            card_number=card.number,
        )
        self._town.do("resume_card", lambda tx: resume_card(tx, command, errand.at, self._policy))

    def reissue(self, errand: Reissue) -> None:
        """End a lost card, and make and hand over another one. Raises Refusal."""
        command = ReissueCard(
            window(errand.office),
            self._town.request_id(),
            CLERK,
            self._form(errand.person, shows_document=True),
            Lost(LossReason.LOST),
        )
        reissued = self._town.do(
            "reissue_card", lambda tx: reissue_card(tx, command, errand.at, self._policy)
        )
        self._go_on(errand, errand.person, reissued.taken)

    def _form(self, person: int, *, shows_document: bool) -> ApplicationForm:
        asks = IDENTIFICATIONS[self._policy.rule_set].asks_for_lapsed_card
        return ApplicationForm(
            code=self._town.code(person),
            style=CardStyle.STYLE_1,
            place=Place.COUNTER,
            documents=DOCUMENTS if shows_document else (),
            lapsed_card=LapsedCard.NONE_HELD if asks else None,
        )

    def _go_on(self, errand: Errand, person: int, taken: Taken) -> None:
        if taken.letter is None:
            self._make(errand, person, taken.application.number)
        else:
            self._letters[person] = (taken.application.number, taken.letter)

    def _make(self, errand: Errand, person: int, number: ApplicationNumber) -> None:
        terminal = window(errand.office)
        desk = Window(terminal, CLERK, errand.at, self._policy)
        command = PersonaliseCard(terminal, CLERK, number)
        chip, serial = self._town.octets(_CHIP_OCTETS), self._town.octets(_SERIAL_OCTETS)
        begun = self._town.do("personalise: begin", lambda tx: begin(tx, desk, command, chip))
        intent = begun.personalisation.personalisation_id
        self._town.do("personalise: know_card", lambda tx: know_card(tx, desk, intent, serial))
        card = self._card(serial)
        self._session(errand, person, card, Purpose.CARD_CHECK)
        self._hand_over(errand, person, number, card)

    def _hand_over(
        self, errand: Errand, person: int, number: ApplicationNumber, card: Card
    ) -> None:
        terminal = window(errand.office)
        opening = BeginHandOver(terminal, CLERK, number, DOCUMENTS)
        begun = self._town.do(
            "begin_hand_over", lambda tx: begin_hand_over(tx, opening, errand.at, self._policy)
        )
        session = self._session(errand, person, card, Purpose.PIN_PROOF)
        command = HandOver(terminal, self._town.request_id(), CLERK, number, session, begun.fee_yen)
        self._town.do("hand_over", lambda tx: hand_over(tx, command, errand.at, self._policy))

    def _session(self, errand: Errand, person: int, card: Card, purpose: Purpose) -> bytes:
        terminal = window(errand.office)
        return self._town.session(terminal, purpose, card, errand, person).session_id

    def _card(self, serial: bytes) -> Card:
        card = self._town.store.read(lambda tx: tx.cards.card(serial))
        if card is None:
            raise LookupError("the card that was just made is not in the register")
        return card
