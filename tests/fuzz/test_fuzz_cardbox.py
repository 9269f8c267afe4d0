"""The parsers of the card box meet nothing but their own errors, whatever they are given."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from juki_card import personalisation
from juki_card.errors import ParseError
from juki_card.flow import run
from juki_card.virtual.blank_memory import BlankMemory
from juki_card.virtual.memory import CardMemory
from juki_cardbox.cardfile import CardFile
from juki_cardbox.errors import CardFileError
from juki_cardbox.holder_data import HolderData, parse_holder_data
from juki_cardbox.trace import masked, name_of, read_trace
from tests.support.blank_world import ChipInHand, opened
from tests.support.eac_world import world

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)
quick = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A card file and its fields."""
    path = tmp_path_factory.mktemp("fuzz") / "one.card"
    CardFile(path).create(world().memory())
    fields: dict[str, Any] = json.loads(path.read_text(encoding="ascii"))
    return path, fields


@quick
@given(data=st.data(), value=values)
def test_card_file_with_any_field_loads_or_is_refused(
    card: tuple[Path, dict[str, Any]], data: st.DataObject, value: object
) -> None:
    path, fields = card
    name = data.draw(st.sampled_from(sorted(fields)))
    inner = fields[name]
    if isinstance(inner, dict) and data.draw(st.booleans()):
        value = {**inner, data.draw(st.sampled_from(sorted(inner))): value}
    path.write_text(json.dumps({**fields, name: value}), encoding="utf-8")

    try:
        found: object = CardFile(path).read()
    except CardFileError:
        found = None

    assert found is None or isinstance(found, CardMemory | BlankMemory)


@pytest.fixture(scope="module")
def blank(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """The file of a blank chip that has its key, and its fields."""
    path, chip = tmp_path_factory.mktemp("fuzz") / "blank.card", ChipInHand()
    run(personalisation.generate_key(opened(chip.transmit)), chip.transmit)
    CardFile(path).create(chip.memory)
    fields: dict[str, Any] = json.loads(path.read_text(encoding="ascii"))
    return path, fields


@quick
@given(data=st.data(), value=values)
def test_blank_file_with_any_field_loads_or_is_refused(
    blank: tuple[Path, dict[str, Any]], data: st.DataObject, value: object
) -> None:
    path, fields = blank
    name = data.draw(st.sampled_from(sorted(fields)))
    path.write_text(json.dumps({**fields, name: value}), encoding="utf-8")

    try:
        found: object = CardFile(path).read()
    except CardFileError:
        found = None

    assert found is None or isinstance(found, CardMemory | BlankMemory)


@quick
@given(st.one_of(st.text(), values.map(json.dumps)))
def test_personal_data_parse_or_are_refused(text: str) -> None:
    try:
        found: HolderData | None = parse_holder_data(text)
    except ParseError:
        found = None

    assert found is None or isinstance(found, HolderData)


@quick
@given(st.binary(max_size=80))
def test_any_octets_have_a_name_and_a_hex_form(octets: bytes) -> None:
    assert name_of(octets)
    assert len(masked(octets)) == 2 * len(octets)


@quick
@given(st.lists(values, max_size=3))
def test_trace_is_read_or_refused(tmp_path: Path, lines: list[object]) -> None:
    path = tmp_path / "trace"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")

    try:
        found = list(read_trace(path))
    except ParseError:
        found = []

    assert len(found) in (0, len(lines))
