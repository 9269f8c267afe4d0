"""Records of a register as messages and as the areas have them."""

from __future__ import annotations

from dataclasses import replace

from juki_center.areas.residents.codes import MunicipalityCode, ResidentCode
from juki_center.areas.residents.records import HouseholdID, PersonID, ResidenceState, Resident
from juki_center.rpc.records_translation import entries
from jukinet.residents.v1 import residence_record_pb2 as records
from tests.support.register_service import newborn, reiwa

CODE = "07215594348"
ADDRESS = "東京都千代田区九段南一丁目2番1号"
EVERY_TEXT = newborn(
    address=ADDRESS,
    building_and_room="グランドハイツ１０１号室",
    previous_address="埼玉県所沢市並木一丁目1番地の1",
    address_since=reiwa(8, 11, 2),
    notification_date=reiwa(8, 11, 3),
)


def resident(entry: records.Entries | None = None, **more: object) -> Resident:
    """Return a record with the entries of a message."""
    record = entries("entries", entry or newborn(address=ADDRESS)).of_new(ResidentCode(CODE))
    found = Resident(
        person=PersonID(bytes(16)),
        municipality=MunicipalityCode("131016"),
        household=HouseholdID(bytes(16)),
        state=ResidenceState.ACTIVE,
        version=3,
        record=record,
    )
    return replace(found, **more)  # type: ignore[arg-type]  # named per test
