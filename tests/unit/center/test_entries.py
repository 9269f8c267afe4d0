"""Which entries a register holds, by the rules alone (domain cases 8 and 45 to 48)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from juki_center.areas.residents.civil_date_texts import parse_date
from juki_center.areas.residents.civil_dates import Calendar, CivilDate, Era, Precision
from juki_center.areas.residents.names import accept_name
from juki_center.areas.residents.records import Nationality, ResidenceRecord, Sex
from juki_center.areas.residents.rules import check_entries
from juki_center.errors import RuleBroken
from tests.support.center import SAMPLES

YOSHIDA = SAMPLES["yoshida-taro"].record
WANG = SAMPLES["wang-xiaoming"].record
ADDRESSES = {
    "address": "address",
    "building": "building_and_room",
    "previous_address": "previous_address",
    "registered_domicile": "registered_domicile",
    "relationship": "relationship_to_householder",
}
HARD_NAMES = [
    "𠮷田\u3000太郎",
    "山﨑",
    "\ufa19谷",
    "葛\U000e0100城",
    "䶒藤\U000e0103\u3000太朗\U000e0105",
    "渡\U0002e7bd",
]
FORBIDDEN = [
    ("山田\u202e太郎", "INVISIBLE_CHARACTER U+202E"),
    ("a\u200db", "NO_NAME_CHARACTER U+0061"),
    ("山\u200d田", "INVISIBLE_CHARACTER U+200D"),
    ("山田\x00太郎", "CONTROL_CHARACTER U+0000"),
    ("\ue000田", "PRIVATE_USE U+E000"),
    ("\ud842田", "LONE_SURROGATE U+D842"),
    ("㈱山田", "NO_NAME_CHARACTER U+3231"),
    ("관田", "HANGUL U+AD00"),
    ("ｶﾞ田", "HALF_WIDTH_KANA U+FF76"),
    ("神\ufe00", "INVISIBLE_CHARACTER U+FE00"),
]


def refused(record: ResidenceRecord) -> tuple[str, str]:
    """Return the field and the rule of a refusal."""
    with pytest.raises(RuleBroken) as caught:
        check_entries(record)
    assert str(caught.value) == f"{caught.value.field}: {caught.value.rule}"
    return caught.value.field, caught.value.rule


def test_case_08_an_unnamed_newborn_without_a_sex_is_accepted() -> None:
    check_entries(replace(YOSHIDA, name="", kana="", sex=Sex.BLANK))


@pytest.mark.parametrize("text", ["", " ", "\u3000"])
def test_case_08_a_blank_birth_date_is_refused(text: str) -> None:
    with pytest.raises(RuleBroken, match="DATE_MISSING"):
        replace(YOSHIDA, birth=parse_date(text))


@pytest.mark.parametrize("name", HARD_NAMES)
def test_case_45_a_hard_name_is_an_entry_as_it_is(name: str) -> None:
    record = replace(YOSHIDA, name=name, family_register_head=name)

    check_entries(record)

    assert record.name.encode() == name.encode()


@pytest.mark.parametrize(("name", "rule"), FORBIDDEN)
def test_case_46_a_forbidden_character_is_refused_by_field_and_code_point(
    name: str, rule: str
) -> None:
    assert refused(replace(YOSHIDA, name=name)) == ("name", rule)
    assert refused(replace(YOSHIDA, family_register_head=name)) == ("family_register_head", rule)


@pytest.mark.parametrize(("own", "field"), ADDRESSES.items())
def test_case_46_it_is_refused_in_addresses_too(own: str, field: str) -> None:
    changed = replace(YOSHIDA, **{own: "並木\u202e"})  # type: ignore[arg-type]  # a text of that name

    assert refused(changed) == (field, "INVISIBLE_CHARACTER U+202E")


def test_case_46_a_reading_is_refused_by_its_own_field() -> None:
    assert refused(replace(YOSHIDA, kana="ヨシダ1")) == ("name_kana", "NO_KANA U+0031")


@pytest.mark.parametrize("own", ["alias", "kanji_name"])
def test_case_46_names_beside_the_name_are_refused_by_their_own_fields(own: str) -> None:
    changed = replace(WANG, **{own: "王\ue000"})  # type: ignore[arg-type]  # a text of that name

    assert refused(changed) == (own, "PRIVATE_USE U+E000")


def test_case_47_kana_that_is_not_composed_is_not_as_stored() -> None:
    assert refused(replace(YOSHIDA, kana="か\u3099")) == ("name_kana", "NOT_AS_STORED")


@pytest.mark.parametrize(
    ("record", "field"),
    [
        (replace(YOSHIDA, name="𠮷田 太郎"), "name"),
        (replace(YOSHIDA, address=" 所沢市並木"), "address"),
        (replace(WANG, alias="田中 太郎"), "alias"),
    ],
)
def test_a_text_in_another_form_than_the_stored_one_is_refused(
    record: ResidenceRecord, field: str
) -> None:
    assert refused(record) == (field, "NOT_AS_STORED")


def test_case_48_a_foreign_resident_has_latin_name_kanji_name_and_alias() -> None:
    check_entries(
        replace(
            WANG,
            name="WANG\u3000XIAOMING",
            kanji_name="王\u3000小明",
            alias="田中\u3000太郎",
            birth=parse_date("1985年4月1日"),
        )
    )


@pytest.mark.parametrize("text", ["昭和60年4月1日", "昭和60年頃", "昭和60年 月日不詳"])
def test_case_48_a_foreign_residents_birth_date_in_an_era_is_refused(text: str) -> None:
    changed = replace(WANG, birth=parse_date(text))

    assert refused(changed) == ("date_of_birth", "BIRTH_DATE_NOT_GREGORIAN")


def test_a_nationals_birth_date_is_kept_in_its_era() -> None:
    changed = replace(YOSHIDA, birth=parse_date("1985年4月1日"))

    assert refused(changed) == ("date_of_birth", "BIRTH_DATE_NOT_IN_ERA")


@pytest.mark.parametrize("record", [YOSHIDA, WANG])
@pytest.mark.parametrize("calendar", list(Calendar))
def test_a_birth_date_of_which_nothing_is_known_is_accepted(
    record: ResidenceRecord, calendar: Calendar
) -> None:
    check_entries(replace(record, birth=CivilDate(calendar, Precision.UNKNOWN)))


@pytest.mark.parametrize(
    ("record", "field", "rule"),
    [
        (replace(YOSHIDA, address=""), "address", "REQUIRED"),
        (replace(YOSHIDA, alias="吉田"), "alias", "ENTRY_OF_FOREIGN_RESIDENTS"),
        (replace(YOSHIDA, kanji_name="吉田"), "kanji_name", "ENTRY_OF_FOREIGN_RESIDENTS"),
        (replace(YOSHIDA, name="WANG"), "name", "NO_NAME_CHARACTER U+0057"),
        (replace(WANG, kanji_name="WANG"), "kanji_name", "NO_NAME_CHARACTER U+0057"),
        (replace(WANG, registered_domicile="東京都"), "registered_domicile", "ENTRY_OF_NATIONALS"),
        (replace(WANG, family_register_head="王"), "family_register_head", "ENTRY_OF_NATIONALS"),
    ],
)
def test_an_entry_where_it_does_not_belong_is_refused(
    record: ResidenceRecord, field: str, rule: str
) -> None:
    assert refused(record) == (field, rule)


@pytest.mark.parametrize(
    "text", ["令和3年頃", "令和3年5月1日から10日頃までの間", "1985年4月 日不詳"]
)
def test_every_date_may_be_a_registered_text(text: str) -> None:
    date = parse_date(text)

    check_entries(replace(YOSHIDA, resident_since=date, address_since=date, notified=date))


@pytest.mark.parametrize(
    ("own", "field"),
    [
        ("birth", "date_of_birth"),
        ("resident_since", "resident_since"),
        ("address_since", "address_since"),
        ("notified", "notification_date"),
    ],
)
def test_a_date_whose_text_says_something_else_is_refused_by_its_field(
    own: str, field: str
) -> None:
    day = CivilDate(Calendar.ERA, Precision.DAY, 45, 3, 2, Era.SHOWA, "昭和45年3月3日")
    span = CivilDate(
        Calendar.ERA, Precision.RANGE, 45, era=Era.SHOWA, original_text="昭和45年から46年までの間"
    )
    prose = CivilDate(Calendar.ERA, Precision.APPROXIMATE, original_text="戦後まもなく")

    assert refused(replace(YOSHIDA, **{own: day})) == (field, "TEXT_AND_PARTS")  # type: ignore[arg-type]  # a date of that name
    assert refused(replace(YOSHIDA, **{own: span})) == (field, "TEXT_AND_PARTS")  # type: ignore[arg-type]  # a date of that name
    assert refused(replace(YOSHIDA, **{own: prose})) == (field, "DATE_TEXT")  # type: ignore[arg-type]  # a date of that name


def test_a_relationship_may_stand_in_brackets() -> None:
    check_entries(replace(YOSHIDA, relationship="夫（未届）"))


def test_the_accepted_form_of_every_sample_name_is_the_sample_itself() -> None:
    for sample in SAMPLES.values():
        for name in (sample.record.name, sample.record.alias):
            assert accept_name(name, Nationality.FOREIGN) == name
