"""A desk's configuration: one TOML file with paths relative to it, unknown keys refused.

Nothing is read here but that file; which file it is, the command line and the environment say.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from juki_client.toml_file import TOMLFile

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_KEYS: Final[Mapping[str, frozenset[str]]] = {
    "center": frozenset(("address",)),
    "identity": frozenset(("certificate", "key")),
    "trust": frozenset(("dir",)),
    "journal": frozenset(("path",)),
    "session": frozenset(("retry_seconds",)),
}


@dataclass(frozen=True, slots=True)
class DeskConfig:
    """What one desk needs to know. Times are in seconds."""

    environment: str
    center_address: str
    certificate: Path
    key: Path
    trust_dir: Path
    journal: Path
    retry_seconds: float

    @property
    def log_book(self) -> Path:
        """The file of what is known of the audit log, beside the journal."""
        return self.journal.with_name(self.journal.name + ".log-book")

    @classmethod
    def load(cls, path: Path) -> DeskConfig:
        """Read the file; raise Problem CONFIGURATION_INVALID naming the key that is at fault."""
        read = TOMLFile.load(path, _KEYS)
        return cls(
            environment=read.environment(),
            center_address=read.text("center.address"),
            certificate=read.path("identity.certificate"),
            key=read.path("identity.key"),
            trust_dir=read.path("trust.dir"),
            journal=read.path("journal.path"),
            retry_seconds=read.number("session.retry_seconds", 0, 300, default=20),
        )


def config_text(center: str, uri: str) -> str:
    """Return a new configuration for the peer `uri`; what it names lies beside it."""
    return f"""\
# {uri}; written by `juki-desk enrol`.
environment = "production"

[center]
address = "{center}"

[identity]
certificate = "identity/chain.pem"
key = "identity/key.pem"

[trust]
dir = "trust"

[journal]
path = "desk.journal"
"""
