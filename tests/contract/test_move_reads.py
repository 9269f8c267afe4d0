"""Looking at moves: who is shown what, page by page, and the alerts of an office."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import date, timedelta

import pytest

from juki_center.areas.audit.events import DeniedAttempt, Event
from juki_center.areas.callers import Terminal
from juki_center.areas.cards.policy import CardPolicy
from juki_center.areas.moves.answers import (
    MovePage,
    MoveRead,
)
from juki_center.areas.moves.commands import (
    GetMove,
    ListAlerts,
    ListMoves,
    Look,
    SeeAlert,
)
from juki_center.areas.moves.numbers import MoveNumber
from juki_center.areas.moves.policy import MovePolicy
from juki_center.areas.moves.reads import get_move, list_alerts, list_moves, see_alert
from juki_center.areas.moves.rows import (
    AlertKind,
    Channel,
    Correction,
    Filer,
    Move,
    MoveAlert,
    MoveMember,
    MovePapers,
    Selection,
    Transfer,
)
from juki_center.areas.moves.states import MemberState, MoveKind, MoveState
from juki_center.areas.ports import Tx
from juki_center.areas.residents.assignment import stock_codes
from juki_center.areas.residents.code_changes import change_resident_code
from juki_center.areas.residents.codes import MunicipalityCode, ResidentCode
from juki_center.areas.residents.commands import ChangeResidentCode
from juki_center.errors import Reason, Refusal
from juki_center.rule_sets import RuleSet
from juki_center.storage.sqlite import SQLiteStore
from tests.support.card_moves import person_of
from tests.support.card_window import CLERK, MUNICIPALITIES
from tests.support.center import CHIYODA, NOW, SAMPLES, TOKOROZAWA
from tests.support.leaves import leaves
from tests.support.register_desk import RegisterDesk
from tests.support.register_records import CODE

TARO, HANAKO = "yoshida-taro", "yoshida-hanako"
YOKOHAMA = Terminal("juki://municipality/141003/terminal/01", MunicipalityCode("141003"))
NAKA = MunicipalityCode("141046")
PAPERS = MovePapers(CLERK, Channel.COUNTER, Filer.SELF)


def number(index: int) -> MoveNumber:
    """Return a move's number."""
    return MoveNumber.drawn(index.to_bytes(8))


