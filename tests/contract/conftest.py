"""Every store that a center can run on, opened on a folder with everybody in it."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from juki_center.storage import import_run
from juki_center.storage.sqlite import SQLiteStore
from tests.support.center import Center, enter_everybody, make_policy, make_signer, open_test_store
from tests.support.register_desk import RegisterDesk

WINDOW_SECONDS = 0.02


@pytest.fixture(scope="session")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a closed store that has everybody in it."""
    folder = tmp_path_factory.mktemp("furnished")

    async def furnish() -> None:
        store = open_test_store(folder)
        await store.act(enter_everybody)
        store.close()

    asyncio.run(furnish())
    return folder


@pytest.fixture
def folder(tmp_path: Path, furnished: Path) -> Path:
    """Return a folder of its own with everybody in its store, which is closed."""
    return Path(shutil.copytree(furnished, tmp_path / "center"))


@pytest.fixture(params=["sqlite"])
def store(folder: Path) -> Iterator[SQLiteStore]:
    """Give an open store; its window is long enough for acts to meet in it."""
    opened = open_test_store(folder, window_seconds=WINDOW_SECONDS)
    yield opened
    opened.close()


@pytest.fixture
def center(store: SQLiteStore) -> Center:
    """Return a center on the store."""
    signer, trust = make_signer()
    return Center(store, make_policy(signer), trust)


@pytest.fixture
def desk(store: SQLiteStore) -> RegisterDesk:
    """Return the desk of Tokorozawa's register."""
    return RegisterDesk(store)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return a folder for a store of its own."""
    (tmp_path / "center").mkdir()
    return tmp_path / "center"


@pytest.fixture
def empty(home: Path) -> Iterator[SQLiteStore]:
    """Give a store without anybody."""
    store = open_test_store(home)
    yield store
    store.close()


@pytest.fixture
def small_transactions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let an import commit every ten lines."""
    monkeypatch.setattr(import_run, "LINES_IN_A_TRANSACTION", 10)
