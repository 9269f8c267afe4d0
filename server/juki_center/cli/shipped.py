"""The tables that ship with the center, parsed once in a process: they never change while it runs.

A center that starts needs the municipalities in every third service.
"""

from __future__ import annotations

from functools import cache

from juki_center.areas.agencies.affairs import Affairs
from juki_center.areas.residents.municipalities import Municipalities
from juki_center.data import affair_tables, municipality_rows


@cache
def municipalities() -> Municipalities:
    """Return the municipalities of the country."""
    return Municipalities.parse(municipality_rows())


@cache
def affairs() -> Affairs:
    """Return the affairs for which agencies may be told of a person."""
    return Affairs.parse(affair_tables())
