"""The signature on a copy's content: COSE_Sign1 with ES256 (RFC 9052, RFC 9053).

The protected header names the algorithm, the content type and the signer's key id, which is the
first half of the SHA-256 of its certificate. What is signed stands in `content`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import cbor2
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cwt import COSE, COSEKey, CWTError
from cwt.cose_key_interface import COSEKeyInterface

from juki_center.errors import NotSignedContent, SignatureInvalid, SignerUnknown

CONTENT_TYPE = "application/juki-copy+cbor"
_ALGORITHM, _CONTENT_TYPE, _KEY_ID = 1, 3, 4
_ES256 = -7
_COSE_SIGN1 = 18
_KTY, _KID, _ALG, _KEY_OPS = 1, 2, 3, 4
_EC2, _SIGN = 2, 1
_NUMBER_OCTETS = 32
# The library also reads numbers, dates and references behind tags, and what those raise is their
# own; a stranger's octets may hold any of them.
UNREADABLE: Final = (
    cbor2.CBORError,
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)


@dataclass(frozen=True, slots=True)
class Sealed:
    """A COSE_Sign1 taken apart, nothing verified: the signer's key id, payload and signature."""

    key_id: bytes
    payload: bytes = field(repr=False)
    signature: bytes = field(repr=False)


def key_id(certificate_der: bytes) -> bytes:
    """Return the key id of a copy signer's certificate: 16 bytes."""
    return hashlib.sha256(certificate_der).digest()[:16]


class _SigningKey(COSEKeyInterface):
    """A key as COSE signs by it; its numbers are not asked for, so that it may lie in a token."""

    def __init__(self, key: ec.EllipticCurvePrivateKey, kid: bytes) -> None:
        super().__init__({_KTY: _EC2, _KID: kid, _ALG: _ES256, _KEY_OPS: [_SIGN]})
        self._private = key

    def sign(self, msg: bytes) -> bytes:
        """Return the signature over a message, r || s (RFC 9053, 2.1)."""
        r, s = decode_dss_signature(self._private.sign(msg, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(_NUMBER_OCTETS, "big") + s.to_bytes(_NUMBER_OCTETS, "big")


class CopySigner:
    """Signs copies with the center's copy-signer key (P-256)."""

    def __init__(self, key: ec.EllipticCurvePrivateKey, certificate_der: bytes) -> None:
        self.key_id = key_id(certificate_der)
        self._key: COSEKeyInterface = _SigningKey(key, self.key_id)

    def __repr__(self) -> str:
        return f"CopySigner({self.key_id.hex()}, ***)"

    def sign(self, payload: bytes, content_type: str = CONTENT_TYPE) -> bytes:
        """Return the COSE_Sign1 over `payload`, tagged.

        The content type is signed with it: nothing of one type passes for another.
        """
        header = {_ALGORITHM: _ES256, _CONTENT_TYPE: content_type, _KEY_ID: self.key_id}
        return bytes(COSE.new().encode(payload, self._key, protected=header))


class CopyTrust:
    """The copy signers whose signatures count, by key id."""

    def __init__(self, certificates_der: tuple[bytes, ...]) -> None:
        self._keys: Mapping[bytes, COSEKeyInterface] = {
            key_id(der): _public_key(der) for der in certificates_der
        }

    def __contains__(self, wanted: bytes) -> bool:
        return wanted in self._keys

    def verify(self, cose: bytes) -> Sealed:
        """Return the parts of a COSE_Sign1 whose signature verifies.

        Raises NotSignedContent, SignerUnknown or SignatureInvalid.
        """
        sealed = take_apart(cose)
        if sealed.key_id not in self._keys:
            raise SignerUnknown
        try:
            COSE.new().decode(cose, self._keys[sealed.key_id])
        except (CWTError, ValueError) as error:
            raise SignatureInvalid from error
        return sealed


def take_apart(cose: bytes) -> Sealed:
    """Return the parts of a COSE_Sign1 in the one form that this center makes.

    Raises NotSignedContent for anything else, such as trailing bytes or other header entries.
    """
    try:
        tagged = cbor2.loads(cose)
        protected, unprotected, payload, signature = tagged.value
        header = cbor2.loads(protected)
        canonical = cbor2.dumps(tagged) == cose and tagged.tag == _COSE_SIGN1
        expected = {_ALGORITHM: _ES256, _CONTENT_TYPE: CONTENT_TYPE, _KEY_ID: header[_KEY_ID]}
    except UNREADABLE as error:
        raise NotSignedContent from error
    sealed = (header[_KEY_ID], payload, signature)
    if not canonical or header != expected or unprotected != {} or not all(map(_is_bytes, sealed)):
        raise NotSignedContent
    return Sealed(*sealed)


def _is_bytes(value: object) -> bool:
    return isinstance(value, bytes)


def _public_key(certificate_der: bytes) -> COSEKeyInterface:
    public = x509.load_der_x509_certificate(certificate_der).public_key()
    pem = public.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return COSEKey.from_pem(pem, alg="ES256", kid=key_id(certificate_der))
