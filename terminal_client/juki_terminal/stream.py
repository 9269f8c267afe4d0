"""One `Authenticate` stream, as a dialogue: send a step, wait for the center's step, in time.

A step that does not come in time ends the stream; what the center ended it for becomes a problem.
"""

from __future__ import annotations

import queue
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

import grpc

from juki_client.channel import problem_of
from juki_client.outcome import Problem
from jukinet.card.v1 import card_session_service_pb2 as card_pb

if TYPE_CHECKING:
    from collections.abc import Iterator

    from juki_terminal.channel import Center

STEP_SECONDS: Final = 20.0
STREAM_SECONDS: Final = 320.0
"""A plan lives 120 s and a session 180 s; after that, and some slack, nothing can come of it."""


class SessionStream:
    """The stream; close it, or use it with `contextlib.closing`."""

    def __init__(self, center: Center, *, step_seconds: float = STEP_SECONDS) -> None:
        self._trace = center.trace
        self._step_seconds = step_seconds
        self._outgoing: queue.SimpleQueue[card_pb.AuthenticateRequest | None] = queue.SimpleQueue()
        self._call = center.sessions.Authenticate(
            iter(self._outgoing.get, None), timeout=STREAM_SECONDS
        )

    def send(self, step: card_pb.AuthenticateRequest) -> None:
        """Send a step; whether it arrived shows in the next `receive`."""
        if self._trace is not None:
            self._trace.message(">", step)
        self._outgoing.put(step)

    def receive(self) -> card_pb.AuthenticateResponse:
        """Return the center's next step.

        Raises the problem for which the center ended the stream, CENTER_UNREACHABLE where nothing
        came in time, and STEP_OUT_OF_ORDER where the center ended it without a result.
        """
        try:
            with self._in_time():
                step = next(self._call)
        except StopIteration as error:
            raise Problem("STEP_OUT_OF_ORDER", {"got": "end of stream"}) from error
        except grpc.RpcError as error:
            problem = problem_of(error)
            if self._trace is not None:
                self._trace.event(repr(problem))
            raise problem from error
        if self._trace is not None:
            self._trace.message("<", step)
        return step

    def receive_plan(self) -> card_pb.Plan:
        """Return the plan that answers hello."""
        step = self.receive()
        if step.WhichOneof("step") != "plan":
            raise Problem("STEP_OUT_OF_ORDER", {"expected": "plan", "got": _name(step)})
        return step.plan

    def finish(self) -> None:
        """Let the center end the stream in order; a result stands whatever comes after it."""
        self._outgoing.put(None)
        with suppress(grpc.RpcError), self._in_time():
            for _ in self._call:
                continue

    def close(self) -> None:
        """End the stream; one that has not ended by itself is cancelled."""
        self._outgoing.put(None)
        self._call.cancel()

    @contextmanager
    def _in_time(self) -> Iterator[None]:
        """Cancel the stream where the block takes too long."""
        watchdog = threading.Timer(self._step_seconds, self._call.cancel)
        watchdog.daemon = True
        watchdog.start()
        try:
            yield
        finally:
            watchdog.cancel()


def _name(step: card_pb.AuthenticateResponse) -> str:
    return step.WhichOneof("step") or "nothing"
