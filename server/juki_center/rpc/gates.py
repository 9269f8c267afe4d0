"""What may stand in the way of a call: what each gate is asked, whatever the methods do.

What the gates look for is in modules of their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from juki_center.areas import calls
    from juki_center.rpc.options import AccessRule
    from juki_center.rpc.peers import Caller


class Gate(Protocol):
    """One thing that may stand in a call's way, whatever the method does."""

    def admit(self, call: calls.Call, caller: Caller, rule: AccessRule) -> None:
        """Raise Refusal, or add to the call the guards that its acts must pass.

        What is refused here is refused early; what an act depends on, its guards look at again,
        in its own transaction.
        """


@runtime_checkable
class RequestGate(Protocol):
    """A gate that also looks at what is asked, once for each message that the caller sends."""

    def take(self, call: calls.Call, rule: AccessRule, request: Message) -> None:
        """Raise Refusal, add guards, or write into the request what the caller must not say."""


@runtime_checkable
class LastingGate(Protocol):
    """A gate that is also told when a call ends that it has admitted."""

    def leave(self, call: calls.Call) -> None:
        """Let go of the call; one that another gate refused after this one is let go of too."""
