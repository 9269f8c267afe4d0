"""`juki-center codes`: fill the municipalities' stocks of resident record codes, and watch them.

Codes are made at random by the center and are never shown: here are numbers of them only.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from juki_center.areas.residents.assignment import Stocked, stock_codes, stocks_of
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.cli.clock import system_clock
from juki_center.cli.event_loop import run
from juki_center.cli.opening import opened_store
from juki_center.cli.report import report, reporting
from juki_center.config import CenterConfig
from juki_center.errors import RuleBroken

if TYPE_CHECKING:
    from juki_center.areas.ports import Tx
    from juki_center.areas.residents.assignment import Stock
    from juki_center.cli.report import JSON

app = typer.Typer(
    no_args_is_help=True,
    help="Fill the municipalities' stocks of resident record codes, and watch them.",
)

Config = Annotated[Path, typer.Option(envvar="JUKI_CONFIG", help="Configuration file.")]
AsJSON = Annotated[bool, typer.Option("--json", help="Print one JSON object (juki/1).")]
_DEFAULT_CONFIG: Final = Path("/etc/juki/center.toml")
# Small enough that a center which serves from the same file hardly waits.
_AT_ONCE: Final = 1_000


@app.command()
def stock(
    municipality: Annotated[str, typer.Option(metavar="CODE", help="Whose register, six digits.")],
    count: Annotated[int, typer.Option(min=1, max=10_000_000, help="How many codes to add.")],
    config: Config = _DEFAULT_CONFIG,
    as_json: AsJSON = False,
) -> None:
    """Add new random codes to a municipality's stock; works beside a center that serves."""
    with reporting("codes stock", as_json=as_json):
        wanted = MunicipalityCode(municipality)
        run(_stock(CenterConfig.load(config), wanted, count, as_json=as_json))


@app.command("list")
def list_stocks(config: Config = _DEFAULT_CONFIG, as_json: AsJSON = False) -> None:
    """List how many codes each hosted municipality has left, and who needs more."""
    with reporting("codes list", as_json=as_json):
        run(_list(CenterConfig.load(config), as_json=as_json))


async def _stock(
    config: CenterConfig, municipality: MunicipalityCode, count: int, *, as_json: bool
) -> None:
    caller = f"juki://center/{config.node}"

    def act(tx: Tx, wanted: int) -> Stocked:
        if not tx.registers.is_hosted(municipality):
            raise RuleBroken("NOT_HOSTED", "--municipality")
        now = system_clock()
        return stock_codes(tx, municipality, wanted, now, caller_uri=caller)

    added = left = 0
    async with opened_store(config) as store:
        while added < count:
            wanted = min(_AT_ONCE, count - added)
            done = await store.act(lambda tx, wanted=wanted: act(tx, wanted))  # type: ignore[misc]  # the loop's own
            added, left = added + done.added, done.left
    result: dict[str, JSON] = {"municipality": str(municipality), "added": added, "left": left}
    line = f"{municipality}: {added} codes added, {left} left"
    report("codes stock", result, [line], as_json=as_json)


async def _list(config: CenterConfig, *, as_json: bool) -> None:
    async with opened_store(config) as store:
        stocks = store.read(lambda tx: stocks_of(tx, config.low_stock))
    rows: list[JSON] = [
        {"municipality": str(one.municipality), "left": one.left, "low": one.is_low}
        for one in stocks
    ]
    report(
        "codes list",
        {"alertBelow": config.low_stock, "stocks": rows},
        [_line(one, config.low_stock) for one in stocks],
        as_json=as_json,
    )


def _line(stock: Stock, low_stock: int) -> str:
    alert = f"  low: below {low_stock}" if stock.is_low else ""
    return f"{stock.municipality}  {stock.left:>9,}{alert}"
