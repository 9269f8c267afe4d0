"""The first answers of acts on moves as octets (CBOR), and back, by the types of the records."""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import cache
from typing import TYPE_CHECKING, TypeVar

from juki_center.areas.cards.numbers import PrintedNumber

if TYPE_CHECKING:
    from cattrs.preconf.cbor2 import Cbor2Converter

Answer = TypeVar("Answer")


def encode_answer(answer: object) -> bytes:
    """Encode a record of this area's answers."""
    return _converter().dumps(answer)


def decode_answer(octets: bytes, kind: type[Answer]) -> Answer:
    """Decode what `encode_answer` has made of a record of this kind."""
    return _converter().loads(octets, kind)


@cache
def _converter() -> Cbor2Converter:
    # It takes a tenth of a second to load, for which no command without moves is to wait.
    from cattrs.preconf.cbor2 import make_converter  # noqa: PLC0415

    # Keys of sealed octets say nothing to anybody, and defaults of today may be others tomorrow:
    # every field is written.
    converter = make_converter(detailed_validation=False)
    converter.register_unstructure_hook(date, lambda day: day.isoformat())
    converter.register_structure_hook(date, lambda text, _: date.fromisoformat(text))
    converter.register_unstructure_hook(datetime, lambda moment: moment.isoformat())
    converter.register_structure_hook(
        datetime, lambda text, _: datetime.fromisoformat(text).astimezone(UTC)
    )
    converter.register_structure_hook_func(
        lambda kind: isinstance(kind, type) and issubclass(kind, PrintedNumber),
        lambda text, kind: kind(text),
    )
    return converter
