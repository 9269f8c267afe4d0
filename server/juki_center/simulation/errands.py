"""What people come to the windows for: the plan's side of each act, by the plan's own numbers.

A person is named by the number that the plan gave them, a move by the number of its course. What
the plan foresees to be refused says so; every other refusal is a finding.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import ClassVar

from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.areas.residents.records import Sex
from juki_center.errors import Reason


class Column(StrEnum):
    """The columns of the table by week."""

    MOVES_OUT = "moves out"
    MOVES_IN = "moves in"
    WITHIN = "within"
    BIRTHS = "births"
    DEATHS = "deaths"
    CARDS = "cards"
    COPIES = "copies"


@dataclass(frozen=True, slots=True)
class Errand:
    """One visit, or one letter: when, and at the windows of which municipality.

    `foreseen` is the reason for which the plan expects it to be refused.
    """

    column: ClassVar[Column]

    at: datetime
    office: MunicipalityCode
    foreseen: Reason | None


@dataclass(frozen=True, slots=True)
class Birth(Errand):
    """A child is entered into the household of a parent."""

    column = Column.BIRTHS

    child: int
    parent: int
    born_on: date
    sex: Sex


@dataclass(frozen=True, slots=True)
class Death(Errand):
    """A death is notified."""

    column = Column.DEATHS

    person: int
    died_on: date


@dataclass(frozen=True, slots=True)
class Copy(Errand):
    """A copy is asked for away from the residence, by card or by photo document."""

    column = Column.COPIES

    person: int
    by_card: bool
    of_household: bool
    is_confirmed: bool


@dataclass(frozen=True, slots=True)
class Apply(Errand):
    """A card is applied for: issued on the same day, or answered by a letter."""

    column = Column.CARDS

    person: int
    by_letter: bool


@dataclass(frozen=True, slots=True)
class Collect(Errand):
    """The reply to the letter is brought, and the card taken away."""

    column = Column.CARDS

    person: int


@dataclass(frozen=True, slots=True)
class Lose(Errand):
    """A card is reported lost."""

    column = Column.CARDS

    person: int


@dataclass(frozen=True, slots=True)
class Resume(Errand):
    """A lost card was found, and its holder comes with it."""

    column = Column.CARDS

    person: int


@dataclass(frozen=True, slots=True)
class Reissue(Errand):
    """A card is applied for in place of the lost one, made and handed over."""

    column = Column.CARDS

    person: int
