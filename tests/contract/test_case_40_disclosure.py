"""Case 40: a resident is disclosed exactly the provisions of the period, and nobody else's."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, fields, replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from juki_center.areas.agencies.commands import Confirm, Kind
from juki_center.areas.agencies.confirm import confirm
from juki_center.areas.agencies.provisions import Provision
from juki_center.areas.audit.events import DeniedAttempt
from juki_center.areas.cards.register import Purpose
from juki_center.areas.copies.commands import Item as CopyItem
from juki_center.areas.disclosure.disclose import disclose_information, disclose_provisions
from juki_center.areas.disclosure.provided import COPY_AFFAIR, period_on
from juki_center.areas.disclosure.records import (
    Disclose,
    DisclosurePolicy,
    OwnInformation,
    Period,
    Provided,
    ProvisionLog,
    UsageMethod,
)
from juki_center.areas.residents.changes import Item
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.errors import Reason, Refusal
from tests.support.agencies import (
    FOUR,
    PASSPORT,
    PASSPORT_OFFICE,
    POLICY,
    attributes_of,
    authorise_usual,
    code_of,
    found,
)
from tests.support.center import CHIYODA, CHIYODA_2, NOW, SAMPLES, TOKOROZAWA, Center, serial_of
from tests.support.leaves import leaves
from tests.support.move_service import finished_session
from tests.support.rows import peeking

if TYPE_CHECKING:
    from juki_center.areas.agencies.commands import Question
    from juki_center.storage.sqlite import SQLiteStore

KEY, OTHER = "takahashi-ichiro", "yoshida-taro"
DECEMBER = datetime(2026, 12, 5, 1, 0, tzinfo=UTC)
DISCLOSURE = DisclosurePolicy(POLICY.municipalities, POLICY.affairs)
FIVE_YEARS = replace(DISCLOSURE, years=5)


@dataclass
class Window:
    """A window that discloses, on a store in which an agency is authorised."""

    store: SQLiteStore

    async def command(
        self, key: str = KEY, now: datetime = DECEMBER, purpose: Purpose = Purpose.OWN_DISCLOSURE
    ) -> Disclose:
        session = await finished_session(self.store, serial_of(key), now, purpose)
        return Disclose(CHIYODA, uuid.uuid4(), session)

    async def provisions(
        self, command: Disclose, now: datetime = DECEMBER, policy: DisclosurePolicy = DISCLOSURE
    ) -> ProvisionLog:
        return await self.store.act(lambda tx: disclose_provisions(tx, command, now, policy))

    async def listed(
        self, key: str = KEY, now: datetime = DECEMBER, policy: DisclosurePolicy = DISCLOSURE
    ) -> tuple[Provided, ...]:
        return (await self.provisions(await self.command(key, now), now, policy)).provisions

    async def information(self, command: Disclose) -> OwnInformation:
        return await self.store.act(
            lambda tx: disclose_information(tx, command, DECEMBER, DISCLOSURE)
        )

    async def ask(self, question: Question, now: datetime = NOW) -> None:
        command = Confirm(PASSPORT_OFFICE, PASSPORT, question, FOUR)
        await self.store.act(lambda tx: confirm(tx, command, now, POLICY))

    def change(self, statement: str) -> None:
        with peeking(self.store) as sql:
            sql.execute(statement)


@pytest.fixture
async def window(store: SQLiteStore) -> Window:
    await store.act(authorise_usual)
    return Window(store)


async def test_case_40_exactly_the_holders_rows_are_disclosed(window: Window) -> None:
    await window.ask(code_of(KEY), NOW)
    await window.ask(attributes_of(KEY), NOW + timedelta(hours=1))
    await window.ask(code_of(OTHER), NOW)

    told = await window.listed()

    agency = window.store.read(lambda tx: tx.agencies.find("passport-1"))
    residence = window.store.read(lambda tx: found(tx, KEY)).municipality
    assert agency is not None
    assert [(one.at, one.method) for one in told] == [
        (NOW, UsageMethod.BY_CODE),
        (NOW + timedelta(hours=1), UsageMethod.BY_ATTRIBUTES),
    ]
    assert {(one.recipient, one.provider, one.items) for one in told} == {
        (agency.name, residence, FOUR)
    }
    assert {one.affair for one in told} == {POLICY.affairs[PASSPORT].name_ja}
    assert all(one.reason for one in told)


async def test_case_40_nobody_who_operated_a_system_is_named(window: Window) -> None:
    await window.ask(code_of(KEY))

    (told,) = await window.listed()

    named = {one.name for one in fields(Provided)}
    assert named == {"at", "method", "reason", "affair", "provider", "recipient", "items"}
    assert "juki://" not in repr(told)


async def test_case_40_no_such_record_is_an_answer(window: Window) -> None:
    told = await window.provisions(await window.command())

    assert told.provisions == ()
    assert told.period == Period(date(2019, 12, 5), date(2026, 11, 30))
    assert [leaf["out"] for leaf in leaves(window.store) if leaf["ev"] == "DISCLOSED_PROVISIONS"]


@pytest.mark.parametrize(
    ("at", "count"),
    [
        (datetime(2026, 11, 30, 14, 59, 59, tzinfo=UTC), 1),
        (datetime(2026, 11, 30, 15, 0, 0, tzinfo=UTC), 0),
    ],
)
async def test_case_40_the_period_ends_with_last_month_in_japan(
    window: Window, at: datetime, count: int
) -> None:
    await window.ask(code_of(KEY), at)

    assert len(await window.listed()) == count


@pytest.mark.parametrize(
    ("now", "count"),
    [
        (datetime(2031, 11, 23, 14, 59, tzinfo=UTC), 1),
        (datetime(2031, 11, 23, 15, 0, tzinfo=UTC), 0),
    ],
)
async def test_case_40_the_period_begins_so_many_years_ago_in_japan(
    window: Window, now: datetime, count: int
) -> None:
    await window.ask(code_of(KEY), NOW)

    assert len(await window.listed(now=now, policy=FIVE_YEARS)) == count


@pytest.mark.parametrize(
    ("today", "years", "first", "last"),
    [
        (date(2026, 11, 24), 7, date(2019, 11, 24), date(2026, 10, 31)),
        (date(2026, 1, 1), 5, date(2021, 1, 1), date(2025, 12, 31)),
        (date(2028, 2, 29), 7, date(2021, 3, 1), date(2028, 1, 31)),
        (date(2028, 3, 1), 7, date(2021, 3, 1), date(2028, 2, 29)),
    ],
)
def test_the_period_of_a_day(today: date, years: int, first: date, last: date) -> None:
    assert period_on(today, years) == Period(first, last)


async def test_lines_of_batches_and_notices_are_disclosed_too(window: Window) -> None:
    def record(tx: object) -> None:
        resident = found(tx, KEY)  # type: ignore[arg-type]
        for kind in (Kind.BATCH, Kind.CHANGES):
            row = Provision(
                at=NOW,
                agency="passport-1",
                affair=PASSPORT,
                purpose="passports",
                kind=kind,
                person=resident.person,
                municipality=resident.municipality,
                items=(Item.NAME,),
                outcome="MATCH",
            )
            tx.provisions.add(row)  # type: ignore[attr-defined]

    await window.store.act(record)

    told = await window.listed()

    assert [one.method for one in told] == [UsageMethod.BATCH, UsageMethod.CHANGES]


async def test_copies_issued_by_other_municipalities_are_disclosed(
    window: Window, center: Center
) -> None:
    await center.issue(await center.command(KEY, items=(CopyItem.RESIDENT_CODE,)))

    (told,) = await window.listed()

    assert (told.method, told.affair) == (UsageMethod.WIDE_AREA, COPY_AFFAIR)
    chiyoda = POLICY.municipalities[MunicipalityCode("131016")]
    assert told.recipient == chiyoda.full_name
    assert set(told.items) == set(Item)


async def test_a_card_of_somebody_else_opens_nothing_of_the_holders(window: Window) -> None:
    await window.ask(code_of(KEY))

    assert await window.listed(OTHER) == ()


@pytest.mark.parametrize("act", ["provisions", "information"])
async def test_case_40_asking_for_another_person_is_refused_and_logged(
    window: Window, act: str
) -> None:
    command = replace(await window.command(), code=SAMPLES[OTHER].record.code)

    with pytest.raises(DeniedAttempt) as refused:
        await getattr(window, act)(command)

    assert refused.value.reason is Reason.DISCLOSURE_NOT_OWN
    last = leaves(window.store)[-1]
    assert (last["ev"], last["out"]) == ("DISCLOSURE_REFUSED", "DISCLOSURE_NOT_OWN")
    assert len(last["who"]) == 1  # type: ignore[arg-type]


async def test_the_code_that_the_form_says_may_be_the_holders_own(window: Window) -> None:
    command = replace(await window.command(), code=SAMPLES[KEY].record.code)

    assert (await window.provisions(command)).provisions == ()


async def test_case_40_the_disclosure_itself_is_logged(window: Window) -> None:
    await window.provisions(await window.command())
    await window.information(await window.command())

    last = leaves(window.store)
    shown = [leaf for leaf in last if str(leaf["ev"]).startswith("DISCLOSED")]
    assert [leaf["ev"] for leaf in shown] == ["DISCLOSED_PROVISIONS", "DISCLOSED_INFORMATION"]
    assert {leaf["by"] for leaf in shown} == {CHIYODA.uri}
    assert all(len(leaf["who"]) == 1 and "req" in leaf for leaf in shown)  # type: ignore[arg-type]


async def test_own_information_is_what_the_register_holds(window: Window) -> None:
    record = SAMPLES[KEY].record

    own = await window.information(await window.command())

    told = own.information
    assert (told.name, told.birth, told.sex) == (record.name, record.birth, record.sex)
    assert (told.code, own.municipality) == (record.code, SAMPLES[KEY].municipality)
    assert record.address in told.address


async def test_a_request_sent_again_has_the_first_answer(window: Window) -> None:
    await window.ask(code_of(KEY))
    command = await window.command()
    first = await window.provisions(command)
    window.change("DELETE FROM provisions")

    again = await window.provisions(command, DECEMBER + timedelta(hours=2))

    assert again == first
    assert len(again.provisions) == 1


async def test_a_request_is_for_one_kind_of_disclosure(window: Window) -> None:
    command = await window.command()
    await window.provisions(command)

    with pytest.raises(Refusal) as refused:
        await window.information(command)

    assert refused.value.reason is Reason.REQUEST_ID_REUSED


async def test_a_session_discloses_once(window: Window) -> None:
    command = await window.command()
    await window.provisions(command)

    with pytest.raises(Refusal) as refused:
        await window.provisions(replace(command, request_id=uuid.uuid4()))

    assert refused.value.reason is Reason.SESSION_USED


@pytest.mark.parametrize("purpose", [Purpose.PIN_PROOF, Purpose.SPECIAL_MOVE_IN])
async def test_a_session_for_something_else_discloses_nothing(
    window: Window, purpose: Purpose
) -> None:
    command = await window.command(purpose=purpose)

    with pytest.raises(Refusal) as refused:
        await window.provisions(command)

    assert refused.value.reason is Reason.SESSION_NOT_FOUND


@pytest.mark.parametrize("terminal", [CHIYODA_2, TOKOROZAWA])
async def test_a_session_of_another_terminal_discloses_nothing(
    window: Window, terminal: object
) -> None:
    command = replace(await window.command(), terminal=terminal)  # type: ignore[arg-type]

    with pytest.raises(Refusal) as refused:
        await window.provisions(command)

    assert refused.value.reason is Reason.SESSION_NOT_FOUND


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM provisions WHERE id = 1",
        "UPDATE provisions SET at = at - 1000000000000000 WHERE id = 1",
        "INSERT INTO provisions (at, agency, affair, purpose, kind, subject, municipality, items,"
        " outcome) SELECT at, agency, affair, purpose, kind, subject, municipality, items, outcome"
        " FROM provisions WHERE id = 1",
    ],
)
async def test_rows_that_contradict_the_log_are_not_disclosed_as_if_whole(
    window: Window, statement: str
) -> None:
    await window.ask(code_of(KEY))
    window.change(statement)

    with pytest.raises(Refusal) as refused:
        await window.listed()

    assert refused.value.reason is Reason.PROVISIONS_CONTRADICTED


async def test_while_the_residence_is_cut_off_nothing_is_disclosed(window: Window) -> None:
    command = await window.command()
    residence = SAMPLES[KEY].municipality
    await window.store.act(lambda tx: tx.registers.set_connected(residence, connected=False))

    with pytest.raises(Refusal) as refused:
        await window.provisions(command)

    assert refused.value.reason is Reason.RESIDENCE_DISCONNECTED
