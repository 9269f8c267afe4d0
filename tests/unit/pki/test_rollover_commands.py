"""The commands renew, activate, retire and status: exit codes, reasons, what they print."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from juki_pki.certify import certificate_pem
from juki_pki.cli import app
from juki_pki.errors import PKIError
from juki_pki.folder import PKIFolder
from juki_pki.printing import REFUSED
from juki_pki.rollover_commands import keep_renewing

REST = ("copy-signer", "card-signer", "log-signer", "issuing", "root", "cvca")


def run(*arguments: str | Path) -> tuple[int, str, str]:
    """Run the command and return exit code, stdout, stderr."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    return result.exit_code, result.stdout, result.stderr


def answer(*arguments: str | Path) -> dict[str, object]:
    """Run a command that is done, and return its result."""
    code, out, err = run(*arguments, "--json")
    assert (code, err) == (0, "")
    envelope = json.loads(out)
    assert envelope["ok"]
    result: dict[str, object] = envelope["result"]
    return result


def reason(*arguments: str | Path) -> str:
    """Run a command that is refused, and return the reason."""
    code, out, _ = run(*arguments, "--json")
    assert code == REFUSED
    return str(json.loads(out)["error"]["reason"])


@pytest.mark.parametrize("words", [("center", "center-1"), *((one,) for one in REST)])
def test_each_kind_is_renewed_and_activated_by_command(
    own_pki: PKIFolder, words: tuple[str, ...]
) -> None:
    what, *node = words

    renewed = answer("renew", what, own_pki.path, *node)
    early = reason("activate", what, own_pki.path, *node)
    activated = answer("activate", what, own_pki.path, *node, "--at-once")

    assert renewed["folder"] == f"{activated['folder']}/next"
    assert early == "TOO_EARLY"
    assert not Path(str(renewed["folder"])).exists()


def test_center_is_retired_by_command(own_pki: PKIFolder) -> None:
    run("renew", "center", own_pki.path, "center-1")
    run("activate", "center", own_pki.path, "center-1", "--at-once")

    early = reason("retire", "center", own_pki.path, "center-1")
    gone = answer("retire", "center", own_pki.path, "center-1", "--at-once")

    assert early == "TOO_EARLY"
    assert len(list(gone["replaced_at"])) == 1  # type: ignore[call-overload]  # a list of JSON


@pytest.mark.parametrize("verb", ["renew", "activate", "retire"])
def test_a_center_without_its_node_is_told_that_the_name_is_missing(
    own_pki: PKIFolder, verb: str
) -> None:
    code, _, err = run(verb, "center", own_pki.path)

    assert code == REFUSED
    assert "the node's name is missing: `center DIR NODE`, such as center-1" in err


def test_a_node_where_there_are_none_is_refused_as_too_much(own_pki: PKIFolder) -> None:
    code, _, err = run("renew", "cvca", own_pki.path, "center-1")

    assert code == REFUSED
    assert "only `center` has nodes: `cvca DIR` takes no NODE" in err


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (("renew", "center"), "IDENTITY_INVALID"),
        (("renew", "cvca", "center-1"), "IDENTITY_INVALID"),
        (("renew", "center", "center-9"), "NOT_FOUND"),
        (("activate", "root"), "NOT_STAGED"),
        (("retire", "root"), "NOTHING_TO_RETIRE"),
    ],
)
def test_what_cannot_be_done_is_refused_with_its_reason(
    own_pki: PKIFolder, arguments: tuple[str, ...], wanted: str
) -> None:
    command, what, *node = arguments

    assert reason(command, what, own_pki.path, *node) == wanted


def test_second_successor_refused_with_its_reason(own_pki: PKIFolder) -> None:
    run("renew", "root", own_pki.path)

    assert reason("renew", "root", own_pki.path) == "ALREADY_STAGED"


def test_peers_from_a_file_keep_their_authority(own_pki: PKIFolder, tmp_path: Path) -> None:
    enrolled = tmp_path / "enrolled.pem"
    enrolled.write_bytes(certificate_pem(own_pki.terminal("131016", "01").certificate))
    run("renew", "issuing", own_pki.path)
    run("activate", "issuing", own_pki.path, "--at-once")

    code, _, err = run("retire", "issuing", own_pki.path, "--at-once", "--peers", enrolled)

    assert code == REFUSED
    assert "STILL_NEEDED" in err
    assert "6 valid certificates" in err


def test_watching_is_for_access_alone(own_pki: PKIFolder) -> None:
    assert run("renew", "root", own_pki.path, "--watch")[0] == 2


def test_access_of_today_is_not_renewed_twice(own_pki: PKIFolder) -> None:
    run("renew", "access", own_pki.path)

    assert answer("renew", "access", own_pki.path) == {"renewed": False}


def test_watching_ends_at_a_signal_and_renews_before(own_pki: PKIFolder) -> None:
    program_text = "from juki_pki.cli import main; main()"
    words = ("renew", "access", str(own_pki.path), "--watch")
    command = [sys.executable, "-c", program_text, *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=os.environ, text=True) as program:
        assert program.stdout is not None
        first = program.stdout.readline()
        program.send_signal(signal.SIGTERM)
        assert program.wait(timeout=20) == 0

    assert first.strip() in ("renewed", "of today already")


def test_refused_renewal_does_not_end_the_watch(capsys: pytest.CaptureFixture[str]) -> None:
    left = iter([True, True, False])
    done: list[int] = []

    def renew_once() -> None:
        done.append(len(done))
        if len(done) == 2:
            raise PKIError("the issuer is away")

    keep_renewing(renew_once, lambda: next(left))

    assert done == [0, 1, 2]
    assert "PKI_ERROR: the issuer is away" in capsys.readouterr().err


def test_status_names_ends_and_next_steps(own_pki: PKIFolder) -> None:
    run("renew", "center", own_pki.path, "center-1")
    run("renew", "cvca", own_pki.path)
    run("activate", "cvca", own_pki.path, "--at-once")

    found = answer("status", own_pki.path)

    kinds = {one["kind"] for one in found["certificates"]}  # type: ignore[attr-defined]  # a list
    steps = [one["command"] for one in found["steps"]]  # type: ignore[attr-defined]  # a list
    assert kinds >= {"root", "issuing", "center", "terminal", "cvca", "dv", "at-center-auth"}
    assert steps == [f"activate center {own_pki.path} center-1", f"retire cvca {own_pki.path}"]
    assert found["faults"] == 0
    assert "juki-pki activate center" in run("status", own_pki.path)[1]
