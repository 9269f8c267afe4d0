"""A person's entries without what the register itself adds: no code, no measure, no history."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace

from juki_center.areas.residents.civil_dates import CivilDate
from juki_center.areas.residents.codes import ResidentCode
from juki_center.areas.residents.records import Nationality, ResidenceRecord, Sex
from juki_center.errors import RuleBroken


@dataclass(frozen=True, slots=True)
class Entries:
    """The entries as a clerk hands them in; the names are those of ResidenceRecord.

    A missing birth date or first day of residence is None, and no record is made of it.
    """

    name: str = field(repr=False)
    kana: str = field(repr=False)
    birth: CivilDate | None = field(repr=False)
    sex: Sex = field(repr=False)
    address: str = field(repr=False)
    resident_since: CivilDate | None = field(repr=False)
    relationship: str = field(repr=False)
    nationality: Nationality = field(default=Nationality.JAPANESE, repr=False)
    building: str = field(default="", repr=False)
    alias: str = field(default="", repr=False)
    address_since: CivilDate | None = field(default=None, repr=False)
    notified: CivilDate | None = field(default=None, repr=False)
    previous_address: str = field(default="", repr=False)
    registered_domicile: str = field(default="", repr=False)
    family_register_head: str = field(default="", repr=False)
    kanji_name: str = field(default="", repr=False)

    def of_new(self, code: ResidentCode) -> ResidenceRecord:
        """Return the record of a person who is new to the register.

        Raises RuleBroken, REQUIRED, for a date that must not be blank; a name and a sex may be.
        """
        return ResidenceRecord(code=code, **self._values())  # type: ignore[arg-type]  # fields of the same names

    def over(self, record: ResidenceRecord) -> ResidenceRecord:
        """Return a record with these entries; its code, measure and former codes stay.

        Raises RuleBroken as `of_new` does.
        """
        return replace(record, **self._values())  # type: ignore[arg-type]  # fields of the same names

    def _values(self) -> dict[str, object]:
        if self.birth is None:
            raise RuleBroken("REQUIRED", "date_of_birth")
        if self.resident_since is None:
            raise RuleBroken("REQUIRED", "resident_since")
        return {one.name: getattr(self, one.name) for one in fields(self)}


@contextmanager
def of_field(path: str) -> Iterator[None]:
    """Name the request's field in which a rule is broken; a part of it keeps its own name."""
    try:
        yield
    except RuleBroken as broken:
        name = f"{path}.{broken.field}" if broken.field else path
        raise RuleBroken(broken.rule, name) from broken
