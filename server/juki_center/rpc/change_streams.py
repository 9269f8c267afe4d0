"""WatchChanges: one stream of change notices, page by page, for as long as the agency listens.

Whether the agency is still authorised is read again with each page, inside its act, and whenever
the bell rings. Between pages a stream holds nothing but its cursor.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from juki_center.areas.agencies.watch import has_news, next_notices
from juki_center.rpc import agencies_translation as translate

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from juki_center.areas.agencies.commands import Notices, Watch
    from juki_center.areas.agencies.policy import AgencyPolicy
    from juki_center.areas.ports import Store
    from juki_center.rpc.agency_alarms import AgencyAlarms
    from juki_center.rpc.batch_pace import BatchPace
    from juki_center.rpc.change_bell import ChangeBell
    from juki_center.rpc.open_streams import OpenStreams
    from jukinet.agencies.v1 import identity_confirmation_service_pb2 as pb

PAGE: Final = 50
CAUGHT_UP_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class WatchParts:
    """What streams of changes stand on."""

    store: Store
    policy: AgencyPolicy
    clock: Callable[[], datetime]
    pace: BatchPace
    streams: OpenStreams
    alarms: AgencyAlarms
    bell: ChangeBell
    caught_up_seconds: float = CAUGHT_UP_SECONDS


class ChangeStream:
    """One stream of WatchChanges."""

    def __init__(
        self,
        parts: WatchParts,
        command: Watch,
        write: Callable[[pb.WatchChangesResponse], Awaitable[None]],
    ) -> None:
        self._parts = parts
        self._command = command
        self._write = write

    async def run(self) -> None:
        """Tell changes until the center stops or the agency goes. Raises Refusal."""
        with self._parts.streams.slot():
            while True:
                # Counted before the page: what is appended meanwhile rings for the next one.
                rings, now = self._parts.bell.rings, self._parts.clock()
                page = await self._page()
                for notice in page.notices:
                    await self._write(translate.notice_message(notice))
                self._command = replace(self._command, cursor=page.cursor)
                if page.is_caught_up:
                    await self._write(translate.caught_up_message(page, now))
                    await self._wait_for_news(page, rings)

    async def _page(self) -> Notices:
        parts, command = self._parts, self._command

        async def tell() -> Notices:
            now = parts.clock()
            return await parts.store.act(lambda tx: next_notices(tx, command, now, parts.policy))

        async with parts.alarms.watching(command.agency):
            return await parts.pace.run(tell)

    async def _wait_for_news(self, page: Notices, rings: int) -> None:
        """Return when there may be something to tell; say in between that there is nothing."""
        parts = self._parts
        while True:
            has_rung = await parts.bell.wait_beyond(rings, parts.caught_up_seconds)
            rings, now = parts.bell.rings, parts.clock()
            if await self._has_news(now):
                return
            if not has_rung:
                await self._write(translate.caught_up_message(page, now))

    async def _has_news(self, now: datetime) -> bool:
        parts, command = self._parts, self._command
        return await parts.store.ask(lambda tx: has_news(tx, command, now, parts.policy))
