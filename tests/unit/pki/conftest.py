"""A PKI folder for reading, made once, and the clock that it was made at."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from juki_pki import make
from juki_pki.folder import PKIFolder
from juki_pki.profile import Profiles


@pytest.fixture(scope="session")
def now() -> datetime:
    """Return a time a little ago, because openssl judges by the machine's clock."""
    return datetime.now(UTC) - timedelta(minutes=10)


@pytest.fixture(scope="session")
def profiles() -> Profiles:
    """Return the shipped profiles."""
    return Profiles.load()


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory, profiles: Profiles, now: datetime) -> PKIFolder:
    """Return a folder that tests only read."""
    return make.init(tmp_path_factory.mktemp("pki") / "pki", profiles, now)


@pytest.fixture
def own_pki(tmp_path: Path, pki: PKIFolder) -> PKIFolder:
    """Return a folder that the test may change."""
    shutil.copytree(pki.path, tmp_path / "pki")
    return PKIFolder(tmp_path / "pki")
