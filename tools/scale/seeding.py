"""Fills the store of a test center with invented residents, many times faster than an import.

    fill(config, Register(count=1_000_000), processes=2)

This is the way to fill a test center for measurements, and for nothing else. Records are checked,
sealed and indexed by the center's own code; what is left out is what one import pays for each line:
its savepoint, the question whether its code is somebody's, and a statement for each row. One in
fifty has a second version, written by the use case that writes it for everybody. Each portion is a
transaction with its leaf in the log, so what was cut off goes on where it was.
"""

from __future__ import annotations

import hashlib
import os
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from multiprocessing import get_context, parent_process
from threading import Thread
from typing import Final

from juki_center.areas.audit.events import AuditEvent, Event
from juki_center.areas.residents.civil_date_texts import parse_date
from juki_center.areas.residents.imports import (
    Import,
    ImportMode,
    Source,
    Totals,
    begin_import,
    finish_import,
)
from juki_center.areas.residents.records import ChangeInformation, ChangeReason, PersonID
from juki_center.areas.residents.versions import write_version
from juki_center.cli.opening import open_with_key
from juki_center.config import CenterConfig
from juki_center.storage.connection import Connection, transaction
from juki_center.storage.keyring import KeyRing
from juki_center.storage.keys import KeyEncryptionKey
from juki_center.storage.residents_table import ResidentsTable
from juki_center.storage.sql import as_octets
from juki_center.storage.transaction import Transaction
from juki_center.store_url import is_server
from tools.scale.gathering import Gathered, Gathering
from tools.scale.inventing import Register, municipalities, portion
from tools.scale.loading import Filled, NotEmpty, loading, reading, refuse_production, spent

TABLES: Final = ("directory", "records", "code_index", "attribute_index")
"""Where a resident's rows are; who refers to another table stands behind it."""
_SOURCE: Final = "invented residents"
_CALLER: Final = "juki://center/seeding"
_SECOND_VERSION: Final = 50
_CHANGED_ON: Final = "令和8年3月16日"
_AHEAD: Final = 2


Told = Callable[[int], None]


def fill(
    config: CenterConfig,
    register: Register,
    *,
    processes: int = 1,
    told: Told = lambda _: None,
) -> Filled:
    """Fill the store that a configuration names, on from those of this seed that it has already.

    So what was cut off is taken up, and a store grows from one size to the next. The center must
    not run. `told` hears how many there are after each portion. What a crash of the
    machine does to a file that is being filled is undefined: throw it away then. Raises
    ConfigInvalid for a production center, NotEmpty for a store with other residents.
    """
    refuse_production(config)
    open_with_key(config).close()
    began, cpu = time.monotonic(), spent()
    with closing(loading(config.store_url)) as sql:
        filling = _Filling(sql, KeyEncryptionKey.load(config.kek), register)
        before = filling.begin()
        for made in _made(config, register, filling.portions_left(), processes):
            told(filling.load(made))
        filling.finish()
        if not is_server(config.store_url):
            sql.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    seconds = time.monotonic() - began
    return Filled(register.count - before, register.count, seconds, spent() - cpu)


