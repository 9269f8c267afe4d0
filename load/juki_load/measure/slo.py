"""Whether a result is good enough: each limit of the scenario held to what was measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from juki_load.measure.record import KindRecord

if TYPE_CHECKING:
    from collections.abc import Iterator

    from juki_load.measure.result import Result
    from juki_load.scenario import SLO

_QUANTILES: Final = {"p50_ms": 0.50, "p95_ms": 0.95, "p99_ms": 0.99}


@dataclass(frozen=True, slots=True)
class Verdict:
    """One limit, what was measured, and whether it was kept."""

    name: str
    measured: float
    limit: float
    is_met: bool

    def __str__(self) -> str:
        """Return the line that a program can read."""
        sign = ">=" if self.name.endswith("min_answered") else "<="
        verdict = "met" if self.is_met else "missed"
        return f"{self.name}={self.measured:.2f} goal{sign}{self.limit:g} {verdict}"


def verdicts(result: Result) -> list[Verdict]:
    """Return what became of each limit."""
    found = [verdict for slo in result.slo for verdict in _verdicts_of(slo, result)]
    limit = result.max_memory_growth_percent
    if limit is not None:
        grown = result.memory_growth_percent
        found.append(Verdict("memory.growth_percent", grown, limit, grown <= limit))
    return found


def _verdicts_of(slo: SLO, result: Result) -> Iterator[Verdict]:
    record = result.kinds.get(slo.kind, KindRecord())
    for name, share in _QUANTILES.items():
        limit = getattr(slo, name)
        if limit is not None:
            measured = record.latencies.quantile(share) * 1e3
            yield Verdict(f"{slo.kind}.{name}", measured, limit, measured <= limit)
    if slo.max_ms is not None:
        late = record.latencies.above(slo.max_ms / 1e3)
        yield Verdict(f"{slo.kind}.later_than_{slo.max_ms:g}_ms", late, 0, late == 0)
    due = max(record.due, 1)
    for name, count, limit in (
        ("failed_percent", record.failed, slo.max_failed_percent),
        ("shed_percent", record.shed, slo.max_shed_percent),
    ):
        percent = 100 * count / due
        yield Verdict(f"{slo.kind}.{name}", percent, limit, percent <= limit)
    enough = record.answered >= slo.min_answered
    yield Verdict(f"{slo.kind}.min_answered", record.answered, slo.min_answered, enough)
