"""For how long a store was busy: what its saturation is computed from."""

from __future__ import annotations

import time

from juki_center.storage.center_store import CenterStore


async def test_the_time_of_each_commit_is_counted(store: CenterStore) -> None:
    before, began = store.busy_seconds, time.monotonic()

    await store.act(lambda _: time.sleep(0.05))

    # The writer may still be about to note the end of the commit.
    after = store.busy_seconds
    assert 0.05 <= after - before <= time.monotonic() - began


async def test_a_commit_that_goes_on_is_counted_too(store: CenterStore) -> None:
    seen = []

    await store.act(lambda _: seen.append((store.busy_seconds, time.sleep(0.05))))

    (within, _), after = seen[0], store.busy_seconds
    assert after >= within + 0.05
