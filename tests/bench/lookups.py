"""Look-ups by code in a small register and in a large one, in turns, inside the center.

From the question to the answer with its record opened: the wire costs the same for any number of
residents and would only hide the difference. Stores are filled in bulk, and kept
in out/bench/stores.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from juki_center.areas.agencies.commands import ByAttributes, ByCode, Question
from juki_center.areas.residents.updates import Update
from juki_center.cli import dev_texts
from juki_center.cli.opening import open_with_key
from juki_center.config import CenterConfig
from juki_center.storage.keys import create_kek
from tests.bench.effort import Effort
from tests.bench.measuring import Figure, Goal, Part, Timings, interleaved
from tests.bench.registers import ASKED, CODE_RATIO, asking
from tools.scale.inventing import Register, spread
from tools.scale.seeding import fill

STORES = "stores"
_FEW = 20_000
_LEAST_ROUNDS = 4


def measure(folder: Path, effort: Effort) -> Iterator[Part]:
    """Measure G9."""
    sizes = sorted((effort.small, effort.residents))
    stores = folder.parent / STORES
    configs = [_filled(stores / f"residents-{size}", size) for size in sizes]
    yield _look_ups(configs, sizes, effort)


def _filled(folder: Path, size: int) -> CenterConfig:
    """Return a center with so many residents; what was filled before is taken as it is."""
    path = folder / "center.toml"
    if not path.exists():
        (folder / "center").mkdir(parents=True)
        create_kek(folder / "center" / "kek")
        path.write_text(dev_texts.center_toml("center-1"), encoding="utf-8")
    config = CenterConfig.load(path)
    fill(config, Register(size), processes=1 if size <= _FEW else os.cpu_count() or 1)
    return config


def _look_ups(configs: list[CenterConfig], sizes: list[int], effort: Effort) -> Part:
    opened = [open_with_key(config) for config in configs]
    rounds = _LEAST_ROUNDS * effort.pairs
    part = Part(f"Looking somebody up: {ASKED:,} questions of each kind and size, in turns")
    try:
        for kind, question in (("by code", _by_code), ("by attributes", _by_attributes)):
            calls = [
                [asking(store, question(one)) for one in spread(Register(size), ASKED)]
                for store, size in zip(opened, sizes, strict=True)
            ]
            small, large = interleaved(calls, min(rounds, len(calls[0])))
            _add(part, kind, sizes, (small, large))
    finally:
        for store in opened:
            store.close()
    return part


def _add(part: Part, kind: str, sizes: list[int], measured: tuple[Timings, Timings]) -> None:
    small, large = measured
    for size, timings in zip(sizes, measured, strict=True):
        part.figures.extend(timings.figures(f"{kind}, {size:,} residents"))
    turns = zip(large.cpu_of_rounds, small.cpu_of_rounds, strict=True)
    cpu = median(one / other for one, other in turns)
    p99 = large.quantile_ms(0.99) / small.quantile_ms(0.99)
    part.figures.append(Figure(f"{kind}, CPU, large to small", cpu, f"{cpu:.2f}"))
    part.figures.append(Figure(f"{kind}, p99, large to small", p99, f"{p99:.2f}"))
    if kind == "by code":
        # Both must hold, so the greater one is the goal's number.
        part.goals.append(Goal("G9 ratio", max(cpu, p99), CODE_RATIO))


def _by_code(one: Update) -> Question:
    return ByCode(one.record.code)


def _by_attributes(one: Update) -> Question:
    record = one.record
    return ByAttributes(
        record.name, record.birth, address=record.address, municipality=one.municipality
    )
