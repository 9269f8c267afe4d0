"""The log's tree and heads, clerks and approvals, the fleet's certificates, and what is cut off.

As before, columns exist for keyed look-up, state and order only; times are microseconds since
1970-01-01T00:00Z, days are ISO 8601.
"""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# The log: its head and frontier, complete nodes, whose entries a leaf concerns.
_LOG: tuple[str, ...] = ()

# Clerks, their rights and sign-ins; approvals of second persons.
_CLERKS: tuple[str, ...] = ()

# Peers: tokens of enrolment, certificates that were issued.
_FLEET: tuple[str, ...] = ()

# Certificates that count no more, and what streams are told.
_REVOCATIONS: tuple[str, ...] = (
    """CREATE TABLE control_events (
        cursor INTEGER PRIMARY KEY CHECK (cursor > 0),
        at INTEGER NOT NULL,
        kind TEXT NOT NULL,
        subject TEXT NOT NULL,
        content BLOB NOT NULL
    )""",
    """CREATE TABLE revocations (
        subject TEXT PRIMARY KEY,
        uri TEXT NOT NULL,
        reason TEXT NOT NULL,
        revoked_at INTEGER NOT NULL,
        revoked_by TEXT NOT NULL
    ) WITHOUT ROWID""",
    "CREATE INDEX revocations_uri ON revocations (uri)",
)

# Who is cut off, and whose updates are quarantined.
_DISCONNECTIONS: tuple[str, ...] = (
    """CREATE TABLE disconnections (
        scope TEXT NOT NULL, name TEXT NOT NULL, level INTEGER NOT NULL, reason TEXT NOT NULL,
        at INTEGER NOT NULL, by_whom TEXT NOT NULL, PRIMARY KEY (scope, name)
    ) WITHOUT ROWID""",
)

# What the watchers have seen.
_ALERTS: tuple[str, ...] = ()


def upgrade() -> None:
    """Make the tables."""
    for statement in (*_LOG, *_CLERKS, *_FLEET, *_REVOCATIONS, *_DISCONNECTIONS, *_ALERTS):
        op.execute(statement)


def downgrade() -> None:
    """Refuse: going back would throw the log's heads away."""
    raise NotImplementedError("the log's heads cannot be taken back")
