"""The text of the QR code on a copy, in its full and its short form.

The full form carries the whole signed content, so that paper alone can be verified offline; it
is used where the text fits. The short form names the issue and its signature; only the center
can say what became of it. Base45 (RFC 9285) keeps to the characters that QR codes pack best.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Final

import base45
import segno

from juki_terminal.paper.content import ISSUE_NUMBER
from juki_terminal.paper.envelope import (
    KEY_ID_OCTETS,
    MAX_OCTETS,
    SIGNATURE_OCTETS,
    SignedCopy,
    open_envelope,
)
from juki_terminal.paper.errors import DocumentUnreadable
from juki_terminal.paper.fields import Fields, decode_canonical, encode_canonical

FULL_PREFIX: Final = "JUKI1F:"
SHORT_PREFIX: Final = "JUKI1:"
MAX_TEXT: Final = 1200


@dataclass(frozen=True, slots=True)
class ShortCode:
    """The short form: which issue, the digest of its content, who signed it, the signature."""

    issue_number: str
    digest: bytes
    key_id: bytes
    signature: bytes


def qr_text(signed: SignedCopy) -> str:
    """Return the text of the QR code: full form up to 1,200 characters, else short."""
    full = FULL_PREFIX + _encode(signed.octets)
    if len(full) <= MAX_TEXT:
        return full
    short = encode_canonical(
        {
            "no": signed.content.issue_number,
            "sha": signed.content.digest,
            "kid": signed.key_id,
            "sig": signed.signature,
        }
    )
    return SHORT_PREFIX + _encode(short)


def read_qr_text(text: str) -> SignedCopy | ShortCode:
    """Read the text of a QR code, trusting nothing in it.

    Raises DocumentUnreadable for a text that is no QR text of a copy, ContentRefused for one
    whose content is not what docs/wire.md says.
    """
    if text.startswith(FULL_PREFIX):
        return open_envelope(_decode(text.removeprefix(FULL_PREFIX)))
    if text.startswith(SHORT_PREFIX):
        return _short(_decode(text.removeprefix(SHORT_PREFIX)))
    raise DocumentUnreadable("the text is not that of a copy's QR code")


def qr_svg(text: str) -> bytes:
    """Return the QR code of a text as SVG, one unit per module, without its quiet zone."""
    drawing = io.BytesIO()
    code = segno.make(text, error="m", micro=False, boost_error=False)
    code.save(drawing, kind="svg", border=0, svgns=True, xmldecl=False, nl=False)
    return drawing.getvalue()


def _encode(octets: bytes) -> str:
    encoded: bytes = base45.b45encode(octets)
    return encoded.decode("ascii")


def _decode(encoded: str) -> bytes:
    # Three characters hold two bytes; the library would drop a trailing line break silently.
    if len(encoded) > MAX_OCTETS * 3 // 2 or encoded.endswith("\n"):
        raise DocumentUnreadable("the QR text is not base45")
    try:
        octets: bytes = base45.b45decode(encoded)
    except ValueError as error:
        raise DocumentUnreadable("the QR text is not base45") from error
    return octets


def _short(octets: bytes) -> ShortCode:
    fields = Fields("qr", decode_canonical(octets, "qr"))
    code = ShortCode(
        issue_number=fields.matching("no", ISSUE_NUMBER),
        digest=fields.octets("sha", 32),
        key_id=fields.octets("kid", KEY_ID_OCTETS),
        signature=fields.octets("sig", SIGNATURE_OCTETS),
    )
    fields.done()
    return code
