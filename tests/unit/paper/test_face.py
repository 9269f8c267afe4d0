"""Card faces: true size, what was given and nothing else, small type before a refusal."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import date

import pikepdf
import pytest
from PIL import Image

from juki_center.areas.cards import photos
from juki_terminal.paper.errors import CharacterUnsupported, TextTooLong
from juki_terminal.paper.face import Bearer, Face, grouped, render_face
from juki_terminal.paper.fonts import Fonts
from tests.support.pdf_text import pages_of
from tests.support.photos import jpeg, talkative

NAME = "䶒藤󠄃　太朗󠄅"
ADDRESS = "埼玉県所沢市並木一丁目1番地の1　コーポ𠮷田　203号室"
STYLE_1 = Face("123456789012", "所沢市", date(2013, 8, 24), NAME, "310452")
BEARER = Bearer("昭和45年3月2日", "男", ADDRESS, jpeg())
STYLE_2 = replace(STYLE_1, bearer=BEARER)
NAMES = [
    NAME,
    "𠮷田　太郎",
    "髙橋　﨑子",
    "神谷　葛󠄀城",
    "渡邉󠄐　渡𮞽",
    "𛀂ㇷ゚",
    "NGUYỄN THỊ HÀ",
    "O'BRIEN JOSÉ",
    "ﾔﾏﾀﾞ ﾀﾛｳ",
    "",
]
LONGEST = ["髙" * 100, "葛󠄀" * 50, "ー" * 100, ("NGUYỄN THỊ HÀ " * 8)[:100]]


def text_of(face: Face, fonts: Fonts) -> str:
    (page,) = pages_of(render_face(face, fonts=fonts).pdf())
    return page


def test_style_1_says_name_municipality_validity_number_and_access_number(fonts: Fonts) -> None:
    text = text_of(STYLE_1, fonts)

    assert text == (
        f"住民基本台帳カード所沢市{NAME}平成25年8月24日（2013年8月24日）まで有効"
        "1234-5678-9012310452氏名有効期限カード番号照合番号"
    )


def test_style_2_says_birth_date_sex_and_address_too(fonts: Fonts) -> None:
    text = text_of(STYLE_2, fonts)

    assert text == (
        f"住民基本台帳カード所沢市{NAME}平成25年8月24日（2013年8月24日）まで有効"
        f"1234-5678-9012310452昭和45年3月2日{ADDRESS}男"
        "氏名有効期限カード番号照合番号生年月日住所性別"
    )


def test_blank_sex_leaves_no_label(fonts: Fonts) -> None:
    face = replace(STYLE_2, bearer=replace(BEARER, sex=""))

    assert "性別" not in text_of(face, fonts)


@pytest.mark.parametrize("name", [*NAMES, *LONGEST])
@pytest.mark.parametrize("face", [STYLE_1, STYLE_2], ids=["1", "2"])
def test_name_is_on_the_face_in_every_code_point(fonts: Fonts, face: Face, name: str) -> None:
    """Case 45: the text that a reader takes from the PDF is the register's, octet for octet."""
    text = text_of(replace(face, name=name), fonts)

    assert name.encode() in text.encode()


@pytest.mark.parametrize(
    "address",
    ["埼" * 200, ADDRESS * 6, "1-2-3 RUE DE LA PAIX " * 8],
    ids=["same", "usual", "abroad"],
)
def test_long_address_is_set_whole_in_smaller_type(fonts: Fonts, address: str) -> None:
    text = text_of(replace(STYLE_2, bearer=replace(BEARER, address=address)), fonts)

    assert address in text


@pytest.mark.parametrize(
    ("face", "field", "points"),
    [
        (replace(STYLE_1, name="W" * 100), "name", 6),
        (replace(STYLE_2, name="W" * 60), "name", 5),
        (replace(STYLE_2, bearer=replace(BEARER, address="埼" * 400)), "address", 4.5),
        (replace(STYLE_1, municipality="市" * 60), "municipality", 5),
    ],
)
def test_text_that_does_not_fit_in_the_smallest_type_is_refused_by_its_field(
    fonts: Fonts, face: Face, field: str, points: float
) -> None:
    with pytest.raises(TextTooLong) as refused:
        render_face(face, fonts=fonts)

    assert (refused.value.field, refused.value.smallest_points) == (field, points)
    assert face.name not in str(refused.value)


def test_name_that_no_font_has_is_refused_by_its_code_points(fonts: Fonts) -> None:
    with pytest.raises(CharacterUnsupported) as refused:
        render_face(replace(STYLE_1, name="葛\U000e01ef城"), fonts=fonts)

    assert (refused.value.field, refused.value.code_points) == ("name", ("U+845B U+E01EF",))


