"""First schema: registers, directory, records, cards, sessions, answers, issues, audit leaves.

Columns exist for keyed look-up, state and order only; everything personal is inside a sealed blob,
so that a new field needs no step here. Times are microseconds since 1970-01-01T00:00Z.
"""

from __future__ import annotations

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TABLES = (
    """CREATE TABLE municipalities (
        code TEXT PRIMARY KEY, is_connected INTEGER NOT NULL, epoch INTEGER NOT NULL
    )""",
    """CREATE TABLE municipality_keys (
        municipality TEXT NOT NULL REFERENCES municipalities (code), version INTEGER NOT NULL,
        wrapped BLOB NOT NULL, PRIMARY KEY (municipality, version)
    )""",
    """CREATE TABLE center_keys (
        purpose TEXT NOT NULL, version INTEGER NOT NULL, wrapped BLOB NOT NULL,
        PRIMARY KEY (purpose, version)
    )""",
    """CREATE TABLE directory (
        token BLOB PRIMARY KEY, key_version INTEGER NOT NULL, person BLOB NOT NULL UNIQUE,
        municipality TEXT NOT NULL REFERENCES municipalities (code), state TEXT NOT NULL,
        version INTEGER NOT NULL
    )""",
    """CREATE TABLE records (
        person BLOB PRIMARY KEY REFERENCES directory (person),
        municipality TEXT NOT NULL REFERENCES municipalities (code), household BLOB NOT NULL,
        version INTEGER NOT NULL, key_version INTEGER NOT NULL, sealed BLOB NOT NULL
    )""",
    "CREATE INDEX records_by_household ON records (municipality, household)",
    """CREATE TABLE attribute_index (
        token BLOB NOT NULL, person BLOB NOT NULL, PRIMARY KEY (token, person)
    )""",
    "CREATE INDEX attribute_index_by_person ON attribute_index (person)",
    """CREATE TABLE cards (
        serial BLOB PRIMARY KEY, person BLOB NOT NULL, kind TEXT NOT NULL, status TEXT NOT NULL,
        municipality TEXT NOT NULL, valid_until TEXT NOT NULL
    )""",
    "CREATE INDEX cards_by_person ON cards (person)",
    """CREATE TABLE card_sessions (
        session_id BLOB PRIMARY KEY, terminal_uri TEXT NOT NULL, purpose TEXT NOT NULL,
        person BLOB NOT NULL, card_serial BLOB NOT NULL REFERENCES cards (serial),
        transcript_hash BLOB NOT NULL, usable_until INTEGER NOT NULL, is_used INTEGER NOT NULL
    )""",
    """CREATE TABLE answers (
        caller_uri TEXT NOT NULL, request_id BLOB NOT NULL, content_token BLOB NOT NULL,
        resource TEXT NOT NULL, answered_at INTEGER NOT NULL, municipality TEXT,
        key_version INTEGER NOT NULL, sealed BLOB, PRIMARY KEY (caller_uri, request_id)
    )""",
    "CREATE INDEX answers_to_forget ON answers (answered_at) WHERE sealed IS NOT NULL",
    """CREATE TABLE issue_serials (
        issuing TEXT NOT NULL, day TEXT NOT NULL, last INTEGER NOT NULL, PRIMARY KEY (issuing, day)
    )""",
    """CREATE TABLE issues (
        cursor INTEGER PRIMARY KEY, number TEXT NOT NULL UNIQUE, issued_at INTEGER NOT NULL,
        terminal_uri TEXT NOT NULL, request_id BLOB NOT NULL, issuing TEXT NOT NULL,
        residence TEXT NOT NULL, by_card INTEGER NOT NULL, scope TEXT NOT NULL,
        items TEXT NOT NULL, fee_yen INTEGER NOT NULL, print_state TEXT NOT NULL,
        print_attempts INTEGER NOT NULL, pdf_sha256 BLOB, recalled_at INTEGER, recall_reason TEXT,
        content_token BLOB NOT NULL, note_key_version INTEGER NOT NULL, note BLOB,
        UNIQUE (terminal_uri, request_id)
    )""",
    "CREATE INDEX issues_by_issuing ON issues (issuing, cursor)",
    """CREATE TABLE audit_leaves (
        leaf_index INTEGER PRIMARY KEY, at INTEGER NOT NULL, issuing TEXT, residence TEXT,
        salt BLOB, content BLOB, commitment BLOB NOT NULL
    )""",
)


def upgrade() -> None:
    """Make the tables."""
    for statement in _TABLES:
        op.execute(statement)


def downgrade() -> None:
    """Refuse: going back would throw registers away."""
    raise NotImplementedError("the first schema cannot be taken back")
