"""Making a card, up to the point where its chip is written: what is committed before each step.

    expect -> begin -> know_card -> (the chip is written and closed)

The intent stands before the first command that changes the chip, the card's row before anything
personal is written or signed. A run that was cut off anywhere begins again with the same chip and
finds its own rows. The end, by proof or by giving up, is in `personalisations`.
"""

from __future__ import annotations

from typing import Protocol

from juki_center.areas.audit.events import Event
from juki_center.areas.cards.application_reads import find_application
from juki_center.areas.cards.application_rows import Application, Applications, ApplicationState
from juki_center.areas.cards.batches import BatchTx, Origin, refuse_cut_off_batch
from juki_center.areas.cards.numbers import CHANCE_OCTETS, CardNumber
from juki_center.areas.cards.personalisation_commands import Begun, PersonaliseCard, Written
from juki_center.areas.cards.personalisation_rows import (
    ChipSecrets,
    Personalisation,
    Personalisations,
    PersonalisationState,
)
from juki_center.areas.cards.register import Card, CardKind, Cards, CardStatus
from juki_center.areas.cards.rules import last_valid_day
from juki_center.areas.cards.window import Done, Found, Window, WindowTx, logged, look
from juki_center.areas.ports import Chance
from juki_center.areas.residents.records import ResidenceState, Resident, Residents
from juki_center.errors import NotAllowed, Reason, Refusal

_ID_OCTETS = 16
_CAN_DIGITS = 6
_TRANSPORT_PIN_DIGITS = 5
_MAY_HAVE_A_CARD = frozenset({ApplicationState.APPROVED, ApplicationState.READY})
_EVENT = "PERSONALISED"


class MakingTx(WindowTx, BatchTx, Protocol):
    """What making a card needs of a transaction."""

    @property
    def applications(self) -> Applications: ...

    @property
    def cards(self) -> Cards: ...

    @property
    def chance(self) -> Chance: ...

    @property
    def personalisations(self) -> Personalisations: ...

    @property
    def residents(self) -> Residents: ...


def expect(tx: MakingTx, window: Window, command: PersonaliseCard) -> Written | None:
    """Check that a card may be made; return the one that was written already, if there is one.

    Nothing is changed. Raises DeniedAttempt: APPLICATION_NOT_FOUND, NOT_IN_THIS_STATE,
    CLERK_NAME_REQUIRED, RESIDENCE_DISCONNECTED.
    """

    def check(found: Found) -> Done:
        application = find_application(tx, window, found, command.application)
        if application.state not in _MAY_HAVE_A_CARD:
            raise NotAllowed(application.state, _EVENT)
        return Done(b"", Event.PERSONALISATION_BEGUN)

    logged(window, check, Event.CARD_ACT_REFUSED)
    row = tx.personalisations.newest_of(command.application)
    return None if row is None else written(tx, row)


def begin(tx: MakingTx, window: Window, command: PersonaliseCard, chip_serial: bytes) -> Begun:
    """Write down that this blank, by its 16 bytes, is to be the card of an application.

    The same chip for the same application is the same intent, however often. Raises DeniedAttempt:
    APPLICATION_NOT_FOUND, NOT_IN_THIS_STATE, RECORD_DELETED, CHIP_ALREADY_USED,
    PERSONALISATION_OPEN, CLERK_NAME_REQUIRED, RESIDENCE_DISCONNECTED, DISCONNECTED_CARD_BATCH.
    """
    octets = look(tx, window, lambda found: _begin(tx, window, command, chip_serial, found))
    row = tx.personalisations.by_id(octets)
    if row is None:
        raise Refusal(Reason.PERSONALISATION_NOT_FOUND)
    return Begun(row, tx.residents.resident(row.person).record.code)


def know_card(
    tx: MakingTx, window: Window, personalisation_id: bytes, card_serial: bytes
) -> Written:
    """Enter the card that a chip has become by making its key; the state is MAKING.

    Raises DeniedAttempt: PERSONALISATION_NOT_FOUND where it was given up meanwhile,
    CARD_NOT_AUTHENTIC where the chip had another key before, CHIP_ALREADY_USED where another card
    has this one, NOT_IN_THIS_STATE, CLERK_NAME_REQUIRED, RESIDENCE_DISCONNECTED,
    DISCONNECTED_CARD_BATCH.
    """

    def act(found: Found) -> Done:
        row = _open_row(tx, window, personalisation_id, found)
        refuse_cut_off_batch(tx, Origin(window.today, row.chip_serial))
        if row.card_serial is None:
            _enter(tx, window, row, card_serial)
        elif row.card_serial != card_serial:
            raise Refusal(Reason.CARD_NOT_AUTHENTIC)
        return Done(b"", Event.PERSONALISATION_BEGUN)

    logged(window, act, Event.CARD_ACT_REFUSED)
    row = tx.personalisations.by_id(personalisation_id)
    known = None if row is None else written(tx, row)
    if known is None:
        raise Refusal(Reason.PERSONALISATION_NOT_FOUND)
    return known


