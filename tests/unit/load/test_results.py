"""Results: what is counted, how results add up, and how they are judged."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

from juki_client.outcome import Problem
from juki_load.measure import result as results
from juki_load.measure.histogram import Histogram
from juki_load.measure.record import KindRecord, Recorder
from juki_load.measure.result import Generator, Result, Sample
from juki_load.measure.slo import verdicts
from juki_load.report import table
from juki_load.report.comparison import difference
from juki_load.report.page import write_page
from juki_load.scenario import SLO
from juki_load.wire.header_blocks import DONE, Ending

SHED = Ending(8, "OVERLOADED", 2.0)
UNSHED = Ending(8, "OVERLOADED")


def recorded(*ends: tuple[float, float, Ending], warm_up: float = 0.0) -> KindRecord:
    """Return the record of calls: when each was due, how long it took, how it ended."""
    recorder = Recorder(1.0, warm_up)
    for due, seconds, ending in ends:
        recorder.ended("confirm", due, due + seconds, ending)
    return recorder.kinds.get("confirm", KindRecord())


def result(record: KindRecord, **facts: object) -> Result:
    """Return a result with one kind of calls."""
    generator = Generator(100, 4, 0.02, 10.0, 0.1)
    found = Result(
        "steady", "center:7443", "2026-04-01T09:00:00+00:00", 10.0, 1.0, {"confirm": record}
    )
    return replace(found, generators=(generator,), **facts)  # type: ignore[arg-type]  # fields


def test_calls_are_counted_by_their_ends_and_by_the_time_when_they_were_due() -> None:
    record = recorded((0.1, 0.01, DONE), (0.2, 0.5, SHED), (2.5, 0.02, Ending(5, "NOBODY")))

    assert (record.answered, record.shed, record.failed, record.due) == (1, 1, 1, 3)
    assert record.reasons == {"OVERLOADED": 1, "NOBODY": 1}
    assert {number: (s.answered, s.shed, s.failed) for number, s in record.slots.items()} == {
        0: (1, 1, 0),
        2: (0, 0, 1),
    }


def test_a_refusal_without_a_delay_is_a_failure() -> None:
    assert recorded((0, 0.1, UNSHED)).failed == 1


def test_calls_of_the_warm_up_do_not_count() -> None:
    record = recorded((1.9, 0.1, DONE), (2.0, 0.1, DONE), warm_up=2.0)

    assert record.answered == 1


def test_a_stream_that_was_opened_in_the_warm_up_counts() -> None:
    recorder = Recorder(1.0, warm_up_seconds=2.0)

    recorder.ended("watch", 0.5, 0.6, DONE)

    assert recorder.kinds["watch"].answered == 1


def test_results_of_two_machines_add_up() -> None:
    one = result(recorded((0, 0.1, DONE), (1, 0.2, SHED)))
    other = result(recorded((0, 0.3, DONE)), began="2026-04-01T08:59:59+00:00")

    total = results.merged([one, other])

    record = total.kinds["confirm"]
    assert (record.answered, record.shed) == (2, 1)
    assert record.slots[0].latencies.to_json() == Histogram.of([0.1, 0.3]).to_json()
    assert len(total.generators) == 2
    assert total.began == "2026-04-01T08:59:59+00:00"


def test_results_of_two_scenarios_do_not_add_up() -> None:
    one = result(recorded((0, 0.1, DONE)))

    with pytest.raises(ValueError, match="two scenarios"):
        results.merged([one, replace(one, scenario="march")])


def test_a_result_comes_back_from_its_file(tmp_path: Path) -> None:
    samples = (Sample(0.0), Sample(1.0, cpu_share=0.4, rss_mib=120.0, store_share=0.1))
    before = result(recorded((0, 0.1, DONE), (3, 1, SHED)), samples=samples, slo=(SLO("confirm"),))

    before.save(tmp_path / "result.json")

    assert results.load(tmp_path / "result.json").to_json() == before.to_json()


def test_what_json_printed_is_a_result_too(tmp_path: Path) -> None:
    found = result(recorded((0, 0.1, DONE)))
    file = tmp_path / "printed.json"
    file.write_text(json.dumps({"schema": "juki/1", "result": {"whole": found.to_json()}}))

    assert results.load(file).to_json() == found.to_json()


@pytest.mark.parametrize("text", ["", "[]", '{"schema": "juki-load/1"}', '{"schema": "other"}'])
def test_a_file_that_is_no_result_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "wrong.json"
    file.write_text(text)

    with pytest.raises(Problem, match="CONFIGURATION_INVALID"):
        results.load(file)


@pytest.mark.parametrize(
    ("slo", "record", "missed"),
    [
        (SLO("confirm", p99_ms=300), recorded((0, 0.2, DONE)), []),
        (SLO("confirm", p99_ms=300), recorded((0, 0.4, DONE)), ["confirm.p99_ms"]),
        (SLO("confirm", max_ms=300), recorded((0, 0.4, DONE)), ["confirm.later_than_300_ms"]),
        (SLO("confirm"), recorded((0, 1, DONE), (0, 1, SHED)), []),
        (
            SLO("confirm", max_shed_percent=0),
            recorded((0, 1, DONE), (0, 1, SHED)),
            ["confirm.shed_percent"],
        ),
        (SLO("confirm"), recorded((0, 1, DONE), (0, 1, UNSHED)), ["confirm.failed_percent"]),
        (SLO("confirm"), KindRecord(), ["confirm.min_answered"]),
        (SLO("copy", p99_ms=1), recorded((0, 1, DONE)), ["copy.p99_ms", "copy.min_answered"]),
    ],
)
def test_a_result_is_held_to_each_limit(slo: SLO, record: KindRecord, missed: list[str]) -> None:
    judged = verdicts(result(record, slo=(slo,)))

    assert [one.name for one in judged if not one.is_met] == missed


@pytest.mark.parametrize(
    ("mebibytes", "growth", "is_met"),
    [
        ((50, 80, 100, 100, 104, 300, 120, 120), 20.0, False),
        ((50, 80, 100, 100, 90, 100, 105, 105), 5.0, True),
        ((50, 80, 100), math.nan, False),
    ],
    ids=["it-grows", "caches-fill-first", "too-few-seen"],
)
def test_the_memory_of_the_second_quarter_is_held_to_that_of_the_last(
    mebibytes: tuple[int, ...], growth: float, is_met: bool
) -> None:
    samples = tuple(Sample(float(at), rss_mib=float(m)) for at, m in enumerate(mebibytes))

    found = result(KindRecord(), samples=samples, max_memory_growth_percent=10.0)

    (verdict,) = verdicts(found)
    assert (verdict.name, verdict.is_met) == ("memory.growth_percent", is_met)
    assert verdict.measured == pytest.approx(growth, nan_ok=True)


def test_a_generator_that_was_busy_or_late_says_so() -> None:
    quiet = result(recorded((0, 0.1, DONE)))
    busy = replace(quiet, generators=(replace(quiet.generators[0], busiest_share=0.95),))
    late = replace(quiet, lateness=Histogram.of([0.05] * 10))

    assert quiet.bottlenecks == []
    assert "95% of a core" in busy.bottlenecks[0]
    assert "late" in late.bottlenecks[0]
    assert "warning: " in table.text(busy)


def test_the_table_names_figures_reasons_and_verdicts() -> None:
    found = result(
        recorded((0, 0.1, DONE), (0, 0.1, UNSHED)),
        slo=(SLO("confirm", p99_ms=300, max_failed_percent=50),),
        samples=(Sample(0.0), Sample(1.0, cpu_share=0.5, rss_mib=100.0, store_share=0.25)),
    )

    text = table.text(found)

    assert "1 x OVERLOADED" in text
    assert "confirm.p99_ms=100.35 goal<=300 met" in text
    assert "200 µs of CPU a call" in text
    assert "0.50 cores on average" in text
    assert text.endswith("load: 4/4 met")


def test_two_results_are_compared_figure_by_figure() -> None:
    before = result(recorded((0, 0.1, DONE)))
    after = result(recorded((0, 0.2, DONE), (0, 0.2, DONE)))

    ratios, text = difference(before, after)

    assert ratios["ratios"] == {
        "confirm.answered a second": "2.000",
        "confirm.shed %": "",
        "confirm.failed %": "",
        "confirm.p50 ms": "2.000",
        "confirm.p95 ms": "2.000",
        "confirm.p99 ms": "2.000",
    }
    assert "2.00" in text


def test_the_page_is_whole_in_itself(tmp_path: Path) -> None:
    found = result(
        recorded((0, 0.1, DONE), (1, 0.1, SHED), (2, 0.3, DONE)),
        samples=(Sample(0.0), Sample(1.0, cpu_share=0.5, rss_mib=100.0, store_share=0.25)),
    )

    write_page(found, tmp_path / "page.html")

    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert page.count("<svg") == page.count("</svg>") == 1
    assert "<script" not in page
    assert ' src="' not in page
    assert "OVERLOADED" in page
    assert "steady at center:7443" in page
