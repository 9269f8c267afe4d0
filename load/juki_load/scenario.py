"""A scenario: which calls are made when, and when the result is good enough. One small TOML file.

    name = "steady"
    seconds = 60

    [[calls]]
    kind = "confirm"
    rate = 20

    [[slo]]
    kind = "confirm"
    p99_ms = 300

Unknown keys are refused by name. The scenarios that come with the program lie in `scenarios/`.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field, replace
from enum import StrEnum
from importlib import resources
from pathlib import Path
from typing import Final

import cattrs

from juki_client.outcome import Problem
from juki_load.arrivals import Model

_SHIPPED: Final = "scenarios"


class Kind(StrEnum):
    """What can be called."""

    CONFIRM = "confirm"
    """An agency confirms a person by code."""
    SEARCH = "search"
    """An agency searches by name and birth date in a whole prefecture."""
    COPY = "copy"
    """A card session at a terminal, and the copy that it is for."""
    SESSION = "session"
    """A card session alone."""
    ISSUE = "issue"
    """A copy alone: its card session was run ahead, and does not count."""
    MOVE = "move"
    """A clerk files a move out, and takes it back: so it can be done again."""
    STATUS = "status"
    """A terminal reports how it is: one small act, written to the log."""


@dataclass(frozen=True, slots=True)
class Calls:
    """Calls of one kind."""

    kind: Kind
    rate: float = 0.0
    """A second, of all processes together; not with `offices`."""
    arrivals: Model = Model.POISSON
    offices: int = 0
    """With arrivals = "offices": how many, each with a certificate of its own; 0 for all."""
    share: float = 1.0
    """With arrivals = "offices": the share of the offices that make calls of this kind."""
    connect_within_seconds: float = 60.0
    pause_seconds: tuple[float, float] = (60.0, 120.0)


@dataclass(frozen=True, slots=True)
class Batches:
    """Batches of agencies, each sent as fast as the center takes it."""

    agencies: int = 1
    lines: int = 1_000


@dataclass(frozen=True, slots=True)
class Watches:
    """Streams that are opened at the beginning and stay open."""

    terminals: int
    open_within_seconds: float = 10.0


@dataclass(frozen=True, slots=True)
class SLO:
    """What must hold of all calls of one kind; absent limits are not looked at."""

    kind: str
    p50_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None
    max_ms: float | None = None
    """None is later than this: a deadline."""
    max_failed_percent: float = 0.0
    """Neither answered, nor told when to come back."""
    max_shed_percent: float = 100.0
    min_answered: int = 1


@dataclass(frozen=True, slots=True)
class Scenario:
    """What is done."""

    name: str
    seconds: float
    about: str = ""
    seed: int = 1
    warm_up_seconds: float = 0.0
    """Calls that are due so early are made and not counted."""
    grace_seconds: float = 30.0
    """How long answers are waited for behind the end; what has not come by then never did."""
    connections_per_agency: int = 1
    verified_percent: float = 1.0
    """The share of answers whose receipt is verified, with its proof and signature."""
    max_memory_growth_percent: float | None = None
    """How much more memory the center may hold in the last quarter than in the second one."""
    calls: tuple[Calls, ...] = ()
    batches: tuple[Batches, ...] = ()
    watches: tuple[Watches, ...] = ()
    slo: tuple[SLO, ...] = field(default=())

    def faster(self, factor: float) -> Scenario:
        """Return the same scenario with all rates multiplied."""
        return replace(self, calls=tuple(replace(c, rate=c.rate * factor) for c in self.calls))


def shipped() -> tuple[str, ...]:
    """Return the names of the scenarios that come with the program."""
    folder = resources.files("juki_load") / _SHIPPED
    names = (Path(entry.name) for entry in folder.iterdir())
    return tuple(sorted(name.stem for name in names if name.suffix == ".toml"))


def load(name: str) -> Scenario:
    """Return a shipped scenario by name, or the one in a file.

    Raises Problem CONFIGURATION_INVALID naming the file and what is wrong with it.
    """
    path = Path(name)
    if name in shipped():
        text = (resources.files("juki_load") / _SHIPPED / f"{name}.toml").read_text("utf-8")
        return parse(text, name)
    try:
        return parse(path.read_text(encoding="utf-8"), path.name)
    except OSError as error:
        rule = f"no file, and none of the scenarios {', '.join(shipped())}"
        raise _invalid(name, rule) from error


def parse(text: str, source: str) -> Scenario:
    """Return the scenario in a text; raise Problem CONFIGURATION_INVALID."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _invalid(source, "the file cannot be read as TOML") from error
    converter = cattrs.Converter(forbid_extra_keys=True)
    try:
        found = converter.structure(table, Scenario)
    except cattrs.BaseValidationError as error:
        raise _invalid(source, "; ".join(cattrs.transform_error(error))) from error
    for rule in _broken_rules(found):
        raise _invalid(source, rule)
    return found


def _broken_rules(found: Scenario) -> list[str]:
    """Return what no run could do."""
    rules = []
    if not 0 < found.seconds <= 7 * 86_400 or found.warm_up_seconds >= found.seconds:
        rules.append("seconds: above the warm-up, and at most a week")
    if not (found.calls or found.batches or found.watches):
        rules.append("calls, batches or watches: at least one is required")
    for calls in found.calls:
        rules += _broken_rules_of(calls)
    known = {str(c.kind) for c in found.calls} | {"batch", "watch", "reconnect"}
    rules += [f"slo: kind {slo.kind} is not called" for slo in found.slo if slo.kind not in known]
    return rules


def _broken_rules_of(calls: Calls) -> list[str]:
    is_offices = calls.arrivals is Model.OFFICES
    rules = []
    if not is_offices and calls.rate <= 0:
        rules.append(f"calls.rate: of {calls.kind} must be above 0")
    if is_offices and (calls.rate or not 0 < calls.share <= 1):
        rules.append(f"calls: offices of {calls.kind} have a share up to 1, and no rate")
    if not 0 < calls.pause_seconds[0] <= calls.pause_seconds[1]:
        rules.append(f"calls.pause_seconds: of {calls.kind} must be two, the smaller first")
    return rules


def _invalid(source: str, rule: str) -> Problem:
    return Problem("CONFIGURATION_INVALID", {"file": source, "rule": rule})
