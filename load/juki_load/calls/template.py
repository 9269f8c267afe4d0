"""Messages that are encoded once; only the octets that vary are put in for each call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from google.protobuf.message import Message


@dataclass(frozen=True, slots=True)
class Template:
    """The parts of an encoded message between the places that vary."""

    parts: tuple[bytes, ...]
    sizes: tuple[int, ...]

    @classmethod
    def of(cls, message: Message, *places: bytes) -> Template:
        """Return the template of a message in which each place stands once, in this order.

        Raises ValueError where one does not.
        """
        rest, parts = message.SerializeToString(deterministic=True), []
        for place in places:
            before, found, rest = rest.partition(place)
            if not found or place in rest:
                raise ValueError("a place does not stand in the message once")
            parts.append(before)
        return cls((*parts, rest), tuple(len(place) for place in places))

    def filled(self, *values: bytes) -> bytes:
        """Return the message with the values, each as long as its place; raise ValueError."""
        if tuple(map(len, values)) != self.sizes:
            raise ValueError("a value does not fit its place")
        octets = [self.parts[0]]
        for value, part in zip(values, self.parts[1:], strict=True):
            octets += (value, part)
        return b"".join(octets)
