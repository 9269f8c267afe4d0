"""Registers with history, stocks of codes, imports; agencies, their affairs and provisions.

As before, columns exist for keyed look-up, state and order only; times are microseconds since
1970-01-01T00:00Z.
"""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# A person may have several codes, and each has a token for each living version of the look-up key.
# A code that is in a municipality's stock has no person, so a token is unique over everything that
# anybody has, had or may be given. Tokens are 16 bytes.
_CODE_INDEX = (
    """CREATE TABLE code_index (
        token BLOB PRIMARY KEY, key_version INTEGER NOT NULL, person BLOB,
        is_former INTEGER NOT NULL
    ) WITHOUT ROWID""",
    "INSERT INTO code_index SELECT substr(token, 1, 16), key_version, person, 0 FROM directory",
    "CREATE INDEX code_index_by_person ON code_index (person) WHERE person IS NOT NULL",
    """CREATE TABLE directory_2 (
        person BLOB PRIMARY KEY, municipality TEXT NOT NULL REFERENCES municipalities (code),
        state TEXT NOT NULL, version INTEGER NOT NULL
    ) WITHOUT ROWID""",
    "INSERT INTO directory_2 SELECT person, municipality, state, version FROM directory",
    "DROP TABLE directory",
    "ALTER TABLE directory_2 RENAME TO directory",
    """CREATE TABLE attribute_index_2 (
        token BLOB NOT NULL, person BLOB NOT NULL, key_version INTEGER NOT NULL,
        PRIMARY KEY (token, person)
    ) WITHOUT ROWID""",
    "INSERT INTO attribute_index_2 SELECT substr(token, 1, 16), person, 1 FROM attribute_index",
    "DROP TABLE attribute_index",
    "ALTER TABLE attribute_index_2 RENAME TO attribute_index",
    "CREATE INDEX attribute_index_by_person ON attribute_index (person)",
)
_RECORDS_OF_DIRECTORY = "ALTER TABLE records ADD FOREIGN KEY (person) REFERENCES directory (person)"

_REGISTERS = (
    """CREATE TABLE record_history (
        person BLOB NOT NULL, version INTEGER NOT NULL, municipality TEXT NOT NULL,
        household BLOB NOT NULL, state TEXT NOT NULL, key_version INTEGER NOT NULL,
        sealed BLOB NOT NULL, PRIMARY KEY (person, version)
    ) WITHOUT ROWID""",
    # Slots of a municipality are dense from 0, so that one can be drawn by its number.
    """CREATE TABLE code_stock (
        municipality TEXT NOT NULL REFERENCES municipalities (code), slot INTEGER NOT NULL,
        key_version INTEGER NOT NULL, sealed BLOB NOT NULL, PRIMARY KEY (municipality, slot)
    ) WITHOUT ROWID""",
    """CREATE TABLE edit_locks (
        person BLOB PRIMARY KEY, lock_id BLOB NOT NULL UNIQUE, holder_uri TEXT NOT NULL,
        municipality TEXT NOT NULL, key_version INTEGER NOT NULL, sealed BLOB NOT NULL,
        until INTEGER NOT NULL
    ) WITHOUT ROWID""",
    """CREATE TABLE changes (
        position INTEGER PRIMARY KEY, at INTEGER NOT NULL, municipality TEXT NOT NULL,
        person BLOB NOT NULL, key_version INTEGER NOT NULL, sealed BLOB NOT NULL
    )""",
    "CREATE INDEX changes_by_person ON changes (person, position)",
    """CREATE TABLE pending_updates (
        token BLOB NOT NULL, version INTEGER NOT NULL, token_version INTEGER NOT NULL,
        municipality TEXT NOT NULL, held_at INTEGER NOT NULL, key_version INTEGER NOT NULL,
        sealed BLOB NOT NULL, PRIMARY KEY (token, version)
    ) WITHOUT ROWID""",
    """CREATE TABLE imports (
        import_id TEXT PRIMARY KEY, source TEXT NOT NULL, content_digest BLOB NOT NULL,
        mode TEXT NOT NULL, is_finished INTEGER NOT NULL, byte_offset INTEGER NOT NULL,
        line INTEGER NOT NULL, applied INTEGER NOT NULL, duplicate INTEGER NOT NULL,
        held INTEGER NOT NULL, refused INTEGER NOT NULL, freed INTEGER NOT NULL,
        began_at INTEGER NOT NULL, changed_at INTEGER NOT NULL
    )""",
    "CREATE INDEX imports_unfinished ON imports (source) WHERE is_finished = 0",
    """CREATE TABLE import_findings (
        import_id TEXT NOT NULL REFERENCES imports (import_id), line INTEGER NOT NULL,
        outcome TEXT NOT NULL, field TEXT NOT NULL, rule TEXT NOT NULL,
        missing INTEGER NOT NULL, PRIMARY KEY (import_id, line)
    ) WITHOUT ROWID""",
)