@dataclass(slots=True)
class Reading:
    """Windows that look at moves of Taro and Hanako from Tokorozawa to Chiyoda."""

    store: SQLiteStore
    rule_set: RuleSet = RuleSet.R2012_07_09

    @property
    def policy(self) -> MovePolicy:
        """The law in force."""
        return MovePolicy(CardPolicy(self.rule_set, MUNICIPALITIES))

    async def enter(self, index: int = 1, **changes: object) -> Move:
        """Enter a special move of Taro and Hanako; `changes` are its fields."""
        persons = (person_of(self.store, TARO), person_of(self.store, HANAKO))
        state = MemberState.MOVING
        move = Move(
            number=number(index),
            origin=TOKOROZAWA.municipality,
            destination=CHIYODA.municipality,
            kind=MoveKind.SPECIAL,
            state=MoveState.NOTIFIED,
            version=1,
            planned_on=date(2026, 11, 20),
            notified_on=date(2026, 11, 19),
            filed_at=NOW,
            members=tuple(MoveMember(person, state) for person in persons),
            last_day=date(2026, 12, 21),
        )
        move = replace(move, **changes)  # type: ignore[arg-type]  # fields of the move
        await self.store.act(lambda tx: tx.moves.add(move, PAPERS))
        return move

    async def get(
        self, move: Move, terminal: Terminal = TOKOROZAWA, clerk_name: str = CLERK
    ) -> MoveRead:
        """Look at a move."""
        command = GetMove(Look(terminal, clerk_name), move.number)
        return await self.store.act(lambda tx: get_move(tx, command, NOW, self.policy))

    async def hidden(self, move: Move, terminal: Terminal) -> Reason:
        """Return why a move is not shown."""
        with pytest.raises(DeniedAttempt) as caught:
            await self.get(move, terminal)
        assert caught.value.event.event is Event.MOVE_REFUSED
        return caught.value.reason

    def list(
        self,
        selection: Selection,
        terminal: Terminal = TOKOROZAWA,
        *,
        page_size: int = 50,
        page_token: str = "",
    ) -> MovePage:
        """List moves."""
        look = Look(terminal, CLERK)
        command = ListMoves(look, selection, page_size=page_size, page_token=page_token)
        return self.store.read(lambda tx: list_moves(tx, command, NOW, self.policy))

    def numbers(self, selection: Selection, terminal: Terminal = TOKOROZAWA) -> list[MoveNumber]:
        """Return the numbers of the moves that a list shows."""
        return [one.number for one in self.list(selection, terminal).moves]

    async def alert(self, index: int, terminal: Terminal = TOKOROZAWA) -> MoveAlert:
        """Enter an alert to an office."""
        alert = MoveAlert(
            index.to_bytes(16), terminal.municipality, number(1), AlertKind.ARRIVED, NOW
        )
        await self.store.act(lambda tx: tx.moves.add_alerts([alert]))
        return alert

    def alerts(self, terminal: Terminal = TOKOROZAWA, **more: object) -> tuple[list[int], str]:
        """Return the numbers of the alerts that a list shows, and the next page's token."""
        command = replace(
            ListAlerts(Look(terminal, CLERK)),
            **more,  # type: ignore[arg-type]  # fields of the command
        )
        page = self.store.read(lambda tx: list_alerts(tx, command, NOW, self.policy))
        return [int.from_bytes(one.alert_id) for one in page.alerts], page.next_page_token

    async def see(
        self, alert_id: bytes, terminal: Terminal = TOKOROZAWA, later: int = 0
    ) -> MoveAlert:
        """Note that an alert was seen, some hours later."""
        command, now = SeeAlert(Look(terminal, CLERK), alert_id), NOW + timedelta(hours=later)
        return await self.store.act(lambda tx: see_alert(tx, command, now, self.policy))


@pytest.fixture
def reading(store: SQLiteStore) -> Reading:
    """Return windows under the rule set of 2012."""
    return Reading(store)


@pytest.fixture
def pushed(store: SQLiteStore) -> Reading:
    """Return windows under the rule set of 2023."""
    return Reading(store, RuleSet.R2023_02_06)


def claim(terminal: Terminal = CHIYODA) -> Transfer:
    """Return the claim of a destination."""
    return Transfer(b"t" * 16, terminal.municipality, terminal.uri, b"", date(2026, 11, 20), NOW)


# One move


async def test_the_origin_is_told_codes_in_the_order_of_the_notice_and_a_leaf_says_so(
    reading: Reading,
) -> None:
    move = await reading.enter()

    read = await reading.get(move)

    assert read.move == move
    assert read.codes == (SAMPLES[TARO].record.code, SAMPLES[HANAKO].record.code)
    assert (read.reissue_certificate, read.corrections) == (False, ())
    leaf = leaves(reading.store)[-1]
    assert (leaf["ev"], leaf["id"]) == ("MOVE_READ", move.number)


async def test_another_municipality_finds_no_move_as_where_there_is_none(reading: Reading) -> None:
    move = await reading.enter()

    hidden = await reading.hidden(move, YOKOHAMA)
    none = await reading.hidden(replace(move, number=number(9)), YOKOHAMA)

    assert (hidden, none) == (Reason.MOVE_NOT_FOUND, Reason.MOVE_NOT_FOUND)


async def test_before_2023_the_planned_destination_finds_no_move(reading: Reading) -> None:
    assert await reading.hidden(await reading.enter(), CHIYODA) is Reason.MOVE_NOT_FOUND


