"""Each step of `make scale` in a small form: what it measures, what it keeps, what it repeats."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tools.scale import results
from tools.scale.__main__ import main

MACHINE = {"processor": "P", "memory": "M", "system": "S", "date": "2026-04-01", "load": "1.0"}


def scale(folder: Path, *arguments: str) -> int:
    return main([*arguments, "--folder", str(folder)])


def figures(folder: Path, name: str) -> dict[str, float]:
    found = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    measured: dict[str, float] = found["figures"]
    return measured


@pytest.mark.slow
def test_residents_are_filled_in_served_and_found(tmp_path: Path) -> None:
    assert scale(tmp_path, "residents", "--store", "sqlite", "--size", "120") == 0

    found = figures(tmp_path, "residents-sqlite-120")
    assert found["filled"] == 120
    assert found["code_calls"] == found["search_calls"] == 120
    assert found["ready_cpu_seconds"] > 0
    assert [one.name for one in tmp_path.iterdir()] == ["residents-sqlite-120.json"]


@pytest.mark.slow
def test_idle_streams_cost_memory_each(tmp_path: Path) -> None:
    assert scale(tmp_path, "streams", "--size", "12") == 0

    found = figures(tmp_path, "streams-sqlite-12")
    assert found["streams"] == 12
    assert 1 < found["kib_a_stream"] < 2_000


@pytest.mark.slow
def test_long_log_is_proved(tmp_path: Path) -> None:
    assert scale(tmp_path, "log", "--size", "2000") == 0

    found = figures(tmp_path, "log-sqlite-2000")
    assert found["filled"] == 2_000
    assert found["inclusion_calls"] == found["consistency_calls"] == 2_000


def test_what_was_measured_is_not_measured_again(tmp_path: Path) -> None:
    before = results.Result("log", "sqlite", 2_000, MACHINE, {"ready_seconds": 1.0})
    before.save(tmp_path)

    assert scale(tmp_path, "log", "--size", "2000") == 0

    assert results.load(tmp_path) == [before]


def test_tables_stand_between_the_marks_of_the_page(tmp_path: Path) -> None:
    page = tmp_path / "scale.md"
    page.write_text(f"before\n{results.BEGIN}\nold\n{results.END}\nafter\n", encoding="utf-8")
    streams = {"streams": 12.0, "kib_a_stream": 87.25, "first_pss_kib": 81920.0}

    results.write_tables(page, [results.Result("streams", "sqlite", 12, MACHINE, streams)])

    text = page.read_text(encoding="utf-8")
    assert text.startswith("before\n")
    assert text.endswith("\nafter\n")
    assert "old" not in text
    assert "| memory a stream | 87.2 KiB |" in text
    assert "| time to open all | not measured |" in text
    assert "2026-04-01, load 1.0" in text


def test_page_without_marks_is_left_alone(tmp_path: Path) -> None:
    page = tmp_path / "scale.md"
    page.write_text("text\n", encoding="utf-8")

    with pytest.raises(ValueError, match="no marks"):
        results.write_tables(page, [])

    assert page.read_text(encoding="utf-8") == "text\n"
