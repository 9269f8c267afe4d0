"""The pictures of the docs' registers.md, cards.md and moves.md, drawn from the code's tables.

Run `python -m tests.support.state_tables` after a change of a table, and read the diff.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import fields
from enum import StrEnum
from pathlib import Path
from typing import Final, TypeVar

from juki_center.areas.cards.application_rows import ApplicationState
from juki_center.areas.cards.application_rules import FIRST_STATES, ApplicationEvent
from juki_center.areas.cards.application_rules import TRANSITIONS as APPLICATION_TRANSITIONS
from juki_center.areas.cards.identification import IDENTIFICATIONS, Identification
from juki_center.areas.cards.register import CardStatus
from juki_center.areas.cards.rules import TRANSITIONS as CARD_TRANSITIONS
from juki_center.areas.cards.rules import CardEvent
from juki_center.areas.moves.states import TRANSITIONS as MOVE_TRANSITIONS
from juki_center.areas.moves.states import MoveEvent, MoveKind, MoveState
from juki_center.areas.residents.protection import MEASURE_TRANSITIONS, MeasureEvent, MeasureState
from juki_center.areas.residents.records import ResidenceState
from juki_center.areas.residents.rules import TRANSITIONS, ResidenceEvent

State = TypeVar("State", bound=StrEnum)
Event = TypeVar("Event", bound=StrEnum)

DOCS: Final = Path(__file__).parents[2] / "docs"
_DRAWN: Final = r"(?<=<!-- drawn: {name} -->\n)(.*?)(?=<!-- end -->)"


def picture(
    transitions: Mapping[tuple[State, Event], State],
    firsts: Mapping[Event, State] | Mapping[MoveKind, State] | None = None,
) -> str:
    """Return the events that lead from one state to another, as a diagram.

    `firsts` are the states in which something begins, by what leads there.
    """
    arrows = [f"    [*] --> {then}: {_words(way)}" for way, then in (firsts or {}).items()]
    arrows += [
        f"    {state} --> {then}: {_words(event)}"
        for (state, event), then in transitions.items()
        if state is not then
    ]
    return "\n".join(["```mermaid", "stateDiagram-v2", *arrows, "```", ""])


def table(
    transitions: Mapping[tuple[State, Event], State],
    states: Iterable[State],
    events: Iterable[Event],
) -> str:
    """Return what every event makes of every state; a dash where it is refused."""
    states = tuple(states)
    head = ["event", *(f"in {state}" for state in states)]
    rows = [
        [str(event), *(str(transitions.get((state, event), "–")) for state in states)]
        for event in events
    ]
    return _lines([head, ["---"] * len(head), *rows])


def _lines(lines: Iterable[Iterable[str]]) -> str:
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def pages() -> dict[Path, dict[str, str]]:
    """Return everything that is drawn, by its page and the name that the page gives it."""
    return {
        DOCS / "registers.md": _registers(),
        DOCS / "cards.md": _cards(),
        DOCS / "moves.md": _moves(),
    }


def _moves() -> dict[str, str]:
    # A notice begins as what the act of entering it has made of it.
    firsts = {MoveKind.SPECIAL: MoveState.NOTIFIED, MoveKind.ORDINARY: MoveState.ORDINARY}
    arrows = picture(MOVE_TRANSITIONS, firsts)
    return {"moves": arrows + "\n" + table(MOVE_TRANSITIONS, MoveState, MoveEvent)}


def _cards() -> dict[str, str]:
    return {
        "applications": picture(APPLICATION_TRANSITIONS, FIRST_STATES)
        + "\n"
        + table(APPLICATION_TRANSITIONS, ApplicationState, ApplicationEvent),
        "cards": picture(CARD_TRANSITIONS) + "\n" + table(CARD_TRANSITIONS, CardStatus, CardEvent),
        "rule sets": _demands(),
    }


def _demands() -> str:
    """Return what each rule set demands of an identification."""
    head = ["from", *IDENTIFICATIONS]
    rows = [
        [
            demand.name.replace("_", " "),
            *("yes" if getattr(one, demand.name) else "–" for one in IDENTIFICATIONS.values()),
        ]
        for demand in fields(Identification)
    ]
    return _lines([head, ["---"] * len(head), *rows])


def _registers() -> dict[str, str]:
    return {
        "records": picture(TRANSITIONS) + "\n" + table(TRANSITIONS, ResidenceState, ResidenceEvent),
        "measures": picture(MEASURE_TRANSITIONS)
        + "\n"
        + table(MEASURE_TRANSITIONS, MeasureState, MeasureEvent),
    }


def drawn(page: str, name: str) -> str:
    """Return what a page shows under a name. Raises LookupError where it has no such place."""
    found = re.search(_DRAWN.format(name=name), page, re.DOTALL)
    if found is None:
        raise LookupError(name)
    return found[1]


def redrawn(page: str, drawings: Mapping[str, str]) -> str:
    """Return the page with every drawing as the code has it now."""
    for name, drawing in drawings.items():
        page = re.sub(
            _DRAWN.format(name=name),
            lambda _, new=drawing: f"\n{new}\n",
            page,
            count=1,
            flags=re.DOTALL,
        )
    return page


def _words(event: StrEnum) -> str:
    return event.lower().replace("_", " ")


if __name__ == "__main__":
    for path, drawings in pages().items():
        path.write_text(redrawn(path.read_text(encoding="utf-8"), drawings), encoding="utf-8")
