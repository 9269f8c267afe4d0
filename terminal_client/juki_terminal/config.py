"""A terminal's configuration: one TOML file with paths relative to it, unknown keys refused.

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
    "reader": frozenset(("name", "card_wait_seconds")),
    "journal": frozenset(("path",)),
    "paper": frozenset(("fee_yen",)),
    "hotlist": frozenset(("path", "required")),
    "session": frozenset(("pin_timeout_seconds", "retry_seconds")),
}
_MAX_FEE_YEN: Final = 10_000


@dataclass(frozen=True, slots=True)
class TerminalConfig:
    """What one terminal needs to know. Times are in seconds."""

    environment: str
    center_address: str
    certificate: Path
    key: Path
    trust_dir: Path
    reader: str
    journal: Path
    fee_yen: int
    card_wait_seconds: float
    pin_timeout_seconds: float
    retry_seconds: float
    hotlist: Path | None = None
    """Where the hotlist is kept; None for a terminal without one."""
    hotlist_required: bool = False
    """Whether no card session begins without a fresh hotlist."""

    @property
    def log_book(self) -> Path:
        """The file of what is known of the audit log, beside the journal."""
        return self.journal.with_name(self.journal.name + ".log-book")

    @classmethod
    def load(cls, path: Path) -> TerminalConfig:
        """Read the file; raise Problem CONFIGURATION_INVALID naming the key that is at fault."""
        read = TOMLFile.load(path, _KEYS)
        return cls(
            environment=read.environment(),
            center_address=read.text("center.address"),
            certificate=read.path("identity.certificate"),
            key=read.path("identity.key"),
            trust_dir=read.path("trust.dir"),
            reader=_reader(read, "reader.name"),
            journal=read.path("journal.path"),
            fee_yen=int(read.number("paper.fee_yen", 0, _MAX_FEE_YEN, default=0)),
            card_wait_seconds=read.number("reader.card_wait_seconds", 0, 600, default=30),
            pin_timeout_seconds=read.number("session.pin_timeout_seconds", 1, 115, default=90),
            retry_seconds=read.number("session.retry_seconds", 0, 300, default=20),
            hotlist=read.optional_path("hotlist.path"),
            hotlist_required=read.flag("hotlist.required", default=False),
        )


def _reader(read: TOMLFile, key: str) -> str:
    scheme, _, name = read.text(key).partition(":")
    if scheme not in ("pcsc", "virtual") or not name:
        raise read.invalid(key, "pcsc:NAME or virtual:FILE")
    if scheme == "virtual":
        name = str(read.relative(name))
    return f"{scheme}:{name}"
