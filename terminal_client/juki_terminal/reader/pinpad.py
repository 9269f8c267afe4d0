"""Readers with a keypad of their own, as PC/SC part 10 (version 2.02.09) describes them.

An interface for reader drivers: features are found by their control codes, structures are packed,
outcomes are told apart. A PIN that is entered at the reader never reaches this process. How such a
reader takes part in a card session is not here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Final

from juki_card.apdu import tries_left
from juki_card.errors import ParseError, PinWrong
from juki_client.outcome import Problem

if TYPE_CHECKING:
    from collections.abc import Callable

GET_FEATURE_REQUEST: Final = 0x4200_0000 + 3400
"""CM_IOCTL_GET_FEATURE_REQUEST as pcsc-lite numbers control codes (part 10, 2.2)."""
_FEATURE_SIZE: Final = 6
_PIN_PROPERTIES_SIZE: Final = 4
_TIMEOUT: Final = 0x6400
_CANCELLED: Final = 0x6401
_MISMATCH: Final = 0x6402
_LENGTH: Final = 0x6403
_NOT_ENTERED: Final[Mapping[int, str]] = {
    _TIMEOUT: "timeout",
    _CANCELLED: "cancelled",
    _MISMATCH: "the two entries differ",
    _LENGTH: "too short or too long",
}
"""Outcomes of the keypad itself (part 10, 2.5.2 and 2.5.3). The card has counted nothing."""
_PACE_NOT_ENTERED: Final[Mapping[int, str]] = {0xF020_0001: "cancelled", 0xF020_0002: "timeout"}
_PACE_TOKEN_REFUSED: Final = 0xF006
"""High half of a result whose low half is the card's word to the last step (BSI TR-03119)."""


class Feature(IntEnum):
    """Features of a reader by their tags (part 10, 2.3)."""

    VERIFY_PIN_DIRECT = 0x06
    MODIFY_PIN_DIRECT = 0x07
    IFD_PIN_PROPERTIES = 0x0A
    GET_TLV_PROPERTIES = 0x12
    EXECUTE_PACE = 0x20


class PACEFunction(IntEnum):
    """Functions of EXECUTE_PACE (part 10, 2.6.16)."""

    GET_READER_CAPABILITIES = 1
    ESTABLISH_CHANNEL = 2
    DESTROY_CHANNEL = 3


@dataclass(frozen=True, slots=True)
class PinProperties:
    """What the keypad is like: display in characters and lines, which keys end an entry."""

    display_characters: int
    display_lines: int
    entry_validation: int
    timeout_seconds: int


@dataclass(frozen=True, slots=True)
class PinFormat:
    """How the keypad puts a PIN into a command: ASCII digits, left justified, nothing padded.

    `offset` counts from the end of the command's header and Lc.
    """

    least: int = 4
    most: int = 4
    offset: int = 0
    timeout_seconds: int = 30


@dataclass(frozen=True, slots=True)
class ReaderPACE:
    """A channel that the reader opened by itself; it wraps every later command.

    `select_status` is the card's word to MSE:Set AT, `trust_point` the CAR that it named.
    """

    select_status: int
    card_access: bytes
    trust_point: str
    older_trust_point: str
    id_picc: bytes


class PinPad:
    """A reader's keypad behind `control(code, data)`, which sends a control command to it."""

    def __init__(self, control: Callable[[int, bytes], bytes]) -> None:
        self._control = control
        self.features = parse_features(control(GET_FEATURE_REQUEST, b""))

    def properties(self) -> PinProperties:
        """Ask what the keypad is like (IFD_PIN_PROPERTIES)."""
        answer = self._ask(Feature.IFD_PIN_PROPERTIES, b"")
        if len(answer) < _PIN_PROPERTIES_SIZE:
            raise ParseError("PIN properties: too short")
        return PinProperties(answer[0], answer[1], answer[2], answer[3])

    def tlv_properties(self) -> Mapping[int, bytes]:
        """Ask for the reader's properties by their tags (GET_TLV_PROPERTIES)."""
        return parse_properties(self._ask(Feature.GET_TLV_PROPERTIES, b""))

    def verify(self, command: bytes, pin: PinFormat) -> bytes:
        """Let the holder enter a PIN and the reader send it; return the card's answer.

        Raises Problem PIN_NOT_ENTERED for what happened at the keypad.
        """
        answer = self._ask(Feature.VERIFY_PIN_DIRECT, verify_structure(command, pin))
        return _entered(answer)

    def modify(self, command: bytes, pin: PinFormat) -> bytes:
        """Let the holder enter a new PIN twice; return the card's answer, as `verify` does."""
        answer = self._ask(Feature.MODIFY_PIN_DIRECT, modify_structure(command, pin))
        return _entered(answer)

    def establish_pace(self, password: int, chat: bytes, description: bytes) -> ReaderPACE:
        """Let the reader ask for the password and run PACE by itself (EXECUTE_PACE).

        `chat` is the whole object with tag 7F4C, `description` DER. Raises Problem
        PIN_NOT_ENTERED for what happened at the keypad, PinWrong where the card said so in the
        last step of PACE, Problem CARD_REFUSED with the reader's word else.
        """
        data = pace_input(password, chat, description)
        body = _pace_body(PACEFunction.ESTABLISH_CHANNEL, data)
        return parse_pace(self._ask(Feature.EXECUTE_PACE, body))

    def destroy_pace(self) -> None:
        """Close the channel that the reader opened."""
        _pace_output(self._ask(Feature.EXECUTE_PACE, _pace_body(PACEFunction.DESTROY_CHANNEL, b"")))

    def _ask(self, feature: Feature, data: bytes) -> bytes:
        code = self.features.get(feature)
        if code is None:
            raise Problem("READER_FAILED", {"feature": feature.name})
        return self._control(code, data)


