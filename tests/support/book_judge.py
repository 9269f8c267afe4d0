"""Whether the books agree: what the store says of every person, read and compared independently.

Knows the tables and the keys, and none of the acts. Each fault is a sentence about one person.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from juki_center.areas.cards.register import CardStatus
from juki_center.areas.moves.rows import Move
from juki_center.areas.moves.states import MemberState, MoveState
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.areas.residents.records import PersonID, ResidenceState
from juki_center.storage import record_codec
from juki_center.storage.keys import SealKey
from juki_center.storage.residents_table import record_owner
from juki_center.storage.sql import Row
from juki_center.storage.transaction import Transaction

LIVING = frozenset({CardStatus.MADE, CardStatus.ACTIVE, CardStatus.SUSPENDED, CardStatus.HELD})


@dataclass(frozen=True)
class Version:
    """One version of a person, in one book."""

    number: int
    municipality: str
    state: str
    reason: str


def faults(tx: Transaction, people: Iterable[PersonID]) -> list[str]:
    """Return what is wrong; empty where each of these people is in exactly one place.

    All municipalities are connected, because every version is opened. Moves and stray rows are
    looked at whomever they concern.
    """
    found = [fault for person in people for fault in _of_person(tx, person.octets)]
    return [*found, *_of_moves(tx), *_of_rows(tx)]


def everybody(tx: Transaction) -> list[PersonID]:
    """Return all who have a place, dead or alive."""
    rows = tx._sql.execute("SELECT person FROM directory ORDER BY person").fetchall()
    return [PersonID(bytes(person)) for (person,) in rows]  # type: ignore[arg-type]


def _of_person(tx: Transaction, person: bytes) -> Iterator[str]:
    who = person.hex()[:8]
    chain = _chain(tx, person)
    if [one.number for one in chain] != [*range(1, len(chain) + 1)]:
        yield f"{who}: versions {[one.number for one in chain]}"
    ((place, state, version),) = tx._sql.execute(
        "SELECT municipality, state, version FROM directory WHERE person = ?", (person,)
    ).fetchall()
    newest = chain[-1]
    if (place, version) != (newest.municipality, newest.number):
        yield f"{who}: the directory says {place} {version}, the book {newest}"
    for before, then in itertools.pairwise(chain):
        if before.municipality != then.municipality and before.state == ResidenceState.ACTIVE:
            yield f"{who}: entered in {then.municipality} while living in {before.municipality}"
    move = tx.moves.open_of_person(PersonID(person))
    yield from _against_move(who, str(place), str(state), move)
    yield from _of_cards(tx, person, who, str(state), move)


def _against_move(who: str, place: str, state: str, move: Move | None) -> Iterator[str]:
    if move is None:
        if state == ResidenceState.MOVED_OUT:
            yield f"{who}: has left {place} and goes nowhere"
        return
    if str(move.origin) != place:
        yield f"{who}: lives in {place}, and an open notice says {move.origin}"
    if state == ResidenceState.MOVED_OUT and not move.departed:
        yield f"{who}: has left before the planned day"
    if state not in {ResidenceState.ACTIVE, ResidenceState.MOVED_OUT}:
        yield f"{who}: {state} with an open notice"


def _of_cards(
    tx: Transaction, person: bytes, who: str, state: str, move: Move | None
) -> Iterator[str]:
    is_needed = move is not None and move.state in {MoveState.NOTIFIED, MoveState.TRANSFERRED}
    for card in tx.cards.of_person(PersonID(person)):
        if card.status not in LIVING or card.continue_until is not None:
            continue
        if state != ResidenceState.ACTIVE and not is_needed:
            yield f"{who}: {state}, and a card is {card.status}"


def _of_moves(tx: Transaction) -> Iterator[str]:
    numbers = tx._sql.execute("SELECT number FROM moves").fetchall()
    for (number,) in numbers:
        move = tx.moves.move(number)  # type: ignore[arg-type]
        assert move is not None
        if move.is_open != (move.ended_at is None):
            yield f"{number}: {move.state} and ended at {move.ended_at}"
        if move.state is MoveState.COMPLETED:
            yield from _of_completed(tx, move)


def _of_completed(tx: Transaction, move: Move) -> Iterator[str]:
    if move.arrived_in is None or move.moved_on is None:
        yield f"{move.number}: completed, and nobody knows where or when"
        return
    moved = [one for one in move.members if one.state is MemberState.MOVED]
    if not moved:
        yield f"{move.number}: completed, and nobody moved"
    if move.moving:
        yield f"{move.number}: completed, and somebody still moves"
    if not tx.registers.is_hosted(move.arrived_in):
        return
    for one in moved:
        chain = {version.number: version for version in _chain(tx, one.person.octets)}
        arrived, left = chain.get(one.arrived_version), chain.get(one.left_version)
        if arrived is None or arrived.municipality != str(move.arrived_in):
            yield f"{move.number}: no arrival in the destination's book: {arrived}"
        if left is None or (left.municipality, left.state) != (str(move.origin), "MOVED_OUT"):
            yield f"{move.number}: no end in the origin's book: {left}"


def _of_rows(tx: Transaction) -> Iterator[str]:
    """Yield rows that no act leaves behind: of persons without a place, and the other way."""
    for statement, said in (
        ("SELECT person FROM records EXCEPT SELECT person FROM directory", "a record alone"),
        ("SELECT person FROM directory EXCEPT SELECT person FROM records", "a place alone"),
        (
            "SELECT person FROM move_members WHERE is_open = 1 GROUP BY person HAVING count(*) > 1",
            "in two notices",
        ),
        (
            "SELECT number FROM move_arrivals EXCEPT SELECT number FROM moves"
            " WHERE arrived_in IS NOT NULL",
            "papers of an arrival alone",
        ),
    ):
        for (key,) in tx._sql.execute(statement).fetchall():
            yield f"{key!r}: {said}"


def _chain(tx: Transaction, person: bytes) -> list[Version]:
    """Return all versions of a person, oldest first, each opened under its own book's key."""
    rows = tx._sql.execute(
        "SELECT version, municipality, household, state, key_version, sealed FROM record_history"
        " WHERE person = ? ORDER BY version",
        (person,),
    ).fetchall()
    newest = tx._sql.execute(
        "SELECT r.version, r.municipality, r.household, d.state, r.key_version, r.sealed"
        " FROM records r JOIN directory d ON d.person = r.person WHERE r.person = ?",
        (person,),
    ).fetchall()
    return [_version(tx, person, row) for row in (*rows, *newest)]


def _version(tx: Transaction, person: bytes, row: Row) -> Version:
    number, municipality, household, state, key_version, sealed = row
    key = tx.keys.data_key(MunicipalityCode(str(municipality)), int(key_version)).key  # type: ignore[arg-type]
    owner = record_owner(str(municipality), person, household, number)  # type: ignore[arg-type]
    reason = _reason(key, sealed, owner)  # type: ignore[arg-type]
    return Version(int(number), str(municipality), str(state), reason)  # type: ignore[arg-type]


# What was opened once is the same again: the octets are sealed to their owner.
@lru_cache(maxsize=1 << 16)
def _reason(key: SealKey, sealed: bytes, owner: str) -> str:
    _, change = record_codec.decode(key.open(sealed, owner))
    return "" if change is None else str(change.reason)
