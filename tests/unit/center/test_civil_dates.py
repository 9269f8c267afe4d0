"""Dates of the register: era texts, dates of no calendar, dates of which a part is known."""

from __future__ import annotations

import pytest

from juki_center.areas.residents.civil_date_texts import parse_date
from juki_center.areas.residents.civil_dates import Calendar, CivilDate, Era, Precision
from juki_center.errors import RuleBroken

DAY, MONTH, YEAR = Precision.DAY, Precision.MONTH, Precision.YEAR


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("昭和45年3月2日", 19700302),
        ("大正15年12月25日", 19261225),
        ("昭和元年12月25日", 19261225),
        ("昭和64年1月7日", 19890107),
        ("平成元年1月8日", 19890108),
        ("平成31年4月30日", 20190430),
        ("令和元年5月1日", 20190501),
        ("明治45年7月30日", 19120730),
        ("大正元年7月30日", 19120730),
        ("昭和46年2月29日", 19710229),
        ("1985年4月1日", 19850401),
    ],
)
def test_a_date_prints_as_registered_and_sorts_by_its_day(text: str, number: int) -> None:
    date = parse_date(text)

    assert date.paper_text == text
    assert (date.sort_from, date.sort_to) == (number, number)


@pytest.mark.parametrize(
    ("precision", "parts", "text", "spans"),
    [
        (MONTH, {"year": 45, "month": 3}, "昭和45年3月 日不詳", (19700301, 19700331)),
        (YEAR, {"year": 45}, "昭和45年 月日不詳", (19700101, 19701231)),
    ],
)
def test_a_partly_known_date_is_never_completed(
    precision: Precision, parts: dict[str, int], text: str, spans: tuple[int, int]
) -> None:
    date = CivilDate(Calendar.ERA, precision, era=Era.SHOWA, **parts)

    assert date.paper_text == text
    assert (date.sort_from, date.sort_to) == spans


def test_an_unknown_date_spans_everything() -> None:
    date = CivilDate(Calendar.ERA, Precision.UNKNOWN)

    assert date.paper_text == "年月日不詳"
    assert (date.sort_from, date.sort_to) == (0, 99991231)


def test_an_approximate_date_keeps_the_words_of_the_register() -> None:
    date = CivilDate(
        Calendar.ERA, Precision.APPROXIMATE, 25, era=Era.SHOWA, original_text="昭和25年春頃"
    )

    assert date.paper_text == "昭和25年春頃"
    assert date.index_key == date.year_key == "1950"


@pytest.mark.parametrize(
    ("rule", "parts"),
    [
        ("MONTH", {"precision": DAY, "year": 1985, "month": 13, "day": 1}),
        ("DAY", {"precision": DAY, "year": 1985, "month": 4, "day": 31}),
        ("DAY", {"precision": DAY, "year": 1985, "month": 4, "day": 0}),
        ("YEAR", {"precision": DAY, "year": 0, "month": 4, "day": 1}),
        ("PARTS_AND_PRECISION", {"precision": DAY, "year": 1985, "month": 4}),
        ("PARTS_AND_PRECISION", {"precision": YEAR, "year": 1985, "month": 4}),
        ("PARTS_AND_PRECISION", {"precision": Precision.UNKNOWN, "year": 1985}),
        ("PARTS_AND_PRECISION", {"precision": Precision.RANGE, "month": 4}),
        ("ORIGINAL_TEXT_MISSING", {"precision": Precision.RANGE, "year": 1985}),
        (
            "ORIGINAL_TEXT_TOO_LONG",
            {"precision": Precision.UNKNOWN, "original_text": "不" * 41},
        ),
    ],
)
def test_parts_that_contradict_each_other_are_refused(rule: str, parts: dict[str, object]) -> None:
    with pytest.raises(RuleBroken) as refused:
        CivilDate(Calendar.GREGORIAN, **parts)  # type: ignore[arg-type]  # by name, per case

    assert refused.value.rule == rule


@pytest.mark.parametrize(
    ("era", "year", "month", "day"),
    [
        (Era.MEIJI, 45, 7, 31),
        (Era.TAISHO, 1, 7, 29),
        (Era.TAISHO, 15, 12, 26),
        (Era.SHOWA, 1, 12, 24),
        (Era.SHOWA, 64, 1, 8),
        (Era.HEISEI, 31, 5, 1),
        (Era.REIWA, 1, 4, 30),
    ],
)
def test_a_day_outside_its_era_is_refused(era: Era, year: int, month: int, day: int) -> None:
    with pytest.raises(RuleBroken, match="OUTSIDE_ERA"):
        CivilDate(Calendar.ERA, DAY, year, month, day, era)


