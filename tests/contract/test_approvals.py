"""Approvals: what one person proposes, another approves, and an act uses up, once."""

from __future__ import annotations

import asyncio
import dataclasses
import uuid
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from juki_center.areas.approvals.acts import (
    VALID_FOR,
    Approve,
    Propose,
    Use,
    Withdraw,
    approve,
    digest_of,
    forget_old_approvals,
    list_pending,
    propose,
    use_up,
    withdraw,
)
from juki_center.areas.approvals.rows import Approval, Person
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.errors import Reason, Refusal
from juki_center.storage.sqlite import SQLiteStore
from tests.support.center import NOW, open_test_store

METHOD = "/jukinet.operations.v1.CenterService/Reconnect"
ACT = b"what is to be done"
ONE = Person("juki://operator/operator-1", "", b"1" * 32, None)
OTHER = Person("juki://operator/operator-2", "", b"2" * 32, None)
CHIYODA = MunicipalityCode("131016")
CLERK = Person("juki://municipality/131016/terminal/01", "131016-0001", b"c" * 32, CHIYODA)
COLLEAGUE = Person("juki://municipality/131016/terminal/02", "131016-0002", b"d" * 32, CHIYODA)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SQLiteStore]:
    with closing(open_test_store(tmp_path)) as opened:
        asyncio.run(opened.act(lambda tx: tx.registers.host(CHIYODA)))
        yield opened


async def proposed(store: SQLiteStore, by: Person = ONE) -> Approval:
    command = Propose(by, uuid.uuid4(), METHOD, ACT)
    return await store.act(lambda tx: propose(tx, command, NOW))


async def approved(
    store: SQLiteStore, approval: Approval, by: Person = OTHER, after: timedelta = timedelta(0)
) -> Approval:
    command = Approve(by, uuid.uuid4(), approval.approval_id, approval.digest)
    return await store.act(lambda tx: approve(tx, command, NOW + after))


def use_of(approval: Approval, by: Person = ONE) -> Use:
    return Use(by, uuid.uuid4(), approval.approval_id, approval.digest)


async def used(store: SQLiteStore, use: Use, after: timedelta = timedelta(0)) -> None:
    await store.act(lambda tx: use_up(tx, use, NOW + after))


async def test_what_another_approved_may_be_done_once(store: SQLiteStore) -> None:
    approval = await approved(store, await proposed(store))
    await used(store, use_of(approval))

    with pytest.raises(Refusal) as refused:
        await used(store, use_of(approval))

    assert refused.value.reason is Reason.APPROVAL_USED


async def test_the_request_that_used_an_approval_may_come_again_even_late(
    store: SQLiteStore,
) -> None:
    use = use_of(await approved(store, await proposed(store)))
    await used(store, use)

    await used(store, use, after=timedelta(hours=1))


async def test_an_act_that_fails_does_not_use_its_approval_up(store: SQLiteStore) -> None:
    approval = await approved(store, await proposed(store))

    def act(tx: object) -> None:
        use_up(tx, use_of(approval), NOW)  # type: ignore[arg-type]  # the store's transaction
        raise Refusal(Reason.NOT_IN_THIS_STATE)

    with pytest.raises(Refusal):
        await store.act(act)
    await used(store, use_of(approval))


async def test_nobody_approves_the_own_proposal(store: SQLiteStore) -> None:
    approval = await proposed(store)

    with pytest.raises(Refusal) as refused:
        await approved(store, approval, ONE)

    assert refused.value.reason is Reason.ANOTHER_PERSON_REQUIRED


@pytest.mark.parametrize(
    "same",
    [
        pytest.param({"clerk_id": CLERK.clerk_id}, id="the same clerk at another terminal"),
        pytest.param({"credential": CLERK.credential}, id="another name with the same card"),
    ],
)
async def test_the_same_clerk_with_another_sign_in_does_not_count_as_a_second_person(
    store: SQLiteStore, same: dict[str, object]
) -> None:
    approval = await proposed(store, CLERK)
    by = dataclasses.replace(COLLEAGUE, **same)  # type: ignore[arg-type]  # its fields

    with pytest.raises(Refusal) as refused:
        await approved(store, approval, by)

    assert refused.value.reason is Reason.ANOTHER_PERSON_REQUIRED


async def test_a_colleague_at_the_same_terminal_may_approve(store: SQLiteStore) -> None:
    approval = await proposed(store, CLERK)
    colleague = dataclasses.replace(COLLEAGUE, uri=CLERK.uri)

    await approved(store, approval, colleague)

    await used(store, use_of(approval, CLERK))


async def test_another_side_hears_of_no_proposal(store: SQLiteStore) -> None:
    approval = await proposed(store, CLERK)

    with pytest.raises(Refusal) as refused:
        await approved(store, approval, OTHER)

    assert refused.value.reason is Reason.APPROVAL_NOT_FOUND
    assert store.read(lambda tx: list_pending(tx, OTHER, NOW)) == []


