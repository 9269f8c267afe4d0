"""`juki-center cards retention` and `cards fees`: what is kept for how long, what was taken.

Numbers and days only: nothing that is kept is opened, and nobody is named.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from juki_center.areas.cards.retention import Kept, kept
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.cli.clock import system_clock
from juki_center.cli.opening import opened_store
from juki_center.cli.report import report
from juki_center.errors import RuleBroken

if TYPE_CHECKING:
    from juki_center.areas.cards.application_rows import Fee
    from juki_center.areas.ports import Tx
    from juki_center.cli.report import JSON
    from juki_center.config import CenterConfig


@dataclass(frozen=True, slots=True)
class FeesWanted:
    """Whose fees are meant, and of which days in Japan, both included."""

    municipality: MunicipalityCode
    first: date
    last: date

    @classmethod
    def parse(cls, municipality: str, first: str, last: str) -> FeesWanted:
        """Read what the command line names. Raises RuleBroken naming the option."""
        days = _day("--from", first), _day("--to", last)
        if days[1] < days[0]:
            raise RuleBroken("DAYS_REVERSED", "--to")
        return cls(MunicipalityCode(municipality), *days)

    def fees(self, tx: Tx) -> list[Fee]:
        """Return the lines of the ledger. Raises RuleBroken, NOT_HOSTED."""
        if not tx.registers.is_hosted(self.municipality):
            raise RuleBroken("NOT_HOSTED", "--municipality")
        return tx.applications.fees(self.municipality, self.first, self.last)


async def retention(config: CenterConfig, *, as_json: bool) -> None:
    """Say what is kept of cards, since when, and what a running center deletes within the hour."""
    now = system_clock()
    async with opened_store(config) as store:
        found = store.read(lambda tx: kept(tx, now))
    rows: list[JSON] = [
        {
            "kind": one.kind,
            "kept": one.holding.count,
            "oldest": one.holding.oldest.isoformat() if one.holding.oldest else None,
            "due": one.holding.due,
            "rule": one.rule,
        }
        for one in found
    ]
    report("cards retention", {"kinds": rows}, [_kept_line(one) for one in found], as_json=as_json)


async def fees(config: CenterConfig, wanted: FeesWanted, *, as_json: bool) -> None:
    """List the fees that were taken, and their sum."""
    async with opened_store(config) as store:
        found = store.read(wanted.fees)
    total = sum(fee.amount_yen for fee in found)
    rows: list[JSON] = [
        {
            "takenOn": fee.taken_on.isoformat(),
            "application": str(fee.application),
            "cardNumber": str(fee.card_number),
            "kind": str(fee.kind),
            "amountYen": fee.amount_yen,
            "terminal": fee.terminal_uri,
        }
        for fee in found
    ]
    result: dict[str, JSON] = {
        "municipality": str(wanted.municipality),
        "from": wanted.first.isoformat(),
        "to": wanted.last.isoformat(),
        "totalYen": total,
        "fees": rows,
    }
    lines = [_fee_line(fee) for fee in found]
    report("cards fees", result, [*lines, f"{len(found)} fees, {total:,} yen"], as_json=as_json)


def _kept_line(one: Kept) -> str:
    held = one.holding
    since = f"since {held.oldest:%Y-%m-%d}" if held.oldest else "-"
    return f"{one.kind:<8} {held.count:>9,}  {since:<16} {held.due:>9,} due  ({one.rule})"


def _fee_line(fee: Fee) -> str:
    return (
        f"{fee.taken_on}  {fee.application}  {fee.card_number}  {fee.kind:<7}"
        f" {fee.amount_yen:>6,} yen  {fee.terminal_uri}"
    )


def _day(option: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise RuleBroken("DAY_TEXT", option) from None
