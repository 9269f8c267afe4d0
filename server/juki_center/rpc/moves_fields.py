"""Fields that several requests of moves have: who acts, which move, which persons, which place.

Each function returns the checked value or raises FIELD_INVALID with the field's path.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Final, Protocol

from juki_center.areas.moves.commands import (
    Arrival,
    AtWindow,
    Look,
    Mover,
    Place,
    Plan,
)
from juki_center.areas.moves.numbers import MoveNumber
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.areas.residents.locks import LOCK_ID_OCTETS
from juki_center.areas.residents.names import accept_address
from juki_center.rpc import fields
from juki_center.rpc.records_translation import resident_code

if TYPE_CHECKING:
    from juki_center.areas.callers import Terminal
    from juki_center.areas.residents.codes import ResidentCode
    from jukinet.moves.v1 import move_pb2 as records
    from jukinet.moves.v1 import move_service_pb2 as pb

ID_OCTETS: Final = 16
MOST_PERSONS: Final = 20
_CLERK_NAME: Final = 60
_VERSION: Final = 4_294_967_295
_LATE_REASON: Final = 200
_NUMBER_AS_READ: Final = 24


class Named(Protocol):
    """A request that says who acts."""

    @property
    def clerk_name(self) -> str: ...


class Changing(Named, Protocol):
    """A request that changes something."""

    @property
    def request_id(self) -> str: ...


class Coded(Protocol):
    """Something in a request that has a person's code."""

    @property
    def code(self) -> str: ...


def at_window(request: Changing, sender: Terminal) -> AtWindow:
    """Return where and by whom a change is asked."""
    request_id = fields.uuid4("request_id", request.request_id)
    return AtWindow(sender, request_id, _clerk(request))


def look(request: Named, sender: Terminal) -> Look:
    """Return where and by whom a look is asked."""
    return Look(sender, _clerk(request))


def _clerk(request: Named) -> str:
    """Return the clerk's name. Absent is for the act to refuse: it has a reason of its own."""
    return fields.text("clerk_name", request.clerk_name, longest=_CLERK_NAME, may_be_empty=True)


def as_read(path: str, text: str) -> str:
    """Return a number as a person has read it from paper: spaces and hyphens do not count."""
    fields.text(path, text, longest=_NUMBER_AS_READ)
    return text.replace(" ", "").replace("-", "")


def move_number(path: str, text: str) -> MoveNumber:
    """Parse a move's number."""
    number = as_read(path, text)
    with fields.field(path):
        return MoveNumber(number)


def municipality(path: str, digits: str) -> MunicipalityCode:
    """Parse a municipality's code."""
    with fields.field(path):
        return MunicipalityCode(digits)


def version(path: str, value: int, *, least: int = 1) -> int:
    """Check the number of a version that a clerk saw."""
    return fields.number(path, value, least=least, most=_VERSION)


def optional_day(path: str, text: str) -> date | None:
    """Parse a day, None where there is none."""
    return fields.day(path, text) if text else None


def optional_address(path: str, text: str) -> str:
    """Take an address in the form in which it is stored; it may be empty."""
    with fields.field(path):
        return accept_address(text) if text else ""


def required_address(path: str, text: str) -> str:
    """Take an address in the form in which it is stored."""
    fields.required(path, text)
    return optional_address(path, text)


def late_reason(path: str, text: str) -> str:
    """Take why a notice comes late. Absent is for the act to refuse where it is needed."""
    return fields.text(path, text, longest=_LATE_REASON, may_be_empty=True)


def persons(path: str, listed: Sequence[Coded]) -> tuple[tuple[str, ResidentCode], ...]:
    """Return the path and the code of each person of a list; nobody stands there twice."""
    fields.number(path, len(listed), least=1, most=MOST_PERSONS)
    found = tuple(
        (f"{path}[{index}]", resident_code(f"{path}[{index}].code", one.code))
        for index, one in enumerate(listed)
    )
    if len({code for _, code in found}) < len(found):
        raise fields.invalid(path, "TWICE")
    return found


def movers(listed: Sequence[pb.Mover]) -> tuple[Mover, ...]:
    """Return who moves out."""
    return tuple(
        Mover(
            code,
            version(f"{path}.expected_version", one.expected_version),
            lock_id(f"{path}.lock_id", one.lock_id),
        )
        for (path, code), one in zip(persons("movers", listed), listed, strict=True)
    )


def lock_id(path: str, octets: bytes) -> bytes | None:
    """Return the id of an edit lock, None where there is none."""
    return fields.octets(path, octets, size=LOCK_ID_OCTETS) if octets else None


def seen_arrivals(path: str, listed: Sequence[records.Arrival]) -> tuple[Arrival, ...]:
    """Return persons with the versions that were shown, and nothing about a new place."""
    found = []
    for (at, code), one in zip(persons(path, listed), listed, strict=True):
        if one.relationship_to_householder:
            raise fields.invalid(f"{at}.relationship_to_householder", "NOT_HERE")
        found.append(Arrival(code, version(f"{at}.expected_version", one.expected_version)))
    return tuple(found)


def arrivals(listed: Sequence[records.Arrival], *, by_paper: bool) -> tuple[Arrival, ...]:
    """Return who has come; a paper shows no version, and fetched information shows one."""
    found = []
    for (at, code), one in zip(persons("arrivals", listed), listed, strict=True):
        if by_paper and one.expected_version:
            raise fields.invalid(f"{at}.expected_version", "NOT_WITH_PAPER")
        least = 0 if by_paper else 1
        seen = version(f"{at}.expected_version", one.expected_version, least=least)
        role = f"{at}.relationship_to_householder"
        found.append(Arrival(code, seen, required_address(role, one.relationship_to_householder)))
    return tuple(found)


def plan(holder: pb.FileMoveOutRequest | pb.ChangeMoveOutRequest) -> Plan:
    """Return where to and when, as planned."""
    fields.present(holder, "plan", "plan")
    stated = holder.plan
    return Plan(
        destination=_destination(stated),
        planned_on=fields.day("plan.planned_date", stated.planned_date),
        address=optional_address("plan.destination_address", stated.destination_address),
    )


def _destination(stated: records.MovePlan) -> MunicipalityCode | None:
    match stated.WhichOneof("destination"):
        case "destination_code":
            return municipality("plan.destination_code", stated.destination_code)
        case "abroad" if stated.abroad:
            return None
        case _:
            raise fields.invalid("plan.destination", "REQUIRED")


def place(
    holder: pb.RegisterMoveInRequest | pb.RegisterMoveWithinRequest, *, same_household: bool = False
) -> Place:
    """Return the new place; a household that stays what it is names none."""
    fields.present(holder, "place", "place")
    stated = holder.place
    if same_household and stated.WhichOneof("household") is not None:
        raise fields.invalid("place.household", "NOT_WITH_SAME_HOUSEHOLD")
    return Place(
        address=required_address("place.address", stated.address),
        building=optional_address("place.building_and_room", stated.building_and_room),
        household_of=None if same_household else _household(stated),
    )


def _household(stated: records.NewPlace) -> ResidentCode | None:
    match stated.WhichOneof("household"):
        case "household_of_code":
            return resident_code("place.household_of_code", stated.household_of_code)
        case "new_household" if stated.new_household:
            return None
        case _:
            raise fields.invalid("place.household", "REQUIRED")
