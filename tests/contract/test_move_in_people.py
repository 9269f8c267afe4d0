"""A move in: who comes back, who looks like somebody else, cards and copies."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from juki_center.areas.cards.register import CardStatus
from juki_center.areas.copies.commands import PrintState, RecallReason
from juki_center.areas.moves.commands import Arrival
from juki_center.areas.moves.move_ins import register_move_in
from juki_center.areas.moves.rows import AlertKind, Correction, Move
from juki_center.areas.ports import Tx
from juki_center.areas.residents.records import (
    ResidenceState,
)
from juki_center.errors import Reason
from juki_center.rule_sets import RuleSet
from juki_center.storage.sqlite import SQLiteStore
from tests.support.arrivals import (
    DESTINATION,
    FAMILY,
    HANAKO,
    NEW_CODE,
    NOTIFIED,
    ORIGIN,
    SAKURA,
    SETAGAYA,
    TARO,
    Arrivals,
    code_of,
    day,
)
from tests.support.center import Center, make_policy, make_signer
from tests.support.rows import number


@pytest.fixture
def chiyoda(store: SQLiteStore) -> Arrivals:
    """Give the window of the planned destination."""
    return Arrivals(store)


# Who comes back, and who looks like somebody else


async def comes_back(chiyoda: Arrivals, here: str, there: str) -> None:
    """Let Taro have lived here under a name in one form, and at the origin under another."""
    person = chiyoda.person(TARO)

    def act(tx: Tx) -> None:
        for municipality, name in ((DESTINATION, here), (ORIGIN, there)):
            resident = tx.residents.resident(person)
            record = replace(resident.record, name=name)
            tx.residents.replace(
                replace(
                    resident,
                    municipality=municipality,
                    household=tx.residents.new_household(),
                    record=record,
                )
            )

    await chiyoda.store.act(act)


async def test_who_comes_back_is_the_same_person_with_the_name_as_it_was_here(
    chiyoda: Arrivals,
) -> None:
    await comes_back(chiyoda, "吉田　太郎", "\U00020bb7田　太郎")
    person = chiyoda.person(TARO)
    count = number(chiyoda.store, "SELECT count(*) FROM directory")

    answer = await chiyoda.moved_in()

    assert chiyoda.person(TARO) == person
    assert number(chiyoda.store, "SELECT count(*) FROM directory") == count
    assert chiyoda.record(TARO).record.name == "吉田　太郎"
    assert [one.kind for one in answer.alerts] == [AlertKind.NAME_FORM_KEPT]
    assert chiyoda.alerts(DESTINATION) == [AlertKind.NAME_FORM_KEPT]


@pytest.mark.parametrize("here", ["\U00020bb7田　太郎", "山田　太郎"])
async def test_the_received_name_wins_unless_it_is_the_same_one_in_another_form(
    chiyoda: Arrivals, here: str
) -> None:
    await comes_back(chiyoda, here, "\U00020bb7田　太郎")

    answer = await chiyoda.moved_in()

    assert chiyoda.record(TARO).record.name == "\U00020bb7田　太郎"
    assert answer.alerts == ()


async def test_somebody_of_the_same_name_and_birth_date_is_told_of_and_never_merged(
    chiyoda: Arrivals,
) -> None:
    other = await chiyoda.enter_here(TARO, code=NEW_CODE, name="吉田　太郎")
    before = chiyoda.store.read(lambda tx: tx.residents.resident(other))

    answer = await chiyoda.moved_in()

    assert [one.kind for one in answer.alerts] == [AlertKind.SAME_NAME_OTHER_CODE]
    assert chiyoda.alerts(DESTINATION) == [AlertKind.SAME_NAME_OTHER_CODE]
    assert chiyoda.store.read(lambda tx: tx.residents.resident(other)) == before
    assert chiyoda.record(TARO).record.code == code_of(TARO)


@pytest.mark.parametrize("what", ["birth", "name", "death"])
async def test_somebody_who_differs_or_has_died_is_not_told_of(
    chiyoda: Arrivals, what: str
) -> None:
    changes = {"birth": {"birth": day("昭和45年3月3日")}, "name": {"name": "吉田　太朗"}}
    other = await chiyoda.enter_here(TARO, code=NEW_CODE, **changes.get(what, {}))
    if what == "death":
        dead = ResidenceState.DECEASED
        await chiyoda.store.act(
            lambda tx: tx.residents.replace(replace(tx.residents.resident(other), state=dead))
        )

    answer = await chiyoda.moved_in()

    assert answer.alerts == ()


# Cards and copies


async def test_before_2012_every_card_lapses_and_those_handed_in_are_returned(
    chiyoda: Arrivals,
) -> None:
    await chiyoda.notice()
    command = chiyoda.move_in(await chiyoda.fetch(), handed_in=(chiyoda.card(TARO).number,))

    answer = await chiyoda.do(register_move_in, command)

    assert [chiyoda.card(key).status for key in FAMILY] == [CardStatus.LAPSED] * 3
    assert chiyoda.card(TARO).returned_at == NOTIFIED
    assert chiyoda.card(HANAKO).returned_at is None
    assert [one.lapsed_cards for one in answer.registered] == [1, 1, 1]
    assert [one.continue_until for one in answer.registered] == [None] * 3


async def test_from_2012_cards_wait_ninety_days_to_be_continued(chiyoda: Arrivals) -> None:
    answer = await chiyoda.under(RuleSet.R2012_07_09).moved_in(TARO, HANAKO)

    assert [one.continue_until for one in answer.registered] == [date(2027, 7, 13)] * 2
    assert chiyoda.card(TARO).continue_until == date(2027, 7, 13)
    # The child has stayed, and so has the card.
    assert chiyoda.card(SAKURA).continue_until is None


async def test_by_paper_every_card_lapses_under_any_law(chiyoda: Arrivals) -> None:
    chiyoda = chiyoda.under(RuleSet.R2012_07_09)
    move = await chiyoda.paper_notice(TARO)

    answer = await chiyoda.do(register_move_in, chiyoda.by_paper(move, TARO))

    assert chiyoda.card().status is CardStatus.LAPSED
    assert answer.registered[0].lapsed_cards == 1


async def test_a_card_of_somebody_who_does_not_move_is_not_handed_in(chiyoda: Arrivals) -> None:
    await chiyoda.notice()
    fetched = await chiyoda.fetch()
    for key in ("tsuji-makoto", SAKURA):
        command = chiyoda.move_in(fetched, TARO, handed_in=(chiyoda.card(key).number,))

        refused = await chiyoda.refused(register_move_in, command)

        assert refused.reason is Reason.CARD_NOT_OF_THE_MOVE


async def test_more_than_twenty_cards_are_not_handed_in(chiyoda: Arrivals) -> None:
    await chiyoda.notice(TARO)
    cards = (chiyoda.card().number,) * 21

    refused = await chiyoda.refused(
        register_move_in, chiyoda.move_in(await chiyoda.fetch(), TARO, handed_in=cards)
    )

    assert refused.metadata == {"field": "handed_in_card_numbers", "rule": "RANGE_0_20"}


async def test_copies_that_are_not_printed_are_void(chiyoda: Arrivals) -> None:
    signer, trust = make_signer()
    center = Center(chiyoda.store, make_policy(signer), trust)
    commands = [await center.command(key) for key in (TARO, SAKURA)]
    for command in commands:
        await center.issue(command)

    await chiyoda.moved_in(TARO, HANAKO)

    moved, stayed = (
        chiyoda.store.read(
            lambda tx, command=command: tx.issues.by_request(
                command.terminal.uri, command.request_id
            )
        )
        for command in commands
    )
    assert moved is not None
    assert stayed is not None
    assert (moved.print_state, moved.recall_reason) == (
        PrintState.ABANDONED,
        RecallReason.RESIDENT_MOVED,
    )
    assert stayed.recalled_at is None


# Corrections that were sent before the registration


async def corrected(chiyoda: Arrivals, move: Move, key: str) -> Correction:
    """Let the origin send a correction of what this destination has fetched."""
    resident = chiyoda.record(key)
    sent = Correction(move.number, resident.person, ORIGIN, chiyoda.now, resident.record)
    await chiyoda.store.act(lambda tx: tx.moves.put_correction(sent))
    return sent


async def test_a_correction_waits_for_who_has_come_and_not_for_who_stays(
    chiyoda: Arrivals,
) -> None:
    move = await chiyoda.notice()
    command = chiyoda.move_in(await chiyoda.fetch(), TARO, HANAKO)
    sent = [await corrected(chiyoda, move, key) for key in (TARO, SAKURA)]

    await chiyoda.do(register_move_in, command)

    waiting = chiyoda.store.read(lambda tx: tx.moves.corrections(move))
    assert waiting == [replace(sent[0], municipality=DESTINATION)]
    # The claim has told of it: the arrival tells nothing again.
    assert chiyoda.alerts(DESTINATION) == []


async def test_a_correction_that_another_destination_had_waits_where_the_paper_leads(
    chiyoda: Arrivals,
) -> None:
    move = await chiyoda.paper_notice()
    sent = await corrected(chiyoda, move, TARO)
    setagaya = chiyoda.at_window(SETAGAYA)

    await setagaya.do(register_move_in, setagaya.by_paper(move))

    waiting = chiyoda.store.read(lambda tx: tx.moves.corrections(move))
    assert waiting == [replace(sent, municipality=SETAGAYA.municipality)]
    assert chiyoda.alerts(SETAGAYA.municipality) == [AlertKind.CORRECTION]


# From 2023-02-06 on


async def test_who_was_expected_elsewhere_is_expected_there_no_more(chiyoda: Arrivals) -> None:
    setagaya = chiyoda.under(RuleSet.R2023_02_06).at_window(SETAGAYA)
    await setagaya.notice()

    await setagaya.do(register_move_in, setagaya.move_in(await setagaya.fetch()))

    assert chiyoda.alerts(DESTINATION) == [AlertKind.NO_LONGER_EXPECTED]
    assert chiyoda.alerts(SETAGAYA.municipality) == []


async def test_who_arrives_as_planned_or_was_not_expected_makes_no_such_alert(
    chiyoda: Arrivals,
) -> None:
    pushed, setagaya = chiyoda.under(RuleSet.R2023_02_06), chiyoda.at_window(SETAGAYA)
    await pushed.moved_in()
    await setagaya.notice("takahashi-ichiro")
    fetched = await setagaya.fetch("takahashi-ichiro")
    arrivals = (Arrival(code_of("takahashi-ichiro"), 1, "世帯主"),)
    await setagaya.do(register_move_in, setagaya.move_in(fetched, arrivals=arrivals))

    told = chiyoda.alerts(DESTINATION) + chiyoda.alerts(SETAGAYA.municipality)

    assert told == []
