"""The certificates of peers: which one counts, which waits to be confirmed, which was replaced.

A peer has one current certificate. A renewal adds a pending one; the peer proves that it has stored
it by calling over it, and only then it becomes current and the one before is retired, which is
refused after a short overlap. That a certificate has expired is no state: its last moment says so.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from juki_center.areas.fleet.control import Control, ControlEvent, ControlKind
from juki_center.errors import Reason, Refusal


class CertificateState(StrEnum):
    """Where a certificate stands between its issue and its end."""

    PENDING = "PENDING"
    CURRENT = "CURRENT"
    RETIRED = "RETIRED"
    EXPIRED = "EXPIRED"


class Source(StrEnum):
    """How a certificate came into the table."""

    ENROLLED = "ENROLLED"
    RENEWED = "RENEWED"
    RECOVERED = "RECOVERED"
    KNOWN = "KNOWN"
    """Made with the PKI folder, and entered when it was used first."""


@dataclass(frozen=True, slots=True)
class Presented:
    """A certificate that a caller has shown in its handshake."""

    uri: str
    fingerprint: bytes
    serial: str
    not_before: datetime
    not_after: datetime
    key_sha256: bytes


@dataclass(frozen=True, slots=True)
class PeerCertificate:
    """A certificate of the table; `content` is its DER, empty for one that is only known."""

    fingerprint: bytes
    uri: str
    serial: str
    not_before: datetime
    not_after: datetime
    key_sha256: bytes
    state: CertificateState
    source: Source
    entered_at: datetime
    refused_from: datetime | None = None
    replaces: bytes | None = None
    content: bytes = field(default=b"", repr=False)

    def state_at(self, now: datetime) -> CertificateState:
        """Return the state at a time; one that has ended is EXPIRED unless it was retired."""
        is_over = now > self.not_after and self.state is not CertificateState.RETIRED
        return CertificateState.EXPIRED if is_over else self.state


@dataclass(frozen=True, slots=True)
class Standing:
    """What a gate needs to know of a certificate."""

    state: CertificateState
    refused_from: datetime | None = None

    def check(self, now: datetime, *, confirms: bool) -> None:
        """Raise Refusal unless the certificate may be used for a call.

        CERTIFICATE_RETIRED once the overlap after its replacement is over; and
        CERTIFICATE_NOT_CONFIRMED for a pending one, unless the call confirms it.
        """
        if self.state is CertificateState.PENDING and not confirms:
            raise Refusal(Reason.CERTIFICATE_NOT_CONFIRMED)
        if self.refused_from is not None and now >= self.refused_from:
            raise Refusal(Reason.CERTIFICATE_RETIRED, refusedFrom=self.refused_from.isoformat())


class PeerCertificates(Protocol):
    """What the store keeps of peers' certificates."""

    def find(self, fingerprint: bytes) -> PeerCertificate | None:
        """Return a certificate by the SHA-256 of its DER."""

    def standing(self, fingerprint: bytes) -> Standing | None:
        """Return where a certificate stands; None for one that is not in the table."""

    def of_peer(self, uri: str) -> list[PeerCertificate]:
        """Return all certificates of a peer, the newest first."""

    def everything(self) -> list[PeerCertificate]:
        """Return all certificates by URI, the newest of each first."""

    def ends(self) -> list[tuple[str, datetime]]:
        """Return URI and last moment of each current certificate, the earliest first."""

    def has_key(self, key_sha256: bytes) -> bool:
        """Tell whether any certificate has this key."""

    def add(self, certificate: PeerCertificate) -> None:
        """Enter a certificate that is not there."""

    def change(
        self, fingerprint: bytes, state: CertificateState, refused_from: datetime | None = None
    ) -> None:
        """Write a certificate's state, and from when on it is refused."""


class CertificatesTx(Protocol):
    """What the acts below need of a transaction."""

    @property
    def control(self) -> Control: ...

    @property
    def peer_certificates(self) -> PeerCertificates: ...


def enter_known(tx: CertificatesTx, shown: Presented, now: datetime) -> PeerCertificate:
    """Act: return the row of a certificate that was shown, entering it where there is none.

    One that was made with the PKI folder is current, unless this peer was issued a newer one since:
    then it is a copy of what was replaced, and is refused.
    """
    found = tx.peer_certificates.find(shown.fingerprint)
    if found is not None:
        return found
    is_replaced = any(
        one.source is not Source.KNOWN
        and one.state is not CertificateState.PENDING
        and one.not_before > shown.not_before
        for one in tx.peer_certificates.of_peer(shown.uri)
    )
    row = PeerCertificate(
        fingerprint=shown.fingerprint,
        uri=shown.uri,
        serial=shown.serial,
        not_before=shown.not_before,
        not_after=shown.not_after,
        key_sha256=shown.key_sha256,
        state=CertificateState.RETIRED if is_replaced else CertificateState.CURRENT,
        source=Source.KNOWN,
        entered_at=now,
        refused_from=now if is_replaced else None,
    )
    tx.peer_certificates.add(row)
    if is_replaced:
        _tell_retired(tx, row.fingerprint, now, now)
    return row


def retire_others(
    tx: CertificatesTx, kept: PeerCertificate, refused_from: datetime, now: datetime
) -> datetime | None:
    """Retire every other certificate of a peer; return from when on its current one is refused.

    One that was pending is refused with it: nobody has proved to have it. Every serving process is
    told, so that what still runs on a retired certificate ends when it is refused.
    """
    replaced: datetime | None = None
    for one in tx.peer_certificates.of_peer(kept.uri):
        if one.fingerprint == kept.fingerprint or one.state is CertificateState.RETIRED:
            continue
        tx.peer_certificates.change(one.fingerprint, CertificateState.RETIRED, refused_from)
        _tell_retired(tx, one.fingerprint, refused_from, now)
        if one.state is CertificateState.CURRENT:
            replaced = refused_from
    return replaced


def _tell_retired(
    tx: CertificatesTx, fingerprint: bytes, refused_from: datetime, now: datetime
) -> None:
    moment = refused_from.isoformat().encode("ascii")
    tx.control.append(ControlKind.CERTIFICATE_RETIRED, fingerprint.hex(), now, moment)


def retired_in(event: ControlEvent) -> tuple[bytes, datetime]:
    """Return which certificate an event of its kind retires, and from when on it is refused."""
    moment = datetime.fromisoformat(event.content.decode("ascii"))
    return bytes.fromhex(event.subject), moment
