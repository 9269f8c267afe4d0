"""What was measured, a file for each step; and the tables of docs/scale.md, made from the files."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

SCHEMA: Final = "juki-scale/1"
BEGIN: Final = "<!-- figures: written by `python -m tools.scale table` -->"
END: Final = "<!-- end of figures -->"

Row = tuple[str, Callable[[Mapping[str, float]], str]]


@dataclass(frozen=True, slots=True)
class Result:
    """A step's figures, and on which machine and when they were taken."""

    step: str
    store: str
    size: int
    machine: Mapping[str, str]
    figures: Mapping[str, float]
    schema: str = SCHEMA

    @property
    def name(self) -> str:
        """What its file is called."""
        return f"{self.step}-{self.store}-{self.size}"

    def save(self, folder: Path) -> None:
        """Write its file, whole or not at all."""
        folder.mkdir(parents=True, exist_ok=True)
        beside = folder / f".{self.name}.new"
        beside.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")
        beside.replace(folder / f"{self.name}.json")


def load(folder: Path) -> list[Result]:
    """Return the results of a folder, by step, store and size."""
    texts = (path.read_text(encoding="utf-8") for path in folder.glob("*.json"))
    found = [Result(**json.loads(text)) for text in texts]
    return sorted(found, key=lambda one: (one.step, one.store, one.size))


def machine() -> dict[str, str]:
    """Return what the figures depend on."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "processor": f"{_processor()}, {os.cpu_count()} cores",
        "memory": f"{memory / 2**30:.0f} GiB",
        "system": f"{platform.system()} {platform.release()}, Python {platform.python_version()}",
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "load": f"{os.getloadavg()[1]:.1f}",
    }


def write_tables(page: Path, results: Sequence[Result]) -> None:
    """Put the tables between the marks of a page. Raises ValueError for a page without them."""
    before, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    _, mark, after = rest.partition(END)
    if not mark:
        raise ValueError(f"{page} has no marks for its figures")
    page.write_text(f"{before}{BEGIN}\n\n{tables(results)}\n{END}{after}", encoding="utf-8")


def tables(results: Sequence[Result]) -> str:
    """Return a table for each step, a column for each result."""
    parts = []
    for step, rows in _ROWS.items():
        of_step = [one for one in results if one.step == step]
        if of_step:
            parts.append(_table(of_step, rows))
    parts.append(_machines(results))
    return "\n".join(parts)


def _table(results: Sequence[Result], rows: Iterable[Row]) -> str:
    kind = _KINDS[results[0].step]
    heads = [f"{one.size:,} {kind}, {_STORES[one.store]}" for one in results]
    lines = [f"| | {' | '.join(heads)} |", "|---" * (len(results) + 1) + "|"]
    for name, shown in rows:
        cells = " | ".join(_cell(shown, one.figures) for one in results)
        lines.append(f"| {name} | {cells} |")
    return "\n".join(lines) + "\n"


def _cell(shown: Callable[[Mapping[str, float]], str], figures: Mapping[str, float]) -> str:
    try:
        return shown(figures)
    except KeyError:
        # A run that found the store filled has not measured how it is filled.
        return "not measured"


def _machines(results: Sequence[Result]) -> str:
    """Say where and when each was measured."""
    lines = [
        f"- {one.step} {one.size:,} ({_STORES[one.store]}): {one.machine['date']}, load "
        f"{one.machine['load']}"
        for one in results
    ]
    where = sorted({_of(one.machine) for one in results})
    return "\n".join(("Measured on " + "; ".join(where) + ":", "", *lines)) + "\n"


def _of(facts: Mapping[str, str]) -> str:
    return f"{facts['processor']}, {facts['memory']}, {facts['system']}"


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _filled(figures: Mapping[str, float]) -> str:
    added, seconds = figures["filled"], figures["fill_seconds"]
    return f"{added:,.0f} in {seconds:,.0f} s, {figures['fill_cpu_us']:,.0f} µs of CPU each"


def _store(one: str) -> Callable[[Mapping[str, float]], str]:
    return lambda of: f"{of['store_octets'] / 2**20:,.0f} MiB, {of[one]:,.0f} octets each"


def _asked(name: str) -> Callable[[Mapping[str, float]], str]:
    return lambda of: (
        f"{of[f'{name}_p50_ms']:.2f} ms, {of[f'{name}_p99_ms']:.2f} ms, "
        f"{of[f'{name}_cpu_us']:,.0f} µs"
    )


def _mib(name: str) -> Callable[[Mapping[str, float]], str]:
    return lambda of: f"{of[name] / 1024:,.0f} MiB"


def _seconds(name: str) -> Callable[[Mapping[str, float]], str]:
    return lambda of: f"{of[name]:,.2f} s"


_READY: Final[tuple[Row, ...]] = (
    ("from the start of `serve` to ready", _seconds("ready_seconds")),
    ("CPU of that", _seconds("ready_cpu_seconds")),
    ("memory of the process when it is ready", _mib("ready_pss_kib")),
)
_ROWS: Final[Mapping[str, tuple[Row, ...]]] = {
    "residents": (
        ("filled in", _filled),
        ("store", _store("octets_a_resident")),
        *_READY,
        ("look-up by code: p50, p99, CPU", _asked("code")),
        ("broad search: p50, p99, CPU", _asked("search")),
        ("p99 of each person's first look-up", lambda of: f"{of['code_first_p99_ms']:.2f} ms"),
        ("memory of the process that asked", _mib("asking_pss_kib")),
    ),
    "streams": (
        ("memory a stream", lambda of: f"{of['kib_a_stream']:.1f} KiB"),
        ("memory of the process with one", _mib("first_pss_kib")),
        ("time to open all", _seconds("open_seconds")),
    ),
    "log": (
        ("filled in", _filled),
        ("store", _store("octets_a_leaf")),
        *_READY,
        ("inclusion proof: p50, p99, CPU", _asked("inclusion")),
        ("consistency proof: p50, p99, CPU", _asked("consistency")),
    ),
}
_KINDS: Final = {"residents": "residents", "streams": "streams", "log": "leaves"}
_STORES: Final = {"sqlite": "a file", "postgresql": "PostgreSQL"}
