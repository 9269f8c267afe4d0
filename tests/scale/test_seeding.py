"""A filled test center serves its residents as if they had been imported."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

import pytest

from juki_center.areas.agencies.answering import answer
from juki_center.areas.agencies.commands import ByAttributes, ByCode, Outcome, Question
from juki_center.areas.residents.changes import Item
from juki_center.areas.residents.records import ChangeReason, Resident
from juki_center.areas.residents.updates import Update
from juki_center.cli import shipped
from juki_center.cli.opening import open_with_key
from juki_center.config import CenterConfig, Environment
from juki_center.errors import ConfigInvalid
from juki_center.storage.transaction import Transaction
from tools.scale.inventing import ORIGINALS, Register, portion, spread
from tools.scale.loading import NotEmpty
from tools.scale.seeding import fill

SMALL = Register(130, together=20)
_FOUR = (Item.NAME, Item.DATE_OF_BIRTH, Item.SEX, Item.ADDRESS)


class _CutOff(Exception):
    """Somebody ended the program."""


def everybody(register: Register) -> list[Update]:
    return [one for number in range(register.portions) for one in portion(register, number)]


def resident_of(tx: Transaction, one: Update) -> Resident:
    where = tx.residents.by_code(one.record.code)
    assert where is not None
    return tx.residents.resident(where.person)


def outcomes(tx: Transaction, questions: list[Question]) -> set[Outcome]:
    known = shipped.municipalities()
    return {answer(tx, one, _FOUR, known).confirmation.outcome for one in questions}


def test_filled_center_answers_by_code_and_by_attributes(either: CenterConfig) -> None:
    done = fill(either, SMALL)

    people = everybody(SMALL)
    codes: list[Question] = [ByCode(one.record.code) for one in people]
    names: list[Question] = [
        ByAttributes(one.record.name, one.record.birth, prefecture=one.municipality.prefecture)
        for one in people
    ]
    with closing(open_with_key(either)) as store:
        assert store.read(lambda tx: outcomes(tx, codes)) == {Outcome.MATCH}
        assert Outcome.NO_MATCH not in store.read(lambda tx: outcomes(tx, names))
    assert (done.added, done.total, len(people)) == (130, 130, 130)


def test_record_is_the_invented_one_in_its_household(either: CenterConfig) -> None:
    fill(either, SMALL)

    one = everybody(SMALL)[3]
    with closing(open_with_key(either)) as store:
        found = store.read(lambda tx: resident_of(tx, one))
        together = store.read(
            lambda tx: tx.residents.household(found.municipality, found.household)
        )
    assert replace(found.record, building="") == replace(one.record, building="")
    number = (one.municipality, one.household_number)
    expected = [
        other.record.code
        for other in everybody(SMALL)
        if (other.municipality, other.household_number) == number
    ]
    assert sorted(other.record.code.digits for other in together) == sorted(
        code.digits for code in expected
    )


def test_some_residents_have_a_history(config: CenterConfig) -> None:
    fill(config, SMALL)

    with closing(open_with_key(config)) as store:
        found = [store.read(lambda tx, one=one: resident_of(tx, one)) for one in everybody(SMALL)]
        second = [one for one in found if one.version == 2]
        first = store.read(lambda tx: tx.residents.earlier(second[0], 5))
    assert len(second) == SMALL.portions
    assert second[0].change is not None
    assert second[0].change.reason is ChangeReason.CORRECTION_EX_OFFICIO
    assert [one.version for one in first] == [1]
    assert first[0].record.building != second[0].record.building


def test_each_portion_has_its_leaf_in_a_log_that_holds(either: CenterConfig) -> None:
    fill(either, SMALL)

    # A log that does not hold is refused when the store is opened.
    with closing(open_with_key(either)) as store:
        leaves = store.read(lambda tx: tx.audit.contents(0, 100))
    assert [leaf.event for _, leaf in leaves] == ["RECORDS_IMPORTED"] * SMALL.portions


def test_nobody_is_repeated_under_the_same_code_or_name_and_birth() -> None:
    register = Register(2 * ORIGINALS * 50, together=50)

    people = everybody(register)

    assert len({one.record.code for one in people}) == len(people)
    dated = [one for one in people if one.record.birth.day is not None]
    names = {(one.record.name, one.record.birth.index_key, one.municipality) for one in dated}
    assert len(names) == len(dated)


def test_filling_that_was_cut_off_goes_on_where_it_was(either: CenterConfig) -> None:
    def cut_off(reached: int) -> None:
        if reached == 60:
            raise _CutOff

    with pytest.raises(_CutOff):
        fill(either, SMALL, told=cut_off)

    done = fill(either, SMALL)

    with closing(open_with_key(either)) as store:
        codes: list[Question] = [ByCode(one.record.code) for one in everybody(SMALL)]
        assert store.read(lambda tx: outcomes(tx, codes)) == {Outcome.MATCH}
    assert (done.added, done.total) == (70, 130)


def test_filling_again_what_is_whole_adds_nobody(config: CenterConfig) -> None:
    fill(config, SMALL)

    assert fill(config, SMALL).added == 0


def test_filled_store_grows(either: CenterConfig) -> None:
    fill(either, Register(60, together=20))

    done = fill(either, SMALL)

    with closing(open_with_key(either)) as store:
        codes: list[Question] = [ByCode(one.record.code) for one in everybody(SMALL)]
        assert store.read(lambda tx: outcomes(tx, codes)) == {Outcome.MATCH}
    assert (done.added, done.total) == (70, 130)


@pytest.mark.parametrize(
    "register",
    [
        Register(130, seed=2, together=20),
        Register(60, together=20),
        Register(160, together=20),
    ],
    ids=["other-people", "fewer", "behind-a-portion-that-is-not-whole"],
)
def test_store_that_others_cannot_follow_is_refused(
    config: CenterConfig, register: Register
) -> None:
    fill(config, SMALL)

    with pytest.raises(NotEmpty):
        fill(config, register)


def test_production_center_is_refused(config: CenterConfig) -> None:
    production = replace(config, environment=Environment.PRODUCTION)

    with pytest.raises(ConfigInvalid):
        fill(production, SMALL)

    assert not list((config.kek.parent).glob("*.sqlite"))


def test_several_processes_make_the_same_residents(config: CenterConfig) -> None:
    done = fill(config, SMALL, processes=2)

    with closing(open_with_key(config)) as store:
        codes: list[Question] = [ByCode(one.record.code) for one in everybody(SMALL)]
        assert store.read(lambda tx: outcomes(tx, codes)) == {Outcome.MATCH}
    assert done.added == 130


def test_who_may_be_asked_is_spread_over_the_register() -> None:
    asked = list(spread(SMALL, 14))

    assert len(asked) == 14
    assert {one.household_number.partition("-")[0] for one in asked} == {*"0123456"}
