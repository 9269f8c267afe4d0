"""Letters: addressee as registered, number and last day, what to bring by the rule set."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import date

import pikepdf
import pytest
import zxingcpp
from PIL import Image

from juki_terminal.paper.errors import CharacterUnsupported, TextTooLong
from juki_terminal.paper.fonts import Fonts
from juki_terminal.paper.letter import Addressee, Inquiry, Notice, render_letter
from tests.support.pdf_text import pages_of

NAME = "䶒藤󠄃　太朗󠄅"
ADDRESS = "埼玉県所沢市並木一丁目1番地の1　コーポ𠮷田　203号室"
TO = Addressee(NAME, ADDRESS)
INQUIRY = Inquiry(
    TO, "所沢市", "L123456789012", "A987654321098", date(2003, 8, 25), date(2003, 9, 24)
)
STRICT = replace(INQUIRY, is_registered_mail=True, needs_document=True)
NOTICE = Notice(TO, "所沢市", "A987654321098", date(2019, 5, 1))


def test_inquiry_says_addressee_numbers_and_the_last_day(fonts: Fonts) -> None:
    letter, reply = pages_of(render_letter(INQUIRY, fonts=fonts).pdf())

    assert f"{NAME}　様".encode() in letter.encode()
    assert ADDRESS.encode() in letter.encode()
    assert "照会番号L123456789012申請番号A987654321098" in letter
    assert "回答期限平成15年9月24日まで（当日を含みます）" in letter
    assert "平成15年8月25日" in letter
    assert "所沢市長" in letter
    assert "照会番号L123456789012" in reply


def test_reply_form_leaves_name_and_address_to_the_applicant(fonts: Fonts) -> None:
    _, reply = pages_of(render_letter(INQUIRY, fonts=fonts).pdf())

    assert reply.startswith("回答書所沢市長　様")
    assert "氏名（自署）" in reply
    assert not any(part in reply for part in (NAME, ADDRESS, "太朗", "並木"))


def test_inquiry_of_the_first_rule_set_asks_for_no_document(fonts: Fonts) -> None:
    letter, reply = pages_of(render_letter(INQUIRY, fonts=fonts).pdf())

    assert "本人確認書類" not in letter + reply
    assert "口頭" not in letter + reply
    assert "書留" not in letter


def test_inquiry_of_later_rule_sets_names_document_questions_and_mail(fonts: Fonts) -> None:
    """Case 30: the letter says that an identity document must be brought."""
    letter, reply = pages_of(render_letter(STRICT, fonts=fonts).pdf())

    assert "・本人確認書類（運転免許証、旅券" in letter
    assert "口頭の質問" in letter
    assert "書留郵便" in letter
    assert "□運転免許証" in reply


def test_qr_code_is_the_number(fonts: Fonts) -> None:
    pages = render_letter(INQUIRY, fonts=fonts).png()

    assert len(pages) == 2
    for page in pages:
        (found,) = zxingcpp.read_barcodes(Image.open(io.BytesIO(page)))
        assert found.text == "L123456789012"


def test_notice_is_one_page_with_day_and_application(fonts: Fonts) -> None:
    (page,) = pages_of(render_letter(NOTICE, fonts=fonts).pdf())

    assert "受付日令和元年5月1日" in page
    assert "申請番号A987654321098" in page
    assert NAME in page
    assert ADDRESS in page
    assert "お知らせ" in page


@pytest.mark.parametrize(
    "name", ["髙" * 100, "葛󠄀" * 50, ("NGUYỄN THỊ HÀ " * 8)[:100], "ﾔﾏﾀﾞ ﾀﾛｳ", "𠮷田"]
)
def test_name_is_on_the_letter_in_every_code_point(fonts: Fonts, name: str) -> None:
    to = Addressee(name, ADDRESS * 6)

    letter, _ = pages_of(render_letter(replace(INQUIRY, addressee=to), fonts=fonts).pdf())

    assert name.encode() in letter.encode()
    assert (ADDRESS * 6).encode() in letter.encode()


@pytest.mark.parametrize(
    ("to", "field"),
    [(Addressee("W" * 100, ADDRESS), "name"), (Addressee(NAME, "埼" * 900), "address")],
)
def test_addressee_that_does_not_fit_is_refused_by_the_field(
    fonts: Fonts, to: Addressee, field: str
) -> None:
    with pytest.raises(TextTooLong) as refused:
        render_letter(replace(INQUIRY, addressee=to), fonts=fonts)

    assert refused.value.field == field


def test_name_that_no_font_has_is_refused_by_its_code_points(fonts: Fonts) -> None:
    with pytest.raises(CharacterUnsupported) as refused:
        render_letter(replace(NOTICE, addressee=Addressee("葛\U000e01ef城", "所沢市")), fonts=fonts)

    assert refused.value.code_points == ("U+845B U+E01EF",)


def test_letter_is_archival_and_dated(fonts: Fonts) -> None:
    pdf = render_letter(INQUIRY, fonts=fonts).pdf()

    with pikepdf.open(io.BytesIO(pdf)) as document:
        assert document.open_metadata().pdfa_status == "3B"
        assert str(document.docinfo["/CreationDate"]).startswith("D:20030825")
        assert NAME not in str(document.docinfo)


def test_two_runs_give_the_same_bytes(fonts: Fonts) -> None:
    first, second = render_letter(STRICT, fonts=fonts), render_letter(STRICT, fonts=fonts)

    assert (first.pdf(), first.png()) == (second.pdf(), second.png())


def test_representations_show_no_personal_datum() -> None:
    shown = repr(INQUIRY) + repr(NOTICE)

    assert not any(secret in shown for secret in (NAME, ADDRESS, "L123456789012"))
