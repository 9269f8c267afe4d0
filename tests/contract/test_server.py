"""A store on a server: several who write at once, connections that go, and what is never shown."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import psycopg
import pytest

from juki_center.areas.audit.events import AuditEvent, Event
from juki_center.areas.fleet.control import ControlKind
from juki_center.errors import Reason, Refusal, StoreUnusable
from juki_center.storage import postgresql_connection
from juki_center.storage.center_store import CenterStore
from juki_center.storage.faults import ConnectionLost, ConstraintBroken, OutcomeUnknown
from juki_center.storage.keys import KeyEncryptionKey, create_kek
from juki_center.storage.postgresql import PostgreSQLStore
from juki_center.storage.postgresql_connection import PostgreSQLConnection
from juki_center.storage.primary import APPLICATION
from juki_center.storage.schema_of import has_rows, revision_of, step_back
from juki_center.storage.transaction import Transaction
from tests.support.center import NOW, open_test_store
from tests.support.log_keys import log_key
from tests.support.postgresql import URL_FILE, Databases
from tests.support.rows import number
from tests.support.whole_log import check_whole

pytestmark = pytest.mark.on_server
EVENT = AuditEvent(Event.COPY_REFUSED, NOW, "juki://operator/1")


@pytest.fixture
def url(folder: Path) -> str:
    """Return the URL of a database with everybody in it."""
    return (folder / URL_FILE).read_text()


@pytest.fixture
def signed(folder: Path) -> Iterator[PostgreSQLStore]:
    """Give an open store whose heads are signed."""
    with closing(open_test_store(folder, signer=log_key(), window_seconds=0.02)) as store:
        assert isinstance(store, PostgreSQLStore)
        yield store


@pytest.fixture
def admin(url: str) -> Iterator[psycopg.Connection]:
    """Give a connection of an administrator's."""
    with psycopg.connect(url, autocommit=True) as sql:
        yield sql


def note(tx: Transaction, name: str) -> None:
    tx.facts.say(name, tx.facts.fact(name) + "x")


def noting(name: str) -> Callable[[Transaction], None]:
    return lambda tx: note(tx, name)


def event(tx: Transaction) -> int:
    return tx.control.append(ControlKind.CARD_CHANGED, "00", NOW)


def end_sessions(admin: psycopg.Connection) -> None:
    """Let the server end every session of the store's."""
    admin.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s"
        " AND datname = current_database()",
        (APPLICATION,),
    )


async def test_two_stores_that_write_at_once_never_give_a_number_twice(
    folder: Path, signed: PostgreSQLStore
) -> None:
    with closing(open_test_store(folder, signer=log_key())) as other:
        stores = [signed, other] * 40
        cursors = await asyncio.gather(*(store.act(event) for store in stores))

    assert sorted(cursors) == list(range(1, 81))


async def test_what_one_store_reads_in_an_act_stays_true_until_it_commits(
    folder: Path, signed: PostgreSQLStore
) -> None:
    with closing(open_test_store(folder)) as other:
        acts = [one.act(lambda tx: note(tx, "count")) for one in [signed, other] * 25]
        await asyncio.gather(*acts)

    assert len(signed.read(lambda tx: tx.facts.fact("count"))) == 50


async def test_the_log_of_two_stores_is_one_log(folder: Path, signed: PostgreSQLStore) -> None:
    with closing(open_test_store(folder, signer=log_key())) as other:
        await asyncio.gather(
            *(one.act(lambda tx: tx.audit.append(EVENT)) for one in [signed, other] * 20)
        )

    assert check_whole(signed) >= 40


async def test_what_is_asked_is_read_beside_the_event_loop(signed: PostgreSQLStore) -> None:
    def question(tx: Transaction) -> tuple[str, int]:
        return tx.facts.fact("count"), threading.get_ident()

    await signed.act(lambda tx: note(tx, "count"))
    answers = await asyncio.gather(*(signed.ask(question) for _ in range(20)))

    assert {fact for fact, _ in answers} == {"x"}
    assert threading.get_ident() not in {thread for _, thread in answers}


