"""What a center needs of its store, whichever keeps it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol, TypeVar

from juki_center.storage.transaction import Transaction

Answer = TypeVar("Answer")


class CenterStore(Protocol):
    """A store that is open."""

    @property
    def is_log_writable(self) -> bool:
        """Whether the log can be written, as far as is known."""

    @property
    def busy_seconds(self) -> float:
        """For how long this process has been committing acts since its start, with all waits."""

    async def act(self, act: Callable[[Transaction], Answer], *, urgent: bool = False) -> Answer:
        """Run a changing act in the committing transaction; return after the commit is durable."""

    def read(self, question: Callable[[Transaction], Answer]) -> Answer:
        """Run a reading act on the committed state, on the calling thread."""

    async def ask(self, question: Callable[[Transaction], Answer]) -> Answer:
        """Run a reading act on the committed state, beside the event loop where it may wait."""

    def forget_closed_keys(self) -> None:
        """Let the keys of municipalities that are disconnected leave this process's memory."""

    def on_control(self, ring: Callable[[], None]) -> None:
        """Call `ring` after each commit with control events in it, from any thread."""

    def bulk(self) -> BulkWriting:
        """Open a writing connection of its own, for an import."""

    def empty_log(self) -> bool:
        """Let what was deleted be in no file; tell whether that succeeded."""

    def close(self) -> None:
        """Finish what is queued, then close."""


class BulkWriting(Protocol):
    """Commits many rows, on the thread that opened it."""

    @property
    def is_far(self) -> bool:
        """Whether each statement goes to a server, so that rows take their time."""

    def committing(self) -> AbstractContextManager[Transaction]:
        """Commit what is done inside, durably, or nothing where it raises."""

    def others_wrote(self) -> bool:
        """Tell whether others have committed since this was asked last and need their turn."""

    def close(self) -> None:
        """Close the connection."""
