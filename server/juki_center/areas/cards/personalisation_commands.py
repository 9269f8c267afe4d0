"""What may be asked about cards in the making, and what is answered: the proto's as records."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from juki_center.areas.callers import Terminal
from juki_center.areas.cards.numbers import ApplicationNumber, CardNumber
from juki_center.areas.cards.personalisation_rows import Personalisation
from juki_center.areas.cards.register import CardStyle
from juki_center.areas.residents.civil_dates import CivilDate
from juki_center.areas.residents.codes import ResidentCode
from juki_center.areas.residents.records import Sex


@dataclass(frozen=True, slots=True)
class PersonaliseCard:
    """Command: make a card for an application of a blank in the terminal's reader."""

    terminal: Terminal
    clerk_name: str = field(repr=False)
    application: ApplicationNumber


@dataclass(frozen=True, slots=True)
class VoidPersonalisation:
    """Command: give up a card that was begun; `personalisation_id` is 16 bytes."""

    terminal: Terminal
    request_id: UUID
    clerk_name: str = field(repr=False)
    personalisation_id: bytes


@dataclass(frozen=True, slots=True)
class ListPersonalisations:
    """Command: a page of the cards that were begun and not finished, oldest first."""

    terminal: Terminal
    clerk_name: str = field(repr=False)
    page_size: int = 0
    page_token: str = ""


@dataclass(frozen=True, slots=True)
class GetCardFace:
    """Command: what is printed on the face of a card that was not handed over yet."""

    terminal: Terminal
    clerk_name: str = field(repr=False)
    application: ApplicationNumber


@dataclass(frozen=True, slots=True)
class Begun:
    """Answer: an intent that is written down, and the code that is to go into the chip."""

    personalisation: Personalisation
    resident_code: ResidentCode


@dataclass(frozen=True, slots=True)
class Written:
    """Answer: a card whose chip is written, with all that is printed on its face by the center."""

    personalisation_id: bytes
    card_number: CardNumber
    card_access_number: str = field(repr=False)
    valid_until: date


@dataclass(frozen=True, slots=True)
class PersonalisationPage:
    """Answer: a page; `next_page_token` is empty on the last one."""

    personalisations: tuple[Personalisation, ...]
    next_page_token: str


@dataclass(frozen=True, slots=True)
class CardFace:
    """Answer: a card's face. From `birth` on, all is of style 2 alone but the access number.

    `address` is with building and room; `photo` is a JPEG, None where it was deleted.
    """

    number: CardNumber
    style: CardStyle
    name: str = field(repr=False)
    municipality_name: str
    valid_until: date
    card_access_number: str = field(repr=False)
    birth: CivilDate | None = field(default=None, repr=False)
    sex: Sex | None = field(default=None, repr=False)
    address: str = field(default="", repr=False)
    photo: bytes | None = field(default=None, repr=False)
