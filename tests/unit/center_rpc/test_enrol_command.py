"""`juki-center enrol`: tokens are printed once, listed, taken back; case 7."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from juki_center.cli.commands import app
from juki_center.storage.keys import create_kek
from juki_client.enrolment import Ticket, center_mark
from juki_pki import make
from juki_pki.profile import Profiles

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("enrol-command")
    make.init(folder / "pki", Profiles.load(), datetime.now(UTC))
    create_kek(folder / "kek")
    path = folder / "center.toml"
    path.write_text(
        'environment = "test"\n[pki]\ndir = "pki"\n[keys]\nkek = "kek"\n'
        '[store]\nurl = "sqlite:///center.db"\n',
        encoding="utf-8",
    )
    return path


def run(config: Path, *args: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, ["enrol", *args, "--config", str(config)])
    return done.exit_code, done.stdout, done.stderr


def test_a_token_is_printed_once_as_a_peer_reads_it(config: Path) -> None:
    """Case 7: Tokorozawa's code is accepted."""
    code, out, _ = run(config, "token", "--municipality", "112089", "--name", "01")
    listed = run(config, "tokens")[1]

    ticket = Ticket.parse(out)
    leaf = (config.parent / "pki/center/center-1/certificate.pem").read_bytes()
    assert code == 0
    assert len(ticket.token) == 16
    assert ticket.center_mark == center_mark(_der(leaf))
    assert "juki://municipality/112089/terminal/01" in listed
    assert out.splitlines()[0].rpartition(" ")[2] not in listed


def _der(pem: bytes) -> bytes:
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding

    return x509.load_pem_x509_certificate(pem).public_bytes(Encoding.DER)


@pytest.mark.parametrize(
    ("municipality", "said"),
    [("112098", "INVALID_CHECK_DIGIT"), ("112080", "INVALID_CHECK_DIGIT"), ("112003", "no munic")],
)
def test_no_terminal_is_enrolled_under_a_code_that_is_none(
    config: Path, municipality: str, said: str
) -> None:
    """Case 7: 112098 and 112080 are refused, and so is a code that nobody has."""
    code, out, err = run(config, "token", "--municipality", municipality, "--name", "01", "--json")

    assert code == 2
    assert json.loads(out)["error"]["reason"] == "INPUT_INVALID"
    assert said in err or "check digit" in err


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("--name", "01"), "--municipality"),
        (("--name", "x", "--role", "agency", "--municipality", "112089"), "--municipality"),
        (("--name", "x", "--role", "operator"), "--role"),
        # A right check digit, and no municipality.
        (("--name", "01", "--municipality", "112003"), "municipality"),
    ],
)
def test_who_cannot_be_enrolled_gets_no_token(
    config: Path, args: tuple[str, ...], said: str
) -> None:
    code, _, err = run(config, "token", *args)

    assert code == 2
    assert said in err


def test_a_token_is_taken_back_once(config: Path) -> None:
    made = json.loads(run(config, "token", "--role", "agency", "--name", "p-1", "--json")[1])

    first = run(config, "revoke", made["result"]["id"])
    again = run(config, "revoke", made["result"]["id"])
    unknown = run(config, "revoke", "00000000")

    assert first[0] == 0
    assert (again[0], unknown[0]) == (2, 2)
    rows = json.loads(run(config, "tokens", "--json")[1])["result"]["tokens"]
    assert {row["id"]: row["state"] for row in rows}[made["result"]["id"]] == "REVOKED"


@pytest.mark.parametrize("command", ["certificates", "recoveries"])
def test_nothing_is_listed_of_a_new_center(config: Path, command: str) -> None:
    code, out, _ = run(config, command)

    assert code == 0
    assert out in {"no certificates\n", "nobody waits\n"}
