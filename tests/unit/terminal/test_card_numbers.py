"""Numbers that clerks type from papers."""

from __future__ import annotations

import pytest

from juki_center.areas.cards.numbers import ApplicationNumber, CardNumber, LetterNumber
from juki_client.card_numbers import NumberKind, read_number
from juki_client.outcome import Problem


@pytest.mark.parametrize("octets", [bytes(8), bytes(range(8)), b"\xff" * 8])
def test_numbers_of_the_center_are_read(octets: bytes) -> None:
    application, letter = ApplicationNumber.drawn(octets), LetterNumber.drawn(octets)
    card = CardNumber.drawn(octets)

    assert read_number(str(application), NumberKind.APPLICATION, "x") == application
    assert read_number(str(letter), NumberKind.LETTER, "x") == letter
    assert read_number(f"{card[:4]}-{card[4:8]} {card[8:]}", NumberKind.CARD, "x") == card


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("", NumberKind.LETTER),
        ("L00000000019", NumberKind.LETTER),
        ("L0000000001955", NumberKind.LETTER),
        ("A000000000195", NumberKind.LETTER),
        ("000000000195", NumberKind.LETTER),
        ("L000000000195", NumberKind.CARD),
        ("L00000000019x", NumberKind.LETTER),
        ("L٠٠٠٠٠٠٠٠٠١٩٥", NumberKind.LETTER),
    ],
)
def test_text_that_is_no_number_is_refused_by_its_field(text: str, kind: NumberKind) -> None:
    with pytest.raises(Problem) as refused:
        read_number(text, kind, "letter_number")

    assert refused.value.metadata == {
        "field": "letter_number",
        "rule": f"{kind.value}123456789012",
    }


@pytest.mark.parametrize("place", range(1, 13))
def test_every_wrong_digit_is_found(place: int) -> None:
    right = "L000000000195"
    wrong = right[:place] + str((int(right[place]) + 1) % 10) + right[place + 1 :]

    with pytest.raises(Problem) as refused:
        read_number(wrong, NumberKind.LETTER, "letter_number")

    assert refused.value.metadata["rule"] == "CHECK_DIGITS"
