"""Enrolment tokens and the certificates of peers in the database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from juki_center.areas.fleet.certificates import (
    CertificateState,
    PeerCertificate,
    Source,
    Standing,
)
from juki_center.areas.fleet.peers import Peer
from juki_center.areas.fleet.tokens import EnrolmentToken, TokenState
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.storage.sql import (
    SQL,
    Row,
    Value,
    as_number,
    as_octets,
    as_text,
    from_micros,
    to_micros,
)

if TYPE_CHECKING:
    from datetime import datetime

_TOKENS = (
    "SELECT id, digest, uri, role, municipality, made_at, made_by, expires_at, state, used_at,"
    " key_digest, fingerprint FROM enrolment_tokens"
)
_CERTIFICATES = (
    "SELECT fingerprint, uri, serial, not_before, not_after, key_digest, state, source, entered_at,"
    " refused_from, replaces, content FROM peer_certificates"
)


class EnrolmentTokensTable:
    """Tokens, for one transaction."""

    def __init__(self, sql: SQL) -> None:
        self._sql = sql

    def add(self, token: EnrolmentToken) -> None:
        """Keep a new token."""
        self._sql.execute(
            "INSERT INTO enrolment_tokens (id, digest, uri, role, municipality, made_at, made_by,"
            " expires_at, state) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                token.token_id,
                token.digest,
                *peer_columns(token.peer),
                to_micros(token.made_at),
                token.made_by,
                to_micros(token.expires_at),
                token.state.value,
            ),
        )

    def find(self, token_id: str) -> EnrolmentToken | None:
        """Return the token with an id."""
        row = self._sql.execute(f"{_TOKENS} WHERE id = ?", (token_id,)).fetchone()
        return None if row is None else _token(row)

    def by_digest(self, digest: bytes) -> EnrolmentToken | None:
        """Return the token with a digest."""
        row = self._sql.execute(f"{_TOKENS} WHERE digest = ?", (digest,)).fetchone()
        return None if row is None else _token(row)

    def everything(self) -> list[EnrolmentToken]:
        """Return all tokens, the newest first."""
        rows = self._sql.execute(f"{_TOKENS} ORDER BY made_at DESC, id").fetchall()
        return [_token(row) for row in rows]

    def change(self, token: EnrolmentToken) -> None:
        """Write state and use of a token that is there."""
        self._sql.execute(
            "UPDATE enrolment_tokens SET state = ?, used_at = ?, key_digest = ?, fingerprint = ?"
            " WHERE id = ?",
            (
                token.state.value,
                moment(token.used_at),
                token.key_sha256,
                token.fingerprint,
                token.token_id,
            ),
        )


class PeerCertificatesTable:
    """Certificates, for one transaction."""

    def __init__(self, sql: SQL) -> None:
        self._sql = sql

    def find(self, fingerprint: bytes) -> PeerCertificate | None:
        """Return a certificate by the SHA-256 of its DER."""
        row = self._sql.execute(f"{_CERTIFICATES} WHERE fingerprint = ?", (fingerprint,)).fetchone()
        return None if row is None else _certificate(row)

    def standing(self, fingerprint: bytes) -> Standing | None:
        """Return where a certificate stands; None for one that is not in the table."""
        row = self._sql.execute(
            "SELECT state, refused_from FROM peer_certificates WHERE fingerprint = ?",
            (fingerprint,),
        ).fetchone()
        if row is None:
            return None
        return Standing(CertificateState(as_text(row[0])), from_moment(row[1]))

    def of_peer(self, uri: str) -> list[PeerCertificate]:
        """Return all certificates of a peer, the newest first."""
        rows = self._sql.execute(
            f"{_CERTIFICATES} WHERE uri = ? ORDER BY entered_at DESC", (uri,)
        ).fetchall()
        return [_certificate(row) for row in rows]

    def everything(self) -> list[PeerCertificate]:
        """Return all certificates by URI, the newest of each first."""
        rows = self._sql.execute(f"{_CERTIFICATES} ORDER BY uri, entered_at DESC").fetchall()
        return [_certificate(row) for row in rows]

    def ends(self) -> list[tuple[str, datetime]]:
        """Return URI and last moment of each current certificate, the earliest first."""
        rows = self._sql.execute(
            "SELECT uri, not_after FROM peer_certificates WHERE state = ? ORDER BY not_after, uri",
            (CertificateState.CURRENT.value,),
        ).fetchall()
        return [(as_text(uri), from_micros(as_number(ends))) for uri, ends in rows]

    def has_key(self, key_sha256: bytes) -> bool:
        """Tell whether any certificate has this key."""
        row = self._sql.execute(
            "SELECT 1 FROM peer_certificates WHERE key_digest = ? LIMIT 1", (key_sha256,)
        ).fetchone()
        return row is not None

    def add(self, certificate: PeerCertificate) -> None:
        """Enter a certificate that is not there."""
        self._sql.execute(
            "INSERT INTO peer_certificates (fingerprint, uri, serial, not_before, not_after,"
            " key_digest, state, source, entered_at, refused_from, replaces, content)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                certificate.fingerprint,
                certificate.uri,
                certificate.serial,
                to_micros(certificate.not_before),
                to_micros(certificate.not_after),
                certificate.key_sha256,
                certificate.state.value,
                certificate.source.value,
                to_micros(certificate.entered_at),
                moment(certificate.refused_from),
                certificate.replaces,
                certificate.content,
            ),
        )

    def change(
        self, fingerprint: bytes, state: CertificateState, refused_from: datetime | None = None
    ) -> None:
        """Write a certificate's state, and from when on it is refused."""
        self._sql.execute(
            "UPDATE peer_certificates SET state = ?, refused_from = ? WHERE fingerprint = ?",
            (state.value, moment(refused_from), fingerprint),
        )


