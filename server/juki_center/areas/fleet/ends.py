"""Which peers' certificates end soon, and the earliest end in each group of peers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from juki_center.areas.fleet.certificates import CertificatesTx

SOON: Final = timedelta(days=60)
"""A peer renews with a third of a year left; one with less than this has not managed to."""


@dataclass(frozen=True, slots=True)
class PeerEnds:
    """How the certificates of all peers stand; `late` are the URIs whose end is near or past."""

    peers: int
    late: tuple[str, ...]
    earliest: dict[str, datetime]
    """The earliest end in each group: a municipality, the agencies, the operators."""


def ends_of_peers(tx: CertificatesTx, now: datetime) -> PeerEnds:
    """Look at every peer's current certificate."""
    ends = tx.peer_certificates.ends()
    late = tuple(uri for uri, end in ends if end - now < SOON)
    return PeerEnds(len(ends), late, _earliest(ends))


def _earliest(ends: Iterable[tuple[str, datetime]]) -> dict[str, datetime]:
    found: dict[str, datetime] = {}
    for uri, end in ends:
        found.setdefault(_group(uri), end)
    return found


def _group(uri: str) -> str:
    """Name a municipality or a role, so that a gauge has no label for each of its peers."""
    parts = uri.removeprefix("juki://").split("/")
    return "/".join(parts[:2]) if parts[0] == "municipality" else parts[0]
