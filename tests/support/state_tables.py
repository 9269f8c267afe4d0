"""The pictures of docs/registers.md, drawn from the transition tables of the code.

Run `python -m tests.support.state_tables` after a change of a table, and read the diff.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Final, TypeVar

from juki_center.areas.residents.protection import MEASURE_TRANSITIONS, MeasureEvent, MeasureState
from juki_center.areas.residents.records import ResidenceState
from juki_center.areas.residents.rules import TRANSITIONS, ResidenceEvent

State = TypeVar("State", bound=StrEnum)
Event = TypeVar("Event", bound=StrEnum)

PAGE: Final = Path(__file__).parents[2] / "docs" / "registers.md"
_DRAWN: Final = r"(?<=<!-- drawn: {name} -->\n)(.*?)(?=<!-- end -->)"


def picture(transitions: Mapping[tuple[State, Event], State]) -> str:
    """Return the events that lead from one state to another, as a diagram."""
    arrows = [
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
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def drawings() -> dict[str, str]:
    """Return everything that is drawn, by the name that the page gives it."""
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


def redrawn(page: str) -> str:
    """Return the page with every drawing as the code has it now."""
    for name, drawing in drawings().items():
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
    PAGE.write_text(redrawn(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
