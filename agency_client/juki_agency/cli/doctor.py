"""`doctor`: can this client ask the center today."""

from __future__ import annotations

from typing import TYPE_CHECKING

from juki_agency.cli.texts import Text
from juki_client import anchors, examination
from juki_client.identity_slot import IdentitySlot
from juki_client.report import Report
from juki_pki.identity import Role

if TYPE_CHECKING:
    from juki_agency.cli.settings import Settings
    from juki_agency.config import AgencyConfig


def examine(settings: Settings) -> Report:
    """Run all checks; raise the first problem found, with the names of all that failed."""
    config = settings.config()
    found = examination.examine(
        {
            "identity": lambda: _identity(config),
            "trust": lambda: _trust(config),
            "center": lambda: _center(settings, config),
        }
    )
    return Report({"checks": found}, Text.ALL_WELL.say(settings.language))


def _identity(config: AgencyConfig) -> str:
    identity = IdentitySlot(config.certificate, config.key).load()
    return examination.check_identity(identity, Role.AGENCY)


def _trust(config: AgencyConfig) -> str:
    leaves = anchors.leaf_hashes(anchors.read_public(config.trust_dir, anchors.LEAVES))
    return f"{len(leaves)} center leaves"


def _center(settings: Settings, config: AgencyConfig) -> str:
    with settings.center() as center:
        center.require_serving()
    return f"{config.center_address} answers"
