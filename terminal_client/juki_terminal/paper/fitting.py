"""Texts in boxes: each in the largest type that fits, down to a smallest that can be read.

A text that does not fit then is refused, never cut. The typesetter measures (see `fitting.typ`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from juki_terminal.paper.errors import RenderingFailed, TextTooLong
from juki_terminal.paper.fonts import FIRST_EAST_ASIAN, SPACES, clusters
from juki_terminal.paper.typesetting import asked

if TYPE_CHECKING:
    from collections.abc import Mapping

    from juki_terminal.paper.fonts import Fonts
    from juki_terminal.paper.typesetting import Template

PRELUDE: Final = "fitting.typ"
_FIT: Final = "fit"
_QUARTERS: Final = 4
_NOT_AT_THE_START: Final = frozenset("ー々ぁぃぅぇぉっゃゅょァィゥェォッャュョヵヶ、。）」』】・")


@dataclass(frozen=True, slots=True)
class Place:
    """A box on a page in millimetres from the upper left corner; sizes of type in points."""

    left: float
    top: float
    width: float
    height: float
    largest: float = 0
    smallest: float = 0
    is_from_top: bool = False
    """Whether a text shorter than its box stands at the top, close under its label."""

    def box(self) -> dict[str, object]:
        """Return the box as the templates take it: sizes in quarters of a point."""
        return {
            "left": self.left,
            "top": self.top,
            "width": self.width,
            "height": self.height,
            "largest": round(self.largest * _QUARTERS),
            "smallest": round(self.smallest * _QUARTERS),
            "is-from-top": self.is_from_top,
        }


def field_of(place: Place, text: str, name: str, fonts: Fonts) -> dict[str, object]:
    """Return a text in its box, as the templates take it; raises CharacterUnsupported."""
    return {**place.box(), "pieces": pieces_of(text, name, fonts)}


def require_fit(template: Template, source: str, fonts: Fonts, places: Mapping[str, Place]) -> None:
    """Raise TextTooLong unless every field fits; `places` are those of the fields, in their order.

    Raises RenderingFailed too.
    """
    sizes = asked(template, source, fonts, _FIT)
    if not isinstance(sizes, list) or len(sizes) != len(places):
        raise RenderingFailed("the template does not say how its fields fit")
    for (name, place), size in zip(places.items(), sizes, strict=True):
        if size is None:
            raise TextTooLong(name, place.smallest)


def pieces_of(text: str, field: str, fonts: Fonts) -> list[list[dict[str, str]]]:
    """Return a text in pieces of runs, between which a line may break; raises CharacterUnsupported.

    A foreign word is one piece with the space behind it; an East Asian character is one, together
    with what may not begin a line.
    """
    fitted = [
        (cluster, run.family) for run in fonts.runs(text, field) for cluster in clusters(run.text)
    ]
    pieces: list[list[dict[str, str]]] = []
    before = ""
    for cluster, family in fitted:
        if not pieces or _breaks(before, cluster):
            pieces.append([])
        if pieces[-1] and pieces[-1][-1]["font"] == family:
            pieces[-1][-1]["text"] += cluster
        else:
            pieces[-1].append({"font": family, "text": cluster})
        before = cluster
    return pieces


def _breaks(before: str, cluster: str) -> bool:
    """Say whether a line may break between two clusters."""
    if cluster in SPACES or (cluster in _NOT_AT_THE_START and before not in _NOT_AT_THE_START):
        return False
    both_foreign = max(ord(before[0]), ord(cluster[0])) < FIRST_EAST_ASIAN
    return before in SPACES or not both_foreign
