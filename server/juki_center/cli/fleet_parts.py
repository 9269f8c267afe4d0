"""What a serving center keeps of its fleet: the calls under way, who is shut out, who is told.

The parts are in `rpc`; here they meet, so that everything that shuts peers out or tells them of
it stands on the same calls and the same bell.
"""

from __future__ import annotations

from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from juki_center.cli import shipped
from juki_center.rpc.certificate_gate import CertificateGate
from juki_center.rpc.control_bell import ControlBell, RingingStore
from juki_center.rpc.disconnect_gate import DisconnectGate
from juki_center.rpc.live_calls import LiveCalls
from juki_center.rpc.revocation_gate import RevocationGate

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from datetime import datetime

    from juki_center.rpc.gates import Gate


class FleetStore(RingingStore, Protocol):
    """A store that forgets keys when it is told."""

    def forget_closed_keys(self) -> None:
        """Let the keys of municipalities that are disconnected leave the memory."""


@dataclass(frozen=True, slots=True)
class Fleet:
    """The calls under way, the bell of control events, and the gates that shut peers out."""

    live: LiveCalls
    bell: ControlBell
    revocations: RevocationGate
    disconnections: DisconnectGate
    certificates: CertificateGate

    @classmethod
    def of(cls, store: FleetStore, clock: Callable[[], datetime]) -> Fleet:
        """Load who is shut out. The bell is older than what is loaded, so that nothing is lost."""
        live, bell = LiveCalls(), ControlBell(store)
        municipalities = shipped.municipalities()
        cut_off = DisconnectGate(store, municipalities, live, store.forget_closed_keys)
        revocations = RevocationGate(store, live)
        return cls(live, bell, revocations, cut_off, CertificateGate(store, clock, live))

    @property
    def gates(self) -> tuple[Gate, ...]:
        """What stands in the way of every call."""
        return (self.revocations, self.disconnections, self.certificates)

    def judged(self) -> int:
        """Return the newest control event that the gates have taken in."""
        return self.bell.cursor

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Act on control events until the block ends."""
        with ExitStack() as subscribed:
            for gate in (self.revocations, self.disconnections, self.certificates):
                subscribed.enter_context(self.bell.subscribed(gate.tell))
            async with self.bell.watching(), self.certificates.watching():
                yield
