"""Photos for a card: what is refused before anything decodes it, and what is kept of a good one."""

from __future__ import annotations

import contextlib
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from juki_center.areas.cards.photos import MOST_OCTETS, MOST_SCANS, stripped
from juki_center.errors import Reason, Refusal
from tests.support.photos import (
    MARK,
    SIZE,
    jpeg,
    other,
    picture,
    segment,
    talkative,
    with_frame,
)

GOOD = jpeg()
HEIC = b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + bytes(500)


def rule_of(octets: bytes) -> str:
    with pytest.raises(Refusal) as caught:
        stripped(octets)
    assert caught.value.reason is Reason.PHOTO_NOT_USABLE
    return caught.value.metadata["rule"]


def pixels(octets: bytes) -> bytes:
    with Image.open(BytesIO(octets)) as image:
        return image.tobytes()


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_a_photo_keeps_its_picture_to_the_last_pixel(mode: str, *, progressive: bool) -> None:
    photo = jpeg(mode=mode, progressive=progressive)

    kept = stripped(photo)

    assert pixels(kept) == pixels(photo)
    assert stripped(kept) == kept


def test_nothing_but_the_picture_is_kept() -> None:
    photo = talkative()

    kept = stripped(photo)

    assert photo.count(MARK) > 3
    assert MARK not in kept
    assert pixels(kept) == pixels(photo)
    with Image.open(BytesIO(kept)) as image:
        assert not image.getexif()
        assert {"comment", "icc_profile"}.isdisjoint(image.info)


def test_a_thumbnail_in_the_header_is_left_out() -> None:
    thumbnail = segment(0xE0, b"JFIF\x00\x01\x02\x00\x00\x01\x00\x01\x08\x08" + MARK * 7)
    photo = GOOD[:2] + thumbnail + GOOD[20:]

    kept = stripped(photo)

    assert MARK in photo
    assert MARK not in kept
    assert pixels(kept) == pixels(GOOD)


def test_another_kind_of_file_behind_the_picture_is_cut_off() -> None:
    archive = GOOD + b"PK\x03\x04" + bytes(30) + b"PK\x05\x06" + bytes(18)

    assert stripped(archive) == stripped(GOOD)


@pytest.mark.parametrize(
    ("octets", "rule"),
    [
        (GOOD + bytes(5_000_000), "TOO_LARGE"),
        (GOOD + bytes(MOST_OCTETS + 1 - len(GOOD)), "TOO_LARGE"),
        (other("PNG"), "NOT_JPEG"),
        (other("WEBP"), "NOT_JPEG"),
        (HEIC, "NOT_JPEG"),
        (b"%PDF-1.7\n" + GOOD, "NOT_JPEG"),
        (b"", "NOT_JPEG"),
        (b"\xff\xd8\xff", "DAMAGED"),
        (GOOD[: len(GOOD) // 2], "DAMAGED"),
        (GOOD[:-2], "DAMAGED"),
        (GOOD[:2] + segment(0xDB, b"")[:2] + b"\x00\x01" + GOOD[2:], "DAMAGED"),
        (GOOD[:2] + b"\xff\xd0" + GOOD[2:], "DAMAGED"),
        (GOOD[:2] + GOOD[:2] + GOOD[2:], "DAMAGED"),
        (b"\xff\xd8\xff\xd9", "DAMAGED"),
        (GOOD.replace(b"\xff\xc0", b"\xff\xc9", 1), "KIND_OF_JPEG"),
        (jpeg(mode="CMYK"), "COLOURS"),
        (jpeg((412, 530)), "PIXELS"),
        (jpeg((1, 1)), "PIXELS"),
        (with_frame(GOOD, 20_000, 20_000), "PIXELS"),
        (with_frame(GOOD, 420, 0), "PIXELS"),
        (with_frame(GOOD, 2_001, 2_573), "PIXELS"),
        (jpeg((540, 540)), "PROPORTION"),
        (jpeg((429, 540)), "PROPORTION"),
        (jpeg((413, 542)), "PROPORTION"),
        (jpeg(orientation=6), "TURNED"),
        (jpeg(orientation=3), "TURNED"),
    ],
)
def test_a_photo_that_no_card_can_carry_is_refused_with_its_rule(octets: bytes, rule: str) -> None:
    assert rule_of(octets) == rule


@pytest.mark.parametrize(
    "photo", [jpeg((413, 531)), jpeg((428, 540)), jpeg((413, 541)), jpeg(orientation=1)]
)
def test_a_photo_at_the_limit_is_taken(photo: bytes) -> None:
    assert stripped(photo)


def test_two_frames_in_one_file_are_refused() -> None:
    at = GOOD.index(b"\xff\xc0")
    frame = GOOD[at : at + 19]

    assert rule_of(GOOD[:at] + frame + GOOD[at:]) == "DAMAGED"


def test_a_file_of_thousands_of_scans_is_refused_before_it_is_decoded() -> None:
    start = segment(0xDA, b"\x01\x01\x00\x00\x3f\x00")

    assert rule_of(GOOD[:-2] + start * MOST_SCANS + GOOD[-2:]) == "SCANS"


@settings(max_examples=300, deadline=None)
@given(st.integers(2, len(GOOD) - 1), st.binary(min_size=1, max_size=6))
def test_whatever_is_damaged_ends_in_a_photo_or_in_its_refusal(at: int, octets: bytes) -> None:
    damaged = GOOD[:at] + octets + GOOD[at + len(octets) :]

    with contextlib.suppress(Refusal):
        kept = stripped(damaged)
        assert stripped(kept) == kept


def test_the_pictures_of_these_tests_have_the_proportion_of_a_card() -> None:
    assert picture().size == SIZE
