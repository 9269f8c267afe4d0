"""What can go wrong with a card as a thing.

CardboxError
├── CardFileError       a card file cannot be read, or is not what its schema says
├── CardExists          a card file is never written over
├── PKIFileError        a file of the PKI folder cannot be read, or is not what its name says
├── CardBusy            the card is in another reader
├── CardNotInserted     `pull` of a card that no service holds
├── ReaderUnavailable   the vpcd port does not answer
└── SandboxUnavailable  this machine cannot run pcscd in namespaces of its own
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class CardboxError(Exception):
    """Base of everything that this package raises on purpose."""


class CardFileError(CardboxError):
    """A card file cannot be read, or is not what its schema says; `fact` names the field."""

    def __init__(self, path: Path, fact: str) -> None:
        super().__init__(f"{path.name}: {fact}")
        self.path = path
        self.fact = fact


class CardExists(CardboxError):
    """There is such a file already; a card is never written over."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path.name} exists already")
        self.path = path


class PKIFileError(CardboxError):
    """A file of the PKI folder cannot be read, or is not what its name says."""

    def __init__(self, path: Path, fact: str) -> None:
        super().__init__(f"{path.parent.name}/{path.name}: {fact}")
        self.path = path
        self.fact = fact


class CardBusy(CardboxError):
    """The card is in another reader; `holder` is what its lock file says."""

    def __init__(self, path: Path, holder: str) -> None:
        super().__init__(f"{path.name} is in use by {holder or 'another program'}")
        self.path = path
        self.holder = holder


class CardNotInserted(CardboxError):
    """No `juki-card insert` holds this card."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path.name} is not inserted")
        self.path = path


class ReaderUnavailable(CardboxError):
    """The vpcd port does not answer."""

    def __init__(self, host: str, port: int, reason: str) -> None:
        super().__init__(f"no vpcd at {host}:{port}: {reason}")
        self.host = host
        self.port = port


class SandboxUnavailable(CardboxError):
    """This machine cannot run pcscd in namespaces of its own; the message says what is missing."""
