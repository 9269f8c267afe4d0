"""Fixtures for all tests: the published vectors, where they lie beside the project."""

from __future__ import annotations

import gc
import json
import os
import secrets
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from juki_center.rpc import tls13

tls13.settle()  # before any test module imports gRPC, which reads its settings once
# What is sampled is sampled alike in each process that this one starts; see tests.support.sampling.
os.environ.setdefault("JUKI_SEED", str(secrets.randbelow(10_000)))

ROOT = Path(__file__).resolve().parent.parent


NOT_BESIDE = "the file of published vectors is not beside the project"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,  # the hook's name
    call: pytest.CallInfo[None],  # the hook's name
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI nothing but the published vectors may be missing; what samples tells its seed."""
    report = yield
    if report.skipped and os.environ.get("CI") == "true" and NOT_BESIDE not in str(report.longrepr):
        report.outcome = "failed"
        report.longrepr = f"skipped in CI: {report.longrepr}"
    if report.failed and item.get_closest_marker("slow"):
        report.sections.append(("what was sampled", f"JUKI_SEED={os.environ['JUKI_SEED']}"))
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name the tests that failed in the file of JUKI_FAILED, a line each, to be asked again."""
    if named := os.environ.get("JUKI_FAILED"):
        reports = [r for kind in ("failed", "error") for r in terminalreporter.stats.get(kind, ())]
        names = sorted({report.nodeid for report in reports})
        Path(named).write_text("".join(f"{name}\n" for name in names), encoding="utf-8")


def published_path() -> Path:
    """Return where the file of published vectors is expected."""
    named = os.environ.get("JUKI_PUBLISHED_VECTORS")
    return Path(named) if named else ROOT.parent / "shared" / "vectors" / "published.json"


@pytest.fixture(scope="session")
def published() -> dict[str, Any]:
    """Return the published vectors; a test that needs them says when they are not there."""
    path = published_path()
    if not path.is_file():
        pytest.skip(NOT_BESIDE)
    vectors: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return vectors


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Look for no garbage while tests are collected, and later in nothing that was collected.

    It stays to the end, and each search of the collector went through all of it again.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()
