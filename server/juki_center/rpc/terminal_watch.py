"""TerminalService, what tells peers of what they must know at once, and takes their reports."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING, Final, TypeVar

from google.protobuf.timestamp_pb2 import Timestamp

from juki_center.areas.fleet.reports import TerminalReport, take_report
from juki_center.rpc import fields
from juki_center.rpc.callers import terminal
from juki_center.rpc.durable import durably
from juki_center.rpc.peers import current_caller
from jukinet.fleet.v1 import terminal_service_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    import grpc

    from juki_center.areas.copies.signature import CopySigner
    from juki_center.areas.ports import Store
    from juki_center.rpc.hotlist_book import HotlistBook
    from juki_center.rpc.watch_hub import WatchHub

    Request = TypeVar("Request")
    Answer = TypeVar("Answer")
    Context = grpc.aio.ServicerContext[Request, Answer]

_VERSION_CHARACTERS: Final = 40
_VERSION: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+_-]*")
_MOST_CURSOR: Final = 2**63 - 1


@dataclass(frozen=True, slots=True)
class WatchParts:
    """What streams and reports stand on."""

    store: Store
    hub: WatchHub
    book: HotlistBook
    clock: Callable[[], datetime]

    def take_over(self, signer: CopySigner) -> None:
        """Sign by a new key from now on, and have every peer fetch the descriptions anew."""
        self.book.use(signer)
        self.hub.tell_descriptions()


class Watching:
    """The part of the servicer that tells peers, and hears of terminals."""

    _watch: WatchParts

    async def Watch(  # noqa: N802  # the proto's name
        self, request: pb.WatchRequest, context: Context[pb.WatchRequest, pb.WatchResponse]
    ) -> None:
        """Tell a peer what happens, for as long as it listens."""
        hub, who = self._watch.hub, current_caller().identity
        with hub.opened(who.uri, who.role.value, request.cursor) as stream:
            stream.cursor = request.cursor
            while True:
                message = await stream.next(hub.pause()) or hub.heartbeat(stream)
                try:
                    async with asyncio.timeout(hub.settings.write_seconds):
                        await context.write(message)
                except TimeoutError:
                    raise hub.too_slow(stream) from None
                stream.cursor = max(stream.cursor, message.cursor)

    async def ReportStatus(  # noqa: N802  # the proto's name
        self,
        request: pb.ReportStatusRequest,
        _context: Context[pb.ReportStatusRequest, pb.ReportStatusResponse],
    ) -> pb.ReportStatusResponse:
        """Keep a terminal's report of itself."""
        parts = self._watch
        report = _report(request, parts.clock())
        await durably(parts.store.act(lambda tx: take_report(tx, report)))
        time = Timestamp()
        time.FromDatetime(report.at)
        is_current = report.hotlist_cursor == parts.book.cursor
        return pb.ReportStatusResponse(time=time, is_hotlist_current=is_current)


def _version(text: str) -> str:
    """Return a version; it is kept and shown in the clear, so that it can be nothing else."""
    version = fields.text("software_version", text, longest=_VERSION_CHARACTERS)
    if not _VERSION.fullmatch(version):
        raise fields.invalid("software_version", "VERSION")
    return version


def _report(request: pb.ReportStatusRequest, now: datetime) -> TerminalReport:
    return TerminalReport(
        uri=terminal(current_caller().identity).uri,
        at=now,
        version=_version(request.software_version),
        hotlist_cursor=fields.number(
            "hotlist_cursor", request.hotlist_cursor, least=0, most=_MOST_CURSOR
        ),
        hotlist_made_at=_moment(request) if request.HasField("hotlist_made_time") else None,
        reader_ready=request.reader_ready,
        printer_ready=request.printer_ready,
    )


def _moment(request: pb.ReportStatusRequest) -> datetime:
    try:
        return request.hotlist_made_time.ToDatetime(UTC)
    except (OverflowError, ValueError):
        raise fields.invalid("hotlist_made_time", "TIMESTAMP") from None
