"""Texts of the register meet nothing but its own rules, whatever they are made of."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from juki_center.areas.residents.civil_date_texts import parse_date, registered
from juki_center.areas.residents.civil_dates import CivilDate
from juki_center.areas.residents.codes import MunicipalityCode, ResidentCode
from juki_center.areas.residents.municipalities import Municipality
from juki_center.areas.residents.name_keys import address_key, kana_key, name_key
from juki_center.areas.residents.names import accept_address, accept_kana, accept_name
from juki_center.areas.residents.records import Nationality
from juki_center.errors import RuleBroken

TOKOROZAWA = Municipality(MunicipalityCode("112089"), "埼玉県", "所沢市", "", False)
PARSERS: dict[str, Callable[[str], object]] = {
    "date": parse_date,
    "name": lambda text: accept_name(text, Nationality.JAPANESE),
    "foreign name": lambda text: accept_name(text, Nationality.FOREIGN),
    "kana": accept_kana,
    "address": accept_address,
    "resident code": ResidentCode,
    "municipality code": MunicipalityCode,
}
DATES = [
    "昭和45年3月2日",
    "1985年4月1日頃",
    "推定令和3年5月1日",
    "昭和25年春頃",
    "令和3年5月中旬頃",
    "昭和25年5月 日不詳",
    "令和3年5月推定1日から10日までの間",
    "平成31年4月30日から令和元年5月1日頃までの間",
]
FRAGMENTS = [
    *(
        "明治",
        "大正",
        "昭和",
        "平成",
        "令和",
        "元",
        "年",
        "月",
        "日",
        "頃",
        "ころ",
        "推定",
        "不詳",
        "から",
    ),
    *(
        "までの間",
        "春",
        "上旬",
        "0",
        "1",
        "9",
        "45",
        "1985",
        "9999",
        "１",
        "٣",
        "²",
        " ",
        "\u3000",
        "\n",
    ),
    *(
        "\u3099",
        "\U000e0100",
        "\ud842",
        "\u202e",
        "\x00",
        "\ufa19",
        "葛",
        "か",
        "A",
        "é",
        "관",
        "ｶ",
        "\ue000",
    ),
]
# Any code points, lone surrogates too; or pieces of what is lawful, so that much of it nearly is.
ANY_TEXT = st.text(st.characters(codec=None)) | st.lists(st.sampled_from(FRAGMENTS)).map("".join)
thorough = settings(max_examples=5_000 if os.environ.get("JUKI_LONG") else 150, deadline=None)


@st.composite
def damaged_dates(draw: st.DrawFn) -> str:
    """Write a date's text with one piece taken out and another one put in."""
    text = draw(st.sampled_from(DATES))
    begin = draw(st.integers(0, len(text)))
    end = draw(st.integers(begin, len(text)))
    return text[:begin] + draw(st.sampled_from(["", *FRAGMENTS])) + text[end:]


def tried(parse: Callable[[str], object], text: str) -> object:
    """Return what a parser makes of a text, or its refusal; any other error is a defect."""
    try:
        return parse(text)
    except RuleBroken as refused:
        return refused


@pytest.mark.parametrize("name", PARSERS)
@thorough
@given(text=ANY_TEXT)
def test_any_text_is_accepted_or_refused_without_an_echo(name: str, text: str) -> None:
    found = tried(PARSERS[name], text)

    assert not isinstance(found, RuleBroken) or str(found).isascii()


@thorough
@given(text=damaged_dates())
def test_a_damaged_date_is_refused_or_is_another_date_that_prints_as_it_reads(text: str) -> None:
    date = tried(parse_date, text)

    if isinstance(date, CivilDate):
        assert date.paper_text == text
        assert 0 <= date.sort_from <= date.sort_to <= 99991231
        assert registered(date) == date


@thorough
@given(text=ANY_TEXT)
def test_any_text_has_a_key(text: str) -> None:
    for key in (name_key(text), kana_key(text), address_key(text, TOKOROZAWA)):
        assert "\u3000" not in key
