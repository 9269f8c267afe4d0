"""Change notices on every store: in order, resumable, none lost and none twice."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from juki_center.areas.agencies.commands import AffairCode, Confirm, Kind, Notice, Notices, Watch
from juki_center.areas.agencies.confirm import confirm
from juki_center.areas.agencies.cursors import MOST_OCTETS, Cursor
from juki_center.areas.agencies.watch import has_news, next_notices
from juki_center.areas.audit.events import DeniedAttempt
from juki_center.areas.callers import Agency
from juki_center.areas.ports import Tx
from juki_center.areas.residents.changes import ChangeNotice, Item
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.areas.residents.records import ChangeReason
from juki_center.errors import Reason, Refusal
from juki_center.storage.rotation import CENTER_KEY
from juki_center.storage.sqlite import SQLiteStore
from tests.support.agencies import (
    FOUR,
    PASSPORT,
    PASSPORT_OFFICE,
    PENSION,
    PENSION_OFFICE,
    POLICY,
    authorisation,
    authorise,
    authorise_usual,
    code_of,
    day,
    found,
    provision_rows,
)
from tests.support.center import NOW, SAMPLES
from tests.support.leaves import leaves

TOKOROZAWA, CHIYODA = (MunicipalityCode(code) for code in ("112089", "131016"))
MOVED = day("令和8年11月20日")
WATCHED = ("takahashi-ichiro", "takahashi-kazuko", "yamazaki-ken")


def change(tx: Tx, key: str, items: tuple[Item, ...] = (Item.ADDRESS,)) -> None:
    """Act: append a notice of a sample resident, numbered so that it can be told apart."""
    one = found(tx, key)
    tx.changes.append(
        ChangeNotice(
            person=one.person,
            municipality=one.municipality,
            version=2,
            recorded_at=NOW + timedelta(microseconds=tx.changes.last_position() + 1),
            reason=ChangeReason.MOVE_WITHIN,
            date=MOVED,
            items=items,
        )
    )


def watch(tx: Tx, key: str, agency: Agency = PASSPORT_OFFICE) -> bytes:
    """Act: watch a sample resident; return the reference."""
    affair = PASSPORT if agency is PASSPORT_OFFICE else PENSION
    command = Confirm(agency, affair, code_of(key), (), watch=True)
    return confirm(tx, command, NOW, POLICY).subject_reference


def connect(tx: Tx, municipality: MunicipalityCode, *, connected: bool) -> None:
    """Act: connect or disconnect a municipality."""
    tx.registers.set_connected(municipality, connected=connected)


def read(
    tx: Tx,
    cursor: bytes = b"",
    limit: int = 100,
    agency: Agency = PASSPORT_OFFICE,
    affair: AffairCode = PASSPORT,
) -> Notices:
    """Act: read a page."""
    return next_notices(tx, Watch(agency, affair, cursor, limit), NOW, POLICY)


def places(notices: Notices) -> list[int]:
    """Return which notices were told, by the numbers that `change` gave them."""
    return [(one.recorded_at - NOW) // timedelta(microseconds=1) for one in notices.notices]


@pytest.fixture
async def office(store: SQLiteStore) -> SQLiteStore:
    """Return a store with everybody in it and the usual authorisations."""
    await store.act(authorise_usual)
    return store


async def refusal_of(store: SQLiteStore, act: Callable[[Tx], object]) -> Refusal:
    """Run an act, and return why it was refused."""
    with pytest.raises(Refusal) as caught:
        await store.act(act)
    return caught.value


async def test_a_watched_persons_change_is_told_without_any_value(office: SQLiteStore) -> None:
    reference = await office.act(lambda tx: watch(tx, "takahashi-ichiro"))
    await office.act(lambda tx: change(tx, "takahashi-ichiro"))
    await office.act(lambda tx: change(tx, "takahashi-kazuko"))

    told = await office.act(read)

    assert told.is_caught_up
    assert [replace(one, cursor=b"") for one in told.notices] == [
        Notice(
            subject_reference=reference,
            recorded_at=NOW + timedelta(microseconds=1),
            cursor=b"",
            reason=ChangeReason.MOVE_WITHIN,
            date=MOVED,
            items=(Item.ADDRESS,),
        )
    ]


async def test_what_changed_before_the_subscription_is_not_told(office: SQLiteStore) -> None:
    await office.act(lambda tx: change(tx, "takahashi-ichiro"))
    await office.act(lambda tx: watch(tx, "takahashi-ichiro"))
    await office.act(lambda tx: change(tx, "takahashi-ichiro"))

    assert places(await office.act(read)) == [2]


async def test_watching_again_does_not_forget_what_is_to_be_told(office: SQLiteStore) -> None:
    await office.act(lambda tx: watch(tx, "takahashi-ichiro"))
    await office.act(lambda tx: change(tx, "takahashi-ichiro"))
    await office.act(lambda tx: watch(tx, "takahashi-ichiro"))

    assert places(await office.act(read)) == [1]


async def test_notices_told_are_provisions_under_one_leaf(office: SQLiteStore) -> None:
    await office.act(lambda tx: watch(tx, "takahashi-ichiro"))
    await office.act(lambda tx: change(tx, "takahashi-ichiro"))
    before = len(leaves(office))

    await office.act(read)

    row = provision_rows(office)[-1]
    assert (row["kind"], row["outcome"], row["items"]) == ("CHANGES", "NOTICE", "ADDRESS")
    (leaf,) = leaves(office)[before:]
    assert leaf["ev"] == "CHANGES_PROVIDED"
    assert leaf["more"]["provisions"] == "1"  # type: ignore[index]  # a map


async def test_a_page_without_notices_writes_nothing(office: SQLiteStore) -> None:
    before = len(leaves(office))

    told = await office.act(read)

    assert (told.notices, told.is_caught_up) == ((), True)
    assert len(leaves(office)) == before


async def test_the_stream_goes_on_from_the_cursor_of_any_notice(office: SQLiteStore) -> None:
    await office.act(lambda tx: watch(tx, "takahashi-ichiro"))
    for _ in range(5):
        await office.act(lambda tx: change(tx, "takahashi-ichiro"))
    all_of_them = await office.act(read)

    for number, notice in enumerate(all_of_them.notices, start=1):
        cursor = notice.cursor
        rest = await office.act(lambda tx, cursor=cursor: read(tx, cursor))  # type: ignore[misc]  # bound now
        assert places(rest) == list(range(number + 1, 6))


async def test_a_limit_ends_a_page_that_the_next_one_goes_on_from(office: SQLiteStore) -> None:
    await office.act(lambda tx: watch(tx, "takahashi-ichiro"))
    for _ in range(3):
        await office.act(lambda tx: change(tx, "takahashi-ichiro"))

    first = await office.act(lambda tx: read(tx, limit=2))
    second = await office.act(lambda tx: read(tx, first.cursor, limit=2))

    assert (places(first), first.is_caught_up) == ([1, 2], False)
    assert (places(second), second.is_caught_up) == ([3], True)


async def test_a_disconnected_municipality_waits_and_is_caught_up_in_order(
    office: SQLiteStore,
) -> None:
    for key in ("takahashi-ichiro", "yamazaki-ken"):
        await office.act(lambda tx, key=key: watch(tx, key))  # type: ignore[misc]  # bound now
    for key in ("takahashi-ichiro", "yamazaki-ken", "takahashi-ichiro", "yamazaki-ken"):
        await office.act(lambda tx, key=key: change(tx, key))  # type: ignore[misc]  # bound now
    await office.act(lambda tx: connect(tx, TOKOROZAWA, connected=False))

    without = await office.act(read)
    nothing_new = office.read(
        lambda tx: has_news(tx, Watch(PASSPORT_OFFICE, PASSPORT, without.cursor), NOW, POLICY)
    )
    await office.act(lambda tx: connect(tx, TOKOROZAWA, connected=True))
    await office.act(lambda tx: change(tx, "yamazaki-ken"))
    caught_up = await office.act(lambda tx: read(tx, without.cursor))
    rest = await office.act(lambda tx: read(tx, caught_up.notices[0].cursor))

    assert (places(without), without.waiting) == ([2, 4], (TOKOROZAWA,))
    assert without.is_caught_up
    assert not nothing_new
    assert (places(caught_up), caught_up.waiting) == ([1, 3, 5], ())
    assert places(rest) == [3, 5]


async def test_a_reconnected_municipality_is_news(office: SQLiteStore) -> None:
    await office.act(lambda tx: watch(tx, "takahashi-ichiro"))
    await office.act(lambda tx: change(tx, "takahashi-ichiro"))
    await office.act(lambda tx: connect(tx, TOKOROZAWA, connected=False))
    cursor = (await office.act(read)).cursor
    await office.act(lambda tx: connect(tx, TOKOROZAWA, connected=True))

    asked = Watch(PASSPORT_OFFICE, PASSPORT, cursor)

    assert office.read(lambda tx: has_news(tx, asked, NOW, POLICY))


async def test_a_stream_that_has_no_room_for_another_wait_stops_and_loses_nothing(
    office: SQLiteStore,
) -> None:
    """As if 123 municipalities were waiting already."""
    await office.act(lambda tx: watch(tx, "takahashi-ichiro"))
    await office.act(lambda tx: watch(tx, "yamazaki-ken"))
    await office.act(lambda tx: change(tx, "takahashi-ichiro"))
    await office.act(lambda tx: change(tx, "yamazaki-ken"))
    codes = [one.code for one in POLICY.municipalities.everything() if one.code.prefecture == "01"]
    others = dict.fromkeys(sorted(set(codes))[:123], 0)

    def cut_off(tx: Tx) -> bytes:
        for code in (*others, TOKOROZAWA):
            tx.registers.host(code)
            connect(tx, code, connected=False)
        content = Cursor(0, others).encode()
        assert len(content) > MOST_OCTETS - 8
        return tx.subscriptions.seal_cursor(content, PASSPORT_OFFICE.agency, PASSPORT)

    full = await office.act(cut_off)

    stopped = await office.act(lambda tx: read(tx, full))
    await office.act(lambda tx: connect(tx, TOKOROZAWA, connected=True))
    resumed = await office.act(lambda tx: read(tx, stopped.cursor))

    assert stopped.notices == ()
    assert TOKOROZAWA in stopped.waiting
    assert len(stopped.cursor) <= 1_024
    assert places(resumed) == [1, 2]


@pytest.mark.parametrize("cursor", [b"\x00", b"\x01" + bytes(40), bytes(1_024)])
async def test_a_cursor_that_was_not_sealed_here_is_unknown(
    office: SQLiteStore, cursor: bytes
) -> None:
    refusal = await refusal_of(office, lambda tx: read(tx, cursor))

    assert refusal.reason is Reason.CURSOR_UNKNOWN


async def test_a_cursor_of_another_agency_or_affair_is_unknown(office: SQLiteStore) -> None:
    both = authorisation(PENSION_OFFICE, PASSPORT)
    await office.act(lambda tx: authorise(tx, both))
    of_passports = (await office.act(read)).cursor
    of_pensions = (
        await office.act(lambda tx: read(tx, agency=PENSION_OFFICE, affair=PENSION))
    ).cursor

    for cursor in (of_passports, of_pensions):
        refusal = await refusal_of(
            office,
            lambda tx, cursor=cursor: read(tx, cursor, agency=PENSION_OFFICE),  # type: ignore[misc]  # bound now
        )
        assert refusal.reason is Reason.CURSOR_UNKNOWN


async def test_a_cursor_goes_on_after_the_centers_key_was_replaced(office: SQLiteStore) -> None:
    await office.act(lambda tx: watch(tx, "takahashi-ichiro"))
    await office.act(lambda tx: change(tx, "takahashi-ichiro"))
    cursor = (await office.act(read)).cursor
    await office.act(lambda tx: change(tx, "takahashi-ichiro"))

    await office.act(lambda tx: tx.rotations.begin(CENTER_KEY, NOW))
    while not (await office.act(lambda tx: tx.rotations.step(CENTER_KEY, 100))).is_last:
        pass
    resumed = await office.act(lambda tx: read(tx, cursor))

    assert len(resumed.notices) == 1


async def test_each_agency_sees_its_own_subscriptions_alone(office: SQLiteStore) -> None:
    mine = await office.act(lambda tx: watch(tx, "takahashi-ichiro"))
    theirs = await office.act(lambda tx: watch(tx, "takahashi-ichiro", PENSION_OFFICE))
    await office.act(lambda tx: watch(tx, "yamazaki-ken", PENSION_OFFICE))
    for key in ("takahashi-ichiro", "yamazaki-ken"):
        await office.act(lambda tx, key=key: change(tx, key))  # type: ignore[misc]  # bound now

    told = await office.act(read)

    assert mine != theirs
    assert [one.subject_reference for one in told.notices] == [mine]


async def test_a_withdrawn_authorisation_ends_the_stream_and_is_logged(
    office: SQLiteStore,
) -> None:
    yesterday = NOW.date() - timedelta(days=1)
    await office.act(lambda tx: tx.agencies.end(1, yesterday))

    refusal = await refusal_of(office, read)
    asked = Watch(PASSPORT_OFFICE, PASSPORT)

    assert isinstance(refusal, DeniedAttempt)
    assert refusal.reason is Reason.AFFAIR_NOT_AUTHORISED
    assert leaves(office)[-1]["more"] == {"affair": "passport", "kind": "CHANGES"}
    assert office.read(lambda tx: has_news(tx, asked, NOW, POLICY))


async def test_what_was_entered_without_an_authorisation_is_not_told_afterwards(
    office: SQLiteStore,
) -> None:
    """Watched under an old authorisation, changed after its end, authorised again next day."""
    await office.act(lambda tx: watch(tx, "takahashi-ichiro"))
    await office.act(lambda tx: tx.agencies.end(1, NOW.date() - timedelta(days=1)))
    await office.act(lambda tx: change(tx, "takahashi-ichiro"))
    again = authorisation(valid_from=date(2026, 11, 24))
    await office.act(lambda tx: authorise(tx, again))
    command = Watch(PASSPORT_OFFICE, PASSPORT)

    told = await office.act(lambda tx: next_notices(tx, command, NOW + timedelta(days=1), POLICY))

    assert (told.notices, told.is_caught_up) == ((), True)


async def test_a_change_of_items_that_are_not_authorised_is_not_told(
    office: SQLiteStore,
) -> None:
    await office.act(lambda tx: watch(tx, "takahashi-ichiro"))
    await office.act(lambda tx: change(tx, "takahashi-ichiro", (Item.RESIDENT_CODE,)))
    await office.act(lambda tx: change(tx, "takahashi-ichiro", tuple(Item)))

    told = await office.act(read)

    assert places(told) == [2]
    assert told.notices[0].items == FOUR


async def test_an_authorisation_without_changes_does_not_let_watch(store: SQLiteStore) -> None:
    row = authorisation(kinds=frozenset({Kind.BY_CODE}))
    await store.act(lambda tx: authorise(tx, row))

    refusal = await refusal_of(store, read)

    assert refusal.reason is Reason.AFFAIR_NOT_AUTHORISED


KEYS = st.sampled_from((*WATCHED, "yoshida-taro"))
HOMES = st.sampled_from((TOKOROZAWA, CHIYODA))
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("change"), KEYS),
        st.tuples(st.just("cut off"), HOMES),
        st.tuples(st.just("connect"), HOMES),
        st.tuples(st.just("read"), st.integers(1, 4)),
        st.tuples(st.just("read and keep a part"), st.integers(1, 4)),
    ),
    min_size=15,
    max_size=40,
)


class Undo(Exception):
    """Takes an example back."""


@dataclass
class Model:
    """An agency that keeps what it reads, beside what it must have been told in the end."""

    tx: Tx
    cursor: bytes = b""
    kept: list[int] = field(default_factory=list)
    due: dict[int, MunicipalityCode] = field(default_factory=dict)
    cut_off: set[MunicipalityCode] = field(default_factory=set)

    def run(self, step: str, what: object) -> None:
        """Take one step."""
        match step, what:
            case "change", str(key):
                self.change(key)
            case "cut off", MunicipalityCode() as home:
                self.cut_off.add(home)
                connect(self.tx, home, connected=False)
            case "connect", MunicipalityCode() as home:
                self.cut_off.discard(home)
                connect(self.tx, home, connected=True)
            case "read", int(limit):
                self.keep(read(self.tx, self.cursor, limit))
            case _, int(limit):
                self.keep_a_part(read(self.tx, self.cursor, limit))

    def change(self, key: str) -> None:
        """Change a person; a disconnected municipality's register cannot be changed."""
        home = SAMPLES[key].municipality
        if home in self.cut_off:
            return
        change(self.tx, key)
        if key in WATCHED:
            self.due[self.tx.changes.last_position()] = home

    def keep(self, page: Notices) -> None:
        """Keep all of a page."""
        self.kept += places(page)
        self.cursor = page.cursor

    def keep_a_part(self, page: Notices) -> None:
        """Keep the first notice of a page, and lose the rest on the way."""
        if page.notices:
            self.kept.append(places(page)[0])
            self.cursor = page.notices[0].cursor

    def read_to_the_end(self) -> None:
        """Connect everybody and read until nothing more is to be had."""
        for home in (TOKOROZAWA, CHIYODA):
            connect(self.tx, home, connected=True)
        page = read(self.tx, self.cursor, 3)
        self.keep(page)
        while not page.is_caught_up:
            page = read(self.tx, self.cursor, 3)
            self.keep(page)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=STEPS)
def test_whatever_happens_each_notice_is_told_once_and_in_its_municipalitys_order(
    store: SQLiteStore, steps: list[tuple[str, object]]
) -> None:
    def example(tx: Tx) -> None:
        authorise_usual(tx)
        for key in WATCHED:
            watch(tx, key)
        model = Model(tx)
        for step, what in steps:
            model.run(step, what)
        model.read_to_the_end()
        assert sorted(model.kept) == sorted(model.due)
        for home in (TOKOROZAWA, CHIYODA):
            told = [one for one in model.kept if model.due[one] == home]
            assert told == sorted(told)
        raise Undo

    with pytest.raises(Undo):
        asyncio.run(store.act(example))
