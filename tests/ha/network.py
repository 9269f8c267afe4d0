"""The whole on one machine: agreement, servers, nodes and callers; and the verdict at its end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import psycopg

from juki_client.log_proofs import trusted_log
from juki_client.outcome import Problem
from tests.ha import nodes
from tests.ha.agreement import Agreement
from tests.ha.callers import Caller
from tests.ha.cluster import Cluster
from tests.ha.nodes import Node
from tests.ha.registrars import Registrar
from tests.ha.rounds import Kill, Rounds
from tests.ha.turns import Line, asking_meanwhile
from tests.ha.verdict import Stored, StoredLeaf, Verdict, judge, judge_births
from tests.support.crew_center import juki_center
from tests.support.own_history import Held
from tests.support.registering import CHIYODA

_CODES_PER_KILL: Final = 2_000


@dataclass(frozen=True, slots=True)
class Crowd:
    """Who asks: agencies, and the registrars of a municipality."""

    agencies: Sequence[Caller]
    registrars: Sequence[Registrar]

    @classmethod
    @contextmanager
    def of(cls, folder: Path, addresses: Sequence[str], count: int) -> Iterator[Self]:
        """Open the lines of so many; a half of them registers."""
        with ExitStack() as opened:
            agencies = [
                opened.enter_context(Caller.of(folder, addresses, number))
                for number in range((count + 1) // 2)
            ]
            registrars = [
                opened.enter_context(Registrar.of(folder, addresses, number))
                for number in range(count // 2)
            ]
            yield cls(agencies, registrars)

    @property
    def lines(self) -> Sequence[Line]:
        """All of them."""
        return [*self.agencies, *self.registrars]


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
        first = pair[0].folder
        _stock(first, _CODES_PER_KILL * len(kinds))
        before = Held.by(cluster.url)
        tell(f"{callers} callers ask")
        addresses = [node.address for node in pair]
        kills: list[Kill] = []
        with Crowd.of(first, addresses, callers) as crowd:
            with asking_meanwhile(crowd.lines):
                for kill in Rounds(cluster, pair, crowd.lines).run(kinds):
                    kills.append(kill)
                    tell(f"killed {kill.what}: {kill.gap:.1f} s without an acknowledged act")
                tell("every birth is sent once more")
            tell(f"judging; {_told_late(crowd)}")
        verdict = _judged(first, cluster.url, crowd, before, addresses)
        tell("stopping")
        return Outcome(tuple(kills), *verdict)


def _told_late(crowd: Crowd) -> str:
    """Say how many births were acknowledged, and of how many the first try was in vain."""
    tries = [one.registered.tries for line in crowd.registrars for one in line.entered]
    return f"{sum(number > 1 for number in tries)} of {len(tries)} births took more than one try"


def _stop(pair: Sequence[Node]) -> None:
    """End both nodes in order, at the same time."""
    for node in pair:
        node.ask_to_end()
    for node in pair:
        node.stop()


def _stock(folder: Path, count: int) -> None:
    """Give the municipality codes for the children."""
    stocked = ("codes", "stock", "--municipality", CHIYODA, "--count", str(count))
    done = juki_center(*stocked, "--config", str(folder / "center.toml"))
    if done.returncode:
        raise RuntimeError(f"juki-center codes stock: {done.stderr.strip()[-300:]}")


def _judged(
    folder: Path, url: str, crowd: Crowd, before: Held, addresses: Sequence[str]
) -> tuple[Verdict, tuple[str, ...]]:
    log = trusted_log(folder / "pki" / "trust")
    after, leaves = Held.by(url), _log(url)
    stored = Stored(set(after.provisions - before.provisions), *leaves)
    verdict = judge(
        [one for caller in crowd.agencies for one in caller.answered],
        [one for caller in crowd.agencies for one in caller.unanswered],
        stored,
        log,
    ).with_other(
        judge_births(
            [one for caller in crowd.registrars for one in caller.entered],
            [one for caller in crowd.registrars for one in caller.unanswered],
            (before, after),
            stored,
            log,
        )
    )
    faults = [*verdict.faults]
    faults += [f"a caller gave up: {defect}" for line in crowd.lines for defect in line.defects]
    faults += _proved(folder, addresses, len(crowd.lines))
    faults += _examined(folder)
    return verdict, tuple(faults)


def _log(url: str) -> tuple[Sequence[StoredLeaf], bytes]:
    """Return every leaf, and the last checkpoint."""
    with psycopg.connect(url) as sql:
        rows = sql.execute(
            "SELECT salt, content, commitment FROM audit_leaves ORDER BY leaf_index"
        ).fetchall()
        head = sql.execute("SELECT checkpoint FROM audit_head").fetchone()
    if head is None:
        raise RuntimeError("the log has no head")
    return [StoredLeaf(*row) for row in rows], head[0]


def _proved(folder: Path, addresses: Sequence[str], callers: int) -> list[str]:
    """Have every head that a caller has seen proved to be of the log that there is now."""
    faults = []
    with Crowd.of(folder, addresses, callers) as crowd:
        for line in crowd.lines:
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
