"""The threat model: every threat names a control that exists and a test that exists.

A row of a table in docs/threat-model.md has an id, the threat, the control with a link to where it
lies, and the tests that would fail without it, each `path::test_name` below `tests/`.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from tools.checks.report import ROOT, report

DOCUMENT: Final = Path("docs/threat-model.md")
ROW: Final = re.compile(r"^\| (?P<id>T[0-9]{2}) \|(?P<rest>.*)\|\s*$")
LIKE_A_ROW: Final = re.compile(r"^\|\s*T\s*[0-9]")
LINK: Final = re.compile(r"\[[^\]]+\]\((?P<target>[^)\s]+)\)")
TEST: Final = re.compile(r"`(?P<file>[\w/]+\.py)::(?P<name>test_\w+)`")
CELLS: Final = 3
LEAST_WORDS: Final = 4


@dataclass(frozen=True, slots=True)
class Threat:
    """One row: what could happen, what stands against it, which tests show it."""

    number: str
    threat: str
    control: str
    tests: str


def findings(root: Path, text: str) -> Iterator[str]:
    """Yield what the document leaves open."""
    rows = [line for line in text.splitlines() if LIKE_A_ROW.match(line)]
    threats = [found for line in rows if (found := parse(line))]
    yield from (f"no row of the table: {line[:60]}" for line in rows if parse(line) is None)
    expected = [f"T{number:02}" for number in range(1, len(threats) + 1)]
    if [threat.number for threat in threats] != expected:
        yield "the ids are not T01, T02 and so on without a gap"
    if not threats:
        yield "there is no threat at all"
    for threat in threats:
        yield from (f"{threat.number}: {gap}" for gap in gaps(root, threat))


def parse(line: str) -> Threat | None:
    """Return the threat of a line, or None where it has not four cells."""
    row = ROW.match(line)
    cells = [cell.strip() for cell in row["rest"].split("|")] if row else []
    if row is None or len(cells) != CELLS:
        return None
    return Threat(row["id"], *cells)


def gaps(root: Path, threat: Threat) -> Iterator[str]:
    """Yield what one threat lacks."""
    if len(threat.threat.split()) < LEAST_WORDS:
        yield "says nothing of the threat"
    links = LINK.findall(threat.control)
    if not links:
        yield "names no control"
    for target in links:
        if not (root / DOCUMENT.parent / target.partition("#")[0]).exists():
            yield f"the control {target} does not exist"
    tests = TEST.findall(threat.tests)
    if not tests:
        yield "names no test"
    for file, name in tests:
        if name not in tests_in(root / "tests" / file):
            yield f"there is no test {file}::{name}"


@cache
def tests_in(path: Path) -> frozenset[str]:
    """Return the names of the tests in a file; none where there is no such file."""
    if not path.is_file():
        return frozenset()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, kinds))


def main() -> int:
    """Check the threat model; return 1 where something is open."""
    text = (ROOT / DOCUMENT).read_text(encoding="utf-8")
    rows = sum(parse(line) is not None for line in text.splitlines())
    return report(findings(ROOT, text), remark=f"{rows} threats")


if __name__ == "__main__":
    sys.exit(main())
