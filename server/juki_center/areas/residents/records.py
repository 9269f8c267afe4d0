"""A residence record: what the register holds of one person at one municipality.

The store keeps a record as one sealed blob; which of its entries a copy shows is decided where
copies are made. How a record's state may change stands in `rules`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Final, Protocol

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


NOBODY: Final = PersonID(bytes(16))
"""Who stands in no register; to be asked about where the work must not depend on whom it is."""


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


class ChangeReason(StrEnum):
    """Why an entry was made; the names of the proto's ChangeReason without their prefix."""

    BIRTH = "BIRTH"
    DEATH = "DEATH"
    MOVE_IN = "MOVE_IN"
    SPECIAL_MOVE_IN = "SPECIAL_MOVE_IN"
    MOVE_OUT = "MOVE_OUT"
    MOVE_WITHIN = "MOVE_WITHIN"
    CORRECTION_EX_OFFICIO = "CORRECTION_EX_OFFICIO"
    DELETION_EX_OFFICIO = "DELETION_EX_OFFICIO"
    HOUSEHOLD_CHANGE = "HOUSEHOLD_CHANGE"
    NAME_CHANGE = "NAME_CHANGE"
    CODE_ASSIGNED = "CODE_ASSIGNED"
    CODE_CHANGED = "CODE_CHANGED"
    NATURALISATION = "NATURALISATION"
    NATIONALITY_LOST = "NATIONALITY_LOST"
    CANCELLATION = "CANCELLATION"
    PROTECTION = "PROTECTION"


@dataclass(frozen=True, slots=True)
class ChangeInformation:
    """Why and when an entry was made (article 30-6; 30-5 in 2003).

    `date` is the day of the change, `recorded_at` when it was entered; `cancels` is the version
    that a cancellation cancels, 0 otherwise. `clerk_name` is who entered it, as the window said
    and nobody has verified; empty for an update from the municipality's own system.
    `late_reason` is why a notice came after its days, as was stated; empty where it did not.
    """

    reason: ChangeReason = field(repr=False)
    date: CivilDate = field(repr=False)
    recorded_at: datetime
    cancels: int = 0
    clerk_name: str = field(default="", repr=False)
    late_reason: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class ProtectiveMeasure:
    """A measure for a victim of violence or stalking, in force until it is ended by hand.

    `planned_end` is when the municipality asks whether it goes on, and ends nothing. It is lifted
    before `lifted_until` and in force again from then on.
    """

    planned_end: date | None = field(default=None, repr=False)
    lifted_until: datetime | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class ResidenceRecord:
    """One person's entries (Residential Basic Book Act, article 7), as far as the center uses them.

    `alias` is the registered alias of a foreign resident, `kanji_name` the name in kanji beside
    the one in Latin letters; `building` is the part of an address after the lot (katagaki).
    `former_codes` are the person's earlier codes, oldest first. Names and addresses are kept as
    registered, never normalised.
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
    kanji_name: str = field(default="", repr=False)
    former_codes: tuple[ResidentCode, ...] = field(default=(), repr=False)
    measure: ProtectiveMeasure | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Resident:
    """A person as found: where they are, in which state, and their entries.

    `change` is what made this version; None for the initial load of a register.
    """

    person: PersonID
    municipality: MunicipalityCode
    household: HouseholdID
    state: ResidenceState
    version: int
    record: ResidenceRecord
    change: ChangeInformation | None = None


@dataclass(frozen=True, slots=True)
class AttributeQuery:
    """By what a person is searched for: a name or alias, a reading, or both; and a birth date."""

    name: str = field(repr=False)
    kana: str = field(repr=False)
    birth: CivilDate = field(repr=False)


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """What the directory says of a person, without opening the record."""

    person: PersonID
    municipality: MunicipalityCode
    state: ResidenceState
    version: int


@dataclass(frozen=True, slots=True)
class CodeHolder:
    """Who has a code, or, where it is a former one, who had it."""

    where: Whereabouts
    is_former: bool


class Entries(Protocol):
    """The entries of a record that others than its office may be told."""

    @property
    def name(self) -> str: ...

    @property
    def alias(self) -> str: ...

    @property
    def birth(self) -> CivilDate: ...

    @property
    def sex(self) -> Sex: ...

    @property
    def address(self) -> str: ...

    @property
    def building(self) -> str: ...

    @property
    def code(self) -> ResidentCode: ...


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A person as found, of whose record each entry is read when it is asked for."""

    person: PersonID
    municipality: MunicipalityCode
    state: ResidenceState
    record: Entries = field(repr=False)


