"""The log's tree grows with the acts, its head is signed, and each call has its receipts."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from juki_audit import tree
from juki_audit.leaf import Leaf
from juki_center.areas.audit.events import DeniedAttempt
from juki_center.areas.calls import Logged
from juki_center.areas.ports import Tx
from juki_center.areas.requests.answers import Request, forget_old_answers
from juki_center.areas.residents.records import PersonID
from juki_center.errors import Reason, Refusal, RuleBroken
from juki_center.storage.bulk import BulkConnection
from juki_center.storage.keys import KeyEncryptionKey
from juki_center.storage.passing_store import PassingStore
from juki_center.storage.sqlite import SQLiteStore
from tests.support.center import NOW, open_test_store
from tests.support.log_acts import EVENT, URI, answering, in_call, new_call
from tests.support.log_keys import log_key, verified_head, verified_leaf
from tests.support.rows import peeking
from tests.support.whole_log import check_whole

PERSON, OTHER = PersonID(b"1" * 16), PersonID(b"2" * 16)
REQUEST = Request(URI, UUID(int=7), b"content")
SECOND = Request(URI, UUID(int=8), b"content")


@pytest.fixture
def signed(folder: Path) -> Iterator[SQLiteStore]:
    """Give a store whose heads are signed; its window is long enough for acts to meet in it."""
    store = signed_store(folder)
    yield store
    store.close()


def signed_store(folder: Path) -> SQLiteStore:
    """Open the store of a folder with the log's key."""
    kek = KeyEncryptionKey.load(folder / "kek")
    return SQLiteStore(folder / "center.db", kek, signer=log_key(), window_seconds=0.02)


def broken(tx: Tx) -> None:
    """Act: append a leaf, and fail."""
    tx.audit.append(EVENT)
    raise RuleBroken("RULE")


async def test_leaves_of_acts_that_share_a_commit_have_one_signed_head(
    signed: SQLiteStore,
) -> None:
    done = [new_call() for _ in range(9)]

    await asyncio.gather(
        *(
            in_call(
                call,
                lambda number=number: signed.act(  # type: ignore[misc]  # bound early
                    answering(Request(URI, UUID(int=number), b""), *(EVENT,) * (1 + number % 3))
                ),
            )
            for number, call in enumerate(done)
        )
    )

    size = check_whole(signed)
    logged = [one for call in done for one in call.logged]
    heads = {verified_head(one.checkpoint).size for one in logged}
    assert [len(call.logged) for call in done] == [1, 2, 3] * 3
    assert sorted(one.index for one in logged) == list(range(size - 18, size))
    assert max(heads) == size
    assert len(heads) <= 2
    for number, call in enumerate(done):
        assert {verified_leaf(one).request_id for one in call.logged} <= {UUID(int=number).bytes}


async def test_a_leaf_names_its_request_its_clerk_and_what_the_call_cites(
    signed: SQLiteStore,
) -> None:
    call = new_call()
    call.clerk = "clerk-7"
    call.cited = (("approval", "a-1"),)

    await in_call(call, lambda: signed.act(answering(REQUEST, EVENT)))

    (leaf,) = (verified_leaf(one) for one in call.logged)
    assert (leaf.request_id, leaf.clerk) == (REQUEST.request_id.bytes, "clerk-7")
    assert (leaf.details, leaf.resource) == ({"approval": "a-1"}, "J-1")


async def test_what_an_event_names_itself_stands_before_the_calls(signed: SQLiteStore) -> None:
    call = new_call()
    call.clerk = "clerk-7"
    own = replace(EVENT, request_id=UUID(int=99), clerk="clerk-1")

    await in_call(call, lambda: signed.act(answering(REQUEST, own)))

    (leaf,) = (verified_leaf(one) for one in call.logged)
    assert (leaf.request_id, leaf.clerk) == (UUID(int=99).bytes, "clerk-1")


async def test_a_request_sent_again_has_the_first_leaves_and_a_newer_head(
    signed: SQLiteStore,
) -> None:
    first, again = new_call(), new_call()
    await in_call(first, lambda: signed.act(answering(REQUEST, EVENT, EVENT)))
    for _ in range(5):
        await signed.act(lambda tx: tx.audit.append(EVENT))

    await in_call(again, lambda: signed.act(answering(REQUEST, EVENT)))

    size = signed.read(lambda tx: tx.audit.size())
    assert [one.index for one in again.logged] == [one.index for one in first.logged]
    assert [one.content for one in again.logged] == [one.content for one in first.logged]
    assert {verified_head(one.checkpoint).size for one in again.logged} == {size}
    assert [verified_leaf(one).event for one in again.logged] == ["COPY_ISSUED"] * 2


