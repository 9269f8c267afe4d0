"""The check of the locks finds a stale, an edited and an unhashed lock."""

from __future__ import annotations

import pytest

from tools.checks import locks
from tools.checks.report import ROOT

PYPROJECT = """
[build-system]
requires = ["hatchling"]
[project]
requires-python = ">=3.11"
dependencies = ["one>=1"]
[project.optional-dependencies]
dev = ["two>=2"]
[tool.other]
setting = 1
"""
ONE = "one==1.4 \\\n    --hash=sha256:aa\n"
TWO = "two==2.0 ; python_full_version < '3.13' \\\n    --hash=sha256:bb\n"


def lock(body: str, pyproject: str = PYPROJECT) -> str:
    """Return a lock as it would have been written."""
    return locks.first_line(pyproject, body) + body


def test_fresh_locks_have_no_finding() -> None:
    texts = {"dev": lock(ONE + TWO), "center": lock(ONE)}

    assert locks.findings(PYPROJECT, texts) == []


def test_other_settings_leave_a_lock_fresh() -> None:
    changed = PYPROJECT.replace("setting = 1", "setting = 2")

    assert locks.findings(changed, {"dev": lock(ONE + TWO)}) == []


@pytest.mark.parametrize(
    ("given", "instead"), [("one>=1", "one>=1.5"), ("two>=2", "two>=3"), (">=3.11", ">=3.12")]
)
def test_changed_dependency_makes_a_lock_stale(given: str, instead: str) -> None:
    changed = PYPROJECT.replace(given, instead)

    found = locks.findings(changed, {"dev": lock(ONE + TWO)})

    assert found == ["requirements/dev.txt is not what `make lock` makes: run it"]


def test_line_taken_out_by_hand_is_found() -> None:
    edited = lock(ONE + TWO).replace(TWO, "")

    found = locks.findings(PYPROJECT, {"dev": edited})

    assert found == ["requirements/dev.txt is not what `make lock` makes: run it"]


def test_requirement_without_a_hash_is_found() -> None:
    body = ONE + "two==2.0\n"

    assert locks.findings(PYPROJECT, {"dev": lock(body)}) == [
        "requirements/dev.txt has no hash for two==2.0"
    ]


def test_url_is_found() -> None:
    body = ONE + "two @ https://example.org/two.whl \\\n    --hash=sha256:bb\n"

    assert "requirements/dev.txt names a URL" in locks.findings(PYPROJECT, {"dev": lock(body)})


def test_two_versions_of_one_package_are_found() -> None:
    texts = {"dev": lock(ONE + TWO), "center": lock(ONE.replace("1.4", "1.5"))}

    found = locks.findings(PYPROJECT, texts)

    assert found == ["requirements/center.txt pins one to another version than dev.txt"]


def test_own_locks_pin_each_direct_dependency() -> None:
    names = {"grpcio", "cryptography", "protobuf", "typer"}

    pinned = {name: locks.versions(text).keys() for name, text in locks.read(ROOT).items()}

    assert all(names <= pins for pins in pinned.values())
    assert "pyscard" in pinned["terminal"]
    assert "pyscard" not in pinned["center"]
