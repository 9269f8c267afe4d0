"""Facts that ship with the center: the country's municipalities."""

from __future__ import annotations

import csv
from importlib.resources import files


def municipality_rows() -> list[dict[str, str]]:
    """Return the rows of municipalities.csv: code6, prefecture, name, kana, kind."""
    text = files(__name__).joinpath("municipalities.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))
