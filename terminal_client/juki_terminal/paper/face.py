"""A card's face at true size, as PDF and as picture: style 1 and style 2.

Each field has a place and is set in the largest type that fits it, down to a smallest size that can
be read; a text that does not fit then is refused, never cut. Names go through the same choice of
fonts as on copies (see `fonts`). Where the face comes from is in `cli`.
"""

from __future__ import annotations

import json
import struct
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from juki_terminal.paper import wording
from juki_terminal.paper.fitting import PRELUDE, Place, field_of, require_fit
from juki_terminal.paper.fonts import Fonts
from juki_terminal.paper.typesetting import Template, typeset

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

TEMPLATE: Final = Template((PRELUDE, "face.typ"))
WIDTH_MM: Final = 85.60
HEIGHT_MM: Final = 53.98
PIXELS_PER_INCH: Final = 600.0
_GROUP: Final = 4
_INCH_METRES: Final = 0.0254
# The signature and the header chunk of every PNG.
_AFTER_HEADER: Final = 33


PHOTO: Final = Place(59.2, 10.0, 22.4, 28.8)
"""Where the photo stands: 35 to 45, as it was taken."""

_HEAD: Final[Mapping[str, Place]] = {
    "title": Place(4.0, 3.0, 40.0, 4.5, 9.0, 9.0),
    "municipality": Place(46.0, 3.0, 35.6, 4.5, 8.0, 5.0),
}
_STYLE_1: Final[Mapping[str, Place]] = {
    **_HEAD,
    "name": Place(6.0, 14.0, 73.6, 17.0, 18.0, 6.0),
    "valid_until": Place(6.0, 37.0, 73.6, 4.0, 7.0, 5.0),
    "number": Place(6.0, 44.5, 48.0, 5.0, 10.0, 10.0),
    "can": Place(59.2, 44.5, 22.4, 5.0, 10.0, 10.0),
}
_STYLE_2: Final[Mapping[str, Place]] = {
    **_HEAD,
    "name": Place(4.0, 11.0, 52.0, 8.2, 12.0, 5.0, is_from_top=True),
    "birth_date": Place(4.0, 21.4, 38.0, 3.5, 7.5, 4.5, is_from_top=True),
    "sex": Place(46.0, 21.4, 10.0, 3.5, 7.5, 7.5, is_from_top=True),
    "address": Place(4.0, 27.6, 52.0, 12.3, 7.5, 4.5, is_from_top=True),
    "valid_until": Place(4.0, 41.9, 77.6, 3.0, 6.5, 5.0, is_from_top=True),
    "number": Place(4.0, 47.7, 48.0, 4.5, 10.0, 10.0),
    "can": Place(59.2, 47.7, 22.4, 4.5, 10.0, 10.0),
}
_LABELS: Final[Mapping[str, str]] = {
    "name": "氏名",
    "birth_date": "生年月日",
    "sex": "性別",
    "address": "住所",
    "valid_until": "有効期限",
    "number": "カード番号",
    "can": "照合番号",
}
_LABEL_ABOVE_MM: Final = 2.0


@dataclass(frozen=True, slots=True)
class Bearer:
    """What style 2 shows of its holder; dates and sex in the words of the register."""

    birth_date: str = field(repr=False)
    sex: str = field(repr=False)
    address: str = field(repr=False)
    photo: bytes = field(repr=False)
    """JPEG."""


@dataclass(frozen=True, slots=True)
class Face:
    """What is printed on a card; `bearer` is None for style 1."""

    number: str
    municipality: str
    valid_until: date
    name: str = field(repr=False)
    access_number: str = field(repr=False)
    bearer: Bearer | None = None


@dataclass(frozen=True, slots=True, repr=False)
class RenderedFace:
    """A face that fits."""

    source: str
    fonts: Fonts

    def __repr__(self) -> str:
        """Show nothing: all of it is personal."""
        return "RenderedFace(***)"

    def pdf(self) -> bytes:
        """Return the face as one page at true size; raises RenderingFailed."""
        (pdf,) = typeset(TEMPLATE, self.source, self.fonts, "pdf")
        return pdf

    def png(self, *, pixels_per_inch: float = PIXELS_PER_INCH) -> bytes:
        """Return the face as a picture; raises RenderingFailed."""
        (png,) = typeset(TEMPLATE, self.source, self.fonts, "png", pixels_per_inch=pixels_per_inch)
        return _with_size(png, pixels_per_inch)


def render_face(face: Face, *, fonts: Fonts | None = None) -> RenderedFace:
    """Set a card's face.

    Raises CharacterUnsupported and FontMissing before anything is set, TextTooLong where a text
    does not fit its place in the smallest type, RenderingFailed.
    """
    fonts = Fonts.find() if fonts is None else fonts
    texts, places = _texts(face), _STYLE_1 if face.bearer is None else _STYLE_2
    source = json.dumps(_page_data(face, texts, places, fonts), ensure_ascii=True)
    require_fit(TEMPLATE, source, fonts, {name: places[name] for name in texts})
    return RenderedFace(source, fonts)


def grouped(number: str) -> str:
    """Return a card number as it is read to others.

    >>> grouped("123456789012")
    '1234-5678-9012'
    """
    return "-".join(number[start : start + _GROUP] for start in range(0, len(number), _GROUP))


def _texts(face: Face) -> dict[str, str]:
    """Return the texts that are on the face, by their places."""
    texts = {
        "title": wording.CARD_TITLE,
        "municipality": face.municipality,
        "name": face.name,
        "valid_until": wording.card_validity(face.valid_until),
        "number": grouped(face.number),
        "can": face.access_number,
    }
    if face.bearer is not None:
        texts["birth_date"] = face.bearer.birth_date
        texts["address"] = face.bearer.address
        # A blank entry has no box: the label alone would look like a loss.
        texts |= {"sex": face.bearer.sex} if face.bearer.sex else {}
    return texts


def _page_data(
    face: Face, texts: Mapping[str, str], places: Mapping[str, Place], fonts: Fonts
) -> dict[str, object]:
    """Return all that the template shows, as plain data."""
    photo = face.bearer.photo if face.bearer is not None else b""
    return {
        "width": WIDTH_MM,
        "height": HEIGHT_MM,
        "heading": f"{wording.CARD_TITLE} {grouped(face.number)}",
        "fields": [field_of(places[name], text, name, fonts) for name, text in texts.items()],
        "labels": [
            {
                "left": places[name].left,
                "top": places[name].top - _LABEL_ABOVE_MM,
                "text": _LABELS[name],
            }
            for name in texts
            if name in _LABELS
        ],
        "photo": {**PHOTO.box(), "octets": list(photo)} if photo else None,
    }


def _with_size(png: bytes, pixels_per_inch: float) -> bytes:
    """Write into a picture how large it is: the typesetter leaves it out (PNG, clause 11.3.4.3)."""
    per_metre = round(pixels_per_inch / _INCH_METRES)
    chunk = b"pHYs" + struct.pack(">IIB", per_metre, per_metre, 1)
    size = struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
    return png[:_AFTER_HEADER] + size + png[_AFTER_HEADER:]
