"""`doctor`: can this desk stop a card today."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from juki_client import anchors, examination
from juki_client.change_journal import ChangeJournal
from juki_client.identity_slot import IdentitySlot
from juki_client.report import Report
from juki_desk.cli.texts import Text
from juki_desk.suspensions import unknown_reports
from juki_pki.identity import Role

if TYPE_CHECKING:
    from juki_desk.cli.settings import Settings
    from juki_desk.config import DeskConfig


def examine(settings: Settings) -> Report:
    """Run all checks; raise the first problem found, with the names of all that failed."""
    config = settings.config()
    found = examination.examine(
        {
            "identity": lambda: _identity(config),
            "trust": lambda: _trust(config),
            "journal": lambda: _journal(config),
            "center": lambda: _center(settings, config),
        }
    )
    return Report({"checks": found}, Text.ALL_WELL.say(settings.language))


def _identity(config: DeskConfig) -> str:
    identity = IdentitySlot(config.certificate, config.key).load()
    return examination.check_identity(identity, Role.DESK)


def _trust(config: DeskConfig) -> str:
    leaves = anchors.leaf_hashes(anchors.read_public(config.trust_dir, anchors.LEAVES))
    return f"{len(leaves)} center leaves"


def _journal(config: DeskConfig) -> str:
    """Reports whose outcome is unknown are told, and are no fault of the desk's."""
    with ChangeJournal(config.journal) as journal:
        unknown = unknown_reports(journal, datetime.now(UTC))
    ids = ", ".join(one.request_id for one in unknown)
    return f"outcome unknown: {ids}" if unknown else "no report is open"


def _center(settings: Settings, config: DeskConfig) -> str:
    with settings.center(config) as center:
        center.require_admitted()
    return f"{config.center_address} answers"
