"""Moves: notices, their persons, papers and alerts; cards that wait; copies not yet printed.

As before, columns exist for keyed look-up, state and order only; times are microseconds since
1970-01-01T00:00Z, days are ISO 8601.
"""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_STATEMENTS = (
    "ALTER TABLE cards ADD COLUMN continue_until TEXT",
    """CREATE INDEX cards_awaiting ON cards (continue_until)
        WHERE continue_until IS NOT NULL AND status IN ('ACTIVE', 'SUSPENDED')""",
    # The last version of a stay that ended by a move to another municipality.
    "ALTER TABLE record_history ADD COLUMN ended_stay INTEGER NOT NULL DEFAULT 0",
    """CREATE INDEX record_history_ended ON record_history (municipality, household)
        WHERE ended_stay = 1""",
    # Whose entries a copy shows, while it may still be printed; not for longer.
    """CREATE TABLE issue_persons (
        number TEXT NOT NULL REFERENCES issues (number), person BLOB NOT NULL,
        issued_at INTEGER NOT NULL, PRIMARY KEY (number, person)
    ) WITHOUT ROWID""",
    "CREATE INDEX issue_persons_by_person ON issue_persons (person)",
    "CREATE INDEX issue_persons_to_forget ON issue_persons (issued_at)",
    """CREATE TABLE moves (
        cursor INTEGER PRIMARY KEY, number TEXT NOT NULL UNIQUE, origin TEXT NOT NULL,
        destination TEXT, kind TEXT NOT NULL, state TEXT NOT NULL, version INTEGER NOT NULL,
        planned_on TEXT NOT NULL, notified_on TEXT NOT NULL, filed_at INTEGER NOT NULL,
        last_day TEXT, departed INTEGER NOT NULL, arrived_in TEXT, moved_on TEXT,
        registered_late INTEGER NOT NULL, ended_at INTEGER, certificates INTEGER NOT NULL,
        certificate_version INTEGER NOT NULL, missing_since INTEGER, transfer_id BLOB UNIQUE,
        transfer_to TEXT, transfer_terminal TEXT, transfer_card BLOB, transfer_moved_on TEXT,
        fetched_at INTEGER, key_version INTEGER NOT NULL, sealed BLOB NOT NULL
    )""",
    "CREATE INDEX moves_out ON moves (origin, cursor)",
    "CREATE INDEX moves_out_open ON moves (origin, cursor) WHERE ended_at IS NULL",
    "CREATE INDEX moves_expected ON moves (destination, cursor) WHERE ended_at IS NULL",
    "CREATE INDEX moves_fetched ON moves (transfer_to, cursor) WHERE ended_at IS NULL",
    "CREATE INDEX moves_in ON moves (arrived_in, cursor) WHERE arrived_in IS NOT NULL",
    """CREATE INDEX moves_departing ON moves (planned_on)
        WHERE ended_at IS NULL AND departed = 0""",
    "CREATE INDEX moves_overdue ON moves (last_day) WHERE state = 'NOTIFIED'",
    "CREATE INDEX moves_stale ON moves (fetched_at) WHERE state = 'TRANSFERRED'",
    """CREATE INDEX moves_unarrived ON moves (planned_on)
        WHERE ended_at IS NULL AND departed = 1 AND missing_since IS NULL
        AND destination IS NOT NULL""",
    """CREATE INDEX moves_missing ON moves (origin, cursor)
        WHERE ended_at IS NULL AND missing_since IS NOT NULL""",
    "CREATE INDEX moves_by_key ON moves (origin, key_version)",
    """CREATE TABLE move_members (
        number TEXT NOT NULL REFERENCES moves (number), place INTEGER NOT NULL,
        person BLOB NOT NULL, state TEXT NOT NULL, is_open INTEGER NOT NULL,
        left_version INTEGER NOT NULL, arrived_version INTEGER NOT NULL,
        PRIMARY KEY (number, person)
    ) WITHOUT ROWID""",
    # Nobody is in two notices at a time: the acts look before they write, and this holds whatever
    # they overlook.
    "CREATE UNIQUE INDEX move_members_open ON move_members (person) WHERE is_open = 1",
    "CREATE INDEX move_members_by_person ON move_members (person)",
    """CREATE TABLE move_arrivals (
        number TEXT PRIMARY KEY REFERENCES moves (number), municipality TEXT NOT NULL,
        key_version INTEGER NOT NULL, sealed BLOB NOT NULL
    )""",
    "CREATE INDEX move_arrivals_by_key ON move_arrivals (municipality, key_version)",
    """CREATE TABLE move_corrections (
        number TEXT NOT NULL REFERENCES moves (number), person BLOB NOT NULL,
        municipality TEXT NOT NULL, sent_at INTEGER NOT NULL, key_version INTEGER NOT NULL,
        sealed BLOB NOT NULL, PRIMARY KEY (number, person)
    )""",
    "CREATE INDEX move_corrections_by_key ON move_corrections (municipality, key_version)",
    """CREATE TABLE move_alerts (
        cursor INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, municipality TEXT NOT NULL,
        number TEXT NOT NULL, kind TEXT NOT NULL, at INTEGER NOT NULL, seen_at INTEGER
    )""",
    "CREATE INDEX move_alerts_of ON move_alerts (municipality, cursor)",
    """CREATE INDEX move_alerts_expected ON move_alerts (number, cursor)
        WHERE kind IN ('EXPECTED', 'NO_LONGER_EXPECTED')""",
    """CREATE INDEX move_alerts_unseen ON move_alerts (municipality, cursor)
        WHERE seen_at IS NULL""",
)


def upgrade() -> None:
    """Make the tables."""
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Refuse: going back would throw notices and claims away."""
    raise NotImplementedError("moves cannot be taken back")
