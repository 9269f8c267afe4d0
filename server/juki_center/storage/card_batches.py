"""Which batches of cards are cut off, and which cards are of them, in the database."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Final

from juki_center.areas.cards.batches import CardBatch, ChipLot, MadeBetween, Origin, card_batch
from juki_center.areas.cards.register import Card
from juki_center.storage.sql import SQL, Row, as_octets, as_text

_NAMES: Final = "SELECT name FROM disconnections WHERE scope = 'CARD_BATCH'"
_CHIP: Final = "SELECT chip_serial FROM card_personalisations WHERE card_serial = ?"
# What is over is no card any more; what is expired is refused wherever it is shown.
_LISTED: Final = (
    "c.status IN ('MAKING', 'MADE', 'HELD', 'ACTIVE', 'SUSPENDED') AND c.valid_until >= ?"
)
_MADE: Final = f"SELECT c.serial FROM cards c WHERE c.made_on BETWEEN ? AND ? AND {_LISTED}"  # noqa: S608  # constants
_LOT: Final = (
    "SELECT c.serial FROM card_personalisations p JOIN cards c ON c.serial = p.card_serial"  # noqa: S608  # constants
    f" WHERE p.chip_serial BETWEEN ? AND ? AND {_LISTED}"
)
_CHIP_OCTETS: Final = 16


class CutOffCards:
    """The batches that are cut off, for one transaction."""

    def __init__(self, sql: SQL) -> None:
        self._sql = sql

    def batches(self) -> list[CardBatch]:
        """Return the batches that are cut off."""
        return [card_batch(as_text(row[0])) for row in self._sql.execute(_NAMES).fetchall()]

    def marked(self, card: Card) -> Card:
        """Return a card as it was read, and whether its batch is cut off."""
        batches = self.batches()
        if not batches:
            return card
        origin = self.origin(card)
        return replace(card, is_cut_off=any(batch.covers(origin) for batch in batches))

    def origin(self, card: Card) -> Origin:
        """Return where a card comes from."""
        row = self._sql.execute(_CHIP, (card.serial,)).fetchone()
        return Origin(card.made_on, None if row is None else as_octets(row[0]))

    def serials(self, day: date) -> list[bytes]:
        """Return the serials of cards in use or in the making whose batch is cut off."""
        rows = [row for batch in self.batches() for row in self._of(batch, day)]
        return sorted({as_octets(row[0]) for row in rows})

    def _of(self, batch: CardBatch, day: date) -> list[Row]:
        today = day.isoformat()
        match batch:
            case MadeBetween(first, last):
                values = (first.isoformat(), last.isoformat(), today)
                return self._sql.execute(_MADE, values).fetchall()
            case ChipLot(prefix):
                ends = (prefix.ljust(_CHIP_OCTETS, b"\x00"), prefix.ljust(_CHIP_OCTETS, b"\xff"))
                return self._sql.execute(_LOT, (*ends, today)).fetchall()
