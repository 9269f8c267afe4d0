"""Before a center listens: do its configuration, its store, its keys and this build fit together?

What a store belongs to is written into it at the first start. A center that was given the wrong
file, the wrong PKI folder or an older law says so and does not serve.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from juki_center.errors import CenterError
from juki_center.rule_sets import RuleSet
from juki_pki.folder import PKIFolder
from juki_pki.identity import PeerIdentity, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

    from juki_center.config import CenterConfig
    from juki_center.storage.center_store import CenterStore
    from juki_center.storage.transaction import Transaction

_ENVIRONMENT: Final = "environment"
_RULE_SET: Final = "rule_set"
_LOG: Final = "log"
_RULE_SETS: Final = tuple(RuleSet)


class StartRefused(CenterError):
    """Parts of a center do not fit together; `part` names the one that was expected to differ."""

    def __init__(self, part: str, problem: str) -> None:
        super().__init__(f"{part}: {problem}")
        self.part = part
        self.problem = problem


async def check_parts(config: CenterConfig, store: CenterStore) -> None:
    """Raise StartRefused for what does not fit; else write what the store belongs to.

    Raises PKIError where the node has no certificate.
    """
    _check_node(config)
    facts = dict(_facts(config))
    await store.act(lambda tx: _check_store(tx, facts))


def _facts(config: CenterConfig) -> Iterator[tuple[str, str]]:
    yield _ENVIRONMENT, config.environment.value
    yield _RULE_SET, config.rule_set.value
    pki = PKIFolder(config.pki_dir)
    if pki.log_signer_path.exists():
        yield _LOG, pki.log_signer().origin


def _check_node(config: CenterConfig) -> None:
    expected = PeerIdentity(Role.CENTER, config.node).uri
    found = PKIFolder(config.pki_dir).center(config.node).identity.uri
    if found != expected:
        raise StartRefused("node", f"its certificate names {found}, not {expected}")


def _check_store(tx: Transaction, facts: dict[str, str]) -> None:
    for name, value in facts.items():
        said = tx.facts.fact(name)
        if said and said != value and not _may_follow(name, said, value):
            raise StartRefused(name, f"the store is of {said}, the configuration says {value}")
        if said != value:
            tx.facts.say(name, value)


def _may_follow(name: str, said: str, value: str) -> bool:
    """The law goes on and never back; nothing else changes in the life of a store."""
    if name != _RULE_SET or said not in _RULE_SETS:
        return False
    return _RULE_SETS.index(RuleSet(value)) > _RULE_SETS.index(RuleSet(said))
