"""The auditor of both books finds each way in which they disagree, and nothing in sound ones."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from juki_center.areas.cards.policy import CardPolicy
from juki_center.areas.moves.move_ins import register_move_in
from juki_center.areas.moves.notices import file_move_out
from juki_center.areas.moves.policy import MovePolicy
from juki_center.areas.moves.transfers import fetch_transfer
from juki_center.rpc import move_ins_translation as into
from juki_center.rpc import moves_translation as out
from juki_center.rule_sets import RuleSet
from juki_center.storage.sqlite import SQLiteStore
from tests.support import move_requests as ask
from tests.support.card_window import MUNICIPALITIES
from tests.support.center import CHIYODA, NOW, TOKOROZAWA, serial_of
from tests.support.move_books import disagreements
from tests.support.move_service import finished_session

pytestmark = pytest.mark.embedded

POLICY = MovePolicy(CardPolicy(RuleSet.R2012_07_09, MUNICIPALITIES))
ONE_MOVED = "(SELECT MIN(person) FROM move_members WHERE state = 'MOVED')"
REOPENED = "UPDATE moves SET ended_at = NULL, state = 'TRANSFERRED', transfer_id = "
DEFECTS = {
    f"UPDATE directory SET municipality = '112089' WHERE person = {ONE_MOVED}": "in the directory",
    f"UPDATE directory SET version = version + 1 WHERE person = {ONE_MOVED}": "in the directory",
    f"DELETE FROM records WHERE person = {ONE_MOVED}": "in the directory and not in one book",
    f"DELETE FROM directory WHERE person = {ONE_MOVED}": "in a book and not in the directory",
    "DELETE FROM record_history WHERE version = 1": "a history has a gap",
    "UPDATE record_history SET state = 'ACTIVE'": "changed books without",
    "UPDATE record_history SET ended_stay = 0": "changed books without",
    "UPDATE move_members SET is_open = 1 WHERE place = 0": "a member is open",
    "DROP INDEX move_members_open; UPDATE move_members SET is_open = 1; INSERT INTO move_members"
    " SELECT 'M', place, person, state, 1, 0, 0 FROM move_members": "to move twice",
    "UPDATE moves SET ended_at = NULL": "ended without a time",
    "UPDATE moves SET state = 'NOTIFIED'": "has a time and goes on",
    "UPDATE move_members SET left_version = 0 WHERE state = 'MOVED'": "the books do not say so",
    "UPDATE move_members SET arrived_version = 2 WHERE state = 'MOVED'": "the books do not say so",
    "UPDATE move_members SET state = 'MOVING'": "somebody is still to move",
    "UPDATE moves SET state = 'CANCELLED_AFTER'": "not at the origin again",
    "UPDATE moves SET ended_at = NULL, state = 'NOTIFIED', transfer_id = x'00'": "a claim stands",
    f"{REOPENED}NULL": "claimed by nobody",
    f"{REOPENED}x'00'; UPDATE move_members SET is_open = 1, state = 'MOVING'": "at the origin",
    "UPDATE move_arrivals SET municipality = '112089'": "has not arrived there",
}


@pytest.fixture
async def moved(store: SQLiteStore) -> SQLiteStore:
    """Return a store in which two of a family of three have moved by card."""
    filing = out.file_move_out(ask.filing(), TOKOROZAWA)
    await store.act(lambda tx: file_move_out(tx, filing, NOW, POLICY))
    session = await finished_session(store, serial_of(ask.TARO))
    fetching = into.fetch_transfer(ask.by_card(session), CHIYODA)
    fetched = await store.act(lambda tx: fetch_transfer(tx, fetching, NOW, POLICY))
    request = ask.moving_in(fetched.transfer_id, arrivals=ask.arrivals(ask.TARO, ask.HANAKO))
    moving = into.register_move_in(request, CHIYODA)
    await store.act(lambda tx: register_move_in(tx, moving, NOW, POLICY))
    return store


async def test_sound_books_agree(moved: SQLiteStore) -> None:
    assert disagreements(moved.path) == []


@pytest.mark.parametrize("defect", DEFECTS)
async def test_each_defect_is_found(moved: SQLiteStore, defect: str) -> None:
    with closing(sqlite3.connect(moved.path)) as sql:
        sql.executescript(defect)

    found = disagreements(moved.path)

    assert any(DEFECTS[defect] in one for one in found), found
