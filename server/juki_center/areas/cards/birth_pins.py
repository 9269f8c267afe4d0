"""PINs that a person may not choose because the birth date gives them away."""

from __future__ import annotations

from juki_center.areas.residents.civil_dates import ERAS, CivilDate


def birth_pins(birth: CivilDate) -> tuple[str, ...]:
    """Return month and day, day and month, year and month, month and year, and the year.

    The year is written with four digits, with its last two, and as the year of its era. Of a date
    of which only a part is known, what is known counts.

    >>> from juki_center.areas.residents.civil_date_texts import parse_date
    >>> birth_pins(parse_date("昭和45年8月3日"))
    ('0308', '0803', '0845', '0870', '1970', '4508', '7008')
    """
    years = _two_digit_years(birth)
    pins = set()
    if birth.month is not None and birth.day is not None:
        pins |= {f"{birth.month:02}{birth.day:02}", f"{birth.day:02}{birth.month:02}"}
    if birth.month is not None:
        pins |= {f"{year}{birth.month:02}" for year in years}
        pins |= {f"{birth.month:02}{year}" for year in years}
    gregorian = _gregorian_year(birth)
    if gregorian is not None:
        pins.add(f"{gregorian:04}")
    return tuple(sorted(pins))


def _two_digit_years(birth: CivilDate) -> set[str]:
    years = {birth.year, _gregorian_year(birth)} - {None}
    return {f"{year % 100:02}" for year in years if year is not None}


def _gregorian_year(birth: CivilDate) -> int | None:
    if birth.year is None or birth.era is None:
        return birth.year
    return ERAS[birth.era].first_year + birth.year - 1
