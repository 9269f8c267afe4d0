"""SELECT and READ BINARY, with the rights of each file (ISO/IEC 7816-4, 11.1 and 11.2).

A refusal here keeps the session: stock clients probe for applications and read up to the end.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from juki_card.apdu import EXTENDED_NE, SHORT_NE, SW, ResponseAPDU
from juki_card.chat import Right
from juki_card.passwords import PasswordReference
from juki_card.virtual.memory import Access, Directory
from juki_card.virtual.session import ChipDone, ChipKeyNamed, TerminalDone
from juki_card.virtual.turn import Refused, Transition

if TYPE_CHECKING:
    from juki_card.virtual.memory import CardMemory, ElementaryFile
    from juki_card.virtual.session import Stage
    from juki_card.virtual.turn import Turn

MASTER_FILE: Final = b"\x3f\x00"
_NO_FCI: Final = 0x0C
_SHORT_IDENTIFIER: Final = 0x80
_SHORT_IDENTIFIER_MASK: Final = 0x1F
_RESERVED_BITS: Final = 0x60


def select(turn: Turn) -> Transition:
    """Select the MF, an application by its full name, or an EF; no FCI is given."""
    turn.expects_no_answer_data()
    command = turn.command
    if command.p2 != _NO_FCI:
        return turn.answer(sw=SW.WRONG_P1P2)
    match command.p1:
        case 0x00 if command.data in (b"", MASTER_FILE):
            return _at(turn, Directory.MASTER_FILE)
        case 0x00 | 0x02:
            return _select_file(turn)
        case 0x04 if command.data == turn.memory.application:
            return _at(turn, Directory.APPLICATION)
        case 0x04:
            return turn.answer(sw=SW.FILE_NOT_FOUND)
        case _:
            return turn.answer(sw=SW.WRONG_P1P2)


def read_binary(turn: Turn) -> Transition:
    """Read the current file from a 15-bit offset, or a file by its short identifier."""
    turn.expects_no_data()
    turn.expects_answer_data()
    p1, p2 = turn.command.p1, turn.command.p2
    if not p1 & _SHORT_IDENTIFIER:
        wanted = find(turn.memory, turn.session.directory, identifier=turn.session.file)
        return _read(turn, wanted, p1 << 8 | p2)
    if p1 & _RESERVED_BITS:
        return turn.answer(sw=SW.WRONG_P1P2)
    short = p1 & _SHORT_IDENTIFIER_MASK
    return _read(turn, find(turn.memory, turn.session.directory, short=short), p2)


def find(
    memory: CardMemory,
    directory: Directory,
    *,
    identifier: int | None = None,
    short: int | None = None,
) -> ElementaryFile | None:
    """Return the file of a directory with this identifier or short identifier, if there is one."""
    for candidate in memory.files:
        if candidate.directory is directory and (
            identifier == candidate.identifier or short == candidate.short_identifier
        ):
            return candidate
    return None


def may_read(file: ElementaryFile, stage: Stage) -> bool:
    """Say whether a session at `stage` has the right to read the file."""
    match file.access:
        case Access.ALWAYS:
            return True
        case Access.TERMINAL:
            return isinstance(stage, TerminalDone | ChipKeyNamed | ChipDone)
        case Access.READ_DG1:
            return isinstance(stage, ChipDone) and _may_read_dg1(stage.terminal)


def _may_read_dg1(terminal: TerminalDone) -> bool:
    # The right alone is not enough: only the PIN shows that the holder wants it.
    return (
        terminal.rights.allows(Right.READ_DG1) and terminal.facts.reference is PasswordReference.PIN
    )


def _at(turn: Turn, directory: Directory) -> Transition:
    session = replace(turn.session, directory=directory, file=None)
    return Transition(turn.memory, session, ResponseAPDU(b"", SW.OK))


def _select_file(turn: Turn) -> Transition:
    if len(turn.command.data) != len(MASTER_FILE):
        raise Refused(SW.WRONG_LENGTH)
    identifier = int.from_bytes(turn.command.data, "big")
    if find(turn.memory, turn.session.directory, identifier=identifier) is None:
        return turn.answer(sw=SW.FILE_NOT_FOUND)
    session = replace(turn.session, file=identifier)
    return Transition(turn.memory, session, ResponseAPDU(b"", SW.OK))


def _read(turn: Turn, file: ElementaryFile | None, offset: int) -> Transition:
    if file is None:
        return turn.answer(sw=SW.FILE_NOT_FOUND)
    if not may_read(file, turn.session.stage):
        return turn.answer(sw=SW.SECURITY_NOT_SATISFIED)
    if offset >= len(file.content):
        return turn.answer(sw=SW.WRONG_OFFSET)
    session = replace(turn.session, file=file.identifier)
    data = file.content[offset : offset + min(turn.command.ne, turn.room)]
    return Transition(turn.memory, session, ResponseAPDU(data, _status(turn, data, file, offset)))


def _status(turn: Turn, data: bytes, file: ElementaryFile, offset: int) -> int:
    """Warn where the file ended before an exact Le did; Le 00 means as much as there is."""
    ended = offset + len(data) == len(file.content) and len(data) < turn.command.ne
    return SW.END_OF_FILE if ended and turn.command.ne not in (SHORT_NE, EXTENDED_NE) else SW.OK
