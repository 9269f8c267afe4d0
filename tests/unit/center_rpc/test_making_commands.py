"""`juki-terminal card personalise`, `open`, `void`, `reconcile` against a center, as scripts see
them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from juki_card.virtual.memory import CardMemory
from juki_cardbox.cardfile import CardFile
from juki_center.areas.cards.application_rows import ApplicationState
from juki_terminal.cli import app
from juki_terminal.personalisation import Wanted, write
from tests.support.card_factory import CLERK, SURROUNDINGS, Factory, card_factory, furnish

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from juki_center.areas.cards.numbers import ApplicationNumber
    from juki_pki.folder import PKIFolder

CONFIG = """
environment = "test"
[center]
address = "{address}"
[identity]
certificate = "{identity}/chain.pem"
key = "{identity}/key.pem"
[trust]
dir = "{trust}"
[reader]
name = "virtual:none.card"
card_wait_seconds = 0
[journal]
path = "terminal.journal"
[session]
retry_seconds = 0
"""


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    envelope: dict[str, dict[str, object]]
    said: str
    out: str


Run = Callable[..., Ended]


@pytest.fixture
def factory(tmp_path: Path, pki: PKIFolder) -> Iterator[Factory]:
    folder = tmp_path / "store"
    folder.mkdir()
    furnish(folder)
    with card_factory(folder, pki) as running:
        yield running


@pytest.fixture
def run(factory: Factory, tmp_path: Path) -> Run:
    config = tmp_path / "terminal.toml"
    text = CONFIG.format(
        address=factory.address,
        identity=factory.pki.path / "terminal" / "112089-01",
        trust=factory.pki.trust_path,
    )
    config.write_text(text, encoding="utf-8")

    def run(
        *arguments: str, chip: Path | None = None, lang: str = "en", plain: bool = False
    ) -> Ended:
        options = ["--config", str(config), "--lang", lang, *([] if plain else ["--json"])]
        options += ["--reader", f"virtual:{chip or tmp_path / 'none.card'}"]
        ended = CliRunner().invoke(app, [*options, "card", *arguments])
        envelope = {} if plain else json.loads(ended.stdout.splitlines()[-1])
        return Ended(ended.exit_code, envelope, ended.stderr, ended.stdout)

    return run


def begun(factory: Factory, number: ApplicationNumber, chip: Path) -> str:
    """Write a chip whose proof never comes; return its access number."""
    with factory.terminal() as center:
        return write(
            center, factory.reader(chip), Wanted(number), surroundings=SURROUNDINGS
        ).card_access_number


def test_card_is_made_and_its_number_is_told_without_its_secrets(
    run: Run, factory: Factory
) -> None:
    number, chip = factory.apply(), factory.blank()

    ended = run("personalise", number, chip=chip)

    memory = CardFile(chip).read()
    assert isinstance(memory, CardMemory)
    card = factory.read(lambda tx: tx.applications.application(number))
    assert card is not None
    assert ended.code == 0
    assert ended.envelope["result"]["card_number"] == card.card_number
    assert "leave the card in" in ended.said
    assert set(ended.envelope["result"]) == {
        "application_number",
        "personalisation_id",
        "card_number",
        "valid_until",
        "written_before",
    }
    for secret in (memory.can.octets().decode(), memory.pin.value.octets().decode()):
        assert secret not in ended.said


def test_clerk_who_is_signed_in_is_named_before_anything_is_written(
    run: Run, factory: Factory
) -> None:
    ended = run("personalise", factory.apply(), chip=factory.blank(), lang="ja")

    assert ended.code == 0
    assert f"担当者：{CLERK}さん" in ended.said


def test_number_is_shown_in_fours_to_people(run: Run, factory: Factory) -> None:
    number = factory.apply()

    ended = run("personalise", number, chip=factory.blank(), plain=True)

    row = factory.read(lambda tx: tx.personalisations.newest_of(number))
    assert row is not None
    digits = row.card_number
    assert f"{digits[:4]}-{digits[4:8]}-{digits[8:]}" in ended.out


def test_card_that_is_not_there_says_how_to_go_on(run: Run, factory: Factory) -> None:
    number = factory.apply()

    ended = run("personalise", number)

    assert ended.code == 4
    assert ended.envelope["error"]["reason"] == "READER_NOT_FOUND"


def test_open_ones_are_shown_without_their_access_numbers(run: Run, factory: Factory) -> None:
    number = factory.apply()
    access_number = begun(factory, number, factory.blank())

    listed = run("open")
    table = run("open", plain=True)

    (row,) = listed.envelope["result"]["personalisations"]  # type: ignore[misc]  # JSON
    assert row["application_number"] == number
    assert number in table.out
    assert access_number not in json.dumps(row).replace(row["personalisation_id"], "").replace(
        row["card_number"], ""
    )


def test_card_is_given_up_once_and_its_application_waits(run: Run, factory: Factory) -> None:
    number, chip = factory.apply(), factory.blank()
    begun(factory, number, chip)
    row = factory.read(lambda tx: tx.personalisations.newest_of(number))
    assert row is not None

    ended = run("void", row.personalisation_id.hex())
    again = run("void", row.personalisation_id.hex())

    assert (ended.code, ended.envelope["result"]["application_number"]) == (0, number)
    assert again.envelope["error"]["reason"] == "NOT_IN_THIS_STATE"
    assert run("open").envelope["result"]["personalisations"] == []


@pytest.mark.parametrize("text", ["", "12", "zz" * 16, "00" * 17])
def test_id_that_is_none_is_a_wrong_usage(run: Run, text: str) -> None:
    ended = run("void", text)

    assert (ended.code, ended.envelope["error"]["reason"]) == (2, "USAGE_INVALID")


def test_reconciling_finishes_the_card_in_the_reader_and_names_the_others(
    run: Run, factory: Factory
) -> None:
    first, second, chip = factory.apply(), factory.apply("sasaki-megumi"), factory.blank()
    begun(factory, first, factory.blank())
    begun(factory, second, chip)

    ended = run("reconcile", chip=chip)

    assert ended.code == 3
    assert ended.envelope["result"]["finished"] == second
    (left,) = ended.envelope["result"]["personalisations"]  # type: ignore[misc]  # JSON
    assert left["application_number"] == first
    made = factory.read(lambda tx: tx.applications.application(second))
    assert made is not None
    assert made.state is ApplicationState.READY


def test_reconciling_with_an_empty_reader_says_what_to_do(run: Run, factory: Factory) -> None:
    number = factory.apply()
    begun(factory, number, factory.blank())

    ended = run("reconcile", plain=True)

    assert ended.code == 3
    assert f"card personalise {number}" in ended.out
    assert "card void" in ended.out


def test_reconciling_with_a_foreign_card_in_the_reader_finishes_nothing(
    run: Run, factory: Factory
) -> None:
    other = factory.blank()
    run("personalise", factory.apply("takahashi-kazuko"), chip=other)
    begun(factory, factory.apply(), factory.blank())

    ended = run("reconcile", chip=other)

    assert (ended.code, ended.envelope["result"]["finished"]) == (3, None)


def test_reconciling_where_nothing_is_open_ends_well(run: Run) -> None:
    ended = run("reconcile")

    assert (ended.code, ended.envelope["result"]["personalisations"]) == (0, [])
