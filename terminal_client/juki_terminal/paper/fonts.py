"""Which font prints a character exactly, decided before anything is printed.

A variation sequence (base character and selector, UTS #37) is printable only by a font whose
cmap lists it (OpenType, cmap format 14); a font that does not list it silently prints another
person's name. IPAmj Mincho knows the collection Moji_Joho of the registers, IPAex Mincho the
collection Adobe-Japan1, DejaVu Serif the letters of foreign names. Names are never normalised.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Final, Self

import typst
from fontTools.ttLib import TTFont

from juki_terminal.paper.errors import CharacterUnsupported, FontMissing

VARIATION_SELECTORS: Final = (range(0xFE00, 0xFE10), range(0xE0100, 0xE01F0))
COMBINING_KANA_MARKS: Final = range(0x3099, 0x309B)
SPACES: Final = frozenset("\u0020\u3000")
FIRST_EAST_ASIAN: Final = 0x2E80


@dataclass(frozen=True, slots=True)
class Typeface:
    """A font to look for: its family, where Debian puts it, and the package that brings it."""

    family: str
    path: Path
    package: str
    needed: bool


TYPEFACES: Final = (
    Typeface(
        "IPAmjMincho",
        Path("/usr/share/fonts/truetype/ipamj/ipamjm.ttf"),
        "fonts-ipamj-mincho",
        needed=True,
    ),
    Typeface(
        "IPAexMincho",
        Path("/usr/share/fonts/opentype/ipaexfont-mincho/ipaexm.ttf"),
        "fonts-ipaexfont-mincho",
        needed=True,
    ),
    Typeface(
        "DejaVu Serif",
        Path("/usr/share/fonts/truetype/dejavu/DejaVuSerif.ttf"),
        "fonts-dejavu-core",
        needed=False,
    ),
)


@dataclass(frozen=True, slots=True)
class Coverage:
    """What one font prints: its characters, and its variation sequences by selector."""

    family: str
    path: Path
    characters: frozenset[int] = field(repr=False)
    sequences: Mapping[int, frozenset[int]] = field(repr=False)

    @classmethod
    def of(cls, family: str, path: Path) -> Self:
        """Read the cmap of a font file."""
        with TTFont(path, lazy=True) as font:
            # Glyph names are of no use here, and reading them costs more than the cmap itself.
            font.setGlyphOrder([str(glyph) for glyph in range(font["maxp"].numGlyphs)])
            tables = font["cmap"].tables
            sequences = {
                selector: frozenset(base for base, _ in entries)
                for table in tables
                if table.format == 14
                for selector, entries in table.uvsDict.items()
            }
            # Glyph 0 is the box that stands for a missing character.
            characters = {
                point for point, glyph in font["cmap"].getBestCmap().items() if glyph != "0"
            }
            return cls(family, path, frozenset(characters), sequences)

    def prints(self, cluster: str) -> bool:
        """Say whether the font has exactly this cluster."""
        points = [ord(character) for character in cluster]
        if len(points) == 2 and is_selector(points[1]):
            return points[0] in self.sequences.get(points[1], frozenset())
        return all(p in self.characters and not is_selector(p) for p in points)


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch of text that one font prints."""

    family: str
    text: str


@dataclass(frozen=True, slots=True)
class Fonts:
    """The fonts of the paper in the order of preference, and the typesetter's view of them."""

    faces: tuple[Coverage, ...]
    typesetter: typst.Fonts

    @classmethod
    def find(cls) -> Self:
        """Find the installed fonts; raises FontMissing with the package that is wanted."""
        return cls.load(tuple(_installed()))

    @classmethod
    def load(cls, places: tuple[tuple[str, Path], ...]) -> Self:
        """Read fonts from (family, file) pairs, the preferred one first.

        Raises FontMissing unless the typesetter takes each family from exactly that file: else
        it could print with another font than the one that was asked whether it can.
        """
        typesetter = typst.Fonts(
            include_system_fonts=False,
            include_embedded_fonts=False,
            font_paths=sorted({str(path.parent) for _, path in places}),
        )
        for family, path in places:
            if _regular(typesetter, family) != [str(path)]:
                raise FontMissing(family, f"is not in {path}, or not there alone")
        return cls(tuple(_coverage(family, path) for family, path in places), typesetter)

    def runs(self, text: str, field: str) -> tuple[Run, ...]:
        """Split a text into runs, each in the preferred font that has all of it exactly.

        A text in foreign letters is kept in one font, so that a name does not change its face
        from letter to letter. Raises CharacterUnsupported with every cluster that no font has.
        """
        parts = tuple(clusters(text))
        letters = {part for part in parts if part not in SPACES}
        together = self._face(letters) if _is_foreign(letters) else None
        families = [
            together if together is not None and part in letters else self._face({part})
            for part in parts
        ]
        refused = [part for part, family in zip(parts, families, strict=True) if family is None]
        if refused:
            raise CharacterUnsupported(field, tuple(dict.fromkeys(map(code_points, refused))))
        paired = zip((family or "" for family in families), parts, strict=True)
        return tuple(
            Run(family, "".join(part for _, part in group))
            for family, group in groupby(paired, key=lambda pair: pair[0])
        )

    def _face(self, parts: set[str]) -> str | None:
        """Return the first family that prints all of these clusters."""
        for face in self.faces:
            if all(face.prints(part) for part in parts):
                return face.family
        return None


def is_selector(point: int) -> bool:
    """Say whether a code point is a variation selector."""
    return any(point in block for block in VARIATION_SELECTORS)


def clusters(text: str) -> Iterator[str]:
    """Cut a text into base characters, each with what follows and changes it."""
    start = 0
    for place in range(1, len(text)):
        point = ord(text[place])
        if not is_selector(point) and point not in COMBINING_KANA_MARKS:
            yield text[start:place]
            start = place
    if text:
        yield text[start:]


def code_points(cluster: str) -> str:
    """Return a cluster as `U+845B U+E0100`."""
    return " ".join(f"U+{ord(character):04X}" for character in cluster)


def _is_foreign(parts: set[str]) -> bool:
    """Say whether all letters come before the first East Asian block of Unicode."""
    return bool(parts) and all(ord(part[0]) < FIRST_EAST_ASIAN for part in parts)


def _installed() -> Iterator[tuple[str, Path]]:
    for face in TYPEFACES:
        path = face.path if face.path.is_file() else _ask_fontconfig(face.family)
        if path is not None:
            yield face.family, path
        elif face.needed:
            raise FontMissing(face.family, f"is not installed (Debian package {face.package})")


def _ask_fontconfig(family: str) -> Path | None:
    """Return the file of a family's regular face on systems that are not laid out as Debian."""
    command = ["fc-list", "--format=%{file}\\n", f"{family}:weight=80:slant=0:width=100", "file"]
    try:
        found = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return next((Path(line) for line in sorted(found.stdout.splitlines()) if line), None)


@cache
def _coverage(family: str, path: Path) -> Coverage:
    """Read a font once per process: the largest has 60,000 glyphs and costs 0.15 s."""
    return Coverage.of(family, path)


def _regular(typesetter: typst.Fonts, family: str) -> list[str | None]:
    return [
        font.path
        for font in typesetter.fonts()
        if (font.family, font.style, font.weight, font.stretch) == (family, "normal", 400, 1.0)
    ]
