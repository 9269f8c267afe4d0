"""The paper: the same on every machine, with exactly the glyphs of the register."""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from fontTools.pens.recordingPen import DecomposingRecordingPen
from fontTools.ttLib import TTFont
from PIL import Image

from juki_terminal.paper.attachment import extract_signed_content
from juki_terminal.paper.errors import CharacterUnsupported, ContentRefused, RenderingFailed
from juki_terminal.paper.fonts import Fonts
from juki_terminal.paper.render import TEMPLATE, RenderedCopy, render
from juki_terminal.paper.typesetting import typeset
from tests.support.copy_content import CopySigner, person, signed_copy
from tests.support.copy_vectors import COPIES

PROGRAM = """
import sys
from juki_terminal.paper.render import render
print(render(bytes.fromhex(sys.stdin.read())).sha256.hex())
"""


def test_two_runs_give_the_same_bytes(signer: CopySigner, fonts: Fonts) -> None:
    octets = signed_copy(signer)

    first, second = render(octets, fonts=fonts), render(octets, fonts=fonts)

    assert first.pdf == second.pdf
    assert first.sha256 == hashlib.sha256(first.pdf).digest()
    assert first.png() == second.png()


@pytest.mark.slow
@pytest.mark.parametrize("name", COPIES)
def test_another_place_and_time_give_the_same_bytes(
    signer: CopySigner, fonts: Fonts, tmp_path: Path, name: str
) -> None:
    octets = signed_copy(signer, **COPIES[name])
    elsewhere = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join(sys.path),
        "PYTHONHASHSEED": "7",
        "TZ": "America/St_Johns",
        "LC_ALL": "tr_TR.UTF-8",
        "HOME": str(tmp_path),
        "SOURCE_DATE_EPOCH": "1",
    }

    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        input=octets.hex(),
        env=elsewhere,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )

    assert ran.stdout.strip() == render(octets, fonts=fonts).sha256.hex()


def test_document_is_archival_and_carries_the_signed_content(
    signer: CopySigner, fonts: Fonts
) -> None:
    octets = signed_copy(signer)

    pdf = render(octets, fonts=fonts).pdf

    with pikepdf.open(io.BytesIO(pdf)) as document:
        assert document.open_metadata().pdfa_status == "3B"
        (file,) = document.Root.AF
        assert str(file.AFRelationship) == "/Source"
        assert document.docinfo["/CreationDate"] == "D:20261123010203Z"
    assert extract_signed_content(pdf) == octets


@pytest.mark.parametrize(("persons", "pages"), [(1, 1), (3, 1), (4, 2), (12, 4), (50, 13)])
def test_household_goes_over_as_many_a4_pages_as_it_needs(
    signer: CopySigner, fonts: Fonts, persons: int, pages: int
) -> None:
    rendered = render(signed_copy(signer, scope="household", per=[person()] * persons), fonts=fonts)

    with pikepdf.open(io.BytesIO(rendered.pdf)) as document:
        boxes = [[round(float(side)) for side in page.mediabox] for page in document.pages]
    assert boxes == [[0, 0, 595, 842]] * pages


def test_pictures_are_one_a_page(signer: CopySigner, fonts: Fonts) -> None:
    rendered = render(signed_copy(signer, scope="household", per=[person()] * 5), fonts=fonts)

    sizes = [Image.open(io.BytesIO(page)).size for page in rendered.png(pixels_per_inch=72)]

    assert sizes == [(595, 842), (595, 842)]


def test_representation_shows_no_personal_datum(signer: CopySigner, fonts: Fonts) -> None:
    rendered = render(signed_copy(signer), fonts=fonts)

    assert repr(rendered) == f"RenderedCopy({rendered.sha256.hex()}, ***)"


Outline = list[tuple[str, tuple[Any, ...]]]


def _outline(font: TTFont, glyph: str) -> Outline:
    glyphs = font.getGlyphSet()
    pen = DecomposingRecordingPen(glyphs)
    glyphs[glyph].draw(pen)
    return pen.value


def _printed(rendered: RenderedCopy) -> list[Outline]:
    """Return the outline of every glyph that is embedded in the PDF."""
    outlines: list[Outline] = []
    with pikepdf.open(io.BytesIO(rendered.pdf)) as document:
        for page in document.pages:
            for font in page.resources.Font.values():
                program = font.DescendantFonts[0].FontDescriptor.FontFile2.read_bytes()
                subset = TTFont(io.BytesIO(program))
                outlines += [_outline(subset, glyph) for glyph in subset.getGlyphOrder()]
    return outlines


@cache
def _source_font(path: Path) -> TTFont:
    return TTFont(path, lazy=True)


