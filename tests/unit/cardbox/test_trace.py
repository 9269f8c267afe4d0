"""Traces: names, no secrets, and reading them again."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from juki_card.apdu import CommandAPDU, ResponseAPDU
from juki_card.errors import ParseError
from juki_card.virtual.orders import Order
from juki_cardbox.cardfile import CardFile
from juki_cardbox.slot import CardSlot
from juki_cardbox.trace import NAMES, TraceWriter, masked, name_of, read_trace
from tests.support.eac_world import CAN, PIN, RESIDENT_CODE, whole_session, world


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("00b09c0000", "READ BINARY"),
        ("0cb09c00010000", "READ BINARY [SM]"),
        ("0022c1a4", "MSE:Set AT (PACE)"),
        ("10860000027c0000", "GENERAL AUTHENTICATE, more follows"),
        ("102a00be0101", "PSO: VERIFY CERTIFICATE, part"),
        ("8c2c030300", "PIN-TO-TRANSPORT [SM]"),
        ("80e0000000", "GET STATE (blank)"),
        ("8ce801000100", "PUT CONTENT (blank) [SM]"),
        ("9ce801000100", "PUT CONTENT (blank), part [SM]"),
        ("00e0000000", "INS E0"),
        ("00d60000", "INS D6"),
        ("10d60000", "INS D6, part"),
        ("00", "not a command APDU"),
    ],
)
def test_command_has_its_name_in_the_norm(command: str, name: str) -> None:
    assert name_of(bytes.fromhex(command)) == name


def test_every_order_has_a_name() -> None:
    assert set(Order) - set(NAMES) == {Order.UNKNOWN, Order.WRONG_PARAMETERS}


@pytest.mark.parametrize("ins", [0x20, 0x24, 0x2C])
def test_pin_in_clear_is_masked(ins: int) -> None:
    command = CommandAPDU(0x00, ins, 0x02, 0x03, PIN.octets())

    shown = masked(command.encode())

    assert PIN.octets().hex() not in shown
    assert shown.endswith("********")


@pytest.mark.parametrize("cla", [0x80, 0x90])
def test_content_for_a_blank_in_clear_is_masked(cla: int) -> None:
    command = CommandAPDU(cla, 0xE8, 0x04, 0x00, CAN.octets())

    shown = masked(command.encode())

    assert CAN.octets().hex() not in shown
    assert shown.endswith("*" * 12)


def test_trace_of_a_whole_session_has_no_secret(tmp_path: Path) -> None:
    path, lines = tmp_path / "one.card", io.StringIO()
    CardFile(path).create(world().memory())
    slot = CardSlot(path, observers=[TraceWriter(lines)])
    slot.power_on()

    whole_session(
        lambda command: ResponseAPDU.decode(slot.transmit(command.encode())), *world().plan()
    )

    slot.power_off()
    text = lines.getvalue()
    rows = [json.loads(line) for line in text.splitlines()]
    assert [row["n"] for row in rows] == list(range(1, 19))
    for secret in (PIN.octets(), CAN.octets(), RESIDENT_CODE.encode()):
        assert secret.hex() not in text
    assert rows[-1]["name"] == "READ BINARY [SM]"


def test_written_trace_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "trace"
    with path.open("w", encoding="utf-8") as file:
        writer = TraceWriter(file)
        writer.exchanged(bytes.fromhex("00b09c0000"), b"\x90\x00", 12)
        writer.exchanged(bytes.fromhex("00b09c0000"), None, 5)

    first, second = read_trace(path)

    assert (first.name, first.answer, first.took_us) == ("READ BINARY", "9000", 12)
    assert (second.number, second.answer) == (2, None)


def test_line_that_is_no_exchange_is_named(tmp_path: Path) -> None:
    path = tmp_path / "trace"
    path.write_text('{"n": 1}\n', encoding="utf-8")

    with pytest.raises(ParseError, match="line 1"):
        list(read_trace(path))
