"""`juki-center residents generate`: write invented residents as a register file."""

from __future__ import annotations

import csv
import random  # noqa: TID251  # invented people must be the same for the same seed
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from io import TextIOWrapper
from typing import TYPE_CHECKING, Final, TextIO

from juki_center.areas.residents.register_file import COLUMNS
from juki_center.areas.residents.synthetic import Synthesis
from juki_center.areas.residents.synthetic_places import Country, Places
from juki_center.cli import shipped
from juki_center.cli.pace import Pace
from juki_center.cli.report import report
from juki_center.data import synthetic_rows
from juki_center.errors import RuleBroken

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from juki_center.areas.residents.codes import MunicipalityCode

# The day on which the invented ages fit. It does not follow the clock: the same seed gives the same
# lines next year.
_AS_OF: Final = date(2026, 4, 1)
_LINES_BETWEEN_LOOKS: Final = 1_000


@dataclass(frozen=True, slots=True)
class Invention:
    """What is wanted: how many, by which seed, where, and into which file; None: to the output."""

    count: int
    seed: int
    municipalities: tuple[MunicipalityCode, ...] = ()
    out: Path | None = None


def generate(wanted: Invention, *, as_json: bool) -> None:
    """Write the file, and say how fast. Raises RuleBroken for what the command line says wrong."""
    if as_json and wanted.out is None:
        raise RuleBroken("JSON_NEEDS_OUT")
    country = Country(shipped.municipalities(), _AS_OF)
    draws = random.Random(wanted.seed)  # noqa: S311  # nothing here is to be secret
    places = Places(synthetic_rows, country, wanted.municipalities)
    synthesis = Synthesis(synthetic_rows, places, draws, _AS_OF)
    began = time.monotonic()
    with _opened(wanted.out) as file, Pace("inventing", wanted.count) as pace:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for number, line in enumerate(synthesis.lines(wanted.count), start=1):
            writer.writerow([line.get(column, "") for column in COLUMNS])
            if number % _LINES_BETWEEN_LOOKS == 0:
                pace.reached(number, number)
        file.flush()
    rate = int(wanted.count / max(time.monotonic() - began, 0.001))
    summary = f"{wanted.count} residents, {rate} lines a second"
    if wanted.out is None:
        sys.stderr.write(f"{summary}\n")
    else:
        result = {"count": wanted.count, "seed": wanted.seed, "lines_per_second": rate}
        report("residents generate", result, [summary], as_json=as_json)


@contextmanager
def _opened(out: Path | None) -> Iterator[TextIO]:
    """Open what is written to; the caller's standard output stays open."""
    if out is not None:
        with out.open("w", encoding="utf-8", newline="") as file:
            yield file
        return
    wrapped = TextIOWrapper(sys.stdout.buffer, encoding="utf-8", newline="", write_through=False)
    try:
        yield wrapped
    finally:
        wrapped.detach()
