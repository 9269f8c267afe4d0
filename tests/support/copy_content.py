"""Makes signed copies for tests: the encoder that the terminal itself does not have."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import cbor2
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.x509.oid import NameOID

# Deterministic signatures, so that signed copies are the same in every run.
RFC6979 = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)
ISSUED_AT = 1_795_395_723  # 2026-11-23 10:02:03 JST


@dataclass(frozen=True, slots=True)
class CopySigner:
    """A copy signer of the tests: key, certificate and key id."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def pem(self) -> bytes:
        """Return the certificate as copy-signers.pem holds it."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def key_id(self) -> bytes:
        """Return SHA-256 of the certificate, its first 16 bytes."""
        der = self.certificate.public_bytes(serialization.Encoding.DER)
        return hashlib.sha256(der).digest()[:16]

    def sign(self, octets: bytes) -> bytes:
        """Return the ES256 signature, r and s of 32 bytes each."""
        r, s = utils.decode_dss_signature(self.key.sign(octets, RFC6979))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def make_signer(
    *,
    scalar: int = 0x1D0C,
    since: datetime = datetime(2026, 1, 1, tzinfo=UTC),
    days: int = 730,
    curve: ec.EllipticCurve | None = None,
) -> CopySigner:
    """Return a signer with a fixed key and a self-signed certificate."""
    key = ec.derive_private_key(scalar, curve or ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Copy signer of the tests")])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(scalar)
        .not_valid_before(since)
        .not_valid_after(since + timedelta(days=days))
    )
    certificate = builder.sign(key, hashes.SHA256(), ecdsa_deterministic=True)
    return CopySigner(key, certificate)


def person(**changes: str | None) -> dict[str, str]:
    """Return one person's entry; a change to None takes the key away."""
    entry: dict[str, str | None] = {
        "name": "\U00020bb7田　太郎",
        "kana": "ヨシダ　タロウ",
        "birth": "昭和45年3月2日",
        "sex": "男",
        "addr": "埼玉県所沢市並木一丁目1番地の1",
        "since": "平成12年4月1日",
        "addrs": "平成15年6月10日",
        "notif": "平成15年6月12日",
        "prev": "埼玉県川越市元町一丁目3番地1",
    }
    entry.update(changes)
    return {key: value for key, value in entry.items() if value is not None}


def document(**changes: Any) -> dict[str, Any]:
    """Return a whole `doc`; a change to None takes the key away."""
    doc: dict[str, Any] = {
        "v": 1,
        "no": "131016-20261123-000042-7K3Q",
        "at": ISSUED_AT,
        "iss": "131016",
        "issn": "東京都千代田区",
        "res": "112089",
        "resn": "埼玉県所沢市",
        "req": bytes(range(16)),
        "by": "card",
        "ev": bytes(range(32)),
        "scope": "self",
        "items": [],
        "per": [person()],
    }
    doc.update(changes)
    return {key: value for key, value in doc.items() if value is not None}


def encode(value: object) -> bytes:
    """Return the deterministic CBOR."""
    return cbor2.dumps(value, canonical=True)


def payload_of(doc: object) -> bytes:
    """Return the payload: doc and its digest."""
    return encode({"doc": doc, "sha": hashlib.sha256(encode(doc)).digest()})


def seal(payload: bytes, signer: CopySigner, *, protected: bytes | None = None) -> bytes:
    """Return the COSE_Sign1 of a payload, built by hand (RFC 9052, 4.4)."""
    header = protected
    if header is None:
        header = encode({1: -7, 3: "application/juki-copy+cbor", 4: signer.key_id})
    signature = signer.sign(encode(["Signature1", header, b"", payload]))
    return encode(cbor2.CBORTag(18, [header, {}, payload, signature]))


def signed_copy(signer: CopySigner, **changes: Any) -> bytes:
    """Return the signed content of a document with changes."""
    return seal(payload_of(document(**changes)), signer)
