"""`make scale`: fills test centers and measures them; each step can be run alone.

A step that was measured before is not repeated unless it is told to (--again); one that was cut off
goes on where it was. Results stand in out/scale, a file each; `table` puts them into docs/scale.md.
Everything else that a step has made is removed when it is done.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from juki_center.rpc import tls13
from tools.scale import log, residents, results, streams
from tools.scale.center import TestCenter
from tools.scale.inventing import Register
from tools.scale.residents import Crowd
from tools.scale.server import Database, running

_ROOT: Final = Path(__file__).parents[2]
_PAGE: Final = _ROOT / "docs" / "scale.md"
_SIZES: Final = {"sqlite": (10_000, 1_000_000, 10_000_000), "postgresql": (10_000, 1_000_000)}
_STREAMS: Final = (1_000, 5_000)
_LEAVES: Final = (10_000_000,)
_DATABASE: Final = "scale"

Told = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Step:
    """Something to be measured, at one size and on one store."""

    step: str
    store: str
    size: int

    @property
    def name(self) -> str:
        """What its files are called."""
        return f"{self.step}-{self.store}-{self.size}"


@dataclass(frozen=True, slots=True)
class How:
    """Where steps work, and how."""

    folder: Path
    processes: int
    is_again: bool

    def work(self, step: Step) -> Path:
        """Return where a step has its center, which grows from one size to the next."""
        return self.folder / "work" / f"{step.step}-{step.store}"


def measure(step: Step, how: How, told: Told) -> results.Result | None:
    """Measure a step; None where that was done before."""
    if (how.folder / f"{step.name}.json").exists() and not how.is_again:
        return None
    machine = results.machine()
    figures = _MEASURES[step.step](step, how, told)
    found = results.Result(step.step, step.store, step.size, machine, figures)
    found.save(how.folder)
    return found


def _residents(step: Step, how: How, told: Told) -> dict[str, float]:
    center, register = TestCenter(how.work(step)), Register(step.size)
    if step.store == "sqlite":
        crowd = Crowd(center, center.prepare(), register, center.file_octets)
        return residents.measure(crowd, processes=how.processes, told=told)
    with running(how.folder / "pg") as server:
        database = Database(server, _DATABASE)
        database.make()
        crowd = Crowd(center, center.prepare(database.url), register, database.octets)
        return residents.measure(crowd, processes=how.processes, told=told)


def _streams(step: Step, how: How, told: Told) -> dict[str, float]:
    return streams.measure(TestCenter(how.work(step)), step.size, told=told)


def _log(step: Step, how: How, told: Told) -> dict[str, float]:
    return log.measure(TestCenter(how.work(step)), step.size, told=told)


_MEASURES: Final[dict[str, Callable[[Step, How, Told], dict[str, float]]]] = {
    "residents": _residents,
    "streams": _streams,
    "log": _log,
}


def main(arguments: list[str]) -> int:
    """Measure what is asked for, or write the tables."""
    asked = _parser().parse_args(arguments)
    if asked.what == "table":
        results.write_tables(_PAGE, results.load(asked.folder))
        return 0
    tls13.settle()  # before anything imports gRPC
    how = How(asked.folder, asked.processes, asked.again)
    found = [measure(step, how, _telling(step)) for step in _steps(asked)]
    if not asked.keep:
        for made in ("work", "pg"):
            shutil.rmtree(how.folder / made, ignore_errors=True)
    new = [one for one in found if one is not None]
    if asked.json:
        result = {"results": [asdict(one) for one in new]}
        told = {"schema": "juki/1", "command": "scale", "ok": True, "result": result}
        sys.stdout.write(json.dumps(told, indent=2) + "\n")
    elif new:
        sys.stdout.write(results.tables(new))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools.scale", description=__doc__)
    parser.add_argument(
        "what",
        nargs="?",
        default="all",
        choices=("all", "residents", "streams", "log", "table"),
        help="which steps; table: write docs/scale.md from what was measured (default: all)",
    )
    parser.add_argument("--size", type=int, action="append", help="residents, streams or leaves")
    parser.add_argument("--store", choices=tuple(_SIZES), action="append", help="both if left out")
    parser.add_argument("--processes", type=int, default=1, help="so many seal records (1)")
    parser.add_argument("--folder", type=Path, default=_ROOT / "out" / "scale", help="out/scale")
    parser.add_argument("--again", action="store_true", help="measure what was measured before")
    parser.add_argument("--keep", action="store_true", help="keep the centers that were filled")
    parser.add_argument("--json", action="store_true", help="print one JSON object (juki/1)")
    return parser


def _steps(asked: argparse.Namespace) -> list[Step]:
    wanted = []
    if asked.what in {"all", "residents"}:
        for store in asked.store or _SIZES:
            wanted += [Step("residents", store, size) for size in asked.size or _SIZES[store]]
    if asked.what in {"all", "streams"}:
        wanted += [Step("streams", "sqlite", size) for size in asked.size or _STREAMS]
    if asked.what in {"all", "log"}:
        wanted += [Step("log", "sqlite", size) for size in asked.size or _LEAVES]
    # The large ones last: what fails soon should not be found out late.
    return sorted(wanted, key=lambda one: one.size)


def _telling(step: Step) -> Told:
    def told(reached: int) -> None:
        sys.stderr.write(f"\r{step.name}: {reached:,} of {step.size:,} ")
        sys.stderr.flush()

    return told


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
