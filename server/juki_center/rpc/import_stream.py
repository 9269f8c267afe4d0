"""The stream of an import: hello, then rows and their results, then the end with the totals.

A result leaves when its rows are durable, never before. What a row does is decided in the areas.
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
from juki_center.errors import Reason, Refusal
from juki_center.rpc import import_translation as translate
from juki_center.rpc.durable import durably

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from datetime import datetime

    from juki_center.areas.callers import Terminal
    from juki_center.areas.ports import Tx
    from juki_center.rpc.residents import Parts
    from jukinet.residents.v1 import resident_service_pb2 as pb

Outcome = TypeVar("Outcome")

_HELLO_WITHIN: Final = timedelta(seconds=10)
_NEXT_WITHIN: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Importing:
    """One stream of one terminal."""

    parts: Parts
    terminal: Terminal
    requests: AsyncIterator[pb.ImportRecordsRequest]

    async def run(self) -> AsyncIterator[pb.ImportRecordsResponse]:
        """Answer each message; raise Refusal where one cannot be answered."""
        message = await self._next("hello", _HELLO_WITHIN)
        _require(message, "hello")
        stream = ImportStream(self.terminal, translate.hello(message.hello))
        policy = self.parts.policy
        opened = await self._act(lambda tx, now: open_stream(tx, stream, now, policy))
        yield translate.welcome_message(opened.line + 1)
        while True:
            message = await self._next("rows or finish", _NEXT_WITHIN)
            if message.WhichOneof("step") == "finish":
                yield await self._finish(stream, message.finish)
                return
            _require(message, "rows")
            yield await self._take(stream, message.rows)

    async def _take(
        self, stream: ImportStream, message: pb.ImportRecordsRequest.Rows
    ) -> pb.ImportRecordsResponse:
        register = self.parts.policy.municipalities.register_of(self.terminal.municipality)
        rows = translate.rows(message, register)
        findings = await self._act(lambda tx, now: take_rows(tx, stream, rows, now))
        for finding in findings:
            self.parts.metrics.import_rows.labels(finding.outcome).inc()
        return translate.results_message(findings)

    async def _finish(
        self, stream: ImportStream, message: pb.ImportRecordsRequest.Finish
    ) -> pb.ImportRecordsResponse:
        count = message.row_count
        totals = await self._act(lambda tx, now: close_stream(tx, stream, count, now))
        return translate.totals_message(totals)

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


def _require(message: pb.ImportRecordsRequest, step: str) -> None:
    got = message.WhichOneof("step") or "nothing"
    if got != step:
        raise Refusal(Reason.STEP_OUT_OF_ORDER, expected=step, got=got)
