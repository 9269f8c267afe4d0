"""The configuration of a client as `enrol` writes it: everything lies in one folder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


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
    def trust_dir(self) -> Path:
        return self.folder / "trust"
