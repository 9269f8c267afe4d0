"""What can go wrong between signed content and paper.

PaperError
├── ContentRefused         the signed content is not what docs/wire.md says; names the field only
├── SignerUnknown          no trusted copy signer has this key id, or not at the time of issue
├── SignatureWrong         a trusted signer's key id, but the signature does not verify
├── TrustUnreadable        the file of trusted copy signers is missing or no list of P-256 leaves
├── FontMissing            a font that the paper is set in is not installed
├── CharacterUnsupported   no installed font has exactly this character or variation sequence
├── TextTooLong            a text does not fit its place in the smallest type; names the field only
├── DocumentUnreadable     no signed content can be taken from a PDF or from a QR text
├── DocumentAltered        a PDF is not the one that its signed content gives
└── RenderingFailed        the typesetter refused its input

No message holds a personal datum: fields are named, characters are named by code point.
"""

from __future__ import annotations

REMEDY_SYSTEM = "make system"


class PaperError(Exception):
    """Base of everything that this package raises on purpose."""


class ContentRefused(PaperError):
    """The signed content is not what docs/wire.md says."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"signed content: {field}: {problem}")
        self.field = field
        self.problem = problem


class SignerUnknown(PaperError):
    """No trusted copy signer has this key id, or its certificate does not cover the issue."""

    def __init__(self, key_id: bytes, problem: str) -> None:
        super().__init__(f"copy signer {key_id.hex()}: {problem}")
        self.key_id = key_id


class SignatureWrong(PaperError):
    """The signature does not verify under the signer that the content names."""

    def __init__(self, key_id: bytes) -> None:
        super().__init__(f"the signature is not that of copy signer {key_id.hex()}")
        self.key_id = key_id


class TrustUnreadable(PaperError):
    """The file of trusted copy signers cannot be used."""


class FontMissing(PaperError):
    """A font that the paper is set in is not installed."""

    def __init__(self, family: str, problem: str) -> None:
        super().__init__(f"font {family} {problem}")
        self.family = family
        self.remedy = REMEDY_SYSTEM


class CharacterUnsupported(PaperError):
    """No installed font has exactly this character or variation sequence.

    `code_points` are the refused sequences, such as `U+845B U+E01EF`; the text that holds them is
    in no attribute, because it is mostly a name.
    """

    def __init__(self, field: str, code_points: tuple[str, ...]) -> None:
        super().__init__(f"{field}: no font can print {', '.join(code_points)}")
        self.field = field
        self.code_points = code_points


class TextTooLong(PaperError):
    """A text does not fit its place in the smallest type that can be read."""

    def __init__(self, field: str, smallest_points: float) -> None:
        super().__init__(f"{field}: does not fit in {smallest_points:g} points")
        self.field = field
        self.smallest_points = smallest_points


class DocumentUnreadable(PaperError):
    """No signed content can be taken from the document."""


class DocumentAltered(PaperError):
    """The PDF is not the one that its signed content gives."""


class RenderingFailed(PaperError):
    """The typesetter refused its input; a defect of the template or of the installation."""
