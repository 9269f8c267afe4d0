"""What is printed on the face of a card, while the card lies at the office: never after that."""

from __future__ import annotations

from typing import Final

from juki_center.areas.audit.events import Event
from juki_center.areas.cards.application_reads import find_application
from juki_center.areas.cards.making import MakingTx
from juki_center.areas.cards.personalisation_commands import CardFace, GetCardFace
from juki_center.areas.cards.register import Card, CardStatus, CardStyle
from juki_center.areas.cards.window import Done, Found, Window, look
from juki_center.errors import NotAllowed, Reason, Refusal

_AT_THE_OFFICE: Final = frozenset({CardStatus.MAKING, CardStatus.MADE})
_EVENT: Final = "PRINTED"
# Between lot and building, as on copies.
_SPACE: Final = "\u3000"


def get_card_face(tx: MakingTx, window: Window, command: GetCardFace) -> CardFace:
    """Return the face of the card that lies ready for an application, or is being made for it.

    Raises DeniedAttempt: APPLICATION_NOT_FOUND, NOT_IN_THIS_STATE, CLERK_NAME_REQUIRED,
    RESIDENCE_DISCONNECTED.
    """

    def act(found: Found) -> Done:
        application = find_application(tx, window, found, command.application)
        card, _ = _card(tx, command)
        return Done(
            card.serial,
            Event.CARD_FACE_READ,
            subjects=(application.person,),
            resource=application.number,
        )

    look(tx, window, act)
    return _face(tx, window, command)


def _card(tx: MakingTx, command: GetCardFace) -> tuple[Card, str]:
    """Return the card and its access number; raise NotAllowed unless it lies at the office."""
    row = tx.personalisations.newest_of(command.application)
    card = tx.cards.card(row.card_serial) if row is not None and row.card_serial else None
    if row is None or card is None or row.secrets is None:
        raise NotAllowed("NO_CARD", _EVENT)
    if card.status not in _AT_THE_OFFICE:
        raise NotAllowed(card.status, _EVENT)
    return card, row.secrets.card_access_number


def _face(tx: MakingTx, window: Window, command: GetCardFace) -> CardFace:
    card, access_number = _card(tx, command)
    record = tx.residents.resident(card.person).record
    office = window.policy.municipalities.valid_on(window.register, window.today)
    if office is None:
        raise Refusal(Reason.UNAUTHENTICATED)
    is_full = card.style is CardStyle.STYLE_2
    address = record.address + (f"{_SPACE}{record.building}" if record.building else "")
    return CardFace(
        number=card.number,
        style=card.style,
        name=record.name,
        municipality_name=office.name,
        valid_until=card.valid_until,
        card_access_number=access_number,
        birth=record.birth if is_full else None,
        sex=record.sex if is_full else None,
        address=address if is_full else "",
        photo=tx.applications.photo(command.application) if is_full else None,
    )
