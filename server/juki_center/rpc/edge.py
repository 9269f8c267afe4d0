"""One call at the edge of the center: who calls, may they, and how did it end.

Everything that a servicer lets out ends here: a refusal as its status, anything else as INTERNAL
with an incident number. What a method does is not here, and neither is how handlers are wrapped.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from typing import TYPE_CHECKING, Final, NoReturn, TypeAlias, cast

import grpc

from juki_center.areas import calls
from juki_center.errors import Reason, Refusal
from juki_center.rpc.access_log import Entry, Incident
from juki_center.rpc.gates import LastingGate, RequestGate
from juki_center.rpc.live_calls import LiveCalls
from juki_center.rpc.metrics import UNKNOWN_METHOD
from juki_center.rpc.options import MESSAGE_LIMIT_BYTES
from juki_center.rpc.peers import Peers, enter
from juki_center.rpc.tracing import NO_TRACING, TracedCall

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from types import TracebackType

    from google.protobuf.message import Message

    from juki_center.rpc.access_log import AccessLog
    from juki_center.rpc.errors import Statuses
    from juki_center.rpc.gates import Gate
    from juki_center.rpc.live_calls import LiveCall
    from juki_center.rpc.metrics import Metrics
    from juki_center.rpc.options import AccessRule
    from juki_center.rpc.strangers import Strangers
    from juki_center.rpc.tracing import Tracing

Context: TypeAlias = "grpc.aio.ServicerContext[object, object]"

STRANGER: Final = "stranger"
"""Whom the access log names where a caller has no certificate."""


class Edge:
    """What every call shares: the rules, the callers, the gates, the log and the clock.

    With `strangers` the callers have no certificate; only what needs none is served, as far as
    there is room.
    """

    def __init__(  # noqa: PLR0913  # the parts are wired together once, by name
        self,
        *,
        rules: Mapping[str, AccessRule],
        statuses: Statuses,
        log: AccessLog,
        metrics: Metrics,
        clock: Callable[[], datetime],
        gates: tuple[Gate, ...] = (),
        live: LiveCalls | None = None,
        tracing: Tracing = NO_TRACING,
        judged: Callable[[], int] = lambda: -1,
        strangers: Strangers | None = None,
    ) -> None:
        self.tracing = tracing
        self.strangers = strangers
        self.judged = judged
        self.gates = gates
        self.live = LiveCalls() if live is None else live
        self.request_gates = tuple(gate for gate in gates if isinstance(gate, RequestGate))
        self.lasting_gates = tuple(gate for gate in gates if isinstance(gate, LastingGate))
        self.rules = rules
        self.statuses = statuses
        self.log = log
        self.metrics = metrics
        self.clock = clock
        self.peers = Peers()

    def message_limit(self, method: str) -> int:
        """Return the size of the largest request and answer of a method, in bytes."""
        rule = self.rules.get(method)
        return MESSAGE_LIMIT_BYTES if rule is None else rule.message_limit

    def call(self, method: str, context: Context) -> Call:
        """Return the context manager in which one call runs."""
        return Call(self, method, context)


class Call:
    """One call from admission to its line in the log."""

    __slots__ = (
        "_call",
        "_context",
        "_edge",
        "_held",
        "_live",
        "_method",
        "_peer",
        "_rule",
        "_started",
    )

    def __init__(self, edge: Edge, method: str, context: Context) -> None:
        self._edge = edge
        self._method = method
        self._context = context
        self._peer = ""
        self._live: LiveCall | None = None
        self._started = time.perf_counter()
        self._call: calls.Call | None = None
        self._held: calls.Call | None = None
        self._rule: AccessRule | None = None

    async def __aenter__(self) -> Call:
        """Admit the caller, or end the call."""
        try:
            self._admit()
        except Refusal as refusal:
            await self._refuse(refusal)
        return self

    def take(self, request: object) -> None:
        """Show a message of the caller to the gates that look at it."""
        if self._call is None or self._rule is None:
            return
        for gate in self._edge.request_gates:
            gate.take(self._call, self._rule, cast("Message", request))

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the call with the status of what was raised, or of what has ended it from outside."""
        ended = self._leave()
        if ended is not None and not isinstance(error, grpc.aio.AbortError):
            await self._refuse(ended)
        match error:
            case None:
                self._record("OK")
            case Refusal():
                await self._refuse(error)
            case grpc.aio.AbortError():
                self._record(_code_of(self._context))
            case asyncio.CancelledError() | GeneratorExit():
                self._record("CANCELLED")
            case Exception():
                await self._refuse(self._incident(error))
            case _:
                self._record("INTERNAL")

    def _admit(self) -> None:
        if self._edge.strangers is not None:
            self._admit_stranger()
        else:
            self._admit_peer()

    def _admit_stranger(self) -> None:
        """Admit whoever calls what needs no certificate: what counts is in the request."""
        rule = self._edge.rules.get(self._method)
        if rule is None or not rule.without_certificate:
            raise Refusal(Reason.METHOD_UNKNOWN)
        call = calls.Call(STRANGER, STRANGER, None, b"", self._method)
        self._peer = STRANGER
        calls.enter(call)
        self._live = self._edge.live.begin(call)

    def _admit_peer(self) -> None:
        edge = self._edge
        caller = edge.peers.caller(self._context.auth_context(), edge.clock())
        self._peer = caller.uri
        rule = edge.rules.get(self._method)
        if rule is None:
            raise Refusal(Reason.METHOD_UNKNOWN)
        if caller.identity.role not in rule.roles:
            raise Refusal(Reason.ROLE_NOT_ALLOWED)
        call = calls.Call(
            caller.uri, caller.role, caller.municipality, caller.certificate_sha256, self._method
        )
        call.judged = edge.judged()
        if edge.tracing.is_sampled():
            call.marks = []
        self._held = call
        for gate in edge.gates:
            gate.admit(call, caller, rule)
        enter(caller)
        calls.enter(call)
        self._call, self._rule = call, rule
        self._live = edge.live.begin(call)

    def _leave(self) -> Refusal | None:
        """Let the call go; return the refusal that it was ended with from outside, if it was."""
        if self._live is None:
            return None
        self._edge.live.finish(self._live)
        if self._live.refusal is not None:
            # The cancel has done its work: what is awaited from here on must not be hit by it.
            self._live.task.uncancel()
        return self._live.refusal

    def _incident(self, error: Exception) -> Refusal:
        number = secrets.token_hex(8)
        self._edge.log.record(
            Incident.of(error, at=self._edge.clock(), incident=number, method=self._method)
        )
        return Refusal(Reason.INTERNAL, incident=number)

    async def _refuse(self, refusal: Refusal) -> NoReturn:
        status = self._edge.statuses.status(refusal)
        self._record(status.code.name, refusal.reason.value)
        await self._context.abort_with_status(status)

    def _record(self, code: str, reason: str = "") -> None:
        if self._held is not None:
            for gate in self._edge.lasting_gates:
                gate.leave(self._held)
            self._held = None
        seconds = time.perf_counter() - self._started
        known = self._method if self._method in self._edge.rules else UNKNOWN_METHOD
        self._edge.metrics.count(method=known, code=code, reason=reason, seconds=seconds)
        milliseconds = round(seconds * 1000, 3)
        self._edge.log.record(
            Entry(self._edge.clock(), known, self._peer, code, reason, milliseconds)
        )
        if self._call is not None and self._call.marks is not None:
            ended = time.time_ns()
            began = ended - round(seconds * 1_000_000_000)
            traced = TracedCall(known, code, reason, began, ended, tuple(self._call.marks))
            self._edge.tracing.record(traced)


def _code_of(context: Context) -> str:
    code = context.code()
    return code.name if isinstance(code, grpc.StatusCode) else "UNKNOWN"
