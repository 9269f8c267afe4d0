"""What every store promises: whole acts or nothing, durable before they are answered."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import stat
import struct
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from juki_center.areas.audit.events import AuditEvent, DeniedAttempt, Event
from juki_center.areas.ports import Tx
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.areas.residents.records import PersonID
from juki_center.errors import ConfigInvalid, KeyUnusable, Reason, Refusal
from juki_center.storage import connection, open_store
from juki_center.storage.faults import BROKEN_CONSTRAINT
from juki_center.storage.keys import KeyEncryptionKey, SealKey, create_kek
from juki_center.storage.sqlite import SQLiteStore
from tests.support.center import NOW, SAMPLES, open_test_store
from tests.support.leaves import leaves
from tests.support.planted_cards import card
from tests.support.rows import peeking

FIRST_PERSON = "SELECT person FROM records ORDER BY person LIMIT 1"
EVENT = AuditEvent(Event.COPY_REFUSED, NOW, "juki://operator/1")


def has(store: SQLiteStore, serial: bytes) -> bool:
    """Tell whether a card is committed."""
    return store.read(lambda tx: tx.cards.card(serial)) is not None


def wal_commits(path: Path) -> int:
    """Count the commits in a write-ahead log, by the frames that end one."""
    octets = Path(f"{path}-wal").read_bytes()
    page = struct.unpack(">I", octets[8:12])[0]
    frames = range(32, len(octets), 24 + page)
    return sum(struct.unpack(">I", octets[at + 4 : at + 8])[0] != 0 for at in frames)


class Interrupted(Exception):
    """An act's own trouble."""


class Unwritable:
    """A value that no leaf can hold, and whose trouble quotes a name."""

    def __str__(self) -> str:
        raise Interrupted("所沢太郎")


async def test_a_committed_act_is_read_by_everybody(store: SQLiteStore) -> None:
    await store.act(lambda tx: tx.cards.add_card(card(b"1" * 32)))

    assert has(store, b"1" * 32)
    with peeking(store) as other:
        found = other.execute("SELECT 1 FROM cards WHERE serial = ?", (b"1" * 32,)).fetchone()
    assert found is not None


async def test_an_act_that_raises_leaves_nothing_and_its_neighbours_stand(
    store: SQLiteStore,
) -> None:
    def broken(tx: Tx) -> None:
        tx.cards.add_card(card(b"2" * 32))
        tx.audit.append(EVENT)
        raise Interrupted

    before = len(leaves(store))
    outcomes = await asyncio.gather(
        store.act(lambda tx: tx.cards.add_card(card(b"1" * 32))),
        store.act(broken),
        store.act(lambda tx: tx.cards.add_card(card(b"3" * 32))),
        return_exceptions=True,
    )

    assert [type(outcome) for outcome in outcomes] == [type(None), Interrupted, type(None)]
    assert [has(store, number * 32) for number in (b"1", b"2", b"3")] == [True, False, True]
    assert len(leaves(store)) == before


@pytest.mark.parametrize(("writes_first", "runs"), [(False, 1), (True, 2)])
async def test_neighbours_are_run_again_only_where_an_act_fails_half_done(
    store: SQLiteStore, writes_first: bool, runs: int
) -> None:
    counted = []

    def neighbour(tx: Tx) -> None:
        counted.append(1)
        tx.cards.add_card(card(b"1" * 32))
        tx.audit.append(EVENT)

    def refused(tx: Tx) -> None:
        if writes_first:
            tx.cards.add_card(card(b"2" * 32))
        raise Refusal(Reason.CARD_UNKNOWN)

    before = len(leaves(store))
    outcomes = await asyncio.gather(
        store.act(neighbour), store.act(refused), return_exceptions=True
    )

    assert (outcomes[0], type(outcomes[1])) == (None, Refusal)
    assert [has(store, number * 32) for number in (b"1", b"2")] == [True, False]
    assert (len(counted), len(leaves(store)) - before) == (runs, 1)


