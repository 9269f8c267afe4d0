"""Fills the audit log of a test center with leaves, as many as are wanted.

    lengthen(config, 10_000_000)

This is the way to make a long log for measurements, and for nothing else. Each leaf is an event
that the center's own code turns into a salted commitment and appends to the tree, with its nodes
and its subject; the head is signed when the store is opened with its key. What is left out is what
an act pays: its commit and its signature. What was cut off goes on where it was.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from juki_center.areas.audit.events import AuditEvent, Event
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.areas.residents.records import PersonID
from juki_center.cli.opening import open_with_key
from juki_center.config import CenterConfig
from juki_center.storage.connection import transaction
from juki_center.storage.keys import KeyEncryptionKey
from juki_center.storage.transaction import Transaction
from juki_center.store_url import is_server
from tools.scale.inventing import municipalities
from tools.scale.loading import Filled, NotEmpty, loading, refuse_production, spent

TOGETHER: Final = 20_000
"""So many leaves are committed together."""
_CALLER: Final = "juki://center/seeding"
_BEGAN: Final = datetime(2026, 4, 1, tzinfo=UTC)
_APART: Final = timedelta(milliseconds=25)
_PERSONS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class _Asked:
    """Whose window asked; the windows take turns."""

    municipalities: tuple[MunicipalityCode, ...]

    def events(self, first: int, count: int) -> Iterator[AuditEvent]:
        """Give the events of leaves: a copy was issued to a person, forty a second."""
        for index in range(first, first + count):
            issuing = self.municipalities[index % len(self.municipalities)]
            yield AuditEvent(
                event=Event.COPY_ISSUED,
                at=_BEGAN + index * _APART,
                caller_uri=_CALLER,
                issuing=issuing,
                residence=self.municipalities[index // 7 % len(self.municipalities)],
                # A permutation of the persons, so that a subject's leaves lie far apart.
                subjects=(PersonID((index * 613_651 % _PERSONS).to_bytes(16, "big")),),
                resource=f"{issuing}-{index}",
            )


def lengthen(
    config: CenterConfig, leaves: int, *, told: Callable[[int], None] = lambda _: None
) -> Filled:
    """Append leaves until the log has so many; `told` hears how many there are.

    The center must not run. Raises ConfigInvalid for a production center, NotEmpty for a store that
    has leaves of others.
    """
    refuse_production(config)
    open_with_key(config).close()
    began, cpu = time.monotonic(), spent()
    asked = _Asked(tuple(municipalities()))
    with closing(loading(config.store_url)) as sql:
        tx = Transaction(sql, KeyEncryptionKey.load(config.kek))
        _refuse_others(tx)
        size = before = tx.audit.size()
        while size < leaves:
            count = min(TOGETHER, leaves - size)
            with transaction(sql):
                tx.keys.begin()
                tx.log.begin()
                for event in asked.events(size, count):
                    tx.audit.append(event)
                tx.log.end_act()
                tx.log.seal(None)
            size += count
            told(size)
        sql.execute("ANALYZE")
        if not is_server(config.store_url):
            sql.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return Filled(size - before, size, time.monotonic() - began, spent() - cpu)


def _refuse_others(tx: Transaction) -> None:
    if any(leaf.caller_uri != _CALLER for _, leaf in tx.audit.contents(0, 1)):
        raise NotEmpty("the log has other leaves")
