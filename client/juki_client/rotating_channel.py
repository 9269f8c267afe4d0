"""A channel whose connection is exchanged while calls run: made before broken.

A connection keeps the certificate that it began with, and gRPC's clients take no other one. So for
a new certificate there is a new connection. Calls that begin find the new one; calls that run, and
streams, end on the one they began on, which is closed after the last of them. Stubs made over this
channel need not be made again.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Generic, TypeVar

import grpc

from juki_client.outcome import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeAlias

    Method: TypeAlias = Callable[..., object]
    Factory: TypeAlias = Callable[[grpc.Channel], Method]

Facts = TypeVar("Facts")

_READY_SECONDS: Final = 10.0


class Connection(Generic[Facts]):
    """One connection, what is true of it, and the calls on it counted."""

    def __init__(self, channel: grpc.Channel, facts: Facts) -> None:
        self.channel = channel
        self.facts = facts
        self._lock = threading.Lock()
        self._calls = 0
        self._is_retired = False
        self.closed = threading.Event()
        """Set when the last call of a retired connection has ended."""

    def begin(self) -> bool:
        """Count a call; false where the connection takes none any more."""
        with self._lock:
            if self._is_retired:
                return False
            self._calls += 1
            return True

    def end(self) -> None:
        """Count a call's end, and close the connection where it was the last of a retired one."""
        with self._lock:
            self._calls -= 1
            is_last = self._is_retired and not self._calls
        if is_last:
            self._close()

    def retire(self) -> None:
        """Take no more calls; close when the last one has ended."""
        with self._lock:
            self._is_retired = True
            is_idle = not self._calls
        if is_idle:
            self._close()

    def _close(self) -> None:
        self.channel.close()
        self.closed.set()


class _Method(Generic[Facts]):
    """A method of a stub, on whatever connection is current when it is called."""

    def __init__(self, owner: RotatingChannel[Facts], make: Factory) -> None:
        self._owner = owner
        self._make = make
        self._made: tuple[Connection[Facts], Method] | None = None

    def __call__(self, *args: object, **options: object) -> object:
        """Make a call; a stream counts until it ends, a unary call until it is answered."""
        connection = self._owner.take()
        try:
            answer = self._on(connection)(*args, **options)
        except BaseException:
            connection.end()
            raise
        if isinstance(answer, grpc.RpcContext) and answer.add_callback(connection.end):
            # It is a stream that runs, or a future.
            return answer
        connection.end()
        return answer

    def future(self, *args: object, **options: object) -> object:
        """Begin a unary call."""
        connection = self._owner.take()
        begin: Method = getattr(self._on(connection), "future")  # noqa: B009  # of any kind
        try:
            answer = begin(*args, **options)
        except BaseException:
            connection.end()
            raise
        if not (isinstance(answer, grpc.RpcContext) and answer.add_callback(connection.end)):
            connection.end()
        return answer

    def _on(self, connection: Connection[Facts]) -> Method:
        made = self._made
        if made is None or made[0] is not connection:
            made = (connection, self._make(connection.channel))
            self._made = made
        return made[1]


class RotatingChannel(Generic[Facts]):
    """The channel; stubs are made over it as over any other.

    `facts` are true of a connection as long as it lives, such as the certificate that opened it.
    """

    def __init__(self, channel: grpc.Channel, facts: Facts) -> None:
        self._lock = threading.Lock()
        self._current = Connection(channel, facts)
        self._older: list[Connection[Facts]] = []

    @property
    def facts(self) -> Facts:
        """What is true of the connection on which calls begin now."""
        return self._current.facts

    def unary_unary(self, method: str, *args: object, **options: object) -> _Method[Facts]:
        """Return a unary method."""
        return self._method("unary_unary", method, args, options)

    def unary_stream(self, method: str, *args: object, **options: object) -> _Method[Facts]:
        """Return a method with a stream of answers."""
        return self._method("unary_stream", method, args, options)

    def stream_unary(self, method: str, *args: object, **options: object) -> _Method[Facts]:
        """Return a method with a stream of requests."""
        return self._method("stream_unary", method, args, options)

    def stream_stream(self, method: str, *args: object, **options: object) -> _Method[Facts]:
        """Return a method with streams on both sides."""
        return self._method("stream_stream", method, args, options)

    def exchange(
        self, channel: grpc.Channel, facts: Facts, *, seconds: float = _READY_SECONDS
    ) -> Connection[Facts]:
        """Use another connection from now on, once it stands; return the one before.

        Raises Problem CENTER_UNREACHABLE where it does not in time: then nothing has changed.
        """
        try:
            grpc.channel_ready_future(channel).result(timeout=seconds)
        except grpc.FutureTimeoutError as error:
            channel.close()
            raise Problem("CENTER_UNREACHABLE", {"status": "UNAVAILABLE"}) from error
        with self._lock:
            before, self._current = self._current, Connection(channel, facts)
            self._older = [one for one in self._older if not one.closed.is_set()]
            self._older.append(before)
        before.retire()
        return before

    def restate(self, facts: Facts) -> None:
        """Say what is true of the current connection from now on; it is not exchanged."""
        self._current.facts = facts

    def take(self) -> Connection[Facts]:
        """Return the current connection with a call counted on it."""
        while True:
            connection = self._current
            if connection.begin():
                return connection

    @contextmanager
    def held(self) -> Iterator[RotatingChannel[Facts]]:
        """Give the current connection for calls that belong together, such as a card session.

        It stays until the block ends, and is exchanged for no other one meanwhile.
        """
        connection = self.take()
        try:
            yield RotatingChannel(connection.channel, connection.facts)
        finally:
            connection.end()

    def close(self) -> None:
        """Close every connection; calls under way end as cancelled."""
        with self._lock:
            connections = [*self._older, self._current]
        for connection in connections:
            connection.channel.close()

    def _method(
        self,
        kind: str,
        method: str,
        args: tuple[object, ...],
        options: dict[str, object],
    ) -> _Method[Facts]:
        def make(channel: grpc.Channel) -> Method:
            made: Method = getattr(channel, kind)(method, *args, **options)
            return made

        return _Method(self, make)
