"""A batch of an agency: lines by the hundred, as fast as the center takes them."""

from __future__ import annotations

import uuid
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
) -> None:
    """Send one batch of so many lines to its end.

    `begun` is called for each message of lines as it is sent, and what it returns with the end of
    that message: for a batch nothing is due before the center takes it.
    """
    waiting: list[Callable[[Ending], None]] = []
    try:
        await _send_all(await Conversation.begin(caller, PATH), codes, lines, begun, waiting)
    except Over as over:
        ended = waiting or [begun()]
        for one in ended:
            one(ANSWER_WRONG if over.ending.is_ok else over.ending)


async def _send_all(
    talk: Conversation,
    codes: Sequence[str],
    lines: int,
    begun: Callable[[], Callable[[Ending], None]],
    waiting: list[Callable[[Ending], None]],
) -> None:
    hello = pb.ConfirmBatchRequest.Hello(
        batch_id=str(uuid.uuid4()), affair=_AFFAIR, items=_ITEMS, line_count=lines
    )
    talk.send(pb.ConfirmBatchRequest(hello=hello).SerializeToString())
    await talk.receive()
    source = cycle(codes)
    sent = done = 0
    while done < lines:
        while sent < lines and sent - done < _AHEAD * LINES_IN_ONE:
            count = min(LINES_IN_ONE, lines - sent)
            waiting.append(begun())
            talk.send(_lines(sent + 1, list(islice(source, count))))
            sent += count
        answer = pb.ConfirmBatchResponse.FromString(await talk.receive())
        done += len(answer.results.results)
        while waiting and done >= sent - (len(waiting) - 1) * LINES_IN_ONE:
            waiting.pop(0)(DONE)
    talk.send(pb.ConfirmBatchRequest(finish=pb.ConfirmBatchRequest.Finish()).SerializeToString())
    await talk.receive()
    talk.finish()
    await talk.end()


def _lines(first: int, codes: list[str]) -> bytes:
    lines = [pb.ConfirmBatchRequest.Line(code=code) for code in codes]
    asked = pb.ConfirmBatchRequest.Lines(first_line=first, lines=lines)
    return pb.ConfirmBatchRequest(lines=asked).SerializeToString()
