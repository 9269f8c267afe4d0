"""The goals of the benchmark: what each one compares, and which part of it measures them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.bench.effort import Effort
from tests.bench.measuring import Part

Measure = Callable[[Path, Effort], Iterator[Part]]

GOALS = {
    "G1": "CPU of a confirmation by code, with leaf and receipt / of a bare unary call of its size",
    "G2": "CPU of a line in a batch of 100 / of a confirmation by code",
    "G3": "(CPU of a card session - its listed primitives) / of a bare stream of its messages",
    "G4": "CPU of a card session / (of the bare stream + the primitives in a tight loop)",
    "G5": "CPU of an act / of its rows by executemany, 64 acts a commit; and acts in a sync",
    "G6": "CPU of a confirmation with 2 workers / with 1, both on PostgreSQL",
    "G7": "memory of an idle terminal's stream / of one at a bare server",
    "G8": "CPU of a confirmation with the access log and counters / without",
    "G9": "a look-up by code, large register / small: the greater of CPU and p99",
    "G10": "p99 of confirmations beside card sessions at half of the most / alone",
}


@dataclass(frozen=True, slots=True)
class Group:
    """Goals that are measured together, and the name of their folder."""

    name: str
    goals: tuple[str, ...]
    measure: Measure


def groups(wanted: Iterable[str], *, has_places: bool) -> list[Group]:
    """Return what measures these goals, and what samples where the CPU goes if that is asked."""
    # Some of these import gRPC, whose environment the program settles first.
    from tests.bench import (
        acts,
        beside_sessions,
        card_sessions,
        confirmations,
        idle_streams,
        lookups,
        observability,
        two_workers,
        where,
    )

    chosen = set(wanted)
    known = (
        Group("confirmations", ("G1", "G2"), confirmations.measure),
        Group("card-sessions", ("G3", "G4"), card_sessions.measure),
        Group("acts", ("G5",), acts.measure),
        Group("two-workers", ("G6",), two_workers.measure),
        Group("idle-streams", ("G7",), idle_streams.measure),
        Group("observability", ("G8",), observability.measure),
        Group("look-ups", ("G9",), lookups.measure),
        Group("beside-sessions", ("G10",), beside_sessions.measure),
    )
    found = [group for group in known if chosen & set(group.goals)]
    return [*found, Group("where", (), where.measure)] if has_places else found
