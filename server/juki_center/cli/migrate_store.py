"""`juki-center migrate-store`: move what a file holds into a database on a server."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from juki_center.cli.clock import system_clock
from juki_center.cli.pace import Pace
from juki_center.cli.report import report, reporting
from juki_center.cli.restore import refuse_while_serving
from juki_center.config import CenterConfig
from juki_center.errors import ConfigInvalid
from juki_center.store_url import check_url, file_of, is_server, shown

if TYPE_CHECKING:
    from juki_center.cli.report import JSON

Config = Annotated[Path, typer.Option(envvar="JUKI_CONFIG", help="Configuration file.")]
AsJSON = Annotated[bool, typer.Option("--json", help="Print one JSON object (juki/1).")]
_DEFAULT_CONFIG: Final = Path("/etc/juki/center.toml")
_ROW_OCTETS: Final = 300


def migrate_store(
    origin: Annotated[str, typer.Argument(metavar="FROM", help="The file: sqlite:///FILE.")],
    target: Annotated[
        str,
        typer.Argument(metavar="TO", help="An empty database: postgresql://USER@HOST/NAME."),
    ],
    config: Config = _DEFAULT_CONFIG,
    as_json: AsJSON = False,
) -> None:
    """Move a store into an empty database while the center is stopped, all of it or nothing.

    Each row is read back and compared. The file is set aside then, so that nobody serves from it
    by mistake; until the end it stays as it is. A password is never named here: see passfile= and
    PGPASSFILE.
    """
    with reporting("migrate-store", as_json=as_json):
        path = file_of(origin)
        if not is_server(target):
            raise ConfigInvalid("TO", "must be postgresql://USER@HOST/NAME")
        check_url(target)
        refuse_while_serving(CenterConfig.load(config))
        _move(path, target, as_json=as_json)


def _move(path: Path, target: str, *, as_json: bool) -> None:
    # Not everybody who runs a center has the driver.
    from juki_center.storage.moving_store import move_store  # noqa: PLC0415

    octets = path.stat().st_size if path.is_file() else 0
    with Pace("moving", max(1, octets // _ROW_OCTETS), unit="rows") as pace:
        moved = move_store(path, target, system_clock(), lambda rows: pace.reached(rows, rows))
    rows = sum(moved.rows.values())
    result: dict[str, JSON] = {
        "store": shown(target),
        "rows": rows,
        "tables": dict(moved.rows),
        "digest": moved.digest,
        "leaves": moved.leaves,
        "aside": str(moved.aside),
    }
    lines = [
        f"{shown(target)}: {rows:,} rows, each compared; the log's head over {moved.leaves:,}"
        " leaves is the same",
        f"{path} is {moved.aside.name} now; set store.url, then start the center",
    ]
    report("migrate-store", result, lines, as_json=as_json)
