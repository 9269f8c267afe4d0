"""`juki-center agency`: who may confirm identities, for which affair, and how often that was done.

Works on the store itself, beside a center that serves from the same file: what is authorised or
withdrawn here counts from the center's next answer on. Each change is written into the audit log.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, TypeVar

import typer

from juki_center.areas.agencies.affairs import Affairs
from juki_center.areas.agencies.authorisations import Authorisation
from juki_center.areas.agencies.commands import AffairCode, Kind
from juki_center.areas.agencies.register import (
    AddAgency,
    Authorise,
    Withdraw,
    add_agency,
    authorise,
    withdraw,
)
from juki_center.areas.residents.changes import Item
from juki_center.cli import agency_lists as lists
from juki_center.cli import shipped
from juki_center.cli.clock import system_clock
from juki_center.cli.event_loop import run
from juki_center.cli.opening import opened_store
from juki_center.cli.report import report, reporting
from juki_center.config import CenterConfig
from juki_center.errors import RuleBroken
from juki_pki.identity import PeerIdentity, Role

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from juki_center.areas.ports import Tx
    from juki_center.cli.report import JSON

Answer = TypeVar("Answer")
_Choice = TypeVar("_Choice", bound=StrEnum)

app = typer.Typer(
    no_args_is_help=True,
    help="Say which agencies may confirm identities, for what and until when; count what they did.",
)

Config = Annotated[Path, typer.Option(envvar="JUKI_CONFIG", help="Configuration file.")]
AsJSON = Annotated[bool, typer.Option("--json", help="Print one JSON object (juki/1).")]
AgencyID = Annotated[
    str, typer.Argument(metavar="AGENCY", help="The id in its certificate, such as passport-1.")
]
_DEFAULT_CONFIG: Final = Path("/etc/juki/center.toml")


class KindOption(StrEnum):
    """Kinds of provision, as the command line calls them."""

    BY_CODE = "by-code"
    BY_ATTRIBUTES = "by-attributes"
    BATCH = "batch"
    CHANGES = "changes"


class ItemOption(StrEnum):
    """Items of identity confirmation information, as the command line calls them."""

    NAME = "name"
    DATE_OF_BIRTH = "date-of-birth"
    SEX = "sex"
    ADDRESS = "address"
    RESIDENT_CODE = "resident-code"


@app.command()
def add(
    agency: AgencyID,
    name: Annotated[str, typer.Option(help="What it is called, for lists.")],
    config: Config = _DEFAULT_CONFIG,
    as_json: AsJSON = False,
) -> None:
    """Add an agency; it may ask for nothing until it is authorised."""
    with reporting("agency add", as_json=as_json):
        known = PeerIdentity(Role.AGENCY, agency).name
        settings = CenterConfig.load(config)
        command = AddAgency(_operator(settings), known, name)
        added = _act(settings, lambda tx, now: add_agency(tx, command, now))
        result: dict[str, JSON] = {"agency": added.agency, "name": added.name}
        report("agency add", result, [f"{agency}: added"], as_json=as_json)


@app.command("list")
def list_agencies(config: Config = _DEFAULT_CONFIG, as_json: AsJSON = False) -> None:
    """List the agencies, each with the affairs that it may ask for today."""
    with reporting("agency list", as_json=as_json):
        settings, now = CenterConfig.load(config), system_clock()
        found = _read(settings, lists.agencies)
        result, lines = lists.shown_agencies(found, now)
        report("agency list", result, lines, as_json=as_json)


@app.command()
def show(agency: AgencyID, config: Config = _DEFAULT_CONFIG, as_json: AsJSON = False) -> None:
    """Show all authorisations of an agency, past and future ones too, with their numbers."""
    with reporting("agency show", as_json=as_json):
        settings, now = CenterConfig.load(config), system_clock()
        found = _read(settings, lambda tx: lists.agency(tx, agency))
        result, lines = lists.shown_agency(found, now)
        report("agency show", result, lines, as_json=as_json)


@app.command("authorise")
def authorise_agency(  # noqa: PLR0913, PLR0917  # typer makes each argument an option
    agency: AgencyID,
    affair: Annotated[str, typer.Option(help="An affair of `agency affairs`, such as passport.")],
    purpose: Annotated[str, typer.Option(help="For what it asks; stands in each provision.")],
    first_day: Annotated[
        str, typer.Option("--from", metavar="YYYY-MM-DD", help="First day, in Japan.")
    ],
    last_day: Annotated[
        str | None,
        typer.Option("--to", metavar="YYYY-MM-DD", help="Last day; left out: until withdrawn."),
    ] = None,
    kind: Annotated[list[KindOption] | None, typer.Option(help="Repeat for each kind.")] = None,
    item: Annotated[list[ItemOption] | None, typer.Option(help="Repeat for each item.")] = None,
    config: Config = _DEFAULT_CONFIG,
    as_json: AsJSON = False,
) -> None:
    """Authorise an agency for an affair: kinds of provision, items, first and last day.

    Without items it may ask for a yes or no only.
    """
    with reporting("agency authorise", as_json=as_json):
        settings = CenterConfig.load(config)
        row = Authorisation(
            agency=agency,
            affair=AffairCode(affair),
            purpose=purpose,
            kinds=frozenset(_chosen(Kind, kind)),
            items=frozenset(_chosen(Item, item)),
            valid_from=_day("--from", first_day),
            valid_to=None if last_day is None else _day("--to", last_day),
        )
        command = Authorise(_operator(settings), row)
        number = _act(settings, lambda tx, now: authorise(tx, command, now, _affairs()))
        line = f"{agency}: authorised for {affair}, number {number}"
        result: dict[str, JSON] = {"agency": agency, "affair": affair, "number": number}
        report("agency authorise", result, [line], as_json=as_json)


@app.command("withdraw")
def withdraw_authorisation(
    agency: AgencyID,
    number: Annotated[int, typer.Argument(min=1, help="The number that `agency show` prints.")],
    last_day: Annotated[
        str | None,
        typer.Option(metavar="YYYY-MM-DD", help="Let it end with this day; left out: at once."),
    ] = None,
    config: Config = _DEFAULT_CONFIG,
    as_json: AsJSON = False,
) -> None:
    """Withdraw an authorisation, at once or with a last day; streams under it end."""
    with reporting("agency withdraw", as_json=as_json):
        settings = CenterConfig.load(config)
        until = None if last_day is None else _day("--last-day", last_day)
        command = Withdraw(_operator(settings), agency, number, until)
        row = _act(settings, lambda tx, now: withdraw(tx, command, now))
        result, lines = lists.shown_rows([row], system_clock())
        report("agency withdraw", {"authorisation": result[0]}, lines, as_json=as_json)


@app.command()
def affairs(as_json: AsJSON = False) -> None:
    """List the affairs that the law names, with their basis."""
    result, lines = lists.shown_affairs(_affairs())
    report("agency affairs", result, lines, as_json=as_json)


@app.command()
def provisions(
    first_day: Annotated[
        str, typer.Option("--from", metavar="YYYY-MM-DD", help="First day, in Japan.")
    ],
    last_day: Annotated[
        str, typer.Option("--to", metavar="YYYY-MM-DD", help="Last day, counted too.")
    ],
    agency: Annotated[str | None, typer.Option(help="Of this agency only.")] = None,
    config: Config = _DEFAULT_CONFIG,
    as_json: AsJSON = False,
) -> None:
    """Count provisions by agency, affair, kind and outcome, for the yearly public report."""
    with reporting("agency provisions", as_json=as_json):
        days = lists.Days(_day("--from", first_day), _day("--to", last_day))
        settings = CenterConfig.load(config)
        found = _read(settings, lambda tx: lists.counts(tx, days, agency))
        result, lines = lists.shown_counts(found, days)
        report("agency provisions", result, lines, as_json=as_json)


def _act(config: CenterConfig, act: Callable[[Tx, datetime], Answer]) -> Answer:
    """Run a changing act on the store."""

    async def opened() -> Answer:
        async with opened_store(config) as store:
            now = system_clock()
            return await store.act(lambda tx: act(tx, now))

    return run(opened())


def _read(config: CenterConfig, question: Callable[[Tx], Answer]) -> Answer:
    """Run a reading act on the store."""

    async def opened() -> Answer:
        async with opened_store(config) as store:
            return store.read(question)

    return run(opened())


def _operator(config: CenterConfig) -> str:
    return f"juki://center/{config.node}"


def _affairs() -> Affairs:
    return shipped.affairs()


def _chosen(kind: type[_Choice], options: Iterable[StrEnum] | None) -> list[_Choice]:
    return [kind[option.name] for option in options or ()]


def _day(option: str, text: str) -> date:
    """Return the day of an option. Raises RuleBroken naming the option."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise RuleBroken("DAY_TEXT", option) from None
