"""Whoever is asked for an approval and does not say yes has refused."""

from __future__ import annotations

import json

import pytest
import typer
from typer.testing import CliRunner

from juki_center.cli.approvals import _require_yes

app = typer.Typer()


@app.command()
def ask(as_json: bool = False) -> None:
    _require_yes(as_json=as_json)
    typer.echo("approved")


@pytest.mark.parametrize("said", ["n\n", "\n", ""])
def test_no_and_nothing_are_refusals_and_no_defect(said: str) -> None:
    ran = CliRunner().invoke(app, input=said)

    assert ran.exit_code == 3
    assert ran.stdout != "approved\n"


def test_a_refusal_is_known_to_machines() -> None:
    ran = CliRunner().invoke(app, ["--as-json"], input="n\n")

    assert ran.exit_code == 3
    assert json.loads(ran.stdout.splitlines()[-1])["error"]["reason"] == "NOT_APPROVED"


def test_yes_goes_on() -> None:
    ran = CliRunner().invoke(app, input="y\n")

    assert (ran.exit_code, ran.stdout.splitlines()[-1]) == (0, "approved")
