"""What work on a card's PIN needs at one terminal: center, reader, journals, patience."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from juki_terminal.pin_setting import Patient
from juki_terminal.session import Surroundings

if TYPE_CHECKING:
    from juki_client.changes import Changes
    from juki_terminal.card_work import CardWork
    from juki_terminal.channel import Center
    from juki_terminal.reader import Reader


@dataclass(frozen=True, slots=True)
class PinDesk:
    """A window at which PINs are set. `changes` asks the center, `work` remembers the card."""

    center: Center
    reader: Reader
    changes: Changes
    work: CardWork
    surroundings: Surroundings = field(default_factory=Surroundings)

    @property
    def pin_timeout_seconds(self) -> float:
        """How long a PIN is waited for."""
        return self.surroundings.pin_timeout_seconds

    @property
    def patient(self) -> Patient:
        """The same patience and randomness, for what the card does alone."""
        around = self.surroundings
        return Patient(
            card_wait_seconds=around.card_wait_seconds,
            pin_timeout_seconds=around.pin_timeout_seconds,
            random=around.random,
        )
