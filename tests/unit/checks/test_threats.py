"""The check of the threat model finds each kind of gap."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.checks.threats import findings

HEAD = "| Id | Threat | Control | Tests |\n|---|---|---|---|\n"
THREAT = "somebody reads what is secret"
CONTROL = "sealed: [keys](../keys.py)"
TEST = "`unit/test_a.py::test_sealed`"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "docs").mkdir()
    (tmp_path / "keys.py").touch()
    (tmp_path / "tests" / "unit").mkdir(parents=True)
    (tmp_path / "tests" / "unit" / "test_a.py").write_text("def test_sealed() -> None: ...\n")
    return tmp_path


def row(number: str = "T01", threat: str = THREAT, control: str = CONTROL, test: str = TEST) -> str:
    return f"{HEAD}| {number} | {threat} | {control} | {test} |\n"


def test_a_threat_with_control_and_test_has_no_gap(root: Path) -> None:
    assert list(findings(root, row())) == []


@pytest.mark.parametrize(
    ("text", "gap"),
    [
        (row(control="sealed"), "T01: names no control"),
        (row(control="[keys](../gone.py)"), "T01: the control ../gone.py does not exist"),
        (row(test="see the tests"), "T01: names no test"),
        (
            row(test="`unit/test_a.py::test_gone`"),
            "T01: there is no test unit/test_a.py::test_gone",
        ),
        (
            row(test="`unit/test_b.py::test_sealed`"),
            "T01: there is no test unit/test_b.py::test_sealed",
        ),
        (row(threat="theft"), "T01: says nothing of the threat"),
        (row(number="T02"), "the ids are not T01, T02 and so on without a gap"),
        (
            f"{HEAD}| T01 | {THREAT} | {CONTROL} |\n",
            f"no row of the table: | T01 | {THREAT} | seale",
        ),
        ("nothing", "there is no threat at all"),
    ],
)
def test_a_gap_is_named(root: Path, text: str, gap: str) -> None:
    assert any(found.startswith(gap) for found in findings(root, text))
