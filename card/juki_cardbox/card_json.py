"""Memories as JSON objects: what a card file says, field by field.

Version 2 tells a card from a blank chip by `kind`; version 1 knew cards alone and is still read.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, Final, TypeVar

from juki_card import ec
from juki_card.blank import TrustContent
from juki_card.blank_key import BlankKey
from juki_card.cvc import CVCertificate
from juki_card.passwords import Can, Pin, TransportPin
from juki_card.virtual.blank_memory import BlankMemory
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

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from juki_card.virtual.turn import Memory

T = TypeVar("T")
SCHEMA: Final = "juki-card"
VERSION: Final = 2
_CARDS_ALONE: Final = 1
CARD: Final = "card"
BLANK: Final = "blank"


def encode(memory: Memory) -> dict[str, object]:
    """Return the object of a card or of a blank chip."""
    kind = BLANK if isinstance(memory, BlankMemory) else CARD
    fields = _blank(memory) if isinstance(memory, BlankMemory) else _card(memory)
    return {"schema": SCHEMA, "version": VERSION, "kind": kind, **fields}


def decode(fields: Mapping[str, Any]) -> Memory:  # the border: JSON has any type
    """Return what an object describes.

    Raises KeyError for a missing field, and CardError, ValueError, TypeError or OverflowError for
    one that is not what it should be.
    """
    schema, version = fields["schema"], fields["version"]
    if schema != SCHEMA or version not in (_CARDS_ALONE, VERSION):
        raise ValueError(f"schema is not {SCHEMA} {VERSION}")
    match CARD if version == _CARDS_ALONE else fields["kind"]:
        case "card":
            return _decode_card(fields)
        case "blank":
            return _decode_blank(fields)
        case _:
            raise ValueError("kind is neither card nor blank")


def _card(memory: CardMemory) -> dict[str, object]:
    return {
        "application": memory.application.hex(),
        "domain_parameters": ec.domain_of_key(memory.chip_key).parameter_id,
        "chip_key": _encode_key(memory.chip_key),
        "chip_key_id": memory.chip_key_id,
        "today": memory.today.isoformat(),
        "trust_points": [anchor.encode().hex() for anchor in memory.trust_points],
        "can": _digits(memory.can),
        "pin_digits": memory.pin_digits,
        "suspends_last_try": memory.suspends_last_try,
        "pin": _encode_pin(memory.pin),
        "files": [_encode_file(file) for file in memory.files],
    }


def _blank(memory: BlankMemory) -> dict[str, object]:
    trust = memory.trust
    return {
        "chip_serial": memory.chip_serial.hex(),
        "blank_key": memory.key.octets().hex(),
        "application": memory.application.hex(),
        "domain_parameters": memory.domain.parameter_id,
        "files": [_encode_file(file) for file in memory.files],
        "chip_key": None if memory.chip_key is None else _encode_key(memory.chip_key),
        "trust": None if trust is None else trust.encode().hex(),
        "dg1": None if memory.dg1 is None else memory.dg1.hex(),
        "card_security": None if memory.card_security is None else memory.card_security.hex(),
        "can": None if memory.can is None else _digits(memory.can),
        "transport_pin": None if memory.transport_pin is None else _digits(memory.transport_pin),
    }


def _encode_key(key: ec.PrivateKey) -> str:
    return f"{ec.Scalar.of_key(key).number:064x}"


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


def _decode_card(fields: Mapping[str, Any]) -> CardMemory:
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
        can=Can(_text(fields["can"])),
        pin_digits=int(fields["pin_digits"]),
        suspends_last_try=bool(fields["suspends_last_try"]),
    )


def _decode_blank(fields: Mapping[str, Any]) -> BlankMemory:
    domain = ec.domain_of(fields["domain_parameters"])
    return BlankMemory(
        chip_serial=bytes.fromhex(fields["chip_serial"]),
        key=BlankKey(bytes.fromhex(fields["blank_key"])),
        application=bytes.fromhex(fields["application"]),
        domain=domain,
        files=tuple(_decode_file(file) for file in fields["files"]),
        chip_key=_held(fields["chip_key"], lambda text: ec.Scalar(domain, int(text, 16)).key()),
        trust=_held(fields["trust"], lambda text: TrustContent.decode(bytes.fromhex(text))),
        dg1=_held(fields["dg1"], bytes.fromhex),
        card_security=_held(fields["card_security"], bytes.fromhex),
        can=_held(fields["can"], Can),
        transport_pin=_held(fields["transport_pin"], TransportPin),
    )


def _held(value: object, decoded: Callable[[str], T]) -> T | None:
    return None if value is None else decoded(_text(value))


def _text(value: object) -> str:
    """Return a text that a password is made of; JSON may have anything in its place."""
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value


def _decode_pin(fields: Mapping[str, Any]) -> PinRecord:
    state, digits = PinState(fields["state"]), fields["value"]
    kind = Pin if state is PinState.OPERATIONAL else TransportPin
    value = None if digits is None else kind(_text(digits))
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
