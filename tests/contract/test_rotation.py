"""Keys are replaced while the center serves: nothing is missed, lost, or opened by an old key."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from juki_center.areas.requests.answers import Request
from juki_center.areas.residents.changes import ChangeNotice
from juki_center.areas.residents.codes import MunicipalityCode, ResidentCode
from juki_center.areas.residents.records import AttributeQuery, PersonID
from juki_center.errors import KeyUnusable, Refusal, RotationBlocked
from juki_center.storage.rotation import CENTER_KEY, LOOK_UP, Rotation, Stage, Step, Target
from juki_center.storage.sqlite import SQLiteStore
from tests.contract.test_register_tables import TERMINAL, codes, lock, notice, update
from tests.support.center import NOW, SAMPLES, open_test_store
from tests.support.rows import change, number, rows

TOKOROZAWA = MunicipalityCode("112089")
CHIYODA = MunicipalityCode("131016")
REGISTER = Target("municipality", TOKOROZAWA)
REQUEST = Request(TERMINAL, uuid.UUID(int=7), b"content")
CENTER_REQUEST = Request(TERMINAL, uuid.UUID(int=8), b"content")
FRESH, NEW_CODE, *STOCK = codes(30)
SEALED_TABLES = (
    "records",
    "record_history",
    "code_stock",
    "edit_locks",
    "changes",
    "pending_updates",
    "answers",
)


@pytest.fixture
def store(folder: Path) -> Iterator[SQLiteStore]:
    """Give an open store that waits for no other acts: there are hundreds of steps."""
    opened = open_test_store(folder, window_seconds=0.000001)
    yield opened
    opened.close()


@pytest.fixture
async def used(store: SQLiteStore) -> SQLiteStore:
    """Return a store in which a register has something of everything that is sealed."""
    person = find(store, SAMPLES["yoshida-taro"].record.code)
    assert person is not None
    resident = store.read(lambda tx: tx.residents.resident(person))
    record = replace(resident.record, code=NEW_CODE, former_codes=(resident.record.code,))
    held, locked, told = update(3), lock(store), notice(store, 2)

    def use(tx: object) -> None:
        tx.residents.replace(replace(resident, record=record))  # type: ignore[attr-defined]
        tx.codes.add(TOKOROZAWA, STOCK)  # type: ignore[attr-defined]
        tx.pending.hold(held, missing=2, now=NOW)  # type: ignore[attr-defined]
        tx.locks.put(locked)  # type: ignore[attr-defined]
        tx.changes.append(told)  # type: ignore[attr-defined]
        for request, municipality in ((REQUEST, TOKOROZAWA), (CENTER_REQUEST, None)):
            tx.answers.put(  # type: ignore[attr-defined]
                request, b"answer", resource="r", sealed_for=municipality, now=NOW
            )

    await store.act(use)
    return store


def find(store: SQLiteStore, code: ResidentCode) -> PersonID | None:
    """Return who has a code."""
    found = store.read(lambda tx: tx.residents.by_code(code))
    return found.person if found else None


async def begin(store: SQLiteStore, target: Target) -> Rotation:
    """Begin a rotation."""
    return await store.act(lambda tx: tx.rotations.begin(target, NOW))


async def step(store: SQLiteStore, target: Target, limit: int = 12) -> Step:
    """Go on by one step."""
    return await store.act(lambda tx: tx.rotations.step(target, limit))


async def finish(store: SQLiteStore, target: Target, limit: int = 12) -> int:
    """Go on to the end; return in how many steps."""
    steps = 1
    while not (await step(store, target, limit)).is_last:
        steps += 1
        assert steps < 1_000
    return steps


def everything(store: SQLiteStore) -> list[object]:
    """Return what the register holds, opened: each kind of sealed row that stays."""
    persons = [PersonID(row[0]) for row in rows(store, "SELECT person FROM directory")]
    residents = [store.read(lambda tx, one=one: tx.residents.resident(one)) for one in persons]
    earlier = [store.read(lambda tx, one=one: tx.residents.earlier(one, 10)) for one in residents]
    locks = [store.read(lambda tx, one=one: tx.locks.of_person(one)) for one in persons]
    notices: list[tuple[int, ChangeNotice]] = store.read(lambda tx: tx.changes.after(0, 10))
    answers = [
        store.read(lambda tx, one=one: tx.answers.find(one)) for one in (REQUEST, CENTER_REQUEST)
    ]
    return [residents, earlier, locks, notices, answers]


def look_ups(store: SQLiteStore) -> Iterator[tuple[str, bool]]:
    """Ask for everybody in every way; say whether each was found as the only truth."""
    for key, sample in SAMPLES.items():
        record, now = sample.record, sample.record.code
        if key == "yoshida-taro":
            former = store.read(lambda tx, code=now: tx.residents.by_former_code(code))
            yield f"{key}: former code", former is not None
            yield f"{key}: not by the former code", find(store, now) is None
            now = NEW_CODE
        person = find(store, now)
        yield f"{key}: code", person is not None
        query = AttributeQuery(record.name, record.kana, record.birth)
        prefecture = sample.municipality.prefecture
        found = store.read(lambda tx, p=prefecture, q=query: tx.residents.candidates(p, q))
        yield f"{key}: attributes", [one.person for one in found].count(person) == 1
    nobody = store.read(lambda tx: tx.residents.by_code(STOCK[0]))
    yield "a code in stock is nobody's", nobody is None


def misses(store: SQLiteStore) -> list[str]:
    """Return what is not found, or found wrongly."""
    return [what for what, is_right in look_ups(store) if not is_right]


def wrapped_keys(path: Path) -> list[bytes]:
    """Return all wrapped keys."""
    found = rows(
        path, "SELECT wrapped FROM municipality_keys UNION SELECT wrapped FROM center_keys"
    )
    return [row[0] for row in found]


def files(path: Path) -> bytes:
    """Return the octets of the database and of its log."""
    return path.read_bytes() + Path(f"{path}-wal").read_bytes()


async def test_a_registers_key_is_replaced_and_all_that_it_sealed_opens_as_before(
    used: SQLiteStore,
) -> None:
    before = everything(used)

    rotation = await begin(used, REGISTER)
    steps = await finish(used, REGISTER)

    assert (rotation.before, rotation.after) == (1, 2)
    assert steps >= len(SEALED_TABLES)
    assert everything(used) == before
    for table in SEALED_TABLES:
        versions = rows(
            used.path,
            f"SELECT DISTINCT key_version FROM {table} WHERE municipality = ?",
            str(TOKOROZAWA),
        )
        assert versions == [(2,)], table
    assert await used.act(
        lambda tx: tx.pending.take(TOKOROZAWA, SAMPLES["yoshida-taro"].record.code, 3)
    )
    drawn = {await used.act(lambda tx: tx.codes.draw(TOKOROZAWA)) for _ in STOCK}
    assert drawn == set(STOCK)
    assert used.read(lambda tx: tx.rotations.running()) == []


async def test_the_centers_key_is_replaced_and_leaves_registers_alone(used: SQLiteStore) -> None:
    before = everything(used)

    await begin(used, CENTER_KEY)
    await finish(used, CENTER_KEY)

    assert everything(used) == before
    assert rows(used.path, "SELECT version, state FROM center_keys WHERE purpose = 'center'") == [
        (2, "ACTIVE")
    ]
    kept = rows(used.path, "SELECT municipality, key_version FROM answers ORDER BY municipality")
    assert kept == [(None, 2), (str(TOKOROZAWA), 1)]


@pytest.mark.parametrize("target", [REGISTER, CENTER_KEY, LOOK_UP], ids=str)
async def test_the_old_key_is_in_no_file_when_the_rotation_is_done(
    used: SQLiteStore, target: Target
) -> None:
    before = set(wrapped_keys(used.path))

    await begin(used, target)
    await finish(used, target)
    assert used.empty_log()

    gone = before - set(wrapped_keys(used.path))
    assert len(gone) == (2 if target == LOOK_UP else 1)
    assert all(key not in files(used.path) for key in gone)


async def test_what_only_the_old_key_opens_never_opens_again(used: SQLiteStore) -> None:
    person = find(used, NEW_CODE)
    assert person is not None
    ((stolen,),) = rows(used.path, "SELECT sealed FROM records WHERE person = ?", person.octets)
    await begin(used, REGISTER)
    await finish(used, REGISTER)

    for version in (1, 2):
        change(
            used.path,
            "UPDATE records SET sealed = ?, key_version = ? WHERE person = ?",
            stolen,
            version,
            person.octets,
        )
        with pytest.raises(KeyUnusable):
            used.read(lambda tx: tx.residents.resident(person))


async def test_what_is_written_meanwhile_is_sealed_by_the_new_key_and_nothing_is_left_behind(
    used: SQLiteStore,
) -> None:
    """A record that is replaced late takes its old octets into the history."""
    await begin(used, REGISTER)
    person = find(used, SAMPLES["takahashi-ichiro"].record.code)
    assert person is not None
    is_last = False
    while not is_last:
        resident = used.read(lambda tx: tx.residents.resident(person))
        await used.act(lambda tx, one=resident: tx.residents.replace(one))
        is_last = (await step(used, REGISTER, 1)).is_last

    history = used.read(lambda tx: tx.residents.earlier(tx.residents.resident(person), limit=1_000))
    assert [one.version for one in history] == list(range(len(history), 0, -1))
    old = "SELECT count(*) FROM record_history WHERE municipality = ? AND key_version = 1"
    assert number(used.path, old, str(TOKOROZAWA)) == 0


async def test_look_up_keys_are_replaced_and_no_look_up_misses_at_any_step(
    used: SQLiteStore,
) -> None:
    assert misses(used) == []
    before = {row[0] for row in rows(used.path, "SELECT token FROM code_index")}
    stages = []

    await begin(used, LOOK_UP)
    is_last = False
    while not is_last:
        stages += [one.stage for one in used.read(lambda tx: tx.rotations.running())]
        is_last = (await step(used, LOOK_UP)).is_last
        assert misses(used) == []

    assert list(dict.fromkeys(stages)) == [stage for stage in Stage if stage != Stage.RESEAL]
    after = {row[0] for row in rows(used.path, "SELECT token FROM code_index")}
    assert not before & after
    assert len(before) == len(after)
    for table in ("code_index", "attribute_index"):
        assert rows(used.path, f"SELECT DISTINCT key_version FROM {table}") == [(2,)]


async def test_who_comes_changes_and_goes_meanwhile_is_found_at_every_step(
    used: SQLiteStore,
) -> None:
    """Each step is followed by a birth, a change of code, a draw and an addition to the stock."""
    given, is_last, turn = [], False, 0
    base = SAMPLES["tsuji-makoto"].record
    await begin(used, LOOK_UP)
    while not is_last:
        is_last = (await step(used, LOOK_UP, 15)).is_last
        turn += 1
        born, changed = codes(2, 5_000_000_000 + 100 * turn)

        def act(tx: object, born: ResidentCode = born, changed: ResidentCode = changed) -> None:
            household = tx.residents.new_household()  # type: ignore[attr-defined]
            record = replace(base, code=born)
            person = tx.residents.enter(CHIYODA, household, record)  # type: ignore[attr-defined]
            resident = tx.residents.resident(person)  # type: ignore[attr-defined]
            moved = replace(record, code=changed, former_codes=(born,))
            tx.residents.replace(replace(resident, record=moved))  # type: ignore[attr-defined]
            drawn = tx.codes.draw(TOKOROZAWA)  # type: ignore[attr-defined]
            if drawn is not None:
                assert tx.codes.add(TOKOROZAWA, [drawn]) == 1  # type: ignore[attr-defined]
            assert tx.codes.add(CHIYODA, [born, changed]) == 0  # type: ignore[attr-defined]

        await used.act(act)
        given.append((born, changed))
        for former, code in given:
            found = used.read(lambda tx, one=former: tx.residents.by_former_code(one))
            assert found is not None
            assert found.person == find(used, code)
    assert misses(used) == []
    query = AttributeQuery(base.name, base.kana, base.birth)
    twins = used.read(lambda tx: tx.residents.candidates("13", query))
    assert len({one.person for one in twins}) == len(given) + 1
    for table in ("code_index", "attribute_index"):
        assert rows(used.path, f"SELECT DISTINCT key_version FROM {table}") == [(2,)]


async def test_a_held_update_is_found_at_every_step(used: SQLiteStore) -> None:
    code = SAMPLES["yoshida-taro"].record.code

    await begin(used, LOOK_UP)
    is_last = False
    while not is_last:
        is_last = (await step(used, LOOK_UP)).is_last
        taken = await used.act(lambda tx: tx.pending.take(TOKOROZAWA, code, 3))
        assert taken == update(3)
        await used.act(lambda tx, one=taken: tx.pending.hold(one, missing=2, now=NOW))
        for version in (3, 4):
            again = replace(update(3), version=version)
            await used.act(lambda tx, one=again: tx.pending.hold(one, missing=2, now=NOW))
        await used.act(lambda tx: tx.pending.take(TOKOROZAWA, code, 4))
        assert number(used.path, "SELECT count(*) FROM pending_updates") == 1


async def test_a_second_process_finds_everybody_at_every_step(used: SQLiteStore) -> None:
    """A center that serves from the file, while an operator's command replaces the keys."""
    operator = open_test_store(used.path.parent)
    await begin(operator, LOOK_UP)
    is_last = False
    while not is_last:
        is_last = (await step(operator, LOOK_UP, 15)).is_last
        assert misses(used) == []
        await used.act(lambda tx: tx.codes.draw(TOKOROZAWA))
    await begin(operator, REGISTER)
    await finish(operator, REGISTER)

    assert misses(used) == []
    assert everything(used) == everything(operator)
    operator.close()


