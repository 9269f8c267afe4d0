"""`juki-center cards retention` and `cards fees`: numbers and days, and nobody's name."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from juki_center.areas.cards.application_rows import ApplicationKind, Fee
from juki_center.areas.cards.applications import submit_application
from juki_center.areas.cards.register import CardStatus
from juki_center.cli.commands import app
from tests.support.card_window import TARO, CardWindow, card_number
from tests.support.center import SAMPLES, enter_everybody, open_test_store

if TYPE_CHECKING:
    from pathlib import Path

_CONFIG = """\
environment = "test"
[pki]
dir = "pki"
[keys]
kek = "kek"
[store]
url = "sqlite:///center.db"
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """The configuration of a center with an application whose fee was taken."""

    async def furnish() -> None:
        store = open_test_store(tmp_path)
        await store.act(enter_everybody)
        window = CardWindow(store)
        await window.set_status(CardStatus.RETURNED, *SAMPLES)
        taken = await window.do(submit_application, window.with_photo())
        fee = Fee(
            taken.application.number,
            window.register,
            card_number(),
            ApplicationKind.FIRST,
            500,
            date(2026, 11, 23),
            datetime(2026, 11, 23, 1, tzinfo=UTC),
            window.terminal.uri,
        )
        await store.act(lambda tx: tx.applications.add_fee(fee))
        store.close()

    asyncio.run(furnish())
    path = tmp_path / "center.toml"
    path.write_text(_CONFIG, encoding="utf-8")
    return path


def run(config: Path, *arguments: str) -> tuple[int, str, str]:
    """Return how a command ended: its exit code, what it printed, and its complaint."""
    ran = CliRunner().invoke(app, ["cards", *arguments, "--config", str(config)])
    return ran.exit_code, ran.stdout, ran.stderr


def fees(config: Path, first: str, last: str, *more: str) -> tuple[int, str, str]:
    return run(config, "fees", "--municipality", "112089", "--from", first, "--to", last, *more)


def test_the_report_says_what_is_kept_since_when_and_by_which_rule(config: Path) -> None:
    code, out, _ = run(config, "retention", "--json")

    kinds = json.loads(out)["result"]["kinds"]
    assert code == 0
    assert [(one["kind"], one["kept"], one["due"]) for one in kinds] == [
        ("photos", 1, 0),
        ("papers", 1, 0),
        ("unlocks", 0, 0),
        ("secrets", 0, 0),
        ("notes", 0, 0),
    ]
    assert kinds[0]["oldest"] == "2026-11-23T01:00:00+00:00"
    assert kinds[0]["rule"] == "30 days after the hand-over, 1 day after any other end"


def test_the_report_in_lines_names_nobody(config: Path) -> None:
    code, out, _ = run(config, "retention")

    assert code == 0
    assert "photos           1  since 2026-11-23         0 due" in out
    assert SAMPLES[TARO].record.name not in out


def test_the_ledger_gives_its_lines_and_their_sum(config: Path) -> None:
    code, out, _ = fees(config, "2026-11-23", "2026-11-23", "--json")
    result = json.loads(out)["result"]

    assert code == 0
    assert (result["totalYen"], len(result["fees"])) == (500, 1)
    assert result["fees"][0]["takenOn"] == "2026-11-23"
    assert "500 yen" in fees(config, "2026-11-01", "2026-11-30")[1]


def test_other_days_have_no_fees(config: Path) -> None:
    code, out, _ = fees(config, "2026-11-24", "2026-11-30")

    assert (code, out) == (0, "0 fees, 0 yen\n")


@pytest.mark.parametrize(
    ("first", "last", "complaint"),
    [
        ("x", "2026-11-30", "--from: takes a day such as 2026-04-01"),
        ("2026-11-30", "2026-11-29", "--to: the last day is before the first"),
    ],
)
def test_days_that_cannot_be_are_refused(
    config: Path, first: str, last: str, complaint: str
) -> None:
    code, _, error = fees(config, first, last)

    assert code == 2
    assert complaint in error


@pytest.mark.parametrize(
    ("municipality", "complaint"),
    [("11208", "6 digits"), ("472018", "hosts no register of this municipality")],
)
def test_a_municipality_without_a_register_has_no_ledger(
    config: Path, municipality: str, complaint: str
) -> None:
    code, _, error = run(
        config,
        "fees",
        "--municipality",
        municipality,
        "--from",
        "2026-11-01",
        "--to",
        "2026-11-30",
    )

    assert code == 2
    assert complaint in error
