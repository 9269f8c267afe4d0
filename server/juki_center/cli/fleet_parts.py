"""What a serving center keeps of its fleet: the calls under way, who is shut out, who is told.

The parts are in `rpc`; here they meet, so that everything that shuts peers out or tells them of
it stands on the same calls and the same bell.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from juki_center.rpc.control_bell import ControlBell
from juki_center.rpc.live_calls import LiveCalls
from juki_center.rpc.revocation_gate import RevocationGate

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from juki_center.rpc.control_bell import RingingStore
    from juki_center.rpc.interceptor import Gate


@dataclass(frozen=True, slots=True)
class Fleet:
    """The calls under way, the bell of control events, and the gate of the revoked."""

    live: LiveCalls
    bell: ControlBell
    revocations: RevocationGate

    @classmethod
    def of(cls, store: RingingStore) -> Fleet:
        """Load what was revoked. The bell is older than what is loaded, so that nothing is lost."""
        live, bell = LiveCalls(), ControlBell(store)
        return cls(live, bell, RevocationGate(store, live))

    @property
    def gates(self) -> tuple[Gate, ...]:
        """What stands in the way of every call."""
        return (self.revocations,)

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Act on control events until the block ends."""
        with self.bell.subscribed(self.revocations.tell):
            async with self.bell.watching():
                yield