@pytest.mark.parametrize("face", [STYLE_1, STYLE_2], ids=["1", "2"])
def test_page_is_of_the_size_of_a_card(fonts: Fonts, face: Face) -> None:
    with pikepdf.open(io.BytesIO(render_face(face, fonts=fonts).pdf())) as document:
        (page,) = document.pages
        millimetres = [float(side) / 72 * 25.4 for side in page.mediabox]

    assert millimetres == pytest.approx([0, 0, 85.60, 53.98], abs=0.01)


@pytest.mark.parametrize(
    ("pixels_per_inch", "size"), [(300, (1011, 638)), (600, (2022, 1275))], ids=["300", "600"]
)
def test_picture_has_the_pixels_of_its_resolution_and_says_it(
    fonts: Fonts, pixels_per_inch: int, size: tuple[int, int]
) -> None:
    octets = render_face(STYLE_2, fonts=fonts).png(pixels_per_inch=pixels_per_inch)

    with Image.open(io.BytesIO(octets)) as picture:
        picture.load()
    assert picture.size == size
    assert picture.info["dpi"] == pytest.approx((pixels_per_inch, pixels_per_inch), rel=1e-4)


@pytest.mark.parametrize(
    "photo",
    [
        jpeg(),
        jpeg((413, 531), "L"),
        jpeg((420, 540), progressive=True),
        jpeg((2_000, 2_571)),
        jpeg((450, 570)),
        photos.stripped(talkative()),
    ],
    ids=["usual", "grey", "progressive", "largest", "a little wide", "as the center keeps it"],
)
def test_photo_is_in_the_document_octet_for_octet(fonts: Fonts, photo: bytes) -> None:
    rendered = render_face(replace(STYLE_2, bearer=replace(BEARER, photo=photo)), fonts=fonts)

    assert photo in rendered.pdf()
    with Image.open(io.BytesIO(rendered.png(pixels_per_inch=300))) as picture:
        assert picture.size == (1011, 638)


def test_picture_shows_the_photo_in_its_place_and_its_proportion(fonts: Fonts) -> None:
    black = io.BytesIO()
    Image.new("RGB", (413, 531)).save(black, "JPEG")
    face = replace(STYLE_2, bearer=replace(BEARER, photo=black.getvalue()))

    shown = Image.open(io.BytesIO(render_face(face, fonts=fonts).png())).convert("L")

    left, top, right, bottom = (round(mm * 600 / 25.4) for mm in (59.2, 10.0, 81.6, 38.8))
    box = shown.crop((left, top, right, bottom))
    assert sum(pixel < 16 for pixel in box.tobytes()) > 0.99 * box.width * box.height
    assert {shown.getpixel((x, (top + bottom) // 2)) for x in (left - 9, right + 9)} == {255}
    assert {shown.getpixel(((left + right) // 2, y)) for y in (top - 9, bottom + 9)} == {255}


def test_each_label_stands_closer_to_its_own_value_than_to_the_field_above(fonts: Fonts) -> None:
    shown = Image.open(io.BytesIO(render_face(STYLE_2, fonts=fonts).png())).convert("L")

    gaps = _gaps(shown, left=4.0, right=12.0, top=8.0, bottom=38.0)
    # Name label, name, birth label, birth date, address label, first line of the address.
    _, name, above_birth, birth, above_address, address, *_ = gaps
    assert max(name, birth, address) < 1.0
    assert min(above_birth, above_address) > max(name, birth, address)


def _gaps(
    picture: Image.Image, *, left: float, right: float, top: float, bottom: float
) -> list[float]:
    """Return the heights of the blank stripes above each line of a part, in millimetres."""
    dots = 600 / 25.4
    gaps, blank, was_blank = [], 0, True
    for y in range(round(top * dots), round(bottom * dots)):
        row = picture.crop((round(left * dots), y, round(right * dots), y + 1))
        is_blank = min(row.tobytes()) > 128
        if was_blank and not is_blank:
            gaps.append(blank / dots)
        blank = blank + 1 if is_blank else 0
        was_blank = is_blank
    return gaps


def test_two_runs_give_the_same_bytes(fonts: Fonts) -> None:
    first, second = render_face(STYLE_2, fonts=fonts), render_face(STYLE_2, fonts=fonts)

    assert (first.pdf(), first.png()) == (second.pdf(), second.png())


def test_representations_show_no_personal_datum(fonts: Fonts) -> None:
    shown = repr(STYLE_2) + repr(render_face(STYLE_2, fonts=fonts))

    assert not any(secret in shown for secret in (NAME, ADDRESS, "昭和", "310452"))


def test_number_is_read_in_groups_of_four() -> None:
    assert grouped("000000000195") == "0000-0000-0195"
