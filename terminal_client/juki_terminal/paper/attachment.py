"""The signed content inside a PDF: found by name, inflated within bounds, never trusted."""

from __future__ import annotations

import io
import zlib
from typing import Final

import pikepdf

from juki_terminal.paper.envelope import MAX_OCTETS
from juki_terminal.paper.errors import DocumentUnreadable
from juki_terminal.paper.render import ATTACHMENT

MAX_DOCUMENT: Final = 8 * 1024 * 1024
FLATE: Final = "/FlateDecode"


def extract_signed_content(pdf: bytes) -> bytes:
    """Return the attached COSE_Sign1 of a PDF, unverified.

    Raises DocumentUnreadable for what is no PDF, or one without exactly one such attachment of
    at most 48 KiB.
    """
    if len(pdf) > MAX_DOCUMENT:
        raise DocumentUnreadable(f"the document is longer than {MAX_DOCUMENT} bytes")
    try:
        with pikepdf.open(io.BytesIO(pdf), suppress_warnings=True) as document:
            if list(document.attachments) != [ATTACHMENT]:
                raise DocumentUnreadable("the document has no attached signed content")
            return _octets(document.attachments[ATTACHMENT].get_file().obj)
    # A damaged file fails anywhere in the object tree, with the error of the place.
    except (pikepdf.PdfError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise DocumentUnreadable("the document cannot be read as a PDF") from error
    except RuntimeError as error:
        raise DocumentUnreadable("the document cannot be read as a PDF") from error


def _octets(stream: pikepdf.Object) -> bytes:
    raw = stream.read_raw_bytes()
    if stream.get("/Filter") is None:
        octets = raw[: MAX_OCTETS + 1]
    elif stream.get("/Filter") == pikepdf.Name(FLATE) and stream.get("/DecodeParms") is None:
        octets = _inflate(raw)
    else:
        raise DocumentUnreadable("the attached signed content is packed in an unknown way")
    if len(octets) > MAX_OCTETS:
        raise DocumentUnreadable(f"the attached signed content is longer than {MAX_OCTETS} bytes")
    return octets


def _inflate(raw: bytes) -> bytes:
    """Inflate up to one byte over the limit, whatever the stream says of its length."""
    try:
        return zlib.decompressobj().decompress(raw, MAX_OCTETS + 1)
    except zlib.error as error:
        raise DocumentUnreadable("the attached signed content is damaged") from error
