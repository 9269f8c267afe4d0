"""Paper from signed content: an A4 PDF that is the same, byte for byte, on every terminal.

Nothing but the signed content goes in: no clock, no locale, no folder, no attempt number (a
reprint is the same paper). Text reaches the typesetter as data, never as markup, in runs whose
font has been checked to have exactly these characters. The signed content travels inside the
PDF (PDF/A-3, ISO 19005-3) as the attachment that `verify` reads back.
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from juki_terminal.paper import wording
from juki_terminal.paper.content import CopyContent, Person
from juki_terminal.paper.envelope import SignedCopy, open_envelope
from juki_terminal.paper.fonts import Fonts
from juki_terminal.paper.qr import FULL_PREFIX, qr_svg, qr_text
from juki_terminal.paper.typesetting import Template, runs_of, typeset

ATTACHMENT: Final = "juki-copy.cose"
PIXELS_PER_INCH: Final = 150.0
TEMPLATE: Final = Template(("copy.typ",), is_archival=True)
# The rows of a person's box, by the keys of the payload; two keys share a row.
ROWS: Final = (
    ("name",),
    ("alias",),
    ("birth", "sex"),
    ("addr",),
    ("since", "addrs"),
    ("notif",),
    ("prev",),
    ("head", "rel"),
    ("code",),
)


@dataclass(frozen=True, slots=True, repr=False)
class RenderedCopy:
    """A copy on paper: the PDF, its SHA-256 (32 bytes) and the text of its QR code."""

    pdf: bytes
    sha256: bytes
    qr_text: str
    source: str
    fonts: Fonts

    def __repr__(self) -> str:
        """Name the digest only: the rest holds personal data."""
        return f"RenderedCopy({self.sha256.hex()}, ***)"

    def png(self, *, pixels_per_inch: float = PIXELS_PER_INCH) -> tuple[bytes, ...]:
        """Return a picture of each page, drawn from the same source as the PDF."""
        return typeset(TEMPLATE, self.source, self.fonts, "png", pixels_per_inch=pixels_per_inch)


def render(signed_content: bytes, *, fonts: Fonts | None = None) -> RenderedCopy:
    """Set a signed copy on paper.

    The signature is not looked at here: who prints has verified it. Raises ContentRefused for
    malformed content, CharacterUnsupported before anything is set, FontMissing, RenderingFailed.
    """
    return render_copy(open_envelope(signed_content), fonts=fonts)


def render_copy(signed: SignedCopy, *, fonts: Fonts | None = None) -> RenderedCopy:
    """Set a copy on paper whose envelope is open already; raises as `render` does."""
    fonts = Fonts.find() if fonts is None else fonts
    text = qr_text(signed)
    source = json.dumps(_page_data(signed, text, fonts), ensure_ascii=True)
    (pdf,) = typeset(TEMPLATE, source, fonts, "pdf")
    return RenderedCopy(pdf, hashlib.sha256(pdf).digest(), text, source, fonts)


def _page_data(signed: SignedCopy, text: str, fonts: Fonts) -> dict[str, object]:
    """Return all that the template shows, as plain data."""
    content = signed.content
    full = text.startswith(FULL_PREFIX)
    words = {
        "title": wording.TITLE,
        "wide_area": wording.WIDE_AREA,
        "omitted": wording.OMITTED,
        "end": wording.END_OF_ENTRIES,
        "statement": wording.STATEMENT,
        "issued": wording.era_date(content.issued_at),
        "mayor": wording.mayor(content.issuer),
        "residence": content.residence.name,
        "number": content.issue_number,
        "qr_hint": wording.QR_FULL if full else wording.QR_SHORT,
    }
    return {
        **{name: runs_of(value, name, fonts) for name, value in words.items()},
        "persons": [
            _box(person, f"per[{place}]", fonts) for place, person in enumerate(content.persons)
        ],
        "seal": _seal(content, fonts),
        "heading": f"{wording.TITLE} {content.issue_number}",
        "moment": list(content.issued_at.utctimetuple()[:6]),
        "qr": qr_svg(text).decode("ascii"),
        "attachment": {"name": ATTACHMENT, "octets": list(signed.octets)},
    }


def _box(person: Person, path: str, fonts: Fonts) -> dict[str, object]:
    """Return the rows of one person's box, and the reading that stands above the name."""
    cells = {
        entry.field: {
            "label": entry.label,
            "runs": runs_of(entry.text, f"{path}.{entry.field}", fonts),
        }
        for entry in wording.entries(person)
    }
    rows = [[cells[field] for field in row if field in cells] for row in ROWS]
    return {"kana": cells.get("kana"), "rows": [row for row in rows if row]}


def _seal(content: CopyContent, fonts: Fonts) -> list[list[list[dict[str, str]]]]:
    """Return the seal's characters in columns, the rightmost and first to read first."""
    characters = wording.seal_text(content.issuer)
    columns = math.ceil(math.sqrt(len(characters)))
    cuts = [math.ceil(len(characters) * place / columns) for place in range(columns + 1)]
    return [
        [runs_of(character, "issn", fonts) for character in characters[start:end]]
        for start, end in pairwise(cuts)
    ]
