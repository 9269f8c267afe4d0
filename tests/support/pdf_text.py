"""The text that stands in a PDF, page by page: what its fonts say of every glyph that is drawn."""

from __future__ import annotations

import io
import re

import pikepdf

_CHARACTER = re.compile(r"<([0-9A-Fa-f]{4})>\s*<([0-9A-Fa-f]+)>")
_RANGE = re.compile(r"<([0-9A-Fa-f]{4})>\s*<([0-9A-Fa-f]{4})>\s*<([0-9A-Fa-f]+)>")
_SECTION = re.compile(r"begin(bfchar|bfrange)(.*?)endbf", re.DOTALL)


def pages_of(pdf: bytes) -> list[str]:
    """Return the text of each page in the order of drawing, lines run together."""
    with pikepdf.open(io.BytesIO(pdf)) as document:
        return [_text(page) for page in document.pages]


def _text(page: pikepdf.Page) -> str:
    fonts = {name: _unicode(font) for name, font in page.resources.Font.items()}
    current: dict[int, str] = {}
    drawn: list[str] = []
    for operands, operator in pikepdf.parse_content_stream(page):
        if str(operator) == "Tf":
            current = fonts[str(operands[0])]
        elif str(operator) in {"Tj", "TJ"}:
            parts = operands[0] if str(operator) == "TJ" else operands
            drawn += [_decoded(bytes(p), current) for p in parts if isinstance(p, pikepdf.String)]
    return "".join(drawn)


def _decoded(octets: bytes, characters: dict[int, str]) -> str:
    codes = (int.from_bytes(octets[n : n + 2], "big") for n in range(0, len(octets), 2))
    return "".join(characters[code] for code in codes)


def _unicode(font: pikepdf.Object) -> dict[int, str]:
    cmap = font.ToUnicode.read_bytes().decode("ascii")
    characters: dict[int, str] = {}
    for kind, lines in _SECTION.findall(cmap):
        if kind == "bfchar":
            for code, text in _CHARACTER.findall(lines):
                characters[int(code, 16)] = bytes.fromhex(text).decode("utf-16-be")
        else:
            for first, last, text in _RANGE.findall(lines):
                for offset in range(int(last, 16) - int(first, 16) + 1):
                    begin = int(text, 16) + offset
                    octets = begin.to_bytes(len(text) // 2, "big")
                    characters[int(first, 16) + offset] = octets.decode("utf-16-be")
    return characters
