"""Calls that name no request and are the same however often they come: their first leaves again.

What such a call is about is its name: the certificate that is confirmed, the recovery that is asked
for. Under that name the first one keeps an empty answer, beside which the store keeps where its
leaves are; a repeated one finds it, and so has the first one's receipt.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from juki_center.areas.requests.answers import Answers, Request

_LABEL: Final = b"juki-net repeated call v1\0"
_UUID_OCTETS: Final = 16


@dataclass(frozen=True, slots=True)
class Repeatable:
    """A call of a peer: which act it leads to, and about what."""

    caller_uri: str
    act: str
    about: bytes

    def note_first(self, answers: Answers, now: datetime) -> None:
        """Keep that this act is done; it is done once only."""
        answers.put(self._request(), b"", resource=self.about.hex(), sealed_for=None, now=now)

    def note_again(self, answers: Answers) -> None:
        """Have the leaves of the first one given again, where it was noted."""
        answers.find(self._request())

    def _request(self) -> Request:
        name = self.act.encode("ascii") + b"\0" + self.about
        digest = hashlib.sha256(_LABEL + name).digest()[:_UUID_OCTETS]
        return Request(self.caller_uri, UUID(bytes=digest, version=4), name)