async def test_from_2023_the_planned_destination_sees_the_notice_while_nobody_claimed_it(
    pushed: Reading,
) -> None:
    expected = await pushed.enter(1)
    taken = await pushed.enter(2, members=(), state=MoveState.TRANSFERRED, transfer=claim(YOKOHAMA))
    ended = await pushed.enter(3, members=(), state=MoveState.CANCELLED, ended_at=NOW)

    read = await pushed.get(expected, CHIYODA)

    assert (read.move, read.codes) == (expected, ())
    assert await pushed.hidden(taken, CHIYODA) is Reason.MOVE_NOT_FOUND
    assert await pushed.hidden(ended, CHIYODA) is Reason.MOVE_NOT_FOUND


async def test_the_destination_is_told_the_corrections_that_wait_and_no_codes(
    reading: Reading,
) -> None:
    move = await reading.enter(state=MoveState.TRANSFERRED, transfer=claim())
    record = SAMPLES[TARO].record
    person = person_of(reading.store, TARO)
    correction = Correction(move.number, person, CHIYODA.municipality, NOW, record)
    await reading.store.act(lambda tx: tx.moves.put_correction(correction))

    at_destination = await reading.get(move, CHIYODA)
    at_origin = await reading.get(move, TOKOROZAWA)

    assert [one.record for one in at_destination.corrections] == [record]
    assert at_destination.codes == ()
    assert (at_origin.corrections, len(at_origin.codes)) == ((), 2)


async def test_a_completed_move_is_shown_where_the_persons_arrived(reading: Reading) -> None:
    move = await reading.enter(
        state=MoveState.COMPLETED, arrived_in=CHIYODA.municipality, ended_at=NOW
    )

    assert (await reading.get(move, CHIYODA)).move == move


async def test_without_the_key_of_its_register_the_origin_is_told_nothing(
    reading: Reading,
) -> None:
    move = await reading.enter()
    await cut_off(reading.store, TOKOROZAWA)

    with pytest.raises(DeniedAttempt) as caught:
        await reading.get(move)

    assert caught.value.reason is Reason.RESIDENCE_DISCONNECTED


async def cut_off(store: SQLiteStore, terminal: Terminal) -> None:
    """Disconnect a municipality."""
    await store.act(lambda tx: tx.registers.set_connected(terminal.municipality, connected=False))


async def test_a_look_without_a_clerks_name_is_refused(reading: Reading) -> None:
    move = await reading.enter()

    with pytest.raises(DeniedAttempt) as caught:
        await reading.get(move, clerk_name=" ")

    assert caught.value.reason is Reason.CLERK_NAME_REQUIRED


# A paper that is out of date


async def printed(reading: Reading, *, shows_version: int, codes: tuple[ResidentCode, ...]) -> Move:
    """Enter an ordinary move in its second version, whose paper was printed."""
    move = await reading.enter(
        kind=MoveKind.ORDINARY,
        state=MoveState.ORDINARY,
        version=2,
        certificates=1,
        certificate_version=shows_version,
    )
    papers = replace(PAPERS, printed_codes=codes)
    await reading.store.act(lambda tx: tx.moves.put_papers(move, papers))
    return move


CODES = (SAMPLES[TARO].record.code, SAMPLES[HANAKO].record.code)


async def test_a_paper_of_the_newest_notice_with_everybodys_code_is_up_to_date(
    reading: Reading,
) -> None:
    move = await printed(reading, shows_version=2, codes=CODES)

    assert not (await reading.get(move)).reissue_certificate


async def test_a_paper_of_an_older_notice_is_to_be_issued_again(reading: Reading) -> None:
    move = await printed(reading, shows_version=1, codes=CODES)

    assert (await reading.get(move)).reissue_certificate


