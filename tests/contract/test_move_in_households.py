"""A move in: the household that persons join or make, and their address."""

from __future__ import annotations

from dataclasses import replace

import pytest

from juki_center.areas.moves.commands import Place
from juki_center.areas.moves.move_ins import register_move_in
from juki_center.areas.residents.records import (
    ResidenceState,
)
from juki_center.errors import Reason
from juki_center.storage.sqlite import SQLiteStore
from tests.support.arrivals import (
    HANAKO,
    NEW_CODE,
    PLACE,
    SAKURA,
    TARO,
    Arrivals,
    code_of,
    day,
)
from tests.support.center import SAMPLES


@pytest.fixture
def chiyoda(store: SQLiteStore) -> Arrivals:
    """Give the window of the planned destination."""
    return Arrivals(store)


async def test_who_joins_a_household_lives_in_it(chiyoda: Arrivals) -> None:
    head = SAMPLES["yamazaki-ken"].record.code
    await chiyoda.notice(SAKURA)
    fetched = await chiyoda.fetch(SAKURA)
    place = replace(PLACE, household_of=head)

    answer = await chiyoda.do(register_move_in, chiyoda.move_in(fetched, SAKURA, place=place))

    assert chiyoda.record(SAKURA).household == chiyoda.record("yamazaki-ken").household
    assert not answer.household_needs_head


async def test_a_household_with_two_heads_is_told_of_and_not_refused(chiyoda: Arrivals) -> None:
    head = SAMPLES["yamazaki-ken"].record.code
    await chiyoda.notice(TARO)
    place = replace(PLACE, household_of=head)

    answer = await chiyoda.do(
        register_move_in, chiyoda.move_in(await chiyoda.fetch(), TARO, place=place)
    )

    assert answer.household_needs_head


@pytest.mark.parametrize("relationship", ["世帯主", "同居人"])
async def test_a_new_household_has_exactly_one_head(chiyoda: Arrivals, relationship: str) -> None:
    await chiyoda.notice(TARO, HANAKO)
    command = chiyoda.move_in(await chiyoda.fetch(), TARO, HANAKO)
    alike = tuple(replace(one, relationship=relationship) for one in command.arrivals)

    refused = await chiyoda.refused(register_move_in, replace(command, arrivals=alike))

    assert refused.reason is Reason.FIELD_INVALID
    assert refused.metadata == {"field": "arrivals", "rule": "ONE_HEAD"}


async def test_nobody_joins_the_household_of_somebody_elsewhere(chiyoda: Arrivals) -> None:
    await chiyoda.notice(TARO)
    fetched = await chiyoda.fetch()
    for key in ("kamiya-jun", HANAKO, TARO):
        place = replace(PLACE, household_of=code_of(key))

        refused = await chiyoda.refused(
            register_move_in, chiyoda.move_in(fetched, TARO, place=place)
        )

        assert refused.reason is Reason.RESIDENT_NOT_FOUND


async def test_nobody_joins_by_a_former_code(chiyoda: Arrivals) -> None:
    key = "yamazaki-ken"
    await chiyoda.notice(TARO)
    await chiyoda.change_record(key, code=NEW_CODE, former_codes=(code_of(key),))
    place = replace(PLACE, household_of=code_of(key))

    refused = await chiyoda.refused(
        register_move_in, chiyoda.move_in(await chiyoda.fetch(), TARO, place=place)
    )

    assert refused.reason is Reason.CODE_CHANGED


async def test_nobody_joins_the_household_of_somebody_who_is_gone(chiyoda: Arrivals) -> None:
    await chiyoda.notice(TARO)
    await chiyoda.set_state("yamazaki-ken", ResidenceState.DECEASED)
    place = replace(PLACE, household_of=code_of("yamazaki-ken"))

    refused = await chiyoda.refused(
        register_move_in, chiyoda.move_in(await chiyoda.fetch(), TARO, place=place)
    )

    assert (refused.reason, refused.metadata["state"]) == (Reason.NOT_IN_THIS_STATE, "DECEASED")


@pytest.mark.parametrize(
    ("place", "field", "rule"),
    [
        (Place(""), "place.address", "REQUIRED"),
        (Place("神田" * 101), "place.address", "TOO_LONG"),
        (Place("神田\u200b"), "place.address", "INVISIBLE_CHARACTER U+200B"),
        (Place("神田", "\x07"), "place.building_and_room", "CONTROL_CHARACTER U+0007"),
    ],
)
async def test_an_address_that_the_register_may_not_hold_is_refused(
    chiyoda: Arrivals, place: Place, field: str, rule: str
) -> None:
    await chiyoda.notice(TARO)

    refused = await chiyoda.refused(
        register_move_in, chiyoda.move_in(await chiyoda.fetch(), TARO, place=place)
    )

    assert (refused.reason, refused.metadata) == (
        Reason.FIELD_INVALID,
        {"field": field, "rule": rule},
    )


async def test_nobody_has_moved_before_being_born(chiyoda: Arrivals) -> None:
    await chiyoda.change_record(SAKURA, birth=day("令和9年4月2日"))
    await chiyoda.notice()

    refused = await chiyoda.refused(register_move_in, chiyoda.move_in(await chiyoda.fetch()))

    assert refused.reason is Reason.FIELD_INVALID
    assert refused.metadata == {"field": "moved_date", "rule": "BEFORE_BIRTH"}
