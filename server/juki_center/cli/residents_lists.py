"""`juki-center residents held` and `imports`: what waits, and what was imported."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import typer

from juki_center.cli.opening import open_with_key
from juki_center.cli.report import Exit, report

if TYPE_CHECKING:
    from juki_center.areas.residents.imports import Import
    from juki_center.areas.residents.updates import Gap
    from juki_center.cli.report import JSON
    from juki_center.config import CenterConfig


def list_held(config: CenterConfig, *, as_json: bool) -> None:
    """List gaps by municipality and missing version; leave with 3 where there are some."""
    with closing(open_with_key(config)) as store:
        gaps = store.read(lambda tx: tx.pending.gaps())
    rows: list[JSON] = [
        {
            "municipality": str(gap.municipality),
            "missing_version": gap.missing,
            "persons": gap.persons,
            "updates": gap.updates,
            "since": gap.since.isoformat(timespec="seconds"),
        }
        for gap in gaps
    ]
    lines = [_gap_line(gap) for gap in gaps] or ["nothing is held"]
    report("residents held", {"gaps": rows}, lines, as_json=as_json)
    if gaps:
        raise typer.Exit(Exit.REFUSED)


def list_imports(config: CenterConfig, limit: int, *, as_json: bool) -> None:
    """List the newest imports."""
    with closing(open_with_key(config)) as store:
        found = store.read(lambda tx: tx.imports.newest(limit))
    rows: list[JSON] = [_import_row(one) for one in found]
    lines = [_import_line(one) for one in found] or ["nothing was imported"]
    report("residents imports", {"imports": rows}, lines, as_json=as_json)


def _gap_line(gap: Gap) -> str:
    return (
        f"{gap.municipality}  version {gap.missing} is missing: {gap.persons} persons,"
        f" {gap.updates} updates wait since {gap.since.isoformat(timespec='seconds')}"
    )


def _import_row(one: Import) -> dict[str, JSON]:
    return {
        "import_id": one.import_id,
        "file": one.source.name,
        "mode": one.source.mode,
        "is_finished": one.is_finished,
        "line": one.line,
        "applied": one.totals.applied,
        "duplicate": one.totals.duplicate,
        "held": one.totals.held,
        "refused": one.totals.refused,
        "freed": one.totals.freed,
        "began_at": one.began_at.isoformat(timespec="seconds"),
        "changed_at": one.changed_at.isoformat(timespec="seconds"),
    }


def _import_line(one: Import) -> str:
    totals = one.totals
    state = "finished" if one.is_finished else f"at line {one.line}, not finished"
    return (
        f"{one.began_at.isoformat(timespec='seconds')}  {one.source.name}  {state}:"
        f" {totals.lines} lines, {totals.applied} applied, {totals.duplicate} duplicate,"
        f" {totals.held} held, {totals.refused} refused"
    )
