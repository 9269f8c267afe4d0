"""Cards that are being made, as the store keeps them: an intent before the first step."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from juki_center.areas.cards.holdings import Holding
from juki_center.areas.cards.numbers import ApplicationNumber, CardNumber
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.areas.residents.records import PersonID


class PersonalisationState(StrEnum):
    """Whether a card is still being made."""

    OPEN = "OPEN"
    DONE = "DONE"
    VOID = "VOID"


@dataclass(frozen=True, slots=True)
class ChipSecrets:
    """What the center has drawn for one chip: the CAN, 6 digits, and the transport PIN, 5."""

    card_access_number: str = field(repr=False)
    transport_pin: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Personalisation:
    """One attempt to make a card from one blank.

    `personalisation_id` and `chip_serial` are 16 bytes; `card_serial` is 32 bytes, None until the
    chip has made its key. `secrets` is None once they were deleted.
    """

    personalisation_id: bytes
    application: ApplicationNumber
    municipality: MunicipalityCode
    person: PersonID
    chip_serial: bytes = field(repr=False)
    terminal_uri: str
    state: PersonalisationState
    begun_at: datetime
    card_number: CardNumber
    secrets: ChipSecrets | None = field(repr=False)
    card_serial: bytes | None = None
    ended_at: datetime | None = None


class Personalisations(Protocol):
    """What the store keeps of cards that are being made.

    Whatever opens or writes secrets raises Refusal(RESIDENCE_DISCONNECTED).
    """

    def by_id(self, personalisation_id: bytes) -> Personalisation | None:
        """Return one with its secrets."""

    def of_chip(self, chip_serial: bytes) -> Personalisation | None:
        """Return the one that a blank belongs to, with its secrets."""

    def of_card(self, card_serial: bytes) -> Personalisation | None:
        """Return the one that made a card, without its secrets."""

    def newest_of(self, application: ApplicationNumber) -> Personalisation | None:
        """Return an application's newest one that is not void, with its secrets."""

    def open_ones(
        self, municipality: MunicipalityCode | None, *, after: int, limit: int
    ) -> list[tuple[int, Personalisation]]:
        """Return open ones, oldest first, without secrets; None means everywhere."""

    def add(self, row: Personalisation) -> None:
        """Enter one; id and chip are new, and no other of the application is open."""

    def set_card(self, personalisation_id: bytes, card_serial: bytes) -> None:
        """Write which card the chip has become."""

    def end(
        self, personalisation_id: bytes, state: PersonalisationState, ended_at: datetime
    ) -> None:
        """Write how it ended; the secrets stay until `forget_secrets`."""

    def forget_secrets(self, personalisation_id: bytes) -> None:
        """Delete the secrets."""

    def forget_ended_secrets(self, *, limit: int) -> int:
        """Delete secrets of chips whose applications have ended; return how many."""

    def secrets_held(self) -> Holding:
        """Count the secrets, and those of chips whose applications have ended."""
