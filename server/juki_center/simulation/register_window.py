"""The windows of the register: births and deaths, entered as a clerk enters them."""

from __future__ import annotations

from juki_center.areas.residents.births import register_birth
from juki_center.areas.residents.civil_date_texts import parse_date
from juki_center.areas.residents.commands import Edit, GetRecord, RegisterBirth, RegisterDeath
from juki_center.areas.residents.deletions import register_death
from juki_center.areas.residents.entries import Entries
from juki_center.areas.residents.era_days import civil_day
from juki_center.areas.residents.read import get_record
from juki_center.areas.residents.records import Nationality, ResidenceRecord, Resident, Sex
from juki_center.areas.residents.synthetic_dates import era_text, gregorian_text
from juki_center.simulation.errands import Birth, Death, Errand
from juki_center.simulation.town import CLERK, Town, window

_GIVEN_NAMES = {Sex.FEMALE: ("結衣", "ユイ"), Sex.MALE: ("蓮", "レン")}
_BETWEEN_NAMES = "\u3000"
_FOREIGN_GIVEN_NAME = "AN"


def birth(town: Town, errand: Birth) -> None:
    """Enter a child; from then on the town knows its code. Raises Refusal."""
    parent = look(town, errand, errand.parent)
    command = RegisterBirth(
        terminal=window(errand.office),
        request_id=town.request_id(),
        clerk_name=CLERK,
        household_of=parent.record.code,
        entries=_of_child(errand, parent.record),
    )
    entered = town.do(
        "register_birth",
        lambda tx: register_birth(tx, command, errand.at, town.policies.registers),
    )
    town.people.persons[errand.child].code = entered.record.record.code.digits


def death(town: Town, errand: Death) -> None:
    """Enter a death. Raises Refusal."""
    resident = look(town, errand, errand.person)
    command = RegisterDeath(edit_of(town, errand, resident), civil_day(errand.died_on))
    town.do(
        "register_death",
        lambda tx: register_death(tx, command, errand.at, town.policies.registers),
    )


def look(town: Town, errand: Errand, person: int) -> Resident:
    """Return a person's record as the clerk has it on the screen. Raises Refusal."""
    command = GetRecord(window(errand.office), CLERK, town.code(person))
    return town.do(
        "get_record", lambda tx: get_record(tx, command, errand.at, town.policies.registers)
    ).record


def edit_of(town: Town, errand: Errand, resident: Resident) -> Edit:
    """Return what a change of a record names that a clerk has on the screen."""
    return Edit(
        terminal=window(errand.office),
        request_id=town.request_id(),
        clerk_name=CLERK,
        code=resident.record.code,
        expected_version=resident.version,
    )


def _of_child(errand: Birth, parent: ResidenceRecord) -> Entries:
    given, kana = _GIVEN_NAMES[errand.sex]
    is_foreign = parent.nationality is Nationality.FOREIGN
    text = gregorian_text(errand.born_on) if is_foreign else era_text(errand.born_on)
    born = parse_date(text)
    family = parent.name.split(_BETWEEN_NAMES)[0]
    return Entries(
        name=_BETWEEN_NAMES.join((family, _FOREIGN_GIVEN_NAME if is_foreign else given)),
        kana=_BETWEEN_NAMES.join((parent.kana.split(_BETWEEN_NAMES)[0], kana)),
        birth=born,
        sex=errand.sex,
        address="",
        resident_since=born,
        relationship="子",
        nationality=parent.nationality,
        registered_domicile=parent.registered_domicile,
        family_register_head=parent.family_register_head,
    )
