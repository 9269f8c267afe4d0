"""The log's tree and heads, clerks and approvals, the fleet's certificates, and what is cut off.

As before, columns exist for keyed look-up, state and order only; times are microseconds since
1970-01-01T00:00Z, days are ISO 8601.
"""

from __future__ import annotations

from itertools import chain

from alembic import op
from sqlalchemy import Connection

from juki_audit.errors import LogMalformed
from juki_audit.leaf import Leaf
from juki_audit.tree import Frontier
from juki_center.errors import LogBroken
from juki_center.storage.undoing import undone

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# The log: its head and frontier, complete nodes, whose entries a leaf concerns.
# The table of answers names the leaves of the act that gave the answer.
_LOG: tuple[str, ...] = (
    """CREATE TABLE audit_head (
        only INTEGER PRIMARY KEY CHECK (only = 1), frontier BLOB NOT NULL,
        signed_size INTEGER NOT NULL, checkpoint BLOB
    )""",
    """CREATE TABLE audit_nodes (
        level INTEGER NOT NULL, node_index INTEGER NOT NULL, hash BLOB NOT NULL,
        PRIMARY KEY (level, node_index)
    ) WITHOUT ROWID""",
    """CREATE TABLE audit_subjects (
        subject BLOB NOT NULL, leaf_index INTEGER NOT NULL, PRIMARY KEY (subject, leaf_index)
    ) WITHOUT ROWID""",
    "ALTER TABLE answers ADD COLUMN leaf_index INTEGER",
    "ALTER TABLE answers ADD COLUMN leaf_count INTEGER NOT NULL DEFAULT 0",
)
_LEAVES_AT_ONCE = 10_000

# Clerks, their rights and sign-ins; approvals of second persons.
_CLERKS: tuple[str, ...] = (
    """CREATE TABLE clerks (
        clerk_id TEXT PRIMARY KEY, municipality TEXT NOT NULL REFERENCES municipalities (code),
        card_serial BLOB NOT NULL UNIQUE REFERENCES cards (serial), state TEXT NOT NULL,
        key_version INTEGER NOT NULL, sealed BLOB NOT NULL
    ) WITHOUT ROWID""",
    "CREATE INDEX clerks_sealed ON clerks (municipality, key_version)",
    """CREATE TABLE clerk_rights (
        clerk_id TEXT NOT NULL REFERENCES clerks (clerk_id), clerk_right TEXT NOT NULL,
        first_day TEXT NOT NULL, last_day TEXT NOT NULL, PRIMARY KEY (clerk_id, clerk_right)
    ) WITHOUT ROWID""",
    """CREATE TABLE sign_ins (
        terminal_uri TEXT PRIMARY KEY, sign_in_id BLOB NOT NULL,
        clerk_id TEXT NOT NULL REFERENCES clerks (clerk_id), began_at INTEGER NOT NULL,
        ends_at INTEGER NOT NULL, used_at INTEGER NOT NULL
    ) WITHOUT ROWID""",
    "CREATE INDEX sign_ins_of_clerk ON sign_ins (clerk_id)",
    "CREATE TABLE sign_in_failures (subject TEXT NOT NULL, at INTEGER NOT NULL)",
    "CREATE INDEX sign_in_failures_of ON sign_in_failures (subject, at)",
    "CREATE INDEX sign_in_failures_to_forget ON sign_in_failures (at)",
    "CREATE TABLE sign_in_stops (subject TEXT PRIMARY KEY, since INTEGER NOT NULL) WITHOUT ROWID",
    """CREATE TABLE approvals (
        approval_id TEXT PRIMARY KEY, municipality TEXT, method TEXT NOT NULL, digest BLOB NOT NULL,
        proposer_uri TEXT NOT NULL, proposer_clerk TEXT NOT NULL, proposer_credential BLOB NOT NULL,
        proposed_at INTEGER NOT NULL, until INTEGER NOT NULL, approver_uri TEXT,
        approver_clerk TEXT, approver_credential BLOB, approved_at INTEGER, used_by BLOB,
        is_withdrawn INTEGER NOT NULL, key_version INTEGER NOT NULL, sealed BLOB
    ) WITHOUT ROWID""",
    "CREATE INDEX approvals_sealed ON approvals (municipality, key_version)"
    " WHERE sealed IS NOT NULL",
    "CREATE INDEX approvals_pending ON approvals (municipality, until) WHERE sealed IS NOT NULL",
    "CREATE INDEX approvals_to_forget ON approvals (until) WHERE sealed IS NOT NULL",
)

