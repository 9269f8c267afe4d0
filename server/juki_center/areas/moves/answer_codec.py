"""The first answers of acts on moves as octets (CBOR), and back, by the types of the records."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TypeVar

from cattrs.preconf.cbor2 import make_converter

from juki_center.areas.cards.numbers import PrintedNumber

Answer = TypeVar("Answer")

# Keys of sealed octets say nothing to anybody, and defaults of today may be others tomorrow: every
# field is written.
_CONVERTER = make_converter(detailed_validation=False)
_CONVERTER.register_unstructure_hook(date, lambda day: day.isoformat())
_CONVERTER.register_structure_hook(date, lambda text, _: date.fromisoformat(text))
_CONVERTER.register_unstructure_hook(datetime, lambda moment: moment.isoformat())
_CONVERTER.register_structure_hook(
    datetime, lambda text, _: datetime.fromisoformat(text).astimezone(UTC)
)
_CONVERTER.register_structure_hook_func(
    lambda kind: isinstance(kind, type) and issubclass(kind, PrintedNumber),
    lambda text, kind: kind(text),
)


def encode_answer(answer: object) -> bytes:
    """Encode a record of this area's answers."""
    octets: bytes = _CONVERTER.dumps(answer)
    return octets


def decode_answer(octets: bytes, kind: type[Answer]) -> Answer:
    """Decode what `encode_answer` has made of a record of this kind."""
    return _CONVERTER.loads(octets, kind)
