"""Whether a peer without a certificate that counts is cut off: nobody else looks at it so early."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from juki_center.areas.fleet.disconnections import (
    Disconnections,
    Standing,
    refusal_of,
    subjects_of,
)

if TYPE_CHECKING:
    from juki_center.areas.fleet.peers import Peer
    from juki_center.areas.residents.municipalities import Municipalities
    from juki_center.errors import Refusal


class ConnectedTx(Protocol):
    """What the question needs of a transaction."""

    @property
    def disconnections(self) -> Disconnections: ...


def cut_off(
    tx: ConnectedTx, peer: Peer, method: str, municipalities: Municipalities
) -> Refusal | None:
    """Return why a peer is not served by a method, None where it is not cut off.

    A certificate would be of no use to whoever is cut off; what would have led to it, a token or an
    approval, is kept for later.
    """
    office = peer.municipality
    is_known = office is not None and office in municipalities
    register = municipalities.register_of(office) if office and is_known else office
    found = tx.disconnections.first_of(
        subjects_of(Standing(method, peer.role, peer.uri, office, register))
    )
    return None if found is None else refusal_of(found)
