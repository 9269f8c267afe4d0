"""`juki-center cards`: look at a card's state, suspend it, resume it, revoke it.

Works on the store itself, so it works whatever is disconnected or down; a center that serves from
the same file goes on and sees the change at its next look. The card register alone is touched.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from juki_center.areas.cards.rules import TRANSITIONS, CardEvent
from juki_center.areas.cards.states import ChangeStatus, change_status
from juki_center.areas.residents.codes import ResidentCode
from juki_center.cli import assembly
from juki_center.cli.report import report
from juki_center.errors import Reason, Refusal, RuleBroken

if TYPE_CHECKING:
    from juki_center.areas.cards.register import Card
    from juki_center.areas.ports import Tx
    from juki_center.cli.report import JSON
    from juki_center.config import CenterConfig

_SERIAL_OCTETS: Final = 32
_INPUT_LIMIT: Final = 64


@dataclass(frozen=True, slots=True)
class Which:
    """Which cards are meant: one by its serial, or all of the person with a code."""

    serial: bytes | None = field(default=None, repr=False)
    code: ResidentCode | None = None

    @classmethod
    def parse(cls, serial: str | None, code_from: str | None) -> Which:
        """Read what the command line names; raise RuleBroken unless it names exactly one."""
        if (serial is None) == (code_from is None):
            raise RuleBroken("EITHER_SERIAL_OR_CODE_FROM")
        if serial is not None:
            return cls(serial=_serial(serial))
        return cls(code=ResidentCode(_read(code_from or "-")))

    def cards(self, tx: Tx) -> list[Card]:
        """Return the cards; raise CARD_UNKNOWN where there is none."""
        found: list[Card] = []
        if self.serial is not None:
            card = tx.cards.card(self.serial)
            found = [card] if card is not None else []
        elif self.code is not None:
            holder = tx.residents.by_code(self.code)
            found = tx.cards.of_person(holder.person) if holder is not None else []
        if not found:
            raise Refusal(Reason.CARD_UNKNOWN)
        return found


async def status(config: CenterConfig, which: Which, *, as_json: bool) -> None:
    """Say in which state the cards are."""
    async with assembly.opened_store(config) as store:
        found = store.read(which.cards)
    _report("cards status", found, as_json=as_json)


async def change(
    config: CenterConfig, which: Which, event: CardEvent, command: str, *, as_json: bool
) -> None:
    """Let an event happen to every card that is meant and can have it.

    Raises NotAllowed where none can, such as all of them being revoked.
    """
    now = assembly.system_clock()
    caller = f"juki://center/{config.node}"

    def act(tx: Tx) -> list[Card]:
        cards = which.cards(tx)
        chosen = [card for card in cards if (card.status, event) in TRANSITIONS] or cards[:1]
        return [change_status(tx, ChangeStatus(caller, card.serial, event), now) for card in chosen]

    async with assembly.opened_store(config) as store:
        changed = await store.act(act)
    _report(command, changed, as_json=as_json)


def _serial(text: str) -> bytes:
    try:
        serial = bytes.fromhex(text)
    except ValueError:
        raise RuleBroken("SERIAL_IN_HEX") from None
    if len(serial) != _SERIAL_OCTETS:
        raise RuleBroken("SERIAL_OF_32_BYTES")
    return serial


def _read(source: str) -> str:
    try:
        if source == "-":
            return sys.stdin.readline(_INPUT_LIMIT).strip()
        with Path(source).open(encoding="utf-8") as file:
            return file.readline(_INPUT_LIMIT).strip()
    except UnicodeDecodeError:
        raise RuleBroken("NOT_TEXT") from None


def _report(command: str, cards: list[Card], *, as_json: bool) -> None:
    rows: list[JSON] = [
        {
            "serial": card.serial.hex(),
            "kind": card.kind.value,
            "status": card.status.value,
            "municipality": str(card.municipality),
            "valid_until": card.valid_until.isoformat(),
        }
        for card in cards
    ]
    lines = [
        f"{card.serial.hex()}  {card.status}  until {card.valid_until}  {card.municipality}"
        for card in cards
    ]
    report(command, {"cards": rows}, lines, as_json=as_json)
