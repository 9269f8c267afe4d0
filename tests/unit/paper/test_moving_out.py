"""The certificate of moving out: every item of each person, over pages, always the same bytes."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import date

import pikepdf
import pytest

from juki_terminal.paper.errors import CharacterUnsupported, TextTooLong
from juki_terminal.paper.fonts import Fonts
from juki_terminal.paper.moving_out import Certificate, MovingPerson, render_certificate
from tests.support.pdf_text import pages_of

NAME = "䶒藤󠄃　太朗󠄅"
ADDRESS = "埼玉県所沢市並木一丁目1番地の1　コーポ𠮷田　203号室"
HEAD = MovingPerson(
    name=NAME,
    kana="サイトウ　タロウ",
    birth="昭和45年3月2日",
    sex="男",
    relationship="世帯主",
    householder=NAME,
    resident_since="平成15年8月25日",
    address=ADDRESS,
    code="24727059608",
    domicile="東京都千代田区九段南一丁目2番",
    register_head="齋藤　一郎",
)
WIFE = replace(HEAD, name="渡𮞽　花子", kana="", sex="女", relationship="妻", code="24846016224")
FOREIGNER = replace(
    HEAD,
    name="NGUYỄN THỊ HÀ",
    birth="1990年5月1日",
    relationship="同居人",
    householder="",
    code="25208017643",
    domicile="",
    register_head="",
    is_foreign=True,
    alias="山田　はな",
    kanji_name="阮　氏河",
)
CERTIFICATE = Certificate(
    number="M123456789092",
    verification_code="123456789012345611",
    count=1,
    origin="埼玉県所沢市",
    destination="東京都千代田区",
    destination_address="九段南一丁目2番1号",
    planned_on=date(2026, 3, 31),
    notified_on=date(2026, 3, 20),
    issued_on=date(2026, 3, 21),
    persons=(HEAD, WIFE, FOREIGNER),
)


def text_of(certificate: Certificate, fonts: Fonts) -> list[str]:
    return pages_of(render_certificate(certificate, fonts=fonts).pdf())


def test_all_items_of_each_person_are_on_the_paper(fonts: Fonts) -> None:
    (page,) = text_of(CERTIFICATE, fonts)

    for person in CERTIFICATE.persons:
        for item in (
            person.name,
            person.birth,
            person.sex,
            person.relationship,
            person.resident_since,
            person.address,
            person.code,
        ):
            assert item.encode() in page.encode()
    for item in (HEAD.kana, HEAD.domicile, HEAD.register_head, f"{NAME}　世帯主"):
        assert item.encode() in page.encode()
    for label in ("本籍", "筆頭者", "住民となった年月日", "世帯主・続柄", "住民票コード"):
        assert label in page


def test_head_of_the_paper_names_both_numbers_places_and_days(fonts: Fonts) -> None:
    (page,) = text_of(CERTIFICATE, fonts)

    for item in (
        "M123456789092",
        "1234 5678 9012 3456 11",
        "埼玉県所沢市長",
        "東京都千代田区",
        "九段南一丁目2番1号",
        "令和8年3月31日",
        "令和8年3月20日",
        "令和8年3月21日",
        "転出の予定年月日",
        "3人",
        "以下余白",
    ):
        assert item in page
    assert "再交付" not in page


def test_foreign_resident_has_alias_and_kanji_name_and_no_family_register(fonts: Fonts) -> None:
    (page,) = text_of(replace(CERTIFICATE, persons=(FOREIGNER,)), fonts)

    assert "通称" in page
    assert "山田　はな" in page
    assert "阮　氏河" in page
    assert "本籍" not in page
    assert "筆頭者" not in page


@pytest.mark.parametrize(("count", "mark"), [(2, "再交付（2回目）"), (11, "再交付（11回目）")])
def test_paper_from_the_second_on_is_marked(fonts: Fonts, count: int, mark: str) -> None:
    (page,) = text_of(replace(CERTIFICATE, count=count), fonts)

    assert mark in page


def test_equivalent_document_has_its_own_title_and_day(fonts: Fonts) -> None:
    (page,) = text_of(replace(CERTIFICATE, is_equivalent=True), fonts)

    assert "転出証明書に準ずる証明書" in page
    assert "転出年月日" in page
    assert "予定" not in page
    assert "職権で消除した" in page


@pytest.mark.parametrize(("persons", "pages"), [(1, 1), (3, 1), (4, 2), (7, 2), (8, 3), (20, 6)])
def test_persons_go_on_over_pages_that_all_name_the_move(
    fonts: Fonts, persons: int, pages: int
) -> None:
    """Twenty persons are the most that a notice names."""
    people = tuple(replace(HEAD, name=f"甲野　{place}郎") for place in range(1, persons + 1))

    found = text_of(replace(CERTIFICATE, persons=people), fonts)

    assert len(found) == pages
    for number, page in enumerate(found, start=1):
        assert CERTIFICATE.number in page
        assert f"{number} / {pages}" in page
    assert all(f"甲野　{place}郎" in "".join(found) for place in range(1, persons + 1))
    assert "証明する" in found[-1]
    assert all("証明する" not in page for page in found[:-1])
    assert "1234 5678" in found[0]
    assert all("1234 5678" not in page for page in found[1:])


@pytest.mark.parametrize(
    ("certificate", "field"),
    [
        (
            replace(CERTIFICATE, persons=(HEAD, replace(HEAD, name="W" * 300))),
            "persons[1].name",
        ),
        (replace(CERTIFICATE, destination_address="埼" * 500), "destination_address"),
        (
            replace(CERTIFICATE, persons=(*(HEAD,) * 4, replace(HEAD, address="埼" * 600))),
            "persons[4].address",
        ),
    ],
)
def test_text_that_does_not_fit_is_refused_by_its_field(
    fonts: Fonts, certificate: Certificate, field: str
) -> None:
    with pytest.raises(TextTooLong) as refused:
        render_certificate(certificate, fonts=fonts)

    assert refused.value.field == field


def test_longest_texts_of_a_register_are_set_in_smaller_type(fonts: Fonts) -> None:
    longest = {
        "name": "髙" * 100,
        "kana": "カ" * 150,
        "address": "埼" * 300,
        "domicile": "千" * 200,
        "register_head": "﨑" * 100,
    }
    foreign = {"name": "阮" * 100, "alias": "山" * 100, "kanji_name": "氏" * 100}
    people = (replace(HEAD, **longest), replace(FOREIGNER, **foreign))

    (page,) = text_of(replace(CERTIFICATE, persons=people, destination_address="九" * 200), fonts)

    for text in (*longest.values(), *foreign.values(), "九" * 200):
        assert text in page


def test_blank_sex_and_blank_name_leave_their_cells_empty(fonts: Fonts) -> None:
    newborn = replace(HEAD, name="", kana="", sex="")

    (page,) = text_of(replace(CERTIFICATE, persons=(newborn,)), fonts)

    assert HEAD.birth in page


def test_variant_that_no_font_has_is_refused_by_its_code_points(fonts: Fonts) -> None:
    person = replace(HEAD, name="葛\U000e01ef城　太郎")

    with pytest.raises(CharacterUnsupported) as refused:
        render_certificate(replace(CERTIFICATE, persons=(person,)), fonts=fonts)

    assert refused.value.code_points == ("U+845B U+E01EF",)
    assert refused.value.field == "persons[0].name"


def test_two_runs_give_the_same_bytes(fonts: Fonts) -> None:
    first, second = (render_certificate(CERTIFICATE, fonts=fonts) for _ in range(2))

    assert (first.pdf(), first.png()) == (second.pdf(), second.png())


def test_paper_is_archival_dated_and_says_nobody_in_its_properties(fonts: Fonts) -> None:
    pdf = render_certificate(CERTIFICATE, fonts=fonts).pdf()

    with pikepdf.open(io.BytesIO(pdf)) as document:
        assert document.open_metadata().pdfa_status == "3B"
        assert str(document.docinfo["/CreationDate"]).startswith("D:20260321")
        assert NAME not in str(document.docinfo)
        assert CERTIFICATE.verification_code not in str(document.docinfo)


def test_representations_show_no_personal_datum(fonts: Fonts) -> None:
    shown = repr(CERTIFICATE) + repr(render_certificate(CERTIFICATE, fonts=fonts))

    for secret in (NAME, ADDRESS, HEAD.code, CERTIFICATE.verification_code, "九段南"):
        assert secret not in shown
