"""A center with so many residents: filling, size, start, memory, and what finding somebody costs.

Questions are asked inside the center's code, from the question to the answer with its record opened
and compared; what the wire costs is the same for any number of residents and would only hide the
difference. On a server the CPU is the center's own part of it.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import Final

from juki_center.areas.agencies.answering import answer
from juki_center.areas.agencies.commands import ByAttributes, ByCode, Outcome, Question
from juki_center.areas.residents.changes import Item
from juki_center.areas.residents.municipalities import Municipalities
from juki_center.areas.residents.updates import Update
from juki_center.cli import shipped
from juki_center.cli.opening import open_with_key
from juki_center.config import CenterConfig
from juki_center.storage.center_store import CenterStore
from tools.scale.center import Served, TestCenter, pss_kib
from tools.scale.inventing import Register, spread
from tools.scale.loading import Filled
from tools.scale.seeding import Told, fill
from tools.scale.timing import timed

ASKED: Final = 2_000
"""So many residents, spread over the register, are asked for in each way."""
_ITEMS: Final = (Item.NAME, Item.DATE_OF_BIRTH, Item.SEX, Item.ADDRESS)
_FOUND: Final = frozenset({Outcome.MATCH, Outcome.AMBIGUOUS})


class NotFound(Exception):  # a measurement that means nothing
    """A resident of the register was asked for and not found."""


@dataclass(frozen=True, slots=True)
class Crowd:
    """A center to be filled with a register, and how the size of its store is asked for."""

    center: TestCenter
    config: CenterConfig
    register: Register
    octets: Callable[[], int]


def measure(crowd: Crowd, *, processes: int, told: Told) -> dict[str, float]:
    """Fill the center, start it, and ask for people; return the figures by name."""
    filled = fill(crowd.config, crowd.register, processes=processes, told=told)
    figures = _filling(filled)
    size = crowd.octets()
    figures |= {"store_octets": size, "octets_a_resident": size / crowd.register.count}
    with Served(crowd.center) as served:
        figures |= served.start_figures()
    return figures | _look_ups(crowd)


def _filling(filled: Filled) -> dict[str, float]:
    """Say how fast it went; a run that found everybody there says nothing."""
    if not filled.added:
        return {}
    return {
        "filled": filled.added,
        "fill_seconds": filled.seconds,
        "fill_cpu_us": filled.cpu_seconds / filled.added * 1e6,
        "fill_rate": filled.added / filled.seconds,
    }


def _look_ups(crowd: Crowd) -> dict[str, float]:
    people = list(spread(crowd.register, ASKED))
    known, figures = shipped.municipalities(), dict[str, float]()
    with closing(open_with_key(crowd.config)) as store:
        for name, question in (("code", _by_code), ("search", _in_prefecture)):
            calls = [_asking(store, question(one), known) for one in people]
            # What is read for the first time is read from the disk; a center is warm.
            figures[f"{name}_first_p99_ms"] = timed(calls).figures("")["_p99_ms"]
            figures |= timed(calls).figures(name)
        figures["asking_pss_kib"] = pss_kib()
    return figures


def _by_code(one: Update) -> Question:
    return ByCode(one.record.code)


def _in_prefecture(one: Update) -> Question:
    """Ask broadly: name and birth date, and no address."""
    return ByAttributes(one.record.name, one.record.birth, prefecture=one.municipality.prefecture)


def _asking(store: CenterStore, question: Question, known: Municipalities) -> Callable[[], None]:
    def ask() -> None:
        answered = store.read(lambda tx: answer(tx, question, _ITEMS, known))
        if answered.confirmation.outcome not in _FOUND:
            raise NotFound(str(answered.confirmation.outcome))

    return ask
