"""A line to a center that follows its client's identity: a renewed certificate is taken up by it.

Whoever renews, this program or another one, leaves the new certificate in the slot. Before a call,
and where a stream was ended because its certificate was replaced, the line looks there.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, cast

# Before gRPC: the channel settles its environment.
from juki_client import channel
from juki_client.outcome import Problem
from juki_client.rotating_channel import RotatingChannel

if TYPE_CHECKING:
    import grpc

    from juki_client.identity import ClientIdentity
    from juki_client.identity_slot import IdentitySlot


class FollowingLine:
    """The line; stubs are made over its `channel` once."""

    def __init__(
        self,
        address: str,
        identity: ClientIdentity,
        center_leaves_pem: bytes,
        slot: IdentitySlot | None = None,
    ) -> None:
        """Without a slot the identity stays what it is."""
        self._address, self._leaves, self._slot = address, center_leaves_pem, slot
        self._turn = threading.Lock()
        opened = channel.pinned(address, identity, center_leaves_pem)
        self._rotating = RotatingChannel(opened, identity)

    @property
    def channel(self) -> grpc.Channel:
        """The channel, on which calls begin over the connection of now."""
        return cast("grpc.Channel", self._rotating)

    def take_up(self) -> bool:
        """Go over to a newer certificate, where there is one; say whether there was.

        Calls under way end on the connection that they began on. Where the new one cannot be used
        yet, the old one stays: it counts for a while, and the next call looks again.
        """
        if self._slot is None:
            return False
        try:
            with self._turn:
                found = self._slot.load()
                if found.certificate_hash == self._rotating.facts.certificate_hash:
                    return False
                newer = channel.pinned(self._address, found, self._leaves)
                self._rotating.exchange(newer, found)
        except Problem:
            return False
        return True

    def close(self) -> None:
        """Close the line; calls under way end as cancelled."""
        self._rotating.close()
