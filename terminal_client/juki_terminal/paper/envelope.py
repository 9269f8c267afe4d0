"""The signed content: COSE_Sign1 with ES256 around the payload (RFC 9052, RFC 9053).

`open_envelope` reads the structure and believes nothing; `verify_signature` checks it against
the trusted copy signers. Whoever shows content from an unverified envelope must say so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cbor2
from cwt import COSE
from cwt.exceptions import CWTError

from juki_terminal.paper.content import CopyContent, decode_content
from juki_terminal.paper.errors import ContentRefused, SignatureWrong
from juki_terminal.paper.fields import decode_canonical, encode_canonical
from juki_terminal.paper.trust import CopySigners

MAX_OCTETS: Final = 48 * 1024
COSE_SIGN1: Final = 18
ES256: Final = -7
CONTENT_TYPE: Final = "application/juki-copy+cbor"
KEY_ID_OCTETS: Final = 16
SIGNATURE_OCTETS: Final = 64


@dataclass(frozen=True, slots=True, repr=False)
class SignedCopy:
    """An envelope taken apart: `octets` is the whole COSE_Sign1, `content` what it says."""

    octets: bytes
    key_id: bytes
    signature: bytes
    content: CopyContent

    def __repr__(self) -> str:
        """Name the issue only: the octets hold the personal data."""
        return f"SignedCopy({self.content.issue_number}, ***)"


def open_envelope(octets: bytes) -> SignedCopy:
    """Read a COSE_Sign1 and its payload, without trusting either.

    Raises ContentRefused unless it is tag 18 with the protected header {alg: ES256, content
    type, kid} and nothing unprotected, all of it in deterministic encoding.
    """
    if len(octets) > MAX_OCTETS:
        raise ContentRefused("envelope", f"is longer than {MAX_OCTETS} bytes")
    tagged = decode_canonical(octets, "envelope")
    if not isinstance(tagged, cbor2.CBORTag) or tagged.tag != COSE_SIGN1:
        raise ContentRefused("envelope", "is no COSE_Sign1")
    match tagged.value:
        case [bytes(protected), dict(unprotected), bytes(payload), bytes(signature)]:
            pass
        case _:
            raise ContentRefused("envelope", "is no COSE_Sign1")
    if unprotected:
        raise ContentRefused("envelope", "has unprotected headers")
    if len(signature) != SIGNATURE_OCTETS:
        raise ContentRefused("signature", f"is not {SIGNATURE_OCTETS} bytes long")
    return SignedCopy(octets, _key_id(protected), signature, decode_content(payload))


def _key_id(protected: bytes) -> bytes:
    match decode_canonical(protected, "protected header"):
        case {4: bytes(key_id)} if len(key_id) == KEY_ID_OCTETS:
            pass
        case _:
            raise ContentRefused("protected header", f"has no kid of {KEY_ID_OCTETS} bytes")
    # The values 1 and -7 have look-alikes of other types; only the encoding tells them apart.
    if protected != encode_canonical({1: ES256, 3: CONTENT_TYPE, 4: key_id}):
        raise ContentRefused("protected header", "is not {alg: ES256, content type, kid}")
    return key_id


def verify_signature(signed: SignedCopy, signers: CopySigners) -> None:
    """Check the signature under the trusted signer that the content names.

    Raises SignerUnknown where there is none, or its certificate does not cover the time of
    issue; SignatureWrong where the signature does not verify (RFC 9052, 4.4).
    """
    key = signers.key(signed.key_id, at=signed.content.issued_at)
    try:
        COSE.new().decode(signed.octets, keys=[key])
    except (CWTError, ValueError) as error:
        raise SignatureWrong(signed.key_id) from error
