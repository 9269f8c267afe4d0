"""Test centers to be filled, with a store in a file or on a server."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from juki_center.cli import dev_texts
from juki_center.config import CenterConfig
from juki_center.storage.keys import create_kek
from tests.support.postgresql import Databases, databases


@pytest.fixture
def config(tmp_path: Path) -> CenterConfig:
    """Return the configuration of a test center with a store in a file that is not there yet."""
    (tmp_path / "center").mkdir()
    create_kek(tmp_path / "center" / "kek")
    path = tmp_path / "center.toml"
    path.write_text(dev_texts.center_toml("center-1"), encoding="utf-8")
    return CenterConfig.load(path)


@pytest.fixture(scope="session")
def server() -> Iterator[Databases]:
    """Run a PostgreSQL server."""
    with databases() as found:
        yield found


@pytest.fixture(params=["sqlite", "postgresql"])
def either(request: pytest.FixtureRequest, config: CenterConfig) -> Iterator[CenterConfig]:
    """Return the configuration of a test center with an empty store of each kind."""
    if request.param == "sqlite":
        yield config
        return
    server: Databases = request.getfixturevalue("server")
    name = server.empty()
    yield replace(config, store_url=server.server.url(name))
    server.drop(name)
