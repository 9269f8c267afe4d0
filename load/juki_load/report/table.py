"""A result as lines of text."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from juki_load.measure.slo import verdicts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from juki_client.outcome import JSON
    from juki_load.measure.record import KindRecord
    from juki_load.measure.result import Result

_COLUMNS = ("calls", "due", "answered", "shed", "failed", "p50 ms", "p95 ms", "p99 ms", "max ms")
_QUANTILES = (0.50, 0.95, 0.99, 1.0)


def text(result: Result) -> str:
    """Return the table, why calls failed, what the generator cost, and the verdicts."""
    lines = [f"{result.scenario} at {result.center}, {result.seconds:.0f} s", ""]
    lines += aligned([_COLUMNS, *(_row(name, one) for name, one in sorted(result.kinds.items()))])
    lines += _reasons(result)
    lines += ["", *_generator(result), *_center(result)]
    lines += [f"warning: {one}" for one in result.bottlenecks]
    judged = verdicts(result)
    lines += ["", *map(str, judged)] if judged else []
    met = sum(one.is_met for one in judged)
    return "\n".join([*lines, f"load: {met}/{len(judged)} met"])


def summary(result: Result) -> dict[str, JSON]:
    """Return the figures that programs ask for first, beside the whole result."""
    judged = verdicts(result)
    return {
        "kinds": {name: _figures(record) for name, record in sorted(result.kinds.items())},
        "slo": [
            {"name": one.name, "measured": _number(one.measured), "met": one.is_met}
            for one in judged
        ],
        "met": all(one.is_met for one in judged),
        "warnings": [*result.bottlenecks],
    }


def _figures(record: KindRecord) -> dict[str, JSON]:
    quantiles = {
        f"p{share * 100:g}_ms": _number(record.latencies.quantile(share) * 1e3)
        for share in _QUANTILES
    }
    counts = {"due": record.due, "answered": record.answered, "shed": record.shed}
    return {**counts, "failed": record.failed, **quantiles}


def _number(found: float) -> str:
    return "" if math.isnan(found) else f"{found:.3f}"


def _row(name: str, record: KindRecord) -> tuple[str, ...]:
    counts = (record.due, record.answered, record.shed, record.failed)
    latencies = (ms(record.latencies.quantile(share)) for share in _QUANTILES)
    return (name, *map(str, counts), *latencies)


def ms(seconds: float) -> str:
    """Return a latency as people read it; a dash for none."""
    return "-" if math.isnan(seconds) else f"{seconds * 1e3:.1f}"


def aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Return rows with their columns under each other, the first to the left."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if number == 0 else cell.rjust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]


def _reasons(result: Result) -> list[str]:
    return [
        f"  {name}: {count} x {reason}"
        for name, record in sorted(result.kinds.items())
        for reason, count in record.reasons.most_common()
    ]


def _generator(result: Result) -> list[str]:
    calls = sum(one.calls for one in result.generators)
    cpu = sum(one.cpu_seconds for one in result.generators)
    handshakes = sum(one.handshakes for one in result.generators)
    busiest = max((one.busiest_share for one in result.generators), default=0.0)
    each = cpu / calls * 1e6 if calls else 0.0
    return [
        f"generator: {len(result.generators)} process(es), {each:.0f} µs of CPU a call, busiest "
        f"{busiest:.0%} of a core, {handshakes} handshakes, sent late p99 "
        f"{ms(result.lateness.quantile(0.99))} ms, {result.verified_receipts} receipts verified"
    ]


def _center(result: Result) -> list[str]:
    cpu = [one.cpu_share for one in result.samples if one.cpu_share is not None]
    store = [one.store_share for one in result.samples if one.store_share is not None]
    memory = [one.rss_mib for one in result.samples if one.rss_mib is not None]
    if not cpu:
        return []
    line = f"center: {sum(cpu) / len(cpu):.2f} cores on average, {max(cpu):.2f} at most"
    if store:
        line += f"; store {sum(store) / len(store):.0%} busy, {max(store):.0%} at most"
    if memory:
        line += f"; {memory[0]:.0f} MiB at first, {memory[-1]:.0f} MiB at last"
    return [line]
