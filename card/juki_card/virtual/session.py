"""What a card knows while it has power: how far the protocol got, and with which keys.

Each stage is a state of the table with what belongs to it; loss of power, and every command that
is not in the table, lead back to `Session()`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, ClassVar, Final, TypeAlias

from juki_card.secure_messaging import CardChannel
from juki_card.virtual.memory import Directory

if TYPE_CHECKING:
    from juki_card.apdu import CommandAPDU
    from juki_card.chat import CHAT
    from juki_card.cvc import Verified
    from juki_card.ec import MappedGenerator
    from juki_card.pace import Agreement
    from juki_card.passwords import PasswordReference
    from juki_card.secure_messaging import SessionKeys
    from juki_card.terminal_authentication import Announcement


class State(Enum):
    """The states of the table, in the order in which a session meets them."""

    IDLE = "nothing done"
    PASSWORD_NAMED = "PACE: password named"  # noqa: S105  # a state, not a password
    NONCE_SENT = "PACE: nonce sent"
    MAPPED = "PACE: generator mapped"
    AGREED = "PACE: keys agreed"
    COUNTED = "PACE: try counted, token not yet compared"
    PACE = "PACE done"
    ISSUER_NAMED = "TA: issuer named"
    TERMINAL_NAMED = "TA: terminal named"
    CHALLENGED = "TA: challenge sent"
    TERMINAL = "TA done"
    CHIP_KEY_NAMED = "CA: key named"
    CHIP = "CA done"
    BLANK_CHALLENGED = "blank: challenge sent"
    BLANK_OPENED = "blank: both ends authenticated"


BLANK_STATES: Final = frozenset((State.BLANK_CHALLENGED, State.BLANK_OPENED))
"""The states that only a blank chip has."""


@dataclass(frozen=True, slots=True)
class PasswordRequest:
    """What MSE:Set AT for PACE asked for; `resumed` where the CAN was shown just before."""

    reference: PasswordReference
    chat: CHAT | None
    resumed: bool = False


@dataclass(frozen=True, slots=True)
class Idle:
    """Power, nothing else."""

    state: ClassVar[State] = State.IDLE


@dataclass(frozen=True, slots=True)
class PasswordNamed:
    """MSE:Set AT for PACE was accepted."""

    state: ClassVar[State] = State.PASSWORD_NAMED
    request: PasswordRequest


@dataclass(frozen=True, slots=True)
class NonceSent:
    """The encrypted nonce is out."""

    state: ClassVar[State] = State.NONCE_SENT
    request: PasswordRequest
    nonce: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Mapped:
    """Both sides have the mapped generator."""

    state: ClassVar[State] = State.MAPPED
    request: PasswordRequest
    generator: MappedGenerator = field(repr=False)


@dataclass(frozen=True, slots=True)
class Agreed:
    """Both sides have the keys of PACE; neither token was seen."""

    state: ClassVar[State] = State.AGREED
    request: PasswordRequest
    agreement: Agreement
    id_picc: bytes


@dataclass(frozen=True, slots=True)
class Counted:
    """One try is used up in memory; the terminal's token waits for its comparison."""

    state: ClassVar[State] = State.COUNTED
    agreed: Agreed
    token: bytes


@dataclass(frozen=True, slots=True)
class PaceFacts:
    """What PACE settled: the password, the rights asked for, and ID_PICC."""

    reference: PasswordReference
    chat: CHAT | None
    id_picc: bytes


@dataclass(frozen=True, slots=True)
class PaceDone:
    """PACE is done; `chain` holds the holders verified since, the newest last."""

    state: ClassVar[State] = State.PACE
    facts: PaceFacts
    chain: tuple[Verified, ...] = ()


@dataclass(frozen=True, slots=True)
class IssuerNamed:
    """MSE:Set DST named the holder whose key verifies the next certificate."""

    state: ClassVar[State] = State.ISSUER_NAMED
    pace: PaceDone
    issuer: Verified


@dataclass(frozen=True, slots=True)
class TerminalNamed:
    """MSE:Set AT for TA named the terminal, its ephemeral key and its auxiliary data."""

    state: ClassVar[State] = State.TERMINAL_NAMED
    pace: PaceDone
    terminal: Verified
    announcement: Announcement


@dataclass(frozen=True, slots=True)
class Challenged:
    """GET CHALLENGE was answered with `nonce`, r_PICC."""

    state: ClassVar[State] = State.CHALLENGED
    named: TerminalNamed
    nonce: bytes


@dataclass(frozen=True, slots=True)
class TerminalDone:
    """Terminal Authentication is done; `rights` are the effective ones."""

    state: ClassVar[State] = State.TERMINAL
    facts: PaceFacts
    rights: CHAT
    ephemeral: bytes


@dataclass(frozen=True, slots=True)
class ChipKeyNamed:
    """MSE:Set AT for CA named the card's key."""

    state: ClassVar[State] = State.CHIP_KEY_NAMED
    terminal: TerminalDone


@dataclass(frozen=True, slots=True)
class ChipDone:
    """Chip Authentication is done: the channel ends at whoever holds the terminal's key."""

    state: ClassVar[State] = State.CHIP
    terminal: TerminalDone


@dataclass(frozen=True, slots=True)
class BlankChallenged:
    """A blank's GET CHALLENGE was answered with `nonce`."""

    state: ClassVar[State] = State.BLANK_CHALLENGED
    nonce: bytes


@dataclass(frozen=True, slots=True)
class BlankOpened:
    """A blank and the center proved their key to each other."""

    state: ClassVar[State] = State.BLANK_OPENED


Stage: TypeAlias = (
    Idle
    | PasswordNamed
    | NonceSent
    | Mapped
    | Agreed
    | Counted
    | PaceDone
    | IssuerNamed
    | TerminalNamed
    | Challenged
    | TerminalDone
    | ChipKeyNamed
    | ChipDone
    | BlankChallenged
    | BlankOpened
)


@dataclass(frozen=True, slots=True)
class SecuredBy:
    """A secure channel at rest: its keys and how many exchanges it has seen."""

    keys: SessionKeys
    exchanges: int = 0

    def channel(self, *, unanswered: int = 0) -> CardChannel:
        """Return the channel as it is, with `unanswered` more commands than answers."""
        return CardChannel(self.keys, commands=self.exchanges + unanswered, answers=self.exchanges)


@dataclass(frozen=True, slots=True)
class Session:
    """The volatile side of a card.

    `chained` is a command whose last part has not come. `directory` and `file` are what SELECT or a
    short identifier made current.
    """

    stage: Stage = Idle()
    secured: SecuredBy | None = None
    chained: CommandAPDU | None = None
    directory: Directory = Directory.MASTER_FILE
    file: int | None = None

    @property
    def state(self) -> State:
        """The state of the table."""
        return self.stage.state