class _Filling:
    """A store that is being filled, and how far that is."""

    def __init__(self, sql: Connection, kek: KeyEncryptionKey, register: Register) -> None:
        self._sql = sql
        self._tx = Transaction(sql, kek)
        self._register = register
        self._import = _import_of(register)

    def begin(self) -> int:
        """Begin, or take up what there is; return how many residents there are already.

        Raises NotEmpty for a store with others, or with so many that these cannot follow.
        """
        with transaction(self._sql):
            self._import = replace(self._own() or self._first(), is_finished=False)
        line, wanted = self._import.line, self._register
        if line > wanted.count:
            raise NotEmpty(f"the store has {line} residents already")
        if line < wanted.count and line != self._import.offset * wanted.together:
            raise NotEmpty("the last portion of the store is not whole, and nobody can follow it")
        return line

    def portions_left(self) -> range:
        """Return the portions that are not in the store."""
        return range(self._import.offset, self._register.portions)

    def load(self, made: Gathered) -> int:
        """Commit a portion; return how many residents there are then."""
        entered = made.rows["directory"]
        line = self._import.line + len(entered)
        now = datetime.now(UTC)
        reached = replace(
            self._import,
            line=line,
            offset=self._import.offset + 1,
            totals=Totals(applied=line),
            changed_at=now,
        )
        with transaction(self._sql):
            self._tx.keys.begin()
            self._tx.log.begin()
            made.load(self._sql, TABLES)
            for row in islice(entered, 0, None, _SECOND_VERSION):
                self._change(PersonID(as_octets(row[0])), now)
            self._tx.imports.reached(reached, ())
            self._tx.audit.append(_event(self._import, reached, now))
            self._tx.log.end_act()
            self._tx.log.seal(None)
        self._import = reached
        return line

    def finish(self) -> None:
        """Say that it is whole, and let the server's planner know what there is."""
        with transaction(self._sql):
            finish_import(self._tx, self._import, datetime.now(UTC))
        self._sql.execute("ANALYZE")

    def _change(self, person: PersonID, now: datetime) -> None:
        """Write the second version of a record: a room that was entered wrongly."""
        before = self._tx.residents.resident(person)
        why = ChangeInformation(ChangeReason.CORRECTION_EX_OFFICIO, parse_date(_CHANGED_ON), now)
        record = replace(before.record, building=f"{before.record.building}\u3000管理人室".strip())
        write_version(self._tx, before, replace(before, record=record, change=why))

    def _own(self) -> Import | None:
        """Return an earlier filling with residents of the same seed."""
        source = self._tx.imports.keyed(self._import.source)
        return next((one for one in self._tx.imports.newest(1) if one.source == source), None)

    def _first(self) -> Import:
        """Begin with the registers. Raises NotEmpty."""
        if self._sql.execute("SELECT 1 FROM directory LIMIT 1").fetchone() is not None:
            raise NotEmpty("the store has other residents")
        for one in municipalities():
            self._tx.registers.host(one)
        return begin_import(self._tx, self._import, restart=True)


def _import_of(register: Register) -> Import:
    """Return the import that a filling is to the center; it may always go on."""
    now = datetime.now(UTC)
    people = f"{_SOURCE} {register.seed} {register.together}"
    digest = hashlib.sha256(people.encode()).digest()
    source = Source(_SOURCE, digest, ImportMode.LINES)
    return Import(str(uuid.uuid4()), source, began_at=now, changed_at=now, line=0, offset=0)


def _event(before: Import, after: Import, now: datetime) -> AuditEvent:
    return AuditEvent(
        event=Event.RECORDS_IMPORTED,
        at=now,
        caller_uri=_CALLER,
        resource=before.import_id,
        details=(
            ("from_line", str(before.line + 1)),
            ("to_line", str(after.line)),
            ("applied", str(after.totals.applied - before.totals.applied)),
        ),
    )


def _made(
    config: CenterConfig, register: Register, wanted: range, processes: int
) -> Iterator[Gathered]:
    """Give the rows of portions in their order, made here or by so many processes."""
    if processes == 1:
        with closing(reading(config.store_url)) as sql:
            maker = _Maker(sql, KeyEncryptionKey.load(config.kek), register)
            yield from (maker.rows(number) for number in wanted)
        return
    with ProcessPoolExecutor(
        processes, get_context("spawn"), _begin_process, (config, register)
    ) as pool:
        numbers = iter(wanted)
        waiting: list[Future[Gathered]] = [
            pool.submit(_rows_in_process, one) for one in islice(numbers, processes + _AHEAD)
        ]
        while waiting:
            # Not all at once: what is made must fit into memory until it is loaded.
            made = waiting.pop(0).result()
            waiting += [pool.submit(_rows_in_process, one) for one in islice(numbers, 1)]
            yield made


class _Maker:
    """Makes the rows of portions by the center's own tables."""

    def __init__(self, sql: Connection, kek: KeyEncryptionKey, register: Register) -> None:
        self._register = register
        self._gathering = Gathering(sql)
        self._residents = ResidentsTable(self._gathering, KeyRing(sql, kek))

    def rows(self, number: int) -> Gathered:
        """Return the rows of a portion."""
        residents = self._residents
        for one in portion(self._register, number):
            household = residents.numbered_household(one.municipality, one.household_number)
            residents.enter(one.municipality, household, one.record, one.state)
        return self._gathering.taken()


# A process of the pool makes portion after portion with the keys that it has read once.
_makers: list[_Maker] = []


def _begin_process(config: CenterConfig, register: Register) -> None:
    Thread(target=_end_with_parent, daemon=True).start()
    sql = reading(config.store_url)
    _makers.append(_Maker(sql, KeyEncryptionKey.load(config.kek), register))


def _rows_in_process(number: int) -> Gathered:
    return _makers[0].rows(number)


def _end_with_parent() -> None:
    """End this process when the one that loads is gone, in whatever way: nobody would end it."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
