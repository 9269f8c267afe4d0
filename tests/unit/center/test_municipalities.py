"""The municipalities of the country: their codes, names and days of validity."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

import pytest

from juki_center.areas.residents.codes import MunicipalityCode, municipality_check_digit
from juki_center.areas.residents.municipalities import Municipalities, Municipality
from juki_center.data import municipality_rows
from juki_center.errors import RuleBroken

TODAY = date(2026, 11, 23)
COUNTRY = Municipalities.parse(municipality_rows())
CHANGES = [
    # the code before, the code after, the first day of the latter
    ("222020", "221309", date(2007, 4, 1)),
    ("152013", "151009", date(2007, 4, 1)),
    ("222011", "221007", date(2005, 4, 1)),
    ("272019", "271403", date(2006, 4, 1)),
    ("332011", "331007", date(2009, 4, 1)),
    ("142093", "141500", date(2010, 4, 1)),
    ("432016", "431001", date(2012, 4, 1)),
    ("044237", "042161", date(2016, 10, 10)),
    ("403059", "402311", date(2018, 10, 1)),
    ("114456", "112461", date(2012, 10, 1)),
    ("124028", "122394", date(2013, 1, 1)),
    ("233048", "232386", date(2012, 1, 4)),
    ("173444", "172120", date(2011, 11, 11)),
    ("033057", "032166", date(2014, 1, 1)),
    ("014397", "014729", date(2010, 4, 1)),
    ("014885", "015202", date(2010, 4, 1)),
]


def code(digits: str) -> MunicipalityCode:
    return MunicipalityCode(digits)


def test_today_there_are_1741_municipalities_and_171_ward_offices() -> None:
    kinds = Counter(one.is_ward for one in COUNTRY.current(TODAY))

    assert kinds == {False: 1_741, True: 171}


def test_every_check_digit_follows_from_the_digits_before_it() -> None:
    codes = [row["code6"] for row in municipality_rows()]

    assert len(codes) == 1_938
    assert [digits[:5] + municipality_check_digit(digits[:5]) for digits in codes] == codes


def test_every_row_has_a_name_a_reading_and_one_of_47_prefectures() -> None:
    prefectures = {(one.code.prefecture, one.prefecture) for one in COUNTRY.everything()}

    assert [number for number, _ in sorted(prefectures)] == [f"{n:02}" for n in range(1, 48)]
    assert all(one.name and one.kana for one in COUNTRY.everything())


@pytest.mark.parametrize(("before", "after", "first_day"), CHANGES)
def test_a_code_that_was_given_up_ends_the_day_before_its_successor_begins(
    before: str, after: str, first_day: date
) -> None:
    day_before = first_day - timedelta(days=1)

    assert COUNTRY.valid_on(code(before), day_before) is not None
    assert COUNTRY.valid_on(code(before), first_day) is None
    assert COUNTRY.valid_on(code(after), day_before) is None
    assert COUNTRY.valid_on(code(after), first_day) is not None


def test_hamamatsus_seven_wards_became_three_at_the_new_year_of_2024() -> None:
    def wards(day: date) -> list[str]:
        return [
            str(one.code)
            for one in COUNTRY.current(day)
            if one.is_ward and one.full_name.startswith("静岡県浜松市")
        ]

    before, after = wards(date(2023, 12, 31)), wards(date(2024, 1, 1))

    assert [digits[:5] for digits in before] == [f"2213{n}" for n in range(1, 8)]
    assert after == ["221384", "221392", "221406"]
    assert {COUNTRY.register_of(code(digits)) for digits in (*before, *after)} == {code("221309")}


def test_a_renamed_city_keeps_its_code() -> None:
    tamba = code("282219")
    before, after = (COUNTRY.valid_on(tamba, date(2019, *day)) for day in ((4, 30), (5, 1)))

    assert before is not None
    assert after is not None
    assert (before.name, after.name) == ("篠山市", "丹波篠山市")
    assert COUNTRY[tamba] == after
    assert COUNTRY.periods(tamba) == (before, after)


def test_an_office_that_was_abolished_is_known_and_works_no_more() -> None:
    naka = code("221317")

    assert naka in COUNTRY
    assert COUNTRY[naka].name == "浜松市中区"
    with pytest.raises(RuleBroken, match="MUNICIPALITY_NOT_VALID"):
        COUNTRY.office_on(naka, TODAY)
    assert COUNTRY.office_on(code("221384"), TODAY).name == "浜松市中央区"


def test_a_code_that_nobody_ever_bore_is_unknown() -> None:
    nobody = code("471992")

    assert nobody not in COUNTRY
    assert COUNTRY.periods(nobody) == ()
    assert COUNTRY.valid_on(nobody, TODAY) is None
    with pytest.raises(RuleBroken, match="MUNICIPALITY_UNKNOWN"):
        COUNTRY.office_on(nobody, TODAY)


def test_25_names_belong_to_several_municipalities() -> None:
    names = Counter(one.name for one in COUNTRY.current(TODAY) if not one.is_ward)

    assert sum(count > 1 for count in names.values()) == 25
    assert names["池田町"] == 4


@pytest.mark.parametrize(
    ("name", "codes"),
    [
        ("府中市", {"132063", "342084"}),
        ("東京都府中市", {"132063"}),
        ("ふちゅうし", {"132063", "342084"}),
        ("伊達市", {"012335", "072133"}),
        ("池田町", {"016446", "183822", "204811", "214043"}),
        ("所沢市", {"112089"}),
        ("浜松市", {"222020", "221309"}),
        ("浜松市天竜区", {"221376", "221406"}),
        ("篠山市", {"282219"}),
        ("存在しない市", set()),
        ("", set()),
    ],
)
def test_a_name_gives_all_that_bear_or_bore_it(name: str, codes: set[str]) -> None:
    assert {str(one.code) for one in COUNTRY.named(name)} == codes


def test_a_ward_is_found_without_its_citys_name_beside_others_of_that_name() -> None:
    found = {str(one.code) for one in COUNTRY.named("中央区")}

    assert {"131024", "011011", "221384"} < found


def test_two_periods_of_one_code_may_not_overlap() -> None:
    row = {"code6": "112089", "prefecture": "埼玉県", "name": "所沢市", "kana": "", "kind": ""}
    first = {**row, "valid_from": "", "valid_to": "2020-01-01"}
    second = {**row, "valid_from": "2020-01-01", "valid_to": ""}

    with pytest.raises(RuleBroken, match="PERIODS_OVERLAP"):
        Municipalities.parse([second, first])


def test_a_list_with_a_wrong_check_digit_is_refused() -> None:
    row = {"code6": "112080", "prefecture": "", "name": "", "kana": "", "kind": ""}

    with pytest.raises(RuleBroken, match="INVALID_CHECK_DIGIT"):
        Municipalities.parse([{**row, "valid_from": "", "valid_to": ""}])


def test_an_open_end_is_open() -> None:
    office = Municipality(code("112089"), "埼玉県", "所沢市", "", False)

    assert office.exists_on(date.min)
    assert office.exists_on(date.max)
