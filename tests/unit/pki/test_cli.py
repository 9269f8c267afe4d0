"""The command `juki-pki`: exit codes, what it prints, and that it never prints a secret."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from juki_pki.cli import app
from juki_pki.folder import PKIFolder
from juki_pki.printing import REFUSED


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


def test_access_certificates_issued_again_by_command(own_pki: PKIFolder) -> None:
    code, out, _ = run("issue", "at", own_pki.path, "--json")

    assert code == 0
    assert set(json.loads(out)["result"]) == {
        "JPJUKIDV00001",
        "JPJUKIAUTH00002",
        "JPJUKIWIND00002",
        "JPJUKIID00002",
    }


SHOWN = {
    "trust/root.pem": "X.509 certificate of a certificate authority",
    "center/center-1/certificate.pem": "X.509 certificate of center node center-1",
    "terminal/131016-01/chain.pem": "X.509 certificate of window terminal 01",
    "card-signer/certificate.pem": "X.509 certificate of a signer",
    "trust/cvca.cvcert": "CV certificate of the root of card access (CVCA) JPJUKICVCA00001",
    "trust/dv.cvcert": "CV certificate of the document verifier (DV) JPJUKIDV00001",
    "cv/at-center-id/certificate.cvcert": "CV certificate of the terminal JPJUKIID00001",
    "trust/at-center-id.description.der": "Description of a card access certificate",
    "root/key.pem": "Private key on P-256",
    "personalisation.key": "Personalisation key",
    "log-signer/key.pem": "Private key of an audit log",
    "log-signer/verifier": "Verifiers of an audit log",
    "trust/log-verifiers": "Verifiers of an audit log",
}


@pytest.mark.parametrize(("place", "beginning"), SHOWN.items())
def test_each_kind_of_file_shown_in_words_and_as_json(
    pki: PKIFolder, place: str, beginning: str
) -> None:
    code, text, _ = run("show", pki.path / place)
    code_of_json, out, _ = run("show", pki.path / place, "--json")

    envelope = json.loads(out)
    assert (code, code_of_json) == (0, 0)
    assert text.startswith(beginning)
    assert envelope["ok"] is True
    assert envelope["result"]["items"][0]["headline"].startswith(beginning)


@pytest.mark.parametrize("place", SHOWN)
def test_each_kind_of_file_cut_in_the_middle_refused(
    pki: PKIFolder, tmp_path: Path, place: str
) -> None:
    whole = (pki.path / place).read_bytes()
    cut = tmp_path / "cut"
    cut.write_bytes(whole[: len(whole) * 2 // 5])

    code, out, err = run("show", cut, "--json")

    assert code == REFUSED
    assert json.loads(out)["error"]["reason"] == "UNREADABLE"
    assert str(cut) in err


def test_personalisation_key_made_in_a_folder_without_one_and_never_again(
    own_pki: PKIFolder,
) -> None:
    own_pki.personalisation_key_path.unlink()

    code, out, _ = run("issue", "personalisation-key", own_pki.path, "--json")
    made = own_pki.personalisation_key()
    again, refused, _ = run("issue", "personalisation-key", own_pki.path, "--json")

    assert code == 0
    assert json.loads(out)["result"] == {"file": str(own_pki.personalisation_key_path)}
    assert (again, json.loads(refused)["error"]["reason"]) == (REFUSED, "ALREADY_EXISTS")
    assert own_pki.personalisation_key() == made


def test_personalisation_key_in_a_folder_not_there_refused(tmp_path: Path) -> None:
    code, _, err = run("issue", "personalisation-key", tmp_path / "none")

    assert code == REFUSED
    assert "NOT_FOUND" in err


def test_personalisation_key_shown_never_prints_its_value(own_pki: PKIFolder) -> None:
    key, path = own_pki.personalisation_key(), own_pki.personalisation_key_path

    printed = run("show", path)[1] + run("show", path, "--json")[1]

    assert key.octets().hex() not in printed
    assert path.read_text().splitlines()[1] not in printed
    assert "0600" in printed


def test_file_not_there_refused_by_show(tmp_path: Path) -> None:
    code, _, err = run("show", tmp_path / "nothing")

    assert code == REFUSED
    assert "NOT_FOUND" in err


def test_key_shown_never_prints_its_value(pki: PKIFolder) -> None:
    path = pki.path / "root" / "key.pem"
    number = pki.root().key.private_numbers().private_value

    printed = run("show", path)[1] + run("show", path, "--json")[1]

    assert f"{number:064x}" not in printed
    assert path.read_text().splitlines()[1] not in printed
