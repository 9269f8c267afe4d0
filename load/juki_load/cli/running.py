"""`juki-load run`, `merge`, `compare` and `scenarios`."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from juki_client.outcome import Exit, Problem
from juki_client.report import Report, say
from juki_load import scenario as scenarios_module
from juki_load.center_status import Observer, default_address, require_test_center
from juki_load.engine import slot_seconds
from juki_load.measure import result as results
from juki_load.measure.result import Sample
from juki_load.measure.slo import verdicts
from juki_load.prepared import Prepared
from juki_load.processes import Plan
from juki_load.processes import run as run_plan
from juki_load.report import table
from juki_load.wire.dial import Address

if TYPE_CHECKING:
    from pathlib import Path

    from juki_client.outcome import JSON
    from juki_load.measure.result import Result
    from juki_load.scenario import Scenario


@dataclass(frozen=True, slots=True)
class Where:
    """Which center, and who calls it."""

    center: str
    folder: Path
    status: str = ""
    pid: int | None = None

    def addresses(self) -> tuple[Address, Address]:
        """Return those of gRPC and of the status page; raise Problem USAGE_INVALID."""
        try:
            center = Address.parse(self.center)
            return center, Address.parse(self.status) if self.status else default_address(center)
        except ValueError as error:
            raise Problem("USAGE_INVALID", {"field": "center", "rule": str(error)}) from error


@dataclass(frozen=True, slots=True)
class How:
    """What is run, and by how many."""

    scenario: str
    processes: int = 1
    seconds: float | None = None
    factor: float = 1.0
    machine: str = "1/1"
    start_at: datetime | None = None


def scenarios() -> Report:
    """List the scenarios that come with the program."""
    found = [scenarios_module.load(name) for name in scenarios_module.shipped()]
    text = "\n".join(f"{one.name}: {one.about} ({one.seconds:g} s)" for one in found)
    return Report({"scenarios": [one.name for one in found]}, text)


def run_scenario(where: Where, how: How, out: Path | None, html: Path | None) -> Report:
    """Run one; write what is wanted of it. Raises Problem where it is refused."""
    wanted = scenarios_module.load(how.scenario).faster(how.factor)
    if how.seconds is not None:
        warm_up = min(wanted.warm_up_seconds, how.seconds / 2)
        wanted = replace(wanted, seconds=how.seconds, warm_up_seconds=warm_up)
    return _told(asyncio.run(measured(where, how, wanted)), "run", out, html)


async def measured(where: Where, how: How, wanted: Scenario) -> Result:
    """Run a scenario at a test center, and look at the center meanwhile."""
    center, status = where.addresses()
    Prepared.load(where.folder)
    await require_test_center(status)
    number, of = _machine(how.machine)
    plan = Plan(wanted, where.folder, center, how.processes, number, of, _utc(how.start_at))
    samples: list[Sample] = []
    observer = Observer(status, where.pid)

    async def watch(start: float) -> None:
        await observer.watch(start, slot_seconds(wanted), samples)

    found = await run_plan(plan, watch)
    return replace(found, samples=tuple(samples))


def merge(files: list[Path], out: Path | None, html: Path | None) -> Report:
    """Add results."""
    try:
        total = results.merged([results.load(file) for file in files])
    except ValueError as error:
        raise Problem("USAGE_INVALID", {"field": "files", "rule": str(error)}) from error
    return _told(total, "merge", out, html)


def compare(before: Path, after: Path) -> Report:
    """Say what differs between two results."""
    from juki_load.report.comparison import difference  # noqa: PLC0415  # needed here alone

    found, text = difference(results.load(before), results.load(after))
    return Report(found, text)


def _told(found: Result, what: str, out: Path | None, html: Path | None) -> Report:
    if out is not None:
        found.save(out)
        say(f"{what}: {out}")
    if html is not None:
        from juki_load.report.page import write_page  # noqa: PLC0415  # plots load slowly

        write_page(found, html)
        say(f"{what}: {html}")
    summary: dict[str, JSON] = {**table.summary(found), "whole": found.to_json()}
    is_met = all(one.is_met for one in verdicts(found))
    return Report(summary, table.text(found), Exit.DONE if is_met else Exit.REFUSED)


def _machine(text: str) -> tuple[int, int]:
    number, _, of = text.partition("/")
    if not (number.isdigit() and of.isdigit() and 1 <= int(number) <= int(of)):
        raise Problem("USAGE_INVALID", {"field": "machine", "rule": "such as 2/3"})
    return int(number), int(of)


def _utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.replace(tzinfo=UTC)
