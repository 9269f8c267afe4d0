"""A center with the sample residents, for tests of its acts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from juki_center.storage.sqlite import SQLiteStore
from tests.support.center import Center, enter_everybody, make_policy, make_signer, open_test_store


@pytest.fixture
async def center(tmp_path: Path) -> AsyncIterator[Center]:
    """Give a center with everybody in it."""
    store: SQLiteStore = open_test_store(tmp_path)
    signer, trust = make_signer()
    await store.act(enter_everybody)
    yield Center(store, make_policy(signer), trust)
    store.close()
