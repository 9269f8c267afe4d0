"""Registered texts of dates: every form of domain 7.4, kept as it is and never completed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from juki_center.areas.residents.civil_date_texts import parse_date, registered
from juki_center.areas.residents.civil_dates import ERAS, Calendar, CivilDate, Era, Precision
from juki_center.errors import RuleBroken

DAY, MONTH, YEAR = Precision.DAY, Precision.MONTH, Precision.YEAR
ABOUT, RANGE = Precision.APPROXIMATE, Precision.RANGE

FORMS = [
    # the text, its precision, its parts, the first and the last day that it may mean
    ("令和3年頃", ABOUT, (3, None, None), (20210101, 20211231)),
    ("令和3年5月頃", ABOUT, (3, 5, None), (20210501, 20210531)),
    ("令和3年5月1日頃", ABOUT, (3, 5, 1), (20210501, 20210501)),
    ("昭和25年5月1日ころ", ABOUT, (25, 5, 1), (19500501, 19500501)),
    ("推定令和3年5月1日", ABOUT, (3, 5, 1), (20210501, 20210501)),
    ("推定令和3年5月", ABOUT, (3, 5, None), (20210501, 20210531)),
    ("昭和25年春", ABOUT, (25, None, None), (19500201, 19500531)),
    ("昭和25年夏", ABOUT, (25, None, None), (19500501, 19500831)),
    ("昭和25年秋頃", ABOUT, (25, None, None), (19500801, 19501130)),
    ("昭和25年冬", ABOUT, (25, None, None), (19500101, 19501231)),
    ("令和元年春", ABOUT, (1, None, None), (20190501, 20190531)),
    ("明治45年7月下旬", ABOUT, (45, 7, None), (19120721, 19120730)),
    ("令和3年5月上旬", ABOUT, (3, 5, None), (20210501, 20210510)),
    ("令和3年5月中旬頃", ABOUT, (3, 5, None), (20210511, 20210520)),
    ("令和3年5月下旬", ABOUT, (3, 5, None), (20210521, 20210531)),
    ("明治3年春頃", ABOUT, (3, None, None), (18700201, 18710218)),
    ("年月日不詳", Precision.UNKNOWN, (None, None, None), (0, 99991231)),
    ("昭和25年 月日不詳", YEAR, (25, None, None), (19500101, 19501231)),
    ("昭和25年\u3000月日不詳", YEAR, (25, None, None), (19500101, 19501231)),
    ("昭和元年月日不詳", YEAR, (1, None, None), (19261225, 19261231)),
    ("昭和25年5月 日不詳", MONTH, (25, 5, None), (19500501, 19500531)),
    ("昭和25年5月日不詳", MONTH, (25, 5, None), (19500501, 19500531)),
    ("令和3年5月1日から10日頃までの間", RANGE, (3, 5, 1), (20210501, 20210510)),
    ("令和3年5月推定1日から10日までの間", RANGE, (3, 5, 1), (20210501, 20210510)),
    ("令和3年5月1日頃から10日頃までの間", RANGE, (3, 5, 1), (20210501, 20210510)),
    ("令和3年5月30日から6月2日までの間", RANGE, (3, 5, 30), (20210530, 20210602)),
    ("平成31年4月30日から令和元年5月1日までの間", RANGE, (31, 4, 30), (20190430, 20190501)),
    ("令和3年5月から7月頃までの間", RANGE, (3, 5, None), (20210501, 20210731)),
    ("令和3年から4年までの間", RANGE, (3, None, None), (20210101, 20221231)),
    ("昭和1年12月25日", DAY, (1, 12, 25), (19261225, 19261225)),
    ("昭和45年03月02日", DAY, (45, 3, 2), (19700302, 19700302)),
]
GREGORIAN_FORMS = [
    ("1985年頃", ABOUT, (1985, None, None), (19850101, 19851231)),
    ("推定1985年4月1日", ABOUT, (1985, 4, 1), (19850401, 19850401)),
    ("1985年秋", ABOUT, (1985, None, None), (19850801, 19851130)),
    ("1985年4月上旬", ABOUT, (1985, 4, None), (19850401, 19850410)),
    ("1985年 月日不詳", YEAR, (1985, None, None), (19850101, 19851231)),
    ("1985年4月 日不詳", MONTH, (1985, 4, None), (19850401, 19850431)),
    ("1985年4月1日から3日頃までの間", RANGE, (1985, 4, 1), (19850401, 19850403)),
    ("1985年2月29日", DAY, (1985, 2, 29), (19850229, 19850229)),
]
REFUSED = [
    ("", "DATE_MISSING"),
    (" \u3000", "DATE_MISSING"),
    ("昭和45年", "DATE_TEXT"),
    ("昭和45年3月", "DATE_TEXT"),
    ("昭和45年3月2日 ", "DATE_TEXT"),
    ("昭和45年3月2日\n", "DATE_TEXT"),
    ("1985-04-01", "DATE_TEXT"),
    ("S45.3.2", "DATE_TEXT"),
    ("昭和45年3月2日から", "DATE_TEXT"),
    ("昭和45年3月2日からまでの間", "DATE_TEXT"),
    ("昭和45年3月2日から4月までの間", "DATE_TEXT"),
    ("昭和45年3月から5日までの間", "DATE_TEXT"),
    ("昭和45年3月2日から46年5日までの間", "DATE_TEXT"),
    ("昭和45年から5月までの間", "DATE_TEXT"),
    ("昭和45年 日不詳", "DATE_TEXT"),
    ("明治3年閏10月5日", "DATE_TEXT"),
    ("４５年3月2日", "DATE_DIGITS"),
    ("昭和４５年３月２日", "DATE_DIGITS"),
    ("昭和四十五年三月二日", "DATE_DIGITS"),
    ("元年3月2日", "YEAR_WITHOUT_ERA"),
    ("45年3月2日", "YEAR_WITHOUT_ERA"),
    ("0045年3月2日", "YEAR_WITHOUT_ERA"),
    ("慶応3年3月2日", "ERA_UNKNOWN"),
    ("令和3年13月頃", "MONTH"),
    ("令和3年0月頃", "MONTH"),
    ("令和3年4月31日頃", "DAY"),
    ("昭和0年1月1日", "YEAR"),
    ("平成31年5月1日頃", "OUTSIDE_ERA"),
    ("平成31年5月上旬", "OUTSIDE_ERA"),
    ("昭和64年春", "OUTSIDE_ERA"),
    ("明治46年 月日不詳", "OUTSIDE_ERA"),
    ("平成31年4月30日から5月1日までの間", "OUTSIDE_ERA"),
    ("令和3年5月10日から1日までの間", "RANGE_BACKWARDS"),
    ("令和3年5月1日から32日頃までの間", "DAY"),
    ("年月日不詳" * 9, "ORIGINAL_TEXT_TOO_LONG"),
]


@pytest.mark.parametrize(("text", "precision", "parts", "span"), FORMS + GREGORIAN_FORMS)
def test_a_registered_form_keeps_its_text_and_says_what_it_leaves_open(
    text: str,
    precision: Precision,
    parts: tuple[int | None, int | None, int | None],
    span: tuple[int, int],
) -> None:
    date = parse_date(text)

    assert date.paper_text == text
    assert date.precision is precision
    assert (date.year, date.month, date.day) == parts
    assert (date.sort_from, date.sort_to) == span


@pytest.mark.parametrize("text", [text for text, *_ in GREGORIAN_FORMS])
def test_a_form_without_an_era_is_gregorian(text: str) -> None:
    assert parse_date(text).calendar is Calendar.GREGORIAN


@pytest.mark.parametrize(
    ("one", "other"),
    [("明治45年7月30日", "大正元年7月30日"), ("大正15年12月25日", "昭和元年12月25日")],
)
def test_the_day_on_which_eras_overlap_is_accepted_in_both(one: str, other: str) -> None:
    assert [parse_date(text).paper_text for text in (one, other)] == [one, other]
    assert parse_date(one).is_same_day(parse_date(other))


@pytest.mark.parametrize(("text", "rule"), REFUSED)
def test_a_text_in_no_registered_form_is_refused_by_its_rule_without_an_echo(
    text: str, rule: str
) -> None:
    with pytest.raises(RuleBroken) as refused:
        parse_date(text)

    assert str(refused.value) == rule


def test_texts_that_leave_the_same_open_are_the_same_whatever_their_spaces() -> None:
    assert parse_date("昭和25年 月日不詳").is_same_day(parse_date("昭和25年\u3000月日不詳"))
    assert not parse_date("昭和25年春").is_same_day(parse_date("昭和25年頃"))


def test_a_text_decides_what_parts_leave_out() -> None:
    stated = CivilDate(
        Calendar.ERA, RANGE, 3, era=Era.REIWA, original_text="令和3年5月1日から10日頃までの間"
    )

    assert registered(stated) == parse_date("令和3年5月1日から10日頃までの間")


def test_a_date_without_a_text_is_what_its_parts_say() -> None:
    date = CivilDate(Calendar.ERA, DAY, 45, 3, 2, Era.SHOWA)

    assert registered(date) is date


@pytest.mark.parametrize("calendar", list(Calendar))
def test_an_unknown_date_is_of_either_calendar(calendar: Calendar) -> None:
    date = CivilDate(calendar, Precision.UNKNOWN, original_text="年月日不詳")

    assert registered(date) == CivilDate(calendar, Precision.UNKNOWN)


@pytest.mark.parametrize(
    ("date", "rule"),
    [
        (CivilDate(Calendar.ERA, ABOUT, 4, era=Era.REIWA, original_text="令和3年頃"), None),
        (CivilDate(Calendar.ERA, ABOUT, 3, era=Era.HEISEI, original_text="令和3年頃"), None),
        (CivilDate(Calendar.ERA, RANGE, 3, era=Era.REIWA, original_text="令和3年頃"), None),
        (CivilDate(Calendar.GREGORIAN, ABOUT, 2021, original_text="令和3年頃"), None),
        (CivilDate(Calendar.ERA, DAY, 3, 5, 1, Era.REIWA, "令和3年5月2日"), None),
        (CivilDate(Calendar.ERA, Precision.UNKNOWN, original_text="令和3年頃"), None),
        (CivilDate(Calendar.ERA, ABOUT, 3, era=Era.REIWA, original_text="その頃"), "DATE_TEXT"),
    ],
)
def test_a_text_that_contradicts_its_parts_is_refused(date: CivilDate, rule: str | None) -> None:
    with pytest.raises(RuleBroken) as refused:
        registered(date)

    assert refused.value.rule == (rule or "TEXT_AND_PARTS")


@st.composite
def forms(draw: st.DrawFn) -> str:
    """Write a text by the grammar of the forms; its numbers may be impossible."""
    era = draw(st.sampled_from(["", *(span.name for span in ERAS.values())]))
    years = st.integers(1860, 2030) if not era else st.integers(1, 65)
    year = draw(st.just("元") if era and draw(st.booleans()) else years.map(str))
    month, day, end = (draw(st.integers(1, n)) for n in (12, 31, 31))
    about = draw(st.sampled_from(["", "頃"]))
    space = draw(st.sampled_from([" ", "\u3000", ""]))
    return draw(
        st.sampled_from(
            [
                f"{era}{year}年{month}月{day}日{about}",
                f"推定{era}{year}年{month}月{day}日",
                f"{era}{year}年{draw(st.sampled_from('春夏秋冬'))}{about}",
                f"{era}{year}年{month}月{draw(st.sampled_from('上中下'))}旬{about}",
                f"{era}{year}年{space}月日不詳",
                f"{era}{year}年{month}月{space}日不詳",
                f"{era}{year}年{month}月{day}日{about}から{end}日{about}までの間",
                f"{era}{year}年{month}月推定{day}日から{end}日までの間",
            ]
        )
    )


@given(
    forms()
    | st.text("推定明治大正昭和平令元0123456789年月日不詳頃春上旬から間まで \u3000", max_size=30)
)
def test_whatever_is_a_date_goes_on_paper_as_it_came_in(text: str) -> None:
    try:
        date = parse_date(text)
    except RuleBroken:
        return

    assert date.paper_text == text
    assert date.sort_from <= date.sort_to
    assert registered(date) == date