async def test_a_paper_with_a_code_that_was_changed_since_is_to_be_issued_again(
    reading: Reading, desk: RegisterDesk
) -> None:
    move = await printed(reading, shows_version=2, codes=CODES)
    await desk.store.act(
        lambda tx: stock_codes(tx, TOKOROZAWA.municipality, 1, NOW, caller_uri=TOKOROZAWA.uri)
    )
    await desk.do(change_resident_code, ChangeResidentCode(desk.edit(HANAKO)))

    read = await reading.get(move)

    assert read.reissue_certificate
    assert (read.codes[0], read.codes[1] != CODES[1]) == (CODES[0], True)


async def test_what_code_is_given_at_the_destination_is_no_matter_of_the_origins(
    reading: Reading,
) -> None:
    move = await reading.enter(
        state=MoveState.COMPLETED, arrived_in=CHIYODA.municipality, ended_at=NOW
    )
    person, new_code = person_of(reading.store, TARO), ResidentCode(CODE)

    def arrive(tx: Tx) -> None:
        tx.residents.replace(
            replace(tx.residents.resident(person), municipality=CHIYODA.municipality)
        )
        here = tx.residents.resident(person)
        record = replace(here.record, code=new_code, former_codes=(here.record.code,))
        tx.residents.replace(replace(here, record=record))

    await reading.store.act(arrive)
    await cut_off(reading.store, CHIYODA)

    assert (await reading.get(move)).codes == CODES


# Pages


async def test_each_selection_lists_the_moves_of_its_side(reading: Reading) -> None:
    ended = {"members": (), "ended_at": NOW}
    await reading.enter(1)
    await reading.enter(2, members=(), state=MoveState.TRANSFERRED, transfer=claim())
    await reading.enter(3, **ended, state=MoveState.COMPLETED, arrived_in=CHIYODA.municipality)
    await reading.enter(4, members=(), state=MoveState.LAPSED)
    await reading.enter(5, members=(), departed=True, missing_since=NOW)
    every = [number(index) for index in range(1, 6)]

    assert reading.numbers(Selection.OUT_ALL) == every
    assert reading.numbers(Selection.OUT_OPEN) == [*every[:2], *every[3:]]
    assert reading.numbers(Selection.LAPSED) == [number(4)]
    assert reading.numbers(Selection.MISSING) == [number(5)]
    assert reading.numbers(Selection.IN_OPEN, CHIYODA) == [number(2)]
    assert reading.numbers(Selection.IN_DONE, CHIYODA) == [number(3)]
    assert reading.numbers(Selection.OUT_ALL, CHIYODA) == []
    assert reading.numbers(Selection.IN_OPEN, YOKOHAMA) == []


async def test_pages_follow_each_other_without_gap_or_repetition(reading: Reading) -> None:
    for index in range(1, 6):
        await reading.enter(index, members=())
    found, token = [], ""

    for _ in range(3):
        page = reading.list(Selection.OUT_ALL, page_size=2, page_token=token)
        found.append([one.number for one in page.moves])
        token = page.next_page_token

    assert found == [[number(1), number(2)], [number(3), number(4)], [number(5)]]
    assert token == ""


async def test_from_2023_a_city_expects_those_who_come_to_its_wards(pushed: Reading) -> None:
    await pushed.enter(1, members=(), destination=NAKA)
    await pushed.enter(2, members=(), destination=CHIYODA.municipality)
    await pushed.enter(3, members=(), destination=YOKOHAMA.municipality)
    await pushed.enter(4, members=(), destination=NAKA, state=MoveState.ORDINARY)
    ward = Terminal("juki://municipality/141046/terminal/01", NAKA)

    first = pushed.list(Selection.EXPECTED, YOKOHAMA, page_size=1)
    rest = pushed.list(Selection.EXPECTED, YOKOHAMA, page_size=1, page_token=first.next_page_token)

    assert [one.number for one in (*first.moves, *rest.moves)] == [number(1), number(3)]
    assert rest.next_page_token == ""
    assert pushed.numbers(Selection.EXPECTED, ward) == [number(1), number(3)]
    assert (await pushed.get(first.moves[0], YOKOHAMA)).move == first.moves[0]


