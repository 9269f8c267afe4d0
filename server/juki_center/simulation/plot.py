"""The picture of the load by week. Draws with matplotlib, which only this module imports."""

from __future__ import annotations

from datetime import date, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from juki_center.simulation.errands import Column
from juki_center.simulation.weeks import Weeks

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLOURS: Final = {
    Column.MOVES_OUT: "#1f4e79",
    Column.MOVES_IN: "#2e86c1",
    Column.WITHIN: "#85c1e9",
    Column.BIRTHS: "#58a55c",
    Column.DEATHS: "#7f8c8d",
    Column.CARDS: "#e59866",
    Column.COPIES: "#f4d03f",
}


def can_plot() -> bool:
    """Tell whether matplotlib is installed."""
    return find_spec("matplotlib") is not None


def plot(weeks: Weeks, title: str, path: Path) -> None:
    """Write the load by week as a PNG: a stacked bar for each week, the busiest one named."""
    # Loading it takes longer than most commands run.
    import matplotlib as mpl  # noqa: PLC0415

    mpl.use("Agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415

    figure, axes = plt.subplots(figsize=(12, 6), layout="constrained")
    _draw_bars(axes, weeks)
    _name_peak(axes, weeks)
    months = _months(weeks)
    axes.set_xticks([one.toordinal() for one in months], [f"{one:%Y-%m}" for one in months])
    axes.tick_params(axis="x", rotation=45)
    axes.margins(x=0.01)
    axes.set_ylabel("visits a week")
    axes.set_title(title)
    figure.legend(loc="outside lower center", ncols=len(Column))
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _draw_bars(axes: Axes, weeks: Weeks) -> None:
    mondays = weeks.weeks()
    places = [one.toordinal() for one in mondays]
    bottoms = [0] * len(mondays)
    for column in Column:
        counts = [weeks.count(monday, column) for monday in mondays]
        axes.bar(places, counts, width=6, bottom=bottoms, label=column, color=_COLOURS[column])
        bottoms = [low + count for low, count in zip(bottoms, counts, strict=True)]


def _name_peak(axes: Axes, weeks: Weeks) -> None:
    peak = weeks.peak()
    total = weeks.total(peak)
    axes.set_ylim(0, max(total, 1) * 1.12)
    axes.annotate(
        f"week of {peak.isoformat()}: {total:,}",
        (peak.toordinal(), total),
        xytext=(0, 8),
        textcoords="offset points",
        ha="center",
    )


def _months(weeks: Weeks) -> list[date]:
    """Return the first days of the months."""
    days = (weeks.last - weeks.first).days + 1
    return [day for n in range(days) if (day := weeks.first + timedelta(days=n)).day == 1]
