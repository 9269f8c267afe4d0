"""Fixtures for all tests: the published vectors, where they lie beside the project."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from juki_center.rpc import tls13

tls13.settle()  # before any test module imports gRPC, which reads its settings once

ROOT = Path(__file__).resolve().parent.parent


def published_path() -> Path:
    """Return where the file of published vectors is expected."""
    named = os.environ.get("JUKI_PUBLISHED_VECTORS")
    return Path(named) if named else ROOT.parent / "shared" / "vectors" / "published.json"


@pytest.fixture(scope="session")
def published() -> dict[str, Any]:
    """Return the published vectors; a test that needs them says when they are not there."""
    path = published_path()
    if not path.is_file():
        pytest.skip("the file of published vectors is not beside the project")
    vectors: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return vectors