async def test_before_2023_expected_moves_are_refused(reading: Reading) -> None:
    with pytest.raises(Refusal) as caught:
        reading.list(Selection.EXPECTED, CHIYODA)

    assert caught.value.reason is Reason.FIELD_INVALID
    assert caught.value.metadata == {"field": "selection", "rule": "NOT_IN_RULE_SET"}


@pytest.mark.parametrize("token", ["x", "-1", "１", "9" * 19])
async def test_a_token_of_no_page_is_refused(reading: Reading, token: str) -> None:
    with pytest.raises(Refusal) as moves:
        reading.list(Selection.OUT_ALL, page_token=token)
    with pytest.raises(Refusal) as alerts:
        reading.alerts(page_token=token)

    assert (
        moves.value.metadata == alerts.value.metadata == {"field": "page_token", "rule": "UNKNOWN"}
    )


async def test_lists_want_a_clerks_name(reading: Reading) -> None:
    nameless = Look(TOKOROZAWA, "")

    with pytest.raises(Refusal) as moves:
        reading.store.read(
            lambda tx: list_moves(tx, ListMoves(nameless, Selection.OUT_ALL), NOW, reading.policy)
        )
    with pytest.raises(Refusal) as alerts:
        reading.store.read(lambda tx: list_alerts(tx, ListAlerts(nameless), NOW, reading.policy))

    assert moves.value.reason is alerts.value.reason is Reason.CLERK_NAME_REQUIRED


# Alerts


async def test_an_office_sees_its_own_alerts_until_a_clerk_has_seen_them(reading: Reading) -> None:
    await reading.enter(1)
    first, _, other = [
        await reading.alert(1),
        await reading.alert(2),
        await reading.alert(3, CHIYODA),
    ]

    seen = await reading.see(first.alert_id)

    assert seen == replace(first, seen_at=NOW)
    assert reading.alerts() == ([2], "")
    assert reading.alerts(with_seen=True) == ([1, 2], "")
    assert reading.alerts(CHIYODA) == ([int.from_bytes(other.alert_id)], "")
    leaf = leaves(reading.store)[-1]
    assert (leaf["ev"], leaf["id"]) == ("MOVE_ALERT_SEEN", number(1))


async def test_an_alert_that_was_seen_keeps_its_first_time(reading: Reading) -> None:
    await reading.enter(1)
    alert = await reading.alert(1)

    await reading.see(alert.alert_id)
    again = await reading.see(alert.alert_id, later=2)

    assert again.seen_at == NOW


async def test_the_alert_of_another_office_is_not_found(reading: Reading) -> None:
    await reading.enter(1)
    alert = await reading.alert(1, CHIYODA)

    with pytest.raises(DeniedAttempt) as others:
        await reading.see(alert.alert_id)
    with pytest.raises(DeniedAttempt) as nobodys:
        await reading.see(bytes(16))

    assert others.value.reason is nobodys.value.reason is Reason.ALERT_NOT_FOUND
    assert reading.alerts(CHIYODA) == ([1], "")


async def test_alerts_come_page_by_page(reading: Reading) -> None:
    await reading.enter(1)
    for index in (1, 2, 3):
        await reading.alert(index)

    first, token = reading.alerts(page_size=2)
    second, end = reading.alerts(page_size=2, page_token=token)

    assert (first, second, end) == ([1, 2], [3], "")


async def test_two_clerks_who_see_an_alert_at_once_are_both_answered(reading: Reading) -> None:
    await reading.enter(1)
    alert = await reading.alert(1)

    both = await asyncio.gather(reading.see(alert.alert_id), reading.see(alert.alert_id, later=1))

    assert {one.seen_at for one in both} in ({NOW}, {NOW + timedelta(hours=1)})
