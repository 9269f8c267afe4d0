"""One stream to the center, as a dialogue: send a message, wait for the center's, in time.

A message that does not come in time ends the stream; what the center ended it for becomes a
problem.
"""

from __future__ import annotations

import queue
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Generic, TypeVar

import grpc

from juki_client.channel import problem_of
from juki_client.outcome import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Protocol

Request = TypeVar("Request")
Answer = TypeVar("Answer")
Answer_co = TypeVar("Answer_co", covariant=True)

if TYPE_CHECKING:

    class Answers(Protocol[Answer_co]):
        """A call under way: its answers, and a way to end it."""

        def __next__(self) -> Answer_co: ...

        def cancel(self) -> bool: ...


class Stream(Generic[Request, Answer]):
    """The stream; close it, or use it with `contextlib.closing`."""

    def __init__(
        self, open_call: Callable[[Iterator[Request]], Answers[Answer]], *, seconds: float
    ) -> None:
        """Open the stream; each answer must come within `seconds`."""
        self._seconds = seconds
        self._outgoing: queue.SimpleQueue[Request | None] = queue.SimpleQueue()
        self._call = open_call(iter(self._outgoing.get, None))

    def send(self, message: Request) -> None:
        """Send a message; whether it arrived shows in the next `receive`."""
        self._outgoing.put(message)

    def receive(self) -> Answer:
        """Return the center's next message.

        Raises the problem for which the center ended the stream, CENTER_UNREACHABLE where nothing
        came in time, and STEP_OUT_OF_ORDER where the center ended it without a problem.
        """
        try:
            with self._in_time():
                return next(self._call)
        except StopIteration as error:
            raise Problem("STEP_OUT_OF_ORDER", {"got": "end of stream"}) from error
        except grpc.RpcError as error:
            raise problem_of(error) from error

    def finish(self) -> None:
        """Let the center end the stream in order; what it has said stands whatever comes after."""
        self._outgoing.put(None)
        with suppress(grpc.RpcError, StopIteration), self._in_time():
            while True:
                next(self._call)

    def close(self) -> None:
        """End the stream; one that has not ended by itself is cancelled."""
        self._outgoing.put(None)
        self._call.cancel()

    @contextmanager
    def _in_time(self) -> Iterator[None]:
        """Cancel the stream where the block takes too long."""
        watchdog = threading.Timer(self._seconds, self._call.cancel)
        watchdog.daemon = True
        watchdog.start()
        try:
            yield
        finally:
            watchdog.cancel()
