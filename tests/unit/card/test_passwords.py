from __future__ import annotations

import pytest

from juki_card.errors import ParseError
from juki_card.passwords import Can, Mrz, PasswordReference, Pin, TransportPin


@pytest.mark.parametrize(
    "secret", [Pin("4711"), Pin("471122"), Can("123456"), TransportPin("12345")]
)
def test_password_is_never_shown(secret: Pin | Can | TransportPin) -> None:
    digits = secret.octets().decode()

    assert digits not in repr(secret)
    assert digits not in f"{secret} {secret!r}"


@pytest.mark.parametrize(
    ("kind", "digits"),
    [
        (Pin, "123"),
        (Pin, "12345"),
        (Pin, "12a4"),
        (Pin, "１２３４"),  # full width digits are digits to str.isdigit
        (Pin, "²²²²"),
        (Pin, ""),
        (Can, "12345"),
        (TransportPin, "1234"),
        (TransportPin, "123456"),
    ],
)
def test_password_of_another_form_is_refused_without_showing_it(
    kind: type[Pin | Can | TransportPin], digits: str
) -> None:
    with pytest.raises(ParseError) as refusal:
        kind(digits)

    assert digits == "" or digits not in str(refusal.value)


def test_references_are_those_of_the_norm() -> None:
    assert Mrz("T22000129", "640812", "101031").reference is PasswordReference.MRZ
    assert Can("123456").reference == 2
    assert Pin("1234").reference == TransportPin("12345").reference == 3


def test_passwords_compare_by_value_and_kind() -> None:
    assert Pin("123456") == Pin("123456")
    assert Pin("123456") != Pin("123457")
    assert Pin("123456") != Can("123456")
    with pytest.raises(TypeError):
        hash(Pin("1234"))


def test_key_is_derived_from_the_ascii_digits() -> None:
    # SHA-1("123456" || 00000003), first 16 octets, as the worked example of the BSI prints it.
    assert Pin("123456").key().hex() == "591468cda83d65219cccb8560233600f"


def test_zone_with_other_characters_is_refused() -> None:
    with pytest.raises(ParseError):
        Mrz("T2200-129", "640812", "101031")


def test_zone_is_masked() -> None:
    assert "T22000129" not in repr(Mrz("T22000129", "640812", "101031"))
