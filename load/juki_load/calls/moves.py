"""A move out at a window with its clerk: filed, and taken back, so that it can be done again."""

from __future__ import annotations

import asyncio
import uuid
from datetime import UTC, datetime, timedelta
from itertools import cycle
from typing import TYPE_CHECKING, Final

from google.protobuf.message import DecodeError

from juki_load.calls.conversation import Over
from juki_load.calls.copy import answered
from juki_load.calls.verification import ANSWER_WRONG
from juki_load.wire.header_blocks import DONE, Ending
from jukinet.moves.v1 import move_pb2 as records
from jukinet.moves.v1 import move_service_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from juki_load.callers import Caller

_SERVICE: Final = "/jukinet.moves.v1.MoveService/"
FILE_PATH: Final = _SERVICE + "FileMoveOut"
CANCEL_PATH: Final = _SERVICE + "CancelMoveOut"
_DESTINATION: Final = "112089"
_ADDRESS: Final = "埼玉県所沢市並木一丁目1番地の1"
_FIRST_VERSION: Final = 1
_AHEAD: Final = timedelta(days=14)
_JAPAN: Final = timedelta(hours=9)


class Moves:
    """Files moves of residents who live alone in their notice, one after the other."""

    def __init__(self, windows: Mapping[str, Caller], residents: Sequence[dict[str, str]]) -> None:
        """`windows` by municipality; there must be a resident of one of them."""
        self._windows = windows
        movers = [
            (line["municipality"], line["code"])
            for line in residents
            if line["municipality"] in windows and line["municipality"] != _DESTINATION
        ]
        self._movers = cycle(movers)
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, ended: Callable[[Ending], None]) -> None:
        """Serve the next resident at the window of the municipality."""
        municipality, code = next(self._movers)
        work = self._serve(self._windows[municipality], code, ended)
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, window: Caller, code: str, ended: Callable[[Ending], None]) -> None:
        try:
            await _moved(window, code)
        except Over as over:
            ended(over.ending)
        except DecodeError:
            ended(ANSWER_WRONG)
        else:
            ended(DONE)


async def _moved(window: Caller, code: str) -> None:
    """File a move out and take it back; raises Over where the center refuses either."""
    filing = pb.FileMoveOutRequest(
        request_id=str(uuid.uuid4()),
        kind=records.Move.KIND_ORDINARY,
        notification=records.Notification(
            channel=records.Notification.CHANNEL_COUNTER,
            filer=records.Notification.FILER_SELF,
        ),
        plan=records.MovePlan(
            destination_code=_DESTINATION,
            destination_address=_ADDRESS,
            planned_date=(datetime.now(UTC) + _JAPAN + _AHEAD).date().isoformat(),
        ),
        movers=[pb.Mover(code=code, expected_version=_FIRST_VERSION)],
    )
    octets = await answered(window, FILE_PATH, filing.SerializeToString())
    number = pb.FileMoveOutResponse.FromString(octets).move.number
    withdrawal = pb.CancelMoveOutRequest(request_id=str(uuid.uuid4()), move_number=number)
    await answered(window, CANCEL_PATH, withdrawal.SerializeToString())
