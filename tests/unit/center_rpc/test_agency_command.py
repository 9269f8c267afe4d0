"""`juki-center agency`: what it writes, what it lists, and what it refuses."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from juki_center.areas.agencies.commands import Confirm
from juki_center.areas.agencies.confirm import confirm
from juki_center.areas.days import day_in_japan
from juki_center.cli.commands import app
from juki_center.cli.dev_agencies import enter_agencies
from juki_center.errors import Reason, Refusal
from tests.support.agencies import (
    FOUR,
    PASSPORT,
    PASSPORT_OFFICE,
    PENSION,
    PENSION_OFFICE,
    POLICY,
    code_of,
)
from tests.support.center import enter_everybody, open_test_store
from tests.support.leaves import leaves_in

if TYPE_CHECKING:
    from pathlib import Path

    from juki_center.areas.agencies.commands import Confirmation
    from juki_center.areas.ports import Tx

_CONFIG = """\
environment = "test"
[pki]
dir = "pki"
[keys]
kek = "kek"
[store]
url = "sqlite:///center.db"
"""
TODAY = day_in_japan(datetime.now(UTC))
TOMORROW = TODAY + timedelta(days=1)
YESTERDAY = TODAY - timedelta(days=1)
QUESTIONS = ("--kind", "by-code", "--kind", "by-attributes")
ITEMS = ("--item", "name", "--item", "date-of-birth", "--item", "sex", "--item", "address")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """The configuration of a center with the sample residents and no agency."""

    async def furnish() -> None:
        store = open_test_store(tmp_path)
        await store.act(enter_everybody)
        store.close()

    asyncio.run(furnish())
    path = tmp_path / "center.toml"
    path.write_text(_CONFIG)
    return path


def agency(config: Path, *arguments: str) -> dict[str, Any]:
    """Run a command that is done, and return its result."""
    ran = CliRunner().invoke(app, ["agency", *arguments, "--config", str(config), "--json"])
    assert ran.exit_code == 0, ran.stderr
    result: dict[str, Any] = json.loads(ran.stdout)["result"]
    return result


def refused(config: Path, *arguments: str) -> tuple[int, str]:
    """Run a command that is refused; return its exit code and what it says."""
    ran = CliRunner().invoke(app, ["agency", *arguments, "--config", str(config)])
    assert isinstance(ran.exception, SystemExit)
    return ran.exit_code, ran.stderr.splitlines()[0].removeprefix("juki-center: ")


def add(config: Path) -> None:
    """Add the passport office."""
    agency(config, "add", "passport-1", "--name", "旅券事務所")


def authorise(config: Path, *more: str, first: object = TODAY) -> dict[str, Any]:
    """Authorise the passport office for passports."""
    return agency(
        config,
        "authorise",
        "passport-1",
        *("--affair", "passport", "--purpose", "examination", "--from", str(first)),
        *(more or (*QUESTIONS, *ITEMS)),
    )


def ask(config: Path) -> Confirmation:
    """Ask as the passport office, as a center that serves from the same file would."""
    command = Confirm(PASSPORT_OFFICE, PASSPORT, code_of("takahashi-ichiro"), FOUR)

    async def act() -> Confirmation:
        store = open_test_store(config.parent)
        try:
            return await store.act(lambda tx: confirm(tx, command, datetime.now(UTC), POLICY))
        finally:
            store.close()

    return asyncio.run(act())


def changes(config: Path) -> list[dict[str, Any]]:
    """Return what the log says of agencies."""
    found: list[dict[str, Any]] = [
        leaf for leaf in leaves_in(config.parent / "center.db") if leaf["ev"] == "AGENCY_CHANGED"
    ]
    return found


def test_an_agency_may_ask_once_it_is_added_and_authorised(config: Path) -> None:
    add(config)
    with pytest.raises(Refusal):
        ask(config)

    authorised = authorise(config)

    assert authorised == {"agency": "passport-1", "affair": "passport", "number": 1}
    assert ask(config).information is not None


def test_each_change_is_written_into_the_log(config: Path) -> None:
    add(config)
    authorise(config, *QUESTIONS, *ITEMS, "--to", str(TOMORROW))
    agency(config, "withdraw", "passport-1", "1")

    added, authorised, withdrawn = changes(config)

    assert {leaf["by"] for leaf in (added, authorised, withdrawn)} == {"juki://center/center-1"}
    assert {leaf["id"] for leaf in (added, authorised, withdrawn)} == {"passport-1"}
    assert added["more"] == {"act": "add"}
    assert authorised["more"] == {
        "act": "authorise",
        "number": "1",
        "affair": "passport",
        "purpose": "examination",
        "kinds": "BY_ATTRIBUTES BY_CODE",
        "items": "ADDRESS DATE_OF_BIRTH NAME SEX",
        "valid_from": str(TODAY),
        "valid_to": str(TOMORROW),
    }
    assert withdrawn["more"] == {"act": "withdraw", "number": "1", "affair": "passport"}


def test_withdrawing_ends_it_at_once(config: Path) -> None:
    add(config)
    authorise(config)
    ask(config)

    row = agency(config, "withdraw", "passport-1", "1")["authorisation"]

    assert row["withdrawnAt"] is not None
    assert not row["counts"]
    with pytest.raises(Refusal) as caught:
        ask(config)
    assert caught.value.reason is Reason.AFFAIR_NOT_AUTHORISED


def test_withdrawing_with_a_last_day_lets_it_count_until_then(config: Path) -> None:
    add(config)
    authorise(config)

    row = agency(config, "withdraw", "passport-1", "1", "--last-day", str(TODAY))["authorisation"]

    assert (row["to"], row["withdrawnAt"], row["counts"]) == (str(TODAY), None, True)
    assert ask(config).information is not None


def test_an_authorisation_for_later_does_not_count_yet(config: Path) -> None:
    add(config)
    authorise(config, first=TOMORROW)

    shown = agency(config, "show", "passport-1")

    assert [row["counts"] for row in shown["authorisations"]] == [False]
    assert agency(config, "list") == {
        "agencies": [{"agency": "passport-1", "name": "旅券事務所", "affairs": []}]
    }


def test_show_tells_rows_with_their_numbers(config: Path) -> None:
    add(config)
    authorise(config)
    authorise(config, "--kind", "by-code")

    ran = CliRunner().invoke(app, ["agency", "show", "passport-1", "--config", str(config)])

    assert "passport-1: 旅券事務所" in ran.stdout
    assert f"   1  passport, {TODAY} to further notice" in ran.stdout
    assert "items: address date-of-birth name sex" in ran.stdout
    assert "items: yes or no" in ran.stdout


BY_CODE = ("--kind", "by-code")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ("add", "passport-1", "--name", "Another"),
            "INPUT_INVALID: passport-1: this agency was added already",
        ),
        (
            ("add", "other-1", "--name", "two\nlines"),
            "INPUT_INVALID: a name or a purpose is 1 to 200 visible characters",
        ),
        (
            ("show", "other-1"),
            "INPUT_INVALID: other-1: no such agency; add it by `juki-center agency add`",
        ),
        (
            ("withdraw", "passport-1", "7"),
            "INPUT_INVALID: 7: this agency has no such authorisation; see `juki-center agency"
            " show`",
        ),
        (
            ("withdraw", "passport-1", "1", "--last-day", str(YESTERDAY)),
            "INPUT_INVALID: --last-day: the last day cannot be before today, nor before the first",
        ),
        (
            ("withdraw", "passport-1", "1", "--last-day", str(TOMORROW + timedelta(days=9))),
            "INPUT_INVALID: --last-day: withdrawing cannot lengthen it; add another authorisation",
        ),
        (
            ("withdraw", "passport-1", "1", "--last-day", "tomorrow"),
            "INPUT_INVALID: --last-day: takes a day such as 2026-04-01",
        ),
        (
            ("provisions", "--from", str(TODAY), "--to", str(YESTERDAY)),
            "INPUT_INVALID: --to: the last day is before the first",
        ),
    ],
)
def test_what_makes_no_sense_is_refused_with_exit_code_2(
    config: Path, arguments: tuple[str, ...], said: str
) -> None:
    add(config)
    authorise(config, *QUESTIONS, *ITEMS, "--to", str(TOMORROW))

    assert refused(config, *arguments) == (2, said)
    assert len(changes(config)) == 2


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"--affair": "parking-permits"}, "parking-permits: the law names no such affair"),
        ({"--affair": "旅券"}, "an affair is named in small letters"),
        ({"--from": str(YESTERDAY)}, "--from: nothing is authorised for the past"),
        ({"--from": "1 April"}, "--from: takes a day such as 2026-04-01"),
        ({"--to": str(YESTERDAY)}, "the last day is before the first"),
        ({"--purpose": " "}, "say for which purpose"),
        ({"--kind": "batch"}, "allow at least one kind of question"),
        ({"agency": "other-1"}, "other-1: no such agency"),
    ],
)
def test_an_authorisation_that_the_law_or_the_calendar_forbids_is_refused(
    config: Path, given: dict[str, str], said: str
) -> None:
    """Case 37: nobody can be authorised for parking permits."""
    add(config)
    options = {
        "agency": "passport-1",
        "--affair": "passport",
        "--purpose": "examination",
        "--from": str(TODAY),
        "--kind": "by-code",
    } | given
    named = options.pop("agency")

    code, text = refused(
        config, "authorise", named, *(part for pair in options.items() for part in pair)
    )

    assert code == 2
    assert text.startswith(f"INPUT_INVALID: {said}")
    assert len(changes(config)) == 1


def test_withdrawing_twice_is_refused(config: Path) -> None:
    add(config)
    authorise(config)
    agency(config, "withdraw", "passport-1", "1")

    code, text = refused(config, "withdraw", "passport-1", "1")

    assert (code, text) == (2, "INPUT_INVALID: 1: this authorisation was withdrawn already")


def test_provisions_are_counted_by_agency_affair_kind_and_outcome(config: Path) -> None:
    add(config)
    authorise(config)
    ask(config)
    ask(config)

    counted = agency(config, "provisions", "--from", str(TODAY), "--to", str(TODAY))
    others = agency(
        config, "provisions", "--from", str(TODAY), "--to", str(TODAY), "--agency", "pension-1"
    )
    before = agency(config, "provisions", "--from", str(YESTERDAY), "--to", str(YESTERDAY))

    assert counted["counts"] == [
        {
            "agency": "passport-1",
            "affair": "passport",
            "kind": "BY_CODE",
            "outcome": "MATCH",
            "provisions": 2,
        }
    ]
    assert (counted["total"], others["total"], before["total"]) == (2, 0, 0)


def test_counts_name_no_person(config: Path) -> None:
    add(config)
    authorise(config)
    ask(config)

    ran = CliRunner().invoke(
        app,
        [
            *("agency", "provisions", "--config", str(config)),
            *("--from", str(TODAY), "--to", str(TODAY)),
        ],
    )

    assert ran.stdout.splitlines()[-1] == f"{TODAY} to {TODAY}: 1 in all"
    assert "髙橋" not in ran.stdout
    assert "42054256129" not in ran.stdout


def test_the_catalogue_is_listed_without_a_configuration() -> None:
    ran = CliRunner().invoke(app, ["agency", "affairs", "--json"])

    codes = [one["code"] for one in json.loads(ran.stdout)["result"]["affairs"]]
    assert "passport" in codes
    assert codes == sorted(codes)


def test_the_development_centers_agencies_may_ask_and_are_added_once(config: Path) -> None:
    now = datetime.now(UTC)

    def act(tx: Tx) -> tuple[int, Confirmation, Confirmation]:
        for _ in range(2):
            enter_agencies(tx, now, "juki://center/center-1")
        rows = len(tx.agencies.authorisations("passport-1"))
        one = code_of("takahashi-ichiro")
        passport = Confirm(PASSPORT_OFFICE, PASSPORT, one, FOUR, watch=True)
        pension = Confirm(PENSION_OFFICE, PENSION, one, FOUR)
        return rows, confirm(tx, passport, now, POLICY), confirm(tx, pension, now, POLICY)

    async def entered() -> tuple[int, Confirmation, Confirmation]:
        store = open_test_store(config.parent)
        try:
            return await store.act(act)
        finally:
            store.close()

    rows, passport, pension = asyncio.run(entered())

    assert rows == 1
    assert len(passport.subject_reference) == 16
    assert pension.information is not None
