"""The command `juki-card`: what it prints, its exit codes, and that it shows no secret."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509 import load_der_x509_certificate
from typer.testing import CliRunner

from juki_card import flow, personalisation
from juki_cardbox.blanks import blank_memory, make_blank
from juki_cardbox.cardfile import CardFile
from juki_cardbox.cli import app
from juki_cardbox.pki_files import (
    PERSONALISATION_KEY,
    SIGNER_CERTIFICATE,
    SIGNER_KEY,
    TRUST_POINT,
)
from juki_cardbox.slot import CardSlot
from tests.support.blank_world import (
    CHIP_SERIAL,
    MASTER,
    ChipInHand,
    content,
    opened,
    personalised,
)
from tests.support.eac_world import RESIDENT_CODE, world

HOLDER = json.dumps({"pin": "4649", "can": "310452", "resident_code": RESIDENT_CODE})
LIMIT_SECONDS = 30
runner = CliRunner()


@pytest.fixture
def pki(tmp_path: Path) -> Path:
    """A PKI folder with what a card needs."""
    here = world()
    key = here.signer.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    certificate = load_der_x509_certificate(here.signer.certificate).public_bytes(Encoding.PEM)
    contents = {
        TRUST_POINT: here.cvca.certificate.encode(),
        SIGNER_CERTIFICATE: certificate,
        SIGNER_KEY: key,
    }
    for name, octets in contents.items():
        path = tmp_path / "pki" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(octets)
    return tmp_path / "pki"


@pytest.fixture
def card(tmp_path: Path) -> Path:
    """A card."""
    path = tmp_path / "one.card"
    CardFile(path).create(world().memory())
    return path


@pytest.fixture
def issuer(tmp_path: Path) -> Path:
    """A PKI folder with the key of blank chips."""
    path = tmp_path / "issuer" / PERSONALISATION_KEY
    path.parent.mkdir()
    path.write_bytes(MASTER.encode())
    path.chmod(0o600)
    return path.parent


def run(*arguments: str, stdin: str | None = None) -> tuple[int, str]:
    """Run the command in this process; return exit code and all output."""
    result = runner.invoke(app, list(arguments), input=stdin)
    return result.exit_code, result.output


def run_json(*arguments: str, stdin: str | None = None) -> tuple[int, dict[str, Any]]:
    """Run the command with --json; return exit code and the envelope."""
    result = runner.invoke(app, [*arguments, "--json"], input=stdin)
    envelope: dict[str, Any] = json.loads(result.stdout)
    assert envelope["schema"] == "juki/1"
    return result.exit_code, envelope


def test_new_makes_a_card_from_standard_input(tmp_path: Path, pki: Path) -> None:
    out = tmp_path / "new.card"

    code, envelope = run_json("new", str(out), "--pki", str(pki), "--from", "-", stdin=HOLDER)

    assert (code, envelope["ok"]) == (0, True)
    assert len(envelope["result"]["serial"]) == 64
    assert CardFile(out).load().pin.tries_left == 3


def test_new_makes_a_card_from_a_file(tmp_path: Path, pki: Path) -> None:
    source = tmp_path / "holder.json"
    source.write_text(HOLDER, encoding="utf-8")

    code, output = run("new", str(tmp_path / "a.card"), "--pki", str(pki), "--from", str(source))

    assert code == 0
    assert RESIDENT_CODE not in output


def test_new_asks_for_what_it_needs_and_hides_the_pin(tmp_path: Path, pki: Path) -> None:
    answers = f"{RESIDENT_CODE}\n4649\n4649\n310452\n"

    code, output = run("new", str(tmp_path / "a.card"), "--pki", str(pki), stdin=answers)

    assert code == 0
    assert "4649" not in output


def test_new_never_writes_over_a_card(card: Path, pki: Path) -> None:
    code, envelope = run_json("new", str(card), "--pki", str(pki), "--from", "-", stdin=HOLDER)

    assert (code, envelope["error"]["reason"]) == (3, "CARD_EXISTS")


def test_new_without_a_pki_is_refused(tmp_path: Path) -> None:
    out = tmp_path / "a.card"

    code, envelope = run_json("new", str(out), "--pki", str(tmp_path), "--from", "-", stdin=HOLDER)

    assert (code, envelope["error"]["reason"]) == (3, "PKI_FOLDER_INVALID")
    assert not out.exists()


def test_new_with_broken_personal_data_is_refused_without_showing_them(
    tmp_path: Path, pki: Path
) -> None:
    broken = HOLDER.replace("4649", "46499")

    code, output = run(
        "new", str(tmp_path / "a.card"), "--pki", str(pki), "--from", "-", stdin=broken
    )

    assert code == 3
    assert "46499" not in output


@pytest.mark.parametrize("arguments", [("--profile", "other"), ("--from", "/nonexistent")])
def test_new_with_wrong_options_is_a_usage_error(
    tmp_path: Path, pki: Path, arguments: tuple[str, str]
) -> None:
    code, _ = run("new", str(tmp_path / "a.card"), "--pki", str(pki), *arguments)

    assert code == 2


# Blank chips


def test_new_blank_has_the_serial_that_was_given_and_the_key_for_it(
    tmp_path: Path, issuer: Path
) -> None:
    out = tmp_path / "new.card"

    code, envelope = run_json(
        "new", str(out), "--pki", str(issuer), "--blank", "--chip-serial", CHIP_SERIAL.hex()
    )

    memory = CardFile(out).read()
    assert (code, envelope["result"]["chip_serial"]) == (0, CHIP_SERIAL.hex())
    assert memory == blank_memory(MASTER, CHIP_SERIAL)
    assert stat.S_IMODE(out.stat().st_mode) == 0o600


def test_new_blanks_draw_serials_of_their_own(tmp_path: Path, issuer: Path) -> None:
    serials = [
        run_json("new", str(tmp_path / name), "--pki", str(issuer), "--blank")[1]["result"][
            "chip_serial"
        ]
        for name in ("a.card", "b.card")
    ]

    assert len(set(serials)) == 2
    assert {len(serial) for serial in serials} == {32}


@pytest.mark.parametrize("fault", ["missing", "exposed", "broken"])
def test_new_blank_without_a_key_of_its_issuer_is_refused(
    tmp_path: Path, issuer: Path, fault: str
) -> None:
    key = issuer / PERSONALISATION_KEY
    match fault:
        case "missing":
            key.unlink()
        case "exposed":
            key.chmod(0o644)
        case _:
            key.write_bytes(b"broken")

    code, envelope = run_json("new", str(tmp_path / "a.card"), "--pki", str(issuer), "--blank")

    assert (code, envelope["error"]["reason"]) == (3, "PKI_FOLDER_INVALID")
    assert PERSONALISATION_KEY in envelope["error"]["message"]
    assert not (tmp_path / "a.card").exists()


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (("--blank", "--chip-serial", "zz"), 2),
        (("--blank", "--chip-serial", "00"), 3),
        (("--blank", "--chip-serial", ""), 3),
        (("--blank", "--from", "-"), 2),
        (("--blank", "--profile", "npa"), 2),
        (("--chip-serial", "00" * 16), 2),
    ],
)
def test_new_blank_with_wrong_options_is_refused(
    tmp_path: Path, issuer: Path, options: tuple[str, ...], code: int
) -> None:
    assert run("new", str(tmp_path / "a.card"), "--pki", str(issuer), *options)[0] == code


def test_new_blank_never_writes_over_a_card(card: Path, issuer: Path) -> None:
    code, envelope = run_json("new", str(card), "--pki", str(issuer), "--blank")

    assert (code, envelope["error"]["reason"]) == (3, "CARD_EXISTS")


def test_show_tells_a_blank_from_a_card_and_what_is_missing(tmp_path: Path, card: Path) -> None:
    path = tmp_path / "blank.card"
    make_blank(path, MASTER, chip_serial=CHIP_SERIAL)

    _, blank = run_json("show", str(path))
    _, made = run_json("show", str(card))
    _, text = run("show", str(path))

    assert blank["result"] == {
        "kind": "blank",
        "chip_serial": CHIP_SERIAL.hex(),
        "curve": "NIST P-256",
        "done": [],
        "missing": ["chip key", "trust", "dg1", "card security", "can", "transport pin"],
        "held_by": None,
    }
    assert (made["result"]["kind"], made["result"]["has_pin"]) == ("card", True)
    assert MASTER.blank_key(CHIP_SERIAL).octets().hex() not in text


def test_show_of_a_blank_in_the_middle_tells_no_secret(tmp_path: Path) -> None:
    chip, path = ChipInHand(), tmp_path / "blank.card"
    found = opened(chip.transmit)
    key = personalisation.generate_key(found)
    wanted = content(flow.run(key, chip.transmit))
    flow.run(personalisation.write(found, wanted), chip.transmit)
    CardFile(path).create(chip.blank)

    _, envelope = run_json("show", str(path))
    _, text = run("show", str(path))

    assert envelope["result"]["missing"] == []
    assert len(envelope["result"]["serial"]) == 64
    for secret in ("310452", "27182", RESIDENT_CODE):
        assert secret not in text
        assert secret not in json.dumps(envelope)


def test_show_of_a_made_card_tells_that_it_waits_for_its_holder(tmp_path: Path) -> None:
    path = tmp_path / "made.card"
    chip = ChipInHand()
    personalised(chip.transmit)
    CardFile(path).create(chip.memory)

    _, envelope = run_json("show", str(path))

    told = envelope["result"]
    assert (told["kind"], told["pin_state"], told["tries_left"]) == ("card", "transport", 3)


def test_show_tells_the_state_and_no_secret(card: Path) -> None:
    code, envelope = run_json("show", str(card))
    _, text = run("show", str(card))

    assert (code, envelope["result"]["tries_left"]) == (0, 3)
    for secret in ("4649", "310452", RESIDENT_CODE):
        assert secret not in text
        assert secret not in json.dumps(envelope)


def test_show_of_what_is_no_card_is_refused(tmp_path: Path) -> None:
    code, envelope = run_json("show", str(tmp_path / "none.card"))

    assert (code, envelope["error"]["reason"]) == (4, "CARD_FILE_INVALID")


def test_pull_of_a_card_that_is_not_inserted_is_refused(card: Path) -> None:
    code, envelope = run_json("pull", str(card))

    assert (code, envelope["error"]["reason"]) == (3, "CARD_NOT_INSERTED")


def test_pull_leaves_another_program_alone(card: Path) -> None:
    slot = CardSlot(card, holder="terminal 01")
    slot.power_on()

    code, envelope = run_json("pull", str(card))

    slot.power_off()
    assert (code, envelope["error"]["reason"]) == (4, "CARD_BUSY")


def test_insert_where_no_reader_listens_is_a_reader_error(card: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]

    code, envelope = run_json("insert", str(card), "--reader", f"127.0.0.1:{port}")

    assert (code, envelope["error"]["reason"]) == (4, "READER_NOT_FOUND")


def test_insert_of_a_reader_without_port_is_a_usage_error(card: Path) -> None:
    assert run("insert", str(card), "--reader", "somewhere")[0] == 2


class Inserted:
    """`juki-card insert` as a process, and the reader that it is in."""

    def __init__(self, card: Path, *options: str) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(LIMIT_SECONDS)
        port = self._listener.getsockname()[1]
        search = os.pathsep.join(entry for entry in sys.path if entry)
        code = "from juki_cardbox.cli import main; main()"
        arguments = ["insert", str(card), "--reader", f"127.0.0.1:{port}", *options]
        self.process = subprocess.Popen(
            [sys.executable, "-c", code, *arguments],
            env={**os.environ, "PYTHONPATH": search},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            # A shell lets what it starts in the background ignore Ctrl-C, and that is inherited.
            preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509  # no threads here
        )
        self.connection, _ = self._listener.accept()
        self.connection.settimeout(LIMIT_SECONDS)

    def exchange(self, payload: bytes) -> bytes:
        """Send one message of the vpcd wire and return the answer."""
        self.connection.sendall(len(payload).to_bytes(2, "big") + payload)
        size = int.from_bytes(self._receive(2), "big")
        return self._receive(size)

    def wait(self) -> int:
        """Wait for the end of the process."""
        return self.process.wait(LIMIT_SECONDS)

    def close(self) -> None:
        """End everything."""
        self.process.kill()
        self.process.communicate()
        self.connection.close()
        self._listener.close()

    def _receive(self, count: int) -> bytes:
        found = b""
        while len(found) < count:
            piece = self.connection.recv(count - len(found))
            assert piece
            found += piece
        return found


@pytest.fixture
def inserted(card: Path, tmp_path: Path) -> Iterator[Inserted]:
    """A card in a reader, with a trace."""
    inserted = Inserted(card, "--trace", str(tmp_path / "trace"))
    yield inserted
    inserted.close()


def test_inserted_card_answers_until_it_is_pulled(
    inserted: Inserted, card: Path, tmp_path: Path
) -> None:
    inserted.exchange(b"\x04")
    answer = inserted.exchange(bytes.fromhex("00b09c0000"))

    held_by = run_json("show", str(card))[1]["result"]["held_by"]
    code, _ = run("pull", str(card))

    assert answer[-2:] == b"\x90\x00"
    assert held_by.startswith("juki-card insert")
    assert (code, inserted.wait()) == (0, 0)
    assert run_json("show", str(card))[1]["result"]["held_by"] is None
    traced = run_json("trace", str(tmp_path / "trace"))[1]["result"]["exchanges"]
    assert traced == [{"n": 1, "name": "READ BINARY", "status": "9000"}]


def test_inserted_card_is_busy_for_another_insert(inserted: Inserted, card: Path) -> None:
    inserted.exchange(b"\x04")

    code, envelope = run_json("insert", str(card), "--reader", "127.0.0.1:1")

    assert (code, envelope["error"]["reason"]) == (4, "CARD_BUSY")


def test_interrupt_takes_the_card_out(inserted: Inserted) -> None:
    inserted.exchange(b"\x04")

    inserted.process.send_signal(signal.SIGINT)

    assert inserted.wait() == 130


def test_reader_that_goes_away_ends_the_insert(inserted: Inserted) -> None:
    inserted.exchange(b"\x04")

    inserted.connection.close()

    assert inserted.wait() == 4
