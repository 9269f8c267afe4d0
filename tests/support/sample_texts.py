"""The personal texts of the sample residents, to be searched for where they must not be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

from tests.support.center import SAMPLES

_SECRET_ENTRIES = {
    "name",
    "kana",
    "alias",
    "address",
    "building",
    "previous_address",
    "registered_domicile",
    "family_register_head",
}
_LEAST_OCTETS = 6


def searched(*more: str) -> set[str]:
    """Return all that identifies a sample resident, and `more`, whole and in its parts.

    What is too short to mean anything by chance is left out: one kanji, two kana.
    """
    texts = {*more, *_texts()}
    return {text for text in texts if len(text.encode("utf-8")) >= _LEAST_OCTETS}


def _texts() -> Iterator[str]:
    for sample in SAMPLES.values():
        yield sample.record.code.digits
        yield sample.record.birth.paper_text
        for field in fields(sample.record):
            if field.name in _SECRET_ENTRIES:
                text = str(getattr(sample.record, field.name))
                yield from {text, *text.split("\u3000")} - {""}
