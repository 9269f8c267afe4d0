"""The log cannot be written: acts stop with a clear reason, urgent ones go on, nothing is torn."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from juki_center.areas.calls import URGENT_METHODS
from juki_center.areas.requests.answers import Request
from juki_center.errors import Reason, Refusal
from juki_center.storage import log_care, signing
from juki_center.storage.keys import KeyEncryptionKey
from juki_center.storage.reserve import Reserve
from juki_center.storage.sqlite import SQLiteStore
from tests.support.full_disk import RESERVE_OCTETS
from tests.support.log_acts import URI, answering, in_call, new_call
from tests.support.log_keys import TroubledSigner, verified_head, verified_leaf

REQUEST = Request(URI, UUID(int=7), b"content")
URGENT = Request(URI, UUID(int=8), b"content")


@pytest.fixture
def signer(monkeypatch: pytest.MonkeyPatch) -> Iterator[TroubledSigner]:
    """Give a signer that can be told to fail or to wait; deadlines and pauses are short."""
    monkeypatch.setattr(signing, "DEADLINE_SECONDS", 0.2)
    monkeypatch.setattr(log_care, "PAUSE_SECONDS", 0.02)
    troubled = TroubledSigner()
    yield troubled
    troubled.free.set()


@pytest.fixture
def signed(folder: Path, signer: TroubledSigner) -> Iterator[SQLiteStore]:
    """Give a store that the signer signs for."""
    store = opened(folder, signer)
    yield store
    signer.free.set()
    store.close()


def opened(folder: Path, signer: TroubledSigner) -> SQLiteStore:
    """Open the store of a folder; its window is long enough for acts to meet in it."""
    kek = KeyEncryptionKey.load(folder / "kek")
    return SQLiteStore(folder / "center.db", kek, signer=signer, window_seconds=0.02)


async def recovered(store: SQLiteStore) -> None:
    """Return when the log can be written again."""
    async with asyncio.timeout(10):
        while not store.is_log_writable:  # noqa: ASYNC110  # the store has no event for it
            await asyncio.sleep(0.005)


def reason(outcome: object) -> object:
    """Return why an act was refused; anything else as it is."""
    return outcome.reason if isinstance(outcome, Refusal) else outcome


async def test_acts_stop_while_no_head_can_be_signed_and_looking_up_goes_on(
    signed: SQLiteStore, signer: TroubledSigner
) -> None:
    await signed.act(answering(REQUEST))
    before = signed.read(lambda tx: (tx.audit.size(), tx.audit.checkpoint()))
    signer.fails = True

    outcomes = await asyncio.gather(
        *(signed.act(answering(Request(URI, UUID(int=n), b""))) for n in range(100, 103)),
        return_exceptions=True,
    )

    assert {reason(one) for one in outcomes} == {Reason.LOG_UNAVAILABLE}
    assert signed.read(lambda tx: (tx.audit.size(), tx.audit.checkpoint())) == before
    assert signed.read(lambda tx: tx.audit.receipt_of(URI, REQUEST.request_id))
    assert not signed.is_log_writable


async def test_acts_go_on_by_themselves_when_heads_are_signed_again(
    signed: SQLiteStore, signer: TroubledSigner
) -> None:
    signer.fails = True
    with pytest.raises(Refusal):
        await signed.act(answering(REQUEST))

    signer.fails = False
    await recovered(signed)
    call = new_call()
    await in_call(call, lambda: signed.act(answering(REQUEST)))

    assert verified_leaf(call.logged[0]).request_id == REQUEST.request_id.bytes


async def test_an_urgent_act_commits_unsigned_and_the_next_head_covers_it(
    signed: SQLiteStore, signer: TroubledSigner
) -> None:
    signer.fails, call = True, new_call()

    urgent, other = await asyncio.gather(
        in_call(call, lambda: signed.act(answering(URGENT), urgent=True)),
        signed.act(answering(REQUEST)),
        return_exceptions=True,
    )
    early = signed.read(lambda tx: tx.audit.receipt_of(URI, URGENT.request_id))
    signer.fails = False
    await recovered(signed)

    assert (urgent, reason(other)) == (b"answer", Reason.LOG_UNAVAILABLE)
    assert (call.logged, early) == ([], ())
    note, size = signed.read(lambda tx: (tx.audit.checkpoint(), tx.audit.size()))
    assert note is not None
    assert verified_head(note).size == size
    (late,) = signed.read(lambda tx: tx.audit.receipt_of(URI, URGENT.request_id))
    assert verified_leaf(late).request_id == URGENT.request_id.bytes


@pytest.mark.parametrize("method", sorted(URGENT_METHODS))
async def test_suspending_and_cutting_off_are_urgent_by_their_method(
    signed: SQLiteStore, signer: TroubledSigner, method: str
) -> None:
    signer.fails = True

    answer = await in_call(new_call(method), lambda: signed.act(answering(URGENT)))

    assert answer == b"answer"


async def test_a_signer_that_stalls_holds_the_writer_up_to_its_deadline_and_then_nobody(
    signed: SQLiteStore, signer: TroubledSigner
) -> None:
    signer.free.clear()
    with pytest.raises(Refusal) as first:
        await signed.act(answering(REQUEST))
    asked = signer.asked

    loop = asyncio.get_running_loop()
    began = loop.time()
    urgent = await signed.act(answering(URGENT), urgent=True)
    others = await asyncio.gather(
        *(signed.act(answering(Request(URI, UUID(int=n), b""))) for n in range(5)),
        return_exceptions=True,
    )
    seconds = loop.time() - began

    assert first.value.reason is Reason.LOG_UNAVAILABLE
    assert urgent == b"answer"
    assert {reason(one) for one in others} == {Reason.LOG_UNAVAILABLE}
    assert signer.asked == asked
    assert seconds < signing.DEADLINE_SECONDS


async def test_a_signature_that_comes_too_late_is_used_for_nothing(
    signed: SQLiteStore, signer: TroubledSigner
) -> None:
    before = signed.read(lambda tx: tx.audit.size())
    signer.free.clear()
    with pytest.raises(Refusal):
        await signed.act(answering(REQUEST))

    signer.free.set()
    await recovered(signed)
    await signed.act(answering(URGENT))

    note, size = signed.read(lambda tx: (tx.audit.checkpoint(), tx.audit.size()))
    assert note is not None
    assert verified_head(note).size == size == before + 1


async def test_a_note_over_another_text_is_no_signature(
    folder: Path, signer: TroubledSigner, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = opened(folder, signer)
    monkeypatch.setattr(TroubledSigner, "sign", lambda self, _text: self.key.sign("other\n"))

    with pytest.raises(Refusal) as refused:
        await store.act(answering(REQUEST))

    assert refused.value.reason is Reason.LOG_UNAVAILABLE
    store.close()


async def test_a_store_opens_without_its_signer_and_takes_acts_once_it_is_back(
    folder: Path, signer: TroubledSigner
) -> None:
    signer.fails = True
    store = opened(folder, signer)
    was_writable = store.is_log_writable

    signer.fails = False
    await recovered(store)
    await store.act(answering(REQUEST))

    assert not was_writable
    assert store.read(lambda tx: tx.audit.receipt_of(URI, REQUEST.request_id))
    store.close()


def test_the_reserve_takes_its_room_gives_it_up_and_takes_it_again(tmp_path: Path) -> None:
    reserve = Reserve.beside(tmp_path / "center.db", RESERVE_OCTETS)
    path = tmp_path / "center.db-reserve"

    held = reserve.hold()
    taken = path.stat()
    given = (reserve.give_up(), reserve.is_held(), reserve.give_up())
    again = reserve.hold()

    assert (held, again, given) == (True, True, (True, False, False))
    assert (taken.st_size, taken.st_mode & 0o777) == (RESERVE_OCTETS, 0o600)
    assert taken.st_blocks * 512 >= RESERVE_OCTETS
    assert path.stat().st_size == RESERVE_OCTETS


def test_a_reserve_that_finds_no_room_takes_none(tmp_path: Path) -> None:
    reserve = Reserve(tmp_path / "reserve", 1 << 60)

    assert not reserve.hold()
    assert not (tmp_path / "reserve").exists()
    assert not reserve.is_held()


def test_a_reserve_of_nothing_is_always_held_and_never_helps(tmp_path: Path) -> None:
    reserve = Reserve(tmp_path / "reserve", 0)

    assert (reserve.hold(), reserve.is_held(), reserve.give_up()) == (True, True, False)
    assert not (tmp_path / "reserve").exists()


def test_a_full_disk_stops_acts_and_the_reserve_lets_urgent_ones_through(tmp_path: Path) -> None:
    user_namespace = [] if os.getuid() == 0 else ["--map-root-user"]
    script = 'mount -t tmpfs -o size=6m tmpfs "$1" && exec "$2" -m tests.support.full_disk "$1"'

    run = subprocess.run(
        ["unshare", *user_namespace, "--mount", "sh", "-c", script, "-", tmp_path, sys.executable],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )

    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout) == {
        "reserve": RESERVE_OCTETS,
        "allocated": True,
        "refused": "LOG_UNAVAILABLE",
        "writable_when_full": False,
        "reserve_kept_for_urgent_acts": True,
        "urgent": ["DONE"] * 20,
        "reserve_given_up": True,
        "others": "LOG_UNAVAILABLE",
        "read": True,
        "reserve_again": RESERVE_OCTETS,
        "after": "DONE",
        "present": True,
        "leaves": 0,
    }
