"""The watch over the log: each leaf once, alerts where a limit is reached, whatever is cut off."""

from __future__ import annotations

from datetime import time, timedelta

import pytest

from juki_center.areas.alerts.persons import trace_person
from juki_center.areas.alerts.rules import USUAL, AlertKind, AlertPolicy
from juki_center.areas.alerts.watching import AT_ONCE, leaves_of, see_alert, watch_log
from juki_center.areas.audit.events import AuditEvent, Event
from juki_center.areas.ports import Tx
from juki_center.areas.residents.codes import ResidentCode
from juki_center.areas.residents.records import PersonID
from juki_center.errors import Reason, Refusal
from juki_center.storage.sqlite import SQLiteStore
from tests.support.center import NOW, SAMPLES
from tests.support.leaves import leaves

WATCH = "juki://center/log-watch"
TERMINAL = "juki://municipality/112089/terminal/01"
POLICY = AlertPolicy.of(time(0, 0), time(23, 59), {"mass_looks": 5, "many_looks_at_person": 3})
PERSON = PersonID(b"p" * 16)
NOBODYS = ResidentCode("24727059608")


async def look_at(store: SQLiteStore, times: int, *, minutes: int = 0) -> None:
    """Have a clerk look at records, so many minutes from now."""

    def act(tx: Tx) -> None:
        for _ in range(times):
            at = NOW + timedelta(minutes=minutes)
            tx.audit.append(AuditEvent(Event.RECORD_READ, at, TERMINAL, clerk="c-1"))

    await store.act(act)


async def watch(store: SQLiteStore) -> list[AlertKind]:
    """Watch all that was not watched; return the kinds of the alerts of somebody's looks."""
    kinds, has_more = [], True
    while has_more:
        watched = await store.act(lambda tx: watch_log(tx, NOW, POLICY, WATCH))
        kinds += [one.kind for one in watched.alerts if one.kind is not AlertKind.OUT_OF_HOURS]
        has_more = watched.has_more
    return kinds


async def test_the_look_that_reaches_the_limit_is_an_alert_and_the_next_ones_are_none(
    store: SQLiteStore,
) -> None:
    await watch(store)
    await look_at(store, 4)
    assert await watch(store) == []

    await look_at(store, 3)
    assert await watch(store) == [AlertKind.MASS_LOOKS]
    await look_at(store, 50, minutes=20)

    assert await watch(store) == []
    (alert,) = (
        one
        for one in store.read(lambda tx: tx.alerts.newest(only_unseen=True, limit=10))
        if one.kind is AlertKind.MASS_LOOKS
    )
    assert (alert.actor, alert.count) == ("c-1", 5)
    assert len(store.read(lambda tx: leaves_of(tx, alert, POLICY))) == 5


async def test_looks_over_the_turn_of_a_window_count_together_and_old_ones_do_not(
    store: SQLiteStore,
) -> None:
    await watch(store)
    begin = -(NOW.minute % 30) + 29
    await look_at(store, 3, minutes=begin)
    await look_at(store, 2, minutes=begin + 2)
    assert await watch(store) == [AlertKind.MASS_LOOKS]

    await look_at(store, 4, minutes=begin + 200)
    assert await watch(store) == []


async def test_looks_at_one_person_by_different_clerks_count_together(store: SQLiteStore) -> None:
    await watch(store)
    for clerk in ("c-1", "c-2", "c-3"):
        event = AuditEvent(Event.CARD_READ, NOW, TERMINAL, subjects=(PERSON,), clerk=clerk)
        await store.act(lambda tx, event=event: tx.audit.append(event))  # type: ignore[misc]

    assert await watch(store) == [AlertKind.MANY_LOOKS_AT_PERSON]
    (alert,) = store.read(lambda tx: tx.alerts.newest(only_unseen=True, limit=1))
    assert alert.actor == store.read(lambda tx: tx.audit.subject(PERSON)).hex()


