"""Cards: their states, their last day, who finds them, and what a finished session is."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from juki_center.areas.audit.events import DeniedAttempt
from juki_center.areas.cards.admission import admit
from juki_center.areas.cards.numbers import CardNumber
from juki_center.areas.cards.register import Card, CardKind, CardStatus, Purpose
from juki_center.areas.cards.rules import (
    TRANSITIONS,
    CardEvent,
    after,
    last_valid_day,
)
from juki_center.areas.cards.sessions import (
    RecordFailure,
    RecordSession,
    find_card,
    record_failure,
    record_session,
)
from juki_center.areas.cards.states import ChangeStatus, change_status
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.areas.residents.records import PersonID
from juki_center.errors import NotAllowed, Reason, Refusal
from tests.support.center import CHIYODA, NOW, SAMPLES, Center, serial_of
from tests.support.leaves import leaves

COPY = Purpose.CERTIFICATE_COPY
FINAL = {CardStatus.REVOKED, CardStatus.LAPSED, CardStatus.RETURNED, CardStatus.VOID}
CARD = Card(
    serial=bytes(32),
    person=PersonID(bytes(16)),
    kind=CardKind.RESIDENT,
    status=CardStatus.ACTIVE,
    municipality=MunicipalityCode("112089"),
    valid_until=last_valid_day(date(2003, 8, 25)),
    number=CardNumber.drawn(bytes(8)),
    made_on=date(2003, 8, 25),
)


@pytest.mark.parametrize(("status", "event"), [*itertools.product(CardStatus, CardEvent)])
def test_every_event_in_every_state_is_in_the_table_or_not_allowed(
    status: CardStatus, event: CardEvent
) -> None:
    if (status, event) in TRANSITIONS:
        assert after(status, event) is TRANSITIONS[status, event]
        assert status not in FINAL
    else:
        with pytest.raises(NotAllowed) as refused:
            after(status, event)
        assert (refused.value.state, refused.value.event) == (status, event)


def test_a_card_that_is_resumed_is_what_it_was_before_it_was_reported_lost() -> None:
    lost = {
        before: then
        for (before, event), then in TRANSITIONS.items()
        if event is CardEvent.REPORTED_LOST
    }
    resumed = {
        then: before for (then, event), before in TRANSITIONS.items() if event is CardEvent.RESUMED
    }

    assert lost == {
        CardStatus.MADE: CardStatus.HELD,
        CardStatus.ACTIVE: CardStatus.SUSPENDED,
    }
    assert {before: then for then, before in resumed.items()} == lost


def test_a_card_becomes_active_by_a_hand_over_or_a_resumption_only() -> None:
    ways = {pair for pair, then in TRANSITIONS.items() if then is CardStatus.ACTIVE}

    assert ways == {
        (CardStatus.MADE, CardEvent.HANDED_OVER),
        (CardStatus.SUSPENDED, CardEvent.RESUMED),
    }


@pytest.mark.parametrize("event", [CardEvent.CODE_CHANGED, CardEvent.HOLDER_GONE])
def test_what_happens_to_a_holder_ends_every_card_that_has_not_ended(event: CardEvent) -> None:
    concerned = {status for status, one in TRANSITIONS if one is event}

    assert concerned == set(CardStatus) - FINAL


@pytest.mark.parametrize(
    ("made", "last"),
    [
        (date(2003, 8, 25), date(2013, 8, 24)),
        (date(2004, 1, 1), date(2013, 12, 31)),
        (date(2004, 2, 29), date(2014, 2, 28)),
        (date(2004, 3, 1), date(2014, 2, 28)),
    ],
)
def test_a_card_is_valid_for_ten_years(made: date, last: date) -> None:
    assert last_valid_day(made) == last


def test_case_32_the_last_day_is_good_until_midnight_in_japan() -> None:
    before_midnight = datetime(2013, 8, 24, 14, 59, 59, tzinfo=UTC)

    admit(CARD, COPY, before_midnight)
    with pytest.raises(Refusal) as refused:
        admit(CARD, COPY, before_midnight + timedelta(seconds=1))

    assert refused.value.reason is Reason.CARD_EXPIRED


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (CardStatus.SUSPENDED, Reason.CARD_SUSPENDED),
        (CardStatus.REVOKED, Reason.CARD_REVOKED),
        (CardStatus.LAPSED, Reason.CARD_REVOKED),
        (CardStatus.RETURNED, Reason.CARD_REVOKED),
        (CardStatus.MAKING, Reason.CARD_NOT_ACTIVE),
        (CardStatus.MADE, Reason.CARD_NOT_ACTIVE),
        (CardStatus.VOID, Reason.CARD_REVOKED),
    ],
)
def test_a_card_that_is_not_active_is_refused_by_its_state(
    status: CardStatus, reason: Reason
) -> None:
    with pytest.raises(Refusal) as refused:
        admit(replace(CARD, status=status), COPY, datetime(2010, 1, 1, tzinfo=UTC))

    assert refused.value.reason is reason


async def test_an_active_card_is_found(center: Center) -> None:
    card = center.store.read(lambda tx: find_card(tx, serial_of("yoshida-taro"), COPY, NOW))

    assert card.municipality == MunicipalityCode("112089")


async def test_an_unknown_serial_is_refused(center: Center) -> None:
    with pytest.raises(Refusal) as refused:
        center.store.read(lambda tx: find_card(tx, bytes(32), COPY, NOW))

    assert refused.value.reason is Reason.CARD_UNKNOWN


async def test_a_clerks_card_is_refused_before_anything_about_its_state(center: Center) -> None:
    clerks = replace(CARD, serial=b"c" * 32, kind=CardKind.CLERK, status=CardStatus.SUSPENDED)
    await center.store.act(lambda tx: tx.cards.add_card(clerks))

    with pytest.raises(Refusal) as refused:
        center.store.read(lambda tx: find_card(tx, clerks.serial, COPY, NOW))

    assert refused.value.reason is Reason.CARD_NOT_FOR_PURPOSE


async def test_case_14_a_suspended_card_is_refused(center: Center) -> None:
    serial = serial_of("yoshida-taro")
    lost = ChangeStatus("juki://operator/1", serial, CardEvent.REPORTED_LOST)

    await center.store.act(lambda tx: change_status(tx, lost, NOW))

    with pytest.raises(Refusal) as refused:
        center.store.read(lambda tx: find_card(tx, serial, COPY, NOW))
    assert refused.value.reason is Reason.CARD_SUSPENDED
    assert leaves(center.store)[-1]["ev"] == "CARD_STATUS_CHANGED"


async def test_the_state_of_an_unknown_card_is_not_changed(center: Center) -> None:
    command = ChangeStatus("juki://operator/1", bytes(32), CardEvent.REPORTED_LOST)

    with pytest.raises(Refusal) as refused:
        await center.store.act(lambda tx: change_status(tx, command, NOW))

    assert refused.value.reason is Reason.CARD_UNKNOWN


async def test_a_card_is_suspended_while_its_municipality_is_disconnected(center: Center) -> None:
    code = MunicipalityCode("112089")
    await center.store.act(lambda tx: tx.registers.set_connected(code, connected=False))
    lost = ChangeStatus("juki://operator/1", serial_of("yoshida-taro"), CardEvent.REPORTED_LOST)

    card = await center.store.act(lambda tx: change_status(tx, lost, NOW))

    assert card.status is CardStatus.SUSPENDED


async def test_a_finished_session_is_kept_for_one_act_of_its_terminal(center: Center) -> None:
    session = await center.session("yoshida-taro")

    kept = center.store.read(lambda tx: tx.cards.session(session.session_id))

    assert kept == session
    assert session.usable_until == NOW + timedelta(seconds=300)
    assert leaves(center.store)[-1]["ev"] == "CARD_AUTHENTICATED"


async def test_a_card_that_was_suspended_meanwhile_gets_no_session(center: Center) -> None:
    lost = ChangeStatus("juki://operator/1", serial_of("yoshida-taro"), CardEvent.REPORTED_LOST)
    await center.store.act(lambda tx: change_status(tx, lost, NOW))

    with pytest.raises(DeniedAttempt) as refused:
        await center.session("yoshida-taro")

    assert refused.value.reason is Reason.CARD_SUSPENDED
    assert leaves(center.store)[-1]["out"] == "CARD_SUSPENDED"


@pytest.mark.parametrize("code", ["yoshida-hanako", None])
async def test_case_35_a_chip_with_another_code_than_its_holders_is_not_authentic(
    center: Center, code: str | None
) -> None:
    stranger = SAMPLES[code].record.code if code else type(CARD_CODE)("24727059608")
    command = RecordSession(
        terminal=CHIYODA,
        session_id=bytes(16),
        purpose=COPY,
        card_serial=serial_of("yoshida-taro"),
        resident_code=stranger,
        transcript_hash=bytes(32),
    )

    with pytest.raises(DeniedAttempt) as refused:
        await center.store.act(lambda tx: record_session(tx, command, NOW))

    assert refused.value.reason is Reason.CARD_NOT_AUTHENTIC
    assert leaves(center.store)[-1]["out"] == "CODE_NOT_OF_CARD"
    assert center.store.read(lambda tx: tx.cards.session(bytes(16))) is None


async def test_a_refused_session_is_in_the_log(center: Center) -> None:
    failure = RecordFailure(CHIYODA, COPY, Reason.CARD_NOT_AUTHENTIC)

    await center.store.act(lambda tx: record_failure(tx, failure, NOW))

    leaf = leaves(center.store)[-1]
    assert (leaf["ev"], leaf["out"]) == ("CARD_SESSION_REFUSED", "CARD_NOT_AUTHENTIC")


CARD_CODE = SAMPLES["yoshida-taro"].record.code
