"""What the judges need: a PKI folder of ours, and programs that are not ours."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from juki_pki import make
from juki_pki.folder import PKIFolder
from juki_pki.profile import Profiles


@pytest.fixture(scope="session")
def need() -> Callable[[str], str]:
    """Return a function that finds a judge; a missing judge fails, for nothing was judged."""

    def find(program: str) -> str:
        path = shutil.which(program)
        if path is None:
            pytest.fail(f"{program} is not installed; `make system` installs it")
        return path

    return find


@pytest.fixture(scope="session")
def now() -> datetime:
    """Return the time: these judges have a clock of their own."""
    return datetime.now(UTC)


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory, now: datetime) -> PKIFolder:
    """Return a PKI folder that tests only read."""
    return make.init(tmp_path_factory.mktemp("pki") / "pki", Profiles.load(), now)
