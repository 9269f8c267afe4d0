"""Codes that people type: every slip of one letter is found."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from juki_pki.errors import CodeMistyped
from juki_pki.typed_codes import Use, read_code, write_code

CODE = write_code(bytes(range(16)), Use.TOKEN)


@given(octets=st.binary(min_size=16, max_size=16), use=st.sampled_from(Use))
def test_a_code_gives_its_octets_back_however_it_is_typed(octets: bytes, use: Use) -> None:
    code = write_code(octets, use)

    typed = code.lower().replace("-", " ").replace("0", "o").replace("1", "l")

    assert read_code(code, use) == read_code(typed, use) == octets


def test_a_code_of_another_use_is_refused() -> None:
    with pytest.raises(CodeMistyped):
        read_code(CODE, Use.CENTER_MARK)


def test_nearly_every_slip_of_one_letter_is_found() -> None:
    """Ten bits of check let one slip in a thousand through; here not one in two hundred."""
    missed = tried = 0
    for place, letter in enumerate(CODE):
        for other in "0123456789ABCDEFGHJKMNPQRSTVWXYZ":
            if letter in {"-", other}:
                continue
            tried += 1
            missed += _is_taken(CODE[:place] + other + CODE[place + 1 :])

    assert missed < tried / 200


def _is_taken(code: str) -> bool:
    try:
        read_code(code, Use.TOKEN)
    except CodeMistyped:
        return False
    return True


@pytest.mark.parametrize("code", ["", "ABCD", CODE + "0", CODE[:-1], CODE.replace("0", "U", 1)])
def test_what_is_no_code_is_refused_and_not_repeated(code: str) -> None:
    with pytest.raises(CodeMistyped) as raised:
        read_code(code, Use.TOKEN)

    assert not code or code not in str(raised.value)


def test_another_count_of_octets_is_no_code() -> None:
    with pytest.raises(ValueError, match="15 octets"):
        write_code(bytes(15), Use.TOKEN)
