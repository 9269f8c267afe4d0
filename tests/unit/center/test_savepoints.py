"""What a server is asked about savepoints, and what it is spared."""

from __future__ import annotations

import pytest

from juki_center.storage.savepoints import Savepoints


@pytest.mark.parametrize(
    ("said", "asked"),
    [
        ((), ""),
        (("SAVEPOINT act",), "SAVEPOINT act"),
        (("SAVEPOINT act", "RELEASE act"), ""),
        (("RELEASE act", "SAVEPOINT act"), "RELEASE act; SAVEPOINT act"),
        (("SAVEPOINT act", "SAVEPOINT alone"), "SAVEPOINT act; SAVEPOINT alone"),
        (("SAVEPOINT act", "ROLLBACK TO act", "RELEASE act"), ""),
        (("RELEASE alone", "RELEASE act"), "RELEASE alone; RELEASE act"),
    ],
)
def test_what_waits_is_asked_together(said: tuple[str, ...], asked: str) -> None:
    savepoints = Savepoints()

    assert all(savepoints.takes(one) for one in said)
    assert savepoints.taken() == asked
    assert savepoints.taken() == ""


def test_what_was_done_is_undone_by_the_server() -> None:
    savepoints = Savepoints()
    savepoints.takes("SAVEPOINT act")
    savepoints.taken()

    assert not savepoints.takes("ROLLBACK TO act")


@pytest.mark.parametrize("statement", ["SELECT 1", "COMMIT", "DELETE FROM act"])
def test_other_statements_do_not_wait(statement: str) -> None:
    assert not Savepoints().takes(statement)
