"""What the configuration settles for the rules of cards, moves, alerts and overload."""

from __future__ import annotations

from typing import TYPE_CHECKING

from juki_center.areas.alerts.rules import AlertPolicy
from juki_center.areas.cards.policy import CardPolicy
from juki_center.areas.fleet.terminals import FleetLimits
from juki_center.areas.moves.policy import MovePolicy
from juki_center.areas.overload.admission import Settings
from juki_center.cli import shipped

if TYPE_CHECKING:
    from juki_center.config import CenterConfig


def card_policy(config: CenterConfig) -> CardPolicy:
    """Return what the configuration settles for cards."""
    return CardPolicy(config.rule_set, shipped.municipalities())


def alert_policy(config: CenterConfig) -> AlertPolicy:
    """Return what the configuration settles for alerts."""
    settings = config.alerts
    return AlertPolicy.of(settings.opens, settings.closes, settings.limits)


def fleet_limits(config: CenterConfig) -> FleetLimits:
    """Return what the configuration settles for terminals that fall behind."""
    return FleetLimits(config.alerts.silent_for, config.alerts.hotlist_age)


def move_policy(config: CenterConfig) -> MovePolicy:
    """Return what the configuration settles for moves."""
    return MovePolicy(card_policy(config), config.householder_card_only)


def overload_settings(config: CenterConfig) -> Settings:
    """Return what the configuration settles for more calls than can be served."""
    chosen = config.overload
    return Settings(
        target=chosen.target.total_seconds(),
        broad_target=chosen.broad_target.total_seconds(),
        most_calls=chosen.most_calls,
        most_sessions=chosen.most_sessions,
    )
