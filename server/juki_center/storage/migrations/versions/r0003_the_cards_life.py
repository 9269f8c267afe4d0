"""The card's life: numbers on faces, applications, photos, fees, cards in the making, unlockings.

As before, columns exist for keyed look-up, state and order only; times are microseconds since
1970-01-01T00:00Z, days are ISO 8601.
"""

from __future__ import annotations

import secrets

from alembic import op
from sqlalchemy import text

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_CARDS = (
    "ALTER TABLE cards ADD COLUMN number TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE cards ADD COLUMN made_on TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE cards ADD COLUMN style TEXT NOT NULL DEFAULT 'STYLE_1'",
    "ALTER TABLE cards ADD COLUMN pin_pending INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE cards ADD COLUMN returned_at INTEGER",
)
# The day after the last good one, ten years before: nearly always the day of making.
_MADE_ON = "UPDATE cards SET made_on = date(valid_until, '+1 day', '-10 years')"

_LIFE = (
    "ALTER TABLE batches ADD COLUMN content_token BLOB",
    "CREATE UNIQUE INDEX cards_by_number ON cards (number)",
    "CREATE INDEX card_sessions_by_card ON card_sessions (card_serial) WHERE is_used = 0",
    """CREATE TABLE card_applications (
        cursor INTEGER PRIMARY KEY, number TEXT NOT NULL UNIQUE, municipality TEXT NOT NULL,
        person BLOB NOT NULL, state TEXT NOT NULL, kind TEXT NOT NULL, style TEXT NOT NULL,
        submitted_at INTEGER NOT NULL, reply_until TEXT, ended_at INTEGER, end_reason TEXT,
        card_number TEXT, key_version INTEGER NOT NULL, sealed BLOB
    )""",
    "CREATE INDEX card_applications_by_municipality ON card_applications (municipality, cursor)",
    # One open application, one card that is not handed over yet, one unlocking under way: the acts
    # look before they write, and this holds whatever they overlook.
    """CREATE UNIQUE INDEX card_applications_open ON card_applications (person)
        WHERE ended_at IS NULL""",
    """CREATE UNIQUE INDEX cards_undelivered ON cards (person)
        WHERE kind = 'RESIDENT' AND status IN ('MAKING', 'MADE', 'HELD')""",
    """CREATE INDEX card_applications_awaited ON card_applications (reply_until)
        WHERE ended_at IS NULL""",
    """CREATE INDEX card_applications_ended ON card_applications (ended_at)
        WHERE sealed IS NOT NULL""",
    """CREATE INDEX card_applications_by_key ON card_applications (municipality, key_version)
        WHERE sealed IS NOT NULL""",
    """CREATE TABLE card_photos (
        application TEXT PRIMARY KEY REFERENCES card_applications (number),
        municipality TEXT NOT NULL, key_version INTEGER NOT NULL, sealed BLOB NOT NULL
    )""",
    "CREATE INDEX card_photos_by_key ON card_photos (municipality, key_version)",
    """CREATE TABLE card_fees (
        application TEXT PRIMARY KEY, municipality TEXT NOT NULL, card_number TEXT NOT NULL,
        kind TEXT NOT NULL, amount_yen INTEGER NOT NULL, taken_on TEXT NOT NULL,
        taken_at INTEGER NOT NULL, terminal_uri TEXT NOT NULL
    )""",
    "CREATE INDEX card_fees_by_day ON card_fees (municipality, taken_on)",
    """CREATE TABLE card_personalisations (
        cursor INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, application TEXT NOT NULL,
        municipality TEXT NOT NULL, person BLOB NOT NULL, chip_serial BLOB NOT NULL UNIQUE,
        terminal_uri TEXT NOT NULL, state TEXT NOT NULL, begun_at INTEGER NOT NULL,
        card_number TEXT NOT NULL, card_serial BLOB, ended_at INTEGER,
        key_version INTEGER NOT NULL, sealed BLOB
    )""",
    # Never two cards for one application: what is being made or was made bars another.
    """CREATE UNIQUE INDEX card_personalisations_one ON card_personalisations (application)
        WHERE state <> 'VOID'""",
    "CREATE UNIQUE INDEX card_personalisations_by_card ON card_personalisations (card_serial)",
    """CREATE INDEX card_personalisations_open ON card_personalisations (municipality, cursor)
        WHERE state = 'OPEN'""",
    """CREATE INDEX card_personalisations_sealed ON card_personalisations (application)
        WHERE sealed IS NOT NULL""",
    """CREATE INDEX card_personalisations_by_key
        ON card_personalisations (municipality, key_version) WHERE sealed IS NOT NULL""",
    """CREATE TABLE card_unlocks (
        cursor INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, municipality TEXT NOT NULL,
        person BLOB NOT NULL, card_serial BLOB NOT NULL, terminal_uri TEXT NOT NULL,
        mode TEXT NOT NULL, state TEXT NOT NULL, begun_at INTEGER NOT NULL, ended_at INTEGER,
        key_version INTEGER NOT NULL, sealed BLOB
    )""",
    "CREATE UNIQUE INDEX card_unlocks_open ON card_unlocks (card_serial) WHERE ended_at IS NULL",
    """CREATE INDEX card_unlocks_ended ON card_unlocks (ended_at)
        WHERE sealed IS NOT NULL""",
    """CREATE INDEX card_unlocks_by_key ON card_unlocks (municipality, key_version)
        WHERE sealed IS NOT NULL""",
    """CREATE TABLE card_notes (
        cursor INTEGER PRIMARY KEY, card_serial BLOB NOT NULL, at INTEGER NOT NULL,
        kind TEXT NOT NULL, municipality TEXT NOT NULL, caller_uri TEXT NOT NULL,
        key_version INTEGER NOT NULL, sealed BLOB NOT NULL
    )""",
    "CREATE INDEX card_notes_by_card ON card_notes (card_serial)",
    "CREATE INDEX card_notes_by_time ON card_notes (at)",
    "CREATE INDEX card_notes_by_key ON card_notes (key_version)",
)


def upgrade() -> None:
    """Give the cards that there are their numbers, and make the tables."""
    for statement in _CARDS:
        op.execute(statement)
    connection = op.get_bind()
    if connection.dialect.name == "sqlite":
        # A store on a server begins with a later schema: no cards there are older than this step.
        op.execute(_MADE_ON)
    serials = connection.execute(text("SELECT serial FROM cards")).scalars().all()
    for serial, number in zip(serials, _numbers(len(serials)), strict=True):
        connection.execute(
            text("UPDATE cards SET number = :number WHERE serial = :serial"),
            {"number": number, "serial": serial},
        )
    for statement in _LIFE:
        op.execute(statement)


def _numbers(count: int) -> list[str]:
    """Return numbers of ten random digits and their check digits (ISO/IEC 7064, MOD 97-10).

    All differ, which a hundred thousand cards that drew each for itself would likely not.
    """
    bodies: dict[int, None] = {}
    while len(bodies) < count:
        bodies[secrets.randbelow(10**10)] = None
    return [f"{body:010d}{98 - body * 100 % 97:02d}" for body in bodies]


def downgrade() -> None:
    """Refuse: going back would throw applications and ledgers away."""
    raise NotImplementedError("the card's life cannot be taken back")
