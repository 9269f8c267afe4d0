"""Room for callers without a certificate: who says nothing makes room for who does.

Anybody can open calls and send half of a request. So a request has little time to arrive, one
network has few places, and where all of them are taken the one that has kept us waiting the longest
goes. Who has sent a whole request is served whoever else waits.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias, cast

import grpc

from juki_center.areas.calls import current_call
from juki_center.errors import Reason, Refusal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from juki_center.areas.calls import Call
    from juki_center.rpc.live_calls import LiveCalls

Handler: TypeAlias = "grpc.RpcMethodHandler[object, object]"
Context: TypeAlias = "grpc.aio.ServicerContext[object, object]"
# Who has one address of IPv6 usually has the 64 bits that it ends in.
_NETWORK_BITS: Final = {4: 32, 6: 64}


@dataclass(frozen=True, slots=True)
class Room:
    """How long a request may take to arrive, and how many may be there at once."""

    read_seconds: float = 5.0
    most: int = 64
    most_of_one: int = 8


@dataclass(slots=True, eq=False)
class _Place:
    """A call and its network; it waits until its request has come."""

    call: Call
    network: str
    is_waiting: bool = True


@dataclass(frozen=True, slots=True)
class Strangers:
    """The places of one listener, the oldest first; for its event loop only."""

    live: LiveCalls
    room: Room = field(default_factory=Room)
    _places: list[_Place] = field(default_factory=list)

    def __len__(self) -> int:
        """Return how many are there."""
        return len(self._places)

    def reading(self, handler: Handler) -> Handler:
        """Return a handler that takes a place and reads the request itself.

        gRPC reads the request of a unary method before it calls anybody, for as long as that takes;
        on the wire a method that reads a stream looks the same. Raises TypeError for streams: there
        is no room for those.
        """
        if handler.request_streaming or handler.response_streaming:
            raise TypeError("callers without a certificate have no streams")
        serve = cast("Callable[[object, Context], Awaitable[object]]", handler.unary_unary)

        async def read(requests: AsyncIterator[object], context: Context) -> object:
            call = current_call()
            if call is None:
                raise LookupError("a call is entered before it is served")
            with self.place(call, context.peer()) as place:
                return await serve(await self.request(place, requests), context)

        return grpc.stream_unary_rpc_method_handler(
            read, handler.request_deserializer, handler.response_serializer
        )

    @contextmanager
    def place(self, call: Call, peer: str) -> Iterator[_Place]:
        """Hold a place for a call of `peer`, an address as gRPC writes it.

        Raises Refusal(OVERLOADED) where nobody who only waits could make room.
        """
        place = _Place(call, network_of(peer))
        self._make_room(place.network)
        self._places.append(place)
        try:
            yield place
        finally:
            self._places.remove(place)

    async def request(self, place: _Place, requests: AsyncIterator[object]) -> object:
        """Return the one request of a call.

        Raises Refusal: REQUEST_TOO_SLOW where it does not come in time, FIELD_INVALID where the
        caller has ended without one.
        """
        try:
            async with asyncio.timeout(self.room.read_seconds):
                request = await anext(requests)
        except TimeoutError:
            seconds = f"{self.room.read_seconds:g}"
            raise Refusal(Reason.REQUEST_TOO_SLOW, withinSeconds=seconds) from None
        except StopAsyncIteration:
            raise Refusal(Reason.FIELD_INVALID, field="request", rule="PROTOBUF") from None
        place.is_waiting = False
        return request

    def _make_room(self, network: str) -> None:
        counts = Counter(place.network for place in self._places)
        if counts[network] >= self.room.most_of_one:
            self._drop_one_of(network)
        elif len(self._places) >= self.room.most:
            self._drop_one_of(counts.most_common(1)[0][0])

    def _drop_one_of(self, network: str) -> None:
        waiting = (place for place in self._places if place.is_waiting and place.network == network)
        longest = next(waiting, None)
        if longest is None:
            raise Refusal(Reason.OVERLOADED)
        longest.is_waiting = False
        self.live.end(lambda call: call is longest.call, Refusal(Reason.OVERLOADED))


def network_of(peer: str) -> str:
    """Return the network of an address as gRPC writes it; what is no address is one network.

    >>> network_of("ipv4:192.0.2.7:50412"), network_of("ipv6:%5B2001:db8::7%5D:50412")
    ('192.0.2.7/32', '2001:db8::/64')
    >>> network_of("unix:")
    ''
    """
    _, _, rest = peer.partition(":")
    host = rest.rpartition(":")[0].removeprefix("%5B").removesuffix("%5D").strip("[]")
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return ""
    bits = _NETWORK_BITS[address.version]
    return str(ipaddress.ip_network((address, bits), strict=False))