async def test_a_denied_attempt_leaves_its_leaf_and_nothing_else(store: SQLiteStore) -> None:
    def denied(tx: Tx) -> None:
        tx.cards.add_card(card(b"1" * 32))
        raise DeniedAttempt(Refusal(Reason.CARD_UNKNOWN, key="value"), EVENT)

    before = len(leaves(store))
    with pytest.raises(DeniedAttempt) as caught:
        await store.act(denied)

    assert (caught.value.reason, caught.value.metadata) == (Reason.CARD_UNKNOWN, {"key": "value"})
    assert not has(store, b"1" * 32)
    assert [leaf["ev"] for leaf in leaves(store)[before:]] == ["COPY_REFUSED"]


async def test_a_broken_constraint_is_its_acts_own_trouble(store: SQLiteStore) -> None:
    await store.act(lambda tx: tx.cards.add_card(card(b"1" * 32)))

    outcomes = await asyncio.gather(
        store.act(lambda tx: tx.cards.add_card(card(b"1" * 32))),
        store.act(lambda tx: tx.cards.add_card(card(b"2" * 32))),
        return_exceptions=True,
    )

    assert isinstance(outcomes[0], BROKEN_CONSTRAINT)
    assert has(store, b"2" * 32)


async def test_a_batch_that_fails_as_a_whole_is_run_again_act_by_act(store: SQLiteStore) -> None:
    runs = []

    def fails(_tx: Tx) -> None:
        raise sqlite3.OperationalError

    def counted(tx: Tx) -> None:
        runs.append(1)
        tx.cards.add_card(card(b"1" * 32))

    outcomes = await asyncio.gather(store.act(counted), store.act(fails), return_exceptions=True)

    assert outcomes[0] is None
    assert isinstance(outcomes[1], Refusal)
    assert outcomes[1].reason is Reason.STORE_UNAVAILABLE
    assert len(runs) == 2
    assert has(store, b"1" * 32)


async def test_a_defect_in_a_denial_hits_neither_its_neighbours_nor_the_log(
    store: SQLiteStore, caplog: pytest.LogCaptureFixture
) -> None:
    def denied(_tx: Tx) -> None:
        unwritable = replace(EVENT, details=(("name", Unwritable()),))  # type: ignore[arg-type]  # a defect
        raise DeniedAttempt(Refusal(Reason.CARD_UNKNOWN), unwritable)

    acts = (store.act(denied), store.act(lambda tx: tx.cards.add_card(card(b"1" * 32))))
    outcomes = await asyncio.gather(*acts, return_exceptions=True)

    assert isinstance(outcomes[0], Interrupted)
    assert outcomes[1] is None
    assert has(store, b"1" * 32)
    assert "Interrupted" in caplog.text
    assert "所沢太郎" not in caplog.text


@pytest.mark.embedded
async def test_acts_that_meet_in_the_window_share_a_commit(store: SQLiteStore) -> None:
    await store.act(lambda tx: tx.audit.append(EVENT))
    before = wal_commits(store.path)

    await asyncio.gather(*(store.act(lambda tx: tx.audit.append(EVENT)) for _ in range(64)))

    assert wal_commits(store.path) - before <= 3
    assert len(leaves(store)) == 66


async def test_more_acts_than_a_batch_holds_are_all_done(store: SQLiteStore) -> None:
    serials = [number.to_bytes(32, "big") for number in range(600)]

    await asyncio.gather(
        *(
            store.act(lambda tx, serial=serial: tx.cards.add_card(card(serial)))
            for serial in serials
        )
    )

    assert all(has(store, serial) for serial in serials)


async def test_a_caller_that_is_cancelled_does_not_take_the_act_back(store: SQLiteStore) -> None:
    act = asyncio.create_task(store.act(lambda tx: tx.cards.add_card(card(b"1" * 32))))
    await asyncio.sleep(0)

    act.cancel()
    await store.act(lambda tx: tx.audit.append(EVENT))

    assert has(store, b"1" * 32)


