"""What an operator names to cut it off: read from the command line, and looked up in the store.

What nothing can have as its name is refused, with what was written and what is known. A terminal
or an agency that the center has not seen yet is cut off all the same, and the operator is told.
"""

from __future__ import annotations

import pkgutil
from importlib import import_module
from typing import TYPE_CHECKING, Final

import jukinet
from juki_center.areas.cards.batches import PREFIX as CARDS
from juki_center.areas.days import day_in_japan
from juki_center.areas.fleet.disconnections import Scope, Subject
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.cli import shipped
from juki_center.cli.municipalities import explained
from juki_center.cli.report import InputUnfit
from juki_center.errors import RuleBroken

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from juki_center.areas.ports import Tx

_SERVICES: Final = "jukinet."
_AGENCY: Final = "juki://agency/"
_MOST_TOLD: Final = 12


def parsed(what: str) -> Subject:
    """Return what the command line names. Raises RuleBroken, which says what is wrong."""
    scope, name = _meant(what)
    if scope is Scope.MUNICIPALITY:
        _refuse_unknown_municipality(name)
    try:
        subject = Subject(scope, name)
    except RuleBroken as broken:
        raise InputUnfit(broken.rule, f"{what}: {_SHAPES[scope]}") from None
    if scope is Scope.FUNCTION and name not in service_names():
        raise InputUnfit("NO_FUNCTION", f"there is no service {name}; {_some(service_names())}")
    return subject


def _refuse_unknown_municipality(digits: str) -> None:
    """Raise InputUnfit where no municipality has or had a code: nothing could be cut off by it."""
    municipalities = shipped.municipalities()
    try:
        code = MunicipalityCode(digits)
    except RuleBroken as broken:
        raise InputUnfit(
            "NO_MUNICIPALITY", ". ".join(explained(broken.rule, digits, municipalities))
        ) from None
    if code not in municipalities:
        told = f"{digits}: no municipality has or had this code"
        raise InputUnfit(
            "NO_MUNICIPALITY", f"{told}; `juki-center municipalities list` shows them all"
        )


def service_names() -> tuple[str, ...]:
    """Return the full names of all services of the wire."""
    modules = pkgutil.walk_packages(jukinet.__path__, f"{jukinet.__name__}.")
    descriptors = (
        import_module(module.name).DESCRIPTOR
        for module in modules
        if module.name.endswith("_service_pb2")
    )
    found = (one.full_name for file in descriptors for one in file.services_by_name.values())
    return tuple(sorted(found))


def _meant(what: str) -> tuple[Scope, str]:
    if what == "center":
        return Scope.CENTER, ""
    if what.isdecimal():
        return Scope.MUNICIPALITY, what
    if what.startswith(_SERVICES):
        return Scope.FUNCTION, what
    if what.startswith(CARDS):
        return Scope.CARD_BATCH, what
    for scope in (Scope.TERMINAL, Scope.AGENCY):
        if f"/{scope.lower()}/" in what:
            return scope, what
    raise RuleBroken("NOTHING_TO_CUT_OFF")


_SHAPES: Final = {
    Scope.TERMINAL: "a terminal is juki://municipality/CODE/terminal/ID",
    Scope.AGENCY: "an agency is juki://agency/ID",
    Scope.MUNICIPALITY: "a municipality is named by its code of six digits",
    Scope.FUNCTION: "a service is named in full, such as jukinet.moves.v1.MoveService",
    Scope.CENTER: "the center is named `center`",
    Scope.CARD_BATCH: (
        "a batch of cards is juki://cards/made/FIRST-DAY/LAST-DAY, or juki://cards/chip/HEX with"
        " 1 to 16 octets with which the serial numbers of its chips begin"
    ),
}


def note(tx: Tx, subject: Subject, now: datetime) -> str:
    """Return what an operator should know who has cut a subject off; empty where all is plain."""
    match subject.scope:
        case Scope.MUNICIPALITY:
            return _of_municipality(tx, MunicipalityCode(subject.name))
        case Scope.TERMINAL:
            return _of_terminal(tx, subject.name)
        case Scope.AGENCY:
            agencies = [f"{_AGENCY}{one.agency}" for one in tx.agencies.everyone()]
            known = f"no agency of this name was added; {_some(agencies)}"
            return "" if subject.name in agencies else known
        case Scope.CARD_BATCH:
            count = len(tx.cards.in_cut_off_batches(day_in_japan(now)))
            return f"cards in use or in the making that are cut off now: {count:,}"
        case _:
            return ""


def _of_municipality(tx: Tx, code: MunicipalityCode) -> str:
    if tx.registers.is_hosted(code):
        return ""
    register = shipped.municipalities().register_of(code)
    if register != code:
        return f"{code} is a ward; its city {register} keeps the register, which stays as it is"
    return f"no register of {code} is kept here; {_some(map(str, tx.registers.hosted()))}"


def _of_terminal(tx: Tx, uri: str) -> str:
    place = uri.partition("/terminal/")[0] + "/terminal/"
    seen = {one.uri for one in tx.peer_certificates.everything() if one.uri.startswith(place)}
    return "" if uri in seen else f"no terminal of this name was seen yet; {_some(sorted(seen))}"


def _some(names: Iterable[str]) -> str:
    known = list(names)
    if not known:
        return "none is known"
    rest = f" and {len(known) - _MOST_TOLD} more" if len(known) > _MOST_TOLD else ""
    return f"known: {', '.join(known[:_MOST_TOLD])}{rest}"
