"""The first day: the registers are imported, stocked with codes, and given cards.

Residents are invented as a register file and imported as any other. The cards with which the year
begins are rows: their applications and hand-overs lie before it.
"""

from __future__ import annotations

import csv
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path

from juki_center.areas.cards.numbers import CHANCE_OCTETS, CardNumber
from juki_center.areas.cards.register import Card, CardKind, CardStatus
from juki_center.areas.residents.assignment import stock_codes
from juki_center.areas.residents.codes import MunicipalityCode, ResidentCode
from juki_center.areas.residents.imports import Import, Importer, ImportMode
from juki_center.areas.residents.municipalities import Municipalities
from juki_center.areas.residents.records import Whereabouts
from juki_center.areas.residents.register_file import COLUMNS
from juki_center.areas.residents.synthetic import Line, Synthesis
from juki_center.areas.residents.synthetic_draws import Draws
from juki_center.areas.residents.synthetic_names import Rows
from juki_center.areas.residents.synthetic_places import Country, Places
from juki_center.simulation.people import Person
from juki_center.simulation.town import Town
from juki_center.storage.bulk import BulkConnection
from juki_center.storage.import_run import Around, Order, run_import
from juki_center.storage.keys import KeyEncryptionKey
from juki_center.storage.transaction import Transaction

CALLER_URI = "juki://center/simulation"
_VALID = timedelta(days=3652)
_SERIAL_OCTETS = 32


@dataclass(frozen=True, slots=True)
class Population:
    """How many residents, where, and on which day their ages fit."""

    residents: int
    municipalities: tuple[MunicipalityCode, ...]
    first: date


def places_of(population: Population, rows: Rows, country: Municipalities) -> Places:
    """Return where people live. Raises RuleBroken for a municipality that is none on that day."""
    return Places(rows, Country(country, population.first), population.municipalities)


def invented(population: Population, places: Places, rows: Rows, draws: Draws) -> list[Line]:
    """Invent the residents."""
    return list(Synthesis(rows, places, draws, population.first).lines(population.residents))


def write_register_file(lines: list[Line], path: Path) -> None:
    """Write the residents as a register file."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows([line.get(column, "") for column in COLUMNS] for line in lines)


def import_residents(
    store: Path,
    kek: KeyEncryptionKey,
    file: Path,
    by: Importer,
    around: Around,
) -> Import:
    """Import a register file into the store, as `residents import --mode file` does.

    Of a store that is thrown away this is the fastest way: one transaction, which does not wait for
    the disk. Raises ValueError where a line is refused.
    """
    with closing(BulkConnection(store, kek, is_durable=False)) as connection:
        done = run_import(connection, Order(file, ImportMode.FILE, by), around)
    if done.totals.refused:
        raise ValueError("a resident was invented whom no register takes")
    return done


def stock(town: Town, births: int, now: datetime) -> None:
    """Give each register codes for more newborns than it will have."""
    for municipality in town.people.municipalities:
        town.do(
            "stock_codes",
            partial(_stocked, municipality, births, now),
        )


def _stocked(municipality: MunicipalityCode, count: int, now: datetime, tx: Transaction) -> None:
    stock_codes(tx, municipality, count, now, caller_uri=CALLER_URI)


def give_cards(town: Town, holders: list[Person], first: date) -> None:
    """Enter a card for each holder, made so long ago that it ends when the plan says."""

    def enter_all(tx: Transaction) -> None:
        for person in holders:
            where = tx.residents.by_code(ResidentCode(person.code))
            if where is None:
                raise LookupError("a resident was not imported")
            tx.cards.add_card(_card(town, tx, person, where, first))

    town.store.do(enter_all)


def _card(town: Town, tx: Transaction, holder: Person, where: Whereabouts, first: date) -> Card:
    return Card(
        serial=town.octets(_SERIAL_OCTETS),
        person=where.person,
        kind=CardKind.RESIDENT,
        status=CardStatus.ACTIVE,
        municipality=where.municipality,
        valid_until=holder.card_until,
        number=_new_number(tx),
        made_on=min(first, holder.card_until - _VALID),
    )


def _new_number(tx: Transaction) -> CardNumber:
    # Of a hundred thousand numbers drawn from ten digits two are alike four times in ten.
    while True:
        number = CardNumber.drawn(tx.chance.octets(CHANCE_OCTETS))
        if tx.cards.by_number(number) is None:
            return number
