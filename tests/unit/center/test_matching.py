"""Whom an agency means by attributes: exact first, present first, never a guess."""

from __future__ import annotations

from dataclasses import replace

import pytest

from juki_center.areas.agencies.answering import prefecture_of
from juki_center.areas.agencies.commands import AffairCode, ByAttributes, Outcome
from juki_center.areas.agencies.matching import Finding, find, registered_address
from juki_center.areas.residents.changes import Item
from juki_center.areas.residents.civil_date_texts import parse_date
from juki_center.areas.residents.civil_dates import CivilDate
from juki_center.areas.residents.codes import MunicipalityCode, ResidentCode
from juki_center.areas.residents.records import (
    HouseholdID,
    PersonID,
    ResidenceRecord,
    ResidenceState,
    Resident,
    Sex,
)
from juki_center.errors import Reason, Refusal, RuleBroken
from tests.support.agencies import POLICY

BORN = parse_date("昭和40年3月15日")
TOKOROZAWA = MunicipalityCode("112089")
YOKOHAMA = MunicipalityCode("141003")
YOKOHAMA_NAKA = MunicipalityCode("141046")
RECORD = ResidenceRecord(
    code=ResidentCode("24727059608"),
    name="髙橋　花子",
    kana="タカハシ　ハナコ",
    birth=BORN,
    sex=Sex.FEMALE,
    address="並木一丁目1番地の1",
    resident_since=BORN,
    relationship="世帯主",
)


def resident(
    number: int = 1,
    state: ResidenceState = ResidenceState.ACTIVE,
    municipality: MunicipalityCode = TOKOROZAWA,
    record: ResidenceRecord = RECORD,
) -> Resident:
    """Return a resident of Tokorozawa."""
    octets = bytes([number]) * 16
    return Resident(PersonID(octets), municipality, HouseholdID(octets), state, 1, record)


EXACT = resident()
VARIANT = resident(2, record=replace(RECORD, name="高橋　花子"))
GONE = resident(3, ResidenceState.DECEASED)
GONE_VARIANT = resident(4, ResidenceState.MOVED_OUT, record=VARIANT.record)


def question(
    name: str = "髙橋　花子",
    kana: str = "",
    birth: CivilDate = BORN,
    sex: Sex | None = Sex.FEMALE,
    address: str = "埼玉県所沢市並木一丁目1番地の1",
    municipality: MunicipalityCode | None = None,
) -> ByAttributes:
    """Ask for RECORD as registered, but for what is given."""
    return ByAttributes(name, birth, kana, sex, address, municipality)


def outcome(asked: ByAttributes, *candidates: Resident) -> Finding:
    """Return who is found."""
    return find(asked, candidates, POLICY.municipalities)


@pytest.mark.parametrize(
    ("candidates", "expected"),
    [
        ([], Finding(Outcome.NO_MATCH)),
        ([EXACT], Finding(Outcome.MATCH, EXACT)),
        ([VARIANT], Finding(Outcome.MATCH_WITH_VARIANT, VARIANT, (Item.NAME,))),
        ([EXACT, VARIANT], Finding(Outcome.MATCH, EXACT)),
        ([VARIANT, resident(9, record=VARIANT.record)], Finding(Outcome.AMBIGUOUS, count=2)),
        ([EXACT, resident(9), VARIANT], Finding(Outcome.AMBIGUOUS, count=2)),
        ([EXACT, GONE], Finding(Outcome.MATCH, EXACT)),
        ([GONE], Finding(Outcome.DELETED, GONE)),
        ([GONE, VARIANT], Finding(Outcome.DELETED, GONE)),
        ([VARIANT, GONE_VARIANT], Finding(Outcome.MATCH_WITH_VARIANT, VARIANT, (Item.NAME,))),
        ([GONE_VARIANT], Finding(Outcome.DELETED, GONE_VARIANT, (Item.NAME,))),
        ([GONE, resident(9, ResidenceState.DELETED)], Finding(Outcome.AMBIGUOUS, count=2)),
    ],
)
def test_whoever_is_alone_in_the_nearest_class_is_found(
    candidates: list[Resident], expected: Finding
) -> None:
    assert outcome(question(), *candidates) == expected
    assert outcome(question(), *reversed(candidates)) == expected


