"""ConfirmBatch: one stream of a batch, from hello to totals.

The stream is read message by message, so that no more of a batch is in memory than one message and
its results; results leave after their slice is committed. What a line is answered, and what has
been recorded already, the acts decide.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from juki_center.areas.agencies.batches import confirm_lines, finish_batch, open_batch
from juki_center.areas.agencies.commands import ConfirmLines, FinishBatch
from juki_center.errors import Reason, Refusal
from juki_center.rpc import agencies_translation as translate
from jukinet.agencies.v1 import identity_confirmation_service_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
    from datetime import datetime

    from juki_center.areas.agencies.commands import Line, LineResult, OpenBatch
    from juki_center.areas.agencies.policy import AgencyPolicy
    from juki_center.areas.callers import Agency
    from juki_center.areas.ports import Store, Tx
    from juki_center.rpc.agency_alarms import AgencyAlarms
    from juki_center.rpc.batch_pace import BatchPace
    from juki_center.rpc.open_streams import OpenStreams

Outcome = TypeVar("Outcome")

_HELLO_SECONDS: Final = 10.0
_IDLE_SECONDS: Final = 120.0
# Below the limit of a message, with room for what stands around the results.
_RESULT_BYTES: Final = 60_000


@dataclass(frozen=True, slots=True)
class BatchParts:
    """What batches stand on."""

    store: Store
    policy: AgencyPolicy
    clock: Callable[[], datetime]
    pace: BatchPace
    streams: OpenStreams
    alarms: AgencyAlarms


class BatchStream:
    """One stream of ConfirmBatch."""

    def __init__(
        self,
        parts: BatchParts,
        agency: Agency,
        requests: AsyncIterator[pb.ConfirmBatchRequest],
        write: Callable[[pb.ConfirmBatchResponse], Awaitable[None]],
    ) -> None:
        self._parts = parts
        self._agency = agency
        self._requests = requests
        self._write = write

    async def run(self) -> None:
        """Carry the stream to its totals. Raises Refusal."""
        with self._parts.streams.slot():
            batch, next_line = await self._open()
            while (message := await self._next(next_line, batch)) is not None:
                next_line = await self._confirm(batch, message, next_line)
            await self._finish(batch)

    async def _open(self) -> tuple[OpenBatch, int]:
        message = await self._read("hello", _HELLO_SECONDS)
        if message.WhichOneof("step") != "hello":
            raise _out_of_order("hello", message.WhichOneof("step"))
        command = translate.hello(message.hello, self._agency)
        policy = self._parts.policy
        async with self._parts.alarms.watching(self._agency):
            welcome = await self._act(lambda tx, now: open_batch(tx, command, now, policy))
        answer = pb.ConfirmBatchResponse.Welcome(next_line=welcome.next_line)
        await self._write(pb.ConfirmBatchResponse(welcome=answer))
        return command, welcome.next_line

    async def _next(self, next_line: int, batch: OpenBatch) -> pb.ConfirmBatchRequest.Lines | None:
        """Return the next lines, None after the last; raise STEP_OUT_OF_ORDER."""
        is_done = next_line > batch.line_count
        expected = "finish" if is_done else f"lines {next_line}"
        message = await self._read(expected, _IDLE_SECONDS)
        step = message.WhichOneof("step")
        if step == "finish" and is_done:
            return None
        if step != "lines" or is_done or message.lines.first_line != next_line:
            number = f" {message.lines.first_line}" if step == "lines" else ""
            raise _out_of_order(expected, f"{step or 'nothing'}{number}")
        if next_line + len(message.lines.lines) - 1 > batch.line_count:
            raise _out_of_order("finish", f"lines {batch.line_count + 1}")
        return message.lines

    async def _confirm(
        self, batch: OpenBatch, message: pb.ConfirmBatchRequest.Lines, next_line: int
    ) -> int:
        """Answer lines slice by slice; return the number of the line after them."""
        lines = translate.lines(message)
        while lines:
            size = self._parts.pace.slice_lines
            part, lines = lines[:size], lines[size:]
            results = await self._slice(batch, next_line, part)
            for answer in result_messages(results):
                await self._write(answer)
            next_line += len(part)
        return next_line

    async def _slice(
        self, batch: OpenBatch, first_line: int, lines: tuple[Line, ...]
    ) -> Sequence[LineResult]:
        command = ConfirmLines(self._agency, batch.batch_id, first_line, lines)
        pace, policy = self._parts.pace, self._parts.policy

        def act(tx: Tx, now: datetime) -> Sequence[LineResult]:
            begun = time.thread_time()
            results = confirm_lines(tx, command, now, policy)
            pace.learn(len(command.lines), time.thread_time() - begun)
            return results

        async with self._parts.alarms.watching(self._agency):
            return await pace.run(lambda: self._act(act))

    async def _finish(self, batch: OpenBatch) -> None:
        command = FinishBatch(self._agency, batch.batch_id)
        policy = self._parts.policy
        async with self._parts.alarms.watching(self._agency):
            totals = await self._act(lambda tx, now: finish_batch(tx, command, now, policy))
        await self._write(translate.totals_message(totals))

    async def _read(self, expected: str, within_seconds: float) -> pb.ConfirmBatchRequest:
        try:
            async with asyncio.timeout(within_seconds):
                return await anext(self._requests)
        except TimeoutError:
            raise _out_of_order(expected, "nothing") from None
        except StopAsyncIteration:
            raise _out_of_order(expected, "end") from None

    async def _act(self, act: Callable[[Tx, datetime], Outcome]) -> Outcome:
        now = self._parts.clock()
        # The store has the act before anything is awaited, and no cancel takes it back.
        return await self._parts.store.act(lambda tx: act(tx, now))


def _out_of_order(expected: str, got: str | None) -> Refusal:
    return Refusal(Reason.STEP_OUT_OF_ORDER, expected=expected, got=got or "nothing")


def result_messages(results: Sequence[LineResult]) -> Iterator[pb.ConfirmBatchResponse]:
    """Write results into as few messages as their sizes allow."""
    message, size = pb.ConfirmBatchResponse(), 0
    for one in results:
        result = message.results.results.add()
        translate.fill_line_result(result, one)
        octets = result.ByteSize()
        if size and size + octets > _RESULT_BYTES:
            following = pb.ConfirmBatchResponse()
            following.results.results.append(result)
            del message.results.results[-1]
            yield message
            message, size = following, 0
        # A tag and a length stand before each result.
        size += octets + 4
    if size:
        yield message
