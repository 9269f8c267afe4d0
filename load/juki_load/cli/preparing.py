"""`juki-load prepare` and `juki-load enter`."""

from __future__ import annotations

import asyncio
import sys
import time
from typing import TYPE_CHECKING, Final

from juki_center.config import CenterConfig
from juki_center.errors import ConfigInvalid
from juki_client.outcome import Problem
from juki_client.report import Report
from juki_load.prepare.entering import enter
from juki_load.prepare.making import Wanted, prepare
from juki_load.prepared import Prepared

if TYPE_CHECKING:
    from pathlib import Path

_BETWEEN_LINES: Final = 1.0


class Progress:
    """Says how far it is, once a second, on standard error."""

    def __init__(self) -> None:
        """Nothing was said yet."""
        self._said = 0.0
        self._what = ""

    def __call__(self, what: str, done: int, count: int) -> None:
        """Take how much is done."""
        now = time.monotonic()
        is_news = what != self._what and done < count
        if is_news or now - self._said >= _BETWEEN_LINES:
            sys.stderr.write(f"{what}: {done} of {count}\n")
            self._said, self._what = now, what


def prepare_folder(
    folder: Path, center_pki: Path, counts: tuple[int, int, int, int, int]
) -> Report:
    """Make the folder; `counts` are terminals, cards, residents, agencies and the seed."""
    terminals, cards, residents, agencies, seed = counts
    wanted = Wanted(folder, center_pki, terminals, cards, residents, agencies, seed)
    made = prepare(wanted, Progress()).manifest
    text = (
        f"{folder}: {len(made.terminals)} terminals, {len(made.agencies)} agencies, "
        f"{made.cards} cards, {made.residents} residents\n"
        f"next: juki-load enter --from {folder} --center-config CENTER.toml"
    )
    facts = {"terminals": terminals, "agencies": agencies, "cards": cards, "residents": residents}
    return Report({"dir": str(folder), **facts}, text)


def enter_folder(folder: Path, center_config: Path) -> Report:
    """Enter the folder's people at the center of a configuration."""
    try:
        config = CenterConfig.load(center_config)
    except (OSError, ConfigInvalid) as error:
        facts = {"file": str(center_config), "rule": str(error)}
        raise Problem("CONFIGURATION_INVALID", facts) from error
    found = asyncio.run(enter(Prepared.load(folder), config, Progress()))
    text = ", ".join(f"{count} {name}" for name, count in found.items())
    return Report({**found}, f"entered: {text}")
