"""`juki-center schema`: which schema a store has, and the way back to the one before.

The way forward is taken by every start. The way back is for an upgrade that has to be undone: the
older build then serves from the store as before.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from juki_center.cli.report import report, reporting
from juki_center.cli.restore import refuse_while_serving
from juki_center.config import CenterConfig
from juki_center.errors import StoreUnusable
from juki_center.storage.migrate import HEAD, check_newest
from juki_center.storage.schema_of import has_rows, revision_of, step_back
from juki_center.store_url import shown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from juki_center.cli.report import JSON

app = typer.Typer(no_args_is_help=True, help="Look at a store's schema, or take a step back.")

Config = Annotated[Path, typer.Option(envvar="JUKI_CONFIG", help="Configuration file.")]
AsJSON = Annotated[bool, typer.Option("--json", help="Print one JSON object (juki/1).")]
_DEFAULT_CONFIG: Final = Path("/etc/juki/center.toml")
# By the newest step: the tables of which an older build would know nothing, where a row in one of
# them keeps somebody out or waits to be done.
_FORGOTTEN: Final[dict[str, tuple[str, ...]]] = {"0007": ()}


@app.command()
def show(config: Config = _DEFAULT_CONFIG, as_json: AsJSON = False) -> None:
    """Say which schema the store has, and which one this build wants."""
    with reporting("schema show", as_json=as_json):
        found = revision_of(CenterConfig.load(config).store_url)
    result: dict[str, JSON] = {"store": found or "", "build": HEAD}
    report("schema show", result, [f"store {found}, build {HEAD}"], as_json=as_json)


@app.command()
def back(
    forget: Annotated[
        bool, typer.Option("--forget", help="Also where something would be forgotten.")
    ] = False,
    config: Config = _DEFAULT_CONFIG,
    as_json: AsJSON = False,
) -> None:
    """Take the newest step back, for an older build. What only the newer one knows is lost.

    Take a backup first. It is refused while a center serves, and while there is anything that the
    older build would let in again or never do.
    """
    with reporting("schema back", as_json=as_json):
        settings = CenterConfig.load(config)
        check_newest(revision_of(settings.store_url), shown(settings.store_url))
        refuse_while_serving(settings)
        if not forget:
            refuse_forgetting(settings.store_url, _FORGOTTEN[HEAD])
        now = step_back(settings.store_url)
    lines = [f"store {now}; start the build that has this schema"]
    report("schema back", {"store": now}, lines, as_json=as_json)


def refuse_forgetting(url: str, tables: Iterable[str]) -> None:
    """Raise StoreUnusable where one of these tables has a row."""
    for table in tables:
        if has_rows(url, table):
            raise StoreUnusable(f"{shown(url)}: {table} would be forgotten; --forget does it")
