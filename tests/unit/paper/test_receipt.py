"""Receipts for notices of moves: who, where, when, what next, and no code."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import date

import pikepdf
import pytest

from juki_terminal.paper import receipt_words as words
from juki_terminal.paper.errors import CharacterUnsupported
from juki_terminal.paper.fonts import Fonts
from juki_terminal.paper.receipt import Person, Receipt, render_receipt
from tests.support.pdf_text import pages_of

NAME = "䶒藤󠄃　太朗󠄅"
RECEIPT = Receipt(
    title=words.Title.OUT,
    municipality="埼玉県所沢市",
    received_on=date(2026, 3, 20),
    rows=((words.TO, "東京都千代田区"), (words.PLANNED_DATE, "令和8年3月31日")),
    persons=(
        Person(NAME, "昭和45年3月2日", "世帯主"),
        Person("渡𮞽　花子", "昭和47年11月23日", "妻"),
    ),
    notes=words.SPECIAL_OUT,
    number="M123456789092",
)


def test_receipt_says_who_where_when_and_what_next(fonts: Fonts) -> None:
    (page,) = pages_of(render_receipt(RECEIPT, fonts=fonts).pdf())

    assert page.startswith("転出届受理証下記の者の転出の届出を受理しました。")
    for item in (
        NAME,
        "渡𮞽　花子",
        "昭和47年11月23日",
        "M123456789092",
        "令和8年3月20日",
        "令和8年3月31日",
        "東京都千代田区",
        "埼玉県所沢市長",
        "暗証番号を入力していただきます",
    ):
        assert item.encode() in page.encode()


@pytest.mark.parametrize("title", list(words.Title))
def test_title_says_what_was_received(fonts: Fonts, title: words.Title) -> None:
    (page,) = pages_of(render_receipt(replace(RECEIPT, title=title), fonts=fonts).pdf())

    assert page.startswith(title.value)
    assert f"{title.value[:2]}の届出を受理しました" in page


def test_receipt_without_a_number_has_no_row_for_it(fonts: Fonts) -> None:
    (page,) = pages_of(render_receipt(replace(RECEIPT, number=""), fonts=fonts).pdf())

    assert words.NUMBER not in page


def test_twenty_persons_with_long_names_go_on_over_pages(fonts: Fonts) -> None:
    long = Person("NGUYỄN THỊ HÀ " * 7, "1990年5月1日", "同居人")

    pages = pages_of(render_receipt(replace(RECEIPT, persons=(long,) * 20), fonts=fonts).pdf())

    assert len(pages) > 1
    assert "".join(pages).count("1990年5月1日") == 20


def test_name_that_no_font_has_is_refused(fonts: Fonts) -> None:
    person = Person("葛\U000e01ef城", "昭和45年3月2日", "世帯主")

    with pytest.raises(CharacterUnsupported) as refused:
        render_receipt(replace(RECEIPT, persons=(person,)), fonts=fonts)

    assert refused.value.field == "persons[0].name"


def test_receipt_is_archival_and_the_same_each_time(fonts: Fonts) -> None:
    first, second = (render_receipt(RECEIPT, fonts=fonts).pdf() for _ in range(2))

    assert first == second
    with pikepdf.open(io.BytesIO(first)) as document:
        assert document.open_metadata().pdfa_status == "3B"
        assert NAME not in str(document.docinfo)


def test_representations_show_no_personal_datum(fonts: Fonts) -> None:
    shown = repr(RECEIPT) + repr(render_receipt(RECEIPT, fonts=fonts))

    assert NAME not in shown
    assert "千代田" not in shown
