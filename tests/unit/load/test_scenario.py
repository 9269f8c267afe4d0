"""Scenarios as files."""

from __future__ import annotations

import pytest

from juki_client.outcome import Problem
from juki_load import scenario
from juki_load.arrivals import Model
from juki_load.scenario import SLO, Calls, Kind

SMALL = """
name = "small"
seconds = 5

[[calls]]
kind = "confirm"
rate = 20

[[slo]]
kind = "confirm"
p99_ms = 300
"""


def test_a_scenario_says_calls_and_limits() -> None:
    found = scenario.parse(SMALL, "small.toml")

    assert found.calls == (Calls(Kind.CONFIRM, rate=20),)
    assert found.calls[0].arrivals is Model.POISSON
    assert found.slo == (SLO("confirm", p99_ms=300),)


@pytest.mark.parametrize("name", ["steady", "0900", "march", "batch", "idle", "soak"])
def test_each_shipped_scenario_can_be_read(name: str) -> None:
    assert name in scenario.shipped()
    assert scenario.load(name).name == name


def test_0900_is_the_model_of_the_first_day() -> None:
    found = scenario.load("0900")

    copies, searches, codes = found.calls
    assert (copies.arrivals, searches.arrivals) == (Model.OFFICES, Model.OFFICES)
    assert (copies.share, searches.share) == (0.7, 0.3)
    assert copies.connect_within_seconds == 60
    assert copies.pause_seconds == (60, 120)
    assert codes.kind is Kind.CONFIRM


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (SMALL.replace("rate = 20", "rates = 20"), "rates"),
        (SMALL.replace("p99_ms", "p999_ms"), "p999_ms"),
        (SMALL.replace("seconds = 5", "seconds = 5\nhours = 1"), "hours"),
        (SMALL.replace('"confirm"\nrate', '"confuse"\nrate'), "calls[0].kind"),
        (SMALL.replace("rate = 20", "rate = 0"), "calls.rate"),
        (SMALL.replace("seconds = 5", "seconds = 0"), "seconds"),
        (SMALL.replace("rate = 20", 'rate = 20\narrivals = "offices"'), "no rate"),
        (SMALL.replace("rate = 20", "rate = 20\npause_seconds = [9, 3]"), "pause_seconds"),
        (SMALL.replace('kind = "confirm"\np99', 'kind = "copy"\np99'), "copy is not called"),
        ('name = "nothing"\nseconds = 5', "at least one"),
        ("name = ", "TOML"),
    ],
)
def test_a_scenario_that_cannot_be_run_is_refused_by_name(text: str, rule: str) -> None:
    with pytest.raises(Problem) as caught:
        scenario.parse(text, "wrong.toml")

    assert caught.value.reason == "CONFIGURATION_INVALID"
    assert rule in caught.value.metadata["rule"]
    assert caught.value.metadata["file"] == "wrong.toml"


def test_an_unknown_name_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(Problem) as caught:
        scenario.load("nine-oclock")

    assert "0900" in caught.value.metadata["rule"]


def test_a_faster_scenario_has_all_rates_multiplied() -> None:
    assert scenario.parse(SMALL, "small.toml").faster(2.5).calls[0].rate == 50