def parse_features(octets: bytes) -> Mapping[Feature, int]:
    """Parse tag, length 4, control code big endian (part 10, 2.2); unknown features are left out.

    Raises ParseError.
    """
    features: dict[Feature, int] = {}
    for start in range(0, len(octets), _FEATURE_SIZE):
        entry = octets[start : start + _FEATURE_SIZE]
        if len(entry) != _FEATURE_SIZE or entry[1] != 4:
            raise ParseError("reader features: not tag, length 4, control code")
        if entry[0] in set(Feature):
            features[Feature(entry[0])] = int.from_bytes(entry[2:], "big")
    return features


def parse_properties(octets: bytes) -> Mapping[int, bytes]:
    """Parse tag, length, value, one octet each for tag and length; raise ParseError."""
    found: dict[int, bytes] = {}
    while octets:
        length = octets[1] if len(octets) > 1 else 0
        if len(octets) < 2 + length:
            raise ParseError("reader properties: cut off")
        found[octets[0]] = octets[2 : 2 + length]
        octets = octets[2 + length :]
    return found


def verify_structure(command: bytes, pin: PinFormat) -> bytes:
    """Pack PIN_VERIFY (part 10, 2.5.2); lengths and languages are little endian."""
    return _head(pin) + _entry(pin) + _messages(1) + _command(command)


def modify_structure(command: bytes, pin: PinFormat) -> bytes:
    """Pack PIN_MODIFY (part 10, 2.5.3) for a new PIN entered twice, without the old one."""
    offsets = bytes((0, pin.offset))
    confirm_new = b"\x01"
    return (
        _head(pin) + offsets + _entry(pin, confirm=confirm_new) + _messages(2) + _command(command)
    )


def _head(pin: PinFormat) -> bytes:
    """Timeouts, format (units of octets, offset, left justified, ASCII), block, no length field."""
    ascii_left = 0x82 | pin.offset << 3
    return bytes((pin.timeout_seconds, 0, ascii_left, 0x00, 0x00))


def _entry(pin: PinFormat, confirm: bytes = b"") -> bytes:
    """Least and most digits, what is confirmed, and that the OK key ends the entry."""
    return bytes((pin.most, pin.least)) + confirm + b"\x02"


def _messages(count: int) -> bytes:
    """Number of messages, language Japanese (0411), their indices, no T=1 prologue."""
    indices = bytes(range(count)) if count == 1 else bytes(range(count)) + b"\x00"
    return bytes((count,)) + (0x0411).to_bytes(2, "little") + indices + bytes(3)


def _command(command: bytes) -> bytes:
    return len(command).to_bytes(4, "little") + command


def _entered(answer: bytes) -> bytes:
    status = int.from_bytes(answer[-2:], "big")
    if len(answer) < 2:
        raise Problem("READER_FAILED", {"feature": "keypad"})
    if len(answer) == 2 and status in _NOT_ENTERED:
        raise Problem("PIN_NOT_ENTERED", {"cause": _NOT_ENTERED[status]})
    return answer


def pace_input(password: int, chat: bytes, description: bytes) -> bytes:
    """Pack the input of ESTABLISH_CHANNEL; the password is asked at the keypad (2.6.16)."""
    no_password = b"\x00"
    return (
        bytes((password, len(chat)))
        + chat
        + no_password
        + len(description).to_bytes(2, "little")
        + description
    )


def _pace_body(function: PACEFunction, data: bytes) -> bytes:
    return bytes((function,)) + len(data).to_bytes(2, "little") + data


def _pace_output(octets: bytes) -> bytes:
    """Return the data of an answer of EXECUTE_PACE, whose result must be good."""
    if len(octets) < 6 or len(octets) != 6 + int.from_bytes(octets[4:6], "little"):
        raise ParseError("EXECUTE_PACE: the length does not fit")
    result = int.from_bytes(octets[:4], "little")
    if cause := _PACE_NOT_ENTERED.get(result):
        raise Problem("PIN_NOT_ENTERED", {"cause": cause})
    left = tries_left(result & 0xFFFF)
    if result >> 16 == _PACE_TOKEN_REFUSED and left is not None:
        raise PinWrong(left)
    if result:
        raise Problem("CARD_REFUSED", {"command": "EXECUTE_PACE", "result": f"{result:08X}"})
    return octets[6:]


def parse_pace(octets: bytes) -> ReaderPACE:
    """Parse the answer of ESTABLISH_CHANNEL; raise ParseError or Problem (see `PinPad`)."""
    data = _pace_output(octets)
    status, rest = data[:2], data[2:]
    card_access, rest = _take(rest, 2)
    trust_point, rest = _take(rest, 1)
    older, rest = _take(rest, 1)
    id_picc, rest = _take(rest, 2)
    if rest:
        raise ParseError("EXECUTE_PACE: more than it should hold")
    return ReaderPACE(
        select_status=int.from_bytes(status, "big"),
        card_access=card_access,
        trust_point=trust_point.decode("iso-8859-1"),
        older_trust_point=older.decode("iso-8859-1"),
        id_picc=id_picc,
    )


def _take(octets: bytes, size: int) -> tuple[bytes, bytes]:
    """Take a value with its length before it, little endian in `size` octets."""
    end = size + int.from_bytes(octets[:size], "little")
    if len(octets) < size or len(octets) < end:
        raise ParseError("EXECUTE_PACE: cut off")
    return octets[size:end], octets[end:]
