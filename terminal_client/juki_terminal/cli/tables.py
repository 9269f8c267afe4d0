"""Tables on a screen, in plain text."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Final

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text as Styled

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_WIDE: Final = 10_000


def table(head: Sequence[str], rows: Iterable[Sequence[str]], title: str = "") -> str:
    """Return rows under a head, or without one: label and text, one a line.

    A text of a person is never read as markup, and never cut.
    """
    drawn = Table(box=box.SIMPLE, show_header=bool(head), title=title or None, title_justify="left")
    if head:
        for name in head:
            drawn.add_column(name, no_wrap=True, overflow="ignore")
    else:
        drawn.add_column(no_wrap=True, overflow="ignore")
        drawn.add_column(no_wrap=True, overflow="ignore")
    for row in rows:
        drawn.add_row(*(Styled(cell) for cell in row))
    page = io.StringIO()
    Console(file=page, width=_WIDE, color_system=None, legacy_windows=False).print(drawn)
    return "\n".join(line.rstrip() for line in page.getvalue().strip("\n").splitlines())
