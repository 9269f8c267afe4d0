"""The integrator's page: its example runs, and its tables name what there is."""

from __future__ import annotations

import re
from pathlib import Path

from juki_client.outcome import Exit
from juki_terminal.journal import State
from juki_terminal.pin import FilePin
from tests.unit.terminal.center_double import CopiesDouble
from tests.unit.terminal.conftest import PIN

PAGE = Path(__file__).resolve().parents[3] / "docs" / "integrator.md"


def test_example_of_the_library_issues_a_copy(
    config: Path, copies: CopiesDouble, tmp_path: Path
) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, object] = {}
    exec(compile(example, str(PAGE), "exec"), names)
    issue_one = names["issue_one"]
    assert callable(issue_one)

    number = issue_one(config, FilePin([PIN]), tmp_path / "copy.pdf")

    (issue,) = copies.issues.values()
    assert number == issue.issue_number
    assert (tmp_path / "copy.pdf").exists()


def test_page_names_every_exit_code_and_every_state() -> None:
    page = PAGE.read_text(encoding="utf-8")

    assert [code for code in Exit if f"| {code.value} | " not in page] == []
    assert [state for state in State if state.value not in page] == []
