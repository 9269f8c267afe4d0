"""Who calls, as the areas know callers: made from the identity in the client's certificate.

Which roles a method admits stands in the descriptor; here a peer only becomes a record.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from juki_center.areas.callers import Agency, Desk, Operator, Terminal
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.errors import Reason, Refusal
from juki_pki.identity import Role

if TYPE_CHECKING:
    from juki_center.areas.callers import Caller
    from juki_pki.identity import PeerIdentity


def terminal(identity: PeerIdentity) -> Terminal:
    """Return the calling terminal; raise ROLE_NOT_ALLOWED for anybody else."""
    if identity.role is not Role.TERMINAL or identity.municipality is None:
        raise Refusal(Reason.ROLE_NOT_ALLOWED)
    return Terminal(identity.uri, MunicipalityCode(identity.municipality))


def terminal_or_operator(identity: PeerIdentity) -> Caller:
    """Return the calling terminal or operator; raise ROLE_NOT_ALLOWED for anybody else."""
    return Operator(identity.uri) if identity.role is Role.OPERATOR else terminal(identity)


def taker_of_reports(identity: PeerIdentity) -> Terminal | Desk | Operator:
    """Return who takes a report of a lost card; raise ROLE_NOT_ALLOWED for anybody else."""
    if identity.role is Role.DESK and identity.municipality is not None:
        return Desk(identity.uri, MunicipalityCode(identity.municipality))
    return Operator(identity.uri) if identity.role is Role.OPERATOR else terminal(identity)


def operator(identity: PeerIdentity) -> Operator:
    """Return the calling operator; raise ROLE_NOT_ALLOWED for anybody else."""
    if identity.role is not Role.OPERATOR:
        raise Refusal(Reason.ROLE_NOT_ALLOWED)
    return Operator(identity.uri)


# Agencies ask much and are few; who is refused is not kept.
@lru_cache(maxsize=1024)
def agency(identity: PeerIdentity) -> Agency:
    """Return the calling agency; raise ROLE_NOT_ALLOWED for anybody else."""
    if identity.role is not Role.AGENCY:
        raise Refusal(Reason.ROLE_NOT_ALLOWED)
    return Agency(identity.uri, identity.name)