def test_more_than_a_hundred_are_counted_as_a_hundred() -> None:
    many = [resident(number) for number in range(1, 121)]

    assert outcome(question(), *many) == Finding(Outcome.AMBIGUOUS, count=100)


@pytest.mark.parametrize(
    "address",
    [
        "埼玉県所沢市並木一丁目1番地の1",
        "所沢市並木一丁目1番地の1",
        "並木一丁目1番地の1",
        "埼玉県",
        "埼玉県所沢市",
        "",
    ],
)
def test_prefecture_and_municipality_in_front_do_not_count(address: str) -> None:
    in_full = resident(record=replace(RECORD, address="埼玉県所沢市並木一丁目1番地の1"))

    assert outcome(question(address=address), EXACT).outcome is Outcome.MATCH
    assert outcome(question(address=address), in_full).outcome is Outcome.MATCH


def test_an_address_in_other_words_is_a_variant() -> None:
    found = outcome(question(address="埼玉県所沢市並木１－１－１"), EXACT)

    assert found == Finding(Outcome.MATCH_WITH_VARIANT, EXACT, (Item.ADDRESS,))


@pytest.mark.parametrize(
    "address",
    ["埼玉県川越市並木一丁目1番地の1", "東京都所沢市並木一丁目1番地の1", "並木二丁目1番地の1"],
)
def test_another_address_does_not_fit(address: str) -> None:
    assert outcome(question(address=address), EXACT).outcome is Outcome.NO_MATCH


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("並木一丁目1番地の1", Outcome.MATCH),
        ("並木一丁目1番地の1　並木荘101", Outcome.MATCH),
        ("並木一丁目1番地の1並木荘101", Outcome.MATCH),
        ("並木一丁目1番地の1並木荘１０１", Outcome.MATCH_WITH_VARIANT),
        ("並木一丁目1番地の1　並木荘102", Outcome.NO_MATCH),
    ],
)
def test_a_building_may_be_left_out_but_not_be_another_one(address: str, expected: Outcome) -> None:
    in_building = resident(record=replace(RECORD, building="並木荘101"))

    assert outcome(question(address=address), in_building).outcome is expected


def test_an_address_as_it_is_told_is_matched_byte_for_byte() -> None:
    city = POLICY.municipalities[TOKOROZAWA]
    one = resident(record=replace(RECORD, building="並木荘101"))

    told = registered_address(one, city)

    assert told == "埼玉県所沢市並木一丁目1番地の1　並木荘101"
    assert outcome(question(address=told), one).outcome is Outcome.MATCH


@pytest.mark.parametrize("sex", [Sex.MALE, Sex.BLANK])
def test_another_sex_is_no_match_whatever_else_fits(sex: Sex) -> None:
    assert outcome(question(sex=sex), EXACT).outcome is Outcome.NO_MATCH


def test_a_sex_that_is_not_given_says_nothing() -> None:
    assert outcome(question(sex=None), EXACT).outcome is Outcome.MATCH


@pytest.mark.parametrize("written", ["1965年3月15日", "昭和40年3月15日"])
def test_the_same_day_in_another_calendar_is_the_same_date(written: str) -> None:
    assert outcome(question(birth=parse_date(written)), EXACT).outcome is Outcome.MATCH


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("昭和40年3月頃", Outcome.MATCH),
        ("昭和40年3月15日", Outcome.NO_MATCH),
        ("昭和40年頃", Outcome.NO_MATCH),
    ],
)
def test_an_imprecise_date_fits_its_registered_words_only(asked: str, expected: Outcome) -> None:
    imprecise = resident(record=replace(RECORD, birth=parse_date("昭和40年3月頃")))

    assert outcome(question(birth=parse_date(asked)), imprecise).outcome is expected


def test_a_reading_alone_is_never_more_than_a_variant() -> None:
    found = outcome(question(name="", kana="タカハシ　ハナコ"), EXACT)

    assert found == Finding(Outcome.MATCH_WITH_VARIANT, EXACT, (Item.NAME,))


