"""What went over a card's contacts, one JSON object a line, without secrets.

Inside secure messaging everything is encrypted already. Outside of it only the commands that carry
a PIN in clear would show one; their data are masked, though no card of ours obeys them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Final

from juki_card import blank
from juki_card.apdu import CHAINING, CommandAPDU
from juki_card.errors import ParseError
from juki_card.secure_messaging import CLA_PROTECTED
from juki_card.virtual.orders import Order, order_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_PIN_INSTRUCTIONS: Final = (0x20, 0x24, 0x2C, blank.Instruction.PUT_CONTENT)
_HEADER_AND_LC: Final = 5
NAMES: Final = {
    Order.SELECT: "SELECT",
    Order.READ_BINARY: "READ BINARY",
    Order.SET_AT_PACE: "MSE:Set AT (PACE)",
    Order.SET_AT_TERMINAL: "MSE:Set AT (TA)",
    Order.SET_AT_CHIP: "MSE:Set AT (CA)",
    Order.SET_DST: "MSE:Set DST",
    Order.VERIFY_CERTIFICATE: "PSO: VERIFY CERTIFICATE",
    Order.STEP: "GENERAL AUTHENTICATE, more follows",
    Order.LAST_STEP: "GENERAL AUTHENTICATE",
    Order.GET_CHALLENGE: "GET CHALLENGE",
    Order.EXTERNAL_AUTHENTICATE: "EXTERNAL AUTHENTICATE",
    Order.CHANGE_PIN: "RESET RETRY COUNTER, new PIN",
    Order.UNBLOCK_PIN: "RESET RETRY COUNTER",
    Order.PIN_TO_TRANSPORT: "PIN-TO-TRANSPORT",
}
BLANK_NAMES: Final = {
    instruction: f"{instruction.name.replace('_', ' ')} (blank)"
    for instruction in blank.Instruction
}


@dataclass(frozen=True, slots=True)
class Exchange:
    """One line of a trace; `answer` is None where the power went before it."""

    number: int
    name: str
    command: str
    answer: str | None
    took_us: int


class TraceWriter:
    """An observer of a slot that writes each exchange as it happens."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file
        self._number = 0

    def exchanged(self, command: bytes, answer: bytes | None, took_us: int) -> None:
        """Write one line."""
        self._number += 1
        line = {
            "n": self._number,
            "name": name_of(command),
            "command": masked(command),
            "answer": None if answer is None else answer.hex(),
            "took_us": took_us,
        }
        self._file.write(json.dumps(line) + "\n")
        self._file.flush()


def read_trace(path: Path) -> Iterator[Exchange]:
    """Yield the exchanges of a trace file; raise ParseError for a line that is none."""
    with path.open(encoding="utf-8") as lines:
        for count, line in enumerate(lines, start=1):
            try:
                found = json.loads(line)
                yield Exchange(
                    int(found["n"]),
                    str(found["name"]),
                    str(found["command"]),
                    None if found["answer"] is None else str(found["answer"]),
                    int(found["took_us"]),
                )
            except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
                raise ParseError(f"trace: line {count} is no exchange") from error


def name_of(command: bytes) -> str:
    """Return a command's name in the norm, and whether it is protected or part of a chain."""
    try:
        apdu = CommandAPDU.decode(command)
    except ParseError:
        return "not a command APDU"
    protected = apdu.cla & CLA_PROTECTED == CLA_PROTECTED
    plain = CommandAPDU(apdu.cla & ~CLA_PROTECTED, apdu.ins, apdu.p1, apdu.p2)
    name = NAMES.get(order_of(plain)) or _blank_name(plain)
    if name is None and plain.cla & CHAINING:
        whole = CommandAPDU(plain.cla & ~CHAINING, apdu.ins, apdu.p1, apdu.p2)
        whole_name = NAMES.get(order_of(whole)) or _blank_name(whole)
        name = (whole_name or f"INS {apdu.ins:02X}") + ", part"
    return (name or f"INS {apdu.ins:02X}") + (" [SM]" if protected else "")


def masked(command: bytes) -> str:
    """Return a command in hex; a PIN in clear shows as asterisks."""
    if len(command) <= _HEADER_AND_LC or command[0] & CLA_PROTECTED == CLA_PROTECTED:
        return command.hex()
    if command[1] not in _PIN_INSTRUCTIONS:
        return command.hex()
    return command[:_HEADER_AND_LC].hex() + "**" * (len(command) - _HEADER_AND_LC)


def _blank_name(command: CommandAPDU) -> str | None:
    if command.cla != blank.CLA or command.ins not in set(blank.Instruction):
        return None
    return BLANK_NAMES[blank.Instruction(command.ins)]
