"""Registers of two sizes, made by the operator's own commands, and how they are asked.

A look-up is measured inside the center, from the question to the answer with its record opened:
what the wire costs is the same for any number of residents and would only hide the difference.
"""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from juki_center.areas.agencies.answering import answer
from juki_center.areas.agencies.commands import ByAttributes, ByCode, Outcome, Question
from juki_center.areas.residents.changes import Item
from juki_center.areas.residents.civil_date_texts import parse_date
from juki_center.areas.residents.codes import MunicipalityCode, ResidentCode
from juki_center.cli import dev_texts, shipped
from juki_center.cli.opening import open_with_key
from juki_center.config import CenterConfig
from juki_center.storage.keys import create_kek
from juki_center.storage.sqlite import SQLiteStore
from tests.bench.measuring import Figure, Goal, Part, Timings, interleaved
from tests.support.center_process import ROOT

ASKED = 2_000
ROUNDS = 20
CODE_RATIO, ATTRIBUTES_P99_MS, IMPORT_MIB = 1.5, 50.0, 500.0
_FOUR = (Item.NAME, Item.DATE_OF_BIRTH, Item.SEX, Item.ADDRESS)
_FOUND = {Outcome.MATCH, Outcome.AMBIGUOUS}
_CENTER = "from juki_center.cli import main; main()"
Row = dict[str, str]


