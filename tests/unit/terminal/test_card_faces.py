"""`juki-terminal card print-face`: the center's words on a card, as PDF or picture."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from jukinet.cards.v1 import card_application_pb2 as applications_pb
from jukinet.cards.v1 import card_pb2 as pb
from jukinet.cards.v1 import card_service_pb2 as service_pb
from jukinet.residents.v1.civil_date_pb2 import CivilDate
from tests.support.pdf_text import pages_of
from tests.support.photos import jpeg
from tests.unit.terminal.applications_double import ADDRESS, CARD, NUMBER
from tests.unit.terminal.cards_double import CardsDouble
from tests.unit.terminal.clerk import Ended, Run, group_runner
from tests.unit.terminal.residents_double import NAME, day

CAN = "310452"


def a_face(style: applications_pb.CardStyle.ValueType) -> pb.CardFace:
    """Return the face of the one card."""
    face = pb.CardFace(
        number=CARD,
        style=style,
        name=NAME,
        municipality_name="千代田区",
        valid_until="2036-11-22",
        card_access_number=CAN,
    )
    if style == applications_pb.CARD_STYLE_2:
        face.birth_date.CopyFrom(day(33, 2, 14))
        face.sex, face.address, face.photo = "男", ADDRESS, jpeg()
    return face


@pytest.fixture
def run(config: Path) -> Run:
    return group_runner(config, "card")


@pytest.fixture
def print_face(run: Run, tmp_path: Path) -> Run:
    """Print the face into a file of this name."""

    def print_face(name: str = "face.pdf", number: str = NUMBER) -> Ended:
        return run("print-face", number, "--out", str(tmp_path / name))

    return print_face


def test_face_of_style_1_is_printed(print_face: Run, cards: CardsDouble, tmp_path: Path) -> None:
    cards.face = a_face(applications_pb.CARD_STYLE_1)

    ended = print_face()

    (page,) = pages_of((tmp_path / "face.pdf").read_bytes())
    assert ended.code == 0, ended.err
    assert cards.requests == [service_pb.GetCardFaceRequest(application_number=NUMBER)]
    assert NAME.encode() in page.encode()
    assert "令和18年11月22日（2036年11月22日）まで有効" in page
    assert f"0000-0000-0389{CAN}" in page
    assert ended.result("card_number") == CARD
    assert not any(secret in ended.out + ended.err for secret in (NAME, CAN))
    assert (tmp_path / "face.pdf").stat().st_mode & 0o777 == 0o600


def test_face_of_style_2_is_printed_with_an_era_birth_date(
    print_face: Run, cards: CardsDouble, tmp_path: Path
) -> None:
    cards.face = a_face(applications_pb.CARD_STYLE_2)

    print_face()

    pdf = (tmp_path / "face.pdf").read_bytes()
    (page,) = pages_of(pdf)
    assert "昭和33年2月14日" in page
    assert ADDRESS.encode() in page.encode()
    assert "男" in page
    assert jpeg() in pdf


def test_foreign_resident_has_a_gregorian_birth_date(
    print_face: Run, cards: CardsDouble, tmp_path: Path
) -> None:
    """Case 48: Latin name and Gregorian birth date."""
    cards.face = a_face(applications_pb.CARD_STYLE_2)
    cards.face.name = "NGUYỄN THỊ HÀ"
    cards.face.birth_date.CopyFrom(
        CivilDate(
            calendar=CivilDate.CALENDAR_GREGORIAN,
            year=1985,
            month=3,
            day=2,
            precision=CivilDate.PRECISION_DAY,
        )
    )

    print_face()

    (page,) = pages_of((tmp_path / "face.pdf").read_bytes())
    assert "1985年3月2日" in page
    assert "NGUYỄN THỊ HÀ" in page


def test_picture_is_of_a_card_at_600_dots_an_inch(
    print_face: Run, cards: CardsDouble, tmp_path: Path
) -> None:
    cards.face = a_face(applications_pb.CARD_STYLE_2)

    print_face("face.PNG")

    with Image.open(io.BytesIO((tmp_path / "face.PNG").read_bytes())) as picture:
        assert (picture.format, picture.size) == ("PNG", (2022, 1275))


@pytest.mark.parametrize(
    ("name", "reason", "metadata"),
    [
        ("葛\U000e01ef城", "CHARACTER_NOT_PRINTABLE", {"codePoints": "U+845B U+E01EF"}),
        ("W" * 100, "TEXT_DOES_NOT_FIT", {"field": "name", "smallestPoints": "6"}),
    ],
)
def test_name_that_cannot_be_printed_leaves_no_file(
    print_face: Run,
    cards: CardsDouble,
    tmp_path: Path,
    name: str,
    reason: str,
    metadata: dict[str, str],
) -> None:
    cards.face = a_face(applications_pb.CARD_STYLE_1)
    cards.face.name = name

    ended = print_face()

    assert (ended.code, ended.error("reason")) == (3, reason)
    assert ended.error("metadata") == metadata
    assert name not in ended.out + ended.err
    assert not (tmp_path / "face.pdf").exists()


def test_style_2_without_its_photo_is_not_printed(
    print_face: Run, cards: CardsDouble, tmp_path: Path
) -> None:
    cards.face = a_face(applications_pb.CARD_STYLE_2)
    cards.face.photo = b""

    ended = print_face()

    assert ended.error("reason") == "PHOTO_REQUIRED"
    assert not (tmp_path / "face.pdf").exists()


@pytest.mark.parametrize(
    ("name", "number", "field"),
    [("face.jpg", NUMBER, "out"), ("face.pdf", "A000000000196", "application_number")],
)
def test_wrong_call_is_refused_before_anything_is_asked(
    print_face: Run, cards: CardsDouble, name: str, number: str, field: str
) -> None:
    ended = print_face(name, number)

    metadata = ended.error("metadata")
    assert isinstance(metadata, dict)
    assert (ended.code, metadata["field"]) == (2, field)
    assert cards.requests == []


def test_refusal_of_the_center_is_told(print_face: Run, cards: CardsDouble) -> None:
    cards.faults = ["NOT_IN_THIS_STATE"]

    ended = print_face()

    assert (ended.code, ended.error("reason")) == (3, "NOT_IN_THIS_STATE")
