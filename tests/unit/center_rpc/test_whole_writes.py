from __future__ import annotations

import asyncio

import pytest

from juki_center.rpc.receipts import Filling
from jukinet.cards.v1 import card_service_pb2 as pb


class SlowContext:
    """A stream's context that needs a while for each message."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.may_end = asyncio.Event()
        self.written: list[object] = []

    async def write(self, message: object) -> None:
        self.begun.set()
        await self.may_end.wait()
        self.written.append(message)


async def test_cancel_in_the_middle_of_a_message_takes_effect_when_it_is_written() -> None:
    context = SlowContext()
    stream = Filling(context)  # type: ignore[arg-type]  # as much of it as a message needs
    writing = asyncio.ensure_future(stream.write(pb.PersonaliseCardResponse()))
    await context.begun.wait()

    writing.cancel()
    await asyncio.sleep(0)
    has_waited = not writing.done()
    context.may_end.set()

    with pytest.raises(asyncio.CancelledError):
        await writing
    assert has_waited
    assert context.written == [pb.PersonaliseCardResponse()]
