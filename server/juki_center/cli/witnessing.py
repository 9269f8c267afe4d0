"""The witnesses that a center knows: from its configuration and its log's keys, as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from juki_audit.errors import LogMalformed
from juki_audit.receipts import TrustedLog
from juki_audit.witnesses import WitnessKey
from juki_center.areas.audit.cosignatures import (
    WitnessPolicy,
    WitnessSite,
    cosigned_head,
    latest_of_each,
)
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.errors import ConfigInvalid, Refusal, RuleBroken
from juki_center.rpc.metrics import WitnessAges
from juki_pki.folder import PKIFolder

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime, timedelta

    from juki_center.areas.ports import Store, Tx
    from juki_center.config import CenterConfig, WitnessSettings


_MOST_KEYS: Final = 48
"""A note takes 64 lines, some of which are the log's own."""


def witness_policy(config: CenterConfig, pki: PKIFolder) -> WitnessPolicy:
    """Return whose cosignatures count.

    Raises ConfigInvalid for a key that is none or stands there twice, and PKIError for a log's key
    that cannot be read.
    """
    sites = tuple(map(_site, config.log.witnesses))
    if len({site.key.public for site in sites}) != len(sites):
        raise ConfigInvalid("log.witnesses.key", "a key stands there twice")
    if len(sites) > _MOST_KEYS:
        raise ConfigInvalid("log.witnesses", f"at most {_MOST_KEYS} keys")
    if not pki.log_signer_path.exists():
        return WitnessPolicy(sites, config.log.quorum)
    signer = pki.log_signer()
    return WitnessPolicy(sites, config.log.quorum, TrustedLog(signer.origin, signer.verifiers))


def _site(settings: WitnessSettings) -> WitnessSite:
    try:
        municipality = MunicipalityCode(settings.municipality)
    except RuleBroken as error:
        raise ConfigInvalid("log.witnesses.municipality", error.rule) from error
    try:
        return WitnessSite(municipality, WitnessKey.decode(settings.key))
    except LogMalformed as error:
        raise ConfigInvalid("log.witnesses.key", f"no key of a witness: {error.rule}") from error


class Witnesses:
    """What a running center goes by; both parts are handed in anew when they change."""

    def __init__(self, config: CenterConfig, pki: PKIFolder) -> None:
        self._pki = pki
        self._config = config
        self._policy = witness_policy(config, pki)

    def policy(self) -> WitnessPolicy:
        """Return whose cosignatures count now."""
        return self._policy

    @property
    def lag(self) -> timedelta:
        """How old the newest cosigned head may be."""
        return self._config.log.lag

    def use_config(self, config: CenterConfig) -> None:
        """Take over another configuration; raises as `witness_policy` does."""
        self._policy = witness_policy(config, self._pki)
        self._config = config

    def use_keys(self, _config: CenterConfig, pki: PKIFolder) -> None:
        """Take over other keys of the log; raises as `witness_policy` does."""
        # What may change of the configuration is known from `use_config` alone.
        self._policy = witness_policy(self._config, pki)

    def ages(self, store: Store, clock: Callable[[], datetime]) -> WitnessAges:
        """Return how long ago heads were cosigned; nothing from a store that cannot be read."""
        policy = self._policy
        try:
            return store.read(lambda tx: _ages(tx, policy, clock()))
        except Refusal:
            return WitnessAges()


def _ages(tx: Tx, policy: WitnessPolicy, now: datetime) -> WitnessAges:
    head = cosigned_head(tx.cosignatures, policy)
    latest = latest_of_each(tx.cosignatures, policy)
    return WitnessAges(
        head=None if head is None else (now - head.cosigned_at).total_seconds(),
        size=0 if head is None else head.size,
        witnesses={
            name: (now - at).total_seconds() for name, at in latest.items() if at is not None
        },
    )
