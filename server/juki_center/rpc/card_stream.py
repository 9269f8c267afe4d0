"""One stream of a card session: its messages in their order and in time, its batches in their turn.

What is said is made in `card_messages`, and why in `card_session`.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from google.protobuf.message import Message

from juki_card.flow import Batch, Dialogue
from juki_center.errors import Reason, Refusal
from juki_center.rpc import card_messages
from juki_center.rpc.tracing import marked
from jukinet.card.v1 import card_session_service_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from juki_card.flow import Flow

T = TypeVar("T")
Said = TypeVar("Said", bound=Message)
Told = TypeVar("Told", bound=Message)
_PROTECTION: Final = {1: pb.Batch.PROTECTION_TERMINAL, 2: pb.Batch.PROTECTION_END_TO_END}


@dataclass(frozen=True, slots=True)
class Deadline:
    """Until when a message must have come, and the refusal when it has not."""

    at: datetime
    refusal: Refusal

    @classmethod
    def after(cls, start: datetime, span: timedelta, reason: Reason, **facts: str) -> Deadline:
        """Return the deadline `span` after `start`."""
        return cls(start + span, Refusal(reason, **facts))


class Messages(Generic[Said, Told]):
    """A stream's two directions, one message at a time: what a terminal says, what it is told."""

    def __init__(
        self,
        requests: AsyncIterator[Said],
        write: Callable[[Told], Awaitable[None]],
        clock: Callable[[], datetime],
    ) -> None:
        self._requests = requests
        self._clock = clock
        self._write = write

    async def write(self, message: Told) -> None:
        """Write a message."""
        await self._write(message)

    async def next(self, step: str, deadline: Deadline) -> Said:
        """Return the next message, which must be `step`; raise its refusal when time is over."""
        remaining = (deadline.at - self._clock()).total_seconds()
        try:
            async with asyncio.timeout(max(remaining, 0)):
                message = await anext(self._requests)
        except TimeoutError:
            raise deadline.refusal from None
        except StopAsyncIteration:
            raise Refusal(Reason.STEP_OUT_OF_ORDER, expected=step, got="end") from None
        if self._clock() > deadline.at:
            raise deadline.refusal
        got = message.WhichOneof("step")
        if got != step:
            raise Refusal(Reason.STEP_OUT_OF_ORDER, expected=step, got=got or "nothing")
        return message


class Relay:
    """A card at the other end of a stream, which flows can be run against one after the other."""

    def __init__(
        self,
        messages: Messages[pb.AuthenticateRequest, pb.AuthenticateResponse],
        in_time: Deadline,
    ) -> None:
        self._messages = messages
        self._in_time = in_time
        self._number = 0

    async def run(self, flow: Flow[T]) -> T:
        """Run a flow, each of its batches by the next number; raise Refusal."""
        with contextlib.closing(Dialogue(flow)) as dialogue:
            state = dialogue.start()
            while isinstance(state, Batch):
                self._number += 1
                protection = _PROTECTION[self._number]
                with marked(f"APDU batch {self._number}"):
                    await self._messages.write(
                        card_messages.batch_message(state, self._number, protection)
                    )
                    message = await self._messages.next("answers", self._in_time)
                answers = card_messages.answers(message.answers, state, self._number)
                state = dialogue.answer(answers)
        return state.value