async def test_acts_that_run_beside_a_rotation_are_all_done(used: SQLiteStore) -> None:
    person = find(used, SAMPLES["takahashi-ichiro"].record.code)
    assert person is not None

    def touch(tx: object) -> None:
        tx.residents.replace(tx.residents.resident(person))  # type: ignore[attr-defined]

    async def rotate() -> None:
        for target in (REGISTER, LOOK_UP, CENTER_KEY):
            await begin(used, target)
            await finish(used, target, 9)

    async def act() -> None:
        for _ in range(25):
            await used.act(touch)
            assert misses(used) == []

    await asyncio.gather(rotate(), act())

    assert used.read(lambda tx: tx.residents.resident(person)).version == 26
    assert used.read(lambda tx: tx.rotations.running()) == []


@pytest.mark.parametrize("target", [REGISTER, LOOK_UP], ids=str)
async def test_a_disconnected_municipality_blocks_by_name_and_the_rest_goes_on_afterwards(
    used: SQLiteStore, target: Target
) -> None:
    async def connect(*, connected: bool) -> None:
        await used.act(lambda tx: tx.registers.set_connected(TOKOROZAWA, connected=connected))

    await connect(connected=False)
    with pytest.raises(RotationBlocked) as at_once:
        await begin(used, target)
    assert used.read(lambda tx: tx.rotations.running()) == []
    await connect(connected=True)
    await begin(used, target)
    await step(used, target)
    before = used.read(lambda tx: tx.rotations.of(target))
    await connect(connected=False)

    with pytest.raises(RotationBlocked) as later:
        await step(used, target)

    assert at_once.value.municipalities == later.value.municipalities == ("112089",)
    assert used.read(lambda tx: tx.rotations.of(target)) == before
    await connect(connected=True)
    await finish(used, target)
    assert misses(used) == []


