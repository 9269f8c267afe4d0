"""The card sessions under way: one for each terminal, and all of them ended at shutdown.

A finished session is a row in the store and no matter of this module.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from juki_center.errors import Reason, Refusal
from juki_center.rpc.open_streams import OpenStreams

if TYPE_CHECKING:
    from collections.abc import Iterator

    from juki_center.rpc.metrics import Metrics


class OpenSessions:
    """Which terminal has a session open, and the stream that carries it."""

    def __init__(self, metrics: Metrics) -> None:
        self._terminals: set[str] = set()
        self._streams = OpenStreams(metrics.open_card_sessions)

    @contextmanager
    def slot(self, terminal_uri: str) -> Iterator[None]:
        """Hold the terminal's one place; raise SESSION_LIMIT or SHUTTING_DOWN."""
        with self._streams.slot():
            if terminal_uri in self._terminals:
                raise Refusal(Reason.SESSION_LIMIT)
            self._terminals.add(terminal_uri)
            try:
                yield
            finally:
                self._terminals.discard(terminal_uri)

    def close(self) -> None:
        """End every session with SHUTTING_DOWN and open no more."""
        self._streams.close()
