"""What ships with the center: municipalities, affairs of the law, and invented residents."""

from __future__ import annotations

import csv
import tomllib
from importlib.resources import files


def municipality_rows() -> list[dict[str, str]]:
    """Return the rows of municipalities.csv, one for each period of a code.

    Their columns are code6, prefecture, name, kana, kind, valid_from and valid_to. An empty day is
    an open end: the office exists still, or existed before the resident-register network did, or
    nobody here is certain of the day.
    """
    return _rows("municipalities.csv")


def synthetic_rows(table: str) -> list[dict[str, str]]:
    """Return the rows of a table in synthetic/, from which residents are invented by number."""
    return _rows(f"synthetic/{table}.csv")


def affair_tables() -> list[dict[str, str]]:
    """Return the affair tables of affairs.toml: code, name_en, name_ja and basis."""
    text = files(__name__).joinpath("affairs.toml").read_text(encoding="utf-8")
    affairs: list[dict[str, str]] = tomllib.loads(text)["affair"]
    return affairs


def sample_households() -> list[dict[str, object]]:
    """Return the household tables of samples.toml."""
    text = files(__name__).joinpath("samples.toml").read_text(encoding="utf-8")
    households: list[dict[str, object]] = tomllib.loads(text)["household"]
    return households


def simulation_table() -> dict[str, object]:
    """Return the table of simulation.toml: how often things happen to residents in a year."""
    text = files(__name__).joinpath("simulation.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def _rows(path: str) -> list[dict[str, str]]:
    text = files(__name__).joinpath(path).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))
