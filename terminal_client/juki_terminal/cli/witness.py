"""`log witness`: the municipality's own signature under the center's log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from juki_client import witness_key
from juki_client.log_shelf import FileShelf
from juki_client.outcome import JSON
from juki_client.report import Report
from juki_client.witness import Witness

if TYPE_CHECKING:
    from pathlib import Path

    from juki_terminal.cli.settings import Settings


def cosign(settings: Settings, key: Path) -> Report:
    """Cosign the newest head; raises Problem as `Witness.cosign` and `witness_key.load` do."""
    secret = witness_key.load(key)
    shelf = FileShelf(key.with_name(key.name + ".state"))
    with settings.center(settings.config()) as center:
        cosigned = Witness(center.trust.log, secret, shelf).cosign(center.prover)
    note = cosigned.note.decode()
    facts: dict[str, JSON] = {
        "tree_size": cosigned.head.size,
        "witness": secret.name,
        "checkpoint": note,
    }
    return Report(facts, note.removesuffix("\n"))
