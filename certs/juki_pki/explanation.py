"""What `juki-pki show` says about one thing: a sentence, and facts with a name and a value.

The same facts are printed for people and as JSON; nothing secret can become one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from datetime import datetime

_SOON_DAYS: Final = 30
Value: TypeAlias = str | int | bool | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """One explained thing: `kind` for programs, `headline` and `remarks` for people."""

    kind: str
    headline: str
    facts: dict[str, Value] = field(default_factory=dict)
    """By name in snake_case, in the order to be shown."""
    remarks: tuple[str, ...] = ()

    def as_json(self) -> dict[str, object]:
        """Return the object for `--json`."""
        return {
            "kind": self.kind,
            "headline": self.headline,
            "facts": {name: _plain(value) for name, value in self.facts.items()},
            "remarks": list(self.remarks),
        }

    def as_lines(self) -> list[str]:
        """Return the lines for people."""
        lines = [self.headline]
        lines += [f"  {_label(name):<24} {_text(value)}" for name, value in self.facts.items()]
        return [*lines, *(f"  ! {remark}" for remark in self.remarks)]


def _plain(value: Value) -> object:
    return list(value) if isinstance(value, tuple) else value


def _label(name: str) -> str:
    return name.replace("_", " ")


def _text(value: Value) -> str:
    match value:
        case True:
            return "yes"
        case False:
            return "no"
        case tuple():
            return ", ".join(value) or "none"
        case _:
            return str(value)


def validity_remark(now: datetime, begins: datetime, ends: datetime) -> tuple[str, ...]:
    """Return what is to be said about a time of validity, `ends` still belonging to it."""
    if now < begins:
        return (f"Not valid yet: begins in {_days((begins - now).days)}.",)
    if now > ends:
        return (f"EXPIRED {_days((now - ends).days)} ago.",)
    left = (ends - now).days
    return (f"Ends in {_days(left)}.",) if left < _SOON_DAYS else ()


def _days(count: int) -> str:
    return "less than a day" if count == 0 else "1 day" if count == 1 else f"{count} days"
