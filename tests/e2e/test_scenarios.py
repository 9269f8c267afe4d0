"""The demonstration's scenarios, each as a test; and that they can fail.

With a real reader daemon they are played by `make demo`.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.console import Console

from tests.e2e import scenarios
from tests.e2e.scenarios import SCENARIOS
from tests.e2e.stage import Stage
from tests.e2e.telling import Scenario, perform, report

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]
of_virtual_readers = pytest.mark.parametrize("stage", ["virtual"], indirect=True, scope="module")
CLONE = next(s for s in SCENARIOS if s.play is scenarios.card_that_is_not_genuine)


@of_virtual_readers
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_scenario_is_as_it_should_be(stage: Stage, scenario: Scenario[Stage]) -> None:
    assert scenario.play(stage)


@of_virtual_readers
def test_a_genuine_card_in_place_of_the_clone_fails_the_demonstration(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(scenarios, "clone_of", lambda on, key: on.card(key))
    console = Console(file=(tmp_path / "said").open("w", encoding="utf-8"))

    played = perform(stage, [CLONE], console)

    assert not report({"command": "demo"}, played, tmp_path, console)
    assert [shown.ok for shown in played] == [False]


def test_a_demonstration_of_nothing_is_not_ok(tmp_path: Path) -> None:
    assert not report({"command": "demo"}, [], tmp_path, Console(quiet=True))