# Peers: tokens of enrolment, certificates that were issued.
_FLEET: tuple[str, ...] = (
    """CREATE TABLE enrolment_tokens (
        id TEXT PRIMARY KEY,
        digest BLOB NOT NULL UNIQUE,
        uri TEXT NOT NULL,
        role TEXT NOT NULL,
        municipality TEXT,
        made_at INTEGER NOT NULL,
        made_by TEXT NOT NULL,
        expires_at INTEGER NOT NULL,
        state TEXT NOT NULL,
        used_at INTEGER,
        key_digest BLOB,
        fingerprint BLOB
    ) WITHOUT ROWID""",
    """CREATE TABLE peer_certificates (
        fingerprint BLOB PRIMARY KEY,
        uri TEXT NOT NULL,
        serial TEXT NOT NULL,
        not_before INTEGER NOT NULL,
        not_after INTEGER NOT NULL,
        key_digest BLOB NOT NULL,
        state TEXT NOT NULL,
        source TEXT NOT NULL,
        entered_at INTEGER NOT NULL,
        refused_from INTEGER,
        replaces BLOB,
        content BLOB NOT NULL
    )""",
    "CREATE INDEX peer_certificates_by_uri ON peer_certificates (uri, entered_at)",
    "CREATE INDEX peer_certificates_by_key ON peer_certificates (key_digest)",
    """CREATE TABLE recoveries (
        id TEXT PRIMARY KEY,
        uri TEXT NOT NULL,
        role TEXT NOT NULL,
        municipality TEXT,
        expired BLOB NOT NULL,
        expired_at INTEGER NOT NULL,
        key_digest BLOB NOT NULL,
        state TEXT NOT NULL,
        asked_at INTEGER NOT NULL,
        decided_at INTEGER,
        decided_by TEXT NOT NULL,
        fingerprint BLOB
    ) WITHOUT ROWID""",
    "CREATE INDEX recoveries_by_state ON recoveries (state, asked_at)",
)

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
    """CREATE INDEX cards_stopped ON cards (status)
        WHERE status IN ('HELD', 'SUSPENDED', 'REVOKED')""",
    """CREATE TABLE terminal_reports (
        uri TEXT PRIMARY KEY,
        at INTEGER NOT NULL,
        version TEXT NOT NULL,
        hotlist_cursor INTEGER NOT NULL,
        hotlist_made_at INTEGER,
        reader_ready INTEGER NOT NULL,
        printer_ready INTEGER NOT NULL
    ) WITHOUT ROWID""",
)

# Who is cut off, and whose updates are quarantined.
_DISCONNECTIONS: tuple[str, ...] = (
    """CREATE TABLE disconnections (
        scope TEXT NOT NULL, name TEXT NOT NULL, level INTEGER NOT NULL, reason TEXT NOT NULL,
        at INTEGER NOT NULL, by_whom TEXT NOT NULL, PRIMARY KEY (scope, name)
    ) WITHOUT ROWID""",
    """CREATE TABLE update_queues (
        municipality TEXT PRIMARY KEY REFERENCES municipalities (code), state TEXT NOT NULL,
        reason TEXT NOT NULL, at INTEGER NOT NULL, by_whom TEXT NOT NULL, inbox BLOB NOT NULL,
        key_version INTEGER NOT NULL, sealed BLOB NOT NULL, checked_at INTEGER, persons INTEGER,
        findings BLOB
    ) WITHOUT ROWID""",
    # The place is never given twice, so that the order stands.
    """CREATE TABLE queued_updates (
        place INTEGER PRIMARY KEY AUTOINCREMENT,
        municipality TEXT NOT NULL REFERENCES update_queues (municipality),
        held_at INTEGER NOT NULL, sealed BLOB NOT NULL
    )""",
    "CREATE INDEX queued_updates_by_register ON queued_updates (municipality, place)",
)