async def test_another_municipality_that_is_disconnected_does_not_block_a_registers_key(
    used: SQLiteStore,
) -> None:
    await used.act(lambda tx: tx.registers.set_connected(CHIYODA, connected=False))

    await begin(used, REGISTER)
    await finish(used, REGISTER)

    with pytest.raises(Refusal):
        everything(used)
    assert wrapped_versions(used, TOKOROZAWA) == [2]


def wrapped_versions(store: SQLiteStore, municipality: MunicipalityCode) -> list[int]:
    """Return which versions of a register's key there are."""
    question = "SELECT version FROM municipality_keys WHERE municipality = ?"
    return [row[0] for row in rows(store, question, str(municipality))]


async def test_a_rotation_that_has_begun_is_gone_on_with_and_not_begun_again(
    used: SQLiteStore,
) -> None:
    first = await begin(used, REGISTER)
    await step(used, REGISTER)

    assert await begin(used, REGISTER) == first
    assert wrapped_versions(used, TOKOROZAWA) == [1, 2]
    await finish(used, REGISTER)
    again = await begin(used, REGISTER)
    assert (again.before, again.after) == (2, 3)


async def test_a_key_that_was_made_in_an_act_that_failed_seals_nothing(used: SQLiteStore) -> None:
    with pytest.raises(ZeroDivisionError):
        await used.act(
            lambda tx: (
                tx.rotations.begin(REGISTER, NOW),
                tx.keys.data_key(TOKOROZAWA),
                1 // 0,
            )
        )

    await used.act(lambda tx: tx.codes.add(TOKOROZAWA, [FRESH]))

    assert rows(used.path, "SELECT DISTINCT key_version FROM code_stock") == [(1,)]


