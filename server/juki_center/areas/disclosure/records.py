"""What a resident asks for, and what is disclosed: the proto's messages as records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from juki_center.areas.agencies.affairs import Affairs
from juki_center.areas.agencies.commands import Information, Kind
from juki_center.areas.agencies.provisions import YEARS_KEPT
from juki_center.areas.callers import Terminal
from juki_center.areas.residents.changes import Item
from juki_center.areas.residents.civil_dates import CivilDate
from juki_center.areas.residents.codes import MunicipalityCode, ResidentCode
from juki_center.areas.residents.municipalities import Municipalities
from juki_center.areas.residents.records import ChangeReason


class UsageMethod(StrEnum):
    """The function by which information was provided; the proto's names without their prefix."""

    BY_CODE = "BY_CODE"
    BY_ATTRIBUTES = "BY_ATTRIBUTES"
    BATCH = "BATCH"
    CHANGES = "CHANGES"
    WIDE_AREA = "WIDE_AREA"


METHOD_OF: Final[Mapping[Kind, UsageMethod]] = {kind: UsageMethod(kind.value) for kind in Kind}


@dataclass(frozen=True, slots=True)
class Disclose:
    """Command: a resident asks in person. `code` is what the form says, None for consent."""

    terminal: Terminal
    request_id: UUID
    session_id: bytes
    code: ResidentCode | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class DisclosurePolicy:
    """What disclosing stands on. `years` of provisions are disclosed, as the prefecture rules."""

    municipalities: Municipalities
    affairs: Affairs
    years: int = YEARS_KEPT


@dataclass(frozen=True, slots=True)
class OwnInformation:
    """What the register holds of the applicant."""

    information: Information
    change_reason: ChangeReason | None
    change_date: CivilDate | None = field(repr=False)
    municipality: MunicipalityCode
    disclosed_at: datetime


@dataclass(frozen=True, slots=True)
class Provided:
    """One provision with the fields of the law; nobody who operated a system is among them."""

    at: datetime
    method: UsageMethod
    reason: str
    affair: str
    provider: MunicipalityCode
    recipient: str
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Period:
    """From which day to which, both included, in Japan."""

    first_day: date
    last_day: date


@dataclass(frozen=True, slots=True)
class ProvisionLog:
    """All provisions of a period in the order of their time; none is a lawful answer."""

    provisions: tuple[Provided, ...] = field(repr=False)
    period: Period
    disclosed_at: datetime
