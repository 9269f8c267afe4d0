"""Verdicts as they are printed, kept and written into the documentation."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.bench import results
from tests.bench.goals import GOALS
from tests.bench.measuring import Figure, Goal, Least, Part

FACTS = {"processor": "one, 2 cores", "date": "2026-11-24 02:00 UTC"}


def part(*goals: Goal, title: str = "Confirming") -> Part:
    return Part(title, [Figure("CPU of a call", 301.0, "301 µs")], list(goals))


def test_a_number_at_its_limit_is_met() -> None:
    assert str(Goal("G1 ratio", 1.45, 1.45)) == "G1 ratio=1.45 goal<=1.45 met"


def test_a_greater_number_is_missed() -> None:
    assert str(Goal("G1 ratio", 1.46, 1.45)) == "G1 ratio=1.46 goal<=1.45 missed"


def test_a_number_that_could_not_be_taken_is_missed() -> None:
    assert str(Goal("G6 ratio", float("nan"), 1.05)) == "G6 ratio=nan goal<=1.05 missed"


def test_what_must_hold_beside_the_number_decides_too() -> None:
    few, enough = Least("acts_per_sync", 11.9, 12), Least("acts_per_sync", 12.0, 12)

    assert (
        str(Goal("G5 ratio", 3.0, 4.0, (few,)))
        == "G5 ratio=3.00 goal<=4 acts_per_sync=11.90 goal>=12 missed"
    )
    assert Goal("G5 ratio", 3.0, 4.0, (enough,)).is_met


def test_a_run_of_some_goals_leaves_the_others_as_they_are(tmp_path: Path) -> None:
    results.keep(tmp_path, FACTS, [part(Goal("G1 ratio", 1.2, 1.45), Goal("G2 ratio", 0.1, 0.08))])

    results.keep(tmp_path, FACTS, [part(Goal("G2 ratio", 0.05, 0.08))])

    kept = json.loads((tmp_path / results.FILE).read_text(encoding="utf-8"))
    assert kept["G1"]["line"] == "G1 ratio=1.20 goal<=1.45 met"
    assert kept["G2"]["line"] == "G2 ratio=0.05 goal<=0.08 met"


def test_the_page_gets_the_newest_table_and_keeps_the_rest(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("above\n<!-- goals: begin -->\nold\n<!-- goals: end -->\nbelow\n")
    beside = (Least("acts_per_sync", 15.0, 12),)
    results.keep(tmp_path, FACTS, [part(Goal("G5 ratio", 4.5, 4.0, beside))])

    results.write_page(tmp_path, page)
    once = page.read_text(encoding="utf-8")
    results.write_page(tmp_path, page)

    assert f"| G5 | {GOALS['G5']} | 4.50, 15.00 | ≤ 4.0, ≥ 12 | missed |" in once
    assert "- G5: processor: one, 2 cores; date: 2026-11-24 02:00 UTC" in once
    assert "| CPU of a call | 301 µs |" in once
    assert once.startswith("above\n")
    assert once.endswith("<!-- goals: end -->\nbelow\n")
    assert "old" not in once
    assert page.read_text(encoding="utf-8") == once


def test_where_the_cpu_goes_stands_behind_the_goals(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("<!-- goals: begin --><!-- goals: end -->")
    places = Part("Where the CPU goes", [Figure("juki_center/rpc/agencies", 20.0, "20 µs, 5.0%")])
    results.keep(tmp_path, FACTS, [part(Goal("G1 ratio", 1.2, 1.45)), places])

    results.write_page(tmp_path, page)

    written = page.read_text(encoding="utf-8")
    assert "| **Where the CPU goes** | |\n| juki_center/rpc/agencies | 20 µs, 5.0% |" in written
    assert "- G1, where: processor" in written


def test_nothing_is_written_where_nothing_was_measured(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("<!-- goals: begin --><!-- goals: end -->")

    with pytest.raises(results.NothingMeasured):
        results.write_page(tmp_path, page)

    assert page.read_text(encoding="utf-8") == "<!-- goals: begin --><!-- goals: end -->"


def test_the_shipped_page_has_room_for_the_table() -> None:
    page = results.PAGE.read_text(encoding="utf-8")

    assert page.count("<!-- goals: begin -->") == page.count("<!-- goals: end -->") == 1