_KEYS = (
    "ALTER TABLE center_keys ADD COLUMN state TEXT NOT NULL DEFAULT 'ACTIVE'",
    """CREATE TABLE key_rotations (
        target TEXT PRIMARY KEY, from_version INTEGER NOT NULL, to_version INTEGER NOT NULL,
        stage TEXT NOT NULL, progress BLOB NOT NULL, began_at INTEGER NOT NULL
    )""",
    # What a data key of an earlier version still seals, to be sealed anew.
    "CREATE INDEX records_by_key ON records (municipality, key_version)",
    "CREATE INDEX record_history_by_key ON record_history (municipality, key_version)",
    "CREATE INDEX code_stock_by_key ON code_stock (municipality, key_version)",
    "CREATE INDEX edit_locks_by_key ON edit_locks (municipality, key_version)",
    "CREATE INDEX changes_by_key ON changes (municipality, key_version)",
    "CREATE INDEX pending_updates_by_key ON pending_updates (municipality, key_version)",
    "CREATE INDEX pending_updates_by_token_key ON pending_updates (token_version)",
    """CREATE INDEX answers_by_key ON answers (municipality, key_version)
        WHERE sealed IS NOT NULL""",
    "CREATE INDEX issues_by_note_key ON issues (note_key_version) WHERE note IS NOT NULL",
)

_AGENCIES = (
    """CREATE TABLE agencies (
        agency TEXT PRIMARY KEY, name TEXT NOT NULL, added_at INTEGER NOT NULL
    )""",
    """CREATE TABLE authorisations (
        id INTEGER PRIMARY KEY, agency TEXT NOT NULL REFERENCES agencies (agency),
        affair TEXT NOT NULL, purpose TEXT NOT NULL, valid_from TEXT NOT NULL, valid_to TEXT,
        kinds TEXT NOT NULL, items TEXT NOT NULL, added_at INTEGER NOT NULL,
        withdrawn_at INTEGER
    )""",
    "CREATE INDEX authorisations_by_agency ON authorisations (agency, affair)",
    """CREATE TABLE provisions (
        id INTEGER PRIMARY KEY, at INTEGER NOT NULL, agency TEXT NOT NULL, affair TEXT NOT NULL,
        purpose TEXT NOT NULL, kind TEXT NOT NULL, subject BLOB NOT NULL,
        municipality TEXT NOT NULL, items TEXT NOT NULL, outcome TEXT NOT NULL,
        batch_id BLOB, line INTEGER, answer_token BLOB
    )""",
    "CREATE INDEX provisions_by_subject ON provisions (subject, at)",
    "CREATE INDEX provisions_by_time ON provisions (at)",
    """CREATE UNIQUE INDEX provisions_by_line ON provisions (agency, batch_id, line, answer_token)
        WHERE batch_id IS NOT NULL""",
    """CREATE TABLE subscriptions (
        agency TEXT NOT NULL, affair TEXT NOT NULL, person BLOB NOT NULL,
        since_position INTEGER NOT NULL, PRIMARY KEY (agency, affair, person)
    ) WITHOUT ROWID""",
    """CREATE TABLE batches (
        agency TEXT NOT NULL, batch_id BLOB NOT NULL, affair TEXT NOT NULL,
        items TEXT NOT NULL, is_watching INTEGER NOT NULL, line_count INTEGER NOT NULL,
        lines_done INTEGER NOT NULL, counts TEXT NOT NULL, began_at INTEGER NOT NULL,
        changed_at INTEGER NOT NULL,
        PRIMARY KEY (agency, batch_id)
    ) WITHOUT ROWID""",
)


def upgrade() -> None:
    """Make the tables, and move what the earlier ones hold."""
    for statement in (*_CODE_INDEX, *_REGISTERS, *_KEYS, *_AGENCIES):
        op.execute(statement)
    if op.get_bind().dialect.name != "sqlite":
        # SQLite refers to a table by its name, a server to the very table that was dropped.
        op.execute(_RECORDS_OF_DIRECTORY)


def downgrade() -> None:
    """Refuse: going back would throw history away."""
    raise NotImplementedError("history cannot be taken back")
