"""`card change-pin` and `card check` as scripts see them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from juki_card.passwords import Pin
from tests.unit.terminal.center_double import LocksDouble, SessionDouble
from tests.unit.terminal.conftest import PIN
from tests.unit.terminal.test_cli import Run, run
from tests.unit.terminal.test_pin_setting import put, record_of
from tests.unit.terminal.test_secrets import forms_of

__all__ = ["run"]
NEW, WRONG = "2580", "9172"


@pytest.fixture
def entries(tmp_path: Path) -> tuple[Path, Path]:
    """A file with the present PIN, and one with the new PIN in two lines."""
    present, new = tmp_path / "present", tmp_path / "new"
    present.write_text(PIN, encoding="ascii")
    new.write_text(f"{NEW}\n{NEW}\n", encoding="ascii")
    return present, new


def test_the_holder_changes_the_pin_and_the_center_hears_nothing(
    run: Run, card: Path, entries: tuple[Path, Path], sessions: SessionDouble, locks: LocksDouble
) -> None:
    present, new = entries

    ended = run("card", "change-pin", "--pin-from", str(present), "--new-pin-from", str(new))

    assert (ended.code, ended.result["changed"]) == (0, True)
    assert record_of(card).value == Pin(NEW)
    assert sessions.hellos == []
    assert locks.reports == []
    assert NEW not in str(ended.envelope) + ended.err


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("12345\n12345\n", "PIN_NOT_FOUR_DIGITS"),
        ("２５８０\n２５８０\n", "PIN_NOT_FOUR_DIGITS"),
        ("4321\n4321\n", "PIN_TOO_OBVIOUS"),
        ("2580\n2581\n", "PIN_ENTRIES_DIFFER"),
    ],
)
def test_case_34_a_new_pin_that_breaks_the_rule_is_refused_and_not_shown(
    run: Run, card: Path, entries: tuple[Path, Path], text: str, reason: str
) -> None:
    present, new = entries
    new.write_text(text, encoding="utf-8")

    ended = run("card", "change-pin", "--pin-from", str(present), "--new-pin-from", str(new))

    assert (ended.code, ended.error["reason"], ended.error["part"]) == (3, reason, "pin")
    assert text.split(maxsplit=1)[0] not in str(ended.envelope) + ended.err
    assert record_of(card).value == Pin(PIN)


def test_case_34_nothing_that_is_written_has_a_pin(
    run: Run, config: Path, entries: tuple[Path, Path], tmp_path: Path
) -> None:
    present, new = entries
    present.write_text(f"{WRONG}\n{PIN}\n", encoding="ascii")
    trace = tmp_path / "trace.jsonl"
    before = set(tmp_path.rglob("*"))

    ended = run(
        "--trace",
        str(trace),
        "card",
        "change-pin",
        "--pin-from",
        str(present),
        "--new-pin-from",
        str(new),
    )

    written = [path for path in tmp_path.rglob("*") if path.is_file() and path not in before]
    assert ended.code == 0
    assert "Wrong PIN." in ended.err
    assert trace in written
    for path in written:
        octets = path.read_bytes().replace(b'"t": ', b"")
        for secret in (PIN, WRONG, NEW):
            assert not any(form in octets for form in forms_of(secret)[1:]), path
    for secret in (PIN, WRONG, NEW):
        assert secret not in str(ended.envelope) + ended.err


def test_a_locked_pin_is_reported_to_the_center(
    run: Run, card: Path, entries: tuple[Path, Path], locks: LocksDouble
) -> None:
    put(card, replace(record_of(card), tries_left=0))
    present, new = entries

    ended = run("card", "change-pin", "--pin-from", str(present), "--new-pin-from", str(new))

    assert (ended.code, ended.error["reason"]) == (3, "PIN_LOCKED")
    assert len(locks.reports) == 1


def test_both_pins_from_standard_input_is_a_wrong_call(run: Run) -> None:
    ended = run("card", "change-pin", "--pin-from", "-", "--new-pin-from", "-")

    assert (ended.code, ended.error["reason"]) == (2, "USAGE_INVALID")


def test_a_check_says_that_card_and_center_are_genuine_and_nothing_else(
    run: Run, sessions: SessionDouble
) -> None:
    ended = run("card", "check", "--can-from", "-", stdin="310452")

    assert (ended.code, ended.result) == (0, {"genuine": True})
    assert sessions.codes == []


def test_a_check_with_a_wrong_number_is_no_wrong_pin(run: Run, card: Path) -> None:
    ended = run("card", "check", "--can-from", "-", stdin="310453")

    assert (ended.code, ended.error["reason"]) == (3, "CARD_ACCESS_NUMBER_WRONG")
    assert ended.error["part"] == "reader"
    assert record_of(card).tries_left == 3
