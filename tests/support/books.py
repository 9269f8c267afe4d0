"""A resident who has moved: the last version in one book, and the first one in another."""

from __future__ import annotations

from dataclasses import replace

from juki_center.areas.ports import Tx
from juki_center.areas.residents.civil_date_texts import parse_date
from juki_center.areas.residents.codes import MunicipalityCode, ResidentCode
from juki_center.areas.residents.records import (
    ChangeInformation,
    ChangeReason,
    ResidenceState,
    Resident,
)
from juki_center.storage.sqlite import SQLiteStore
from tests.support.center import NOW, SAMPLES

DAY = parse_date("令和8年11月1日")
NEW_ADDRESS = "新しい町１番１"


def change(reason: ChangeReason) -> ChangeInformation:
    """Return the change information of an entry."""
    return ChangeInformation(reason, DAY, NOW, clerk_name="係")


def of_key(tx: Tx, key: str) -> Resident:
    """Return a sample resident's newest record."""
    code = SAMPLES[key].record.code
    found = tx.residents.by_code(code) or tx.residents.by_former_code(code)
    assert found is not None
    return tx.residents.resident(found.person)


def written(tx: Tx, resident: Resident) -> Resident:
    """Write the next version, and return it."""
    tx.residents.replace(resident)
    return tx.residents.resident(resident.person)


def depart(tx: Tx, resident: Resident) -> Resident:
    """Write that somebody has moved out."""
    gone = replace(resident, state=ResidenceState.MOVED_OUT, change=change(ChangeReason.MOVE_OUT))
    return written(tx, gone)


def arrive(tx: Tx, resident: Resident, municipality: MunicipalityCode) -> Resident:
    """Write that somebody has moved in, into a household of their own."""
    record = replace(resident.record, address=NEW_ADDRESS, relationship="世帯主")
    come = replace(
        resident,
        municipality=municipality,
        household=tx.residents.new_household(),
        state=ResidenceState.ACTIVE,
        record=record,
        change=change(ChangeReason.MOVE_IN),
    )
    return written(tx, come)


async def move(store: SQLiteStore, key: str, to: str) -> Resident:
    """Let a sample resident move; return the record at the new place."""
    return await store.act(lambda tx: arrive(tx, depart(tx, of_key(tx, key)), MunicipalityCode(to)))


async def give_code(store: SQLiteStore, key: str, code: ResidentCode) -> Resident:
    """Give a sample resident another code."""

    def act(tx: Tx) -> Resident:
        resident = of_key(tx, key)
        record = replace(
            resident.record,
            code=code,
            former_codes=(*resident.record.former_codes, resident.record.code),
        )
        return written(
            tx, replace(resident, record=record, change=change(ChangeReason.CODE_CHANGED))
        )

    return await store.act(act)