async def test_a_question_that_refuses_leaves_its_connection_to_the_next(
    signed: PostgreSQLStore,
) -> None:
    def refusing(_tx: Transaction) -> None:
        raise Refusal(Reason.STORE_UNAVAILABLE)

    for _ in range(20):
        with pytest.raises(Refusal):
            await signed.ask(refusing)

    assert await signed.ask(lambda tx: tx.facts.fact("none")) == ""


async def test_acts_go_on_after_the_server_has_ended_every_session(
    signed: PostgreSQLStore, admin: psycopg.Connection
) -> None:
    await signed.act(lambda tx: note(tx, "before"))
    end_sessions(admin)

    await signed.act(lambda tx: note(tx, "after"))

    assert signed.read(lambda tx: tx.facts.fact("before") + tx.facts.fact("after")) == "xx"


async def test_an_act_whose_connection_goes_is_undone_and_refused(
    signed: PostgreSQLStore, admin: psycopg.Connection
) -> None:
    def cut(tx: Transaction) -> None:
        note(tx, "cut")
        end_sessions(admin)
        tx.facts.fact("cut")

    with pytest.raises(Refusal) as refused:
        await signed.act(cut)

    assert refused.value.reason is Reason.STORE_UNAVAILABLE
    assert signed.read(lambda tx: tx.facts.fact("cut")) == ""


async def test_while_there_is_no_server_everything_is_refused_at_once_and_then_goes_on(
    folder: Path, url: str, admin: psycopg.Connection
) -> None:
    door = folder / "door"
    where = re.search(r"host=([^&]+)", url)
    assert where is not None
    door.symlink_to(where[1])
    (folder / URL_FILE).write_text(url.replace(where[1], str(door)))
    with closing(open_test_store(folder, window_seconds=0.02)) as store:
        door.unlink()
        end_sessions(admin)
        acts = [store.act(noting(f"fact {n}")) for n in range(20)]
        outcomes = await asyncio.gather(*acts, return_exceptions=True)
        for _ in range(3):
            with pytest.raises(Refusal) as refused:
                store.read(lambda tx: tx.facts.fact("fact 0"))
            assert refused.value.reason is Reason.STORE_UNAVAILABLE
        door.symlink_to(where[1])
        await asyncio.to_thread(_readable, store)
        await store.act(noting("fact 0"))

        assert [getattr(one, "reason", None) for one in outcomes] == [Reason.STORE_UNAVAILABLE] * 20
        assert store.read(lambda tx: tx.facts.fact("fact 0")) == "x"


def _readable(store: CenterStore) -> None:
    for _ in range(500):
        with suppress(Refusal):
            store.read(lambda tx: tx.facts.fact("fact 0"))
            return
        threading.Event().wait(0.01)
    raise AssertionError("not readable again")


class _Cut:
    """A commit whose connection goes: before the server has done it, or after."""

    def __init__(self, sql: PostgreSQLConnection, admin: psycopg.Connection, *, done: bool) -> None:
        self._sql = sql
        self._run = sql._run
        self._admin = admin
        self._done = done
        sql._run = self  # type: ignore[method-assign]

    def __call__(self, statement: str, parameters: tuple[object, ...] = ()) -> object:
        if statement != "COMMIT":
            return self._run(statement, parameters)
        self._sql._run = self._run
        if self._done:
            self._run(statement)
        end_sessions(self._admin)
        return self._run("SELECT 1")


@pytest.mark.parametrize("done", [True, False])
def test_a_commit_that_the_connection_did_not_survive_is_asked_about(
    url: str, admin: psycopg.Connection, *, done: bool
) -> None:
    with closing(PostgreSQLConnection(url)) as sql:
        sql.execute("BEGIN IMMEDIATE")
        sql.execute("INSERT INTO store_facts (name, value) VALUES ('a', 'b')")
        _Cut(sql, admin, done=done)

        if done:
            sql.execute("COMMIT")
        else:
            with pytest.raises(ConnectionLost):
                sql.execute("COMMIT")

    assert has_rows(url, "store_facts") is done


