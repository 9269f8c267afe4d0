"""The whole on one machine: agreement, servers, nodes and callers; and the verdict at its end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import psycopg

from juki_client.log_proofs import trusted_log
from juki_client.outcome import Problem
from tests.ha import nodes
from tests.ha.agreement import Agreement
from tests.ha.callers import Caller, asking_meanwhile
from tests.ha.cluster import Cluster
from tests.ha.nodes import Node
from tests.ha.rounds import Kill, Rounds
from tests.ha.verdict import Stored, StoredLeaf, Verdict, judge
from tests.support.crew_center import juki_center


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a run."""

    kills: tuple[Kill, ...]
    verdict: Verdict
    faults: tuple[str, ...]

    @property
    def gap(self) -> float:
        """The longest time without an acknowledged act after any kill."""
        return max((kill.gap for kill in self.kills), default=0.0)


def run(folder: Path, kinds: Sequence[str], callers: int, tell: Callable[[str], None]) -> Outcome:
    """Build everything in an empty folder, kill, and judge; all that was started is stopped.

    Raises ProgramAbsent, and TimeoutError where something does not start or come back.
    """
    with ExitStack() as opened:
        tell("starting 3 etcd")
        agreement = opened.enter_context(Agreement(folder))
        tell("starting 3 PostgreSQL, each with its Patroni")
        cluster = opened.enter_context(Cluster(folder, agreement.clients))
        tell("making a center with 2 nodes of 2 workers")
        pair = [Node(one) for one in nodes.made(folder, cluster.url)]
        opened.callback(_stop, pair)
        for node in pair:
            node.start()
        before = _provisions(cluster.url)
        tell(f"{callers} callers ask")
        first = pair[0].folder
        addresses = [node.address for node in pair]
        kills: list[Kill] = []
        with asking_meanwhile(first, addresses, callers) as asking:
            for kill in Rounds(cluster, pair, asking).run(kinds):
                kills.append(kill)
                tell(f"killed {kill.what}: {kill.gap:.1f} s without an acknowledged act")
        tell("judging")
        verdict = _judged(first, cluster.url, asking, before, addresses)
        tell("stopping")
        return Outcome(tuple(kills), *verdict)


def _stop(pair: Sequence[Node]) -> None:
    """End both nodes in order, at the same time."""
    for node in pair:
        node.ask_to_end()
    for node in pair:
        node.stop()


def _judged(
    folder: Path, url: str, asking: Sequence[Caller], before: set[str], addresses: Sequence[str]
) -> tuple[Verdict, tuple[str, ...]]:
    answered = [one for caller in asking for one in caller.answered]
    unanswered = [one for caller in asking for one in caller.unanswered]
    log = trusted_log(folder / "pki" / "trust")
    verdict = judge(answered, unanswered, _stored(url, before), log)
    faults = [*verdict.faults]
    faults += [f"a caller gave up: {defect}" for caller in asking for defect in caller.defects]
    faults += _proved(folder, addresses, len(asking))
    faults += _examined(folder)
    return verdict, tuple(faults)


def _stored(url: str, before: set[str]) -> Stored:
    with psycopg.connect(url) as sql:
        rows = sql.execute(
            "SELECT salt, content, commitment FROM audit_leaves ORDER BY leaf_index"
        ).fetchall()
        head = sql.execute("SELECT checkpoint FROM audit_head").fetchone()
    if head is None:
        raise RuntimeError("the log has no head")
    return Stored(_provisions(url) - before, [StoredLeaf(*row) for row in rows], head[0])


def _provisions(url: str) -> set[str]:
    with psycopg.connect(url) as sql:
        return {str(row[0]) for row in sql.execute("SELECT id FROM provisions")}


def _proved(folder: Path, addresses: Sequence[str], callers: int) -> list[str]:
    """Have every head that a caller has seen proved to be of the log that there is now."""
    faults = []
    for number in range(callers):
        with Caller.of(folder, addresses, number) as line:
            try:
                line.prove()
            except Problem as problem:
                faults.append(f"not one log: {problem.reason} {dict(problem.metadata)}")
    return faults


def _examined(folder: Path) -> list[str]:
    """Let the center's own command copy and examine the log."""
    copy, config = str(folder / "log.copy"), str(folder / "center.toml")
    trust = str(folder / "pki" / "trust")
    for command in (
        ("audit", "export", copy, "--config", config),
        ("audit", "verify", copy, "--trust", trust),
    ):
        done = juki_center(*command)
        if done.returncode:
            return [f"juki-center {' '.join(command[:2])}: {done.stderr.strip()[-300:]}"]
    return []
