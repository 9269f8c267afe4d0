"""The command `juki-pki`: exit codes, what it prints, and that it never prints a secret."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from juki_pki.cli import REFUSED, app
from juki_pki.folder import PKIFolder


def run(*arguments: str | Path) -> tuple[int, str, str]:
    """Run the command and return exit code, stdout, stderr."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    return result.exit_code, result.stdout, result.stderr


def test_init_makes_the_named_peers_and_the_examples_of_other_kinds(tmp_path: Path) -> None:
    code, out, _ = run(
        "init", tmp_path / "pki", "--terminal", "112089-01", "--terminal", "112089-02", "--json"
    )

    assert code == 0
    assert json.loads(out) == {
        "schema": "juki/1",
        "command": "pki init",
        "ok": True,
        "result": {
            "folder": str(tmp_path / "pki"),
            "peers": [
                "juki://center/center-1",
                "juki://municipality/112089/terminal/01",
                "juki://municipality/112089/terminal/02",
                "juki://agency/passport-1",
                "juki://operator/operator-1",
            ],
        },
    }
    assert PKIFolder(tmp_path / "pki").terminal("112089", "02").identity.name == "02"


def test_init_over_a_folder_refused_with_its_reason(pki: PKIFolder) -> None:
    code, out, err = run("init", pki.path, "--json")

    assert code == REFUSED
    assert json.loads(out)["error"]["reason"] == "ALREADY_EXISTS"
    assert "ALREADY_EXISTS" in err


def test_init_with_a_bad_profile_names_the_field_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles" / "dv.toml").write_text("lifetime_days = 0")

    code, _, err = run("init", tmp_path / "pki", "--profiles", tmp_path / "profiles")

    assert code == REFUSED
    assert "PROFILE_INVALID: dv.toml: " in err
    assert not (tmp_path / "pki").exists()


@pytest.mark.parametrize(
    ("arguments", "uri"),
    [
        (("terminal", "112089", "01"), "juki://municipality/112089/terminal/01"),
        (("desk", "112089", "01"), "juki://municipality/112089/desk/01"),
        (("agency", "tax"), "juki://agency/tax"),
        (("operator", "night"), "juki://operator/night"),
        (("center", "center-2"), "juki://center/center-2"),
    ],
)
def test_issue_of_each_kind_of_peer_done(
    own_pki: PKIFolder, arguments: tuple[str, ...], uri: str
) -> None:
    kind, *names = arguments

    code, out, _ = run("issue", kind, own_pki.path, *names, "--json")

    assert code == 0
    assert json.loads(out)["result"]["uri"] == uri


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("terminal", "131016", "01"), "ALREADY_EXISTS"),
        (("terminal", "131017", "01"), "IDENTITY_INVALID"),
        (("agency", "../root"), "IDENTITY_INVALID"),
    ],
)
def test_issue_refused_with_its_reason(
    own_pki: PKIFolder, arguments: tuple[str, ...], reason: str
) -> None:
    kind, *names = arguments

    code, out, _ = run("issue", kind, own_pki.path, *names, "--json")

    assert code == REFUSED
    assert json.loads(out)["error"]["reason"] == reason


def test_issue_into_a_folder_not_there_refused(tmp_path: Path) -> None:
    code, _, err = run("issue", "operator", tmp_path / "nowhere", "night")

    assert code == REFUSED
    assert "NOT_FOUND" in err


def test_issue_without_the_root_key_still_works(own_pki: PKIFolder) -> None:
    (own_pki.path / "root" / "key.pem").unlink()

    code, _, _ = run("issue", "operator", own_pki.path, "night")

    assert code == 0


def test_unknown_kind_is_a_usage_error(pki: PKIFolder) -> None:
    assert run("issue", "mayor", pki.path, "x")[0] == 2
