"""The stream of an import: hello, then rows and their results, then the end with the totals.

A result leaves when its rows are durable, never before. What a row does is decided in the areas.
Rows are applied in small slices at the pace of batches, so that online work is not kept waiting.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final, TypeVar

from juki_center.areas.residents.import_streams import (
    ImportStream,
    close_stream,
    open_stream,
    take_rows,
)
from juki_center.areas.residents.imports import Finding
from juki_center.errors import Reason, Refusal
from juki_center.rpc import import_translation as translate
from juki_center.rpc.durable import durably

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
    from datetime import datetime

    from juki_center.areas.callers import Terminal
    from juki_center.areas.ports import Tx
    from juki_center.rpc.residents import Parts
    from jukinet.residents.v1 import resident_service_pb2 as pb

Outcome = TypeVar("Outcome")

SLICE_ROWS: Final = 20
_HELLO_WITHIN: Final = timedelta(seconds=10)
_NEXT_WITHIN: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Importing:
    """One stream of one terminal."""

    parts: Parts
    terminal: Terminal
    requests: AsyncIterator[pb.ImportRecordsRequest]
    write: Callable[[pb.ImportRecordsResponse], Awaitable[None]]

    async def run(self) -> None:
        """Carry the stream to its totals; raise Refusal where a message cannot be answered."""
        with self.parts.imports.slot():
            stream = await self._open()
            while (message := await self._rows()).WhichOneof("step") == "rows":
                await self._take(stream, message.rows)
            await self._finish(stream, message.finish)

    async def _open(self) -> ImportStream:
        message = await self._next("hello", _HELLO_WITHIN)
        if message.WhichOneof("step") != "hello":
            raise _out_of_order("hello", message)
        stream = ImportStream(self.terminal, translate.hello(message.hello))
        policy = self.parts.policy
        opened = await self._act(lambda tx, now: open_stream(tx, stream, now, policy))
        await self.write(translate.welcome_message(opened.line + 1))
        return stream

    async def _rows(self) -> pb.ImportRecordsRequest:
        message = await self._next("rows or finish", _NEXT_WITHIN)
        if message.WhichOneof("step") not in ("rows", "finish"):
            raise _out_of_order("rows", message)
        return message

    async def _take(self, stream: ImportStream, message: pb.ImportRecordsRequest.Rows) -> None:
        """Apply rows slice by slice, beside the online work; answer each when it is durable.

        A slice is answered by itself, because its leaves stand under a checkpoint of their own.
        """
        first = translate.first_row(message)
        for at in range(0, len(message.rows), SLICE_ROWS):
            findings = await self._slice(stream, first + at, message.rows[at : at + SLICE_ROWS])
            for finding in findings:
                self.parts.metrics.import_rows.labels(finding.outcome).inc()
            await self.write(translate.results_message(findings))

    async def _slice(
        self, stream: ImportStream, first: int, rows: Sequence[pb.UpdateRow]
    ) -> list[Finding]:
        register = self.parts.policy.municipalities.register_of(self.terminal.municipality)
        lines = translate.lines(first, rows, register)

        async def take() -> list[Finding]:
            return await self._act(lambda tx, now: take_rows(tx, stream, lines, now))

        return await self.parts.pace.run(take)

    async def _finish(self, stream: ImportStream, message: pb.ImportRecordsRequest.Finish) -> None:
        count = message.row_count
        totals = await self._act(lambda tx, now: close_stream(tx, stream, count, now))
        await self.write(translate.totals_message(totals))

    async def _next(self, step: str, within: timedelta) -> pb.ImportRecordsRequest:
        try:
            async with asyncio.timeout(within.total_seconds()):
                return await anext(self.requests)
        except TimeoutError:
            raise Refusal(Reason.STEP_OUT_OF_ORDER, expected=step, got="nothing") from None
        except StopAsyncIteration:
            raise Refusal(Reason.STEP_OUT_OF_ORDER, expected=step, got="end") from None

    async def _act(self, act: Callable[[Tx, datetime], Outcome]) -> Outcome:
        now = self.parts.clock()
        return await durably(self.parts.store.act(lambda tx: act(tx, now)))


def _out_of_order(expected: str, message: pb.ImportRecordsRequest) -> Refusal:
    got = message.WhichOneof("step") or "nothing"
    return Refusal(Reason.STEP_OUT_OF_ORDER, expected=expected, got=got)
