"""One-time tokens: an operator lets one peer come by its first certificate, once.

The center keeps a token's digest and what it is for, never the token. A peer that has enrolled by
it may ask for the same certificate again with the same key while the token is valid, because the
first answer may have been lost on the way.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Protocol

from juki_center.areas.audit.events import AuditEvent, AuditLog, Event
from juki_center.areas.fleet.peers import Peer, require_office
from juki_center.areas.residents.municipalities import Municipalities
from juki_center.errors import RuleBroken

TOKEN_OCTETS: Final = 16
MOST_HOURS: Final = 24 * 31
_LABEL: Final = b"juki-net enrolment token v1\0"
_ID_OCTETS: Final = 4


class TokenState(StrEnum):
    """What became of a token; that its time is over, the clock says."""

    OPEN = "OPEN"
    USED = "USED"
    REVOKED = "REVOKED"


@dataclass(frozen=True, slots=True)
class EnrolmentToken:
    """A token as the center keeps it. `key_sha256` and `fingerprint` are those that it led to."""

    token_id: str
    digest: bytes = field(repr=False)
    peer: Peer
    made_at: datetime
    made_by: str
    expires_at: datetime
    state: TokenState = TokenState.OPEN
    used_at: datetime | None = None
    key_sha256: bytes | None = None
    fingerprint: bytes | None = None


class EnrolmentTokens(Protocol):
    """What the store keeps of tokens."""

    def add(self, token: EnrolmentToken) -> None:
        """Keep a new token."""

    def find(self, token_id: str) -> EnrolmentToken | None:
        """Return the token with an id."""

    def by_digest(self, digest: bytes) -> EnrolmentToken | None:
        """Return the token with a digest."""

    def everything(self) -> list[EnrolmentToken]:
        """Return all tokens, the newest first."""

    def change(self, token: EnrolmentToken) -> None:
        """Write state and use of a token that is there."""


class Chance(Protocol):
    """Where an act takes its randomness from."""

    def octets(self, count: int) -> bytes:
        """Return so many random bytes."""


class TokensTx(Protocol):
    """What tokens need of a transaction."""

    @property
    def audit(self) -> AuditLog: ...

    @property
    def chance(self) -> Chance: ...

    @property
    def enrolment_tokens(self) -> EnrolmentTokens: ...


@dataclass(frozen=True, slots=True)
class MakeToken:
    """Command: let a peer enrol within so many hours."""

    caller_uri: str
    peer: Peer
    hours: int


@dataclass(frozen=True, slots=True)
class MadeToken:
    """A new token: its octets, which nobody keeps, and its row."""

    octets: bytes = field(repr=False)
    row: EnrolmentToken


def token_digest(octets: bytes) -> bytes:
    """Return what is kept of a token: SHA-256 over a label and its 16 octets."""
    return hashlib.sha256(_LABEL + octets).digest()


def make_token(
    tx: TokensTx, command: MakeToken, now: datetime, municipalities: Municipalities
) -> MadeToken:
    """Make a token.

    Raises RuleBroken: MUNICIPALITY_UNKNOWN, MUNICIPALITY_NOT_VALID, HOURS for a time that no token
    may be valid for.
    """
    require_office(command.peer, municipalities, now)
    if not 1 <= command.hours <= MOST_HOURS:
        raise RuleBroken("HOURS")
    octets = tx.chance.octets(TOKEN_OCTETS)
    row = EnrolmentToken(
        token_id=tx.chance.octets(_ID_OCTETS).hex(),
        digest=token_digest(octets),
        peer=command.peer,
        made_at=now,
        made_by=command.caller_uri,
        expires_at=now + timedelta(hours=command.hours),
    )
    tx.enrolment_tokens.add(row)
    _log(tx, Event.ENROLMENT_TOKEN_MADE, row, command.caller_uri, now)
    return MadeToken(octets, row)


def revoke_token(tx: TokensTx, token_id: str, caller_uri: str, now: datetime) -> EnrolmentToken:
    """Take a token back that nobody has used. Raises RuleBroken: TOKEN_UNKNOWN, TOKEN_NOT_OPEN."""
    row = tx.enrolment_tokens.find(token_id)
    if row is None:
        raise RuleBroken("TOKEN_UNKNOWN")
    if row.state is not TokenState.OPEN:
        raise RuleBroken("TOKEN_NOT_OPEN")
    revoked = replace(row, state=TokenState.REVOKED)
    tx.enrolment_tokens.change(revoked)
    _log(tx, Event.ENROLMENT_TOKEN_REVOKED, revoked, caller_uri, now)
    return revoked


def _log(tx: TokensTx, event: Event, row: EnrolmentToken, caller_uri: str, now: datetime) -> None:
    details = (("peer", row.peer.uri), ("until", row.expires_at.isoformat()))
    tx.audit.append(
        AuditEvent(
            event,
            now,
            caller_uri,
            issuing=row.peer.municipality,
            resource=row.token_id,
            details=details,
        )
    )