def _glyph(fonts: Fonts, cluster: str) -> Outline:
    """Return the outline that the font's cmap gives for a cluster, its selector included."""
    (run,) = fonts.runs(cluster, "test")
    path = next(face.path for face in fonts.faces if face.family == run.family)
    font = _source_font(path)
    base = font["cmap"].getBestCmap()[ord(cluster[0])]
    if len(cluster) == 1:
        return _outline(font, base)
    (table,) = (table for table in font["cmap"].tables if table.format == 14)
    return _outline(font, dict(table.uvsDict[ord(cluster[1])])[ord(cluster[0])] or base)


VARIANTS = [
    ("\U00020bb7", "\u5409"),
    ("\u9ad9", "\u9ad8"),
    ("\ufa11", "\u5d0e"),
    ("\ufa19", "\u795e"),
    ("\u845b\U000e0100", "\u845b"),
    ("\u8fbb\U000e0100", "\u8fbb"),
    ("\u9089\U000e0110", "\u9089"),
    ("\u85e4\U000e0103", "\u85e4"),
    ("\u6717\U000e0105", "\u6717"),
    ("\U0002e7bd", "\u9089"),
    ("\u4d92", "\u9f4b"),
]


@pytest.mark.parametrize(
    ("variant", "plain"), VARIANTS, ids=["-".join(f"{ord(c):X}" for c in v) for v, _ in VARIANTS]
)
def test_variant_is_printed_with_its_own_glyph_and_not_the_plain_one(
    signer: CopySigner, fonts: Fonts, variant: str, plain: str
) -> None:
    own, other = _glyph(fonts, variant), _glyph(fonts, plain)
    assert own != other

    with_variant = _printed(render(signed_copy(signer, per=[person(name=variant)]), fonts=fonts))
    with_plain = _printed(render(signed_copy(signer, per=[person(name=plain)]), fonts=fonts))

    assert own in with_variant
    assert other not in with_variant
    assert other in with_plain
    assert own not in with_plain


def test_alias_of_a_foreign_resident_is_printed(signer: CopySigner, fonts: Fonts) -> None:
    foreigner = person(name="WANG　XIAOMING", alias="田中　小明")

    printed = _printed(render(signed_copy(signer, per=[foreigner]), fonts=fonts))

    assert {c for c in "通称中小明" if _glyph(fonts, c) not in printed} == set()


def test_text_that_looks_like_markup_is_printed_as_it_stands(
    signer: CopySigner, fonts: Fonts
) -> None:
    name = '#panic("x") *A* $Q$ @B <C> \\D "E" \'F\' //G'

    printed = _printed(render(signed_copy(signer, per=[person(name=name)]), fonts=fonts))

    missing = {c for c in name if c != " " and _glyph(fonts, c) not in printed}
    assert missing == set()


def test_unprintable_name_is_refused_before_anything_is_set(
    signer: CopySigner, fonts: Fonts
) -> None:
    octets = signed_copy(signer, per=[person(name="\u845b\U000e01ef城")])

    with pytest.raises(CharacterUnsupported) as refused:
        render(octets, fonts=fonts)

    assert refused.value.field == "per[0].name"
    assert refused.value.code_points == ("U+845B U+E01EF",)


def test_malformed_content_is_refused(fonts: Fonts) -> None:
    with pytest.raises(ContentRefused):
        render(b"\xd2\x80", fonts=fonts)


def test_resident_code_is_on_paper_only_if_asked_for(signer: CopySigner, fonts: Fonts) -> None:
    asked = signed_copy(signer, items=["code"], per=[person(code="24727059608")])

    with_code = render(asked, fonts=fonts)
    without = render(signed_copy(signer), fonts=fonts)

    # 票 is in the title anyway; コ, ー and ド of the label are in no other word on the page.
    label = [_glyph(fonts, character) for character in "コード"]
    assert all(outline in _printed(with_code) for outline in label)
    assert not any(outline in _printed(without) for outline in label)


def test_typesetter_that_does_not_know_a_font_fails_instead_of_leaving_it_out(
    fonts: Fonts, signer: CopySigner
) -> None:
    rendered = render(signed_copy(signer), fonts=fonts)
    source = rendered.source.replace("IPAmjMincho", "IPAmjMinchoX")

    with pytest.raises(RenderingFailed, match="font family"):
        typeset(TEMPLATE, source, fonts, "pdf")


def test_failure_of_the_typesetter_quotes_no_data(fonts: Fonts, signer: CopySigner) -> None:
    rendered = render(signed_copy(signer), fonts=fonts)
    source = rendered.source.replace('"moment": [2026', '"moment": [-9999999999')

    with pytest.raises(RenderingFailed) as failed:
        typeset(TEMPLATE, source, fonts, "pdf")

    assert "ヨシダ" not in str(failed.value)
