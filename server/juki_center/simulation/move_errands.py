"""What people come for when they move; `move` is the number of the move's course in the plan."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.simulation.errands import Column, Errand


@dataclass(frozen=True, slots=True)
class FileMove(Errand):
    """A move-out notice; `destination` None is abroad."""

    column = Column.MOVES_OUT

    move: int
    persons: tuple[int, ...]
    destination: MunicipalityCode | None
    planned_on: date
    by_card: bool
    by_post: bool


@dataclass(frozen=True, slots=True)
class ChangeMove(Errand):
    """The same notice for another day."""

    column = Column.MOVES_OUT

    move: int
    persons: tuple[int, ...]
    destination: MunicipalityCode
    planned_on: date


@dataclass(frozen=True, slots=True)
class WithdrawMove(Errand):
    """A notice is taken back: everybody stays."""

    column = Column.MOVES_OUT

    move: int


@dataclass(frozen=True, slots=True)
class FetchPaper(Errand):
    """A certificate of moving out: in place of the card, or again."""

    column = Column.MOVES_OUT

    move: int
    gives_up_card: bool


@dataclass(frozen=True, slots=True)
class StopHalfway(Errand):
    """A special move-in that the clerk begins and gives back."""

    column = Column.MOVES_IN

    move: int
    bearer: int
    moved_on: date


@dataclass(frozen=True, slots=True)
class MoveIn(Errand):
    """A move-in by the bearer's card, or against the paper where nobody bears one.

    `relationships` belong to `persons`; one of them heads the new household.
    """

    column = Column.MOVES_IN

    move: int
    persons: tuple[int, ...]
    relationships: tuple[str, ...]
    bearer: int | None
    moved_on: date
    is_late: bool
    hands_in: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class TakeBack(Errand):
    """A completed move is cancelled as an error."""

    column = Column.MOVES_IN

    move: int
    persons: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ContinueUse(Errand):
    """A card is to be used on at the new residence."""

    column = Column.CARDS

    person: int


@dataclass(frozen=True, slots=True)
class MoveWithin(Errand):
    """Persons of one household live elsewhere in the same municipality."""

    column = Column.WITHIN

    persons: tuple[int, ...]
    relationships: tuple[str, ...]
    moved_on: date
    same_household: bool
    is_late: bool
