"""A center that dies at a chosen point: `python -m tests.support.mortal_center dev --dir ...`.

JUKI_TEST_CUT names the act and the point, such as `issue:committed`; the process then kills itself
with SIGKILL the first time it gets there, or with `lines:written:3` the third time. No handler,
buffer or lock is let go in order.
JUKI_TEST_CUTS names a file that may appear while it serves, with a point, written or committed, and
a number: it dies there in the nth act of any kind that begins from then on.
JUKI_TEST_CUT_NOTE names a file in which it writes the issue number that it had in hand, if any.
JUKI_TEST_MUTANT=unbound serves with a defect: an act uses the newest card session of anybody.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from juki_center.rpc import tls13

# What gRPC reads from the environment must stand there before it is imported.
tls13.settle()

from juki_center.areas.cards import sessions
from juki_center.cli import main
from juki_center.rpc import (
    agency_batches,
    card_applications,
    card_session,
    cards,
    copies,
    import_stream,
    moves,
    operations_disconnect,
    personalise_stream,
    residents,
)
from juki_center.storage.cards_table import CardsTable
from juki_center.storage.sqlite import SQLiteStore

FUNCTIONS = {
    "session": (card_session, "record_session"),
    "issue": (copies, "issue_copy"),
    "confirm": (copies, "confirm_print"),
    "import": (import_stream, "take_rows"),
    "death": (residents, "register_death"),
    "apply": (card_applications, "submit_application"),
    "open": (agency_batches, "open_batch"),
    "lines": (agency_batches, "confirm_lines"),
    "finish": (agency_batches, "finish_batch"),
    "expect": (personalise_stream, "expect"),
    "begin": (personalise_stream, "begin"),
    "know": (personalise_stream, "know_card"),
    "begin-hand-over": (cards, "begin_hand_over"),
    "hand-over": (cards, "hand_over"),
    "begin-unlock": (cards, "begin_unlock"),
    "attempt": (card_session, "attempt_unlock"),
    "unlock": (cards, "complete_unlock"),
    "move-file": (moves, "file_move_out"),
    "move-fetch": (moves, "fetch_transfer"),
    "move-in": (moves, "register_move_in"),
    "move-back": (moves, "cancel_move_in"),
    "move-within": (moves, "register_move_within"),
    "disconnect": (operations_disconnect, "disconnect"),
    "reconnect": (operations_disconnect, "reconnect"),
}


def die(answer: object) -> None:
    """Write down the issue number in hand and end, as if the power went."""
    note = os.environ.get("JUKI_TEST_CUT_NOTE")
    number = getattr(getattr(answer, "issue", None), "issue_number", "")
    if note and number:
        Path(note).write_text(number, encoding="ascii")
    os.kill(os.getpid(), signal.SIGKILL)


def cut_at(act: str, point: str, time: str = "1") -> None:
    """Arrange for the death, at the nth time that the act runs."""
    module, name = FUNCTIONS[act]
    original: Callable[..., Any] = getattr(module, name)
    ran: list[str] = []
    left = int(time)

    def cutting(*arguments: Any, **named: Any) -> Any:
        nonlocal left
        left -= 1
        if left > 0:
            return original(*arguments, **named)
        if point == "begun":
            die(None)
        answer = original(*arguments, **named)
        if point == "written":
            die(answer)
        ran.append(act)
        return answer

    setattr(module, name, cutting)
    if point == "committed":
        die_after_commit(ran)


def die_after_commit(ran: list[str]) -> None:
    """Die when a commit with the wanted act is durable, before its answer leaves."""
    original = SQLiteStore.act

    async def act(store: SQLiteStore, wanted: Callable[[Any], Any], *, urgent: bool = False) -> Any:
        mine: list[str] = []

        def noting(tx: Any) -> Any:
            ran.clear()
            answer = wanted(tx)
            mine[:] = ran
            return answer

        answer = await original(store, noting, urgent=urgent)
        if mine:
            die(answer)
        return answer

    SQLiteStore.act = act  # type: ignore[assignment,method-assign]  # this process is a test's


class Orders:
    """A file of orders to die, and how many acts have begun since the present one came."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._order = ""
        self._acts = 0

    def point(self) -> str:
        """Count an act; return the point at which to die in it, empty for none."""
        order = self._path.read_text(encoding="ascii") if self._path.exists() else ""
        self._acts = self._acts + 1 if order == self._order else 1
        self._order = order
        if not order:
            return ""
        self._path.with_suffix(".seen").write_text(str(self._acts), encoding="ascii")
        point, number = order.split()[:2]
        return point if self._acts == int(number) else ""


def cut_in_any_act(orders: Orders) -> None:
    """Arrange for the death that a file of orders will name."""
    original = SQLiteStore.act

    async def act(store: SQLiteStore, wanted: Callable[[Any], Any], *, urgent: bool = False) -> Any:
        point = orders.point()

        def fatal(tx: Any) -> Any:
            die(wanted(tx))

        answer = await original(store, fatal if point == "written" else wanted)
        if point == "committed":
            die(answer)
        return answer

    SQLiteStore.act = act  # type: ignore[assignment,method-assign]  # this process is a test's


def unbind_sessions() -> None:
    """Break the binding between an act and its session."""

    def newest(table: CardsTable, session_id: bytes) -> Any:
        row = table._sql.execute(
            "SELECT session_id FROM card_sessions ORDER BY usable_until DESC LIMIT 1"
        ).fetchone()
        return original(table, row[0] if row else session_id)

    original = CardsTable.session
    CardsTable.session = newest  # type: ignore[method-assign]  # this process is a test's


def be() -> None:
    """Run the command, with the defects that the environment names."""
    cut = os.environ.get("JUKI_TEST_CUT", "")
    if cut:
        cut_at(*cut.split(":"))
    if cuts := os.environ.get("JUKI_TEST_CUTS", ""):
        cut_in_any_act(Orders(Path(cuts)))
    if os.environ.get("JUKI_TEST_MUTANT") == "unbound":
        sessions.SESSION_GUARDS = ()
        unbind_sessions()
    main()


if __name__ == "__main__":
    be()
