"""A card's memory as a JSON file of mode 0600.

The file holds everything that a chip would hold, PIN and keys too: it is a card for development,
tests and demonstrations. A save is durable before it returns: written beside, synced, renamed, and
the directory synced.
"""

from __future__ import annotations

import json
import os
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from juki_card import ec
from juki_card.cvc import CVCertificate
from juki_card.errors import CardError
from juki_card.passwords import Can, Pin, TransportPin
from juki_card.virtual.memory import (
    PIN_TRIES,
    UNBLOCKINGS,
    Access,
    CardMemory,
    Directory,
    ElementaryFile,
    PinRecord,
    PinState,
)
from juki_cardbox.errors import CardExists, CardFileError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SCHEMA: Final = "juki-card"
VERSION: Final = 1
_MODE: Final = 0o600
_MOST_OCTETS: Final = 1 << 20


class CardFile:
    """One card file. Nothing is kept in memory between a load and a save."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def load(self) -> CardMemory:
        """Read the card; raise CardFileError, which names the field that is not as it should be."""
        try:
            text = self.path.read_bytes()[:_MOST_OCTETS]
            fields = json.loads(text)
        except OSError as error:
            raise CardFileError(self.path, error.strerror or "cannot be read") from error
        except (ValueError, RecursionError) as error:
            raise CardFileError(self.path, "is not JSON") from error
        try:
            return _decode(fields)
        except KeyError as error:
            raise CardFileError(self.path, f"field {error.args[0]} is missing") from error
        except (CardError, ValueError, TypeError, OverflowError) as error:
            raise CardFileError(self.path, f"a field is not what it should be: {error}") from error

    def create(self, memory: CardMemory) -> None:
        """Write a new card; raise CardExists, or CardFileError where the folder takes no file."""
        try:
            descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE)
        except FileExistsError:
            raise CardExists(self.path) from None
        except OSError as error:
            raise CardFileError(self.path, error.strerror or "cannot be made") from error
        os.close(descriptor)
        self.save(memory)

    def save(self, memory: CardMemory) -> None:
        """Replace the card's state; it is on the disk when this returns.

        Raises CardFileError where it cannot be written; the old state is there still.
        """
        octets = json.dumps(_encode(memory), indent=1).encode("ascii")
        try:
            self._replace(octets)
        except OSError as error:
            raise CardFileError(self.path, error.strerror or "cannot be written") from error

    def _replace(self, octets: bytes) -> None:
        beside = self.path.with_name(f".{self.path.name}.new")
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _MODE)
        with os.fdopen(descriptor, "wb") as file:
            file.write(octets)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self.path)
        self._sync_directory()

    def _sync_directory(self) -> None:
        descriptor = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _encode(memory: CardMemory) -> dict[str, object]:
    return {
        "schema": SCHEMA,
        "version": VERSION,
        "application": memory.application.hex(),
        "domain_parameters": ec.domain_of_key(memory.chip_key).parameter_id,
        "chip_key": f"{ec.Scalar.of_key(memory.chip_key).number:064x}",
        "chip_key_id": memory.chip_key_id,
        "today": memory.today.isoformat(),
        "trust_points": [anchor.encode().hex() for anchor in memory.trust_points],
        "can": _digits(memory.can),
        "pin_digits": memory.pin_digits,
        "suspends_last_try": memory.suspends_last_try,
        "pin": _encode_pin(memory.pin),
        "files": [_encode_file(file) for file in memory.files],
    }


def _encode_pin(pin: PinRecord) -> dict[str, object]:
    return {
        "state": pin.state.value,
        "value": None if pin.value is None else _digits(pin.value),
        "tries_left": pin.tries_left,
        "unblockings_left": pin.unblockings_left,
    }


def _encode_file(file: ElementaryFile) -> dict[str, object]:
    return {
        "directory": file.directory.value,
        "identifier": f"{file.identifier:04x}",
        "short_identifier": file.short_identifier,
        "access": file.access.value,
        "content": file.content.hex(),
    }


def _digits(password: Can | Pin | TransportPin) -> str:
    return password.octets().decode("ascii")


def _decode(fields: Mapping[str, Any]) -> CardMemory:  # the border: JSON has any type
    if (fields["schema"], fields["version"]) != (SCHEMA, VERSION):
        raise ValueError(f"schema is not {SCHEMA} {VERSION}")
    domain = ec.domain_of(fields["domain_parameters"])
    return CardMemory(
        application=bytes.fromhex(fields["application"]),
        files=tuple(_decode_file(file) for file in fields["files"]),
        chip_key=ec.Scalar(domain, int(fields["chip_key"], 16)).key(),
        chip_key_id=int(fields["chip_key_id"]),
        trust_points=tuple(
            CVCertificate.decode(bytes.fromhex(anchor)) for anchor in fields["trust_points"]
        ),
        today=date.fromisoformat(fields["today"]),
        pin=_decode_pin(fields["pin"]),
        can=Can(fields["can"]),
        pin_digits=int(fields["pin_digits"]),
        suspends_last_try=bool(fields["suspends_last_try"]),
    )


def _decode_pin(fields: Mapping[str, Any]) -> PinRecord:
    state, digits = PinState(fields["state"]), fields["value"]
    kind = Pin if state is PinState.OPERATIONAL else TransportPin
    value = None if digits is None else kind(digits)
    if value is None and state is PinState.OPERATIONAL:
        raise ValueError("pin: an operational PIN has a value")
    tries, unblockings = int(fields["tries_left"]), int(fields["unblockings_left"])
    if not (0 <= tries <= PIN_TRIES and 0 <= unblockings <= UNBLOCKINGS):
        raise ValueError("pin: a counter is out of range")
    return PinRecord(state, value, tries, unblockings)


def _decode_file(fields: Mapping[str, Any]) -> ElementaryFile:
    return ElementaryFile(
        Directory(fields["directory"]),
        int(fields["identifier"], 16),
        int(fields["short_identifier"]),
        Access(fields["access"]),
        bytes.fromhex(fields["content"]),
    )
