"""An agency client's configuration: one TOML file with paths relative to it.

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
    "log": frozenset(("book",)),
}
_LOG_BOOK: Final = "agency.log-book"


@dataclass(frozen=True, slots=True)
class AgencyConfig:
    """What an agency's client needs to know.

    `log_book` is the file of what is known of the audit log; beside this file where nothing else is
    said.
    """

    environment: str
    center_address: str
    certificate: Path
    key: Path
    trust_dir: Path
    log_book: Path

    @classmethod
    def load(cls, path: Path) -> AgencyConfig:
        """Read the file; raise Problem CONFIGURATION_INVALID naming the key that is at fault."""
        read = TOMLFile.load(path, _KEYS)
        return cls(
            environment=read.environment(),
            center_address=read.text("center.address"),
            certificate=read.path("identity.certificate"),
            key=read.path("identity.key"),
            trust_dir=read.path("trust.dir"),
            log_book=read.path_or("log.book", _LOG_BOOK),
        )


def config_text(center: str, uri: str) -> str:
    """Return a new configuration for the peer `uri`; what it names lies beside it."""
    return f"""\
# {uri}; written by `juki-agency enrol`.
environment = "production"

[center]
address = "{center}"

[identity]
certificate = "identity/chain.pem"
key = "identity/key.pem"

[trust]
dir = "trust"
"""
