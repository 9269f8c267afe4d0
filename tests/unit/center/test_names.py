"""What is accepted as a name, a reading or an address."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from juki_center.areas.residents.characters import KANJI
from juki_center.areas.residents.names import accept_address, accept_kana, accept_name
from juki_center.areas.residents.records import Nationality
from juki_center.errors import RuleBroken

JAPANESE, FOREIGN = Nationality.JAPANESE, Nationality.FOREIGN
SLOW = "葛\U000e0100"
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
        "市ケ谷",
        "五十嵐\u3000つゝじ",
        "イ・ロ",
        "\U0002ebf0",  # extension I: Unicode 15.1
        "\U00031350",  # extension H: Unicode 15.0
        "\U000323b0",  # extension J: Unicode 17
        "山" * 100,
        "𠮷" * 100,  # 400 octets
        "葛\U000e0100" * 50,
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
        ("か\u309a\u200b", "INVISIBLE_CHARACTER U+200B"),
        ("山\u200c田", "INVISIBLE_CHARACTER U+200C"),
        ("山\u2060田", "INVISIBLE_CHARACTER U+2060"),
        ("山\u2069田", "INVISIBLE_CHARACTER U+2069"),
        ("山\u202a田", "INVISIBLE_CHARACTER U+202A"),
        ("山\u00ad田", "INVISIBLE_CHARACTER U+00AD"),
        ("山\u3164田", "INVISIBLE_CHARACTER U+3164"),
        ("山\ufe0f田", "INVISIBLE_CHARACTER U+FE0F"),
        ("山\n田", "CONTROL_CHARACTER U+000A"),
        ("山\r田", "CONTROL_CHARACTER U+000D"),
        ("\U000f0000", "PRIVATE_USE U+F0000"),
        ("\U0010fffd", "PRIVATE_USE U+10FFFD"),
        ("\udfff", "LONE_SURROGATE U+DFFF"),
        ("山" * 99 + "\ud800", "LONE_SURROGATE U+D800"),
        ("\ufdd0", "NO_CHARACTER U+FDD0"),
        ("\U0001ffff", "NO_CHARACTER U+1FFFF"),
        ("\U0002fffe", "NO_CHARACTER U+2FFFE"),
        ("\U0002ee5e", "NO_CHARACTER U+2EE5E"),
        ("\U0003347a", "NO_CHARACTER U+3347A"),
        ("\ufa6e", "NO_CHARACTER U+FA6E"),
        ("①田", "NO_NAME_CHARACTER U+2460"),
        ("⽥", "NO_NAME_CHARACTER U+2F65"),
        ("１田", "NO_NAME_CHARACTER U+FF11"),
        ("가", "HANGUL U+AC00"),
        ("ᄀ", "HANGUL U+1100"),
        ("e\u0301", "NO_NAME_CHARACTER U+0065"),
        ("\u0301", "MARK_WITHOUT_LETTER U+0301"),
        ("\U000e0100", "SELECTOR_WITHOUT_IDEOGRAPH U+E0100"),
        ("山\u3000\U000e0100", "SELECTOR_WITHOUT_IDEOGRAPH U+E0100"),
        ("葛\U000e0100" * 51, "TOO_LONG"),
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
    assert accept_kana("ハ\u309aヽ\u3099") == "パヾ"
    assert accept_address("市か\u3099谷") == "市が谷"
    assert accept_name("か\u3099城", FOREIGN) == "が城"
    assert accept_name("が\ufa19", JAPANESE) == "が\ufa19"


@pytest.mark.parametrize("text", ["ｶﾞ", "ｻﾞ", "ヤマｰ"])
def test_case_47_half_width_kana_is_no_reading_and_no_name(text: str) -> None:
    for accept in (accept_kana, accept_address, lambda name: accept_name(name, JAPANESE)):
        with pytest.raises(RuleBroken, match=r"HALF_WIDTH_KANA U\+FF[67][0-9A-F]"):
            accept(text)


@pytest.mark.parametrize(
    ("kana", "rule"),
    [
        ("ヤマダ\u3000\u3000タロウ", "TWO_SPACES U+3000"),
        ("ヤマダ1", "NO_KANA U+0031"),
        ("ヤマダ・タロウ", "NO_KANA U+30FB"),
        ("ア" * 151, "TOO_LONG"),
    ],
)
def test_what_is_no_reading_is_refused_by_its_rule(kana: str, rule: str) -> None:
    with pytest.raises(RuleBroken) as refused:
        accept_kana(kana)

    assert str(refused.value) == rule


@pytest.mark.parametrize("kana", ["ヤマダ\u3000タロー", "やまだ", "ア" * 150, "\u31f7\u309a", ""])
def test_a_reading_is_kept_as_it_is(kana: str) -> None:
    assert accept_kana(kana) == kana


def test_a_reading_in_kanji_is_refused() -> None:
    with pytest.raises(RuleBroken, match=r"NO_KANA U\+5C71"):
        accept_kana("ヤマ山")


def test_the_space_between_the_names_becomes_one_ideographic_space() -> None:
    assert accept_name(" 山田 太郎 ", JAPANESE) == "山田\u3000太郎"


@pytest.mark.parametrize(
    "name",
    [
        "NGUYỄN\u3000THỊ\u3000HÀ",
        "O’BRIEN\u3000JOSÉ",
        "D'ANGELO",
        "WANG\u3000XIAOMING",
        "Anne-Marie\u3000St. John",
        "JOSE\u0301",
    ],
)
def test_case_48_names_in_latin_letters_are_for_foreign_residents_alone(name: str) -> None:
    kept = name.replace(" ", "\u3000")

    assert accept_name(name, FOREIGN) == kept
    with pytest.raises(RuleBroken, match="NO_NAME_CHARACTER"):
        accept_name(name, JAPANESE)


@pytest.mark.parametrize("name", ["王\u3000小明", "田中\u3000太郎", "リン"])
def test_case_48_names_in_kanji_and_kana_are_for_everybody(name: str) -> None:
    assert accept_name(name, FOREIGN) == accept_name(name, JAPANESE) == name


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("Ｗang", "NO_NAME_CHARACTER U+FF37"),
        ("W4NG", "NO_NAME_CHARACTER U+0034"),
        ("\u0410NNA", "NO_NAME_CHARACTER U+0410"),  # a Cyrillic letter that looks Latin
        ("\u0645", "NO_NAME_CHARACTER U+0645"),
        ("WANG!", "NO_NAME_CHARACTER U+0021"),
        ("WANG\u3000\u3000LI", "TWO_SPACES U+3000"),
        ("-\u0301", "MARK_WITHOUT_LETTER U+0301"),
        ("김", "HANGUL U+AE40"),
    ],
)
def test_what_is_no_foreign_residents_name_is_refused_by_its_rule(name: str, rule: str) -> None:
    with pytest.raises(RuleBroken) as refused:
        accept_name(name, FOREIGN)

    assert str(refused.value) == rule


@pytest.mark.parametrize(
    "address",
    [
        "埼玉県所沢市並木一丁目1番地の1",
        "市ケ谷 1−2〜3",
        "ＡＢＣハイツ２０１号",
        "三茶ビル4階",
        "八ッ橋1丁目−",
        "市ヶ谷～",
        "葛\U000e0100城1―2",
        "",
    ],
)
def test_addresses_are_kept_as_they_are(address: str) -> None:
    assert accept_address(address) == address


@pytest.mark.parametrize(
    ("address", "rule"),
    [
        ("並木\n1", "CONTROL_CHARACTER U+000A"),
        ("並木㈱", "NO_ADDRESS_CHARACTER U+3231"),
        ("並木\u202e", "INVISIBLE_CHARACTER U+202E"),
        ("並木\U0001d7cf", "NO_ADDRESS_CHARACTER U+1D7CF"),
        ("並木\u0661", "NO_ADDRESS_CHARACTER U+0661"),
        ("並木\ue000", "PRIVATE_USE U+E000"),
        ("並木\u00c5\u0301", "NO_ADDRESS_CHARACTER U+0301"),
        ("山" * 201, "TOO_LONG"),
    ],
)
def test_an_address_with_what_no_address_holds_is_refused(address: str, rule: str) -> None:
    with pytest.raises(RuleBroken) as refused:
        accept_address(address)

    assert str(refused.value) == rule


@given(st.text(st.sampled_from("山\u3000 か\u3099葛Aé9-〜々ー〇ヶ\U0002e7bd\ufa19"), max_size=98))
def test_the_short_way_for_ordinary_texts_decides_as_the_long_one(text: str) -> None:
    accepts: tuple[Callable[[str], str], ...] = (
        lambda name: accept_name(name, JAPANESE),
        lambda name: accept_name(name, FOREIGN),
        accept_address,
    )
    for accept in accepts:
        assert _tried(accept, text) == _tried(accept, text.strip(" \u3000") + SLOW)


def _tried(accept: Callable[[str], str], text: str) -> str:
    """Return what became of a text, a character that leads the long way left aside."""
    try:
        return accept(text).removesuffix(SLOW)
    except RuleBroken as refused:
        return refused.rule


def test_the_table_of_kanji_has_every_ideograph_that_the_interpreter_knows_and_no_other() -> None:
    newer = {*range(0x2EBF0, 0x2EE5E), *range(0x31350, 0x3347A), 0x2B739}
    points = [*range(0x3400, 0xA000), *range(0xF900, 0xFB00), *range(0x20000, 0x34000)]
    known = {point for point in points if unicodedata.category(chr(point)) == "Lo"}

    found = set(map(ord, re.findall(f"[{KANJI}]", "".join(map(chr, points)))))

    assert found == known | newer


def test_an_ordinary_character_is_accepted_beside_any_other_too() -> None:
    """The quick look at ordinary texts lets through nothing that the careful one refuses."""
    kana = [*map(chr, range(0x30A1, 0x30FB)), "ー"]
    kanji = [*map(chr, range(0x4E00, 0xA000)), *map(chr, range(0x3041, 0x3097)), "々"]
    letters = [*"-0123456789ABCXYZabcxyz"]
    for accept, characters, other in (
        (accept_kana, kana, "\u31f7\u309a"),
        (lambda name: accept_name(name, JAPANESE), kana + kanji, SLOW),
        (accept_address, kana + kanji + letters, SLOW),
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
