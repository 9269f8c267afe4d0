"""`doctor`: is this terminal fit for the day. Every check runs; the first that fails is the end."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from juki_card import tlv
from juki_card.cvc import CVCertificate
from juki_card.errors import CardError
from juki_client import examination
from juki_client.identity_slot import IdentitySlot
from juki_client.outcome import Problem
from juki_client.report import Report
from juki_pki.identity import Role
from juki_terminal import hotlist_guard
from juki_terminal.cli.texts import Text
from juki_terminal.paper.errors import PaperError
from juki_terminal.paper.fonts import Fonts
from juki_terminal.paper_press import copy_signers, paper_problem
from juki_terminal.reader import connected
from juki_terminal.trust import Trust

if TYPE_CHECKING:
    from collections.abc import Callable

    from juki_terminal.cli.settings import Settings
    from juki_terminal.config import TerminalConfig


def examine(settings: Settings) -> Report:
    """Run all checks; raise the first problem found, with the names of all that failed."""
    config = settings.config()
    checks: dict[str, Callable[[], str]] = {
        "identity": lambda: _identity(config),
        "trust": lambda: _trust(config),
        "journal": lambda: _journal(settings, config),
        "fonts": _fonts,
        "hotlist": lambda: _hotlist(config),
        "reader": lambda: _reader(settings),
        "center": lambda: _center(settings, config),
    }
    found = examination.examine(checks)
    return Report({"checks": found}, Text.ALL_WELL.say(settings.language))


def _identity(config: TerminalConfig) -> str:
    identity = IdentitySlot(config.certificate, config.key).load()
    return examination.check_identity(identity, Role.TERMINAL)


def _trust(config: TerminalConfig) -> str:
    trust = Trust.load(config.trust_dir)
    signers = copy_signers(config.trust_dir)
    try:
        points = [CVCertificate.decode_value(item.value) for item in tlv.parse_all(trust.cvca)]
    except CardError as error:
        facts = {"key": "trust.dir", "file": "cvca.cvcert"}
        raise Problem("CONFIGURATION_INVALID", facts) from error
    names = ", ".join(point.chr for point in points)
    leaves = len(trust.leaf_hashes())
    return f"{leaves} center leaves, {len(signers.certificates)} copy signers, CVCA {names}"


def _journal(settings: Settings, config: TerminalConfig) -> str:
    with settings.journal(config) as journal:
        journal.require_none_open()
    return "no issue is open"


def _hotlist(config: TerminalConfig) -> str:
    """A terminal without a list is well, one with an old list is not."""
    if config.hotlist is None:
        return "none is configured"
    found = hotlist_guard.load(config)
    if found is None:
        raise Problem("HOTLIST_TOO_OLD")
    found.require_fresh(datetime.now(UTC))
    return f"{len(found.cards)} cards, made {found.made_at.isoformat()}"


def _fonts() -> str:
    try:
        Fonts.find()
    except PaperError as error:
        raise paper_problem(error) from error
    return "installed"


def _reader(settings: Settings) -> str:
    """An empty reader is well: the card comes with the resident."""
    reader = settings.reader()
    try:
        with connected(reader, 0) as atr:
            return f"{reader.name}, card {atr.hex()}"
    except Problem as problem:
        if problem.reason != "CARD_REMOVED":
            raise
        return f"{reader.name}, no card"


def _center(settings: Settings, config: TerminalConfig) -> str:
    with settings.center(config) as center:
        center.require_reachable()
    return f"{config.center_address} answers"
