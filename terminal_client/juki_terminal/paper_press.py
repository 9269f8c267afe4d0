"""Signed content opened and set on paper for this terminal, with paper's errors as problems."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from juki_client.outcome import Problem
from juki_terminal.paper.envelope import open_envelope, verify_signature
from juki_terminal.paper.errors import (
    CharacterUnsupported,
    ContentRefused,
    FontMissing,
    PaperError,
    SignatureWrong,
    SignerUnknown,
    TextTooLong,
    TrustUnreadable,
)
from juki_terminal.paper.render import render_copy
from juki_terminal.paper.trust import CopySigners

if TYPE_CHECKING:
    from pathlib import Path

    from juki_terminal.paper.envelope import SignedCopy


@dataclass(frozen=True, slots=True)
class PaperPress:
    """Trusts the given copy signers and prints in the fonts of this machine."""

    signers: CopySigners

    @classmethod
    def load(cls, trust_folder: Path) -> PaperPress:
        """Read the trusted copy signers; raise Problem CONFIGURATION_INVALID."""
        return cls(copy_signers(trust_folder))

    def open(self, signed_content: bytes) -> SignedCopy:
        """Verify the signature and read the content; raise Problem COPY_NOT_FOR_REQUEST."""
        try:
            signed = open_envelope(signed_content)
            verify_signature(signed, self.signers)
        except ContentRefused as error:
            raise Problem("COPY_NOT_FOR_REQUEST", {"field": error.field}) from error
        except (SignerUnknown, SignatureWrong) as error:
            raise Problem("COPY_NOT_FOR_REQUEST", {"field": "signature"}) from error
        return signed

    def render(self, signed: SignedCopy) -> bytes:
        """Return the PDF; raise Problem CHARACTER_NOT_PRINTABLE or CONFIGURATION_INVALID."""
        try:
            return render_copy(signed).pdf
        except PaperError as error:
            raise paper_problem(error) from error


def copy_signers(trust_folder: Path) -> CopySigners:
    """Read the trusted copy signers; raise Problem CONFIGURATION_INVALID."""
    try:
        return CopySigners.load(trust_folder)
    except TrustUnreadable as error:
        facts = {"key": "trust.dir", "file": "copy-signers.pem"}
        raise Problem("CONFIGURATION_INVALID", facts) from error


def paper_problem(error: PaperError) -> Problem:
    """Return the problem that an error while setting paper stands for."""
    match error:
        case CharacterUnsupported(code_points=code_points):
            return Problem("CHARACTER_NOT_PRINTABLE", {"codePoints": ", ".join(code_points)})
        case TextTooLong(field=field, smallest_points=points):
            return Problem("TEXT_DOES_NOT_FIT", {"field": field, "smallestPoints": f"{points:g}"})
        case FontMissing(family=family):
            return Problem("CONFIGURATION_INVALID", {"key": "fonts", "font": family})
        case _:
            return Problem("TERMINAL_DEFECT", {"kind": type(error).__name__})
