"""A trace of a terminal's traffic for engineers: APDUs at the reader, messages to the center.

APDUs are written as they pass the reader, so what secure messaging protects stays protected. Of a
message only its form is written: no personal field, and of bytes nothing but their number, because
EF.CardSecurity is an identifier for life. A PIN is in neither: it never becomes an APDU in clear.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from google.protobuf.message import Message

from juki_client.outcome import JSON, Problem
from jukinet.options.v1 import options_pb2

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

    from google.protobuf.descriptor import FieldDescriptor

    from juki_terminal.reader import Reader

_HEADER: Final = 4
_PIN_COMMANDS: Final = frozenset((0x20, 0x24, 0x2C))
_PROTECTED: Final = 0x0C


class Trace:
    """A file of JSON lines, readable for its owner only; times are seconds from its beginning."""

    def __init__(self, path: Path) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
        try:
            descriptor = os.open(path, flags, 0o600)
            # A file that was there keeps its mode otherwise.
            os.fchmod(descriptor, 0o600)
            self._file: BinaryIO = os.fdopen(descriptor, "wb", buffering=0)
        except OSError as error:
            raise Problem("USAGE_INVALID", {"field": "trace"}) from error
        self._begin = time.monotonic()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def apdu(self, direction: str, octets: bytes) -> None:
        """Write a command (`>`) or an answer (`<`) as it passes the reader."""
        self._write({"apdu": direction, "hex": _shown(octets).hex()})

    def message(self, direction: str, message: Message) -> None:
        """Write the form of a message to (`>`) or from (`<`) the center."""
        self._write({"message": direction, "type": message.DESCRIPTOR.name, "form": form(message)})

    def event(self, text: str) -> None:
        """Write what happened, such as the reason that ended a call."""
        self._write({"event": text})

    def _write(self, fields: dict[str, JSON]) -> None:
        at = round(time.monotonic() - self._begin, 4)
        line = json.dumps({"t": str(at), **fields}, ensure_ascii=False)
        self._file.write(line.encode("utf-8") + b"\n")


def _shown(octets: bytes) -> bytes:
    """Cut a command that could carry a PIN in clear to its header; we never send such a one."""
    is_plain = len(octets) > _HEADER and octets[0] & _PROTECTED != _PROTECTED
    return octets[:_HEADER] if is_plain and octets[1] in _PIN_COMMANDS else octets


def form(message: Message) -> dict[str, JSON]:
    """Return what may be shown of a message: names, numbers, enum values, lengths."""
    return {field.name: _field(field, value) for field, value in message.ListFields()}


def _field(field: FieldDescriptor, value: object) -> JSON:
    if field.GetOptions().Extensions[options_pb2.personal]:
        return "(personal)"
    if isinstance(value, Sequence) and not isinstance(value, bytes | str):
        return [_value(field, item) for item in value]
    return _value(field, value)


def _value(field: FieldDescriptor, value: object) -> JSON:
    match value:
        case Message():
            return form(value)
        case bytes():
            return f"({len(value)} bytes)"
        case bool() | str():
            return value
        case int() if field.enum_type is not None:
            # A newer center may send a value that this version has no name for.
            known = field.enum_type.values_by_number.get(value)
            return known.name if known is not None else value
        case int():
            return value
        case _:
            return f"({type(value).__name__})"


class TracedReader:
    """A reader whose traffic is written to a trace."""

    def __init__(self, reader: Reader, trace: Trace) -> None:
        self._reader = reader
        self._trace = trace

    @property
    def name(self) -> str:
        """The address of the reader."""
        return self._reader.name

    def connect(self, wait_seconds: float) -> bytes:
        """Connect, and write the answer to reset."""
        atr = self._reader.connect(wait_seconds)
        self._trace.event(f"card in {self.name}, ATR {atr.hex()}")
        return atr

    def transmit(self, command: bytes) -> bytes:
        """Exchange one APDU, and write both."""
        self._trace.apdu(">", command)
        answer = self._reader.transmit(command)
        self._trace.apdu("<", answer)
        return answer

    def close(self) -> None:
        """Let the reader go."""
        self._trace.event("card let go")
        self._reader.close()
