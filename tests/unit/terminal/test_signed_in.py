"""Who is signed in, at the commands that ask a clerk: told first, and where nobody is, the end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from juki_terminal.cli import app
from tests.unit.terminal.cards_double import APPLICATION, CARD_NUMBER
from tests.unit.terminal.center_double import CLERK, SessionDouble, SignInDouble
from tests.unit.terminal.clerk import Ended
from tests.unit.terminal.residents_double import CODE, ResidentsDouble

MOVE = "M123456789092"
ASKING = {
    "resident show": (),
    "resident birth": (),
    "application submit": (),
    "application reply": (APPLICATION,),
    "application end": (APPLICATION, "--reason", "withdrawn"),
    "card suspend": (),
    "card revoke": (CARD_NUMBER,),
    "card reissue": (),
    "card hand-over": (APPLICATION,),
    "card unlock": (CARD_NUMBER, "--keep"),
    "card personalise": (APPLICATION,),
    "move out": ("--out", "certificate.pdf"),
    "move cancel": (MOVE,),
    "move in": (),
    "move abandon": (MOVE,),
    "move continue-card": (CARD_NUMBER,),
    "disclosure own": (),
    "disclosure provisions": (),
    "copy issue": ("--photo-id", "--out", "copy.pdf"),
}
TAKING_FORMS = {
    "resident show": (),
    "application submit": ("--yes",),
    "application reply": (APPLICATION, "--yes"),
    "card suspend": ("--yes",),
    "card hand-over": (APPLICATION,),
    "move out": ("--out", "certificate.pdf", "--yes"),
    "move in": ("--yes",),
}


def run(config: Path, command: str, *options: str, stdin: str = "") -> Ended:
    line = ["--config", str(config), "--json", "--lang", "en", *command.split(), *options]
    ended = CliRunner().invoke(app, line, input=stdin)
    return Ended(ended.exit_code, ended.stdout, ended.stderr)


@pytest.mark.parametrize("command", ASKING)
def test_where_nobody_is_signed_in_nothing_is_asked(
    config: Path, sign_in: SignInDouble, sessions: SessionDouble, command: str
) -> None:
    sign_in.clerk = ""

    ended = run(config, command, *ASKING[command])

    assert (ended.code, ended.error("reason")) == (3, "CLERK_SIGN_IN_REQUIRED"), ended.err
    assert sign_in.asked == 1
    assert sessions.hellos == []


def test_name_of_the_clerk_is_told_beside_the_result(
    config: Path, sign_in: SignInDouble, residents: ResidentsDouble
) -> None:
    ended = run(config, "resident show", stdin=f"{CODE}\n")

    assert ended.code == 0
    assert ended.err.startswith(f"Clerk: {CLERK} (131016-0001)\n")
    assert CLERK not in ended.out
    assert (sign_in.asked, len(residents.requests)) == (1, 1)


def test_a_form_asks_nobody_who_is_signed_in(config: Path, sign_in: SignInDouble) -> None:
    ended = run(config, "resident show", "--from", "-", stdin=json.dumps({"code": CODE}))

    assert (ended.code, ended.err, sign_in.asked) == (0, "", 0)


@pytest.mark.parametrize("command", TAKING_FORMS)
def test_a_form_that_names_a_clerk_is_refused_as_any_unknown_key(
    config: Path, command: str
) -> None:
    form = json.dumps({"clerk_name": CLERK})

    ended = run(config, command, *TAKING_FORMS[command], "--from", "-", stdin=form)

    assert (ended.code, ended.error("reason")) == (2, "USAGE_INVALID")
    assert ended.error("metadata") == {"field": "from", "rule": "unknown key 'clerk_name'"}
    assert CLERK not in ended.out + ended.err


def test_a_photo_document_that_names_a_clerk_is_refused_as_any_unknown_key(config: Path) -> None:
    form = json.dumps({"photo_id": {"kind": "passport", "clerk": CLERK}})

    ended = run(config, "copy issue", "--photo-id", "--out", "copy.pdf", "--from", "-", stdin=form)

    assert (ended.code, ended.error("metadata")) == (
        2,
        {"field": "photo_id", "rule": "unknown key 'clerk'"},
    )


@pytest.mark.parametrize("command", ASKING)
def test_no_command_takes_the_name_of_a_clerk(config: Path, command: str) -> None:
    ended = run(config, command, *ASKING[command], "--clerk", CLERK)

    assert ended.code == 2
    assert "No such option: --clerk" in ended.err
