"""A terminal that looks right, and whose certificate another authority made."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from juki_pki import make
from juki_pki.identity import PeerIdentity, Role
from juki_pki.profile import Profiles


def foreign_terminal(folder: Path) -> Path:
    """Return a configuration like `folder/terminal.toml`, with the foreign identity in it."""
    pki = folder / "foreign-pki"
    if not pki.exists():
        peers = (PeerIdentity(Role.CENTER, "center-1"), PeerIdentity(Role.TERMINAL, "01", "131016"))
        make.init(pki, Profiles.load(), datetime.now(UTC), peers)
    text = (folder / "terminal.toml").read_text(encoding="utf-8")
    config = folder / "foreign.toml"
    foreign = text.replace('"pki/terminal/', '"foreign-pki/terminal/')
    config.write_text(foreign.replace('"terminal/', '"terminal/foreign-'), encoding="utf-8")
    return config
