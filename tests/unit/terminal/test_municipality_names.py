"""Names of municipalities at a terminal: those of the center, and codes as they are typed."""

from __future__ import annotations

import pytest

from juki_center import data
from juki_center.areas.residents.municipalities import Municipalities
from juki_client.outcome import Problem
from juki_terminal.municipality_names import name_of, read_code


def test_every_code_of_the_center_has_its_name() -> None:
    municipalities = Municipalities.parse(data.municipality_rows())

    wrong = [
        str(one.code)
        for one in municipalities.everything()
        if name_of(str(one.code)) != municipalities[one.code].full_name
    ]

    assert wrong == []
    assert len(municipalities) > 1_900


def test_code_without_a_name_is_its_own_name() -> None:
    assert name_of("999999") == "999999"


@pytest.mark.parametrize(
    ("typed", "code"), [(" 131016 ", "131016"), ("０１２１３１", "012131"), ("012050", "012050")]
)
def test_code_is_read_as_it_is_typed(typed: str, code: str) -> None:
    assert read_code(typed, "destination_code") == code


@pytest.mark.parametrize(
    ("typed", "rule"),
    [("112080", "CHECK_DIGIT"), ("112098", "CHECK_DIGIT"), ("11208", "112089"), ("", "112089")],
)
def test_slip_is_refused_with_the_field(typed: str, rule: str) -> None:
    with pytest.raises(Problem) as refused:
        read_code(typed, "destination_code")

    assert refused.value.metadata == {"field": "destination_code", "rule": rule}
