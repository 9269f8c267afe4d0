"""`juki-load knee` and `juki-load calibrate`."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from statistics import median
from typing import TYPE_CHECKING, Final

from juki_client.outcome import Exit, Problem
from juki_client.report import Report, say
from juki_load import knee
from juki_load import scenario as scenarios_module
from juki_load.calibration import TOLERANCE, Order, calibrate
from juki_load.cli.running import How, measured
from juki_load.measure.record import KindRecord
from juki_load.measure.slo import verdicts
from juki_load.report.table import ms
from juki_load.scenario import SLO

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from juki_client.outcome import JSON
    from juki_load.calibration import Calibration
    from juki_load.cli.running import Where
    from juki_load.measure.result import Result
    from juki_load.scenario import Scenario

_MOST_SHED_PERCENT: Final = 1.0


@dataclass(frozen=True, slots=True)
class Target:
    """Whose latency decides."""

    kind: str
    p99_ms: float


@dataclass(frozen=True, slots=True)
class Effort:
    """How often it is looked for, and how exactly."""

    runs: int = 1
    tolerance: float = 0.03
    """How wide the last bracket may be."""


def find_knee(where: Where, how: How, target: Target, effort: Effort) -> Report:
    """Find how many times faster a scenario may run before its target is missed, again and again.

    Each search after the first begins where the one before has ended.
    """
    wanted = _with_target(scenarios_module.load(how.scenario), target)
    if how.seconds is not None:
        warm_up = min(wanted.warm_up_seconds, how.seconds / 4)
        wanted = replace(wanted, seconds=how.seconds, warm_up_seconds=warm_up)
    rate = sum(calls.rate for calls in wanted.calls)
    if not rate:
        raise Problem("USAGE_INVALID", {"field": "scenario", "rule": "has no rates to raise"})

    async def measure(factor: float) -> Result:
        return await measured(where, how, wanted.faster(factor))

    found: list[knee.Knee] = []
    warnings: dict[str, None] = {}
    first = how.factor
    for _ in range(effort.runs):
        one, last = asyncio.run(search_with(measure, target, first, effort.tolerance))
        warnings |= dict.fromkeys(last.bottlenecks)
        if one is None:
            text = "no rate is good: even the lowest that was tried misses the target"
            return Report({"found": False}, text, Exit.REFUSED)
        say(_knee_said(one, rate, wanted.name))
        found.append(one)
        first = one.rate
    return _knees(found, rate, wanted.name, list(warnings))


def _knees(found: list[knee.Knee], rate: float, name: str, warnings: list[str]) -> Report:
    """Say what was found, and how far several searches lie apart."""
    rates = sorted(one.rate * rate for one in found)
    middle = median(rates)
    spread = (rates[-1] - rates[0]) / middle
    result: dict[str, JSON] = {
        "found": True,
        "factor": f"{middle / rate:.3f}",
        "calls_a_second": f"{middle:.1f}",
        "knees": [f"{one.rate * rate:.1f}" for one in found],
        "too_high": [f"{one.too_high * rate:.1f}" for one in found],
        "spread_percent": f"{100 * spread:.1f}",
        "measurements": sum(one.measurements for one in found),
        "warnings": [*warnings],
    }
    lines = [_knee_said(one, rate, name) for one in found]
    if len(found) > 1:
        between = f"from {rates[0]:.1f} to {rates[-1]:.1f}"
        lines.append(f"knees: {middle:.1f} calls a second, {between}, spread {spread:.1%}")
    return Report(result, "\n".join(lines + [f"warning: {one}" for one in warnings]))


def _knee_said(one: knee.Knee, rate: float, name: str) -> str:
    return (
        f"knee: {one.rate * rate:.1f} calls a second ({one.rate:.2f} times {name}), "
        f"{one.too_high * rate:.1f} are too many; {one.measurements} measurements"
    )


async def search_with(
    measure: Callable[[float], Awaitable[Result]],
    target: Target,
    first: float,
    tolerance: float = 0.03,
) -> tuple[knee.Knee | None, Result]:
    """Measure what the search asks for; return what it found, and its last measurement."""
    search = knee.search(first, tolerance=tolerance)
    factor = next(search)
    while True:
        result = await measure(factor)
        good = all(one.is_met for one in verdicts(result))
        p99 = ms(result.kinds.get(target.kind, KindRecord()).latencies.quantile(0.99))
        verdict = "good" if good else "too high"
        say(f"{factor:.2f} times: p99 of {target.kind} {p99} ms: {verdict}")
        for warning in result.bottlenecks:
            say(f"warning: {warning}")
        try:
            factor = search.send(good)
        except StopIteration as end:
            return end.value, result


def _with_target(wanted: Scenario, target: Target) -> Scenario:
    """Return the scenario judged by the target, with hardly anything shed or failed."""
    if target.kind not in {str(calls.kind) for calls in wanted.calls}:
        raise Problem("USAGE_INVALID", {"field": "kind", "rule": "the scenario has no such calls"})
    limits = tuple(
        SLO(
            str(calls.kind),
            p99_ms=target.p99_ms if str(calls.kind) == target.kind else None,
            max_failed_percent=_MOST_SHED_PERCENT,
            max_shed_percent=_MOST_SHED_PERCENT,
        )
        for calls in wanted.calls
    )
    return replace(wanted, slo=limits)


def calibrate_generator(capacity: float, seconds: float, runs: int) -> Report:
    """Find a known capacity several times; refuse where one search is more than a tenth off."""
    found = []
    for number in range(runs):
        order = Order(capacity, seconds, seed=1_000 * number)
        one = calibrate(order, lambda line: say(f"  {line}"))
        found.append(one)
        say(_said(one))
    is_good = all(one.is_good for one in found)
    lines = [*map(_said, found), f"calibration: {'ok' if is_good else 'missed'}"]
    result: dict[str, JSON] = {
        "capacity": f"{capacity:g}",
        "found": [f"{one.found:.1f}" for one in found],
        "errors_percent": [f"{100 * one.error:.1f}" for one in found],
        "cpu_us_per_call": [f"{one.cpu_us_per_call:.0f}" for one in found],
        "ok": is_good,
    }
    return Report(result, "\n".join(lines), Exit.DONE if is_good else Exit.REFUSED)


def _said(one: Calibration) -> str:
    return (
        f"capacity={one.capacity:g} found={one.found:.1f} error={one.error:+.1%} "
        f"goal<={TOLERANCE:.0%} {'met' if one.is_good else 'missed'}; "
        f"{one.measurements} measurements, {one.cpu_us_per_call:.0f} µs of CPU a call"
    )
