"""docs/simulation.md names every rule of the audit as the code does."""

from __future__ import annotations

from pathlib import Path

import pytest

from juki_center.simulation.findings import Rule

PAGE = Path(__file__).parents[3] / "docs" / "simulation.md"


@pytest.mark.parametrize("rule", Rule)
def test_page_has_the_rule(rule: Rule) -> None:
    assert f"| `{rule.name}` | {rule.value} |" in PAGE.read_text(encoding="utf-8")
