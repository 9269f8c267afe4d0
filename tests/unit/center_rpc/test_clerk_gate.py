"""The gate of the clerks writes the signed-in clerk's name, whatever a terminal has written."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from juki_center.areas.calls import Call
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.errors import Reason, Refusal
from juki_center.rpc.clerk_gate import ClerkGate
from juki_center.rpc.options import access_rules
from juki_center.storage.sqlite import SQLiteStore
from jukinet.copies.v1 import certificate_copy_service_pb2 as pb
from tests.support.center import open_test_store
from tests.support.clerks import NAME, clerk_policy, enter_clerk, put_signed_in

WINDOW = "juki://municipality/131016/terminal/01"
CHIYODA = MunicipalityCode("131016")
ISSUE = "/jukinet.copies.v1.CertificateCopyService/IssueCopy"
RULE = access_rules([pb.DESCRIPTOR.services_by_name["CertificateCopyService"]])[ISSUE]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SQLiteStore]:
    with closing(open_test_store(tmp_path)) as opened:
        yield opened


def now() -> datetime:
    return datetime.now(UTC)


def gate(store: SQLiteStore) -> ClerkGate:
    return ClerkGate(store, clerk_policy(), now)


def sign_in(store: SQLiteStore) -> str:
    """Sign a clerk in at the window; return the clerk's id."""
    clerk = asyncio.run(store.act(lambda tx: enter_clerk(tx, "131016", now())))
    asyncio.run(store.act(lambda tx: put_signed_in(tx, clerk, WINDOW, now())))
    return clerk.clerk_id


def call() -> Call:
    return Call(WINDOW, "terminal", CHIYODA, b"c" * 32, ISSUE)


def by_photo() -> pb.IssueCopyRequest:
    forged = pb.PhotoIdentification(clerk_name="somebody else")
    return pb.IssueCopyRequest(photo_identification=forged)


def test_a_forged_name_is_written_over(store: SQLiteStore) -> None:
    clerk_id, asked, request = sign_in(store), call(), by_photo()

    gate(store).take(asked, RULE, request)

    assert request.photo_identification.clerk_name == NAME
    assert (asked.clerk, len(asked.guards)) == (clerk_id, 1)


def test_a_photo_document_without_a_clerk_is_refused(store: SQLiteStore) -> None:
    with pytest.raises(Refusal) as refused:
        gate(store).take(call(), RULE, by_photo())

    assert refused.value.reason is Reason.CLERK_SIGN_IN_REQUIRED


def test_a_card_needs_no_clerk(store: SQLiteStore) -> None:
    asked = call()

    gate(store).take(asked, RULE, pb.IssueCopyRequest(card_session_id=b"s" * 16))

    assert asked.guards == []


def test_the_id_stands_for_the_name_while_the_municipality_is_cut_off(store: SQLiteStore) -> None:
    clerk_id, request = sign_in(store), by_photo()
    asyncio.run(store.act(lambda tx: tx.registers.set_connected(CHIYODA, connected=False)))

    gate(store).take(call(), RULE, request)

    assert request.photo_identification.clerk_name == clerk_id


def test_a_clerk_who_signs_out_before_the_act_stops_it(store: SQLiteStore) -> None:
    sign_in(store)
    asked = call()
    gate(store).take(asked, RULE, by_photo())
    asyncio.run(store.act(lambda tx: tx.clerks.remove_sign_in(WINDOW)))

    with pytest.raises(Refusal) as refused:
        asyncio.run(store.act(asked.admit))

    assert refused.value.reason is Reason.CLERK_SIGN_IN_REQUIRED


def test_an_act_that_one_clerk_began_does_not_go_on_under_the_next(store: SQLiteStore) -> None:
    sign_in(store)
    asked = call()
    gate(store).take(asked, RULE, by_photo())
    next_clerk = sign_in(store)
    assert next_clerk != asked.clerk

    with pytest.raises(Refusal) as refused:
        asyncio.run(store.act(asked.admit))

    assert refused.value.reason is Reason.CLERK_SIGN_IN_REQUIRED


@pytest.mark.parametrize("is_replaced", [False, True])
def test_a_read_of_a_clerk_who_is_there_no_more_is_refused(
    store: SQLiteStore, is_replaced: bool
) -> None:
    sign_in(store)
    asked = call()
    gate(store).take(asked, RULE, by_photo())
    store.read(asked.look)
    if is_replaced:
        sign_in(store)
    else:
        asyncio.run(store.act(lambda tx: tx.clerks.remove_sign_in(WINDOW)))

    with pytest.raises(Refusal) as refused:
        store.read(asked.look)

    assert refused.value.reason is Reason.CLERK_SIGN_IN_REQUIRED
