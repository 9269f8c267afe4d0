"""The agencies of a development center: one that issues passports, one that pays pensions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from juki_center.areas.agencies.authorisations import Authorisation
from juki_center.areas.agencies.commands import AffairCode, Kind
from juki_center.areas.agencies.register import AddAgency, Authorise, add_agency, authorise
from juki_center.areas.days import day_in_japan
from juki_center.areas.residents.changes import Item
from juki_center.cli import dev_texts, shipped

if TYPE_CHECKING:
    from datetime import date, datetime

    from juki_center.areas.ports import Tx

_FOUR: Final = frozenset({Item.NAME, Item.DATE_OF_BIRTH, Item.SEX, Item.ADDRESS})
_WATCHED: Final = frozenset({Kind.BY_CODE, Kind.BY_ATTRIBUTES, Kind.CHANGES})


def enter_agencies(tx: Tx, now: datetime, caller_uri: str) -> None:
    """Act: add the agencies that are not there yet, each with its authorisation from today on."""
    affairs = shipped.affairs()
    for name, row in _agencies(day_in_japan(now)):
        if tx.agencies.find(row.agency) is None:
            add_agency(tx, AddAgency(caller_uri, row.agency, name), now)
            authorise(tx, Authorise(caller_uri, row), now, affairs)


def _agencies(today: date) -> tuple[tuple[str, Authorisation], ...]:
    passports = Authorisation(
        agency=dev_texts.AGENCY,
        affair=AffairCode("passport"),
        purpose="examination of passport applications",
        kinds=_WATCHED,
        items=_FOUR,
        valid_from=today,
    )
    pensions = Authorisation(
        agency=dev_texts.BATCH_AGENCY,
        affair=AffairCode("pension"),
        purpose="confirmation that pensioners are alive",
        kinds=_WATCHED | {Kind.BATCH},
        items=_FOUR | {Item.RESIDENT_CODE},
        valid_from=today,
    )
    return ("Passport office", passports), ("Pension office", pensions)
