"""Look-ups do not slow with the size of the registers: each large table is entered by an index."""

from __future__ import annotations

import re
import sqlite3
import uuid
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from juki_center.areas.cards.application_ends import end_overdue
from juki_center.areas.cards.application_rules import OPEN_STATES
from juki_center.areas.cards.continuations import lapse_overdue_continuations
from juki_center.areas.cards.numbers import ApplicationNumber
from juki_center.areas.cards.register import Purpose
from juki_center.areas.cards.retention import forget_due
from juki_center.areas.fleet.disconnections import Disconnection, Level, Scope, Subject
from juki_center.areas.moves.day_end import ARRIVALS, DEADLINES, DEPARTURES, TRANSFERS
from juki_center.areas.moves.numbers import MoveNumber
from juki_center.areas.moves.rows import AlertKind, MoveAlert, Selection
from juki_center.areas.moves.waiting_rows import NoticeFate
from juki_center.areas.ports import Tx
from juki_center.areas.requests.answers import Request
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.areas.residents.records import AttributeQuery
from juki_center.storage.connection import connect
from juki_center.storage.keys import KeyEncryptionKey
from juki_center.storage.rotation import CENTER_KEY, LOOK_UP, Target
from juki_center.storage.transaction import Transaction
from tests.contract.test_register_tables import TERMINAL, codes, update
from tests.support.books import depart, of_key
from tests.support.center import NOW, SAMPLES, open_test_store

pytestmark = pytest.mark.embedded

TOKOROZAWA = MunicipalityCode("112089")
YOSHIDA = SAMPLES["yoshida-taro"].record
REQUEST = Request(TERMINAL, uuid.UUID(int=7), b"content")
LARGE = frozenset(
    {
        "answers",
        "attribute_index",
        "audit_leaves",
        "audit_nodes",
        "audit_subjects",
        "card_applications",
        "card_fees",
        "card_notes",
        "card_personalisations",
        "card_photos",
        "card_sessions",
        "card_unlocks",
        "cards",
        "changes",
        "code_index",
        "code_stock",
        "control_events",
        "directory",
        "edit_locks",
        "issue_persons",
        "issues",
        "move_alerts",
        "move_arrivals",
        "move_corrections",
        "move_members",
        "queued_notices",
        "moves",
        "notice_fates",
        "peer_certificates",
        "pending_updates",
        "provisions",
        "queued_updates",
        "record_history",
        "records",
        "revocations",
        "subscriptions",
    }
)
# They hold what is open, or ended a month ago: they do not grow with the years.
FEW = ("sqlite_autoindex_card_photos_1", "card_personalisations_sealed")
_SCANNED = re.compile(r"SCAN (\w+)")
_NAMED = re.compile(r"(?:FROM|JOIN|INTO|UPDATE) (\w+)(?: (?:AS )?(\w\b))?")


