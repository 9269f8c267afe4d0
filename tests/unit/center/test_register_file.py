"""One line of a register file: what it says, or which column breaks which rule."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from juki_center.areas.residents.civil_date_texts import parse_date
from juki_center.areas.residents.codes import MunicipalityCode, ResidentCode
from juki_center.areas.residents.records import (
    ChangeReason,
    Nationality,
    ResidenceRecord,
    ResidenceState,
    Sex,
)
from juki_center.areas.residents.register_file import COLUMNS, REQUIRED, Layout, parse_update
from juki_center.areas.residents.updates import Update, UpdateReason
from juki_center.errors import RuleBroken

LAYOUT = Layout(COLUMNS)
YOSHIDA = {
    "municipality": "112089",
    "code": "05769813421",
    "household": "000123",
    "name": "𠮷田　太郎",
    "kana": "ヨシダ　タロウ",
    "birth": "昭和45年3月2日",
    "sex": "MALE",
    "address": "埼玉県所沢市並木三丁目2番地1",
    "relationship": "世帯主",
    "resident_since": "平成7年4月1日",
}
NGUYEN = YOSHIDA | {
    "name": "NGUYỄN　THỊ HÀ",
    "kana": "グエン　ティ　ハ",
    "nationality": "FOREIGN",
    "birth": "1990年12月31日",
    "sex": "FEMALE",
}


def line_of(entries: dict[str, str]) -> str:
    return ",".join(entries.get(column, "") for column in COLUMNS)


def update_of(**changes: str) -> Update:
    return parse_update(LAYOUT, line_of(YOSHIDA | changes))


def refused(entries: dict[str, str]) -> tuple[str, str]:
    with pytest.raises(RuleBroken) as broken:
        parse_update(LAYOUT, line_of(entries))
    assert not any(text in str(broken.value) for text in entries.values() if len(text) > 3)
    return broken.value.field, broken.value.rule


def test_a_line_of_the_initial_load_is_version_1_of_an_active_record() -> None:
    assert update_of() == Update(
        municipality=MunicipalityCode("112089"),
        household_number="000123",
        version=1,
        state=ResidenceState.ACTIVE,
        record=ResidenceRecord(  # type: ignore[arg-type]  # compared, not used
            code=ResidentCode("05769813421"),
            name="𠮷田　太郎",
            kana="ヨシダ　タロウ",
            birth=parse_date("昭和45年3月2日"),
            sex=Sex.MALE,
            address="埼玉県所沢市並木三丁目2番地1",
            resident_since=parse_date("平成7年4月1日"),
            relationship="世帯主",
        ),
        change=None,
    )


def test_a_line_of_an_update_says_why_and_since_when() -> None:
    update = update_of(
        version="3", state="DECEASED", reason="DEATH", change_date="令和6年1月1日", building="5号棟"
    )

    assert (update.version, update.state) == (3, ResidenceState.DECEASED)
    assert update.change == UpdateReason(ChangeReason.DEATH, parse_date("令和6年1月1日"))
    assert update.record.building == "5号棟"


def test_columns_may_be_left_out_and_stand_in_any_order() -> None:
    columns = tuple(sorted(REQUIRED))

    update = parse_update(Layout(columns), ",".join(YOSHIDA[column] for column in columns))

    assert update == update_of()


@pytest.mark.parametrize(
    ("text", "sex"),
    [("男", Sex.MALE), ("女", Sex.FEMALE), ("", Sex.BLANK), ("BLANK", Sex.BLANK)],
)
def test_a_sex_is_a_word_or_a_kanji_or_blank(text: str, sex: Sex) -> None:
    assert update_of(sex=text).record.sex is sex


def test_case_8_a_newborn_without_a_name_and_a_sex_is_read() -> None:
    """Case 8: a blank given name and a blank sex are lawful, a blank birth date is not."""
    record = update_of(name="𠮷田", kana="ヨシダ", sex="").record

    assert (record.name, record.sex) == ("𠮷田", Sex.BLANK)
    assert refused(YOSHIDA | {"birth": ""}) == ("birth", "REQUIRED")


def test_case_45_characters_of_names_are_kept_as_they_are() -> None:
    """Case 45: beyond the basic plane, compatibility ideographs, variation sequences."""
    for name in ("𠮷田", "山﨑", "\ufa19谷", "葛\U000e0100城", "䶒藤\U000e0103　太朗\U000e0105"):
        assert update_of(name=name).record.name == name


def test_case_47_a_separate_voicing_mark_is_composed() -> None:
    """Case 47: か and U+3099 become one character in a reading."""
    assert update_of(kana="ヨシタ\u3099").record.kana == "ヨシダ"


def test_a_space_between_names_is_stored_as_one_ideographic_space() -> None:
    assert update_of(name="𠮷田 太郎").record.name == "𠮷田　太郎"


def test_case_48_a_foreign_resident_has_three_names() -> None:
    """Case 48: Latin letters, kanji, and an alias, with a Gregorian birth date."""
    record = parse_update(
        LAYOUT, line_of(NGUYEN | {"kanji_name": "阮　氏河", "alias": "田中　花"})
    ).record

    assert record.nationality is Nationality.FOREIGN
    assert (record.kanji_name, record.alias) == ("阮　氏河", "田中　花")


@pytest.mark.parametrize("column", sorted(REQUIRED - {"name", "kana", "sex"}))
def test_a_blank_entry_that_must_not_be_blank_is_refused(column: str) -> None:
    assert refused(YOSHIDA | {column: ""}) == (column, "REQUIRED")


@pytest.mark.parametrize(
    ("column", "text", "rule"),
    [
        ("municipality", "112080", "INVALID_CHECK_DIGIT"),
        ("municipality", "11208", "SIX_DIGITS"),
        ("code", "25208017644", "INVALID_CHECK_DIGIT"),
        ("code", "１２３４５６７８９０３", "ELEVEN_DIGITS"),
        ("code", "00000000000", "ALL_ZERO"),
        ("version", "0", "NUMBER_FROM_1"),
        ("version", "-1", "NUMBER_FROM_1"),
        ("version", "1.0", "NUMBER_FROM_1"),
        ("version", "１", "NUMBER_FROM_1"),
        ("version", "9" * 10, "NUMBER_FROM_1"),
        ("household", "1" * 21, "TOO_LONG"),
        ("household", "12\x0034", "CONTROL_CHARACTER"),
        ("sex", "M", "NO_CHOICE"),
        ("nationality", "日本", "NO_CHOICE"),
        ("state", "GONE", "NO_CHOICE"),
        ("birth", "1970-03-02", "DATE_TEXT"),
        ("birth", "昭和45年13月2日", "MONTH"),
        ("resident_since", "きのう", "DATE_TEXT"),
        ("address_since", "いつか", "DATE_TEXT"),
        ("notified", "0", "DATE_TEXT"),
        ("change_date", "x", "DATE_TEXT"),
        ("name", "山田\u202e太郎", "INVISIBLE_CHARACTER U+202E"),
        ("name", "山田\x00太郎", "CONTROL_CHARACTER U+0000"),
        ("name", "山\ue000", "PRIVATE_USE U+E000"),
        ("name", "㈱山田", "NO_NAME_CHARACTER U+3231"),
        ("name", "관", "HANGUL U+AD00"),
        ("name", "ｶﾞ", "HALF_WIDTH_KANA U+FF76"),
        ("name", "a\u200db", "NO_NAME_CHARACTER U+0061"),
        ("name", "林" * 101, "TOO_LONG"),
        ("kana", "吉田", "NO_KANA U+5409"),
        ("address", "東京\t港", "CONTROL_CHARACTER U+0009"),
        ("building", "東京\x85港", "CONTROL_CHARACTER U+0085"),
        ("relationship", "世帯主\u200b", "INVISIBLE_CHARACTER U+200B"),
        ("previous_address", "\ufeff東京", "INVISIBLE_CHARACTER U+FEFF"),
        ("registered_domicile", "東京\ufe00", "INVISIBLE_CHARACTER U+FE00"),
        ("family_register_head", "神\U000e0100\U000e0100", "SELECTOR_WITHOUT_IDEOGRAPH U+E0100"),
        ("kanji_name", "1", "NO_NAME_CHARACTER U+0031"),
    ],
)
def test_case_46_an_entry_is_refused_by_column_rule_and_code_point(
    column: str, text: str, rule: str
) -> None:
    """Case 46, and 2, 3: the refusal names what is wrong and does not echo the text."""
    assert refused(YOSHIDA | {column: text}) == (column, rule)


def test_a_reason_and_its_day_come_together() -> None:
    assert refused(YOSHIDA | {"reason": "DEATH"}) == ("change_date", "REQUIRED")
    assert refused(YOSHIDA | {"change_date": "令和6年1月1日"}) == ("reason", "REQUIRED")
    day = {"change_date": "令和6年1月1日"}
    assert refused(YOSHIDA | day | {"reason": "WHIM"}) == ("reason", "NO_CHOICE")


def test_entries_that_do_not_fit_together_are_refused() -> None:
    assert refused(NGUYEN | {"birth": "平成2年12月31日"}) == ("birth", "BIRTH_DATE_NOT_GREGORIAN")
    assert refused(YOSHIDA | {"birth": "1985年4月1日"}) == ("birth", "BIRTH_DATE_NOT_IN_ERA")
    assert refused(YOSHIDA | {"alias": "林"}) == ("alias", "ENTRY_OF_FOREIGN_RESIDENTS")


def test_a_relationship_may_stand_in_brackets() -> None:
    assert update_of(relationship="夫（未届）").record.relationship == "夫（未届）"


def rule_of(line: str) -> str:
    """Return the rule that a line breaks, or nothing for one that is read."""
    try:
        parse_update(LAYOUT, line)
    except RuleBroken as broken:
        return broken.rule
    return ""


@given(st.text(alphabet=st.characters(exclude_characters="\n"), max_size=200))
def test_whatever_a_line_holds_it_is_refused_unless_it_is_an_update(line: str) -> None:
    assert rule_of(line)


@given(
    st.sampled_from(COLUMNS),
    st.text(alphabet=st.characters(exclude_characters='\n\r",'), min_size=4, max_size=30),
)
def test_whatever_an_entry_holds_it_is_never_echoed(column: str, text: str) -> None:
    assert text not in rule_of(line_of(YOSHIDA | {column: text}))
