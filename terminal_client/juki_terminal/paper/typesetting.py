"""The typesetter: a template of this package and data in, pages out.

Text reaches it as data, never as markup, in runs whose font has been checked to have exactly these
characters; a warning fails, because a missing font is only a warning to it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Final, Literal

import typst

from juki_terminal.paper.errors import RenderingFailed

if TYPE_CHECKING:
    from juki_terminal.paper.fonts import Fonts

DATA: Final = "data"


@dataclass(frozen=True, slots=True)
class Template:
    """A template of this package, in parts; an archival one gives PDF/A-3b, and tells its date."""

    parts: tuple[str, ...]
    is_archival: bool = False

    def octets(self) -> bytes:
        """Return its text."""
        folder = files("juki_terminal.paper")
        return b"".join(folder.joinpath(part).read_bytes() for part in self.parts)


def runs_of(text: str, field: str, fonts: Fonts) -> list[dict[str, str]]:
    """Return a text in runs, as the templates take it; raises CharacterUnsupported."""
    return [{"font": run.family, "text": run.text} for run in fonts.runs(text, field)]


def typeset(
    template: Template,
    source: str,
    fonts: Fonts,
    kind: Literal["pdf", "png"],
    *,
    pixels_per_inch: float | None = None,
) -> tuple[bytes, ...]:
    """Set data in JSON by a template; return the PDF, or a picture of each page.

    Raises RenderingFailed.
    """
    try:
        output, warnings = typst.compile_with_warnings(
            template.octets(),
            font_paths=fonts.typesetter,
            ignore_system_fonts=True,
            sys_inputs={DATA: source},
            format=kind,
            ppi=pixels_per_inch,
            pdf_standards=["a-3b"] if kind == "pdf" and template.is_archival else [],
        )
    except typst.TypstError as error:
        # The diagnostic quotes the source, which holds personal data: only the message goes on.
        raise RenderingFailed(error.message) from None
    if warnings:
        raise RenderingFailed("; ".join(warning.message for warning in warnings))
    # A single page of PNG comes bare, several come as a list; the stub does not know of lists.
    pages: bytes | list[bytes] = output
    return tuple(pages) if isinstance(pages, list) else (pages,)


def asked(template: Template, source: str, fonts: Fonts, label: str) -> object:
    """Return the value that a template puts under a label, without setting pages.

    Raises RenderingFailed.
    """
    try:
        answer: str = typst.query(
            template.octets(),
            f"<{label}>",
            field="value",
            one=True,
            font_paths=fonts.typesetter,
            ignore_system_fonts=True,
            sys_inputs={DATA: source},
        )
    except typst.TypstError as error:
        raise RenderingFailed(error.message) from None
    value: object = json.loads(answer)
    return value


def _octets(template: str) -> bytes:
    return files("juki_terminal.paper").joinpath(template).read_bytes()
