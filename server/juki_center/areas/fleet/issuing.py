"""What the acts of enrolment are given: a checked request, and somebody who signs for it.

Making an X.509 certificate is no matter of the areas; the edge brings it, and the act says when.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeAlias

from juki_center.areas.fleet.certificates import CertificateState, PeerCertificate, Source
from juki_center.areas.fleet.peers import Peer
from juki_center.areas.residents.municipalities import Municipalities


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate that was just signed."""

    fingerprint: bytes
    serial: str
    not_before: datetime
    not_after: datetime
    content: bytes = field(repr=False)

    def row(
        self,
        peer: Peer,
        key_sha256: bytes,
        now: datetime,
        *,
        source: Source,
        state: CertificateState = CertificateState.CURRENT,
        replaces: bytes | None = None,
    ) -> PeerCertificate:
        """Return it as a row of the table."""
        return PeerCertificate(
            fingerprint=self.fingerprint,
            uri=peer.uri,
            serial=self.serial,
            not_before=self.not_before,
            not_after=self.not_after,
            key_sha256=key_sha256,
            state=state,
            source=source,
            entered_at=now,
            replaces=replaces,
            content=self.content,
        )


Sign: TypeAlias = "Callable[[Peer, datetime], Issued]"
"""Signs the request of the call for a peer; raises Refusal(ISSUING_NOT_CONFIGURED)."""


@dataclass(frozen=True, slots=True)
class FleetPolicy:
    """What the configuration settles for peers' certificates."""

    municipalities: Municipalities
    overlap: timedelta = timedelta(minutes=10)
    grace: timedelta = timedelta(days=90)
