"""Is this copy genuine: the verdict on a PDF, or on the text of a QR code.

Offline first: the signature against the trusted copy signers, then the paper, which must be byte
for byte the one that the signed content gives. Online the center adds what only it knows:
recalled, or never issued. Whatever the verdict, the signed content is given for the human eye,
because somebody may have changed the paper and left the attachment or the QR code alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from juki_terminal.paper.attachment import extract_signed_content
from juki_terminal.paper.content import CopyContent
from juki_terminal.paper.envelope import SignedCopy, open_envelope, verify_signature
from juki_terminal.paper.errors import (
    ContentRefused,
    DocumentAltered,
    DocumentUnreadable,
    SignatureWrong,
    SignerUnknown,
)
from juki_terminal.paper.fonts import Fonts
from juki_terminal.paper.qr import ShortCode, read_qr_text
from juki_terminal.paper.render import PIXELS_PER_INCH, render_copy
from juki_terminal.paper.trust import CopySigners
from juki_terminal.paper.wording import plain_text


class State(StrEnum):
    """What is known of a copy. Only VALID is good."""

    VALID = "valid"
    ALTERED = "altered"
    UNKNOWN_SIGNER = "unknown_signer"
    RECALLED = "recalled"
    NOT_ISSUED = "not_issued"
    # The short QR code holds no content: without the center nothing can be said.
    NEEDS_CENTER = "needs_center"
    UNREADABLE = "unreadable"


# Asks VerifyCopy about signed content (bytes) or a QR text (str). The answer is one of VALID,
# ALTERED, UNKNOWN_SIGNER, RECALLED, NOT_ISSUED; errors of the network are the caller's own.
AskCenter = Callable[[bytes | str], State]


CENTER_SAYS: Final = {
    State.VALID: "the center issued it, and it stands",
    State.ALTERED: "the center issued it with other content",
    State.UNKNOWN_SIGNER: "the center does not know its signer",
    State.RECALLED: "the center has recalled it",
    State.NOT_ISSUED: "the center has issued no such copy",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """A verdict, why, and what the document says of itself.

    `content` is proven only where `state` is VALID or RECALLED; its personal fields are masked in
    `repr`, and `detail` holds none. `online` tells whether the center was asked.
    """

    state: State
    detail: str
    issue_number: str | None = None
    content: CopyContent | None = None
    online: bool = False

    def plain_text(self) -> str:
        """Return what the document says for the human eye, or nothing where it is unreadable."""
        if self.content is not None:
            return plain_text(self.content)
        return "" if self.issue_number is None else f"発行番号: {self.issue_number}"


def verify(
    document: bytes | str,
    trust: CopySigners,
    *,
    ask_center: AskCenter | None = None,
    fonts: Fonts | None = None,
) -> Verdict:
    """Return the verdict on a PDF (bytes) or the text of a QR code (str).

    The center is asked only about what stands the offline tests. Raises FontMissing or
    CharacterUnsupported where this machine cannot set the paper to compare with; what the
    document is never raises.
    """
    try:
        evidence, found = _read(document)
        verdict = _offline(document, found, trust, fonts)
    except DocumentUnreadable as error:
        return Verdict(State.UNREADABLE, str(error))
    except ContentRefused as error:
        return Verdict(State.ALTERED, str(error))
    if ask_center is None or verdict.state not in {State.VALID, State.NEEDS_CENTER}:
        return verdict
    answer = ask_center(evidence)
    return replace(verdict, state=answer, detail=CENTER_SAYS[answer], online=True)


def to_png(
    pdf: bytes, *, fonts: Fonts | None = None, pixels_per_inch: float = PIXELS_PER_INCH
) -> tuple[bytes, ...]:
    """Return a picture of each page of a copy, set again from its signed content.

    Raises DocumentAltered unless the PDF is exactly the one that its content gives: a picture of
    anything else would not be a picture of this PDF. The signature is not looked at.
    """
    rendered = render_copy(open_envelope(extract_signed_content(pdf)), fonts=fonts)
    if rendered.pdf != pdf:
        raise DocumentAltered("the PDF is not the paper of its signed content")
    return rendered.png(pixels_per_inch=pixels_per_inch)


def _read(document: bytes | str) -> tuple[bytes | str, SignedCopy | ShortCode]:
    """Return the evidence for the center, and what it says."""
    if isinstance(document, bytes):
        signed = open_envelope(extract_signed_content(document))
        return signed.octets, signed
    return document, read_qr_text(document)


def _offline(
    document: bytes | str,
    found: SignedCopy | ShortCode,
    trust: CopySigners,
    fonts: Fonts | None,
) -> Verdict:
    if isinstance(found, ShortCode):
        detail = "the short QR code can be verified by the center only"
        return Verdict(State.NEEDS_CENTER, detail, found.issue_number)
    state, detail = _judge(document, found, trust, fonts)
    return Verdict(state, detail, found.content.issue_number, found.content)


def _judge(
    document: bytes | str, signed: SignedCopy, trust: CopySigners, fonts: Fonts | None
) -> tuple[State, str]:
    try:
        verify_signature(signed, trust)
    except SignerUnknown as error:
        return State.UNKNOWN_SIGNER, str(error)
    except SignatureWrong as error:
        return State.ALTERED, str(error)
    if isinstance(document, str):
        return State.VALID, "the signature is good; compare the paper with the content by eye"
    if render_copy(signed, fonts=fonts).pdf != document:
        return State.ALTERED, "the signed content is genuine, but the PDF is not its paper"
    return State.VALID, "the signature is good, and the PDF is its paper byte for byte"
