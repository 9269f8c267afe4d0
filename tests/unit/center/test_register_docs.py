"""The pictures of docs/registers.md are those of the code."""

from __future__ import annotations

import pytest

from tests.support.state_tables import PAGE, drawings, drawn, redrawn

STALE = "run `python -m tests.support.state_tables`"


@pytest.mark.parametrize("name", ["records", "measures"])
def test_the_page_shows_the_transition_table_of_the_code(name: str) -> None:
    assert drawn(PAGE.read_text(encoding="utf-8"), name).strip() == drawings()[name].strip(), STALE


def test_a_page_with_an_old_drawing_is_told_apart_and_redrawn() -> None:
    old = "<!-- drawn: records -->\nold\n<!-- end -->\n<!-- drawn: measures -->\n<!-- end -->\n"

    new = redrawn(old)

    assert drawn(old, "records") == "old\n"
    assert drawn(new, "records").strip() == drawings()["records"].strip()
    assert redrawn(new) == new


def test_a_page_without_a_place_for_a_drawing_is_told() -> None:
    with pytest.raises(LookupError, match="records"):
        drawn("nothing here", "records")
