"""Codes for a stock: made at random, never one that anybody has or had, and drawn once for ever.

A body whose check digit's remainder is 0 is left out, and so is the code that is all zeros. Whether
a code is taken already, only the store knows: it leaves such a one out.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from juki_center.areas.audit.events import AuditEvent, AuditLog, Event
from juki_center.areas.ports import Chance
from juki_center.areas.residents.codes import (
    MunicipalityCode,
    ResidentCode,
    is_issuable,
    resident_check_digit,
)
from juki_center.areas.residents.records import Residents
from juki_center.areas.residents.registers import Registers
from juki_center.areas.residents.stock import CodeStock
from juki_center.errors import Reason, Refusal

MOST_AT_ONCE: Final = 100_000
"""How many codes one act puts into a stock at most."""
_BODIES: Final = 10**10
_OCTETS: Final = 8
# Numbers from here on are thrown away, so that every body is equally likely.
_FAIR_BELOW: Final = 2 ** (8 * _OCTETS) // _BODIES * _BODIES


class StockTx(Protocol):
    """What filling a stock needs of a transaction."""

    @property
    def audit(self) -> AuditLog: ...

    @property
    def chance(self) -> Chance: ...

    @property
    def codes(self) -> CodeStock: ...


class DrawTx(Protocol):
    """What taking a code from a stock needs of a transaction."""

    @property
    def codes(self) -> CodeStock: ...

    @property
    def residents(self) -> Residents: ...


class ListTx(Protocol):
    """What looking at the stocks needs of a transaction."""

    @property
    def codes(self) -> CodeStock: ...

    @property
    def registers(self) -> Registers: ...


@dataclass(frozen=True, slots=True)
class Stock:
    """How many codes a municipality has left, and whether that is below the alert level."""

    municipality: MunicipalityCode
    left: int
    is_low: bool


@dataclass(frozen=True, slots=True)
class Stocked:
    """Answer: how many codes were added, and how many the municipality has now."""

    added: int
    left: int


def stock_codes(
    tx: StockTx, municipality: MunicipalityCode, count: int, now: datetime, *, caller_uri: str
) -> Stocked:
    """Put `count` new codes, at most 100,000, into the stock of a hosted municipality.

    Raises Refusal(RESIDENCE_DISCONNECTED), and ValueError for another count.
    """
    if not 1 <= count <= MOST_AT_ONCE:
        raise ValueError("1 to 100,000 codes at once")
    added = 0
    while added < count:
        fresh = {new_code(tx.chance).digits for _ in range(count - added)}
        # Taken ones are left out by the store; new ones are made in their place.
        added += tx.codes.add(municipality, map(ResidentCode, sorted(fresh)))
    tx.audit.append(
        AuditEvent(
            event=Event.CODES_STOCKED,
            at=now,
            caller_uri=caller_uri,
            residence=municipality,
            details=(("added", str(added)),),
        )
    )
    return Stocked(added, tx.codes.count(municipality))


def new_code(chance: Chance) -> ResidentCode:
    """Return a random code that a stock may hold (10 random digits and the check digit)."""
    while True:
        number = int.from_bytes(chance.octets(_OCTETS))
        body = f"{number % _BODIES:010d}"
        if number >= _FAIR_BELOW or not int(body):
            continue
        code = ResidentCode(body + resident_check_digit(body))
        if is_issuable(code):
            return code


def draw_code(tx: DrawTx, municipality: MunicipalityCode) -> ResidentCode:
    """Take a code from the stock, for good.

    Raises Refusal: CODE_STOCK_EMPTY, RESIDENCE_DISCONNECTED.
    """
    while (code := tx.codes.draw(municipality)) is not None:
        # The municipality's own system may have assigned it meanwhile, and told us by an update.
        if tx.residents.by_any_code(code) is None:
            return code
    raise Refusal(Reason.CODE_STOCK_EMPTY)


def is_low(codes: CodeStock, municipality: MunicipalityCode, low_stock: int) -> bool:
    """Tell whether a stock has fallen below its alert level (STD-4.3.1)."""
    return codes.count(municipality) < low_stock


def stocks_of(tx: ListTx, low_stock: int) -> list[Stock]:
    """Return the stock of every hosted municipality, in the order of their codes."""
    return [
        Stock(one, tx.codes.count(one), is_low(tx.codes, one, low_stock))
        for one in tx.registers.hosted()
    ]
