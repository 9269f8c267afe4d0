"""`juki-center clerks`: an operator's commands on the store."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from juki_center.cli.commands import app
from juki_center.cli.dev_folder import DevFolder
from tests.support.clerks import enter_clerk, open_dev_store

NAME = "試験\u3000職子"
SERIAL = "ab" * 32


@pytest.fixture
def folder(tmp_path: Path) -> DevFolder:
    """The folder of a development center that was never started."""
    made = DevFolder(tmp_path)
    made.prepare(datetime.now(UTC))
    return made


def host(folder: DevFolder) -> str:
    """Enter a clerk, so that the register is hosted; return the clerk's id."""
    with open_dev_store(folder.path) as store:
        now = datetime.now(UTC)
        clerk = asyncio.run(store.act(lambda tx: enter_clerk(tx, "131016", now, rights=())))
    return clerk.clerk_id


def run(folder: DevFolder, *arguments: str, given: str = "") -> Result:
    options = ["clerks", *arguments, "--config", str(folder.config), "--json"]
    return CliRunner().invoke(app, options, input=given)


def result(ran: Result) -> dict[str, object]:
    assert ran.exit_code == 0, ran.output
    found: dict[str, object] = json.loads(ran.stdout)["result"]
    return found


def test_an_added_clerk_is_listed_with_the_name_that_was_read(folder: DevFolder) -> None:
    host(folder)
    added = run(folder, "add", "131016", "--serial", SERIAL, "--from", "-", given=f"{NAME}\n")

    assert result(added)["clerk_id"] == "131016-0002"
    listed = run(folder, "list", "--municipality", "131016")
    assert NAME in listed.stdout
    assert NAME not in added.output


def test_a_clerk_of_a_register_that_is_not_hosted_is_refused(folder: DevFolder) -> None:
    ran = run(folder, "add", "131016", "--serial", SERIAL, "--from", "-", given=f"{NAME}\n")

    assert (ran.exit_code, "municipality" in ran.output) == (2, True)


def test_a_card_serves_one_clerk(folder: DevFolder) -> None:
    host(folder)
    result(run(folder, "add", "131016", "--serial", SERIAL, "--from", "-", given=f"{NAME}\n"))

    ran = run(folder, "add", "131016", "--serial", SERIAL, "--from", "-", given=f"{NAME}\n")

    assert ran.exit_code == 2


def test_a_right_is_given_and_taken_away(folder: DevFolder) -> None:
    clerk = host(folder)
    days = ("--from", "2026-01-01", "--to", "2099-03-31")

    given = result(run(folder, "grant", clerk, "MOVES", *days))
    taken = result(run(folder, "withdraw", clerk, "MOVES"))

    assert given["rights"] == [
        {"right": "MOVES", "first_day": "2026-01-01", "last_day": "2099-03-31"}
    ]
    assert taken["rights"] == []


@pytest.mark.parametrize(
    ("first", "last"),
    [("2026-02-01", "2026-01-01"), ("2020-01-01", "2020-02-01"), ("soon", "2099-01-01")],
)
def test_days_that_cannot_be_are_refused(folder: DevFolder, first: str, last: str) -> None:
    clerk = host(folder)

    assert run(folder, "grant", clerk, "MOVES", "--from", first, "--to", last).exit_code == 2


def test_administration_is_not_given_by_one_operator(folder: DevFolder) -> None:
    clerk = host(folder)
    days = ("--from", "2026-01-01", "--to", "2099-03-31")

    ran = run(folder, "grant", clerk, "ADMINISTRATION", *days)

    assert ran.exit_code == 2
    assert result(run(folder, "list"))["clerks"][0]["rights"] == []  # type: ignore[index]  # JSON


def test_a_stopped_clerk_is_lifted_and_an_ended_one_never_comes_back(
    folder: DevFolder,
) -> None:
    clerk = host(folder)

    states = [result(run(folder, verb, clerk))["state"] for verb in ("stop", "lift", "withdraw")]

    assert states == ["STOPPED", "ACTIVE", "WITHDRAWN"]
    assert run(folder, "lift", clerk).exit_code == 3


def test_a_lift_needs_a_clerk_or_a_terminal(folder: DevFolder) -> None:
    assert run(folder, "lift").exit_code == 2
    assert (
        run(folder, "lift", "--terminal", "juki://municipality/131016/terminal/01").exit_code == 3
    )
