"""The words of a copy: era dates, mayors and seals."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from juki_terminal.paper.content import Municipality, decode_content
from juki_terminal.paper.wording import entries, era_date, mayor, plain_text, seal_text
from tests.support.copy_content import document, payload_of, person


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (datetime(2026, 11, 23, 14, 59, 59, tzinfo=UTC), "令和8年11月23日"),
        (datetime(2026, 11, 23, 15, 0, 0, tzinfo=UTC), "令和8年11月24日"),
        (datetime(2019, 4, 30, 14, 59, 59, tzinfo=UTC), "平成31年4月30日"),
        (datetime(2019, 4, 30, 15, 0, 0, tzinfo=UTC), "令和元年5月1日"),
        (datetime(2003, 8, 25, 3, 0, 0, tzinfo=UTC), "平成15年8月25日"),
    ],
)
def test_moment_is_its_day_in_japan_in_era_form(moment: datetime, expected: str) -> None:
    assert era_date(moment) == expected


def test_moment_before_the_known_eras_is_refused() -> None:
    with pytest.raises(ValueError, match="Heisei"):
        era_date(datetime(1988, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("name", "seal"),
    [
        ("東京都千代田区", "千代田区長之印"),
        ("埼玉県所沢市", "所沢市長之印"),
        ("北海道札幌市", "札幌市長之印"),
        ("京都府京都市", "京都市長之印"),
        ("神奈川県横浜市", "横浜市長之印"),
        ("埼玉県入間郡三芳町", "三芳町長之印"),
        ("奈良県大和郡山市", "大和郡山市長之印"),
        ("岐阜県郡上市", "郡上市長之印"),
        ("岐阜県山県市", "山県市長之印"),
    ],
)
def test_seal_leaves_prefecture_and_county_out(name: str, seal: str) -> None:
    assert seal_text(Municipality("000000", name)) == seal


def test_mayor_is_named_with_the_prefecture() -> None:
    assert mayor(Municipality("131016", "東京都千代田区")) == "東京都千代田区長"


def test_text_for_the_eye_says_everything_signed_about_the_person() -> None:
    shown = plain_text(decode_content(payload_of(document())))

    assert all(value in shown for value in person().values())
    assert "131016-20261123-000042-7K3Q" in shown
    assert "東京都千代田区長" in shown
    assert "本籍" not in shown


def test_alias_stands_under_the_name() -> None:
    entry = person(name="WANG　XIAOMING", alias="田中　小明")

    shown = entries(decode_content(payload_of(document(per=[entry]))).persons[0])

    assert [(one.label, one.text) for one in shown[1:3]] == [
        ("氏名", "WANG　XIAOMING"),
        ("通称", "田中　小明"),
    ]


def test_entry_left_out_has_no_label() -> None:
    content = decode_content(payload_of(document(per=[person(prev=None, kana=None)])))

    labels = [entry.label for entry in entries(content.persons[0])]

    assert labels == [
        "氏名",
        "生年月日",
        "性別",
        "住所",
        "住民となった年月日",
        "住所を定めた年月日",
        "届出年月日",
    ]
    assert "太郎" not in repr(entries(content.persons[0]))
