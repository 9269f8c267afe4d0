"""Which font prints a character: decided by the cmap, refused by code point."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from juki_terminal.paper.errors import CharacterUnsupported, FontMissing
from juki_terminal.paper.fonts import Coverage, Fonts, Run, clusters

MJ, EX, LATIN = "IPAmjMincho", "IPAexMincho", "DejaVu Serif"


@pytest.mark.parametrize(
    "name",
    [
        "\U00020bb7田　太郎",
        "\u9ad9橋",
        "山\ufa11",
        "\ufa19谷",
        "渡邉\U000e0110",
        "\u4d92藤\U000e0103　太朗\U000e0105",
        "渡\U0002e7bd",
        "\ufa10\ufa1b\ufa1c\ufa1e\ufa67\ufa45",
        "佐々木〆市ヶ谷八ッ橋",
        "\U0001b002\u31f7\u309a",
        "O’BRIEN JOSÉ",
    ],
    ids=lambda name: "-".join(f"{ord(c):X}" for c in name),
)
def test_name_in_the_collection_of_the_registers_is_printed_by_ipamj(
    fonts: Fonts, name: str
) -> None:
    assert fonts.runs(name, "name") == (Run(MJ, name),)


@pytest.mark.parametrize("sequence", ["\u845b\U000e0100", "\u8fbb\U000e0100", "\u8fbb\U000e0101"])
def test_sequence_of_the_other_collection_is_printed_by_the_font_that_lists_it(
    fonts: Fonts, sequence: str
) -> None:
    assert fonts.runs(f"{sequence}城", "name") == (Run(EX, sequence), Run(MJ, "城"))


def test_foreign_name_keeps_one_face(fonts: Fonts) -> None:
    name = "NGUYỄN THỊ HÀ"

    runs = fonts.runs(name, "name")

    assert {run.family for run in runs if run.text.strip()} == {LATIN}
    assert "".join(run.text for run in runs) == name


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        ("\u845b\U000e01ef城", "U+845B U+E01EF"),
        ("山\U000e0100田", "U+5C71 U+E0100"),
        ("田\U000e0100\U000e0101", "U+7530 U+E0100 U+E0101"),
        ("\U000e0100田", "U+E0100"),
        ("田\U00030000", "U+30000"),
        ("\uac00田", "U+AC00"),
        ("\U0002f80f田", "U+2F80F"),
        ("田\U0001f600", "U+1F600"),
        ("あ\U000e0100い", "U+3042 U+E0100"),
    ],
)
def test_character_that_no_font_has_is_refused_by_code_point(
    fonts: Fonts, text: str, refused: str
) -> None:
    with pytest.raises(CharacterUnsupported) as error:
        fonts.runs(text, "per[0].name")

    assert error.value.code_points == (refused,)
    assert error.value.field == "per[0].name"
    assert "田" not in str(error.value)


def test_every_refused_character_is_named_once(fonts: Fonts) -> None:
    with pytest.raises(CharacterUnsupported) as error:
        fonts.runs("\uac00\uac01\uac00", "name")

    assert error.value.code_points == ("U+AC00", "U+AC01")


def test_base_character_alone_does_not_make_its_sequences_printable(fonts: Fonts) -> None:
    mincho = fonts.faces[0]

    assert mincho.prints("\u845b")
    assert not mincho.prints("\u845b\U000e0100")
    assert mincho.prints("\u845b\U000e0102")


@given(st.text(st.sampled_from("神\ufa19葛\U000e0100\U000e0102が\u3099\u309a A　"), max_size=12))
def test_clusters_put_together_are_the_text(text: str) -> None:
    assert "".join(clusters(text)) == text


@given(text=st.text(max_size=12))
def test_runs_put_together_are_the_text_or_it_is_refused(fonts: Fonts, text: str) -> None:
    try:
        runs = fonts.runs(text, "name")
    except CharacterUnsupported:
        return

    assert "".join(run.text for run in runs) == text


def test_font_that_is_not_there_is_named_with_its_remedy(tmp_path: Path) -> None:
    with pytest.raises(FontMissing) as error:
        Fonts.load(((MJ, tmp_path / "ipamjm.ttf"),))

    assert error.value.family == MJ
    assert error.value.remedy == "make system"


def test_second_file_of_the_same_family_is_refused(fonts: Fonts, tmp_path: Path) -> None:
    # The typesetter would pick one of the two, and nobody would know which.
    octets = fonts.faces[1].path.read_bytes()
    (tmp_path / "a.ttf").write_bytes(octets)
    (tmp_path / "b.ttf").write_bytes(octets)

    with pytest.raises(FontMissing):
        Fonts.load(((EX, tmp_path / "a.ttf"),))


def test_sequence_with_the_default_glyph_is_covered(fonts: Fonts) -> None:
    # In format 14 such a sequence has a record without a glyph of its own.
    face = Coverage.of(EX, fonts.faces[1].path)

    assert face.prints("\u8fbb\U000e0101")
