"""What a card keeps without power: files, keys, trust points, its date, PIN and counters.

A memory never changes; a command makes a new one, which the driver saves before it answers. How it
is stored is not here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum, StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import date

    from juki_card.cvc import CVCertificate
    from juki_card.ec import PrivateKey
    from juki_card.passwords import Can, Pin, TransportPin

PIN_TRIES: Final = 3
UNBLOCKINGS: Final = 10
TRUST_POINTS: Final = 2


class Directory(Enum):
    """Where a file lies."""

    MASTER_FILE = "mf"
    APPLICATION = "application"


class Access(StrEnum):
    """What a session must have done before it may read a file."""

    ALWAYS = "always"
    TERMINAL = "terminal"
    READ_DG1 = "read-dg1"


@dataclass(frozen=True, slots=True)
class ElementaryFile:
    """A transparent file (ISO/IEC 7816-4, 7.2)."""

    directory: Directory
    identifier: int
    short_identifier: int
    access: Access
    content: bytes

    def __repr__(self) -> str:
        """Show where the file lies; its content may be personal."""
        return f"ElementaryFile({self.identifier:04X}, {len(self.content)} octets, {self.access})"


class PinState(StrEnum):
    """Whether the PIN is the holder's own (card-edge profile, clause 4)."""

    OPERATIONAL = "operational"
    TRANSPORT = "transport"


@dataclass(frozen=True, slots=True)
class PinRecord:
    """The PIN, its state and its counters.

    In TRANSPORT the value is the transport PIN, or None after a window took a forgotten PIN away:
    then the CAN opens the card for the one command that sets a new PIN.
    """

    state: PinState
    value: Pin | TransportPin | None
    tries_left: int = PIN_TRIES
    unblockings_left: int = UNBLOCKINGS

    @property
    def is_blocked(self) -> bool:
        """Whether no try is left."""
        return self.tries_left == 0

    def counted(self) -> PinRecord:
        """Return the record with one try used up; a blocked PIN stays blocked."""
        return replace(self, tries_left=max(0, self.tries_left - 1))

    def forgiven(self) -> PinRecord:
        """Return the record after the right PIN."""
        return replace(self, tries_left=PIN_TRIES)

    def unblocked(self) -> PinRecord:
        """Return the record after an authorised reset, which costs one of ten unblockings."""
        return replace(self.forgiven(), unblockings_left=self.unblockings_left - 1)

    def changed(self, pin: Pin) -> PinRecord:
        """Return the record with the holder's new PIN."""
        return replace(self.forgiven(), state=PinState.OPERATIONAL, value=pin)

    def in_transport(self) -> PinRecord:
        """Return the record without a PIN, waiting for a new one."""
        return replace(self.unblocked(), state=PinState.TRANSPORT, value=None)


@dataclass(frozen=True, slots=True)
class CardMemory:
    """Everything that outlives the power.

    `trust_points` are CVCA certificates, the newest first. `suspends_last_try` holds the last try
    of the PIN back until the CAN was shown (TR-03110-2, 2.5: "suspended").
    """

    application: bytes
    files: tuple[ElementaryFile, ...]
    chip_key: PrivateKey
    chip_key_id: int
    trust_points: tuple[CVCertificate, ...]
    today: date
    pin: PinRecord
    can: Can
    pin_digits: int = 4
    suspends_last_try: bool = False

    def __repr__(self) -> str:
        """Show nothing that is secret or that tells cards apart."""
        return f"CardMemory(application={self.application.hex()}, pin={self.pin.state})"

    @property
    def is_suspended(self) -> bool:
        """Whether the PIN may only be tried after the CAN."""
        return self.suspends_last_try and self.pin.tries_left == 1

    def with_pin(self, pin: PinRecord) -> CardMemory:
        """Return the memory with another PIN record."""
        return replace(self, pin=pin)

    def on(self, day: date) -> CardMemory:
        """Return the memory with another date; `cvc.advanced` tells which."""
        return replace(self, today=day)

    def trusting(self, newest: CVCertificate) -> CardMemory:
        """Return the memory with a new trust point before the old one, and no third."""
        return replace(self, trust_points=(newest, *self.trust_points)[:TRUST_POINTS])
