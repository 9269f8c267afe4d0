"""Card files: what is saved is what is loaded, for the owner alone, and never over another card."""

from __future__ import annotations

import json
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from juki_card import blank, personalisation
from juki_card.blank import Part
from juki_card.ec import BRAINPOOL_P256R1, P256, Domain, Scalar
from juki_card.flow import run
from juki_card.passwords import TransportPin
from juki_card.virtual.blank_memory import BlankMemory
from juki_card.virtual.memory import CardMemory, PinRecord, PinState
from juki_cardbox.blanks import blank_memory
from juki_cardbox.cardfile import CardFile
from juki_cardbox.errors import CardExists, CardFileError
from tests.support.blank_world import CHIP_SERIAL, MASTER, ChipInHand, content, opened
from tests.support.eac_world import world


def comparable(memory: CardMemory) -> tuple[object, ...]:
    """Return what two memories must have in common; key objects have no equality of their own."""
    return (Scalar.of_key(memory.chip_key).number, replace(memory, chip_key=ANY_KEY))


ANY_KEY = Scalar(P256, 1).key()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A card file that is there."""
    path = tmp_path / "one.card"
    CardFile(path).create(world().memory())
    return path


@pytest.mark.parametrize("domain", [P256, BRAINPOOL_P256R1])
@pytest.mark.parametrize(
    "pin",
    [
        None,
        PinRecord(PinState.TRANSPORT, None, 1, 4),
        PinRecord(PinState.TRANSPORT, TransportPin("12345")),
    ],
    ids=["operational", "no pin", "transport"],
)
def test_saved_card_loads_as_it_was(tmp_path: Path, domain: Domain, pin: PinRecord | None) -> None:
    memory = world(domain).memory()
    memory = memory if pin is None else memory.with_pin(pin)

    CardFile(tmp_path / "one.card").create(memory)

    loaded = CardFile(tmp_path / "one.card").load()
    assert comparable(loaded) == comparable(memory)


def test_card_of_the_first_version_still_loads(path: Path) -> None:
    fields = json.loads(path.read_text())
    del fields["kind"]
    path.write_text(json.dumps({**fields, "version": 1}))

    loaded = CardFile(path).load()

    assert comparable(loaded) == comparable(world().memory())


def half_made() -> BlankMemory:
    """Return a blank with everything but its CAN."""
    chip = ChipInHand()
    found = opened(chip.transmit)
    key = run(personalisation.generate_key(found), chip.transmit)
    inside = found.channel.through(chip.transmit)
    for part, octets in content(key).parts().items():
        if part is not Part.CAN:
            inside(blank.put_content(part, octets))
    return chip.blank


@pytest.mark.parametrize("is_begun", [False, True], ids=["fresh", "begun"])
def test_saved_blank_loads_as_it_was(tmp_path: Path, is_begun: bool) -> None:
    memory = half_made() if is_begun else blank_memory(MASTER, CHIP_SERIAL)

    CardFile(tmp_path / "one.card").create(memory)

    loaded = CardFile(tmp_path / "one.card").read()
    assert isinstance(loaded, BlankMemory)
    assert loaded.point == memory.point
    assert replace(loaded, chip_key=None) == replace(memory, chip_key=None)


def test_blank_is_no_card_where_a_card_is_wanted(tmp_path: Path) -> None:
    CardFile(tmp_path / "one.card").create(half_made())

    with pytest.raises(CardFileError, match="blank chip"):
        CardFile(tmp_path / "one.card").load()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("version", 1),
        ("kind", "card"),
        ("chip_serial", "00"),
        ("chip_serial", None),
        ("blank_key", "00"),
        ("chip_key", "00"),
        ("trust", "5f2506"),
        ("dg1", 7),
        ("card_security", "zz"),
        ("can", "12"),
        ("transport_pin", "1234"),
    ],
)
def test_field_of_a_blank_that_is_not_what_it_should_be_is_refused(
    tmp_path: Path, field: str, value: object
) -> None:
    path = tmp_path / "one.card"
    CardFile(path).create(half_made())
    alter(path, field, value)

    with pytest.raises(CardFileError):
        CardFile(path).read()


def test_card_file_is_for_its_owner_alone(path: Path) -> None:
    CardFile(path).save(world().memory())

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [p.name for p in path.parent.iterdir()] == ["one.card"]


def test_card_is_never_written_over(path: Path) -> None:
    before = path.read_bytes()

    with pytest.raises(CardExists):
        CardFile(path).create(world().memory())

    assert path.read_bytes() == before


def test_card_in_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CardFileError):
        CardFile(tmp_path / "none" / "one.card").create(world().memory())


def test_card_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CardFileError, match=r"one\.card"):
        CardFile(tmp_path / "one.card").load()


def test_card_that_cannot_be_written_keeps_its_old_state(path: Path) -> None:
    before = path.read_bytes()
    path.with_name(f".{path.name}.new").mkdir()

    with pytest.raises(CardFileError):
        CardFile(path).save(world().memory().with_pin(world().memory().pin.counted()))

    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "octets", [b"[" * 100_000, b"", b"{", b"\xff\xfe", b"[]", b"null", b'"text"']
)
def test_file_of_another_kind_is_refused(path: Path, octets: bytes) -> None:
    path.write_bytes(octets)

    with pytest.raises(CardFileError):
        CardFile(path).load()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("schema", "other"),
        ("version", 3),
        ("kind", "ticket"),
        ("application", "zz"),
        ("domain_parameters", 99),
        ("chip_key", "00"),
        ("today", "2026-13-01"),
        ("trust_points", ["7f21"]),
        ("can", "12"),
        ("files", [{"directory": "mf"}]),
        ("pin", {"state": "operational", "value": None, "tries_left": 3, "unblockings_left": 1}),
        ("pin", {"state": "operational", "value": "1234", "tries_left": 4, "unblockings_left": 1}),
        ("pin", {"state": "operational", "value": "1234", "tries_left": -1, "unblockings_left": 1}),
        ("pin", {"state": "operational", "value": "1234", "tries_left": 3, "unblockings_left": 99}),
        ("pin", {"state": "lost", "value": "1234", "tries_left": 3, "unblockings_left": 1}),
    ],
)
def test_field_that_is_not_what_it_should_be_is_refused(
    path: Path, field: str, value: object
) -> None:
    alter(path, field, value)

    with pytest.raises(CardFileError):
        CardFile(path).load()


def test_missing_field_is_named(path: Path) -> None:
    fields = json.loads(path.read_text())
    del fields["can"]
    path.write_text(json.dumps(fields))

    with pytest.raises(CardFileError, match="can is missing"):
        CardFile(path).load()


def test_refusal_shows_no_secret(path: Path) -> None:
    alter(path, "can", "98765432109")

    with pytest.raises(CardFileError) as refusal:
        CardFile(path).load()

    assert "98765432109" not in str(refusal.value)


def alter(path: Path, field: str, value: Any) -> None:
    """Write a card file with one other field."""
    fields = json.loads(path.read_text())
    fields[field] = value
    path.write_text(json.dumps(fields))
