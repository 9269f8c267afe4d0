"""A center with the sample residents, for tests of its acts."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from juki_center.areas.copies.signature import CopySigner, CopyTrust
from tests.support.center import Center, enter_everybody, make_policy, make_signer, open_test_store


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


@pytest.fixture(scope="session")
def signer() -> tuple[CopySigner, CopyTrust]:
    """Return a copy signer and the trust in it."""
    return make_signer()


@pytest.fixture
async def center(
    tmp_path: Path, furnished: Path, signer: tuple[CopySigner, CopyTrust]
) -> AsyncIterator[Center]:
    """Give a center with everybody in it."""
    folder = tmp_path / "center"
    shutil.copytree(furnished, folder)
    store = open_test_store(folder)
    yield Center(store, make_policy(signer[0]), signer[1])
    store.close()
