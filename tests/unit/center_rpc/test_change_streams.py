"""WatchChanges over a real store and a real channel: order, cursors, ends, and the bell."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import date, timedelta
from typing import TYPE_CHECKING

import grpc
import pytest

from juki_center.errors import Reason, Refusal
from juki_center.rpc.change_bell import ChangeBell
from jukinet.agencies.v1 import identity_confirmation_service_pb2 as pb
from jukinet.residents.v1.civil_date_pb2 import CivilDate
from jukinet.residents.v1.residence_record_pb2 import CHANGE_REASON_MOVE_WITHIN
from tests.support.agencies import provision_rows
from tests.support.agency_service import (
    TOKOROZAWA,
    Bureau,
    append_notice,
    by_code,
    reason_of,
    serving,
)
from tests.support.leaves import leaves

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from juki_center.storage.sqlite import SQLiteStore
    from juki_pki.folder import PKIFolder

KEY = "takahashi-ichiro"
ELSEWHERE = "wang-xiaoming"


async def subscribe(bureau: Bureau, key: str = KEY) -> bytes:
    """Watch a sample resident as the passport office; return the reference."""
    async with bureau.stub() as stub:
        answer = await stub.ConfirmByCode(by_code(key, watch_changes=True))
    return answer.confirmation.subject_reference


class Watching:
    """An open stream of changes."""

    def __init__(self, call: grpc.aio.UnaryStreamCall[object, pb.WatchChangesResponse]) -> None:
        self._call = call

    async def next(self) -> pb.WatchChangesResponse:
        answer = await self._call.read()
        assert isinstance(answer, pb.WatchChangesResponse)
        return answer

    async def until_caught_up(self) -> list[pb.WatchChangesResponse]:
        """Return everything up to the next word that all is told, that word included."""
        told = [await self.next()]
        while told[-1].WhichOneof("step") != "caught_up":
            told.append(await self.next())
        return told

    async def until_notice(self) -> pb.WatchChangesResponse:
        """Return the next notice."""
        while (message := await self.next()).WhichOneof("step") != "notice":
            continue
        return message

    async def reason(self) -> str:
        """Return what the stream is ended for."""
        try:
            while True:
                await self.next()
        except grpc.aio.AioRpcError as error:
            return reason_of(error)[0]


@asynccontextmanager
async def watching(
    bureau: Bureau, cursor: bytes = b"", agency: str = "passport-1", affair: str = "passport"
) -> AsyncIterator[Watching]:
    async with bureau.stub(bureau.agency(agency)) as stub:
        call = stub.WatchChanges(pb.WatchChangesRequest(affair=affair, cursor=cursor))
        yield Watching(call)
        call.cancel()


async def test_change_of_a_watched_person_is_told_without_its_value(bureau: Bureau) -> None:
    reference = await subscribe(bureau)
    async with watching(bureau) as stream:
        (nothing,) = await stream.until_caught_up()
        await bureau.store.act(lambda tx: append_notice(tx, KEY))
        message = await stream.until_notice()

    notice = message.notice
    assert nothing.caught_up.as_of.ToDatetime().year >= 2026
    assert (notice.subject_reference, notice.reason) == (reference, CHANGE_REASON_MOVE_WITHIN)
    assert (notice.change_date.era, notice.change_date.year) == (CivilDate.ERA_REIWA, 8)
    assert list(notice.changed_items) == [pb.ITEM_ADDRESS]
    assert message.cursor
    assert [row["outcome"] for row in provision_rows(bureau.store)] == ["MATCH", "NOTICE"]
    assert leaves(bureau.store)[-1]["ev"] == "CHANGES_PROVIDED"


async def test_stream_goes_on_after_the_cursor_of_any_notice(bureau: Bureau) -> None:
    await subscribe(bureau)
    for _ in range(3):
        await bureau.store.act(lambda tx: append_notice(tx, KEY))
    async with watching(bureau) as stream:
        first, second, third, _ = await stream.until_caught_up()

    async with watching(bureau, first.cursor) as stream:
        *again, _ = await stream.until_caught_up()
    async with watching(bureau, third.cursor) as stream:
        nothing = await stream.until_caught_up()

    assert [one.notice for one in again] == [second.notice, third.notice]
    assert len(nothing) == 1


async def test_more_notices_than_a_page_come_in_order(bureau: Bureau) -> None:
    await subscribe(bureau)
    await bureau.store.act(lambda tx: [append_notice(tx, KEY) for _ in range(120)])
    async with watching(bureau) as stream:
        *told, _ = await stream.until_caught_up()

    times = [one.notice.record_time.ToNanoseconds() for one in told]
    assert len(times) == 120
    assert times == sorted(times)


async def test_streams_are_all_woken_by_one_change(bureau: Bureau) -> None:
    await subscribe(bureau)
    async with watching(bureau) as one, watching(bureau) as other:
        await one.until_caught_up()
        await other.until_caught_up()
        await bureau.store.act(lambda tx: append_notice(tx, KEY))

        told = [await stream.until_notice() for stream in (one, other)]

    assert told[0].notice == told[1].notice


async def test_cut_off_municipality_waits_is_named_and_told_when_it_is_back(
    bureau: Bureau,
) -> None:
    await subscribe(bureau)
    elsewhere = await subscribe(bureau, ELSEWHERE)
    await bureau.store.act(lambda tx: tx.registers.set_connected(TOKOROZAWA, connected=False))
    await bureau.store.act(lambda tx: tx.registers.set_connected(TOKOROZAWA, connected=True))
    await bureau.store.act(lambda tx: append_notice(tx, KEY))
    await bureau.store.act(lambda tx: append_notice(tx, ELSEWHERE))
    await bureau.store.act(lambda tx: tx.registers.set_connected(TOKOROZAWA, connected=False))
    async with watching(bureau) as stream:
        first, caught_up = await stream.until_caught_up()
        await bureau.store.act(lambda tx: tx.registers.set_connected(TOKOROZAWA, connected=True))
        waited = await stream.until_notice()

    assert first.notice.subject_reference == elsewhere
    assert list(caught_up.caught_up.waiting_municipality_codes) == [str(TOKOROZAWA)]
    assert waited.notice.record_time.ToNanoseconds() < first.notice.record_time.ToNanoseconds()


async def test_silence_is_broken_by_the_word_that_all_is_told(
    pki: PKIFolder, furnished_agencies: Path, tmp_path: Path
) -> None:
    async with (
        serving(pki, furnished_agencies, tmp_path / "center", caught_up_seconds=0.3) as bureau,
        watching(bureau) as stream,
    ):
        told = [await stream.next() for _ in range(3)]

    assert {one.WhichOneof("step") for one in told} == {"caught_up"}
    times = [one.caught_up.as_of.ToNanoseconds() for one in told]
    assert times == sorted(times)
    assert len({one.cursor for one in told[1:]}) == 1


@pytest.mark.parametrize(
    ("agency", "affair"), [("pension-1", "pension"), ("pension-1", "passport")]
)
async def test_cursor_of_another_agency_is_unknown(
    bureau: Bureau, agency: str, affair: str
) -> None:
    async with watching(bureau) as stream:
        (caught_up,) = await stream.until_caught_up()
    async with watching(bureau, caught_up.cursor, agency, affair) as stream:
        reason = await stream.reason()

    expected = {"pension": "CURSOR_UNKNOWN", "passport": "AFFAIR_NOT_AUTHORISED"}
    assert reason == expected[affair]


@pytest.mark.parametrize("cursor", [b"x", bytes(40), bytes(2_000)])
async def test_cursor_that_nobody_made_is_unknown(bureau: Bureau, cursor: bytes) -> None:
    async with watching(bureau, cursor) as stream:
        assert await stream.reason() == "CURSOR_UNKNOWN"


async def test_cursor_that_was_altered_is_unknown(bureau: Bureau) -> None:
    async with watching(bureau) as stream:
        (caught_up,) = await stream.until_caught_up()
    altered = bytes([caught_up.cursor[0] ^ 1]) + caught_up.cursor[1:]
    async with watching(bureau, altered) as stream:
        assert await stream.reason() == "CURSOR_UNKNOWN"


@pytest.mark.parametrize("affair", ["", "Passport"])
async def test_affair_that_is_no_code_is_named(bureau: Bureau, affair: str) -> None:
    async with watching(bureau, affair=affair) as stream:
        assert await stream.reason() == "FIELD_INVALID"


async def test_affair_that_is_not_authorised_is_refused_and_logged(bureau: Bureau) -> None:
    async with watching(bureau, affair="parking-permits") as stream:
        reason = await stream.reason()

    assert reason == "AFFAIR_NOT_AUTHORISED"
    assert leaves(bureau.store)[-1]["ev"] == "CONFIRMATION_REFUSED"


async def test_authorisation_that_ends_ends_the_stream_at_the_next_ring(bureau: Bureau) -> None:
    await subscribe(bureau)
    async with watching(bureau) as stream:
        await stream.until_caught_up()
        (row,) = bureau.store.read(lambda tx: tx.agencies.authorisations("passport-1"))
        await bureau.store.act(lambda tx: tx.agencies.end(row.number, date(2003, 8, 26)))
        await bureau.store.act(lambda tx: append_notice(tx, KEY))

        reason = await stream.reason()

    assert reason == "AFFAIR_NOT_AUTHORISED"


async def test_authorisation_that_runs_out_ends_a_silent_stream(
    pki: PKIFolder, furnished_agencies: Path, tmp_path: Path
) -> None:
    async with serving(
        pki, furnished_agencies, tmp_path / "center", caught_up_seconds=0.3
    ) as bureau:
        tomorrow = (bureau.clock() + timedelta(hours=9)).date()
        (row,) = bureau.store.read(lambda tx: tx.agencies.authorisations("passport-1"))
        await bureau.store.act(lambda tx: tx.agencies.end(row.number, tomorrow))
        async with watching(bureau) as stream:
            await stream.until_caught_up()
            bureau.clock.ahead = timedelta(days=1)

            reason = await stream.reason()

    assert reason == "AFFAIR_NOT_AUTHORISED"


async def test_stream_that_the_center_leaves_ends_with_its_reason(bureau: Bureau) -> None:
    async with watching(bureau) as stream:
        await stream.until_caught_up()

        bureau.parts.close()

        assert await stream.reason() == "SHUTTING_DOWN"


async def test_no_more_streams_than_there_are_places(bureau: Bureau) -> None:
    async with watching(bureau) as one, watching(bureau) as other:
        await one.until_caught_up()
        await other.until_caught_up()
        async with watching(bureau) as third:
            reason = await third.reason()

    assert reason == "OVERLOADED"


async def test_bell_rings_for_a_notice_and_not_without_one(bureau: Bureau) -> None:
    bell = ChangeBell(bureau.store)
    bell.look()
    quiet = bell.rings
    bell.look()

    await bureau.store.act(lambda tx: append_notice(tx, KEY))
    bell.look()

    assert (quiet, bell.rings) == (0, 1)


async def test_bell_rings_when_a_municipality_is_cut_off_or_back(bureau: Bureau) -> None:
    bell = ChangeBell(bureau.store)

    await bureau.store.act(lambda tx: tx.registers.set_connected(TOKOROZAWA, connected=False))
    bell.look()
    await bureau.store.act(lambda tx: tx.registers.set_connected(TOKOROZAWA, connected=True))
    bell.look()

    assert bell.rings == 2


async def test_who_waits_for_the_bell_is_woken_or_told_that_time_is_over(bureau: Bureau) -> None:
    bell = ChangeBell(bureau.store)
    waiting = asyncio.create_task(bell.wait_beyond(0, 60))
    await asyncio.sleep(0)
    await bureau.store.act(lambda tx: append_notice(tx, KEY))

    bell.look()

    assert await waiting
    assert not await bell.wait_beyond(bell.rings, 0.01)
    assert await bell.wait_beyond(0, 60)


async def test_bell_outlives_a_store_that_cannot_be_read(
    bureau: Bureau, monkeypatch: pytest.MonkeyPatch
) -> None:
    bell = ChangeBell(bureau.store)
    await bureau.store.act(lambda tx: append_notice(tx, KEY))

    def broken(_store: SQLiteStore, _question: object) -> object:
        raise Refusal(Reason.STORE_UNAVAILABLE)

    with monkeypatch.context() as patch:
        patch.setattr(type(bureau.store), "read", broken)
        bell.look()
        silent = bell.rings
    bell.look()

    assert (silent, bell.rings) == (0, 1)
