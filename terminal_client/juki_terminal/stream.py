"""One `Authenticate` stream, traced where a trace was asked for, and held to the audit log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from juki_client.outcome import Problem
from juki_client.stream import Stream
from jukinet.card.v1 import card_session_service_pb2 as card_pb

if TYPE_CHECKING:
    from juki_terminal.channel import Center

EVENT: Final = "CARD_AUTHENTICATED"
STEP_SECONDS: Final = 20.0
STREAM_SECONDS: Final = 320.0
"""A plan lives 120 s and a session 180 s; after that, and some slack, nothing can come of it."""


class SessionStream:
    """The stream; close it, or use it with `contextlib.closing`."""

    def __init__(self, center: Center, *, step_seconds: float = STEP_SECONDS) -> None:
        """Let the center prove its log, and open the stream; raises Problem as the proof does."""
        center.receipts.prove()
        self._asking = center.receipts.act(EVENT)
        self._last = card_pb.AuthenticateResponse()
        self._trace = center.trace
        self._stream: Stream[card_pb.AuthenticateRequest, card_pb.AuthenticateResponse] = Stream(
            lambda steps: center.sessions.Authenticate(steps, timeout=STREAM_SECONDS),
            seconds=step_seconds,
        )

    def send(self, step: card_pb.AuthenticateRequest) -> None:
        """Send a step; whether it arrived shows in the next `receive`."""
        step = self._asking.stamped(step)
        if self._trace is not None:
            self._trace.message(">", step)
        self._stream.send(step)

    def receive(self) -> card_pb.AuthenticateResponse:
        """Return the center's next step.

        Raises the problem for which the center ended the stream, CENTER_UNREACHABLE where nothing
        came in time, and STEP_OUT_OF_ORDER where the center ended it without a result.
        """
        try:
            step = self._stream.receive()
        except Problem as problem:
            if self._trace is not None:
                self._trace.event(repr(problem))
            raise
        if self._trace is not None:
            self._trace.message("<", step)
        self._last = step
        return step

    def receive_plan(self) -> card_pb.Plan:
        """Return the plan that answers hello."""
        step = self.receive()
        if step.WhichOneof("step") != "plan":
            raise Problem("STEP_OUT_OF_ORDER", {"expected": "plan", "got": _name(step)})
        return step.plan

    def require_receipt(self, session_id: bytes) -> None:
        """Require that the log shows the session by the receipt in the last step; raise Problem."""
        self._asking.require(self._last, resource=session_id.hex())

    def finish(self) -> None:
        """Let the center end the stream in order; a result stands whatever comes after it."""
        self._stream.finish()

    def close(self) -> None:
        """End the stream; one that has not ended by itself is cancelled."""
        self._stream.close()


def _name(step: card_pb.AuthenticateResponse) -> str:
    return step.WhichOneof("step") or "nothing"
