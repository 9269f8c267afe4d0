"""What can go wrong between a reader and a card.

CardError
├── ParseError            bytes from outside are not what the norm says
├── UnexpectedStatus      the card answered with a status word that the flow does not accept
├── PinWrong              the PIN was compared and is wrong; `tries_left` remain
├── PinLocked             the PIN is blocked; nothing was compared
├── AuthenticationFailed  a token, signature or certificate does not verify
│   ├── CanWrong             the number from the card's face was compared and is wrong
│   └── CertificateRefused   a CV certificate or card signer does not fit its chain, rights or dates
├── SecureMessagingError  a protected answer is malformed or its MAC is wrong
├── NotABlank             what lies in the reader is no blank chip, or is one no longer
├── ContentDiffers        a blank chip holds another content than it is to hold
└── CardRemoved           the card or the reader went away in the middle
"""

from __future__ import annotations


class CardError(Exception):
    """Base of everything that this package raises on purpose."""


class ParseError(CardError):
    """Bytes from outside are not what the norm says; the message names the structure."""


class UnexpectedStatus(CardError):
    """A status word that the flow does not accept. Nothing is said about the PIN."""

    def __init__(self, status_word: int, command: str) -> None:
        super().__init__(f"{command}: status word {status_word:04X}")
        self.status_word = status_word
        self.command = command


class PinWrong(CardError):
    """The PIN was compared and is wrong."""

    def __init__(self, tries_left: int) -> None:
        super().__init__(f"wrong PIN, {tries_left} tries left")
        self.tries_left = tries_left


class PinLocked(CardError):
    """The PIN is blocked; nothing was compared."""

    def __init__(self) -> None:
        super().__init__("the PIN is blocked")


class AuthenticationFailed(CardError):
    """A token, signature or certificate does not verify."""


class CanWrong(AuthenticationFailed):
    """The CAN was compared and is wrong. It has no counter, and nothing is said about the PIN."""

    def __init__(self) -> None:
        super().__init__("PACE: the CAN is wrong")


class CertificateRefused(AuthenticationFailed):
    """A CV certificate or a card signer does not fit its chain, rights or dates."""


class SecureMessagingError(CardError):
    """A protected answer is malformed or its MAC is wrong; the channel is dead."""


class NotABlank(CardError):
    """What lies in the reader is no blank chip, or is one no longer: a card made already."""

    def __init__(self, status_word: int) -> None:
        super().__init__(f"not a blank chip: status word {status_word:04X}")
        self.status_word = status_word


class ContentDiffers(CardError):
    """A blank chip holds another content than it is to hold, and holds it for ever."""

    def __init__(self, part: str) -> None:
        super().__init__(f"blank chip: {part} holds something else already")
        self.part = part


class CardRemoved(CardError):
    """The card or the reader went away in the middle. Nothing is said about the PIN."""

    def __init__(self, reason: str = "the card went away") -> None:
        super().__init__(reason)
