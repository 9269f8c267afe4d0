"""Batches of cards by their names: which cards are of them, and which names are none."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from juki_center.areas.cards.batches import ChipLot, MadeBetween, Origin, card_batch
from juki_center.areas.fleet.disconnections import Scope, Subject, refusal_of
from juki_center.errors import Reason, RuleBroken

FIRST, LAST = date(2026, 11, 2), date(2026, 11, 6)
MADE = "juki://cards/made/2026-11-02/2026-11-06"


@pytest.mark.parametrize(
    ("name", "batch"),
    [
        (MADE, MadeBetween(FIRST, LAST)),
        ("juki://cards/made/2026-11-02/2026-11-02", MadeBetween(FIRST, FIRST)),
        ("juki://cards/chip/0a1b", ChipLot(b"\x0a\x1b")),
        ("juki://cards/chip/" + "ff" * 16, ChipLot(b"\xff" * 16)),
    ],
)
def test_name_stands_for_its_batch(name: str, batch: MadeBetween | ChipLot) -> None:
    assert Subject(Scope.CARD_BATCH, name).batch == batch


@pytest.mark.parametrize(
    "name",
    [
        "",
        "juki://cards/",
        "juki://cards/made/",
        "juki://cards/made/2026-11-02",
        "juki://cards/made/2026-11-06/2026-11-02",
        "juki://cards/made/2026-11-02/2026-11-06/2026-11-07",
        "juki://cards/made/20261102/20261106",
        "juki://cards/made/2026-11-02/2026-11-31",
        "juki://cards/chip/",
        "juki://cards/chip/0",
        "juki://cards/chip/0A1B",
        "juki://cards/chip/0a 1b",
        "juki://cards/chip/" + "ff" * 17,
        "juki://cards/number/000000000195",
        "juki://card/made/2026-11-02/2026-11-06",
    ],
)
def test_name_that_is_no_batch_or_another_spelling_of_one_is_refused(name: str) -> None:
    with pytest.raises(RuleBroken) as by_name:
        card_batch(name)
    with pytest.raises(RuleBroken) as as_subject:
        Subject(Scope.CARD_BATCH, name)

    assert (by_name.value.rule, as_subject.value.rule) == ("NO_CARD_BATCH", "NO_CARD_BATCH")


@pytest.mark.parametrize(
    ("made_on", "is_of"),
    [
        (FIRST - timedelta(days=1), False),
        (FIRST, True),
        (LAST, True),
        (LAST + timedelta(days=1), False),
    ],
)
def test_both_days_of_making_are_of_the_batch(made_on: date, is_of: bool) -> None:
    assert MadeBetween(FIRST, LAST).covers(Origin(made_on, None)) is is_of


@pytest.mark.parametrize(
    ("chip", "is_of"),
    [
        (b"\x0a\x1b" + bytes(14), True),
        (b"\x0a\x1b" + b"\xff" * 14, True),
        (b"\x0a\x1c" + bytes(14), False),
        (b"\x0a\x1a" + b"\xff" * 14, False),
        (None, False),
    ],
)
def test_chips_of_a_lot_begin_alike(chip: bytes | None, is_of: bool) -> None:
    assert ChipLot(b"\x0a\x1b").covers(Origin(FIRST, chip)) is is_of


def test_only_a_batch_of_cards_is_one() -> None:
    assert Subject(Scope.CENTER, "").batch is None
    assert refusal_of(Subject(Scope.CARD_BATCH, MADE)).reason is Reason.DISCONNECTED_CARD_BATCH
