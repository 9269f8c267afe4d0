"""What no column shows of people who move: seals, states against notices, cards.

Opens every version under its own book's key, and uses none of the acts. Each fault is a sentence
about one person. What plain columns show is looked at in `move_books`.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from juki_center.areas.cards.register import CardStatus
from juki_center.areas.moves.rows import Move
from juki_center.areas.moves.states import MoveState
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
    """Return what is wrong with these people; all municipalities are connected."""
    return [fault for person in people for fault in _of_person(tx, person.octets)]


def _of_person(tx: Transaction, person: bytes) -> Iterator[str]:
    who = person.hex()[:8]
    chain = _chain(tx, person)
    ((place, state),) = tx._sql.execute(
        "SELECT municipality, state FROM directory WHERE person = ?", (person,)
    ).fetchall()
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
