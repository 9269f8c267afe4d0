"""Resident record codes and municipality codes (domain cases 1 to 4)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from juki_center.areas.residents.codes import (
    MunicipalityCode,
    ResidentCode,
    is_issuable,
    municipality_check_digit,
    resident_check_digit,
)
from juki_center.data import municipality_rows
from juki_center.errors import RuleBroken

OFFICIAL_SAMPLES = ["24727059608", "24846016224", "25208017643"]
VALID = [
    *OFFICIAL_SAMPLES,
    "12345678903",
    "01234567892",
    "07215594348",
    "00000000019",
    "63691420347",
    "98419520241",
]
REMAINDER_0 = ["47971104380", "20788417900", "28603313250"]
REMAINDER_1 = ["75769813420", "71611671860", "88097810430"]
MUNICIPALITIES = [
    *("112089", "111007", "112011", "131016", "131041", "131121", "011002", "141003", "271004"),
    *("472018", "134023", "012131", "012050", "221384", "221392", "221406"),
]


def test_case_01_body_2472705960_gets_check_digit_8() -> None:
    assert resident_check_digit("2472705960") == "8"


@pytest.mark.parametrize("digits", VALID)
def test_case_01_valid_codes_are_accepted(digits: str) -> None:
    assert ResidentCode(digits).digits == digits


@pytest.mark.parametrize("digits", ["25208017644", "12345678901", "10000000000"])
def test_case_01_a_wrong_check_digit_is_refused_by_name(digits: str) -> None:
    with pytest.raises(RuleBroken) as refused:
        ResidentCode(digits)

    assert refused.value.rule == "INVALID_CHECK_DIGIT"
    assert digits not in str(refused.value)


@pytest.mark.parametrize("digits", REMAINDER_0 + REMAINDER_1)
def test_case_02_remainders_0_and_1_are_valid_in_resident_codes(digits: str) -> None:
    assert ResidentCode(digits).digits == digits


@pytest.mark.parametrize("digits", MUNICIPALITIES)
def test_case_02_official_municipality_codes_are_valid(digits: str) -> None:
    assert str(MunicipalityCode(digits)) == digits
    assert municipality_check_digit(digits[:5]) == digits[5]


def test_a_prefectures_code_has_a_right_check_digit_and_is_no_municipality() -> None:
    assert municipality_check_digit("11000") == "1"
    with pytest.raises(RuleBroken, match="NO_MUNICIPALITY"):
        MunicipalityCode("110001")


def test_case_02_the_two_rules_part_at_remainder_0() -> None:
    assert (resident_check_digit("4797110438"), municipality_check_digit("01213")) == ("0", "1")


@pytest.mark.parametrize(
    ("digits", "rule"),
    [
        ("00000000000", "ALL_ZERO"),
        ("1234567890", "ELEVEN_DIGITS"),
        ("123456789012", "ELEVEN_DIGITS"),
        ("１２３４５６７８９０３", "ELEVEN_DIGITS"),
        ("1234567890a", "ELEVEN_DIGITS"),
        (" 12345678903", "ELEVEN_DIGITS"),
        ("²2345678903", "ELEVEN_DIGITS"),
        ("12345678903 ", "ELEVEN_DIGITS"),
        ("12345678903\n", "ELEVEN_DIGITS"),
        ("1234567890\x00", "ELEVEN_DIGITS"),
        ("-2345678903", "ELEVEN_DIGITS"),
        ("25208017644", "INVALID_CHECK_DIGIT"),
        ("", "ELEVEN_DIGITS"),
    ],
)
def test_case_03_what_is_no_code_is_refused_without_an_echo(digits: str, rule: str) -> None:
    with pytest.raises(RuleBroken) as refused:
        ResidentCode(digits)

    assert str(refused.value) == rule


@pytest.mark.parametrize(
    ("digits", "rule"),
    [
        ("112080", "INVALID_CHECK_DIGIT"),
        ("112098", "INVALID_CHECK_DIGIT"),
        ("11208", "SIX_DIGITS"),
        ("482089", "NO_MUNICIPALITY"),
        ("110001", "NO_MUNICIPALITY"),
        ("１１２０８９", "SIX_DIGITS"),
    ],
)
def test_wrong_municipality_code_is_refused(digits: str, rule: str) -> None:
    with pytest.raises(RuleBroken) as refused:
        MunicipalityCode(digits)

    assert refused.value.rule == rule


def test_all_official_municipality_codes_are_valid() -> None:
    codes = {str(MunicipalityCode(row["code6"])) for row in municipality_rows()}

    assert len(codes) == 1_937
    assert {"112089", "131016", "472018", "134023"} <= codes


def test_case_04_a_leading_zero_survives_and_the_code_is_never_shown() -> None:
    code = ResidentCode("07215594348")

    assert code.digits == "07215594348"
    assert "07215594348" not in f"{code} {code!r}"


@pytest.mark.parametrize("digits", REMAINDER_0)
def test_case_05_a_body_with_remainder_0_is_never_issued(digits: str) -> None:
    assert not is_issuable(ResidentCode(digits))


@pytest.mark.parametrize("digits", [*VALID, *REMAINDER_1])
def test_case_05_any_other_body_may_be_issued(digits: str) -> None:
    assert is_issuable(ResidentCode(digits))


@pytest.mark.parametrize("body", ["", "247270596", "24727059608"])
def test_a_body_of_another_length_has_no_check_digit(body: str) -> None:
    for check_digit in (resident_check_digit, municipality_check_digit):
        with pytest.raises(ValueError, match="length"):
            check_digit(body)


@given(st.text("0123456789", min_size=10, max_size=10))
def test_every_body_has_exactly_one_check_digit(body: str) -> None:
    fitting = [digit for digit in "0123456789" if _is_code(body + digit)]

    assert len(fitting) == (0 if body == "0" * 10 else 1)


def _is_code(digits: str) -> bool:
    try:
        ResidentCode(digits)
    except RuleBroken:
        return False
    return True
