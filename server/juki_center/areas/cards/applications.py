"""The act of applying for a card: checked, decided, and entered in one transaction.

Whatever becomes of the application later has a module of its own: `replies`, `rejections`,
`application_ends`.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Protocol

from juki_center.areas.audit.events import Event
from juki_center.areas.cards.application_codec import decode_taken, encode_taken
from juki_center.areas.cards.application_commands import (
    ApplicationForm,
    InquiryLetter,
    SubmitApplication,
    Taken,
)
from juki_center.areas.cards.application_days import (
    is_recent_photo,
    last_reply_day,
    may_be_under_15,
)
from juki_center.areas.cards.application_rows import (
    Addressee,
    Application,
    ApplicationKind,
    ApplicationPapers,
    Applications,
)
from juki_center.areas.cards.application_rules import FIRST_STATES
from juki_center.areas.cards.identification import IDENTIFICATIONS, Identification, Way, decide_way
from juki_center.areas.cards.numbers import CHANCE_OCTETS, ApplicationNumber, LetterNumber
from juki_center.areas.cards.policy import CardPolicy
from juki_center.areas.cards.register import Card, CardKind, Cards, CardStatus, CardStyle
from juki_center.areas.cards.rules import as_of
from juki_center.areas.cards.window import Done, Found, Window, WindowTx, once, sender_of
from juki_center.areas.ports import Chance
from juki_center.areas.residents.guards import find_person
from juki_center.areas.residents.records import (
    PersonID,
    ResidenceRecord,
    ResidenceState,
    Resident,
    Residents,
)
from juki_center.errors import Reason, Refusal

_COUNTS_AS_CARD = frozenset(
    {
        CardStatus.MAKING,
        CardStatus.MADE,
        CardStatus.HELD,
        CardStatus.ACTIVE,
        CardStatus.SUSPENDED,
    }
)


class ApplyTx(WindowTx, Protocol):
    """What applying needs of a transaction."""

    @property
    def applications(self) -> Applications: ...

    @property
    def cards(self) -> Cards: ...

    @property
    def chance(self) -> Chance: ...

    @property
    def residents(self) -> Residents: ...


def submit_application(
    tx: ApplyTx, command: SubmitApplication, now: datetime, policy: CardPolicy
) -> Taken:
    """Take an application for a first card.

    Raises Refusal with a reason that the proto's method lists (order on the act, article 30-14).
    """
    window = Window(command.terminal, command.clerk_name, now, policy)

    def act(found: Found) -> Done:
        resident = find_applicant(tx, window, found, command.form)
        taken = apply_for(tx, window, resident, command.form, ApplicationKind.FIRST)
        return Done(
            encode_taken(taken),
            Event.CARD_APPLIED_FOR,
            subjects=(resident.person,),
            resource=taken.application.number,
            details=facts_of(taken.application),
        )

    return decode_taken(
        once(
            tx,
            window,
            command,
            request_id=command.request_id,
            act=act,
            refused=Event.APPLICATION_REFUSED,
        )
    )


def find_applicant(tx: ApplyTx, window: Window, found: Found, form: ApplicationForm) -> Resident:
    """Return the resident for whom a form asks.

    Raises Refusal: RESIDENT_NOT_FOUND, CODE_CHANGED, RECORD_DELETED, RESIDENCE_DISCONNECTED.
    """
    resident = find_person(tx, window, form.code)
    found.is_about(resident.person)
    if resident.state is not ResidenceState.ACTIVE:
        raise Refusal(Reason.RECORD_DELETED)
    return resident


def apply_for(
    tx: ApplyTx, window: Window, resident: Resident, form: ApplicationForm, kind: ApplicationKind
) -> Taken:
    """Enter an application of a resident, or refuse it before anything is written.

    Raises Refusal: APPLICATION_OPEN, ALREADY_HAS_CARD, PHOTO_REQUIRED, PHOTO_TOO_OLD,
    REPRESENTATIVE_REQUIRED, LAPSED_CARD_QUESTION, RESIDENCE_DISCONNECTED.
    """
    _refuse_second(tx, resident.person, window)
    _refuse_form(window, resident.record, form)
    rules = IDENTIFICATIONS[window.policy.rule_set]
    way = decide_way(rules, form.place, form.documents)
    application = Application(
        number=_new_number(tx),
        municipality=window.register,
        person=resident.person,
        state=FIRST_STATES[way],
        kind=kind,
        style=form.style,
        submitted_at=window.now,
        papers=_papers(window, form),
    )
    letter = None
    if way is Way.INQUIRY:
        letter = _letter(tx, window, resident.record, rules)
        application = _awaiting(application, letter)
    tx.applications.add(application, form.photo)
    return Taken(replace(application, papers=None), letter)


def _letter(
    tx: ApplyTx, window: Window, record: ResidenceRecord, rules: Identification
) -> InquiryLetter:
    return InquiryLetter(
        number=LetterNumber.drawn(tx.chance.octets(CHANCE_OCTETS)),
        addressee=addressee_of(record),
        sent_on=window.today,
        reply_until=last_reply_day(window.today),
        registered_mail=rules.registered_mail,
        document_required=rules.reply_needs_document,
        municipality_name=sender_of(window),
    )


def addressee_of(record: ResidenceRecord) -> Addressee:
    """Return the registered name and address, with building and room."""
    building = f"\u3000{record.building}" if record.building else ""
    return Addressee(record.name, record.address + building)


def facts_of(application: Application) -> tuple[tuple[str, str], ...]:
    """Return what the log says of an application beside its number."""
    facts = (("kind", str(application.kind)), ("state", str(application.state)))
    if application.end_reason is None:
        return facts
    return (*facts, ("end_reason", str(application.end_reason)))


def _refuse_second(tx: ApplyTx, person: PersonID, window: Window) -> None:
    if tx.applications.open_of_person(person):
        raise Refusal(Reason.APPLICATION_OPEN)
    if any(_is_in_force(card, window) for card in tx.cards.of_person(person)):
        raise Refusal(Reason.ALREADY_HAS_CARD)


def _is_in_force(card: Card, window: Window) -> bool:
    # A card that waits for its use to be continued counts: otherwise it could become a second one.
    is_resident_card = card.kind is CardKind.RESIDENT
    status = as_of(card, window.now).status
    return is_resident_card and status in _COUNTS_AS_CARD and window.today <= card.valid_until


def _refuse_form(window: Window, record: ResidenceRecord, form: ApplicationForm) -> None:
    if form.style is CardStyle.STYLE_2:
        if form.photo is None or form.photo_taken_on is None:
            raise Refusal(Reason.PHOTO_REQUIRED)
        if not is_recent_photo(form.photo_taken_on, window.today):
            raise Refusal(Reason.PHOTO_TOO_OLD)
    if form.representative is None and may_be_under_15(record.birth, window.today):
        raise Refusal(Reason.REPRESENTATIVE_REQUIRED)
    asks = IDENTIFICATIONS[window.policy.rule_set].asks_for_lapsed_card
    if asks and form.lapsed_card is None:
        raise Refusal(Reason.LAPSED_CARD_QUESTION)


def _papers(window: Window, form: ApplicationForm) -> ApplicationPapers:
    return ApplicationPapers(
        clerk_name=window.clerk_name,
        place=form.place,
        documents=form.documents,
        representative=form.representative,
        lapsed_card=form.lapsed_card or "",
        photo_taken_on=form.photo_taken_on,
    )


def _awaiting(application: Application, letter: InquiryLetter) -> Application:
    papers = application.papers
    if papers is not None:
        papers = replace(
            papers,
            letter_number=letter.number,
            letter_sent_on=letter.sent_on,
            letter_sent_to=letter.addressee,
        )
    return replace(application, papers=papers, reply_until=letter.reply_until)


def _new_number(tx: ApplyTx) -> ApplicationNumber:
    while True:
        number = ApplicationNumber.drawn(tx.chance.octets(CHANCE_OCTETS))
        if tx.applications.municipality_of(number) is None:
            return number
