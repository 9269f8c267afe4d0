"""What a leaf counts for."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest

from juki_audit.leaf import Leaf
from juki_center.areas.alerts.rules import USUAL, AlertKind, AlertPolicy, Limit, Sighting, sightings
from juki_center.areas.audit.events import Event
from juki_center.config import ALERT_LIMITS, AlertSettings

TERMINAL = "juki://municipality/112089/terminal/01"
AGENCY = "juki://agency/passport-1"
DESK = "juki://municipality/112089/desk/01"
TUESDAY_TEN = datetime(2026, 11, 24, 1, tzinfo=UTC)
PERSON = b"p" * 32
POLICY = AlertPolicy(time(8, 0), time(20, 0))


def leaf(event: Event = Event.RECORD_READ, **changes: object) -> Leaf:
    facts: dict[str, object] = {
        "event": str(event),
        "at": TUESDAY_TEN,
        "caller_uri": TERMINAL,
        "outcome": "DONE",
    }
    return Leaf(**(facts | changes))  # type: ignore[arg-type]  # each test names what it changes


def kinds(one: Leaf) -> set[AlertKind]:
    return {sighting.kind for sighting in sightings(one, POLICY)}


def test_a_look_counts_for_the_clerk_who_is_signed_in_and_for_the_person() -> None:
    found = set(sightings(leaf(clerk="c-17", subjects=(PERSON,)), POLICY))

    assert found == {
        Sighting(AlertKind.MASS_LOOKS, "c-17"),
        Sighting(AlertKind.MANY_LOOKS_AT_PERSON, PERSON.hex()),
    }


def test_a_look_without_a_clerk_counts_for_the_terminal() -> None:
    assert Sighting(AlertKind.MASS_LOOKS, TERMINAL) in set(sightings(leaf(), POLICY))


def test_a_copy_for_somebody_with_card_and_pin_is_no_search() -> None:
    by_card = leaf(Event.COPY_ISSUED, details={"proof": "card"})
    by_photo = leaf(Event.COPY_ISSUED, details={"proof": "photo"})

    assert AlertKind.MASS_LOOKS not in kinds(by_card)
    assert AlertKind.MASS_LOOKS in kinds(by_photo)


def test_a_refusal_counts_for_its_caller() -> None:
    refused = leaf(Event.CONFIRMATION_REFUSED, caller_uri=AGENCY, outcome="AFFAIR_NOT_AUTHORISED")

    assert set(sightings(refused, POLICY)) == {Sighting(AlertKind.REPEATED_FAILURES, AGENCY)}


def test_somebody_looks_for_a_protected_person() -> None:
    sought = leaf(Event.COPY_REFUSED, outcome="PROTECTIVE_MEASURE", subjects=(PERSON,))

    assert Sighting(AlertKind.PROTECTED_SOUGHT, PERSON.hex()) in set(sightings(sought, POLICY))
    assert AlertKind.PROTECTED_SOUGHT not in kinds(leaf(Event.COPY_REFUSED, subjects=(PERSON,)))


def test_suspensions_count_for_who_takes_the_reports_and_at_any_hour() -> None:
    night = TUESDAY_TEN.replace(hour=15)

    assert kinds(leaf(Event.CARD_SUSPENDED, caller_uri=DESK, at=night)) == {
        AlertKind.MANY_SUSPENSIONS
    }
    assert AlertKind.OUT_OF_HOURS not in kinds(leaf(Event.CARD_SUSPENDED, at=night))


def test_a_notice_that_was_set_aside_counts_for_the_office_that_misses_it() -> None:
    aside = leaf(Event.NOTICE_SET_ASIDE, caller_uri="juki://center/1", residence="112089")

    assert set(sightings(aside, POLICY)) == {Sighting(AlertKind.NOTICE_SET_ASIDE, "112089")}


@pytest.mark.parametrize(
    ("at", "is_out"),
    [
        (datetime(2026, 11, 23, 22, 59, 59, tzinfo=UTC), True),  # 07:59:59 on Tuesday in Japan
        (datetime(2026, 11, 23, 23, 0, tzinfo=UTC), False),
        (datetime(2026, 11, 24, 10, 59, 59, tzinfo=UTC), False),
        (datetime(2026, 11, 24, 11, 0, tzinfo=UTC), True),
        (datetime(2026, 11, 23, 1, 0, tzinfo=UTC), True),  # Labour Thanksgiving Day
        (datetime(2026, 11, 22, 1, 0, tzinfo=UTC), True),  # a Sunday
    ],
)
def test_a_window_at_night_or_on_a_holiday_is_seen(at: datetime, *, is_out: bool) -> None:
    assert (AlertKind.OUT_OF_HOURS in kinds(leaf(at=at))) is is_out


def test_an_agency_may_ask_at_night() -> None:
    asked = leaf(Event.IDENTITY_CONFIRMED, caller_uri=AGENCY, at=TUESDAY_TEN.replace(hour=18))

    assert kinds(asked) == {AlertKind.MASS_CONFIRMATIONS}


@pytest.mark.parametrize("event", [Event.ALERT_RAISED, Event.ALERT_SEEN])
def test_the_watchers_own_leaves_count_for_nothing(event: Event) -> None:
    assert not kinds(leaf(event, outcome="ODD", at=TUESDAY_TEN.replace(hour=18)))


def test_windows_are_half_as_long_as_the_time_of_the_limit() -> None:
    limit = Limit(10, timedelta(minutes=10))
    number = limit.window(TUESDAY_TEN)

    assert limit.window(TUESDAY_TEN + timedelta(minutes=4, seconds=59)) == number
    assert limit.window(TUESDAY_TEN + timedelta(minutes=5)) == number + 1


def test_a_configuration_changes_the_limits_that_it_names() -> None:
    policy = AlertPolicy.of(time(9), time(17), {"mass_looks": 5})

    assert policy.limits[AlertKind.MASS_LOOKS] == Limit(5, timedelta(hours=1))
    assert policy.limits[AlertKind.OUT_OF_HOURS] == USUAL[AlertKind.OUT_OF_HOURS]


def test_the_configuration_and_the_runbook_know_every_kind() -> None:
    runbook = (Path(__file__).parents[3] / "docs" / "runbook.md").read_text(encoding="utf-8")
    headings = {line.removeprefix("## ") for line in runbook.splitlines() if line.startswith("## ")}

    assert set(ALERT_LIMITS) == {k.lower() for k in USUAL}
    assert {kind.capitalize().replace("_", " ") for kind in AlertKind} <= headings
    assert AlertSettings().opens < AlertSettings().closes