async def test_a_request_sent_again_beside_other_acts_is_proved_to_their_head(
    signed: SQLiteStore,
) -> None:
    again, other = new_call(), new_call()
    await signed.act(answering(REQUEST, EVENT))

    await asyncio.gather(
        in_call(again, lambda: signed.act(answering(REQUEST, EVENT))),
        in_call(other, lambda: signed.act(answering(SECOND, EVENT))),
    )

    assert verified_leaf(again.logged[0]).request_id == REQUEST.request_id.bytes
    assert verified_leaf(other.logged[0]).request_id == SECOND.request_id.bytes
    assert verified_head(again.logged[0].checkpoint) == verified_head(other.logged[0].checkpoint)


async def test_another_content_under_the_id_has_no_receipt(signed: SQLiteStore) -> None:
    call = new_call()
    await signed.act(answering(REQUEST, EVENT))

    with pytest.raises(Refusal) as refused:
        await in_call(
            call, lambda: signed.act(answering(replace(REQUEST, content=b"other"), EVENT))
        )

    assert refused.value.reason is Reason.REQUEST_ID_REUSED
    assert call.logged == []


async def test_a_refused_attempt_has_a_leaf_and_no_receipt(signed: SQLiteStore) -> None:
    call, before = new_call(), signed.read(lambda tx: tx.audit.size())
    call.clerk = "clerk-7"

    def denied(tx: Tx) -> None:
        tx.audit.append(EVENT)
        raise DeniedAttempt(Refusal(Reason.CARD_UNKNOWN), replace(EVENT, cause=Reason.CARD_UNKNOWN))

    with pytest.raises(DeniedAttempt):
        await in_call(call, lambda: signed.act(denied))

    ((_, leaf),) = signed.read(lambda tx: tx.audit.contents(before, 10))
    assert (leaf.outcome, leaf.clerk) == ("CARD_UNKNOWN", "clerk-7")
    assert call.logged == []
    check_whole(signed)


async def test_a_stored_answer_that_is_read_again_has_its_receipt(signed: SQLiteStore) -> None:
    call = new_call()
    await signed.act(answering(REQUEST, EVENT))

    async def read() -> bytes | None:
        return signed.read(lambda tx: tx.answers.answer_of(URI, REQUEST.request_id))

    assert await in_call(call, read) == b"answer"
    assert verified_leaf(call.logged[0]).request_id == REQUEST.request_id.bytes


async def test_what_was_undone_inside_of_an_act_leaves_no_leaf(signed: SQLiteStore) -> None:
    call = new_call()

    def act(tx: Tx) -> None:
        tx.audit.append(replace(EVENT, resource="before"))
        with suppress(RuleBroken), tx.alone():
            tx.audit.append(replace(EVENT, resource="undone"))
            tx.answers.put(REQUEST, b"", resource="", sealed_for=None, now=NOW)
            broken(tx)
        tx.audit.append(replace(EVENT, resource="after"))
        tx.answers.put(SECOND, b"", resource="", sealed_for=None, now=NOW)

    await in_call(call, lambda: signed.act(act))

    leaves = [verified_leaf(one) for one in call.logged]
    assert [leaf.resource for leaf in leaves] == ["before", "after"]
    assert {leaf.request_id for leaf in leaves} == {SECOND.request_id.bytes}


async def test_an_act_that_is_run_again_alone_is_logged_once(signed: SQLiteStore) -> None:
    call, before = new_call(), signed.read(lambda tx: tx.audit.size())

    def fails(tx: Tx) -> None:
        tx.audit.append(EVENT)
        raise sqlite3.OperationalError

    outcomes = await asyncio.gather(
        in_call(call, lambda: signed.act(answering(REQUEST, EVENT))),
        signed.act(fails),
        return_exceptions=True,
    )

    assert outcomes[0] == b"answer"
    assert isinstance(outcomes[1], Refusal)
    assert [one.index for one in call.logged] == [before]
    assert check_whole(signed) == before + 1
    verified_leaf(call.logged[0])


async def test_without_a_key_the_tree_grows_and_no_act_has_a_receipt(folder: Path) -> None:
    store, call = open_test_store(folder), new_call()

    await in_call(call, lambda: store.act(answering(REQUEST, EVENT)))

    assert call.logged == []
    assert check_whole(store) > 0
    assert store.read(lambda tx: tx.audit.checkpoint()) is None
    store.close()


@pytest.mark.embedded
async def test_a_head_that_was_written_without_the_key_is_signed_when_the_key_is_there(
    folder: Path,
) -> None:
    unsigned = open_test_store(folder)
    await unsigned.act(answering(REQUEST, EVENT))
    unsigned.close()

    signed, call = signed_store(folder), new_call()
    note = signed.read(lambda tx: tx.audit.checkpoint())
    await in_call(call, lambda: signed.act(answering(REQUEST, EVENT)))

    assert note is not None
    assert verified_head(note).size == check_whole(signed)
    verified_leaf(call.logged[0])
    signed.close()


