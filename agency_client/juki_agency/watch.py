"""The stream of change notices, taken up where the last notice was kept.

A notice is handed on first and its cursor kept after it: a cut between the two tells the notice
again, and never loses one.
"""

from __future__ import annotations

import base64
import binascii
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from juki_agency.kept import keep, read_kept
from juki_client.outcome import Problem
from juki_client.stream import Stream
from jukinet.agencies.v1 import identity_confirmation_service_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from juki_agency.center import Center
    from juki_agency.patience import Patience

_VERSION: Final = 1
# The center says every 30 seconds that everything is told; twice that and some is silence.
_SILENCE_SECONDS: Final = 75.0


@dataclass(frozen=True, slots=True)
class CursorFile:
    """Where the cursor of the last notice is kept, for one affair."""

    path: Path
    affair: str

    def read(self) -> bytes:
        """Return the cursor, empty for none.

        Raises Problem FILE_NOT_USABLE for a file that is none, or is another affair's.
        """
        content = read_kept(self.path)
        if content is None:
            return b""
        if content.get("affair") != self.affair:
            raise self._unusable("is kept for another affair")
        cursor = content.get("cursor")
        try:
            return base64.b64decode(cursor if isinstance(cursor, str) else "-", validate=True)
        except binascii.Error as error:
            raise self._unusable("is no state of a watch") from error

    def keep(self, cursor: bytes) -> None:
        """Keep a cursor durably."""
        text = base64.b64encode(cursor).decode("ascii")
        keep(self.path, {"v": _VERSION, "affair": self.affair, "cursor": text})

    def _unusable(self, problem: str) -> Problem:
        return Problem("FILE_NOT_USABLE", {"problem": f"{self.path.name} {problem}"})


def watch_changes(
    center: Center,
    state: CursorFile,
    patience: Patience,
    hand_on: Callable[[pb.WatchChangesResponse], None],
    *,
    once: bool,
) -> pb.CaughtUp:
    """Hand on every message in order and keep its cursor after it, for ever.

    With `once`, return when everything has been told. Raises Problem: that of the center, or the
    last one on the way where the patience is over.
    """
    cursor = state.read()
    while True:
        request = pb.WatchChangesRequest(affair=state.affair, cursor=cursor)
        with closing(_opened(center, request)) as stream:
            try:
                while True:
                    message = stream.receive()
                    patience.reward()
                    hand_on(message)
                    if message.cursor != cursor:
                        cursor = message.cursor
                        state.keep(cursor)
                    if once and message.WhichOneof("step") == "caught_up":
                        return message.caught_up
            except Problem as problem:
                patience.bear(problem)


def _opened(
    center: Center, request: pb.WatchChangesRequest
) -> Stream[pb.WatchChangesRequest, pb.WatchChangesResponse]:
    return Stream(
        lambda _nothing_more: center.confirmations.WatchChanges(request), seconds=_SILENCE_SECONDS
    )