@dataclass(frozen=True, slots=True)
class Holding:
    """That somebody has a code, or had it. Both open the record, which may be refused: `resident`
    reads all of it, `excerpt` what it is asked for."""

    is_former: bool
    resident: Callable[[], Resident] = field(repr=False)
    excerpt: Callable[[], Excerpt] = field(repr=False)


class Residents(Protocol):
    """What the store keeps of residents.

    Whatever opens a record raises Refusal(RESIDENCE_DISCONNECTED) while its municipality is
    disconnected.
    """

    def by_code(self, code: ResidentCode) -> Whereabouts | None:
        """Say where the person with this code is."""

    def by_any_code(self, code: ResidentCode) -> CodeHolder | None:
        """Say where the person is who has this code, or had it before."""

    def by_codes(self, codes: Collection[ResidentCode]) -> Mapping[ResidentCode, Holding]:
        """Find who has, or had, each of these codes; nobody's codes are left out.

        Records are opened one by one, so that a disconnected municipality refuses its own alone.
        """

    def by_former_code(self, code: ResidentCode) -> Whereabouts | None:
        """Say where the person is who had this code before."""

    def whereabouts(self, person: PersonID) -> Whereabouts | None:
        """Say where a person is."""

    def resident(self, person: PersonID) -> Resident:
        """Open a person's record; the person exists."""

    def household(self, municipality: MunicipalityCode, household: HouseholdID) -> list[Resident]:
        """Open all records of a household, deleted ones too.

        Of a member who has moved to another municipality the newest version in this one's book is
        among them, unless the person has come back.
        """

    def by_attributes(
        self, municipality: MunicipalityCode, name: str, birth: CivilDate
    ) -> list[Resident]:
        """Open the records that the keyed index names for a name and a birth date.

        Candidates only: the caller compares. A deleted record is among them.
        """

    def candidates(self, prefecture: str, query: AttributeQuery) -> list[Resident]:
        """Open the records that the keyed index names within a prefecture, 01 to 47.

        Candidates only, deleted ones too: the caller compares. Records with an imprecise birth
        date of the same year are among them.
        """

    def enter(
        self,
        municipality: MunicipalityCode,
        household: HouseholdID,
        record: ResidenceRecord,
        state: ResidenceState = ResidenceState.ACTIVE,
        change: ChangeInformation | None = None,
    ) -> PersonID:
        """Enter a person who is new to the register, as version 1; the code is new too."""

    def replace(self, resident: Resident) -> None:
        """Write a changed record or state as the next version, if nobody else has meanwhile.

        `resident` is what was read, with what is to change; its `change` is the new version's own.
        The version before goes into the history. A code that is no longer the record's own, and
        stands among its former codes, is found as a former one from now on.
        """

    def earlier(self, resident: Resident, limit: int) -> list[Resident]:
        """Open the versions before this one in the same book, newest first, at most `limit`.

        Versions that were written while the person lived elsewhere are left out.
        """

    def version(self, person: PersonID, number: int) -> Resident:
        """Open the version with this number, in whichever book it is; there is one."""

    def own_last(
        self, person: PersonID, municipality: MunicipalityCode, until: int | None = None
    ) -> Resident | None:
        """Open the newest version in a municipality's own book, wherever the person lives now.

        None where the book has none; `until` leaves newer versions out. No key but that
        municipality's is needed.
        """

    def new_household(self) -> HouseholdID:
        """Draw a household's id."""

    def numbered_household(self, municipality: MunicipalityCode, number: str) -> HouseholdID:
        """Return the id of the household that a municipality's own system calls `number`."""


Household = Sequence[Resident]
