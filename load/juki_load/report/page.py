"""A result as one page with plots, whole in itself: no script, and nothing from the network.

The plots lie over each other on one axis of time: latency percentiles, throughput, what was not
answered, and how busy center and store were, so that a bend in one is seen beside the others.
"""

from __future__ import annotations

import html
import io
import math
from typing import TYPE_CHECKING, Final

from juki_client.outcome import Problem
from juki_load.report import table

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from matplotlib.axes import Axes

    from juki_load.measure.record import KindRecord, Slot
    from juki_load.measure.result import Result, Sample

_WIDTH_INCHES: Final = 11.0
_HEIGHT_INCHES: Final = 2.6
_PERCENTILES: Final = ((0.50, ":"), (0.95, "--"), (0.99, "-"))
_STYLE: Final = (
    "body{font:15px/1.5 sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#222}"
    "pre{background:#f4f4f4;padding:1rem;overflow:auto}svg{width:100%;height:auto}"
    ".missed{color:#a00}"
)


def write_page(result: Result, path: Path) -> None:
    """Write the page; raise Problem USAGE_INVALID where what draws is not installed."""
    try:
        picture = _picture(result)
    except ImportError as error:
        rule = "needs matplotlib: install the extra `load`"
        raise Problem("USAGE_INVALID", {"field": "html", "rule": rule}) from error
    title = html.escape(f"{result.scenario} at {result.center}, {result.began}")
    page = (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f"<style>{_STYLE}</style></head><body><h1>{title}</h1>\n{picture}\n"
        f"<pre>{html.escape(table.text(result))}</pre></body></html>\n"
    )
    path.write_text(page, encoding="utf-8")


def _picture(result: Result) -> str:
    """Return the plots as SVG."""
    # Loading it takes longer than most commands run.
    import matplotlib as mpl  # noqa: PLC0415

    mpl.use("Agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415

    drawers: list[Callable[[Axes, Result], None]] = [
        *(_latencies_of(kind) for kind in sorted(result.kinds)),
        _throughput,
        _not_answered,
        _center,
    ]
    figure, found = plt.subplots(
        len(drawers),
        figsize=(_WIDTH_INCHES, _HEIGHT_INCHES * len(drawers)),
        sharex=True,
        squeeze=False,
        layout="constrained",
    )
    for axes, draw in zip(found[:, 0], drawers, strict=True):
        draw(axes, result)
        axes.grid(alpha=0.3)
        axes.margins(x=0)
        if axes.get_legend_handles_labels()[1]:
            axes.legend(loc="upper left", fontsize="small")
    found[-1, 0].set_xlabel("seconds since the beginning")
    octets = io.StringIO()
    figure.savefig(octets, format="svg", metadata={"Date": None, "Creator": None})
    plt.close(figure)
    # What stands before it, a document type of its own, does not belong into a page.
    return octets.getvalue().partition("<svg")[1] + octets.getvalue().partition("<svg")[2]


def _latencies_of(kind: str) -> Callable[[Axes, Result], None]:
    def draw(axes: Axes, result: Result) -> None:
        seconds, slots = _series(result, result.kinds[kind])
        for share, line in _PERCENTILES:
            values = [slot.latencies.quantile(share) * 1e3 for slot in slots]
            axes.plot(seconds, values, line, label=f"p{share * 100:g}", color="#1f4e79")
        axes.set_ylabel(f"{kind}, ms")
        axes.set_ylim(bottom=0)

    return draw


def _throughput(axes: Axes, result: Result) -> None:
    for kind, record in sorted(result.kinds.items()):
        seconds, slots = _series(result, record)
        axes.plot(seconds, [slot.answered / result.slot_seconds for slot in slots], label=kind)
    axes.set_ylabel("answered a second")
    axes.set_ylim(bottom=0)


def _not_answered(axes: Axes, result: Result) -> None:
    """Draw what was shed and what failed, and name the reasons in the title."""
    for kind, record in sorted(result.kinds.items()):
        seconds, slots = _series(result, record)
        for name, counts in (
            ("shed", [slot.shed for slot in slots]),
            ("failed", [slot.failed for slot in slots]),
        ):
            if any(counts):
                values = [count / result.slot_seconds for count in counts]
                axes.plot(seconds, values, "--" if name == "shed" else "-", label=f"{kind} {name}")
    reasons = [
        f"{kind}: {count} x {reason}"
        for kind, record in sorted(result.kinds.items())
        for reason, count in record.reasons.most_common(3)
    ]
    axes.set_title("; ".join(reasons) or "everything was answered", fontsize="small")
    axes.set_ylabel("not answered a second")
    axes.set_ylim(bottom=0)


def _center(axes: Axes, result: Result) -> None:
    _plot_samples(axes, result, lambda one: one.cpu_share, "center, cores")
    _plot_samples(axes, result, lambda one: one.store_share, "store, share of time busy")
    axes.set_ylabel("center")
    axes.set_ylim(bottom=0)
    if any(one.rss_mib is not None for one in result.samples):
        memory = axes.twinx()
        seconds = [one.second for one in result.samples]
        values = [math.nan if one.rss_mib is None else one.rss_mib for one in result.samples]
        memory.plot(seconds, values, ":", color="#7f8c8d")
        memory.set_ylabel("memory, MiB (dotted)")
        memory.set_ylim(bottom=0)


def _plot_samples(
    axes: Axes, result: Result, value: Callable[[Sample], float | None], label: str
) -> None:
    seconds, values = [], []
    for one in result.samples:
        seen = value(one)
        if seen is not None:
            seconds.append(one.second)
            values.append(seen)
    if values:
        axes.plot(seconds, values, label=label)


def _series(result: Result, record: KindRecord) -> tuple[list[float], list[Slot]]:
    numbers = sorted(record.slots)
    return [number * result.slot_seconds for number in numbers], [record.slots[n] for n in numbers]