def test_a_number_that_another_server_may_have_given_again_tells_nothing(
    url: str, admin: psycopg.Connection
) -> None:
    with closing(PostgreSQLConnection(url)) as sql:
        sql.execute("BEGIN IMMEDIATE")
        sql.execute("INSERT INTO store_facts (name, value) VALUES ('a', 'b')")
        _Cut(sql, admin, done=True)
        sql._sql.life = "another server, or this one before it crashed"

        with pytest.raises(OutcomeUnknown):
            sql.execute("COMMIT")


async def test_an_act_whose_commit_was_cut_is_done_once(
    signed: PostgreSQLStore, admin: psycopg.Connection
) -> None:
    for done in (True, False):
        _Cut(signed._writer._sql, admin, done=done)
        await asyncio.gather(*(signed.act(noting(f"fact {n}")) for n in range(5)))

    assert [signed.read(lambda tx, n=n: tx.facts.fact(f"fact {n}")) for n in range(5)] == ["xx"] * 5


async def test_an_outcome_that_nobody_can_tell_is_done_no_second_time(
    signed: PostgreSQLStore, admin: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgresql_connection, "PATIENCE_SECONDS", 0.0)
    _Cut(signed._writer._sql, admin, done=True)

    outcomes = await asyncio.gather(
        *(signed.act(noting(f"fact {n}")) for n in range(3)),
        return_exceptions=True,
    )

    assert {one.reason for one in outcomes if isinstance(one, Refusal)} == {
        Reason.STORE_UNAVAILABLE
    }
    assert [signed.read(lambda tx, n=n: tx.facts.fact(f"fact {n}")) for n in range(3)] == ["x"] * 3


async def test_a_control_event_of_another_process_rings(
    folder: Path, signed: PostgreSQLStore
) -> None:
    rung = threading.Event()
    signed.on_control(rung.set)
    await asyncio.to_thread(_listening, signed)
    with closing(open_test_store(folder)) as other:
        await other.act(event)

    assert await asyncio.to_thread(rung.wait, 5.0)


def _listening(store: PostgreSQLStore) -> None:
    question = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'"
    for _ in range(500):
        if number(store, question):
            return
        threading.Event().wait(0.01)
    raise AssertionError("nobody listens")


def test_a_fault_tells_no_row(url: str) -> None:
    with closing(PostgreSQLConnection(url)) as sql:
        sql.execute("INSERT INTO store_facts (name, value) VALUES ('所沢太郎', '')")
        with pytest.raises(ConstraintBroken) as broken:
            sql.execute("INSERT INTO store_facts (name, value) VALUES ('所沢太郎', '')")

    assert str(broken.value) == "UniqueViolation (23505)"
    assert broken.value.__cause__ is None


def test_a_server_that_is_not_there_is_unusable_and_named_without_options(tmp_path: Path) -> None:
    key = KeyEncryptionKey.load(_kek(tmp_path))
    with pytest.raises(StoreUnusable) as refused:
        PostgreSQLStore(f"postgresql:///center?host={tmp_path}&passfile=/secret", key)

    assert "postgresql:///center" in refused.value.problem
    assert "secret" not in refused.value.problem


def _kek(folder: Path) -> Path:
    create_kek(folder / "kek")
    return folder / "kek"


def test_the_newest_step_is_taken_back_and_forward_again(folder: Path, url: str) -> None:
    before = revision_of(url)

    assert step_back(url) < str(before)

    open_test_store(folder).close()
    assert revision_of(url) == before


def test_a_database_without_a_store_has_no_schema(server: Databases) -> None:
    name = server.copy("template0")
    with pytest.raises(StoreUnusable):
        revision_of(server.server.url(name))
    server.drop(name)


def test_outcome_unknown_is_a_fault_of_its_own() -> None:
    assert not isinstance(OutcomeUnknown("", ""), ConnectionLost)