async def test_the_extent_counts_down_to_nothing(used: SQLiteStore) -> None:
    for target in (REGISTER, LOOK_UP, CENTER_KEY):
        await begin(used, target)
        counted = [used.read(lambda tx, one=target: tx.rotations.extent(one))]
        while not (await step(used, target, 12)).is_last:
            counted.append(used.read(lambda tx, one=target: tx.rotations.extent(one)))
        assert counted[0] > 0
        assert counted == sorted(counted, reverse=True)
        assert used.read(lambda tx, one=target: tx.rotations.extent(one)) == 0


KILLED = """
import asyncio, sys
from pathlib import Path
from tests.contract.test_rotation import LOOK_UP, REGISTER, begin, step
from tests.support.center import open_test_store

async def main():
    store = open_test_store(Path(sys.argv[1]))
    target = {"look-up": LOOK_UP, "register": REGISTER}[sys.argv[2]]
    await begin(store, target)
    while True:
        done = await step(store, target, 2)
        print(done.rows, flush=True)
        if done.is_last:
            return

asyncio.run(main())
"""


@pytest.mark.slow
@pytest.mark.parametrize("target", ["look-up", "register"])
async def test_a_rotation_that_was_killed_goes_on_from_where_it_was(
    used: SQLiteStore, target: str
) -> None:
    before, kills = everything(used), 0
    for steps in (1, 4, 9, 17):
        kills += run_and_kill(used.path.parent, target, steps)
        assert misses(used) == []
        assert everything(used) == before

    which = LOOK_UP if target == "look-up" else REGISTER
    await finish(used, which)

    assert kills > 2
    assert misses(used) == []
    assert everything(used) == before
    assert used.read(lambda tx: tx.rotations.running()) == []


def run_and_kill(folder: Path, target: str, steps: int) -> bool:
    """Rotate in another process and kill it after some steps; tell whether it was at work."""
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, str(folder), target],
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        cwd=Path(__file__).parent.parent.parent,
    ) as program:
        assert program.stdout is not None
        for _ in range(max(steps, 1)):
            program.stdout.readline()
        was_running = program.poll() is None
        program.kill()
    return was_running