def test_an_era_without_its_calendar_is_refused() -> None:
    with pytest.raises(RuleBroken, match="ERA_AND_CALENDAR"):
        CivilDate(Calendar.GREGORIAN, DAY, 45, 3, 2, Era.SHOWA)
    with pytest.raises(RuleBroken, match="ERA_AND_CALENDAR"):
        CivilDate(Calendar.ERA, DAY, 1970, 3, 2)


def test_both_names_of_an_eras_last_day_are_the_same_day() -> None:
    meiji, taisho = parse_date("明治45年7月30日"), parse_date("大正元年7月30日")

    assert meiji.is_same_day(taisho)
    assert meiji.index_key == taisho.index_key


def test_era_and_gregorian_dates_of_one_day_are_the_same_day() -> None:
    assert parse_date("昭和45年3月2日").is_same_day(parse_date("1970年3月2日"))
    assert not parse_date("昭和45年3月2日").is_same_day(parse_date("1970年3月3日"))


def test_an_imprecise_date_is_the_same_only_in_the_same_words() -> None:
    year = CivilDate(Calendar.ERA, YEAR, 45, era=Era.SHOWA)

    assert not year.is_same_day(parse_date("昭和45年3月2日"))
    assert year.is_same_day(CivilDate(Calendar.ERA, YEAR, 45, era=Era.SHOWA))


@pytest.mark.parametrize(
    ("year", "month", "day", "span"),
    [
        (1, 1, 1, (18680125, 18690210)),
        (3, 12, 30, (18700201, 18710218)),
        (3, 2, 30, (18700201, 18710218)),
        (5, 12, 2, (18720209, 18721231)),
    ],
)
def test_a_luni_solar_date_sorts_by_its_year_alone(
    year: int, month: int, day: int, span: tuple[int, int]
) -> None:
    date = CivilDate(Calendar.ERA, DAY, year, month, day, Era.MEIJI)

    assert (date.sort_from, date.sort_to) == span
    assert not date.is_same_day(
        CivilDate(Calendar.GREGORIAN, DAY, 1867 + year, month, min(day, 28))
    )
    assert date.is_same_day(CivilDate(Calendar.ERA, DAY, year, month, day, Era.MEIJI))


@pytest.mark.parametrize(("year", "month", "day"), [(5, 12, 3), (3, 10, 31), (6, 2, 30)])
def test_a_day_that_neither_calendar_of_meiji_had_is_refused(
    year: int, month: int, day: int
) -> None:
    with pytest.raises(RuleBroken) as refused:
        CivilDate(Calendar.ERA, DAY, year, month, day, Era.MEIJI)

    assert refused.value.rule == "DAY"


def test_the_first_gregorian_day_of_meiji_sorts_by_its_day() -> None:
    assert CivilDate(Calendar.ERA, DAY, 6, 1, 1, Era.MEIJI).sort_from == 18730101


@pytest.mark.parametrize(
    ("era", "year", "span"),
    [
        (Era.MEIJI, 45, (19120101, 19120730)),
        (Era.TAISHO, 1, (19120730, 19121231)),
        (Era.SHOWA, 64, (19890101, 19890107)),
        (Era.HEISEI, 1, (19890108, 19891231)),
    ],
)
def test_a_year_known_by_its_era_ends_with_the_era(
    era: Era, year: int, span: tuple[int, int]
) -> None:
    date = CivilDate(Calendar.ERA, YEAR, year, era=era)

    assert (date.sort_from, date.sort_to) == span


def test_years_of_two_eras_in_one_gregorian_year_are_not_the_same() -> None:
    meiji = CivilDate(Calendar.ERA, YEAR, 45, era=Era.MEIJI)

    assert not meiji.is_same_day(CivilDate(Calendar.ERA, YEAR, 1, era=Era.TAISHO))


@pytest.mark.parametrize(
    ("rule", "parts"),
    [
        ("SPAN_AND_PRECISION", {"precision": DAY, "earliest": 1, "latest": 2}),
        ("SPAN_AND_PRECISION", {"precision": Precision.APPROXIMATE, "earliest": 1}),
        ("SPAN_AND_PRECISION", {"precision": Precision.APPROXIMATE, "latest": 1}),
        ("RANGE_BACKWARDS", {"precision": Precision.RANGE, "earliest": 2, "latest": 1}),
    ],
)
def test_a_span_belongs_to_a_text_that_means_one(rule: str, parts: dict[str, object]) -> None:
    day = {"year": 1985, "month": 4, "day": 1, "original_text": "1985年4月1日頃"}

    with pytest.raises(RuleBroken) as refused:
        CivilDate(Calendar.GREGORIAN, **day, **parts)  # type: ignore[arg-type]  # by name, per case

    assert refused.value.rule == rule
