"""What takes a statement of a migration back."""

from __future__ import annotations

import re
from typing import Final

_BACK: Final = (
    (re.compile(r"CREATE TABLE (\w+)"), "DROP TABLE {0}"),
    (re.compile(r"CREATE (?:UNIQUE )?INDEX (\w+)"), "DROP INDEX {0}"),
    (re.compile(r"ALTER TABLE (\w+) ADD COLUMN (\w+)"), "ALTER TABLE {0} DROP COLUMN {1}"),
)


def undone(statement: str) -> str:
    """Return the statement that takes one back which makes a table, an index or a column.

    Raises ValueError for any other.

    >>> undone("ALTER TABLE answers ADD COLUMN leaf_index INTEGER")
    'ALTER TABLE answers DROP COLUMN leaf_index'
    """
    for made, back in _BACK:
        if found := made.match(statement):
            return back.format(*found.groups())
    raise ValueError(f"no way back from {statement[:40]!r}")