async def test_an_act_that_nobody_has_approved_yet_is_refused(store: SQLiteStore) -> None:
    approval = await proposed(store)

    with pytest.raises(Refusal) as refused:
        await used(store, use_of(approval))

    assert refused.value.reason is Reason.APPROVAL_PENDING


async def test_the_approver_cannot_do_the_act(store: SQLiteStore) -> None:
    approval = await approved(store, await proposed(store))

    with pytest.raises(Refusal) as refused:
        await used(store, use_of(approval, OTHER))

    assert refused.value.reason is Reason.APPROVAL_NOT_FOUND


async def test_another_content_is_not_what_was_approved(store: SQLiteStore) -> None:
    approval = await approved(store, await proposed(store))
    use = dataclasses.replace(use_of(approval), digest=digest_of(METHOD, ACT + b"!"))

    with pytest.raises(Refusal) as refused:
        await used(store, use)

    assert refused.value.reason is Reason.APPROVAL_NOT_OF_THE_ACT


async def test_approving_another_digest_is_refused(store: SQLiteStore) -> None:
    approval = dataclasses.replace(await proposed(store), digest=bytes(32))

    with pytest.raises(Refusal) as refused:
        await approved(store, approval)

    assert refused.value.reason is Reason.APPROVAL_NOT_OF_THE_ACT


async def test_the_same_octets_for_another_method_have_another_digest() -> None:
    assert digest_of("/a/B", b"C") != digest_of("/a/BC", b"")


async def test_ten_minutes_after_the_proposal_nothing_of_it_counts(store: SQLiteStore) -> None:
    late = await approved(store, await proposed(store))
    unapproved = await proposed(store)
    await used(store, use_of(late), after=VALID_FOR - timedelta(microseconds=1))
    other = await approved(store, await proposed(store))

    for step in (
        used(store, use_of(other), VALID_FOR),
        approved(store, unapproved, OTHER, VALID_FOR),
    ):
        with pytest.raises(Refusal) as refused:
            await step
        assert refused.value.reason is Reason.APPROVAL_EXPIRED


async def test_a_proposal_that_was_taken_back_is_gone(store: SQLiteStore) -> None:
    approval = await approved(store, await proposed(store))
    command = Withdraw(ONE, uuid.uuid4(), approval.approval_id)
    await store.act(lambda tx: withdraw(tx, command, NOW))

    with pytest.raises(Refusal) as refused:
        await used(store, use_of(approval))

    assert refused.value.reason is Reason.APPROVAL_NOT_FOUND
    assert store.read(lambda tx: list_pending(tx, ONE, NOW)) == []


async def test_only_who_proposed_takes_it_back(store: SQLiteStore) -> None:
    approval = await proposed(store)

    command = Withdraw(OTHER, uuid.uuid4(), approval.approval_id)
    with pytest.raises(Refusal) as refused:
        await store.act(lambda tx: withdraw(tx, command, NOW))

    assert refused.value.reason is Reason.APPROVAL_NOT_FOUND


async def test_what_was_used_is_not_taken_back(store: SQLiteStore) -> None:
    approval = await approved(store, await proposed(store))
    await used(store, use_of(approval))

    command = Withdraw(ONE, uuid.uuid4(), approval.approval_id)
    with pytest.raises(Refusal) as refused:
        await store.act(lambda tx: withdraw(tx, command, NOW))

    assert refused.value.reason is Reason.APPROVAL_USED


async def test_the_same_request_proposes_once(store: SQLiteStore) -> None:
    command = Propose(ONE, uuid.uuid4(), METHOD, ACT)
    first = await store.act(lambda tx: propose(tx, command, NOW))

    again = await store.act(lambda tx: propose(tx, command, NOW))

    assert again.approval_id == first.approval_id
    assert len(store.read(lambda tx: list_pending(tx, OTHER, NOW))) == 1


async def test_the_other_person_sees_what_is_proposed(store: SQLiteStore) -> None:
    approval = await proposed(store)

    (seen,) = store.read(lambda tx: list_pending(tx, OTHER, NOW))

    assert (seen.approval_id, seen.act, seen.digest) == (approval.approval_id, ACT, approval.digest)


async def test_a_proposed_act_is_sealed_and_forgotten_when_it_is_over(
    store: SQLiteStore, tmp_path: Path
) -> None:
    await proposed(store)
    await store.act(lambda tx: forget_old_approvals(tx, NOW + VALID_FOR + timedelta(seconds=1)))

    store.empty_log()

    assert ACT not in (tmp_path / "center.db").read_bytes()
    assert store.read(lambda tx: list_pending(tx, OTHER, NOW)) == []


async def test_a_clerks_proposal_is_closed_while_the_municipality_is_cut_off(
    store: SQLiteStore,
) -> None:
    await proposed(store, CLERK)
    await store.act(lambda tx: tx.registers.set_connected(CHIYODA, connected=False))

    with pytest.raises(Refusal) as refused:
        store.read(lambda tx: list_pending(tx, COLLEAGUE, NOW))

    assert refused.value.reason is Reason.RESIDENCE_DISCONNECTED
