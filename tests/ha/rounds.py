"""Kills, one after the other, and how long nothing was acknowledged after each."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from tests.ha.cluster import Cluster, Member
from tests.ha.nodes import Node
from tests.ha.programs import await_until
from tests.ha.turns import Line
from tests.ha.verdict import largest_gap

_CALM_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True)
class Kill:
    """What was killed, and the longest time without an acknowledged act that followed."""

    what: str
    gap: float


class Rounds:
    """All kinds of kills, in turns; after each everything is whole again."""

    def __init__(self, cluster: Cluster, nodes: Sequence[Node], callers: Sequence[Line]) -> None:
        self._cluster = cluster
        self._nodes = nodes
        self._callers = callers
        self._number = 0

    def run(self, kinds: Sequence[str]) -> Iterator[Kill]:
        """Kill what is named. Raises TimeoutError where something does not come back."""
        known: dict[str, Callable[[], str]] = {
            "primary": self._kill_primary,
            "patroni": self._kill_patroni,
            "server": self._kill_server,
            "node": self._kill_node,
            "worker": self._kill_worker,
        }
        for kind in kinds:
            self._await_acts(_CALM_SECONDS)
            begin = time.monotonic()
            what = known[kind]()
            self._await_acts(_CALM_SECONDS)
            yield Kill(what, largest_gap(self._times(), begin, time.monotonic()))
            self._number += 1

    def _times(self) -> list[float]:
        return [at for caller in self._callers for at in caller.times()]

    def _await_acts(self, seconds: float) -> None:
        """Return when acts have been acknowledged anew, after a calm while of them."""
        since = time.monotonic()
        await_until(lambda: max(self._times(), default=0.0) > since, "nobody is answered any more")
        time.sleep(seconds)

    def _kill_primary(self) -> str:
        member = self._cluster.primary()
        member.patroni.kill()
        member.kill_server()
        new = self._await_successor(member)
        member.patroni.start()
        self._cluster.await_whole()
        return f"primary {member.name} with its Patroni; {new} leads"

    def _kill_patroni(self) -> str:
        """The server goes on without anybody who would tell it that another leads."""
        member = self._cluster.primary()
        member.patroni.kill()
        new = self._await_successor(member)
        self._await_acts(_CALM_SECONDS)
        member.patroni.start()
        self._cluster.await_whole()
        return f"Patroni alone of primary {member.name}; {new} leads"

    def _kill_server(self) -> str:
        """Patroni finds its server dead, and starts it again or lets another lead."""
        member = self._cluster.primary()
        member.kill_server()
        self._await_acts(_CALM_SECONDS)
        self._cluster.await_whole()
        return f"server alone of primary {member.name}; {self._cluster.primary().name} leads"

    def _await_successor(self, lost: Member) -> str:
        others = [member for member in self._cluster.members if member is not lost]
        await_until(lambda: any(one.is_primary() for one in others), "no other server leads")
        self._await_acts(0.0)
        return next(one.name for one in others if one.is_primary())

    def _kill_node(self) -> str:
        node = self._nodes[self._number % len(self._nodes)]
        node.kill()
        self._await_acts(_CALM_SECONDS)
        node.start()
        return f"node {node.name} with all its workers"

    def _kill_worker(self) -> str:
        node = self._nodes[self._number % len(self._nodes)]
        node.kill_worker()
        return f"one worker of {node.name}"
