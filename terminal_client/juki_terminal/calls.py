"""Commands as methods of the center's services; each area has a table of its own.

How a change is made once is in `juki_client.changes`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from google.protobuf.message import Message

if TYPE_CHECKING:
    from collections.abc import Callable

    from juki_terminal.channel import Center


class Service(StrEnum):
    """A service of the center, by the name of its stub at `Center`."""

    RESIDENTS = "residents"
    CARDS = "cards"
    APPLICATIONS = "applications"
    MOVES = "moves"


@dataclass(frozen=True, slots=True)
class Call:
    """A command of the terminal: its request, the method of a service, whether it changes."""

    service: Service
    request: type[Message]
    method: str
    changes: bool = True

    def of(self, center: Center) -> Callable[..., Message]:
        """Return the method at the center's stub."""
        method: Callable[..., Message] = getattr(getattr(center, self.service), self.method)
        return method
