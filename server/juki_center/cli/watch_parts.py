"""Puts together what Watch stands on: the hotlist, the streams, and how they are paced."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING

from juki_center.rpc.hotlist_book import HotlistBook
from juki_center.rpc.terminal_watch import WatchParts
from juki_center.rpc.watch_hub import HubParts, Settings, WatchHub

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from juki_center.areas.copies.signature import CopySigner
    from juki_center.areas.ports import Store
    from juki_center.rpc.control_bell import ControlBell
    from juki_center.rpc.metrics import Metrics


def watch_parts(  # the parts are wired together once, by name
    *,
    store: Store,
    bell: ControlBell,
    signer: CopySigner,
    metrics: Metrics,
    clock: Callable[[], datetime],
    settings: Settings | None = None,
) -> WatchParts:
    """Load the hotlist, and let the bell tell every stream of what comes later."""
    book = HotlistBook(store, signer, clock)
    hub = WatchHub(
        HubParts(
            store=store,
            book=book,
            gauge=metrics.open_terminal_watches,
            clock=clock,
            steady=time.monotonic,
            chance=secrets.SystemRandom().random,
            settings=settings or Settings(),
        )
    )
    bell.subscribe(hub.tell)
    return WatchParts(store, hub, book, clock)
