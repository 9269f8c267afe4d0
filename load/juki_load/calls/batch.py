"""A batch of an agency: lines by the hundred, as fast as the center takes them."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from itertools import cycle, islice
from typing import TYPE_CHECKING, Final

from juki_load.calls.conversation import Conversation, Over
from juki_load.calls.verification import ANSWER_WRONG
from juki_load.wire.header_blocks import DONE
from jukinet.agencies.v1 import identity_confirmation_service_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from juki_load.callers import Caller
    from juki_load.wire.header_blocks import Ending

PATH: Final = "/jukinet.agencies.v1.IdentityConfirmationService/ConfirmBatch"
LINES_IN_ONE: Final = 100
_AHEAD: Final = 2
_AFFAIR: Final = "pension"
_ITEMS: Final = (pb.ITEM_NAME, pb.ITEM_DATE_OF_BIRTH, pb.ITEM_SEX, pb.ITEM_ADDRESS)


async def run_batch(
    caller: Caller,
    codes: Sequence[str],
    lines: int,
    begun: Callable[[], Callable[[Ending], None]],
    is_over: Callable[[], bool],
) -> None:
    """Send one batch of so many lines to its end, or until `is_over`: then it is left as it is.

    `begun` is called for each message of lines as it is sent, and what it returns with the end of
    that message: for a batch nothing is due before the center takes it.
    """
    waiting: list[Callable[[Ending], None]] = []
    batch = _Batch(codes, lines, begun, is_over, waiting)
    try:
        await batch.send_all(await Conversation.begin(caller, PATH))
    except Over as over:
        ended = waiting or [begun()]
        for one in ended:
            one(ANSWER_WRONG if over.ending.is_ok else over.ending)


@dataclass(frozen=True, slots=True)
class _Batch:
    """One batch as it is sent."""

    codes: Sequence[str]
    lines: int
    begun: Callable[[], Callable[[Ending], None]]
    is_over: Callable[[], bool]
    waiting: list[Callable[[Ending], None]]

    async def send_all(self, talk: Conversation) -> None:
        """Send it; raises Over where the center ends it."""
        hello = pb.ConfirmBatchRequest.Hello(
            batch_id=str(uuid.uuid4()), affair=_AFFAIR, items=_ITEMS, line_count=self.lines
        )
        talk.send(pb.ConfirmBatchRequest(hello=hello).SerializeToString())
        await talk.receive()
        await self._send_lines(talk)
        if self.is_over():
            talk.cancel()
            return
        finish = pb.ConfirmBatchRequest(finish=pb.ConfirmBatchRequest.Finish())
        talk.send(finish.SerializeToString())
        await talk.receive()
        talk.finish()
        await talk.end()

    async def _send_lines(self, talk: Conversation) -> None:
        """Send lines and take results; whoever waits for a message of lines hears of its end."""
        source = cycle(self.codes)
        sent = done = 0
        while done < self.lines:
            while sent < min(self.lines, done + _AHEAD * LINES_IN_ONE) and not self.is_over():
                count = min(LINES_IN_ONE, self.lines - sent)
                self.waiting.append(self.begun())
                talk.send(_lines(sent + 1, list(islice(source, count))))
                sent += count
            if not self.waiting:
                return
            answer = pb.ConfirmBatchResponse.FromString(await talk.receive())
            done += len(answer.results.results)
            while self.waiting and done >= sent - (len(self.waiting) - 1) * LINES_IN_ONE:
                self.waiting.pop(0)(DONE)


def _lines(first: int, codes: list[str]) -> bytes:
    lines = [pb.ConfirmBatchRequest.Line(code=code) for code in codes]
    asked = pb.ConfirmBatchRequest.Lines(first_line=first, lines=lines)
    return pb.ConfirmBatchRequest(lines=asked).SerializeToString()
