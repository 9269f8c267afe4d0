"""ConfirmBatch over a real store and a real channel: order, resumption, and every refusal."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import grpc
import pytest

from juki_center.areas.agencies.commands import Confirmation, Information, LineResult, Outcome
from juki_center.rpc import agency_batches
from juki_center.rpc.agency_batches import result_messages
from juki_center.rpc.batch_pace import FEWEST_LINES, MOST_LINES, BatchPace, following_lines
from jukinet.agencies.v1 import identity_confirmation_service_pb2 as pb
from tests.support.agencies import provision_rows
from tests.support.agency_service import (
    FINISH,
    TOKOROZAWA,
    Bureau,
    attributes,
    by_code,
    hello,
    line,
    lines,
    reason_of,
    refusal,
)
from tests.support.center import SAMPLES
from tests.support.leaves import leaves

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from jukinet.agencies.v1.identity_confirmation_service_pb2_grpc import (
        IdentityConfirmationServiceStub,
    )

KEY = "takahashi-ichiro"
Line = pb.ConfirmBatchRequest.Line


class Batch:
    """A stream of a batch, step by step."""

    def __init__(self, call: Any) -> None:
        self._call = call

    async def send(self, message: pb.ConfirmBatchRequest) -> None:
        await self._call.write(message)

    async def receive(self) -> pb.ConfirmBatchResponse:
        answer = await self._call.read()
        if answer is grpc.aio.EOF:
            raise EOFError
        return answer

    async def ask(self, message: pb.ConfirmBatchRequest) -> pb.ConfirmBatchResponse:
        await self.send(message)
        return await self.receive()

    async def results(self, message: pb.ConfirmBatchRequest) -> list[pb.LineResult]:
        """Send lines and return all of their results."""
        await self.send(message)
        found: list[pb.LineResult] = []
        while len(found) < len(message.lines.lines):
            found += (await self.receive()).results.results
        return found

    async def half_close(self) -> None:
        await self._call.done_writing()

    def cancel(self) -> None:
        self._call.cancel()


def stub(bureau: Bureau) -> AbstractAsyncContextManager[IdentityConfirmationServiceStub]:
    return bureau.stub(bureau.agency("pension-1"))


async def reason(awaited: Any) -> tuple[str, dict[str, str]]:
    try:
        await awaited
    except grpc.aio.AioRpcError as error:
        return reason_of(error)
    raise AssertionError("not refused")


async def test_each_line_is_answered_in_order_and_the_sums_add_up(bureau: Bureau) -> None:
    asked = [
        line(KEY),
        Line(attributes=attributes(KEY, name="高橋　一郎")),
        Line(code="12345678903"),
        Line(attributes=attributes(KEY, address="")),
        Line(code="1"),
        Line(),
    ]
    async with stub(bureau) as service:
        batch = Batch(service.ConfirmBatch())
        welcome = await batch.ask(hello(6, items=[pb.ITEM_NAME]))
        results = await batch.results(lines(1, *asked))
        totals = (await batch.ask(FINISH)).totals
        with pytest.raises(EOFError):
            await batch.receive()

    assert welcome.welcome.next_line == 1
    assert [one.line for one in results] == [1, 2, 3, 4, 5, 6]
    assert [one.confirmation.outcome for one in results[:3]] == [
        pb.Confirmation.OUTCOME_MATCH,
        pb.Confirmation.OUTCOME_MATCH_WITH_VARIANT,
        pb.Confirmation.OUTCOME_NO_MATCH,
    ]
    assert results[0].confirmation.information == pb.IdentityInformation(
        name=SAMPLES[KEY].record.name
    )
    assert [one.error for one in results[3:]] == [
        pb.LineError(reason="QUERY_TOO_BROAD"),
        pb.LineError(reason="FIELD_INVALID", field="code", rule="ELEVEN_DIGITS"),
        pb.LineError(reason="FIELD_INVALID", field="question", rule="REQUIRED"),
    ]
    assert (totals.line_count, totals.refused) == (6, 3)
    assert [(one.outcome, one.lines) for one in totals.counts] == [
        (pb.Confirmation.OUTCOME_MATCH, 1),
        (pb.Confirmation.OUTCOME_MATCH_WITH_VARIANT, 1),
        (pb.Confirmation.OUTCOME_NO_MATCH, 1),
    ]
    assert len(provision_rows(bureau.store)) == 2


async def test_lines_go_in_slices_and_each_slice_leaves_one_leaf(bureau: Bureau) -> None:
    count = 100
    async with stub(bureau) as service:
        batch = Batch(service.ConfirmBatch())
        await batch.ask(hello(count))
        results = await batch.results(lines(1, *[line(KEY)] * count))
        batch.cancel()

    assert [one.line for one in results] == list(range(1, count + 1))
    sizes = [
        _size(str(leaf["more"]["lines"]))  # type: ignore[index]  # a map
        for leaf in leaves(bureau.store)
        if leaf["ev"] == "BATCH_CONFIRMED"
    ]
    assert sum(sizes) == count
    assert len(sizes) > 1
    assert all(size <= MOST_LINES for size in sizes)


def _size(lines: str) -> int:
    first, _, last = lines.partition("-")
    return int(last) - int(first) + 1


async def test_batch_goes_on_in_another_stream_and_records_each_line_once(bureau: Bureau) -> None:
    opening = hello(4)
    async with stub(bureau) as service:
        first = Batch(service.ConfirmBatch())
        await first.ask(opening)
        before = await first.results(lines(1, line(KEY), line(KEY)))
        first.cancel()
        opening.hello.results_from_line = 2
        second = Batch(service.ConfirmBatch())
        welcome = await second.ask(opening)
        after = await second.results(lines(2, line(KEY), line(KEY), line(KEY)))
        totals = (await second.ask(FINISH)).totals

    assert welcome.welcome.next_line == 2
    assert before[1] == after[0]
    assert [one.line for one in after] == [2, 3, 4]
    assert (totals.line_count, totals.counts[0].lines) == (4, 4)
    assert len(provision_rows(bureau.store)) == 4


async def test_batch_that_asks_for_nothing_before_goes_on_where_the_center_is(
    bureau: Bureau,
) -> None:
    opening = hello(2)
    async with stub(bureau) as service:
        first = Batch(service.ConfirmBatch())
        await first.ask(opening)
        await first.results(lines(1, line(KEY), line(KEY)))
        first.cancel()
        second = Batch(service.ConfirmBatch())
        welcome = await second.ask(opening)
        totals = (await second.ask(FINISH)).totals

    assert (welcome.welcome.next_line, totals.line_count) == (3, 2)


Step = pb.ConfirmBatchRequest
OUT_OF_ORDER = [
    ([lines(1, line(KEY))], "hello", "lines"),
    ([FINISH], "hello", "finish"),
    ([Step()], "hello", "nothing"),
    ([hello(3), hello(3)], "lines 1", "hello"),
    ([hello(3), lines(2, line(KEY))], "lines 1", "lines 2"),
    ([hello(3), lines(0, line(KEY))], "lines 1", "lines 0"),
    ([hello(3), FINISH], "lines 1", "finish"),
    ([hello(3), Step()], "lines 1", "nothing"),
    ([hello(1), lines(1, line(KEY), line(KEY))], "finish", "lines 2"),
    ([hello(3), lines(1, line(KEY)), lines(1, line(KEY))], "lines 2", "lines 1"),
    ([hello(3), lines(1, line(KEY)), lines(3, line(KEY))], "lines 2", "lines 3"),
    ([hello(1), lines(1, line(KEY)), lines(2, line(KEY))], "finish", "lines 2"),
    ([hello(1), lines(1, line(KEY)), None], "finish", "end"),
    ([hello(1), None], "lines 1", "end"),
    ([None], "hello", "end"),
]


@pytest.mark.parametrize(("steps", "expected", "got"), OUT_OF_ORDER)
async def test_step_out_of_order_ends_the_stream(
    bureau: Bureau, steps: list[pb.ConfirmBatchRequest | None], expected: str, got: str
) -> None:
    *before, last = steps
    async with stub(bureau) as service:
        batch = Batch(service.ConfirmBatch())
        for step in before:
            assert step is not None
            await batch.ask(step)
        await (batch.half_close() if last is None else batch.send(last))

        found = await reason(batch.receive())

    assert found == ("STEP_OUT_OF_ORDER", {"expected": expected, "got": got})


@pytest.mark.parametrize(
    ("change", "field", "rule"),
    [
        ({"batch_id": "x"}, "hello.batch_id", "UUID_V4"),
        ({"affair": ""}, "hello.affair", "REQUIRED"),
        ({"line_count": 0}, "hello.line_count", "RANGE_1_100000"),
        ({"line_count": 100_001}, "hello.line_count", "RANGE_1_100000"),
        ({"results_from_line": 100_002}, "hello.results_from_line", "RANGE_0_100001"),
        ({"items": [pb.ITEM_SEX, pb.ITEM_SEX]}, "hello.items", "EACH_AT_MOST_ONCE"),
    ],
)
async def test_field_of_hello_that_breaks_its_rule_is_named(
    bureau: Bureau, change: dict[str, Any], field: str, rule: str
) -> None:
    async with stub(bureau) as service:
        opening = hello(**({"line_count": 1} | change))
        found = await reason(Batch(service.ConfirmBatch()).ask(opening))

    assert found == ("FIELD_INVALID", {"field": field, "rule": rule})


@pytest.mark.parametrize("count", [0, 101])
async def test_message_of_no_or_too_many_lines_is_refused(bureau: Bureau, count: int) -> None:
    async with stub(bureau) as service:
        batch = Batch(service.ConfirmBatch())
        await batch.ask(hello(200))
        found = await reason(batch.ask(lines(1, *[line(KEY)] * count)))

    assert found == ("FIELD_INVALID", {"field": "lines.lines", "rule": "RANGE_1_100"})


@pytest.mark.parametrize(
    "change",
    [
        {"line_count": 3},
        {"items": [pb.ITEM_SEX]},
        {"watch_changes": True},
        {"content_digest": bytes(31) + b"\1"},
        {"content_digest": b""},
    ],
)
async def test_other_content_under_the_same_id_is_refused(
    bureau: Bureau, change: dict[str, Any]
) -> None:
    same: dict[str, Any] = {"line_count": 2, "content_digest": bytes(32)}
    opening = hello(**same)
    async with stub(bureau) as service:
        first = Batch(service.ConfirmBatch())
        await first.ask(opening)
        first.cancel()
        other = hello(**(same | {"batch_id": opening.hello.batch_id} | change))
        found = await reason(Batch(service.ConfirmBatch()).ask(other))

    assert found == ("BATCH_NOT_THE_SAME", {})


@pytest.mark.parametrize(
    ("agency", "change", "expected"),
    [
        ("passport-1", {"affair": "passport"}, "AFFAIR_NOT_AUTHORISED"),
        ("pension-1", {"affair": "parking-permits"}, "AFFAIR_NOT_AUTHORISED"),
    ],
)
async def test_batch_that_is_not_authorised_is_refused_and_logged(
    bureau: Bureau, agency: str, change: dict[str, object], expected: str
) -> None:
    async with bureau.stub(bureau.agency(agency)) as service:
        found, _ = await reason(Batch(service.ConfirmBatch()).ask(hello(1, **change)))

    assert found == expected
    assert leaves(bureau.store)[-1]["ev"] == "CONFIRMATION_REFUSED"


async def test_ten_batches_refused_are_an_alarm(bureau: Bureau) -> None:
    async with stub(bureau) as service:
        for _ in range(10):
            await reason(Batch(service.ConfirmBatch()).ask(hello(1, affair="parking-permits")))

    assert "AGENCY_ALARM" in bureau.alarm_text()


async def test_line_of_a_residence_that_is_cut_off_is_refused_alone(bureau: Bureau) -> None:
    await bureau.store.act(lambda tx: tx.registers.set_connected(TOKOROZAWA, connected=False))
    async with stub(bureau) as service:
        batch = Batch(service.ConfirmBatch())
        await batch.ask(hello(2))
        cut_off, answered = await batch.results(lines(1, line(KEY), line("wang-xiaoming")))
        batch.cancel()

    assert cut_off.error.reason == "RESIDENCE_DISCONNECTED"
    assert answered.confirmation.outcome == pb.Confirmation.OUTCOME_MATCH


async def test_batch_that_the_center_leaves_ends_with_its_reason(bureau: Bureau) -> None:
    async with stub(bureau) as service:
        batch = Batch(service.ConfirmBatch())
        await batch.ask(hello(1))

        bureau.parts.close()

        found = await reason(batch.receive())
        late = await reason(Batch(service.ConfirmBatch()).ask(hello(1)))
    assert (found, late) == (("SHUTTING_DOWN", {}), ("SHUTTING_DOWN", {}))


async def test_no_more_batches_than_there_are_places(bureau: Bureau) -> None:
    async with stub(bureau) as service:
        open_ones = [Batch(service.ConfirmBatch()) for _ in "12"]
        for one in open_ones:
            await one.ask(hello(1))

        found, _ = await reason(Batch(service.ConfirmBatch()).ask(hello(1)))

        for one in open_ones:
            one.cancel()
    assert found == "OVERLOADED"


@pytest.mark.parametrize("name", ["_HELLO_SECONDS", "_IDLE_SECONDS"])
async def test_agency_that_says_nothing_is_not_waited_for_for_ever(
    bureau: Bureau, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(agency_batches, name, 0.2)
    async with stub(bureau) as service:
        batch = Batch(service.ConfirmBatch())
        if name == "_IDLE_SECONDS":
            await batch.ask(hello(1))

        _, facts = await reason(batch.receive())

    assert facts["got"] == "nothing"


async def test_questions_are_answered_while_a_batch_runs(bureau: Bureau) -> None:
    async with stub(bureau) as service:
        batch = Batch(service.ConfirmBatch())
        await batch.ask(hello(100))
        await batch.send(lines(1, *[line(KEY)] * 100))
        async with bureau.stub() as online:
            answer = await online.ConfirmByCode(by_code(KEY))
        batch.cancel()

    assert answer.confirmation.outcome == pb.Confirmation.OUTCOME_MATCH


def test_large_results_are_put_into_messages_below_the_limit() -> None:
    told = Confirmation(Outcome.MATCH, information=Information(name="髙" * 1000))
    results = [LineResult(number, told) for number in range(1, 51)]

    messages = list(result_messages(results))

    assert max(message.ByteSize() for message in messages) <= 64 * 1024
    assert [one.line for message in messages for one in message.results.results] == [
        result.line for result in results
    ]
    assert len(messages) == 3


def test_result_that_is_larger_than_a_message_should_be_goes_alone() -> None:
    told = Confirmation(Outcome.MATCH, information=Information(name="髙" * 21_000))
    small = replace(told, information=None)

    messages = list(result_messages([LineResult(1, small), LineResult(2, told)]))

    assert [len(message.results.results) for message in messages] == [1, 1]


async def in_turn(pace: BatchPace, events: list[str], name: str, work: Callable[[], Any]) -> None:
    async def slice_() -> None:
        events.append(f"{name} begins")
        await work()
        events.append(f"{name} ends")

    await pace.run(slice_)


async def test_slices_never_run_together() -> None:
    pace, events = BatchPace(), list[str]()

    def yield_a_little() -> Any:
        return asyncio.sleep(0)

    await asyncio.gather(*(in_turn(pace, events, name, yield_a_little) for name in "abc"))

    assert events == [f"{name} {what}" for name in "abc" for what in ("begins", "ends")]


async def test_pause_is_as_long_as_the_slice_before_it() -> None:
    pace, loop = BatchPace(), asyncio.get_running_loop()
    begun: list[float] = []

    async def slice_() -> None:
        begun.append(loop.time())
        await asyncio.sleep(0.03)

    await pace.run(slice_)
    await pace.run(slice_)

    assert begun[1] - begun[0] >= 0.058


async def test_slice_keeps_its_turn_when_its_caller_goes_away() -> None:
    pace, events = BatchPace(), list[str]()
    begun, may_end = asyncio.Event(), asyncio.Event()

    def wait() -> Any:
        begun.set()
        return may_end.wait()

    first = asyncio.create_task(in_turn(pace, events, "first", wait))
    await begun.wait()
    first.cancel()
    second = asyncio.create_task(in_turn(pace, events, "second", lambda: asyncio.sleep(0)))
    await asyncio.sleep(0)
    may_end.set()
    await second

    assert events == ["first begins", "first ends", "second begins", "second ends"]


def test_slices_grow_while_they_are_quick_and_are_halved_when_they_are_not() -> None:
    lines = FEWEST_LINES
    for _ in range(100):
        lines = following_lines(lines, 0.001)
    after_a_slow_one = following_lines(lines, 0.1)
    for _ in range(100):
        lines = following_lines(lines, 0.1)

    assert (after_a_slow_one, lines) == (MOST_LINES // 2, FEWEST_LINES)


def test_the_rest_of_a_message_shortens_slices_only_where_it_was_slow() -> None:
    pace = BatchPace()
    for _ in range(10):
        pace.learn(pace.slice_lines, 0.001)

    pace.learn(3, 0.001)
    after_a_quick_rest = pace.slice_lines
    pace.learn(60, 0.01)

    assert (after_a_quick_rest, pace.slice_lines) == (MOST_LINES, 30)


async def test_slice_that_fails_gives_the_turn_back() -> None:
    pace, events = BatchPace(), list[str]()

    async def fail() -> None:
        raise ValueError("x")

    with pytest.raises(ValueError, match="x"):
        await pace.run(fail)

    await in_turn(pace, events, "next", lambda: asyncio.sleep(0))
    assert events == ["next begins", "next ends"]


async def test_refused_batch_gives_its_place_back(bureau: Bureau) -> None:
    async with stub(bureau) as service:
        for _ in range(3):
            await refusal(Batch(service.ConfirmBatch()).ask(FINISH))

        assert b"juki_batches_open 0.0" in bureau.metrics.exposition()