@pytest.mark.embedded
async def test_leaves_behind_the_newest_signed_head_have_no_receipt_yet(folder: Path) -> None:
    signed = signed_store(folder)
    await signed.act(answering(REQUEST, EVENT))
    other = open_test_store(folder)
    await other.act(answering(SECOND, EVENT))

    early = signed.read(lambda tx: tx.audit.receipt_of(URI, SECOND.request_id))
    proved = signed.read(lambda tx: tx.audit.receipt_of(URI, REQUEST.request_id))
    await signed.act(lambda tx: tx.audit.append(EVENT))
    late = signed.read(lambda tx: tx.audit.receipt_of(URI, SECOND.request_id))

    assert early == ()
    assert verified_leaf(proved[0]).request_id == REQUEST.request_id.bytes
    assert verified_leaf(late[0]).request_id == SECOND.request_id.bytes
    other.close()
    signed.close()


async def test_a_content_can_be_deleted_and_the_proofs_go_on(signed: SQLiteStore) -> None:
    call = new_call()
    await in_call(call, lambda: signed.act(answering(REQUEST, EVENT)))
    (logged,) = call.logged
    with peeking(signed) as sql:
        sql.execute(
            "UPDATE audit_leaves SET salt = NULL, content = NULL WHERE leaf_index = ?",
            (logged.index,),
        )

    again = new_call()
    answer = await in_call(again, lambda: signed.act(answering(REQUEST, EVENT)))
    await signed.act(lambda tx: tx.audit.append(EVENT))

    assert (answer, again.logged) == (b"answer", [])
    assert signed.read(lambda tx: tx.audit.leaves(logged.index, 1))[0].content is None
    assert signed.read(lambda tx: tx.audit.contents(logged.index, 1)) == []
    size = check_whole(signed)
    proof = signed.read(lambda tx: tree.inclusion_proof(tx.audit.node, logged.index, size))
    note = signed.read(lambda tx: tx.audit.checkpoint())
    committed = signed.read(lambda tx: tx.audit.leaves(logged.index, 1))[0].commitment
    assert note is not None
    tree.verify_inclusion(verified_head(note), committed, logged.index, proof)


async def test_answers_are_forgotten_without_their_leaves(signed: SQLiteStore) -> None:
    await signed.act(answering(REQUEST, EVENT))

    await signed.act(lambda tx: forget_old_answers(tx, NOW + timedelta(days=2)))

    (logged,) = signed.read(lambda tx: tx.audit.receipt_of(URI, REQUEST.request_id))
    assert verified_leaf(logged).request_id == REQUEST.request_id.bytes
    assert signed.read(lambda tx: tx.audit.receipt_of(URI, UUID(int=1))) == ()


async def test_leaves_are_found_by_the_person_they_concern(signed: SQLiteStore) -> None:
    before = signed.read(lambda tx: tx.audit.size())
    for subjects in ((PERSON,), (OTHER, PERSON), (OTHER,), (), (PERSON, PERSON)):
        event = replace(EVENT, subjects=subjects)
        await signed.act(lambda tx, event=event: tx.audit.append(event))

    found = signed.read(lambda tx: tx.audit.of_subject(PERSON))
    page = signed.read(lambda tx: tx.audit.of_subject(PERSON, before + 1, 1))
    token = signed.read(lambda tx: tx.audit.subject(PERSON))

    assert [leaf.index - before for leaf in found] == [0, 1, 4]
    assert [leaf.index - before for leaf in page] == [1]
    assert all(token in Leaf.decode(leaf.content or b"").subjects for leaf in found)


def test_a_node_that_is_not_complete_is_none(signed: SQLiteStore) -> None:
    with pytest.raises(LookupError):
        signed.read(lambda tx: tx.audit.node(60, 0))


@pytest.mark.embedded
async def test_the_bulk_paths_keep_the_tree_as_the_acts_do(folder: Path) -> None:
    kek = KeyEncryptionKey.load(folder / "kek")
    passing = PassingStore(folder / "center.db", kek)
    with passing.committing():
        for number in range(5):
            request = Request(URI, UUID(int=number), b"")
            passing.do(answering(request, replace(EVENT, resource=str(number))))
    with pytest.raises(RuleBroken), passing.committing():
        passing.do(broken)
    passing.close()
    with closing(BulkConnection(folder / "center.db", kek)) as bulk:
        for _ in range(3):
            with bulk.committing() as tx:
                tx.audit.append(EVENT)

    signed, call = signed_store(folder), new_call()

    await in_call(call, lambda: signed.act(answering(Request(URI, UUID(int=3), b""), EVENT)))
    assert check_whole(signed) >= 8
    assert verified_leaf(call.logged[0]).resource == "3"
    signed.close()


async def test_receipts_are_those_of_the_calls_own_acts(signed: SQLiteStore) -> None:
    call = new_call()
    await signed.act(answering(SECOND, EVENT))

    async def two() -> list[Logged]:
        await signed.act(answering(REQUEST, EVENT))
        await signed.act(lambda tx: tx.audit.append(replace(EVENT, resource="J-2")))
        return call.logged

    logged = await in_call(call, two)

    assert [verified_leaf(one).resource for one in logged] == ["J-1", "J-2"]
