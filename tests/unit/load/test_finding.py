"""The command that finds the knee."""

from __future__ import annotations

from pathlib import Path

import pytest

from juki_client.outcome import Problem
from juki_load import arrivals
from juki_load.cli.finding import Effort, Target, find_knee, search_with
from juki_load.cli.running import How, Where
from juki_load.measure.record import Recorder
from juki_load.measure.result import Result
from juki_load.scenario import SLO
from juki_load.wire.header_blocks import DONE

TARGET = Target("confirm", 100)
WHERE = Where("127.0.0.1:1", Path("nowhere"))


async def measured(factor: float) -> Result:
    """Return what a center would come to that takes 5 ms for each of 100 calls a second times
    `factor`."""
    recorder, free_at = Recorder(1.0), 0.0
    for due in arrivals.poisson(100 * factor, 10, seed=int(factor * 1_000)):
        free_at = max(free_at, due) + 0.005
        recorder.ended("confirm", due, free_at, DONE)
    limits = (SLO("confirm", p99_ms=TARGET.p99_ms),)
    return Result("few", "center", "", 10, 1.0, recorder.kinds, slo=limits)


async def test_the_factor_at_which_a_center_is_full_is_found(
    capsys: pytest.CaptureFixture[str],
) -> None:
    found, last = await search_with(measured, TARGET, 0.3)

    assert found is not None
    assert found.rate == pytest.approx(2.0, rel=0.15)
    assert last.kinds["confirm"].due > 1_500
    assert "too high" in capsys.readouterr().err


async def test_a_center_that_never_answers_has_no_knee() -> None:
    async def nothing(factor: float) -> Result:
        return Result("few", "center", "", factor, 1.0, {}, slo=(SLO("confirm"),))

    found, _ = await search_with(nothing, TARGET, 1.0)

    assert found is None


@pytest.mark.parametrize(
    ("scenario", "kind", "field"), [("idle", "copy", "kind"), ("offices", "copy", "scenario")]
)
def test_a_scenario_that_says_nothing_of_the_target_is_refused(
    tmp_path: Path, scenario: str, kind: str, field: str
) -> None:
    text = 'name = "offices"\nseconds = 9\n[[calls]]\nkind = "copy"\narrivals = "offices"\n'
    (tmp_path / "offices").write_text(text)
    name = scenario if scenario == "idle" else str(tmp_path / scenario)

    with pytest.raises(Problem) as caught:
        find_knee(WHERE, How(name), Target(kind, 300), Effort())

    assert caught.value.metadata["field"] == field