def refuse_chip(window: Window, refusal: Refusal) -> None:
    """Raise the refusal of a chip as DeniedAttempt, so that the log shows it."""

    def act(_found: Found) -> Done:
        raise refusal

    logged(window, act, Event.CARD_ACT_REFUSED)


def written(tx: MakingTx, row: Personalisation) -> Written | None:
    """Return what is printed on a card whose chip has its key; None before that."""
    card = None if row.card_serial is None else tx.cards.card(row.card_serial)
    if card is None or row.secrets is None:
        return None
    return Written(
        personalisation_id=row.personalisation_id,
        card_number=card.number,
        card_access_number=row.secrets.card_access_number,
        valid_until=card.valid_until,
    )


def _begin(
    tx: MakingTx, window: Window, command: PersonaliseCard, chip_serial: bytes, found: Found
) -> Done:
    application = find_application(tx, window, found, command.application)
    if application.state is not ApplicationState.APPROVED:
        raise NotAllowed(application.state, _EVENT)
    refuse_cut_off_batch(tx, Origin(window.today, chip_serial))
    _active(tx, application)
    row = tx.personalisations.of_chip(chip_serial)
    is_taken_up = row is not None
    if row is None:
        row = _opened(tx, window, application, chip_serial)
    elif (row.application, row.state) != (application.number, PersonalisationState.OPEN):
        raise Refusal(Reason.CHIP_ALREADY_USED)
    return Done(
        row.personalisation_id,
        Event.PERSONALISATION_BEGUN,
        subjects=(application.person,),
        resource=application.number,
        details=(("taken_up_again", "yes" if is_taken_up else "no"),),
    )


def _active(tx: MakingTx, application: Application) -> Resident:
    holder = tx.residents.resident(application.person)
    if holder.state is not ResidenceState.ACTIVE or (
        holder.municipality != application.municipality
    ):
        raise Refusal(Reason.RECORD_DELETED)
    return holder


def _opened(
    tx: MakingTx, window: Window, application: Application, chip_serial: bytes
) -> Personalisation:
    if tx.personalisations.newest_of(application.number) is not None:
        raise Refusal(Reason.PERSONALISATION_OPEN)
    row = Personalisation(
        personalisation_id=tx.chance.octets(_ID_OCTETS),
        application=application.number,
        municipality=application.municipality,
        person=application.person,
        chip_serial=chip_serial,
        terminal_uri=window.terminal.uri,
        state=PersonalisationState.OPEN,
        begun_at=window.now,
        card_number=_new_number(tx),
        secrets=ChipSecrets(
            card_access_number=_digits(tx, _CAN_DIGITS),
            transport_pin=_digits(tx, _TRANSPORT_PIN_DIGITS),
        ),
    )
    tx.personalisations.add(row)
    return row


def _open_row(
    tx: MakingTx, window: Window, personalisation_id: bytes, found: Found
) -> Personalisation:
    row = tx.personalisations.by_id(personalisation_id)
    if row is None or row.state is not PersonalisationState.OPEN:
        raise Refusal(Reason.PERSONALISATION_NOT_FOUND)
    application = find_application(tx, window, found, row.application)
    if application.state is not ApplicationState.APPROVED:
        raise NotAllowed(application.state, _EVENT)
    return row


def _enter(tx: MakingTx, window: Window, row: Personalisation, card_serial: bytes) -> None:
    if tx.cards.card(card_serial) is not None:
        raise Refusal(Reason.CHIP_ALREADY_USED)
    application = find_application(tx, window, Found(), row.application)
    tx.cards.add_card(
        Card(
            serial=card_serial,
            person=row.person,
            kind=CardKind.RESIDENT,
            status=CardStatus.MAKING,
            municipality=row.municipality,
            valid_until=last_valid_day(window.today),
            number=row.card_number,
            made_on=window.today,
            style=application.style,
        )
    )
    tx.personalisations.set_card(row.personalisation_id, card_serial)


def _new_number(tx: MakingTx) -> CardNumber:
    while True:
        number = CardNumber.drawn(tx.chance.octets(CHANCE_OCTETS))
        if tx.cards.by_number(number) is None:
            return number


def _digits(tx: MakingTx, count: int) -> str:
    # Eight octets are so many more than the digits that none of them is likelier.
    return f"{int.from_bytes(tx.chance.octets(8), 'big') % 10**count:0{count}d}"
