"""Invented residents in portions, each of which is made without the others.

The first portions are originals, from the generator of `juki-center residents generate`. Later ones
are the same households once more, each turn with codes of its own and births a day earlier: a
person is found by name and birth date as rarely as in a register in which nobody is repeated, and
costs a tenth of a new one to make. The same seed gives the same people, in the same portions.
"""

from __future__ import annotations

import random  # noqa: TID251  # invented people must be the same for the same seed
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import lru_cache
from itertools import count, islice
from typing import Final

from juki_center.areas.residents.civil_date_texts import parse_date
from juki_center.areas.residents.civil_dates import CivilDate, Precision
from juki_center.areas.residents.codes import (
    MunicipalityCode,
    ResidentCode,
    is_issuable,
    resident_check_digit,
)
from juki_center.areas.residents.register_file import COLUMNS, Layout, parse_update
from juki_center.areas.residents.rules import CheckedRecord
from juki_center.areas.residents.synthetic import Synthesis
from juki_center.areas.residents.synthetic_codes import permuted
from juki_center.areas.residents.synthetic_dates import era_text, gregorian_text
from juki_center.areas.residents.synthetic_places import Country, Places
from juki_center.areas.residents.updates import Update
from juki_center.cli import shipped
from juki_center.data import synthetic_rows

PORTION: Final = 10_000
"""So many residents are made, and committed, together, unless a register says otherwise."""
ORIGINALS: Final = 4
"""So many portions are invented; the next ones are the same households again."""
_AS_OF: Final = date(2026, 4, 1)
_KEYS_OF_CODES: Final = 4
_LAYOUT: Final = Layout(COLUMNS)


@dataclass(frozen=True, slots=True)
class Register:
    """Which residents: how many, by which seed, and how many are made together."""

    count: int
    seed: int = 1
    together: int = PORTION

    @property
    def portions(self) -> int:
        """How many portions they are."""
        return -(-self.count // self.together)

    def size(self, portion: int) -> int:
        """Return how many residents a portion has; the last one may have fewer."""
        return min(self.together, self.count - portion * self.together)


def municipalities() -> list[MunicipalityCode]:
    """Return the municipalities in which invented residents live."""
    return [MunicipalityCode(row["code6"]) for row in synthetic_rows("municipalities")]


def portion(register: Register, number: int) -> list[Update]:
    """Return the residents of a portion as first versions of their records, checked."""
    turn, original = divmod(number, ORIGINALS)
    invented = _original(register.seed, original, register.size(original))
    people = islice(invented, register.size(number))
    # One body in eleven has no check digit; with this many to choose from a portion has enough.
    codes = _codes(register.seed, 1 + number * 2 * register.together)
    return [_again(one, next(codes), number, turn) for one in people]


def spread(register: Register, wanted: int, *, portions: int = 20) -> Iterator[Update]:
    """Give so many residents, evenly from some of the portions: who may be asked for."""
    chosen = range(0, register.portions, max(1, register.portions // portions))
    each = -(-wanted // len(chosen))
    found = (
        one
        for number in chosen
        for one in islice(portion(register, number), 0, None, max(1, register.size(number) // each))
    )
    return islice(found, wanted)


def _again(one: Update, code: ResidentCode, number: int, turn: int) -> Update:
    """Return a resident of the originals with another code, in a household of this portion."""
    record = replace(one.record, code=code, birth=_earlier(one.record.birth, turn))
    # Nothing else was changed of what has been checked.
    household = f"{number}-{one.household_number}"
    return replace(one, household_number=household, record=CheckedRecord(record))


@lru_cache(maxsize=ORIGINALS)
def _original(seed: int, number: int, size: int) -> tuple[Update, ...]:
    draws = random.Random(f"{seed}:{number}")  # noqa: S311  # nothing here is to be secret
    places = Places(synthetic_rows, Country(shipped.municipalities(), _AS_OF))
    lines = Synthesis(synthetic_rows, places, draws, _AS_OF).lines(size)
    return tuple(
        parse_update(_LAYOUT, ",".join(line.get(column, "") for column in COLUMNS))
        for line in lines
    )


def _codes(seed: int, first: int) -> Iterator[ResidentCode]:
    """Give codes from a body on: the bodies are numbered, in an order that the seed chooses."""
    draws = random.Random(f"codes:{seed}")  # noqa: S311  # nothing here is to be secret
    keys = [draws.getrandbits(64) for _ in range(_KEYS_OF_CODES)]
    for index in count(first):
        body = f"{permuted(index, keys):010d}"
        code = ResidentCode(body + resident_check_digit(body))
        if is_issuable(code):
            yield code


@lru_cache(maxsize=1 << 17)
def _earlier(birth: CivilDate, days: int) -> CivilDate:
    """Return a birth so many days earlier; one that is not known to the day stays."""
    if birth.precision is not Precision.DAY or birth.is_lunisolar or birth.original_text:
        return birth
    day = date.fromisoformat(str(birth.sort_from)) - timedelta(days=days)
    return parse_date(gregorian_text(day) if birth.era is None else era_text(day))
