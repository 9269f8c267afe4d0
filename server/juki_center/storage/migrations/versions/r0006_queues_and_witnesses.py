"""What waits for a cut-off register, cosignatures of the log's heads, and the fleet's view.

As before, columns exist for keyed look-up, state and order only; times are microseconds since
1970-01-01T00:00Z, days are ISO 8601.
"""

from __future__ import annotations

from itertools import chain

from alembic import op

from juki_center.storage.undoing import undone

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# What waits in order.
_QUEUES: tuple[str, ...] = (
    """CREATE TABLE notice_queues (
        municipality TEXT PRIMARY KEY REFERENCES municipalities (code), state TEXT NOT NULL,
        at INTEGER NOT NULL, held INTEGER NOT NULL, inbox BLOB NOT NULL,
        key_version INTEGER NOT NULL, sealed BLOB NOT NULL
    ) WITHOUT ROWID""",
    # The place is never given twice, so that the order stands.
    """CREATE TABLE queued_notices (
        place INTEGER PRIMARY KEY AUTOINCREMENT,
        municipality TEXT NOT NULL REFERENCES notice_queues (municipality),
        id BLOB NOT NULL UNIQUE, kind TEXT NOT NULL, about TEXT NOT NULL, at INTEGER NOT NULL,
        sealed BLOB, set_aside TEXT
    )""",
    "CREATE INDEX queued_notices_by_office ON queued_notices (municipality, place)",
    "CREATE INDEX queued_notices_by_move ON queued_notices (about, place)",
    # What became of those that have waited; nothing of their content.
    """CREATE TABLE notice_fates (
        id BLOB PRIMARY KEY, municipality TEXT NOT NULL, kind TEXT NOT NULL, about TEXT NOT NULL,
        at INTEGER NOT NULL, ended_at INTEGER NOT NULL, fate TEXT NOT NULL
    ) WITHOUT ROWID""",
    "CREATE INDEX notice_fates_by_move ON notice_fates (about)",
    "CREATE INDEX notice_fates_by_end ON notice_fates (ended_at)",
)

# Cosignatures of the log's heads.
_WITNESSES: tuple[str, ...] = (
    """CREATE TABLE cosignatures (
        witness TEXT NOT NULL, key_id BLOB NOT NULL, size INTEGER NOT NULL,
        cosigned_at INTEGER NOT NULL, taken_at INTEGER NOT NULL, note BLOB NOT NULL,
        PRIMARY KEY (witness, key_id, size)
    ) WITHOUT ROWID""",
)

# Terminals, their reports and their certificates.
_FLEET: tuple[str, ...] = ()

# Cards, clerks and approvals.
_CARDS: tuple[str, ...] = ("CREATE INDEX cards_by_day ON cards (made_on)",)


def _parts() -> tuple[tuple[str, ...], ...]:
    return (_QUEUES, _WITNESSES, _FLEET, _CARDS)


def upgrade() -> None:
    """Make the tables."""
    for statement in chain.from_iterable(_parts()):
        op.execute(statement)


def downgrade() -> None:
    """Take the tables away, the last one first.

    What is lost with them is lost: who asks for this has been told.
    """
    for statement in reversed(tuple(chain.from_iterable(_parts()))):
        op.execute(undone(statement))
