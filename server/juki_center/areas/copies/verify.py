"""The verdict on a copy that somebody holds: was it issued here, with this content, and stands it?

The answer says nothing of the register's content. A signed content is checked under its signer's
key; the short text of a QR code carries the digest and the signature, which the center knows again.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import Protocol

import base45
import cbor2

from juki_center.areas.copies.commands import (
    QRText,
    SignedContent,
    Verdict,
    Verification,
    VerifyCopy,
)
from juki_center.areas.copies.content import content_proof
from juki_center.areas.copies.issues import Issues
from juki_center.areas.copies.signature import UNREADABLE, CopyTrust
from juki_center.errors import (
    NotSignedContent,
    Reason,
    Refusal,
    SignatureInvalid,
    SignerUnknown,
)

_SHORT, _FULL = "JUKI1:", "JUKI1F:"


class VerifyTx(Protocol):
    """What a verdict needs of a transaction."""

    @property
    def issues(self) -> Issues: ...


@dataclass(frozen=True, slots=True)
class _Claim:
    """What a copy says of itself."""

    number: str
    proof: bytes = field(repr=False)


def verify_copy(tx: VerifyTx, command: VerifyCopy, trust: CopyTrust) -> Verification:
    """Return the verdict on a copy. Raises Refusal(FIELD_INVALID) for what is no copy at all."""
    try:
        claim = _claim(command.evidence, trust)
    except SignerUnknown:
        return Verification(Verdict.UNKNOWN_SIGNER, None)
    except SignatureInvalid:
        return Verification(Verdict.ALTERED, None)
    row = tx.issues.by_number(claim.number)
    if row is None:
        return Verification(Verdict.NOT_ISSUED, None)
    if not tx.issues.is_content(claim.number, claim.proof):
        return Verification(Verdict.ALTERED, None)
    verdict = Verdict.VALID if row.recalled_at is None else Verdict.RECALLED
    # Whoever holds a copy need not learn what has happened to the persons that it shows.
    return Verification(verdict, replace(row.issue, recall_reason=None))


def _claim(evidence: SignedContent | QRText, trust: CopyTrust) -> _Claim:
    match evidence:
        case SignedContent(cose):
            return _signed(cose, trust, "signed_content")
        case QRText(text) if text.startswith(_FULL):
            return _signed(_unbase45(text.removeprefix(_FULL)), trust, "qr_text")
        case QRText(text) if text.startswith(_SHORT):
            return _short(_unbase45(text.removeprefix(_SHORT)), trust)
        case _:
            raise _no_copy("qr_text")


def _signed(cose: bytes, trust: CopyTrust, field_name: str) -> _Claim:
    try:
        sealed = trust.verify(cose)
    except NotSignedContent:
        raise _no_copy(field_name) from None
    try:
        document = cbor2.loads(sealed.payload)["doc"]
        digest = hashlib.sha256(cbor2.dumps(document, canonical=True)).digest()
        return _Claim(str(document["no"]), content_proof(digest, sealed.signature))
    except UNREADABLE:
        # Well signed, yet in no form that this center gives to what it signs.
        raise _no_copy(field_name) from None


def _short(octets: bytes, trust: CopyTrust) -> _Claim:
    try:
        claimed = cbor2.loads(octets)
        number, digest, signature = claimed["no"], claimed["sha"], claimed["sig"]
        signer = claimed["kid"]
    except UNREADABLE:
        raise _no_copy("qr_text") from None
    if not isinstance(number, str) or not all(
        isinstance(part, bytes) for part in (digest, signature, signer)
    ):
        raise _no_copy("qr_text")
    if signer not in trust:
        raise SignerUnknown
    return _Claim(number, content_proof(digest, signature))


def _unbase45(text: str) -> bytes:
    try:
        return bytes(base45.b45decode(text))
    except ValueError:
        raise _no_copy("qr_text") from None


def _no_copy(field_name: str) -> Refusal:
    return Refusal(Reason.FIELD_INVALID, field=field_name, rule="NO_COPY")