@pytest.mark.parametrize(
    ("kana", "expected"),
    [
        ("タカハシ　ハナコ", Outcome.MATCH),
        ("たかはしはなこ", Outcome.MATCH_WITH_VARIANT),
        ("タカハシ　ヨシコ", Outcome.NO_MATCH),
    ],
)
def test_a_reading_beside_the_name_must_fit_too(kana: str, expected: Outcome) -> None:
    assert outcome(question(kana=kana), EXACT).outcome is expected


@pytest.mark.parametrize("name", ["WANG　XIAOMING", "王　小明", "田中　小明"])
def test_latin_name_kanji_name_and_alias_are_all_names(name: str) -> None:
    """Case 48."""
    foreign = replace(RECORD, name="WANG　XIAOMING", kanji_name="王　小明", alias="田中　小明")

    assert outcome(question(name=name), resident(record=foreign)).outcome is Outcome.MATCH


@pytest.mark.parametrize("kept", ["髙橋　花子", "神谷　純", "葛󠄀城　玲", "𠮷田　太郎"])
def test_a_name_matches_its_own_bytes_alone(kept: str) -> None:
    """Case 39: also for characters that a normalisation would have changed."""
    one = resident(record=replace(RECORD, name=kept))

    assert outcome(question(name=kept), one).outcome is Outcome.MATCH


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (TOKOROZAWA, Outcome.MATCH),
        (YOKOHAMA, Outcome.NO_MATCH),
        (MunicipalityCode("117994"), Outcome.NO_MATCH),
    ],
)
def test_a_municipality_that_is_given_must_be_the_residence(
    asked: MunicipalityCode, expected: Outcome
) -> None:
    assert outcome(question(municipality=asked, address=""), EXACT).outcome is expected


def test_a_ward_office_stands_for_its_citys_register() -> None:
    citizen = resident(municipality=YOKOHAMA)

    found = outcome(question(municipality=YOKOHAMA_NAKA, address=""), citizen)

    assert found.outcome is Outcome.MATCH


@pytest.mark.parametrize(
    ("asked", "prefecture"),
    [
        (question(address="東京都千代田区六番町7番地4"), "13"),
        (question(address="京都府京都市"), "26"),
        (question(address="", municipality=TOKOROZAWA), "11"),
        (ByAttributes("髙橋　花子", BORN, prefecture="47"), "47"),
    ],
)
def test_the_prefecture_is_read_from_what_is_given(asked: ByAttributes, prefecture: str) -> None:
    assert prefecture_of(asked, POLICY.municipalities) == prefecture


@pytest.mark.parametrize("address", ["", "所沢市並木一丁目1番地の1", "府中市"])
def test_without_a_prefecture_a_search_is_too_broad(address: str) -> None:
    """Case 38."""
    with pytest.raises(Refusal) as caught:
        prefecture_of(question(address=address), POLICY.municipalities)

    assert caught.value.reason is Reason.QUERY_TOO_BROAD


@pytest.mark.parametrize(
    ("field", "rule", "given"),
    [
        ("name", "NAME_OR_KANA", {"name": ""}),
        ("prefecture_code", "NO_PREFECTURE", {"name": "山", "prefecture": "48"}),
        ("prefecture_code", "NO_PREFECTURE", {"name": "山", "prefecture": "１１"}),
        (
            "prefecture_code",
            "OTHER_PREFECTURE",
            {"name": "山", "prefecture": "13", "municipality": TOKOROZAWA},
        ),
    ],
)
def test_a_question_that_contradicts_itself_is_not_made(
    field: str, rule: str, given: dict[str, str]
) -> None:
    with pytest.raises(RuleBroken) as caught:
        ByAttributes(birth=BORN, **given)  # type: ignore[arg-type]  # one of them is a code

    assert (caught.value.field, caught.value.rule) == (field, rule)


@pytest.mark.parametrize("text", ["", "Passport", "旅券", "parking permits", "a" * 65, "-a", "a-"])
def test_an_affair_that_is_not_well_formed_is_not_made(text: str) -> None:
    with pytest.raises(RuleBroken):
        AffairCode(text)


def test_no_question_shows_its_person() -> None:
    assert "髙橋" not in repr(question())
    assert "24727059608" not in repr(EXACT)
