"""`juki-center hotlist`: who counts no more, and the list that terminals are given.

Works on the store itself, beside a center that serves or without one.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import cbor2
import typer

from juki_center.cli.clock import system_clock
from juki_center.cli.copy_keys import hotlist_signer
from juki_center.cli.event_loop import run
from juki_center.cli.opening import opened_store
from juki_center.cli.report import report, reporting
from juki_center.cli.revoke import shown, told
from juki_center.config import CenterConfig
from juki_center.rpc.hotlist_book import HotlistBook

if TYPE_CHECKING:
    from juki_center.areas.fleet.revocations import Revocation
    from juki_center.areas.ports import Tx
    from juki_center.cli.report import JSON

app = typer.Typer(
    no_args_is_help=True,
    help="Show who was revoked and how many cards are stopped; export the signed list.",
)

Config = Annotated[Path, typer.Option(envvar="JUKI_CONFIG", help="Configuration file.")]
AsJSON = Annotated[bool, typer.Option("--json", help="Print one JSON object (juki/1).")]
_DEFAULT_CONFIG: Final = Path("/etc/juki/center.toml")
_FILE_VERSION: Final = 1
_PAGE: Final = 100


@app.command()
def show(
    after: Annotated[
        str, typer.Option(help="Begin behind this subject, the last one of the page before.")
    ] = "",
    config: Config = _DEFAULT_CONFIG,
    as_json: AsJSON = False,
) -> None:
    """List revoked peers and certificates, a hundred at a time, and count what is listed."""
    with reporting("hotlist show", as_json=as_json):
        settings = CenterConfig.load(config)
        revoked, count, book = run(_look(settings, after))
        result: dict[str, JSON] = {
            "cursor": book.cursor,
            "cards": len(book),
            "revoked": count,
            "revocations": [shown(one) for one in revoked],
        }
        first = f"{len(book)} cards, {count} revocations, cursor {book.cursor}"
        report("hotlist show", result, [first, *map(told, revoked)], as_json=as_json)


@app.command()
def export(
    out: Annotated[Path, typer.Option(help="File to write; a terminal takes it as it is.")],
    config: Config = _DEFAULT_CONFIG,
    as_json: AsJSON = False,
) -> None:
    """Write the whole list, signed, as a file for a terminal that cannot be reached."""
    with reporting("hotlist export", as_json=as_json):
        _, _, book = run(_look(CenterConfig.load(config), ""))
        pieces = book.whole()
        out.write_bytes(cbor2.dumps([_FILE_VERSION, book.cursor, pieces], canonical=True))
        result: dict[str, JSON] = {"file": str(out), "cursor": book.cursor, "cards": len(book)}
        line = f"{out}: {len(book)} cards, cursor {book.cursor}"
        report("hotlist export", result, [line], as_json=as_json)


async def _look(config: CenterConfig, after: str) -> tuple[list[Revocation], int, HotlistBook]:
    def question(tx: Tx) -> tuple[list[Revocation], int]:
        return tx.revocations.page(after, _PAGE), tx.revocations.count()

    signer = hotlist_signer(config)
    async with opened_store(config) as store:
        revoked, count = store.read(question)
        return revoked, count, HotlistBook(store, signer, system_clock)
