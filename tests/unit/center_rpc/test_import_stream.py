"""Imports over a stream: in order, each row once, going on after a cut, totals that add up."""

from __future__ import annotations

import contextlib
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from uuid import uuid4

import grpc
import pytest

from juki_center.areas.ports import Tx
from juki_center.areas.residents.codes import ResidentCode, resident_check_digit
from juki_center.rpc.import_stream import SLICE_ROWS
from jukinet.residents.v1 import residence_record_pb2 as records
from jukinet.residents.v1 import resident_service_pb2 as pb
from tests.support.leaves import leaves
from tests.support.register_service import (
    CHIYODA,
    CLERK,
    TOKOROZAWA,
    Office,
    Refused,
    code_of,
    finish,
    hello,
    refusal,
    rows,
    update_row,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from juki_pki.credential import X509Credential

Outcome = pb.RowResult.Outcome
APPLIED = pb.RowResult.OUTCOME_APPLIED
DUPLICATE = pb.RowResult.OUTCOME_DUPLICATE
HELD = pb.RowResult.OUTCOME_HELD
REFUSED = pb.RowResult.OUTCOME_REFUSED


def code(number: int) -> str:
    """Return one code after the other."""
    body = f"{31_000_000_00 + number:010d}"
    return body + resident_check_digit(body)


class Stream:
    """An import as a client drives it; `leaves` are the indexes in the receipts so far."""

    def __init__(self, call: grpc.aio.StreamStreamCall) -> None:  # type: ignore[type-arg]  # any
        self._call = call
        self.leaves: list[int] = []

    async def say(self, message: pb.ImportRecordsRequest) -> pb.ImportRecordsResponse:
        await self._call.write(message)
        return await self.read()

    async def read(self) -> pb.ImportRecordsResponse:
        answer = await self._call.read()
        assert isinstance(answer, pb.ImportRecordsResponse), await self._call.code()
        self.leaves.extend(leaf.index for leaf in answer.receipt.leaves)
        return answer

    async def results(self, *those: pb.UpdateRow, first: int = 1) -> list[pb.RowResult]:
        found = list((await self.say(rows(*those, first=first))).results.results)
        while len(found) < len(those):
            found.extend((await self.read()).results.results)
        return found

    async def refused(self, message: pb.ImportRecordsRequest | None) -> Refused:
        """Send a message, or the end, and return how the stream was refused."""
        # What is sent may meet a stream that has ended already; how it ended, reading tells.
        with contextlib.suppress(grpc.aio.AioRpcError):
            if message is not None:
                await self._call.write(message)
            await self._call.done_writing()
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await self._read_to_the_end()
        return refusal(raised.value)

    async def _read_to_the_end(self) -> None:
        while await self._call.read() is not grpc.aio.EOF:
            pass

    def cut(self) -> None:
        self._call.cancel()


@asynccontextmanager
async def importing(
    office: Office, peer: X509Credential | None = None, import_id: str = ""
) -> AsyncIterator[Stream]:
    """Open an import and pass its hello; `next_row` must be what the test says."""
    async with opened(office, peer) as stream:
        await stream.say(hello(import_id))
        yield stream


@asynccontextmanager
async def opened(office: Office, peer: X509Credential | None = None) -> AsyncIterator[Stream]:
    """Open a stream and say nothing."""
    async with office.stub(peer) as stub:
        yield Stream(stub.ImportRecords())


async def test_rows_become_records_and_the_totals_add_up(office: Office) -> None:
    async with importing(office) as stream:
        first = await stream.results(update_row(code(1)), update_row(code(2), name="山\u202e田"))
        second = await stream.results(
            update_row(code(1)), update_row(code(3), 2), update_row(code(4)), first=3
        )
        totals = (await stream.say(finish(5))).totals

    assert [one.row for one in (*first, *second)] == [1, 2, 3, 4, 5]
    assert [one.outcome for one in (*first, *second)] == [
        APPLIED,
        REFUSED,
        DUPLICATE,
        HELD,
        APPLIED,
    ]
    assert (first[1].field, first[1].rule) == ("entries.name", "INVISIBLE_CHARACTER U+202E")
    assert second[1].missing_version == 1
    assert totals == pb.ImportRecordsResponse.Totals(
        row_count=5, applied=2, duplicate=1, held=1, refused=1
    )
    assert b'juki_import_rows_total{outcome="HELD"} 1.0' in office.edge.metrics.exposition()


async def test_held_version_is_applied_when_the_gap_before_it_is_closed(office: Office) -> None:
    async with importing(office) as stream:
        held = await stream.results(update_row(code(1), 2, building_and_room="二号室"))
        closed = await stream.results(update_row(code(1)), first=2)
    async with office.stub() as stub:
        found = await stub.GetRecord(pb.GetRecordRequest(code=code(1), clerk_name=CLERK))

    assert [held[0].outcome, closed[0].outcome] == [HELD, APPLIED]
    assert found.record.version == 2
    assert found.record.entries.building_and_room == "二号室"


async def test_result_leaves_after_the_commit(office: Office) -> None:
    async with importing(office) as stream:
        await stream.results(update_row(code(1)))

        known = office.center.store.read(lambda tx: tx.residents.by_code(ResidentCode(code(1))))

    assert known is not None
    assert leaves(office.center.store)[-1]["ev"] == "RECORDS_IMPORTED"


async def test_import_that_was_cut_goes_on_from_the_row_that_the_center_wants(
    office: Office,
) -> None:
    import_id = str(uuid4())
    async with importing(office, import_id=import_id) as stream:
        await stream.results(update_row(code(1)), update_row(code(2), name="㈱"))
        stream.cut()
    async with opened(office) as stream:
        welcome = (await stream.say(hello(import_id))).welcome
        await stream.results(update_row(code(3)), first=welcome.next_row)
        totals = (await stream.say(finish(3))).totals

    assert welcome.next_row == 3
    assert (totals.row_count, totals.applied, totals.refused) == (3, 2, 1)


async def test_rows_sent_again_are_skipped_and_answered_as_before(office: Office) -> None:
    those = [update_row(code(1)), update_row(code(2), name="㈱"), update_row(code(3), 2)]
    async with importing(office) as stream:
        first = await stream.results(*those)
        again = await stream.results(*those, update_row(code(4)))
        totals = (await stream.say(finish(4))).totals

    assert again[:3] == first
    assert [one.outcome for one in first] == [APPLIED, REFUSED, HELD]
    assert again[3].outcome == APPLIED
    assert (totals.row_count, totals.applied, totals.duplicate) == (4, 2, 0)


async def test_import_of_another_terminal_is_not_the_same(office: Office) -> None:
    import_id = str(uuid4())
    async with importing(office, import_id=import_id) as stream:
        await stream.results(update_row(code(1)))
    async with opened(office, office.terminal(name="02")) as other:
        answer = await other.refused(hello(import_id))

    assert answer.reason == "IMPORT_NOT_THE_SAME"


async def test_finished_import_is_not_taken_up_again(office: Office) -> None:
    import_id = str(uuid4())
    async with importing(office, import_id=import_id) as stream:
        await stream.say(finish(0))
    async with opened(office) as stream:
        answer = await stream.refused(hello(import_id))

    assert answer.reason == "IMPORT_NOT_THE_SAME"


ORDER: dict[str, tuple[pb.ImportRecordsRequest | None, str, str]] = {
    "a second hello": (hello(), "rows", "hello"),
    "a gap": (rows(update_row(code(9)), first=2), "row 1", "row 2"),
    "an end too early": (finish(1), "finish 0", "finish 1"),
    "no finish": (None, "rows or finish", "end"),
    "an empty message": (pb.ImportRecordsRequest(), "rows", "nothing"),
}


@pytest.mark.parametrize("name", ORDER)
async def test_step_out_of_its_order_ends_the_stream(office: Office, name: str) -> None:
    message, expected, got = ORDER[name]
    async with importing(office) as stream:
        answer = await stream.refused(message)

    assert answer.reason == "STEP_OUT_OF_ORDER"
    assert answer.facts == {"expected": expected, "got": got}


async def test_rows_before_hello_are_refused(office: Office) -> None:
    async with opened(office) as stream:
        answer = await stream.refused(rows(update_row(code(1))))

    assert answer.facts == {"expected": "hello", "got": "rows"}


MALFORMED: dict[str, tuple[pb.ImportRecordsRequest, str, str]] = {
    "no rows": (rows(), "rows.rows", "RANGE_1_100"),
    "too many rows": (
        rows(*[pb.UpdateRow(code=code(1))] * 101),
        "rows.rows",
        "RANGE_1_100",
    ),
    "row zero": (rows(update_row(code(1)), first=0), "rows.first_row", "RANGE_1_9007199254740992"),
}


@pytest.mark.parametrize("name", MALFORMED)
async def test_malformed_message_ends_the_stream_by_its_field(office: Office, name: str) -> None:
    message, field, rule = MALFORMED[name]
    async with importing(office) as stream:
        answer = await stream.refused(message)

    assert (answer.reason, answer.facts) == ("FIELD_INVALID", {"field": field, "rule": rule})


async def test_import_id_is_a_uuid(office: Office) -> None:
    async with opened(office) as stream:
        answer = await stream.refused(hello("1"))

    assert answer.facts == {"field": "hello.import_id", "rule": "UUID_V4"}


def _without(field: str) -> pb.UpdateRow:
    row = update_row(code(1), 2)
    row.ClearField(field)  # type: ignore[arg-type]  # a field's name
    return row


def _changed(**fields: object) -> pb.UpdateRow:
    row = update_row(code(1), 2)
    for name, value in fields.items():
        setattr(row, name, value)
    return row


def _without_date() -> pb.UpdateRow:
    row = update_row(code(1), 2)
    row.change.ClearField("change_date")
    return row


BAD_ROWS: dict[str, tuple[pb.UpdateRow, str, str]] = {
    "code": (_changed(code="1"), "code", "ELEVEN_DIGITS"),
    "version": (_without("version"), "version", "RANGE_1_4294967295"),
    "no household": (_without("household_number"), "household_number", "REQUIRED"),
    "long household": (_changed(household_number="1" * 21), "household_number", "TOO_LONG"),
    "state": (_without("state"), "state", "REQUIRED"),
    "entries": (_without("entries"), "entries", "REQUIRED"),
    "address": (update_row(code(1), address=""), "entries.address", "REQUIRED"),
    "change date": (_without_date(), "change.change_date", "REQUIRED"),
    "alias of a national": (
        update_row(code(1), alias="田中"),
        "entries.alias",
        "ENTRY_OF_FOREIGN_RESIDENTS",
    ),
    "no birth date": (
        update_row(code(1), version=1, date_of_birth=None),
        "entries.date_of_birth",
        "REQUIRED",
    ),
}


@pytest.mark.parametrize("name", BAD_ROWS)
async def test_bad_row_is_refused_by_its_field_and_its_neighbours_are_applied(
    office: Office, name: str
) -> None:
    row, field, rule = BAD_ROWS[name]
    async with importing(office) as stream:
        results = await stream.results(update_row(code(7)), row, update_row(code(8)))

    assert [one.outcome for one in results] == [APPLIED, REFUSED, APPLIED]
    assert (results[1].field, results[1].rule) == (field, rule)


async def test_resident_of_another_municipality_is_not_taken_over(office: Office) -> None:
    elsewhere = code_of("yoshida-taro")
    async with importing(office) as stream:
        (result,) = await stream.results(update_row(elsewhere))
    async with office.stub(office.terminal(TOKOROZAWA)) as stub:
        kept = await stub.GetRecord(pb.GetRecordRequest(code=elsewhere, clerk_name=CLERK))

    assert (result.outcome, result.field) == (REFUSED, "code")
    assert kept.record.entries.name == "𠮷田　太郎"


async def test_disconnected_register_counts_no_row_and_the_import_goes_on_later(
    office: Office,
) -> None:
    import_id = str(uuid4())

    def connect(tx: Tx) -> None:
        tx.registers.set_connected(CHIYODA, connected=True)

    async with importing(office, import_id=import_id) as stream:
        await stream.results(update_row(code(1)))
        await office.center.store.act(
            lambda tx: tx.registers.set_connected(CHIYODA, connected=False)
        )
        answer = await stream.refused(rows(update_row(code(2)), update_row("1"), first=2))
    await office.center.store.act(connect)
    async with opened(office) as stream:
        welcome = (await stream.say(hello(import_id))).welcome
        (result,) = await stream.results(update_row(code(2)), first=2)

    assert answer.reason == "RESIDENCE_DISCONNECTED"
    assert welcome.next_row == 2
    assert result.outcome == APPLIED


async def test_only_terminals_may_import(office: Office) -> None:
    for peer in office.strangers().values():
        async with opened(office, peer) as stream:
            answer = await stream.refused(hello())

        assert answer.reason == "ROLE_NOT_ALLOWED"


async def test_initial_load_makes_no_change_information(office: Office) -> None:
    async with importing(office) as stream:
        await stream.results(update_row(code(1)))
    async with office.stub() as stub:
        found = await stub.GetRecord(pb.GetRecordRequest(code=code(1), clerk_name=CLERK))

    assert not found.record.HasField("change")
    assert found.record.state == records.ResidenceRecord.STATE_ACTIVE


async def test_more_rows_than_a_slice_get_one_result_each_in_their_order(office: Office) -> None:
    those = [update_row(code(number)) for number in range(1, SLICE_ROWS * 2 + 6)]
    those[SLICE_ROWS] = update_row("1")
    async with importing(office) as stream:
        results = await stream.results(*those)
        totals = (await stream.say(finish(len(those)))).totals

    assert [one.row for one in results] == list(range(1, len(those) + 1))
    assert [one.row for one in results if one.outcome == REFUSED] == [SLICE_ROWS + 1]
    assert (totals.applied, totals.refused) == (len(those) - 1, 1)


async def test_every_leaf_of_an_import_is_in_a_receipt_by_the_time_its_rows_are_answered(
    office: Office,
) -> None:
    those = [update_row(code(number)) for number in range(1, SLICE_ROWS * 3)]
    before = office.center.store.read(lambda tx: tx.audit.size())
    async with importing(office) as stream:
        await stream.results(*those)
        after = office.center.store.read(lambda tx: tx.audit.size())
        received = list(stream.leaves)

    assert after > before
    assert received == list(range(before, after))


async def test_center_that_stops_ends_an_import_by_its_reason(office: Office) -> None:
    async with importing(office) as stream:
        await stream.results(update_row(code(1)))
        office.imports.close()

        answer = await stream.refused(None)
    async with opened(office) as later:
        no_more = await later.refused(hello())

    assert (answer.reason, no_more.reason) == ("SHUTTING_DOWN", "SHUTTING_DOWN")