async def test_a_closed_store_finishes_its_acts_and_takes_no_more(store: SQLiteStore) -> None:
    act = asyncio.create_task(store.act(lambda tx: tx.cards.add_card(card(b"1" * 32))))
    await asyncio.sleep(0)

    store.close()

    await act
    with peeking(store) as other:
        assert other.execute("SELECT 1 FROM cards WHERE serial = ?", (b"1" * 32,)).fetchone()
    with pytest.raises(Refusal) as refused:
        await store.act(lambda tx: tx.audit.append(EVENT))
    assert refused.value.reason is Reason.SHUTTING_DOWN


async def test_reading_changes_nothing(store: SQLiteStore) -> None:
    with pytest.raises(Refusal) as refused:
        store.read(lambda tx: tx.cards.add_card(card(b"1" * 32)))

    assert refused.value.reason is Reason.STORE_UNAVAILABLE
    assert not has(store, b"1" * 32)


@pytest.mark.embedded
async def test_a_store_that_another_program_holds_is_unavailable_and_recovers(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "_BUSY_MILLISECONDS", 10)
    store = open_test_store(folder)
    with closing(sqlite3.connect(store.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")

        with pytest.raises(Refusal) as refused:
            await store.act(lambda tx: tx.cards.add_card(card(b"1" * 32)))
        other.execute("ROLLBACK")

    assert refused.value.reason is Reason.STORE_UNAVAILABLE
    assert not has(store, b"1" * 32)
    await store.act(lambda tx: tx.cards.add_card(card(b"1" * 32)))
    assert has(store, b"1" * 32)
    store.close()


async def test_an_urgent_act_waits_for_no_window_and_takes_with_it_who_does(
    folder: Path,
) -> None:
    with closing(open_test_store(folder, window_seconds=60.0)) as store:
        waiting = asyncio.create_task(store.act(lambda tx: tx.cards.add_card(card(b"1" * 32))))
        await asyncio.sleep(0)

        async with asyncio.timeout(20):
            await store.act(lambda tx: tx.cards.add_card(card(b"2" * 32)), urgent=True)
            await waiting
            await store.act(lambda tx: tx.cards.add_card(card(b"3" * 32)), urgent=True)

        assert has(store, b"1" * 32)
        assert has(store, b"3" * 32)


DISK_FULL = """
import asyncio, resource, signal, sys
from pathlib import Path
from tests.contract.test_store import card, has
from tests.support.center import open_test_store
from juki_center.errors import Refusal

async def main():
    store = open_test_store(Path(sys.argv[1]))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    done = 0
    resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, resource.RLIM_INFINITY))
    try:
        for number in range(2_000):
            await store.act(lambda tx: tx.cards.add_card(card(number.to_bytes(32, "big"))))
            done += 1
    except Refusal as refusal:
        print(refusal.reason, done, has(store, done.to_bytes(32, "big")))
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
    await store.act(lambda tx: tx.cards.add_card(card(done.to_bytes(32, "big"))))
    print(all(has(store, number.to_bytes(32, "big")) for number in range(done + 1)))
    store.close()

asyncio.run(main())
"""


@pytest.mark.embedded
def test_a_full_disk_is_unavailable_and_leaves_nothing_half(folder: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-c", DISK_FULL, str(folder)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )

    first, second = run.stdout.splitlines()
    reason, done, is_there = first.split()
    assert (reason, is_there, second) == ("STORE_UNAVAILABLE", "False", "True"), run.stderr
    assert int(done) > 0


async def test_the_same_store_is_opened_again_with_all_that_was_in_it(folder: Path) -> None:
    store = open_test_store(folder)
    await store.act(lambda tx: tx.cards.add_card(card(b"1" * 32)))
    store.close()

    again = open_test_store(folder)

    assert has(again, b"1" * 32)
    again.close()


OPEN_AND_CLOSE = """
import sys
from pathlib import Path
from tests.support.center import open_test_store
open_test_store(Path(sys.argv[1])).close()
"""


@pytest.mark.embedded
async def test_a_store_opened_twice_keeps_its_log_when_another_process_leaves(folder: Path) -> None:
    first = open_test_store(folder)
    await first.act(lambda tx: tx.cards.add_card(card(b"1" * 32)))
    log = (folder / "center.db-wal").stat().st_ino
    second = open_test_store(folder)

    path = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = (sys.executable, "-c", OPEN_AND_CLOSE, str(folder))
    other = await asyncio.create_subprocess_exec(*command, env=path)

    assert await other.wait() == 0
    assert (folder / "center.db-wal").stat().st_ino == log
    second.close()
    first.close()


@pytest.mark.embedded
def test_the_files_are_readable_by_their_owner_alone(store: SQLiteStore) -> None:
    store.read(lambda tx: tx.cards.card(bytes(32)))

    modes = {stat.S_IMODE(path.stat().st_mode) for path in store.path.parent.iterdir()}

    assert modes == {0o600}


def test_another_key_encryption_key_does_not_open_the_store(folder: Path) -> None:
    (folder / "kek").unlink()
    create_kek(folder / "kek")

    with pytest.raises(KeyUnusable):
        open_test_store(folder)


@pytest.mark.embedded
def test_a_file_that_is_no_database_is_unavailable(folder: Path) -> None:
    (folder / "other.db").write_bytes(b"no database" * 1_000)

    with pytest.raises(Refusal) as refused:
        open_store(f"sqlite:///{folder / 'other.db'}", KeyEncryptionKey.load(folder / "kek"))

    assert refused.value.reason is Reason.STORE_UNAVAILABLE


@pytest.mark.parametrize("url", ["postgresql://", "sqlite:///", "center.db"])
@pytest.mark.embedded
def test_a_url_of_another_kind_is_refused(folder: Path, url: str) -> None:
    with pytest.raises(ConfigInvalid, match=r"store\.url"):
        open_store(url, KeyEncryptionKey.load(folder / "kek"))


def test_a_key_encryption_key_is_never_overwritten(tmp_path: Path) -> None:
    create_kek(tmp_path / "kek")
    first = (tmp_path / "kek").read_bytes()

    with pytest.raises(FileExistsError):
        create_kek(tmp_path / "kek")

    assert (tmp_path / "kek").read_bytes() == first
    assert len(first) == 32
    assert stat.S_IMODE((tmp_path / "kek").stat().st_mode) == 0o600


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_key_file_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    create_kek(tmp_path / "kek")
    (tmp_path / "kek").chmod(mode)

    with pytest.raises(KeyUnusable, match="group or others"):
        KeyEncryptionKey.load(tmp_path / "kek")


def test_a_key_file_of_another_length_or_of_nobody_is_refused(tmp_path: Path) -> None:
    (tmp_path / "short").touch(0o600)

    for name in ("short", "missing"):
        with pytest.raises(KeyUnusable):
            KeyEncryptionKey.load(tmp_path / name)


def test_a_sealed_blob_opens_only_as_what_it_was_sealed_as() -> None:
    key, other = SealKey(b"k" * 32), SealKey(b"o" * 32)
    sealed = key.seal(b"a record", "record:1")
    flipped = sealed[:-1] + bytes([sealed[-1] ^ 1])

    assert key.open(sealed, "record:1") == b"a record"
    for opener, blob, owner in (
        (key, sealed, "record:2"),
        (other, sealed, "record:1"),
        (key, flipped, "record:1"),
        (key, b"\x02" + sealed[1:], "record:1"),
        (key, b"", "record:1"),
        (key, sealed[:14], "record:1"),
    ):
        with pytest.raises(KeyUnusable):
            opener.open(blob, owner)


def test_sealed_lengths_do_not_show_what_is_inside() -> None:
    key = SealKey(b"k" * 32)

    assert len({len(key.seal(b"x" * size, "record:1")) for size in (0, 100, 508)}) == 1


async def test_a_record_in_another_persons_row_does_not_open(store: SQLiteStore) -> None:
    with peeking(store) as thief:
        thief.execute(
            "UPDATE records SET sealed ="
            " (SELECT sealed FROM records ORDER BY person LIMIT 1 OFFSET 1)"
            f" WHERE person = ({FIRST_PERSON})"
        )
        person = PersonID(thief.execute(FIRST_PERSON).fetchone()[0])

    with pytest.raises(KeyUnusable):
        store.read(lambda tx: tx.residents.resident(person))


@pytest.mark.parametrize(
    ("column", "refused"),
    [
        # Where the directory does not look for it, it is no record at all.
        ("municipality", LookupError),
        ("household", KeyUnusable),
        ("version", KeyUnusable),
    ],
)
async def test_a_record_that_was_moved_in_the_file_does_not_open(
    store: SQLiteStore, column: str, refused: type[Exception]
) -> None:
    row = f"person = ({FIRST_PERSON})"
    other = (
        f"SELECT r.{column} FROM records r, records s WHERE s.{row} AND r.{column} <> s.{column}"
    )
    moved = "version + 1" if column == "version" else f"({other} LIMIT 1)"
    with peeking(store) as thief:
        thief.execute(f"UPDATE records SET {column} = {moved} WHERE {row}")
        person = PersonID(thief.execute(FIRST_PERSON).fetchone()[0])

    with pytest.raises(refused):
        store.read(lambda tx: tx.residents.resident(person))


async def test_every_sample_comes_back_as_it_was_entered(store: SQLiteStore) -> None:
    for sample in SAMPLES.values():
        whereabouts = store.read(lambda tx, code=sample.record.code: tx.residents.by_code(code))
        assert whereabouts is not None
        resident = store.read(lambda tx, one=whereabouts.person: tx.residents.resident(one))

        assert (resident.record, resident.state) == (sample.record, sample.state)
        assert (
            store.read(lambda tx, one=whereabouts.person: tx.residents.whereabouts(one))
            == whereabouts
        )


async def test_a_change_on_an_old_version_is_refused(store: SQLiteStore) -> None:
    code = SAMPLES["yoshida-taro"].record.code
    whereabouts = store.read(lambda tx: tx.residents.by_code(code))
    assert whereabouts is not None
    resident = store.read(lambda tx: tx.residents.resident(whereabouts.person))
    changed = replace(resident, record=replace(resident.record, building=""))

    await store.act(lambda tx: tx.residents.replace(changed))
    with pytest.raises(Refusal):
        await store.act(lambda tx: tx.residents.replace(resident))

    after = store.read(lambda tx: tx.residents.resident(whereabouts.person))
    assert (after.version, after.record.building) == (resident.version + 1, "")


async def test_a_disconnected_register_does_not_open_and_a_connected_one_does_again(
    store: SQLiteStore,
) -> None:
    code = MunicipalityCode("112089")
    person = store.read(lambda tx: tx.residents.by_code(SAMPLES["yoshida-taro"].record.code))
    assert person is not None

    await store.act(lambda tx: tx.registers.set_connected(code, connected=False))
    with pytest.raises(Refusal) as refused:
        store.read(lambda tx: tx.residents.resident(person.person))
    await store.act(lambda tx: tx.registers.set_connected(code, connected=True))

    assert refused.value.reason is Reason.RESIDENCE_DISCONNECTED
    assert store.read(lambda tx: tx.residents.resident(person.person))


async def test_loading_the_samples_again_changes_no_resident(store: SQLiteStore) -> None:
    from juki_center.storage.samples import load_samples

    before = _count(store)
    await store.act(lambda tx: load_samples(tx, NOW))

    assert _count(store) == before == (len(SAMPLES),) * 2


def _count(store: SQLiteStore) -> tuple[int, int]:
    with peeking(store) as sql:
        directory = sql.execute("SELECT count(*) FROM directory").fetchone()[0]
        return directory, sql.execute("SELECT count(*) FROM records").fetchone()[0]