async def test_an_alert_is_in_the_log_itself_and_so_is_who_has_seen_it(store: SQLiteStore) -> None:
    await watch(store)
    await look_at(store, 5)
    await watch(store)
    (alert,) = store.read(lambda tx: tx.alerts.newest(only_unseen=True, limit=1))

    seen = await store.act(lambda tx: see_alert(tx, alert.id, NOW, "juki://operator/o-1"))
    again = await store.act(lambda tx: see_alert(tx, alert.id, NOW, "juki://operator/o-2"))

    raised, noted = leaves(store)[-2:]
    assert (raised["ev"], raised["id"]) == ("ALERT_RAISED", alert.id)
    assert (noted["ev"], noted["by"]) == ("ALERT_SEEN", "juki://operator/o-1")
    assert again == seen
    assert seen.seen_by == "juki://operator/o-1"
    assert AlertKind.MASS_LOOKS not in store.read(lambda tx: tx.alerts.unseen())


async def test_an_alert_that_is_none_is_not_found(store: SQLiteStore) -> None:
    with pytest.raises(Refusal) as refused:
        await store.act(lambda tx: see_alert(tx, "00" * 8, NOW, "juki://operator/o-1"))

    assert refused.value.reason is Reason.ALERT_NOT_FOUND


async def test_a_watch_goes_on_where_the_last_one_was(store: SQLiteStore) -> None:
    await look_at(store, 4)
    await watch(store)
    size = store.read(lambda tx: tx.alerts.watched())

    assert await watch(store) == []
    assert store.read(lambda tx: tx.alerts.watched()) >= size
    await look_at(store, 1)
    assert await watch(store) == [AlertKind.MASS_LOOKS]


async def test_a_long_log_is_watched_in_portions(store: SQLiteStore) -> None:
    await watch(store)
    await look_at(store, AT_ONCE + 10)

    first = await store.act(lambda tx: watch_log(tx, NOW, POLICY, WATCH))

    assert first.has_more
    await watch(store)
    rest = await store.act(lambda tx: watch_log(tx, NOW, POLICY, WATCH))
    assert not rest.has_more


async def test_counts_of_long_ago_are_forgotten(store: SQLiteStore) -> None:
    await look_at(store, 4)
    await watch(store)
    kind, limit = AlertKind.MASS_LOOKS, USUAL[AlertKind.MASS_LOOKS]
    window = limit.window(NOW)
    assert store.read(lambda tx: tx.alerts.tally(kind, "c-1", window)).count == 4

    later = NOW + timedelta(hours=3)
    await store.act(lambda tx: watch_log(tx, later, POLICY, WATCH))

    assert store.read(lambda tx: tx.alerts.tally(kind, "c-1", window)).count == 0


async def test_who_has_looked_at_a_person_is_listed_and_the_question_is_logged(
    store: SQLiteStore,
) -> None:
    record = SAMPLES["yoshida-taro"].record
    holder = store.read(lambda tx: tx.residents.by_any_code(record.code))
    assert holder is not None
    event = AuditEvent(
        Event.RECORD_READ, NOW, TERMINAL, subjects=(holder.where.person,), clerk="c-9"
    )
    await store.act(lambda tx: tx.audit.append(event))

    operator = "juki://operator/o-1"
    found = await store.act(lambda tx: trace_person(tx, record.code, NOW, operator))
    again = await store.act(lambda tx: trace_person(tx, record.code, NOW, operator))

    assert [(leaf.event, leaf.clerk) for _, leaf in found][-1] == ("RECORD_READ", "c-9")
    assert [leaf.event for _, leaf in again][-1] == "PERSON_TRACED"


async def test_a_code_that_nobody_has_is_not_traced(store: SQLiteStore) -> None:
    size = store.read(lambda tx: tx.audit.size())

    with pytest.raises(Refusal) as refused:
        await store.act(lambda tx: trace_person(tx, NOBODYS, NOW, "juki://operator/o-1"))

    assert refused.value.reason is Reason.RESIDENT_NOT_FOUND
    assert store.read(lambda tx: tx.audit.size()) == size
