"""Tables for people, drawn as text."""

from __future__ import annotations

import io
import shutil
from typing import TYPE_CHECKING, Final

from rich.console import Console

if TYPE_CHECKING:
    from rich.table import Table

_LEAST_COLUMNS: Final = 80


def drawn(table: Table) -> str:
    """Return a table as wide as the terminal; what stands in it is text and no markup."""
    columns = max(shutil.get_terminal_size().columns, _LEAST_COLUMNS)
    console = Console(file=io.StringIO(), width=columns, markup=False, emoji=False, highlight=False)
    with console.capture() as capture:
        console.print(table)
    return capture.get().rstrip("\n")
