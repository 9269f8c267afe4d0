"""100 applicants at 8 terminals, the center killed at every point: judged by what clients saw."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.e2e.storm import MESSAGES, TERMINALS, run_storm
from tests.support.judge import violations
from tests.support.mortal_cuts import CUTS

LONG = os.environ.get("JUKI_LONG") == "1"
pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(3600 if LONG else 600)]


@pytest.mark.parametrize("seed", range(1, 6 if LONG else 2))
def test_no_copy_is_lost_doubled_or_misdelivered_in_a_storm(tmp_path: Path, seed: int) -> None:
    applicants = 1000 if LONG else 100

    storm = run_storm(tmp_path, applicants=applicants, seed=seed)

    print(f"seed {seed}: " + ", ".join(f"{p}: {storm.hits[p]}" for p in (*CUTS, *MESSAGES)))
    assert violations(storm.history) == []
    assert len(storm.history) >= applicants
    assert all(application.final for application in storm.history)
    numbers = {application.final.issue_number for application in storm.history if application.final}
    assert storm.listed == numbers, "an issue that no applicant's request owns"
    assert {point for point in (*CUTS, *MESSAGES) if not storm.hits[point]} == set()


def test_a_center_that_does_not_bind_sessions_is_caught(tmp_path: Path) -> None:
    storm = run_storm(tmp_path, applicants=3 * TERMINALS, seed=1, mutant="unbound")

    assert any("another" in found for found in violations(storm.history))
