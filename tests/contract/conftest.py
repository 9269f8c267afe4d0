"""Every store that a center can run on, opened on a folder with everybody in it."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from juki_center.storage import import_run
from juki_center.storage.center_store import CenterStore
from juki_center.storage.keys import KeyEncryptionKey
from tests.support.center import Center, enter_everybody, make_policy, make_signer, open_test_store
from tests.support.postgresql import URL_FILE, Databases, databases
from tests.support.register_desk import RegisterDesk

WINDOW_SECONDS = 0.02
LONG = bool(os.environ.get("JUKI_LONG"))
# What runs on a server each time: together they run nearly every statement of every table. All
# the others do so in the long form.
_ALWAYS_ON_SERVER = frozenset(
    (
        "test_alerts",
        "test_approvals",
        "test_card_uniqueness",
        "test_case_27_cards_of_movers",
        "test_code_changes",
        "test_control_events",
        "test_copies_of_movers",
        "test_disconnections",
        "test_edit_locks",
        "test_exactly_once",
        "test_households",
        "test_kill",
        "test_move_whole_ways",
        "test_revocations",
        "test_store",
        "test_update_queues",
        "test_watch",
    )
)


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


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test on every store that it is meant for."""
    if "backend" in metafunc.fixturenames:
        metafunc.parametrize("backend", _backends(metafunc.definition), scope="session")


def _backends(test: pytest.Item) -> list[str]:
    if test.get_closest_marker("embedded"):
        return ["sqlite"]
    if test.get_closest_marker("on_server"):
        return ["postgresql"]
    if LONG or test.path.stem in _ALWAYS_ON_SERVER:
        return ["sqlite", "postgresql"]
    return ["sqlite"]


@pytest.fixture(scope="session")
def server() -> Iterator[Databases]:
    """Run a PostgreSQL server."""
    with databases() as found:
        yield found


@pytest.fixture(scope="session")
def furnished_database(server: Databases, furnished: Path) -> str:
    """Return a database with everybody in it, under the key of `furnished`."""
    return server.template(KeyEncryptionKey.load(furnished / "kek"), enter_everybody)


@pytest.fixture(scope="session")
def empty_database(server: Databases, furnished: Path) -> str:
    """Return a database without anybody, under the key of `furnished`."""
    return server.template(KeyEncryptionKey.load(furnished / "kek"), None)


@pytest.fixture
def folder(
    backend: str, tmp_path: Path, furnished: Path, request: pytest.FixtureRequest
) -> Iterator[Path]:
    """Give a folder of its own with everybody in its store, which is closed."""
    if backend == "sqlite":
        yield Path(shutil.copytree(furnished, tmp_path / "center"))
        return
    template = request.getfixturevalue("furnished_database")
    with _database(request, template, furnished, tmp_path / "center") as found:
        yield found


@pytest.fixture
def home(backend: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """Give a folder for a store of its own."""
    if backend == "sqlite":
        (tmp_path / "center").mkdir()
        yield tmp_path / "center"
        return
    template = request.getfixturevalue("empty_database")
    furnished = request.getfixturevalue("furnished")
    with _database(request, template, furnished, tmp_path / "center") as found:
        yield found


@contextmanager
def _database(
    request: pytest.FixtureRequest, template: str, furnished: Path, folder: Path
) -> Iterator[Path]:
    server: Databases = request.getfixturevalue("server")
    name = server.copy(template)
    folder.mkdir()
    shutil.copy(furnished / "kek", folder / "kek")
    (folder / URL_FILE).write_text(server.server.url(name))
    yield folder
    server.drop(name)


@pytest.fixture
def store(folder: Path) -> Iterator[CenterStore]:
    """Give an open store; its window is long enough for acts to meet in it."""
    opened = open_test_store(folder, window_seconds=WINDOW_SECONDS)
    yield opened
    opened.close()


@pytest.fixture
def center(store: CenterStore) -> Center:
    """Return a center on the store."""
    signer, trust = make_signer()
    return Center(store, make_policy(signer), trust)


@pytest.fixture
def desk(store: CenterStore) -> RegisterDesk:
    """Return the desk of Tokorozawa's register."""
    return RegisterDesk(store)


@pytest.fixture
def empty(home: Path) -> Iterator[CenterStore]:
    """Give a store without anybody."""
    store = open_test_store(home)
    yield store
    store.close()


@pytest.fixture
def small_transactions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let an import commit every ten lines."""
    monkeypatch.setattr(import_run, "LINES_IN_A_TRANSACTION", 10)
