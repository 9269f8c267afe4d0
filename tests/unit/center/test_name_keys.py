"""Under which keys names, readings and addresses are compared (STD-2.1.2), the texts untouched."""

from __future__ import annotations

import itertools
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from juki_center.areas.residents import kanji_variants
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.areas.residents.municipalities import Municipality
from juki_center.areas.residents.name_keys import address_key, kana_key, name_key

TOKOROZAWA = Municipality(MunicipalityCode("112089"), "埼玉県", "所沢市", "", False)
SELECTOR = "\U000e0100"  # stripped from every key, so a key with and without it is the same
# What most rows of a register are written with, and what makes their keys differ from their texts.
ORDINARY = st.text(
    st.sampled_from(
        "山田髙橋邉濵齋藤𠮷\ufa19々〆ヶヵッャュョがぱヴゔァゃゎヂヅヲーオウトドコ 　-―‐－〜～Ａaé’'"
    )
)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("髙橋", "高橋"),
        ("山﨑", "山崎"),
        ("\ufa19谷", "神谷"),
        ("𠮷田", "吉田"),
        ("葛\U000e0100城", "葛城"),
        ("渡邉\U000e0110", "渡辺"),
        ("山田\u3000はな", "山田ハナ"),
        ("市ヶ谷", "市ケ谷"),
        ("wang xiaoming", "WANG\u3000XIAOMING"),
        ("NGUYỄN\u3000THỊ\u3000HÀ", "Nguyen Thi Ha"),
        ("ĐẶNG", "DANG"),
        ("JOSE\u0301", "JOSÉ"),
        ("O’BRIEN", "O'BRIEN"),
        ("ANNE‐MARIE", "Anne-Marie"),
        ("ローラ", "ロ－ラ"),
        ("渡邊", "渡边"),
        ("齋籐", "斎藤"),
        ("濵﨑", "浜崎"),
        ("佐々木\u3000大", "佐々木大"),
        ("ｻﾄｳ", "さとう"),
        ("\U0002f80f", "\u5154"),
    ],
)
def test_variants_of_a_name_share_a_key(one: str, other: str) -> None:
    assert name_key(one) == name_key(other)


@pytest.mark.parametrize(
    ("one", "other"), [("山田", "山口"), ("佐藤かず", "佐藤かす"), ("高橋", "高端")]
)
def test_different_names_have_different_keys(one: str, other: str) -> None:
    assert name_key(one) != name_key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ヂ", "ジ"),
        ("ヂ", "シ"),
        ("ヅ", "ズ"),
        ("ヲ", "オ"),
        ("ヴァ", "バ"),
        ("ヴィ", "ビ"),
        ("ヴ", "ブ"),
        ("ガ", "カ"),
        ("パ", "バ"),
        ("か\u3099", "が"),
        ("ｶﾞ", "カ"),
        ("ショウ", "シヨウ"),
        ("ハットリ", "ハツトリ"),
        ("やまだ\u3000たろう", "ヤマダ タロウ"),
        ("\u31f7\u309a", "\u31f7"),
        *itertools.combinations(
            ("サトウ", "サトオ", "サトー", "サト―", "サト‐", "サトｰ", "サト-"), 2
        ),
        *itertools.combinations(("オオタ", "オウタ", "オータ"), 2),
        ("コオオカ", "コウオカ"),
        ("ドウモト", "トーモト"),
    ],
)
def test_readings_that_the_specification_searches_alike_share_a_key(one: str, other: str) -> None:
    assert kana_key(one) == kana_key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("チ", "ジ"), ("ツ", "ズ"), ("サトウ", "サト\u30a4"), ("クウ", "ク"), ("ウエ", "エ")],
)
def test_other_readings_have_other_keys(one: str, other: str) -> None:
    assert kana_key(one) != kana_key(other)


@pytest.mark.parametrize(
    ("registered", "shown"),
    [
        ("埼玉県所沢市並木一丁目1番地の1", "所沢市並木1-1-1"),
        ("埼玉県所沢市並木一丁目1番地の1", "並木１－１－１"),
        ("埼玉県所沢市並木二十五丁目3番12号", "埼玉県所沢市並木25丁目3-12"),
        ("埼玉県所沢市三ケ島五丁目1番", "所沢市三ヶ島５丁目１番"),
        ("市が谷1番", "市ヶ谷一番"),
        *itertools.combinations([f"並木1{dash}2" for dash in "-‐―−－ーｰ–〜～"], 2),
    ],
)
def test_spellings_of_one_address_share_a_key(registered: str, shown: str) -> None:
    assert address_key(registered, TOKOROZAWA) == address_key(shown, TOKOROZAWA)


@pytest.mark.parametrize("other", ["並木一丁目1番地の2", "並木一丁目11番地", "並木二丁目1番地の1"])
def test_different_addresses_have_different_keys(other: str) -> None:
    assert address_key("並木一丁目1番地の1", TOKOROZAWA) != address_key(other, TOKOROZAWA)


@given(st.text())
def test_keys_are_made_of_any_text(text: str) -> None:
    assert all(isinstance(key, str) for key in (name_key(text), kana_key(text)))
    assert isinstance(address_key(text, TOKOROZAWA), str)


@given(ORDINARY)
def test_a_key_is_its_own_key(text: str) -> None:
    assert name_key(name_key(text)) == name_key(text)
    assert kana_key(kana_key(text)) == kana_key(text)


@given(ORDINARY)
def test_the_short_way_for_ordinary_texts_gives_the_key_of_the_long_one(text: str) -> None:
    assert name_key(text) == name_key(text + SELECTOR)
    assert kana_key(text) == kana_key(text + SELECTOR)
    assert address_key(text, TOKOROZAWA) == address_key(text + SELECTOR, TOKOROZAWA)


@given(ORDINARY, st.integers(0, 30), st.sampled_from("  \u3000"))
def test_a_space_anywhere_changes_no_key(text: str, place: int, space: str) -> None:
    spaced = text[:place] + space + text[place:]

    assert name_key(spaced) == name_key(text)
    assert kana_key(spaced) == kana_key(text)


@given(ORDINARY)
def test_whatever_normalises_to_the_same_has_the_same_key(text: str) -> None:
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        assert name_key(unicodedata.normalize(form, text)) == name_key(text)


def test_each_variant_stands_for_one_kanji_and_never_for_a_chain_of_them() -> None:
    fold = kanji_variants.FOLD

    assert len(fold) > 300
    assert not set(fold) & set(fold.values())
    assert all(
        unicodedata.normalize("NFKC", one) == one for one in {*fold, *fold.values()} - {"﨑"}
    )
