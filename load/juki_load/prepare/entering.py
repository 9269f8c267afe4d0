"""`juki-load enter`: the folder's residents, cards and agencies become known at a test center.

It writes into the center's own store by the center's own acts, as the operator's commands do, and
refuses a production center. What is there already is left as it is.
"""

from __future__ import annotations

import hashlib
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

from juki_center.areas.agencies.affairs import Affairs
from juki_center.areas.agencies.authorisations import Authorisation
from juki_center.areas.agencies.commands import AffairCode, Kind
from juki_center.areas.agencies.register import AddAgency, Authorise, add_agency, authorise
from juki_center.areas.cards.numbers import CHANCE_OCTETS, CardNumber
from juki_center.areas.cards.register import Card, CardKind, CardStatus
from juki_center.areas.cards.rules import last_valid_day
from juki_center.areas.clerks.register import AddClerk, ChangeRight, add_clerk, change_right
from juki_center.areas.clerks.rows import Grant, Right, SignIn
from juki_center.areas.days import day_in_japan
from juki_center.areas.residents.changes import Item
from juki_center.areas.residents.codes import MunicipalityCode, ResidentCode
from juki_center.areas.residents.imports import Importer, ImportMode
from juki_center.areas.residents.municipalities import Municipalities
from juki_center.cli.clock import system_clock
from juki_center.cli.opening import open_with_key, opened_store
from juki_center.config import CenterConfig, Environment
from juki_center.data import affair_tables, municipality_rows
from juki_center.storage.import_run import Around, Order, run_import
from juki_client.outcome import Problem

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from juki_center.areas.ports import Tx
    from juki_center.areas.residents.imports import Import
    from juki_load.prepare.making import Progress
    from juki_load.prepared import CardFact, Prepared

_CARDS_IN_ONE_ACT: Final = 200
_SIGNED_IN_FOR: Final = timedelta(days=1)
_VALID_FOR: Final = timedelta(days=365)
_CLERK: Final = "負荷\u3000試験"
_ID_OCTETS: Final = 16
_ITEMS: Final = frozenset({Item.NAME, Item.DATE_OF_BIRTH, Item.SEX, Item.ADDRESS})
_ASKED: Final = frozenset({Kind.BY_CODE, Kind.BY_ATTRIBUTES})
AFFAIR: Final = "passport"
BATCH_AFFAIR: Final = "pension"


async def enter(folder: Prepared, config: CenterConfig, progress: Progress) -> dict[str, int]:
    """Enter everything; return how many of each kind are there now.

    Raises Problem USAGE_INVALID for a production center, and LINES_REFUSED where the center takes
    a resident not.
    """
    if config.environment is Environment.PRODUCTION:
        raise Problem("USAGE_INVALID", {"field": "center-config", "rule": "a production center"})
    imported = _import(folder, config, progress)
    if imported.totals.refused:
        raise Problem("LINES_REFUSED", {"lines": str(imported.totals.refused)})
    now = datetime.now(UTC)
    cards = tuple(folder.cards())
    async with opened_store(config) as store:
        caller = f"juki://center/{config.node}"
        for name in folder.manifest.agencies:
            await store.act(partial(_enter_agency, name, caller, now))
        await store.act(partial(_sign_in_at_windows, folder, caller, now))
        for first in range(0, len(cards), _CARDS_IN_ONE_ACT):
            some = cards[first : first + _CARDS_IN_ONE_ACT]
            await store.act(partial(_enter_cards, some, day_in_japan(now)))
            progress("cards entered", first + len(some), len(cards))
    return {
        "residents": imported.totals.lines,
        "cards": len(cards),
        "agencies": len(folder.manifest.agencies),
    }


def _import(folder: Prepared, config: CenterConfig, progress: Progress) -> Import:
    """Import the register file as `residents import --host` does."""
    by = Importer(
        caller_uri=f"juki://center/{config.node}",
        may_host=Municipalities.parse(municipality_rows()),
    )
    order = Order(folder.residents_file, ImportMode.FILE, by, restart=True)
    size = folder.residents_file.stat().st_size
    with (
        closing(open_with_key(config)) as store,
        closing(store.bulk()) as connection,
    ):
        around = Around(system_clock, lambda at: progress("import", at.offset, size))
        return run_import(connection, order, around)


def _enter_agency(name: str, caller: str, now: datetime, tx: Tx) -> None:
    if tx.agencies.find(name) is not None:
        return
    add_agency(tx, AddAgency(caller, name, f"Load test {name}"), now)
    affairs, today = Affairs.parse(affair_tables()), day_in_japan(now)
    for affair, kinds in ((AFFAIR, _ASKED), (BATCH_AFFAIR, _ASKED | {Kind.BATCH})):
        row = Authorisation(
            agency=name,
            affair=AffairCode(affair),
            purpose="load test",
            kinds=kinds,
            items=_ITEMS,
            valid_from=today,
        )
        authorise(tx, Authorise(caller, row), now, affairs)


def _sign_in_at_windows(folder: Prepared, caller: str, now: datetime, tx: Tx) -> None:
    """Act: sign a clerk in at each window for a day, as behind a card session."""
    ends = now + _SIGNED_IN_FOR
    for label in folder.manifest.windows:
        clerk = _clerk_of(tx, MunicipalityCode(label.partition("-")[0]), caller, now)
        sign_in_id = tx.chance.octets(_ID_OCTETS)
        # It was used at its end: a window without work does not lose its clerk.
        uri = folder.terminal(label).uri
        tx.clerks.put_sign_in(SignIn(uri, sign_in_id, clerk, now, ends, ends))


def _clerk_of(tx: Tx, municipality: MunicipalityCode, caller: str, now: datetime) -> str:
    """Return the clerk of load tests in a municipality, who is entered where nobody is yet."""
    # No chip has this serial: the clerk is known by it, and never signs in with a card.
    serial = hashlib.sha256(f"juki-load clerk {municipality}".encode("ascii")).digest()
    known = tx.clerks.by_card(serial)
    if known is not None:
        return known.clerk_id
    # Few residents may leave one of the registers without anybody.
    tx.registers.host(municipality)
    found = add_clerk(tx, AddClerk(caller, municipality, _CLERK, serial), now)
    today = day_in_japan(now)
    grant = Grant(Right.MOVES, today, today + _VALID_FOR)
    change_right(tx, ChangeRight(caller, found.clerk_id, Right.MOVES, grant), now)
    return found.clerk_id


def _enter_cards(cards: Sequence[CardFact], today: date, tx: Tx) -> None:
    """Act: add the cards that are not there yet; their application and hand-over lie before."""
    for card in cards:
        serial = bytes.fromhex(card.serial)
        holder = tx.residents.by_code(ResidentCode(card.resident_code))
        if holder is None or tx.cards.card(serial) is not None:
            continue
        row = Card(
            serial=serial,
            person=holder.person,
            kind=CardKind.RESIDENT,
            status=CardStatus.ACTIVE,
            municipality=holder.municipality,
            valid_until=last_valid_day(today),
            number=CardNumber.drawn(tx.chance.octets(CHANCE_OCTETS)),
            made_on=today,
        )
        tx.cards.add_card(row)
