"""The alert that witnesses lag: once a day, while no young head is cosigned by enough."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from juki_audit.witnesses import WitnessKey
from juki_center.areas.alerts.witnesses_lag import ACTOR, is_untold, tell
from juki_center.areas.audit.cosignatures import Cosignature, WitnessPolicy, WitnessSite
from juki_center.storage.sqlite import SQLiteStore
from tests.support.signed_center import CHIYODA, NOW, add_leaves, make_center, open_center_store

KEY = WitnessKey.of("witness.test", Ed25519PrivateKey.from_private_bytes(bytes(32)))
POLICY = WitnessPolicy((WitnessSite(CHIYODA, KEY),))
LAG = timedelta(hours=24)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SQLiteStore]:
    make_center(tmp_path)
    add_leaves(tmp_path, 3)
    with closing(open_center_store(tmp_path)) as store:
        yield store


async def cosigned(store: SQLiteStore) -> None:
    """Keep a cosignature of now."""
    note = store.read(lambda tx: tx.audit.checkpoint()) or b""
    one = Cosignature(KEY.name, KEY.key_id, 3, NOW, NOW, note)
    await store.act(lambda tx: tx.cosignatures.put(one))


async def test_log_that_nobody_cosigned_is_told_once_a_day(store: SQLiteStore) -> None:
    before = store.read(lambda tx: is_untold(tx, POLICY, LAG, NOW))
    alert = await store.act(lambda tx: tell(tx, NOW, "juki://center/log-watch"))

    assert before
    assert (alert.kind, alert.actor) == ("WITNESSES_LAG", ACTOR)
    assert not store.read(lambda tx: is_untold(tx, POLICY, LAG, NOW))
    assert store.read(lambda tx: is_untold(tx, POLICY, LAG, NOW + timedelta(days=1)))


@pytest.mark.parametrize(("hours", "is_late"), [(24, False), (25, True)])
async def test_cosigned_head_is_late_after_the_lag(
    store: SQLiteStore, hours: int, is_late: bool
) -> None:
    await cosigned(store)
    now = NOW + timedelta(hours=hours)

    assert store.read(lambda tx: is_untold(tx, POLICY, LAG, now)) is is_late


def test_center_without_witnesses_is_told_nothing(store: SQLiteStore) -> None:
    assert not store.read(lambda tx: is_untold(tx, WitnessPolicy(), LAG, NOW))
