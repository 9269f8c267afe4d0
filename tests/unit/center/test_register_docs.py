"""The pictures of docs/registers.md, docs/cards.md and docs/moves.md are those of the code."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.state_tables import DOCS, drawn, pages, redrawn

STALE = "run `python -m tests.support.state_tables`"
RECORDS = pages()[DOCS / "registers.md"]


@pytest.mark.parametrize(
    ("path", "name"),
    [(path, name) for path, drawings in pages().items() for name in drawings],
    ids=lambda part: part.stem if isinstance(part, Path) else part,
)
def test_the_page_shows_the_table_of_the_code(path: Path, name: str) -> None:
    page = path.read_text(encoding="utf-8")

    assert drawn(page, name).strip() == pages()[path][name].strip(), STALE


def test_a_page_with_an_old_drawing_is_told_apart_and_redrawn() -> None:
    old = "<!-- drawn: records -->\nold\n<!-- end -->\n<!-- drawn: measures -->\n<!-- end -->\n"

    new = redrawn(old, RECORDS)

    assert drawn(old, "records") == "old\n"
    assert drawn(new, "records").strip() == RECORDS["records"].strip()
    assert redrawn(new, RECORDS) == new


def test_a_page_without_a_place_for_a_drawing_is_told() -> None:
    with pytest.raises(LookupError, match="records"):
        drawn("nothing here", "records")
