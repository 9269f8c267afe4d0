"""Which PIN may be chosen, and how it is asked for: nothing of it is shown anywhere."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from juki_card.passwords import Can, Pin
from juki_client.outcome import Language, Problem
from juki_terminal.can import FileCan, KnownCan, PromptCan
from juki_terminal.new_pin import FileNewPin, PromptNewPin, same_twice
from juki_terminal.pin import KnownPin
from juki_terminal.pin_rule import chosen_pin
from tests.unit.terminal.test_inputs import Window


def reason_of(entry: str, forbidden: frozenset[str] = frozenset()) -> tuple[str, dict[str, str]]:
    with pytest.raises(Problem) as caught:
        chosen_pin(entry, forbidden)
    assert entry not in repr(caught.value) + str(caught.value) or not entry
    return caught.value.reason, dict(caught.value.metadata)


@pytest.mark.parametrize(
    "entry",
    [
        "",
        "123",
        "12345",
        "123456",
        "12a4",
        "２５８０",
        "25８0",
        "٢٥٨٠",
        "²⁵80",
        "-258",
        "2 58",
        "+258",
    ],
)
def test_case_34_an_entry_that_is_not_four_ascii_digits_is_no_pin(entry: str) -> None:
    assert reason_of(entry) == ("PIN_NOT_FOUR_DIGITS", {})


@pytest.mark.parametrize("entry", [str(digit) * 4 for digit in range(10)])
def test_one_digit_repeated_is_too_obvious(entry: str) -> None:
    assert reason_of(entry) == ("PIN_TOO_OBVIOUS", {"rule": "repeated"})


@pytest.mark.parametrize(
    "entry", ["0123", "1234", "6789", "7890", "8901", "9012", "9876", "3210", "2109", "0987"]
)
def test_a_sequence_up_or_down_and_over_zero_is_too_obvious(entry: str) -> None:
    assert reason_of(entry) == ("PIN_TOO_OBVIOUS", {"rule": "sequence"})


def test_a_pin_that_the_center_names_is_too_obvious() -> None:
    forbidden = frozenset({"0302", "1970"})

    assert reason_of("0302", forbidden) == ("PIN_TOO_OBVIOUS", {"rule": "birth_date"})
    assert chosen_pin("0303", forbidden) == Pin("0303")


def test_exactly_thirty_pins_are_refused_without_a_birth_date() -> None:
    refused = set()
    for number in range(10_000):
        try:
            chosen_pin(f"{number:04d}")
        except Problem:
            refused.add(f"{number:04d}")

    assert len(refused) == 30
    assert all(len({(int(b) - int(a)) % 10 for a, b in pairwise(pin)}) == 1 for pin in refused)


def test_two_entries_that_differ_are_no_pin() -> None:
    with pytest.raises(Problem) as caught:
        same_twice("2580", "2581")

    assert caught.value.reason == "PIN_ENTRIES_DIFFER"


def test_a_file_gives_a_new_pin_from_two_lines(tmp_path: Path) -> None:
    path = tmp_path / "pins"
    path.write_text("2580\n2580\n", encoding="ascii")
    source = FileNewPin.read(str(path))

    chosen = source.ask(1)

    assert chosen == Pin("2580")
    assert "2580" not in repr(source)
    with pytest.raises(Problem, match="PIN_NOT_ENTERED"):
        source.ask(1)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("２５８０\n２５８０\n", "PIN_NOT_FOUR_DIGITS"),
        ("1111\n1111\n", "PIN_TOO_OBVIOUS"),
        ("2580\n2581\n", "PIN_ENTRIES_DIFFER"),
        ("2580\n", "PIN_NOT_ENTERED"),
        ("0302\n0302\n", "PIN_TOO_OBVIOUS"),
    ],
)
def test_a_file_that_breaks_the_rule_has_its_reason(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "pins"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(Problem) as caught:
        FileNewPin.read(str(path), ("0302",)).ask(1)

    assert caught.value.reason == reason


@pytest.fixture
def window() -> Iterator[Window]:
    opened = Window()
    yield opened
    opened.close()


def told(is_second: bool, problem: Problem | None) -> str:
    return f"{'second' if is_second else 'first'} {problem.reason if problem else '-'}: "


def test_a_new_pin_is_typed_twice_without_echo_and_asked_again_until_it_fits(
    window: Window,
) -> None:
    typing = window.type_after_prompt(b"1234\n", b"2580\n", b"2581\n", b"2580\n", b"2580\n")

    chosen = PromptNewPin(told, device=window.name).ask(10)
    typing.join()

    assert chosen == Pin("2580")
    assert b"first PIN_TOO_OBVIOUS: " in window.shown
    assert b"first PIN_ENTRIES_DIFFER: " in window.shown
    assert b"258" not in window.shown
    assert window.echoes()


def test_nobody_who_types_chooses_no_pin(window: Window) -> None:
    with pytest.raises(Problem, match="PIN_NOT_ENTERED"):
        PromptNewPin(told, device=window.name).ask(0.01)


def test_the_number_of_the_face_is_typed_without_echo(window: Window) -> None:
    typing = window.type_after_prompt(b"31045\n", b"310452\n")

    can = PromptCan(lambda malformed: f"{malformed}: ", device=window.name).ask(None, 10)
    typing.join()

    assert can == Can("310452")
    assert b"True: " in window.shown
    assert b"3104" not in window.shown


def test_nobody_who_types_gives_no_number(window: Window) -> None:
    with pytest.raises(Problem, match="CARD_ACCESS_NUMBER_NOT_ENTERED"):
        PromptCan(lambda _: ": ", device=window.name).ask(None, 0.01)


def test_numbers_of_a_file_are_given_one_by_one_and_not_shown(tmp_path: Path) -> None:
    path = tmp_path / "can"
    path.write_text("310452\n31045\n", encoding="ascii")
    source = FileCan.read(str(path))

    assert source.ask(None, 1) == Can("310452")
    with pytest.raises(Problem, match="USAGE_INVALID"):
        source.ask(None, 1)
    with pytest.raises(Problem, match="CARD_ACCESS_NUMBER_NOT_ENTERED"):
        source.ask(None, 1)
    assert "31045" not in repr(source)


def test_what_is_known_is_given_once() -> None:
    pin, can = KnownPin(Pin("2580")), KnownCan(Can("310452"))

    assert (pin.ask(None, 1), can.ask(None, 1)) == (Pin("2580"), Can("310452"))

    with pytest.raises(Problem, match="PIN_NOT_ENTERED"):
        pin.ask(None, 1)
    with pytest.raises(Problem, match="CARD_ACCESS_NUMBER_NOT_ENTERED"):
        can.ask(None, 1)
    assert "2580" not in repr(pin)
    assert "310452" not in repr(can)


@pytest.mark.parametrize(
    "reason",
    [
        "PIN_NOT_FOUR_DIGITS",
        "PIN_TOO_OBVIOUS",
        "PIN_ENTRIES_DIFFER",
        "PIN_CHANGE_INCONCLUSIVE",
        "CARD_ACCESS_NUMBER_WRONG",
        "CARD_ACCESS_NUMBER_NOT_ENTERED",
    ],
)
def test_each_new_reason_tells_people_what_to_do(reason: str) -> None:
    problem = Problem(reason)

    assert all(problem.text(language) != reason for language in Language)
    assert all(problem.remedy(language) for language in Language)
