"""A residence record: what the register holds of one person at one municipality.

The store keeps a record as one sealed blob; which of its entries a copy shows is decided where
copies are made. How a record's state may change stands in `rules`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from juki_center.areas.residents.civil_dates import CivilDate
from juki_center.areas.residents.codes import MunicipalityCode, ResidentCode
from juki_center.errors import RuleBroken


@dataclass(frozen=True, slots=True)
class PersonID:
    """A person, for ever: 16 random bytes, unrelated to the resident code, which may change."""

    octets: bytes

    def __post_init__(self) -> None:
        if len(self.octets) != 16:
            raise RuleBroken("SIXTEEN_BYTES")


@dataclass(frozen=True, slots=True)
class HouseholdID:
    """A household of one municipality: 16 random bytes."""

    octets: bytes

    def __post_init__(self) -> None:
        if len(self.octets) != 16:
            raise RuleBroken("SIXTEEN_BYTES")


class Sex(StrEnum):
    """Sex as registered; a register may hold a blank."""

    MALE = "MALE"
    FEMALE = "FEMALE"
    BLANK = "BLANK"


class Nationality(StrEnum):
    """Whether the entries for Japanese nationals or those for foreign residents apply."""

    JAPANESE = "JAPANESE"
    FOREIGN = "FOREIGN"


class ResidenceState(StrEnum):
    """The state of a residence record; all but ACTIVE are deleted records."""

    ACTIVE = "ACTIVE"
    MOVED_OUT = "MOVED_OUT"
    DECEASED = "DECEASED"
    DELETED = "DELETED"


class Hold(StrEnum):
    """Why nothing of a record may be issued away from the residence.

    A caller never learns which one it is, nor that it is one of these.
    """

    PROTECTIVE_MEASURE = "PROTECTIVE_MEASURE"
    UNDER_CORRECTION = "UNDER_CORRECTION"


@dataclass(frozen=True, slots=True)
class ResidenceRecord:
    """One person's entries (Residential Basic Book Act, article 7), as far as the center uses them.

    `alias` is the registered alias of a foreign resident; `building` is the part of an address
    after the lot (katagaki). Names and addresses are kept as registered, never normalised.
    """

    code: ResidentCode
    name: str = field(repr=False)
    kana: str = field(repr=False)
    birth: CivilDate = field(repr=False)
    sex: Sex = field(repr=False)
    address: str = field(repr=False)
    resident_since: CivilDate = field(repr=False)
    relationship: str = field(repr=False)
    nationality: Nationality = field(default=Nationality.JAPANESE, repr=False)
    building: str = field(default="", repr=False)
    alias: str = field(default="", repr=False)
    address_since: CivilDate | None = field(default=None, repr=False)
    notified: CivilDate | None = field(default=None, repr=False)
    previous_address: str = field(default="", repr=False)
    registered_domicile: str = field(default="", repr=False)
    family_register_head: str = field(default="", repr=False)
    hold: Hold | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Resident:
    """A person as found: where they are, in which state, and their entries."""

    person: PersonID
    municipality: MunicipalityCode
    household: HouseholdID
    state: ResidenceState
    version: int
    record: ResidenceRecord


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """What the directory says of a person, without opening the record."""

    person: PersonID
    municipality: MunicipalityCode
    state: ResidenceState
    version: int


class Residents(Protocol):
    """What the store keeps of residents.

    Whatever opens a record raises Refusal(RESIDENCE_DISCONNECTED) while its municipality is
    disconnected.
    """

    def by_code(self, code: ResidentCode) -> Whereabouts | None:
        """Say where the person with this code is."""

    def whereabouts(self, person: PersonID) -> Whereabouts | None:
        """Say where a person is."""

    def resident(self, person: PersonID) -> Resident:
        """Open a person's record; the person exists."""

    def household(self, municipality: MunicipalityCode, household: HouseholdID) -> list[Resident]:
        """Open all records of a household, deleted ones too."""

    def by_attributes(
        self, municipality: MunicipalityCode, name: str, birth: CivilDate
    ) -> list[Resident]:
        """Open the records that the keyed index names for a name and a birth date.

        Candidates only: the caller compares. A deleted record is among them.
        """

    def enter(
        self,
        municipality: MunicipalityCode,
        household: HouseholdID,
        record: ResidenceRecord,
        state: ResidenceState = ResidenceState.ACTIVE,
    ) -> PersonID:
        """Enter a person who is new to the register; the code is new too."""

    def replace(self, resident: Resident) -> None:
        """Write a changed record or state as the next version, if nobody else has meanwhile."""

    def new_household(self) -> HouseholdID:
        """Draw a household's id."""


Household = Sequence[Resident]