# What the watchers have seen.
_ALERTS: tuple[str, ...] = (
    "CREATE TABLE alert_watch (id INTEGER PRIMARY KEY CHECK (id = 0), size INTEGER NOT NULL)",
    # Sightings by half windows: kind, number of the window and actor are all that is asked for.
    """CREATE TABLE alert_tallies (
        kind TEXT NOT NULL, window INTEGER NOT NULL, actor TEXT NOT NULL, count INTEGER NOT NULL,
        first INTEGER NOT NULL, is_told INTEGER NOT NULL, PRIMARY KEY (kind, window, actor)
    ) WITHOUT ROWID""",
    """CREATE TABLE alerts (
        cursor INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL,
        at INTEGER NOT NULL, actor TEXT NOT NULL, count INTEGER NOT NULL, first INTEGER NOT NULL,
        last INTEGER NOT NULL, seen_at INTEGER, seen_by TEXT
    )""",
    "CREATE INDEX alerts_unseen ON alerts (kind) WHERE seen_at IS NULL",
)

# What the store as a whole belongs to.
_FACTS = ("CREATE TABLE store_facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",)


def _parts() -> tuple[tuple[str, ...], ...]:
    return (_LOG, _CLERKS, _FLEET, _REVOCATIONS, _DISCONNECTIONS, _ALERTS, _FACTS)


def upgrade() -> None:
    """Make the tables."""
    for statement in chain.from_iterable(_parts()):
        op.execute(statement)
    _grow_tree(op.get_bind())


def _grow_tree(sql: Connection) -> None:
    """Build the tree over the leaves that are there, and the index of their subjects.

    Raises LogBroken for a leaf that is missing or is none.
    """
    frontier = Frontier()
    while rows := _rows_from(sql, frontier.size):
        _check_numbers(frontier.size, [row[0] for row in rows])
        growth = frontier.append_all(row[2] for row in rows)
        nodes = [(node.level, node.index, node.hash) for node in growth.nodes]
        sql.exec_driver_sql("INSERT INTO audit_nodes VALUES (?, ?, ?)", nodes)
        if subjects := [one for row in rows for one in _subjects(row[0], row[1])]:
            sql.exec_driver_sql("INSERT INTO audit_subjects VALUES (?, ?)", subjects)
        frontier = growth.frontier
    sql.exec_driver_sql("INSERT INTO audit_head VALUES (1, ?, 0, NULL)", (frontier.encode(),))


def _rows_from(sql: Connection, first: int) -> list[tuple[int, bytes | None, bytes]]:
    found = sql.exec_driver_sql(
        "SELECT leaf_index, content, commitment FROM audit_leaves WHERE leaf_index >= ?"
        " ORDER BY leaf_index LIMIT ?",
        (first, _LEAVES_AT_ONCE),
    )
    return [(row[0], row[1], row[2]) for row in found]


def _check_numbers(first: int, numbers: list[int]) -> None:
    for expected, number in enumerate(numbers, start=first):
        if number != expected:
            raise LogBroken(f"row {expected} of audit_leaves is missing")


def _subjects(index: int, content: bytes | None) -> list[tuple[bytes, int]]:
    try:
        subjects = Leaf.decode(content).subjects if content is not None else ()
    except LogMalformed as error:
        raise LogBroken(f"row {index} of audit_leaves is no leaf: {error.rule}") from error
    return [(subject, index) for subject in dict.fromkeys(subjects)]


def downgrade() -> None:
    """Take the tables away, the last one first; leaves stay, and the tree grows again from them.

    What is lost with them is lost: who asks for this has been told.
    """
    for statement in reversed(tuple(chain.from_iterable(_parts()))):
        op.execute(undone(statement))
