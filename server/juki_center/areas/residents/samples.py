"""Sample residents for development, tests and the demonstration: invented people, real places.

Here the file's tables become records; the file itself is read elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from juki_center.areas.residents.civil_date_texts import parse_date
from juki_center.areas.residents.codes import MunicipalityCode, ResidentCode
from juki_center.areas.residents.records import (
    Hold,
    HouseholdID,
    Nationality,
    ProtectiveMeasure,
    ResidenceRecord,
    ResidenceState,
    Residents,
    Sex,
)
from juki_center.areas.residents.rules import check_entries
from juki_center.errors import RuleBroken

_DATES = frozenset({"birth", "resident_since", "address_since", "notified"})
_TEXTS = frozenset(
    {
        "name",
        "kana",
        "address",
        "building",
        "alias",
        "relationship",
        "previous_address",
        "registered_domicile",
        "family_register_head",
    }
)


@dataclass(frozen=True, slots=True)
class Sample:
    """One invented resident; `key` is a short name for files and commands, such as yoshida-taro."""

    key: str
    household: int
    municipality: MunicipalityCode
    state: ResidenceState
    record: ResidenceRecord = field(repr=False)


def parse_samples(households: Iterable[Mapping[str, object]]) -> tuple[Sample, ...]:
    """Return the samples of a file's household tables.

    What stands in a household's table holds for each of its members, unless a member's own entry,
    which may be blank, says otherwise. Raises RuleBroken for an
    entry that the register could not hold.
    """
    samples = []
    for number, household in enumerate(households):
        shared = {key: value for key, value in household.items() if key != "member"}
        members = household["member"]
        if not isinstance(members, list):
            raise RuleBroken("LIST_OF_MEMBERS")
        samples += [_sample(number, {**shared, **member}) for member in members]
    return tuple(samples)


def _sample(household: int, entries: Mapping[str, object]) -> Sample:
    texts = {key: str(value) for key, value in entries.items() if value}
    dates = {key: parse_date(text) for key, text in texts.items() if key in _DATES}
    hold = Hold(texts["hold"]) if "hold" in texts else None
    is_protected = hold is Hold.PROTECTIVE_MEASURE
    record = ResidenceRecord(
        code=ResidentCode(texts["code"]),
        sex=Sex(texts["sex"]),
        nationality=Nationality(texts.get("nationality", Nationality.JAPANESE)),
        hold=None if is_protected else hold,
        measure=ProtectiveMeasure() if is_protected else None,
        **{key: text for key, text in texts.items() if key in _TEXTS},  # type: ignore[arg-type]  # texts of that name
        **dates,  # type: ignore[arg-type]  # dates of that name
    )
    check_entries(record)
    return Sample(
        key=texts["key"],
        household=household,
        municipality=MunicipalityCode(texts["municipality"]),
        state=ResidenceState(texts.get("state", ResidenceState.ACTIVE)),
        record=record,
    )


def enter_samples(residents: Residents, samples: Iterable[Sample]) -> None:
    """Enter the samples that the register does not know yet; their municipalities are hosted.

    A sample whose code was changed since is known, too.
    """
    households: dict[int, HouseholdID] = {}
    for sample in samples:
        code = sample.record.code
        if residents.by_code(code) or residents.by_former_code(code):
            continue
        household = households.setdefault(sample.household, residents.new_household())
        residents.enter(sample.municipality, household, sample.record, sample.state)
