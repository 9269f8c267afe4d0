"""What is accepted as a name, a reading or an address, and under which keys they are compared."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.areas.residents.municipalities import Municipality
from juki_center.areas.residents.name_keys import address_key, kana_key, name_key
from juki_center.areas.residents.names import accept_address, accept_kana, accept_name
from juki_center.areas.residents.records import Nationality
from juki_center.errors import RuleBroken

JAPANESE, FOREIGN = Nationality.JAPANESE, Nationality.FOREIGN
TOKOROZAWA = Municipality(MunicipalityCode("112089"), "埼玉県", "所沢市", "", False)
CHANGED_BY_NFC = ["\ufa10", "\ufa1b", "\ufa1c", "\ufa1e", "\ufa67", "\ufa45", "\U0002f80f"]


@pytest.mark.parametrize(
    "name",
    [
        "𠮷田",
        "髙橋",
        "山﨑",
        "\ufa19谷",
        *CHANGED_BY_NFC,
        "葛\U000e0100城",
        "辻\U000e0101",
        "渡邉\U000e0110",
        "䶒藤\U000e0103\u3000太朗\U000e0105",
        "渡\U0002e7bd",
        "佐々木",
        "〆木",
        "市ヶ谷",
        "八ッ橋",
        "\U0001b002",
        "\u31f7\u309a",
        "",
    ],
)
def test_case_45_a_registered_name_is_kept_code_point_by_code_point(name: str) -> None:
    assert accept_name(name, JAPANESE) == name


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("山田\u202e太郎", "INVISIBLE_CHARACTER U+202E"),
        ("山\u200d田", "INVISIBLE_CHARACTER U+200D"),
        ("山\u2066田", "INVISIBLE_CHARACTER U+2066"),
        ("山\ufeff田", "INVISIBLE_CHARACTER U+FEFF"),
        ("山\U000e0041田", "INVISIBLE_CHARACTER U+E0041"),
        ("神\ufe00", "INVISIBLE_CHARACTER U+FE00"),
        ("山田\x00太郎", "CONTROL_CHARACTER U+0000"),
        ("山田\t太郎", "CONTROL_CHARACTER U+0009"),
        ("山田\x85", "CONTROL_CHARACTER U+0085"),
        ("\ue000田", "PRIVATE_USE U+E000"),
        ("\ud842田", "LONE_SURROGATE U+D842"),
        ("田\uffff", "NO_CHARACTER U+FFFF"),
        ("㈱山田", "NO_NAME_CHARACTER U+3231"),
        ("山田Ⅲ", "NO_NAME_CHARACTER U+2162"),
        ("山田3", "NO_NAME_CHARACTER U+0033"),
        ("관田", "HANGUL U+AD00"),
        ("ｶﾞ", "HALF_WIDTH_KANA U+FF76"),
        ("WANG", "NO_NAME_CHARACTER U+0057"),
        ("\U000e0100城", "SELECTOR_WITHOUT_IDEOGRAPH U+E0100"),
        ("か\U000e0100", "SELECTOR_WITHOUT_IDEOGRAPH U+E0100"),
        ("葛\U000e0100\U000e0101", "SELECTOR_WITHOUT_IDEOGRAPH U+E0101"),
        ("田\u3099", "MARK_WITHOUT_KANA U+3099"),
        ("山\u3000\u3000田", "TWO_SPACES U+3000"),
        ("山" * 101, "TOO_LONG"),
        ("𠮷" * 100 + "山", "TOO_LONG"),
    ],
)
def test_case_46_a_refusal_names_rule_and_code_point_and_echoes_nothing(
    name: str, rule: str
) -> None:
    with pytest.raises(RuleBroken) as refused:
        accept_name(name, JAPANESE)

    assert str(refused.value) == rule


def test_case_47_kana_with_a_separate_mark_is_composed_and_nothing_else() -> None:
    assert accept_kana("か\u3099") == "が"
    assert accept_name("が\ufa19", JAPANESE) == "が\ufa19"


def test_case_47_half_width_kana_is_no_reading() -> None:
    with pytest.raises(RuleBroken, match=r"HALF_WIDTH_KANA U\+FF76"):
        accept_kana("ｶﾞ")


def test_a_reading_in_kanji_is_refused() -> None:
    with pytest.raises(RuleBroken, match=r"NO_KANA U\+5C71"):
        accept_kana("ヤマ山")


def test_the_space_between_the_names_becomes_one_ideographic_space() -> None:
    assert accept_name(" 山田 太郎 ", JAPANESE) == "山田\u3000太郎"


@pytest.mark.parametrize(
    "name", ["NGUYỄN\u3000THỊ\u3000HÀ", "O’BRIEN\u3000JOSÉ", "D'ANGELO", "王\u3000小明"]
)
def test_case_48_foreign_residents_names_are_accepted_for_them_alone(name: str) -> None:
    assert accept_name(name, FOREIGN) == name


def test_full_width_letters_are_no_foreign_name() -> None:
    with pytest.raises(RuleBroken, match=r"NO_NAME_CHARACTER U\+FF37"):
        accept_name("Ｗang", FOREIGN)


@pytest.mark.parametrize(
    "address",
    ["埼玉県所沢市並木一丁目1番地の1", "市ケ谷 1−2〜3", "ＡＢＣハイツ２０１号", "三茶ビル4階"],
)
def test_addresses_are_kept_as_they_are(address: str) -> None:
    assert accept_address(address) == address


@pytest.mark.parametrize("address", ["並木\n1", "並木㈱", "並木\u202e"])
def test_an_address_with_what_no_address_holds_is_refused(address: str) -> None:
    with pytest.raises(RuleBroken):
        accept_address(address)


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
    [("ヂ", "シ"), ("ヅ", "ズ"), ("ヲ", "オ"), ("ヴァ", "バ"), ("サトウ", "サトー"), ("ガ", "カ")],
)
def test_readings_are_searched_without_marks(one: str, other: str) -> None:
    assert kana_key(one) == kana_key(other)


@pytest.mark.parametrize(
    ("registered", "shown"),
    [
        ("埼玉県所沢市並木一丁目1番地の1", "所沢市並木1-1-1"),
        ("埼玉県所沢市並木一丁目1番地の1", "並木１－１－１"),
        ("埼玉県所沢市並木二十五丁目3番12号", "埼玉県所沢市並木25丁目3-12"),
        ("埼玉県所沢市三ケ島五丁目1番", "所沢市三ヶ島５丁目１番"),
    ],
)
def test_spellings_of_one_address_share_a_key(registered: str, shown: str) -> None:
    assert address_key(registered, TOKOROZAWA) == address_key(shown, TOKOROZAWA)


@pytest.mark.parametrize("other", ["並木一丁目1番地の2", "並木一丁目11番地", "並木二丁目1番地の1"])
def test_different_addresses_have_different_keys(other: str) -> None:
    assert address_key("並木一丁目1番地の1", TOKOROZAWA) != address_key(other, TOKOROZAWA)


@given(st.text())
def test_whatever_is_accepted_is_accepted_again_unchanged(text: str) -> None:
    for accept in (
        accept_kana,
        accept_address,
        lambda name: accept_name(name, JAPANESE),
        lambda name: accept_name(name, FOREIGN),
    ):
        try:
            kept = accept(text)
        except RuleBroken:
            continue
        assert accept(kept) == kept
        assert not any(
            unicodedata.category(character) in {"Cc", "Cf", "Co", "Cs"} for character in kept
        )


@given(st.text())
def test_keys_are_made_of_any_text_and_folding_twice_changes_nothing(text: str) -> None:
    assert name_key(name_key(text)) == name_key(name_key(name_key(text)))
    assert kana_key(kana_key(text)) == kana_key(kana_key(kana_key(text)))
    assert isinstance(address_key(text, TOKOROZAWA), str)


def test_an_ordinary_character_is_accepted_beside_any_other_too() -> None:
    """The quick look at ordinary texts lets through nothing that the careful one refuses."""
    kana = [*map(chr, range(0x30A1, 0x30FB)), "ー"]
    kanji = [*map(chr, range(0x4E00, 0x9FA6)), *map(chr, range(0x3041, 0x3097)), "々"]
    letters = [*"-0123456789ABCXYZabcxyz"]
    for accept, characters, other in (
        (accept_kana, kana, "ヽ"),
        (lambda name: accept_name(name, JAPANESE), kana + kanji, "〆"),
        (accept_address, kana + kanji + letters, "〆"),
    ):
        for begin in range(0, len(characters), 90):
            ordinary = "".join(characters[begin : begin + 90])
            assert accept(ordinary) == ordinary
            assert accept(ordinary + other) == ordinary + other


@pytest.mark.parametrize("length", [101, 151, 201])
def test_an_ordinary_text_that_is_too_long_is_refused(length: int) -> None:
    accept = {
        101: lambda text: accept_name(text, JAPANESE),
        151: accept_kana,
        201: accept_address,
    }[length]

    assert accept("ア" * (length - 1)) == "ア" * (length - 1)
    with pytest.raises(RuleBroken, match="TOO_LONG"):
        accept("ア" * length)
