"""What municipalities are called on paper, by code: with their prefecture, former ones too.

The code is what counts; whether an office works under it on a day is the center's question.
"""

from __future__ import annotations

import csv
import unicodedata
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from juki_client.outcome import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

_FILE: Final = "municipality_names.csv"
_WEIGHTS: Final = (6, 5, 4, 3, 2)


def name_of(code: str) -> str:
    """Return the full name of a municipality or a ward; the code itself where there is none.

    >>> name_of("112089")
    '埼玉県所沢市'
    """
    return _names().get(code, code)


def read_code(text: str, field: str) -> str:
    """Return the code of a municipality as it was typed, full width folded.

    Raises Problem USAGE_INVALID naming the field, where it is no code (JIS X 0402 with its check
    digit). Whether there is such a municipality is the center's question.

    >>> read_code("１１２０８９", "destination_code")
    '112089'
    """
    code = unicodedata.normalize("NFKC", text).strip()
    if len(code) != len(_WEIGHTS) + 1 or not (code.isascii() and code.isdecimal()):
        raise Problem("USAGE_INVALID", {"field": field, "rule": "112089"})
    weighed = sum(int(digit) * weight for digit, weight in zip(code, _WEIGHTS, strict=False))
    if int(code[-1]) != (11 - weighed % 11) % 10:
        raise Problem("USAGE_INVALID", {"field": field, "rule": "CHECK_DIGIT"})
    return code


@cache
def _names() -> Mapping[str, str]:
    text = files("juki_terminal").joinpath(_FILE).read_text(encoding="utf-8")
    return {row["code"]: row["name"] for row in csv.DictReader(text.splitlines())}
