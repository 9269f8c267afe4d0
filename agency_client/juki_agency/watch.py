"""The stream of change notices, taken up where the last notice was kept.

A notice is handed on first and its cursor kept after it: a cut between the two tells the notice
again, and never loses one.
"""

from __future__ import annotations

import base64
import binascii
import re
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
    from juki_client.receipts import Receipts

_EVENT: Final = "CHANGES_PROVIDED"
_COUNT: Final = re.compile("[1-9][0-9]{0,6}")
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
        center.take_up()
        try:
            receipts = _NoticeReceipts(center.receipts)
            with closing(_opened(center, receipts.stamped(request))) as stream:
                while True:
                    message = stream.receive()
                    receipts.require(message)
                    patience.reward()
                    hand_on(message)
                    if message.cursor != cursor:
                        cursor = message.cursor
                        state.keep(cursor)
                    if once and message.WhichOneof("step") == "caught_up":
                        return message.caught_up
        except Problem as problem:
            if not has_newer_certificate(center, problem):
                patience.bear(problem)


def has_newer_certificate(center: Center, problem: Problem) -> bool:
    """Say whether a stream ended because its certificate was replaced, and the next is there."""
    return problem.reason == "CERTIFICATE_RETIRED" and center.take_up()


class _NoticeReceipts:
    """The receipts of one stream: a leaf vouches for so many notices, beginning with its own."""

    def __init__(self, receipts: Receipts) -> None:
        receipts.prove_in_time()
        self._receipts = receipts
        self._asking = receipts.act(_EVENT)
        self._covered = 0

    def stamped(self, request: pb.WatchChangesRequest) -> pb.WatchChangesRequest:
        """Return the request with the size of the tree that is known."""
        return self._asking.stamped(request)

    def require(self, message: pb.WatchChangesResponse) -> None:
        """Require that the log shows a notice; raise Problem RECEIPT_MISSING and the like."""
        if message.HasField("receipt"):
            told = self._asking.require(message)
            self._asking = self._asking.after(told)
            count = told.leaf.details.get("provisions", "")
            if not _COUNT.fullmatch(count):
                raise self._receipts.book.doubt("COUNT_OTHER", message.receipt.checkpoint)
            self._covered = int(count)
        if message.WhichOneof("step") != "notice":
            # The stream may stay open for days, and the log is to prove itself meanwhile.
            self._receipts.prove_in_time()
            return
        if not self._covered:
            raise Problem("RECEIPT_MISSING", {"event": _EVENT})
        self._covered -= 1


def _opened(
    center: Center, request: pb.WatchChangesRequest
) -> Stream[pb.WatchChangesRequest, pb.WatchChangesResponse]:
    return Stream(
        lambda _nothing_more: center.confirmations.WatchChanges(request), seconds=_SILENCE_SECONDS
    )