@dataclass(frozen=True, slots=True)
class Register:
    """A folder with a store that holds so many residents, and the file that it was filled from."""

    folder: Path
    count: int

    @property
    def name(self) -> str:
        return f"{self.count:,} residents"

    @property
    def config(self) -> Path:
        return self.folder / "center.toml"

    @property
    def file(self) -> Path:
        return self.folder / "residents.csv"

    def make(self) -> Part:
        """Invent the residents, and import them."""
        (self.folder / "center").mkdir(parents=True)
        create_kek(self.folder / "center" / "kek")
        self.config.write_text(dev_texts.center_toml("center-1"), encoding="utf-8")
        options = ("--count", str(self.count), "--seed", str(self.count), "--out", str(self.file))
        generated, _ = run("residents", "generate", *options)
        options = (str(self.file), "--host", "--config", str(self.config))
        imported, peak = run("residents", "import", *options)
        if imported["applied"] != self.count:
            raise RuntimeError(f"{imported['applied']} of {self.count} lines were applied")
        size = self.store_octets()
        store = f"{size / 2**20:,.0f} MiB, {size // self.count:,} bytes a resident"
        return Part(
            f"Filling a register: {self.name}",
            [
                rate("invented, lines a second", generated["lines_per_second"]),
                rate("imported, lines a second", imported["lines_per_second"]),
                Figure("importer, most memory", peak, f"{peak:.0f} MiB"),
                Figure("store", size, store),
            ],
            [Goal(f"import_mib_{self.count}", peak, IMPORT_MIB)],
        )

    def store_octets(self) -> int:
        """Return the size of the store with its write-ahead log."""
        return sum(path.stat().st_size for path in (self.folder / "center").glob("*.sqlite*"))

    def asked(self) -> list[Row]:
        """Return lines from the whole file, evenly spread."""
        step = max(1, self.count // ASKED)
        with self.file.open(encoding="utf-8", newline="") as file:
            return [row for number, row in enumerate(csv.DictReader(file)) if number % step == 0]


def run(*arguments: str) -> tuple[dict[str, int], float]:
    """Run `juki-center --json`; return its result, and its most memory in MiB."""
    process = subprocess.Popen(
        [sys.executable, "-c", _CENTER, *arguments, "--json"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=None if sys.stderr.isatty() else subprocess.DEVNULL,
    )
    assert process.stdout is not None
    said = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    answered = json.loads(said)
    if process.returncode:
        raise RuntimeError(f"{' '.join(arguments[:2])}: {answered['error']['message']}")
    result: dict[str, int] = answered["result"]
    return result, usage.ru_maxrss / 1024


def rotations(register: Register) -> Part:
    """Replace the keys that live longest, of the first municipality in the file and for look-up."""
    part = Part(f"Replacing keys beside a center that serves: {register.name}")
    targets = {
        "data key of a register": ("--municipality", register.asked()[0]["municipality"]),
        "look-up keys": ("--look-up",),
    }
    for name, target in targets.items():
        began = time.monotonic()
        done, _ = run("keys", "rotate", *target, "--config", str(register.config))
        rows = done["rows"] / (time.monotonic() - began)
        part.figures.append(
            rate(f"{name}, rows a second of {done['rows']:,}, start included", rows)
        )
    return part


def look_ups(registers: list[Register]) -> Part:
    """Ask all registers in turns: by code, by four attributes, by attributes in a prefecture."""
    opened = [open_with_key(CenterConfig.load(one.config)) for one in registers]
    part = Part(f"Looking somebody up: {ASKED:,} questions of each kind and size, in turns")
    try:
        for kind, ask in KINDS.items():
            calls = [
                [asking(store, ask(row)) for row in register.asked()[:ASKED]]
                for register, store in zip(registers, opened, strict=True)
            ]
            _add(part, kind, registers, interleaved(calls, ROUNDS))
    finally:
        for store in opened:
            store.close()
    return part


def _add(part: Part, kind: str, registers: list[Register], measured: tuple[Timings, ...]) -> None:
    for register, timings in zip(registers, measured, strict=True):
        part.figures.extend(timings.figures(f"{kind}, {register.name}"))
    small, large = measured[0], measured[-1]
    ratio = large.cpu_us / small.cpu_us
    slower = large.quantile_ms(0.99) / small.quantile_ms(0.99)
    part.figures.append(Figure(f"{kind}, CPU, large to small", ratio, f"{ratio:.2f}"))
    part.figures.append(Figure(f"{kind}, p99, large to small", slower, f"{slower:.2f}"))
    if kind == "by code":
        part.goals.append(Goal("G9 code_cpu_ratio", ratio, CODE_RATIO))
        part.goals.append(Goal("G9 code_p99_ratio", slower, CODE_RATIO))
    else:
        p99 = large.quantile_ms(0.99)
        part.goals.append(Goal(f"{kind.replace(' ', '_')}_p99_ms", p99, ATTRIBUTES_P99_MS))


def asking(store: SQLiteStore, question: Question) -> Callable[[], object]:
    """Return a call that asks, and that fails where the resident is not found."""

    def ask() -> object:
        answered = store.read(lambda tx: answer(tx, question, _FOUR, MUNICIPALITIES))
        if answered.confirmation.outcome not in _FOUND:
            raise RuntimeError(f"a resident of the file: {answered.confirmation.outcome}")
        return answered

    return ask


def by_code(row: Row) -> Question:
    return ByCode(ResidentCode(row["code"]))


def by_attributes(row: Row) -> Question:
    municipality = MunicipalityCode(row["municipality"])
    birth = parse_date(row["birth"])
    return ByAttributes(row["name"], birth, address=row["address"], municipality=municipality)


def by_prefecture(row: Row) -> Question:
    prefecture = MunicipalityCode(row["municipality"]).prefecture
    return ByAttributes(row["name"], parse_date(row["birth"]), prefecture=prefecture)


def rate(name: str, number: float) -> Figure:
    return Figure(name, number, f"{number:,.0f}")


def measure(folder: Path, sizes: list[int]) -> Iterator[Part]:
    """Measure registers of these sizes, the smallest first."""
    registers = [Register(folder / str(size), size) for size in sizes]
    for register in registers:
        yield register.make()
    yield look_ups(registers)
    yield rotations(registers[0])


MUNICIPALITIES = shipped.municipalities()
KINDS: dict[str, Callable[[Row], Question]] = {
    "by code": by_code,
    "by attributes with address": by_attributes,
    "by attributes in a prefecture": by_prefecture,
}
