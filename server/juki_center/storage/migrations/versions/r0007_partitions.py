"""On a server, records in partitions by municipality, and what is found by a token by token.

A file is left as it is. A key of a table in partitions has the partition's column in it. That a
person has one record is kept by the directory instead: it names one municipality for each person,
and a record must be where the directory says, looked at when a transaction ends.
"""

from __future__ import annotations

from typing import NamedTuple

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

PARTITIONS = 4


class _Table(NamedTuple):
    """A table that is made anew: its columns, by what it is parted, and its keys before and now."""

    name: str
    columns: str
    by: str
    key_before: str
    key: str
    indexes: tuple[str, ...]

    @property
    def names(self) -> str:
        return ", ".join(one.split()[0] for one in self.columns.split(", "))


_PERSON = "FOREIGN KEY (person) REFERENCES directory (person)"
# Of both tables the one is written before the other.
_PLACE = (
    "ALTER TABLE records ADD FOREIGN KEY (person, municipality)"
    " REFERENCES directory (person, municipality) DEFERRABLE INITIALLY DEFERRED"
)
_TABLES = (
    _Table(
        "records",
        "person BLOB NOT NULL, municipality TEXT NOT NULL REFERENCES municipalities (code),"
        " household BLOB NOT NULL, version INTEGER NOT NULL, key_version INTEGER NOT NULL,"
        " sealed BLOB NOT NULL",
        "municipality",
        f"PRIMARY KEY (person), {_PERSON}",
        "PRIMARY KEY (person, municipality)",
        (
            "CREATE INDEX records_by_household ON records (municipality, household)",
            "CREATE INDEX records_by_key ON records (municipality, key_version)",
        ),
    ),
    _Table(
        "code_index",
        "token BLOB NOT NULL, key_version INTEGER NOT NULL, person BLOB,"
        " is_former INTEGER NOT NULL",
        "token",
        "PRIMARY KEY (token)",
        "PRIMARY KEY (token)",
        ("CREATE INDEX code_index_by_person ON code_index (person) WHERE person IS NOT NULL",),
    ),
    _Table(
        "attribute_index",
        "token BLOB NOT NULL, person BLOB NOT NULL, key_version INTEGER NOT NULL",
        "token",
        "PRIMARY KEY (token, person)",
        "PRIMARY KEY (token, person)",
        ("CREATE INDEX attribute_index_by_person ON attribute_index (person)",),
    ),
)
_PLACES = "CREATE UNIQUE INDEX directory_places ON directory (person, municipality)"


def upgrade() -> None:
    """Part the tables, on a server."""
    if op.get_bind().dialect.name != "postgresql":
        return
    op.execute(_PLACES)
    for table in _TABLES:
        op.execute(
            f"CREATE TABLE {table.name}_anew ({table.columns}, {table.key})"
            f" PARTITION BY HASH ({table.by})"
        )
        for number in range(PARTITIONS):
            op.execute(
                f"CREATE TABLE {table.name}_{number}_of_{PARTITIONS} PARTITION OF {table.name}_anew"
                f" FOR VALUES WITH (MODULUS {PARTITIONS}, REMAINDER {number})"
            )
        _take_over(table)
    op.execute(_PLACE)


def downgrade() -> None:
    """Make each table one again, on a server."""
    if op.get_bind().dialect.name != "postgresql":
        return
    for table in _TABLES:
        rowid = ") WITHOUT ROWID" if table.name != "records" else ")"
        op.execute(f"CREATE TABLE {table.name}_anew ({table.columns}, {table.key_before}{rowid}")
        _take_over(table)
    op.execute("DROP INDEX directory_places")


def _take_over(table: _Table) -> None:
    """Move the rows into the table that was made, and give it the name."""
    name, names = table.name, table.names
    op.execute(f"INSERT INTO {name}_anew ({names}) SELECT {names} FROM {name}")  # noqa: S608  # ours
    op.execute(f"DROP TABLE {name}")
    op.execute(f"ALTER TABLE {name}_anew RENAME TO {name}")
    op.execute(f"ALTER TABLE {name} RENAME CONSTRAINT {name}_anew_pkey TO {name}_pkey")
    for index in table.indexes:
        op.execute(index)
