"""Batches of cards: those that were made in a span of days, or of chips from one lot.

A fault or a theft at a maker's strikes a lot of chips, a fault in making strikes days. Numbers on
faces are drawn at random, so no range of them is a batch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Final, Protocol, TypeAlias

from juki_center.errors import Reason, Refusal, RuleBroken

PREFIX: Final = "juki://cards/"
_RULE: Final = "NO_CARD_BATCH"
_MOST_LOT_OCTETS: Final = 16


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a card comes from: the day on which it was made, and its chip's serial number.

    A clerk's card has no chip that the center knows.
    """

    made_on: date
    chip_serial: bytes | None


@dataclass(frozen=True, slots=True)
class MadeBetween:
    """The cards that were made from one day to another, both included."""

    first: date
    last: date

    def covers(self, origin: Origin) -> bool:
        """Whether a card that comes from there is one of them."""
        return self.first <= origin.made_on <= self.last


@dataclass(frozen=True, slots=True)
class ChipLot:
    """The cards on chips whose serial number begins with these octets."""

    prefix: bytes

    def covers(self, origin: Origin) -> bool:
        """Whether a card that comes from there is one of them."""
        return origin.chip_serial is not None and origin.chip_serial.startswith(self.prefix)


CardBatch: TypeAlias = MadeBetween | ChipLot


class CutOffBatches(Protocol):
    """What the store keeps of batches that are cut off."""

    def card_batches(self) -> list[CardBatch]:
        """Return the batches of cards that are cut off."""


class BatchTx(Protocol):
    """What looking whether a batch is cut off needs of a transaction."""

    @property
    def disconnections(self) -> CutOffBatches: ...


def card_batch(name: str) -> CardBatch:
    """Return the batch that a name stands for. Raises RuleBroken(NO_CARD_BATCH).

    >>> card_batch("juki://cards/made/2026-11-02/2026-11-06").covers(
    ...     Origin(date(2026, 11, 6), None)
    ... )
    True
    >>> card_batch("juki://cards/chip/0a1b")
    ChipLot(prefix=b'\\n\\x1b')
    """
    if not name.startswith(PREFIX):
        raise RuleBroken(_RULE)
    kind, _, what = name.removeprefix(PREFIX).partition("/")
    parse = _KINDS.get(kind)
    if parse is None:
        raise RuleBroken(_RULE)
    try:
        return parse(what)
    except ValueError:
        raise RuleBroken(_RULE) from None


def _made_between(text: str) -> MadeBetween:
    days = [date.fromisoformat(day) for day in text.split("/")]
    # One batch has one name: other spellings of the same days are none.
    if len(days) != 2 or days[1] < days[0] or "/".join(map(str, days)) != text:
        raise RuleBroken(_RULE)
    return MadeBetween(*days)


def _chip_lot(text: str) -> ChipLot:
    prefix = bytes.fromhex(text)
    if not 1 <= len(prefix) <= _MOST_LOT_OCTETS or prefix.hex() != text:
        raise RuleBroken(_RULE)
    return ChipLot(prefix)


_KINDS: Final[dict[str, Callable[[str], CardBatch]]] = {"made": _made_between, "chip": _chip_lot}


def refuse_cut_off_batch(tx: BatchTx, origin: Origin) -> None:
    """Raise Refusal(DISCONNECTED_CARD_BATCH) where a card from there must not come to be now.

    So no card ever joins a batch that is cut off.
    """
    if any(batch.covers(origin) for batch in tx.disconnections.card_batches()):
        raise Refusal(Reason.DISCONNECTED_CARD_BATCH)
