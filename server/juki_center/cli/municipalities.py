"""`juki-center municipalities`: which codes there are and were, and whose they are.

It reads the list that ships with the center and needs no configuration. A code is looked up by
itself alone; a name may belong to several, and all of them are shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Annotated, Final, NoReturn

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from juki_center.areas.days import day_in_japan
from juki_center.areas.residents.codes import MunicipalityCode, municipality_check_digit
from juki_center.areas.residents.municipalities import Municipalities
from juki_center.cli import shipped
from juki_center.cli.clock import system_clock
from juki_center.cli.report import Exit, Failure, fail, report
from juki_center.errors import RuleBroken

if TYPE_CHECKING:
    from collections.abc import Sequence

    from juki_center.areas.residents.municipalities import Municipality
    from juki_center.cli.report import JSON

app = typer.Typer(
    no_args_is_help=True, help="Look up municipalities and their ward offices, present and former."
)

AsJSON = Annotated[bool, typer.Option("--json", help="Print one JSON object (juki/1).")]
_WIDTH: Final = 200
_TRY: Final = "Look for it with `juki-center municipalities list --all`, or show it by its name."


@dataclass(frozen=True, slots=True)
class _Input:
    """What the command line says, not yet understood."""

    command: str
    as_json: bool

    def refuse(self, message: str, remedy: str, **metadata: str) -> NoReturn:
        """Leave for an input that means nothing."""
        wrong = Failure("INPUT_INVALID", message, remedy, Exit.USAGE, metadata=metadata)
        fail(self.command, wrong, as_json=self.as_json)

    def not_found(self, message: str, remedy: str, **metadata: str) -> NoReturn:
        """Leave for an input that means something which does not exist."""
        unknown = Failure("MUNICIPALITY_UNKNOWN", message, remedy, metadata=metadata)
        fail(self.command, unknown, as_json=self.as_json)


@app.command("list")
def list_municipalities(
    prefecture: Annotated[
        str | None, typer.Option(help="Only those of a prefecture, 01 to 47.")
    ] = None,
    on: Annotated[
        str | None, typer.Option(metavar="YYYY-MM-DD", help="As of this day; today if left out.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Former ones too.")] = False,
    as_json: AsJSON = False,
) -> None:
    """List municipalities and ward offices by code, today's unless told otherwise."""
    given = _Input("municipalities list", as_json)
    if everything and on is not None:
        given.refuse("--all shows every day, --on one day", "Leave one of them out.")
    day = _day(given, on)
    all_of_them = shipped.municipalities()
    found = all_of_them.everything() if everything else all_of_them.current(day)
    if prefecture is not None:
        found = _of_prefecture(given, found, prefecture)
    _report(given, found, day)


@app.command()
def show(
    code_or_name: Annotated[
        str, typer.Argument(metavar="CODE|NAME", help="Six digits, or a name in kanji or kana.")
    ],
    as_json: AsJSON = False,
) -> None:
    """Show everything that a code has meant, or everything that bears or bore a name."""
    given = _Input("municipalities show", as_json)
    all_of_them = shipped.municipalities()
    if code_or_name[:1].isdecimal():
        found = _by_code(given, all_of_them, code_or_name)
    else:
        found = all_of_them.named(code_or_name)
    if not found:
        given.not_found(f"no municipality is called {code_or_name}", _TRY)
    _report(given, found, day_in_japan(system_clock()))


def _day(given: _Input, text: str | None) -> date:
    if text is None:
        return day_in_japan(system_clock())
    try:
        return date.fromisoformat(text)
    except ValueError:
        given.refuse("--on takes a day such as 2024-01-01", "Correct the day.")


def _of_prefecture(
    given: _Input, found: Sequence[Municipality], prefecture: str
) -> tuple[Municipality, ...]:
    those = tuple(one for one in found if one.code.prefecture == prefecture)
    if not those:
        given.refuse("--prefecture takes 01 to 47", "Give both digits, such as 01 or 11.")
    return those


def _by_code(given: _Input, all_of_them: Municipalities, digits: str) -> tuple[Municipality, ...]:
    try:
        code = MunicipalityCode(digits)
    except RuleBroken as broken:
        given.refuse(*explained(broken.rule, digits, all_of_them), rule=broken.rule)
    periods = all_of_them.periods(code)
    if not periods:
        given.not_found(f"{digits}: a well-formed code that no municipality bears or bore", _TRY)
    return periods


def explained(rule: str, digits: str, all_of_them: Municipalities) -> tuple[str, str]:
    """Return what is wrong with a code, and what to do about it."""
    match rule:
        case "SIX_DIGITS":
            return f"{digits}: a code has six digits, the last one a check digit", _TRY
        case "INVALID_CHECK_DIGIT":
            fitting = digits[:5] + municipality_check_digit(digits[:5])
            periods = all_of_them.periods(MunicipalityCode(fitting))
            meant = f"{fitting} is {periods[-1].full_name}. " if periods else ""
            return f"{digits}: the check digit is wrong, a digit was mistyped", meant + _TRY
        case _:
            return f"{digits}: a prefecture's code, or none at all", _TRY


def _report(given: _Input, found: Sequence[Municipality], day: date) -> None:
    rows: list[JSON] = [_row(one, day) for one in found]
    lines = [*_table(found), f"{len(found)} in the list"]
    report(
        given.command,
        {"municipalities": rows, "day": day.isoformat()},
        lines,
        as_json=given.as_json,
    )


def _row(one: Municipality, day: date) -> dict[str, JSON]:
    return {
        "code": str(one.code),
        "prefecture": one.prefecture,
        "name": one.name,
        "kana": one.kana,
        "kind": "ward" if one.is_ward else "municipality",
        "validFrom": _shown(one.valid_from),
        "validTo": _shown(one.valid_to),
        "isValid": one.exists_on(day),
    }


def _shown(day: date) -> str | None:
    return None if day in {date.min, date.max} else day.isoformat()


def _table(found: Sequence[Municipality]) -> list[str]:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for column in ("code", "prefecture", "name", "kana", "kind", "from", "to"):
        table.add_column(column, no_wrap=True)
    for one in found:
        kind = "ward" if one.is_ward else ""
        days = (_shown(one.valid_from) or "", _shown(one.valid_to) or "")
        table.add_row(str(one.code), one.prefecture, one.name, one.kana, kind, *days)
    # Without colours and as wide as it is, so that it reads the same in a file.
    console = Console(width=_WIDTH, color_system=None, legacy_windows=False)
    with console.capture() as capture:
        console.print(table)
    return [line.rstrip() for line in capture.get().splitlines()]
