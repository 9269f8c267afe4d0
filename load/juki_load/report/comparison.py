"""What differs between two results."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from juki_load.measure.record import KindRecord
from juki_load.report.table import aligned

if TYPE_CHECKING:
    from juki_client.outcome import JSON
    from juki_load.measure.result import Result

_QUANTILES: Final = (0.50, 0.95, 0.99)
_COLUMNS: Final = ("calls", "figure", "before", "after", "after/before")


def difference(before: Result, after: Result) -> tuple[dict[str, JSON], str]:
    """Return the ratios for programs, and a table for people."""
    rows, ratios = [_COLUMNS], {}
    for kind in sorted({*before.kinds, *after.kinds}):
        old, new = (one.kinds.get(kind, KindRecord()) for one in (before, after))
        for name, first, second in _figures(old, before, new, after):
            ratio = second / first if first else math.nan
            rows.append((kind, name, f"{first:.1f}", f"{second:.1f}", f"{ratio:.2f}"))
            ratios[f"{kind}.{name}"] = "" if math.isnan(ratio) else f"{ratio:.3f}"
    notes = [f"before: {one}" for one in before.bottlenecks]
    notes += [f"after: {one}" for one in after.bottlenecks]
    if before.scenario != after.scenario:
        notes.append(f"two scenarios: {before.scenario} and {after.scenario}")
    text = "\n".join([*aligned(rows), *(f"warning: {note}" for note in notes)])
    return {"ratios": {**ratios}, "warnings": [*notes]}, text


def _figures(
    old: KindRecord, before: Result, new: KindRecord, after: Result
) -> list[tuple[str, float, float]]:
    found = [
        ("answered a second", old.answered / before.seconds, new.answered / after.seconds),
        ("shed %", _percent(old.shed, old), _percent(new.shed, new)),
        ("failed %", _percent(old.failed, old), _percent(new.failed, new)),
    ]
    for share in _QUANTILES:
        first, second = (one.latencies.quantile(share) * 1e3 for one in (old, new))
        found.append((f"p{share * 100:g} ms", first, second))
    return found


def _percent(count: int, record: KindRecord) -> float:
    return 100 * count / record.due if record.due else 0.0
