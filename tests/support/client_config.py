"""The configuration of a client as `enrol` writes it: everything lies in one folder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from juki_client.certificate_reports import Names

if TYPE_CHECKING:
    from pathlib import Path

NAMES = Names("terminal.toml", "log-book")


@dataclass(frozen=True)
class ClientConfig:
    """Where a client finds its certificate and its center."""

    folder: Path
    center_address: str

    @property
    def certificate(self) -> Path:
        return self.folder / "identity" / "chain.pem"

    @property
    def key(self) -> Path:
        return self.folder / "identity" / "key.pem"

    @property
    def log_book(self) -> Path:
        return self.folder / "log-book"

    @property
    def trust_dir(self) -> Path:
        return self.folder / "trust"
