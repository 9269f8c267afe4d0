"""The schema on a PostgreSQL server: the same steps, each statement in the server's words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from juki_center.storage import migrate
from juki_center.storage.dialect import schema_step
from juki_center.storage.postgresql_connection import (
    WRITERS_LOCK,
    PostgreSQLConnection,
    faults,
)
from juki_center.storage.primary import connected
from juki_center.storage.sql import as_text

if TYPE_CHECKING:
    from sqlalchemy import Connection

CHANNEL: Final = "juki_control"
"""What a session that waits for control events listens on."""
# Whoever commits a control event wakes every process that listens, an operator's command too.
_BELL: Final = (
    "CREATE OR REPLACE FUNCTION juki_ring() RETURNS trigger LANGUAGE plpgsql AS"
    f" $$BEGIN NOTIFY {CHANNEL}; RETURN NULL; END$$",
    "CREATE OR REPLACE TRIGGER juki_ring AFTER INSERT ON control_events"
    " FOR EACH STATEMENT EXECUTE FUNCTION juki_ring()",
)


def migrate_server(url: str, name: str) -> None:
    """Apply the steps that a database does not have yet.

    Raises StoreFault, and StoreUnusable for a database that a newer build has made.
    """
    if migrate.is_behind(server_revision(url), name):
        _run(url, "upgrade", "head")
        with faults(), connected(url) as sql:
            for statement in _BELL:
                sql.execute(statement.encode())


def go_back_on_server(url: str, name: str) -> str:
    """Take the newest step back; return the revision that the database has then.

    Raises StoreUnusable for a database that is not at this build's head, and StoreFault.
    """
    migrate.check_newest(server_revision(url), name)
    _run(url, "downgrade", "-1")
    return server_revision(url) or ""


def server_revision(url: str) -> str | None:
    """Return the revision of a database, None where it has none yet. Raises StoreFault."""
    sql = PostgreSQLConnection(url)
    try:
        found = sql.execute("SELECT to_regclass('public.alembic_version')::text").fetchone()
        if found is None or found[0] is None:
            return None
        row = sql.execute("SELECT version_num FROM alembic_version").fetchone()
        return None if row is None else as_text(row[0])
    finally:
        sql.close()


def _run(url: str, way: str, to: str) -> None:
    from sqlalchemy import create_engine, event  # noqa: PLC0415
    from sqlalchemy.pool import NullPool  # noqa: PLC0415

    engine = create_engine(
        "postgresql+psycopg://", creator=lambda: connected(url, raw=False), poolclass=NullPool
    )
    event.listen(engine, "before_cursor_execute", _in_its_words, retval=True)
    with faults():
        migrate.run_steps(engine, way, to, _alone)


def _in_its_words(
    _connection: object,
    _cursor: object,
    statement: str,
    parameters: object,
    _context: object,
    _executemany: object,
) -> tuple[str, object]:
    return schema_step(statement), parameters


def _alone(connection: Connection) -> None:
    """Let nobody else change the store, or its schema, meanwhile."""
    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WRITERS_LOCK})")
