"""Two servers of which one was left alone: it is noticed, and nothing is told from it any more."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import psycopg
import pytest

from juki_center.errors import Reason, Refusal
from juki_center.storage.keys import KeyEncryptionKey, create_kek
from juki_center.storage.postgresql import PostgreSQLStore
from juki_center.storage.primary import PROOF_SECONDS, Alone, connected, each_host
from juki_center.storage.transaction import Transaction
from tools.postgresql import Server

pytestmark = [pytest.mark.on_server, pytest.mark.timeout(180)]
_WITHIN_SECONDS = 60.0
_SETTLED = "synchronous_standby_names = '{}'\n"


@pytest.fixture
def folder() -> Iterator[Path]:
    """Give a folder that the servers' user may enter, with a path that is short."""
    path = Path(tempfile.mkdtemp(prefix="juki-two-"))
    path.chmod(0o711)
    yield path
    shutil.rmtree(path)


@contextmanager
def running(server: Server) -> Iterator[Server]:
    server.start()
    try:
        yield server
    finally:
        server.stop()


def isolate(server: Server) -> None:
    """Require a standby that does not follow, as where it follows another primary now."""
    with (server.folder / "data" / "postgresql.conf").open("a") as file:
        file.write(_SETTLED.format("gone"))
    server.run("pg_ctl", "--pgdata", "data", "reload")


def copied(server: Server, folder: Path) -> Server:
    """Return a copy of a server that is stopped, on a socket of its own."""
    shutil.copytree(server.folder, folder, symlinks=True)
    for path in (folder, *folder.rglob("*")):
        with suppress(LookupError, PermissionError):
            shutil.chown(path, server.folder.owner(), server.folder.group())
    (folder / "data" / "postmaster.pid").unlink(missing_ok=True)
    with (folder / "data" / "postgresql.conf").open("a") as file:
        file.write(f"unix_socket_directories = '{folder}'\n")
    return Server(folder)


def say(tx: Transaction) -> None:
    tx.facts.say("said", tx.facts.fact("said") + "x")


def said(store: PostgreSQLStore) -> str:
    return store.read(lambda tx: tx.facts.fact("said"))


async def done_in_the_end(store: PostgreSQLStore) -> list[Reason]:
    """Do an act, again and again until it is done; return by what it was refused before."""
    refused: list[Reason] = []
    until = time.monotonic() + _WITHIN_SECONDS
    while time.monotonic() < until:
        try:
            await asyncio.wait_for(store.act(say), _WITHIN_SECONDS)
        except Refusal as refusal:
            refused.append(refusal.reason)
            await asyncio.sleep(0.2)
        else:
            return refused
    raise AssertionError("never done")


def test_each_host_has_its_own_port_and_all_other_options() -> None:
    found = each_host("postgresql://juki@db1:1,db2:2/center?sslmode=require")

    assert [(one["host"], one["port"]) for one in found] == [("db1", "1"), ("db2", "2")]
    assert {(one["user"], one["dbname"], one["sslmode"]) for one in found} == {
        ("juki", "center", "require")
    }


def test_one_port_is_that_of_every_host() -> None:
    assert [one["port"] for one in each_host("postgresql:///c?host=a,b&port=5433")] == ["5433"] * 2


def test_a_server_that_finishes_no_commit_takes_no_connection(folder: Path) -> None:
    server = Server(folder / "a")
    server.make(is_durable=False)
    with running(server):
        connected(server.url("postgres")).close()
        isolate(server)
        begun = time.monotonic()
        with pytest.raises(Alone):
            _until_refused(server.url("postgres"))

    assert time.monotonic() - begun >= PROOF_SECONDS


def _until_refused(url: str) -> None:
    """Connect until the server has read its new settings."""
    until = time.monotonic() + _WITHIN_SECONDS
    while time.monotonic() < until:
        connected(url).close()


async def test_acts_and_answers_move_to_the_server_that_took_over(folder: Path) -> None:
    create_kek(folder / "kek")
    old = Server(folder / "a")
    old.make(is_durable=False)
    kek = KeyEncryptionKey.load(folder / "kek")
    with running(old), closing(PostgreSQLStore(old.url("postgres"), kek)) as store:
        await store.act(say)
    new = copied(old, folder / "b")
    url = f"postgresql:///postgres?host={old.folder},{new.folder}&user=juki"
    with running(old), closing(PostgreSQLStore(url, kek)) as store:
        isolate(old)
        with running(new):
            refused = await done_in_the_end(store)
            answer = await asyncio.to_thread(said, store)
            with closing(connected(new.url("postgres"))) as sql:
                row = sql.execute("SELECT value FROM store_facts WHERE name = 'said'").fetchone()

    assert set(refused) == {Reason.STORE_UNAVAILABLE}
    assert row == ("xx",), "an act that the old server never finished counts nowhere"
    assert answer == "xx"


async def test_while_no_server_finishes_a_commit_acts_are_refused_and_do_not_hang(
    folder: Path,
) -> None:
    create_kek(folder / "kek")
    server = Server(folder / "a")
    server.make(is_durable=False)
    kek = KeyEncryptionKey.load(folder / "kek")
    with running(server), closing(PostgreSQLStore(server.url("postgres"), kek)) as store:
        await store.act(say)
        isolate(server)
        with psycopg.connect(server.url("postgres")) as sql:
            _until_isolated(sql)
        with pytest.raises(Refusal) as refused:
            await asyncio.wait_for(store.act(say), _WITHIN_SECONDS)

    assert refused.value.reason is Reason.STORE_UNAVAILABLE


def _until_isolated(sql: psycopg.Connection) -> None:
    until = time.monotonic() + _WITHIN_SECONDS
    while sql.execute("SHOW synchronous_standby_names").fetchone() != ("gone",):
        assert time.monotonic() < until
        sql.commit()