def peer_columns(peer: Peer) -> tuple[str, str, str | None]:
    """Return a peer as three columns."""
    return peer.uri, peer.role, str(peer.municipality) if peer.municipality else None


def peer_of(columns: Row) -> Peer:
    """Return the peer in three columns."""
    uri, role, municipality = columns
    where = MunicipalityCode(as_text(municipality)) if municipality is not None else None
    return Peer(as_text(uri), as_text(role), where)


def moment(at: datetime | None) -> int | None:
    """Return a time that may be absent as a column."""
    return None if at is None else to_micros(at)


def from_moment(value: Value) -> datetime | None:
    """Return a column with a time that may be absent."""
    return None if value is None else from_micros(as_number(value))


def octets_or_none(value: Value) -> bytes | None:
    """Return a column with bytes that may be absent."""
    return None if value is None else as_octets(value)


def _token(row: Row) -> EnrolmentToken:
    return EnrolmentToken(
        token_id=as_text(row[0]),
        digest=as_octets(row[1]),
        peer=peer_of(row[2:5]),
        made_at=from_micros(as_number(row[5])),
        made_by=as_text(row[6]),
        expires_at=from_micros(as_number(row[7])),
        state=TokenState(as_text(row[8])),
        used_at=from_moment(row[9]),
        key_sha256=octets_or_none(row[10]),
        fingerprint=octets_or_none(row[11]),
    )


def _certificate(row: Row) -> PeerCertificate:
    return PeerCertificate(
        fingerprint=as_octets(row[0]),
        uri=as_text(row[1]),
        serial=as_text(row[2]),
        not_before=from_micros(as_number(row[3])),
        not_after=from_micros(as_number(row[4])),
        key_sha256=as_octets(row[5]),
        state=CertificateState(as_text(row[6])),
        source=Source(as_text(row[7])),
        entered_at=from_micros(as_number(row[8])),
        refused_from=from_moment(row[9]),
        replaces=octets_or_none(row[10]),
        content=as_octets(row[11]),
    )