class Watched:
    """A connection that notes the plan of every statement."""

    def __init__(self, sql: sqlite3.Connection) -> None:
        self._sql = sql
        self.scans: list[str] = []
        self.seen = 0
        self.plans: list[str] = []

    def execute(self, statement: str, parameters: tuple[object, ...] = (), /) -> sqlite3.Cursor:
        """Run a statement."""
        self._look(statement, parameters)
        return self._sql.execute(statement, parameters)

    def executemany(self, statement: str, rows: list[tuple[object, ...]], /) -> sqlite3.Cursor:
        """Run a statement for each row."""
        return self._sql.executemany(statement, rows)

    def _look(self, statement: str, parameters: tuple[object, ...]) -> None:
        if statement.split(maxsplit=1)[0] not in {"SELECT", "UPDATE", "DELETE", "INSERT", "WITH"}:
            return
        self.seen += 1
        aliases = {alias: table for table, alias in _NAMED.findall(statement) if alias}
        for row in self._sql.execute(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall():
            self.plans.append(row[3])
            scanned = _SCANNED.match(row[3])
            if row[3].endswith(FEW):
                continue
            is_first_row = "max(" in statement or "LIMIT 1" in statement
            if scanned and aliases.get(scanned[1], scanned[1]) in LARGE and not is_first_row:
                self.scans.append(f"{row[3]}: {statement}")


def person(tx: Tx) -> object:
    """Return whose record is looked at."""
    found = tx.residents.by_code(YOSHIDA.code)
    assert found is not None
    return found.person


def change_code(tx: Tx) -> None:
    """Write a second version, with another code."""
    (code,) = codes(1)
    resident = tx.residents.resident(person(tx))  # type: ignore[arg-type]
    record = replace(resident.record, code=code, former_codes=(YOSHIDA.code,))
    tx.residents.replace(replace(resident, record=record))


NUMBER = ApplicationNumber("A000000000195")


def look_at_applications(tx: Tx) -> None:
    """Ask everything of applications that a window asks."""
    whose = person(tx)
    tx.applications.open_of_person(whose)  # type: ignore[arg-type]
    tx.applications.municipality_of(NUMBER)
    tx.applications.application(NUMBER)
    tx.applications.photo(NUMBER)
    tx.applications.page(TOKOROZAWA, OPEN_STATES, after=0, limit=10)
    tx.applications.fees(TOKOROZAWA, NOW.date(), NOW.date())


def look_at_cards(tx: Tx) -> None:
    """Ask and write everything of cards that a window does."""
    whose = person(tx)
    (card,) = tx.cards.of_person(whose)  # type: ignore[arg-type]
    tx.cards.by_number(card.number)
    tx.cards.use_up_sessions(card.serial, frozenset(Purpose))
    tx.card_notes.of_card(card.serial)
    tx.unlocks.open_of_card(card.serial)
    tx.unlocks.by_id(bytes(16))
    tx.personalisations.of_card(card.serial)
    tx.personalisations.newest_of(NUMBER)


def forget_of_cards(tx: Tx) -> None:
    """Delete what has run out of everything that is kept of cards."""
    end_overdue(tx, NOW, caller_uri=TERMINAL, limit=10)
    lapse_overdue_continuations(tx, NOW, caller_uri=TERMINAL, limit=10)
    forget_due(tx, NOW, caller_uri=TERMINAL)


def look_at_moves(tx: Tx) -> None:
    """Ask of moves what every copy and the end of each day ask."""
    tx.moves.away_on(NOW.date(), [person(tx)])  # type: ignore[list-item]
    for due in (DEPARTURES, TRANSFERS, DEADLINES, ARRIVALS):
        due.find(tx, NOW, 0, 10)


def look_at_cut_off_cards(tx: Tx) -> None:
    """Cut batches of both kinds off, and list their cards."""
    for name in ("juki://cards/made/2023-08-25/2023-08-25", "juki://cards/chip/00"):
        subject = Subject(Scope.CARD_BATCH, name)
        tx.disconnections.put(Disconnection(subject, Level.LOW, "a plan", NOW, TERMINAL))
    assert tx.cards.in_cut_off_batches(NOW.date())
    assert all(card.is_cut_off for card in tx.cards.of_person(person(tx)))  # type: ignore[arg-type]


def look_at_one_move(tx: Tx) -> None:
    """Ask of a move, and of an office's moves, what windows ask."""
    number, whose = MoveNumber("M000000000195"), person(tx)
    tx.moves.move(number)
    tx.moves.open_of_person(whose)  # type: ignore[arg-type]
    tx.moves.newest_of_person(whose)  # type: ignore[arg-type]
    tx.moves.newest_arrival_of(whose)  # type: ignore[arg-type]
    tx.moves.by_transfer(bytes(16))
    tx.moves.expecting(number)
    tx.moves.alert(bytes(16))
    tx.moves.see_alert(bytes(16), NOW)
    for selection in Selection:
        tx.moves.page(TOKOROZAWA, selection, after=0, limit=10)
    for with_seen in (True, False):
        tx.moves.alerts(TOKOROZAWA, with_seen=with_seen, after=0, limit=10)


def look_at_waiting_notices(tx: Tx) -> None:
    """Lay notices in, deliver one, set one aside, and ask what a window asks."""
    office, number = TOKOROZAWA, MoveNumber("M000000000195")
    tx.notices.begin(office, NOW)
    for name in (b"a" * 16, b"b" * 16):
        tx.notices.put(MoveAlert(name, office, number, AlertKind.ARRIVED, NOW))
    first = tx.notices.first(office)
    assert first is not None
    tx.notices.take(first, NoticeFate.DELIVERED, NOW)
    second = tx.notices.first(office)
    assert second is not None
    tx.notices.set_aside(second, "UNREADABLE")
    tx.notices.aside(office)
    tx.notices.retry(office)
    tx.notices.of_move(number)
    tx.notices.held(office)
    tx.notices.delivering()
    tx.notices.end(office)
    tx.notices.forget(NOW)


ACTS: dict[str, Callable[[Transaction], object]] = {
    "by code": lambda tx: tx.residents.by_code(YOSHIDA.code),
    "by former code": lambda tx: tx.residents.by_former_code(YOSHIDA.code),
    "candidates": lambda tx: tx.residents.candidates(
        "11", AttributeQuery(YOSHIDA.name, YOSHIDA.kana, YOSHIDA.birth)
    ),
    "by attributes": lambda tx: tx.residents.by_attributes(TOKOROZAWA, YOSHIDA.name, YOSHIDA.birth),
    "household": lambda tx: tx.residents.household(
        TOKOROZAWA,
        tx.residents.resident(person(tx)).household,  # type: ignore[arg-type]
    ),
    "enter": lambda tx: tx.residents.enter(
        TOKOROZAWA, tx.residents.new_household(), replace(YOSHIDA, code=codes(1)[0])
    ),
    "replace": change_code,
    "earlier": lambda tx: tx.residents.earlier(
        tx.residents.resident(person(tx)),  # type: ignore[arg-type]
        10,
    ),
    "a book": lambda tx: (
        tx.residents.version(person(tx), 1),  # type: ignore[arg-type]
        tx.residents.own_last(person(tx), TOKOROZAWA),  # type: ignore[arg-type]
        tx.residents.own_last(person(tx), TOKOROZAWA, 0),  # type: ignore[arg-type]
    ),
    "what a move has written": lambda tx: tx.moves.has_written(person(tx), 1),  # type: ignore[arg-type]
    "a moved member": lambda tx: tx.residents.household(
        TOKOROZAWA,
        depart(tx, of_key(tx, "yoshida-taro")).household,
    ),
    "copies": lambda tx: (
        tx.issues.of_persons([person(tx)]),  # type: ignore[list-item]
        tx.issues.forget_persons("131016-20261123-000042-7K3Q"),
        tx.issues.forget_persons_before(NOW),
    ),
    "stock": lambda tx: (tx.codes.add(TOKOROZAWA, codes(5)), tx.codes.draw(TOKOROZAWA)),
    "lock": lambda tx: tx.locks.of_person(person(tx)),  # type: ignore[arg-type]
    "held": lambda tx: (
        tx.pending.hold(update(3), missing=2, now=NOW),
        tx.pending.take(TOKOROZAWA, YOSHIDA.code, 3),
    ),
    "applications": look_at_applications,
    "cards": look_at_cards,
    "cut off cards": look_at_cut_off_cards,
    "retention": forget_of_cards,
    "ends of days": look_at_moves,
    "windows of moves": look_at_one_move,
    "waiting notices": look_at_waiting_notices,
    "disclosure": lambda tx: (
        tx.provisions.of_person(person(tx), NOW, NOW),  # type: ignore[arg-type]
        tx.audit.of_subject(person(tx)),  # type: ignore[arg-type]
    ),
    "the log": lambda tx: (tx.audit.nodes([(0, 1), (1, 0)]), tx.audit.leaves(3, 1)),
    "notices": lambda tx: (tx.changes.last_position(), tx.changes.after(0, 10)),
    "answer": lambda tx: (
        tx.answers.put(REQUEST, b"a", resource="r", sealed_for=TOKOROZAWA, now=NOW),
        tx.answers.find(REQUEST),
        tx.answers.wipe_before(NOW),
    ),
}


@pytest.fixture
def watched(folder: Path) -> Watched:
    """Return a watched connection to a store with everybody in it."""
    return Watched(connect(folder / "center.db"))


def transaction(watched: Watched, folder: Path) -> Transaction:
    """Return a transaction on a watched connection."""
    return Transaction(watched, KeyEncryptionKey.load(folder / "kek"))


@pytest.mark.parametrize("act", ACTS)
def test_an_act_of_every_day_scans_no_large_table(watched: Watched, folder: Path, act: str) -> None:
    ACTS[act](transaction(watched, folder))

    assert watched.scans == []
    assert watched.seen > 0


@pytest.mark.parametrize("target", [Target("municipality", TOKOROZAWA), LOOK_UP, CENTER_KEY])
def test_no_step_of_a_rotation_scans_a_large_table(
    watched: Watched, folder: Path, target: Target
) -> None:
    tx = transaction(watched, folder)
    change_code(tx)
    tx.codes.add(TOKOROZAWA, codes(5, 6_000_000_000))
    tx.pending.hold(update(3), missing=2, now=NOW)
    tx.answers.put(REQUEST, b"a", resource="r", sealed_for=None, now=NOW)

    tx.rotations.begin(target, NOW)
    while not tx.rotations.step(target, 10).is_last:
        pass

    assert watched.scans == []


def test_moved_members_are_found_by_the_mark_of_an_ended_stay(
    watched: Watched, folder: Path
) -> None:
    tx = transaction(watched, folder)
    household = depart(tx, of_key(tx, "yoshida-taro")).household

    watched.plans.clear()
    tx.residents.household(TOKOROZAWA, household)

    assert any("USING INDEX record_history_ended" in plan for plan in watched.plans)


def test_a_scan_would_be_seen(watched: Watched) -> None:
    watched.execute("SELECT r.person FROM records r WHERE r.version = ?", (1,))

    assert len(watched.scans) == 1


def test_the_large_tables_are_all_that_grow_with_the_registers(folder: Path) -> None:
    small = {"municipalities", "municipality_keys", "center_keys", "key_rotations", "agencies"}
    small |= {"clerks", "clerk_rights", "sign_ins", "sign_in_failures", "sign_in_stops"}
    small |= {"approvals", "terminal_reports"}
    small |= {"enrolment_tokens", "recoveries"}
    small |= {"authorisations", "imports", "import_findings", "batches", "issue_serials"}
    small |= {"audit_head", "disconnections", "store_facts", "update_queues"}
    small |= {"notice_queues", "cosignatures"}
    small |= {"alerts", "alert_tallies", "alert_watch"}
    open_test_store(folder).close()
    with closing(sqlite3.connect(folder / "center.db")) as sql:
        names = sql.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()

    assert {name for (name,) in names} == LARGE | small | {"alembic_version", "sqlite_sequence"}
