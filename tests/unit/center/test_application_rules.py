"""Applications for a card: states and events, rule sets, days; each pair and each limit."""

from __future__ import annotations

import itertools
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from juki_center.areas.cards.application_days import (
    is_recent_photo,
    last_reply_day,
    may_be_under_15,
    months_later,
)
from juki_center.areas.cards.application_rows import ApplicationState, EndReason, Place
from juki_center.areas.cards.application_rules import (
    CLERKS_ENDS,
    FIRST_STATES,
    OPEN_STATES,
    TRANSITIONS,
    ApplicationEvent,
    after,
)
from juki_center.areas.cards.identification import (
    IDENTIFICATIONS,
    Way,
    decide_way,
    refuse_reply_without_evidence,
)
from juki_center.areas.evidence import DocumentKind, IdentityDocument
from juki_center.areas.residents.civil_date_texts import parse_date
from juki_center.areas.residents.civil_dates import Calendar, CivilDate, Precision
from juki_center.errors import NotAllowed, Reason, Refusal
from juki_center.rule_sets import RuleSet

DAY = timedelta(days=1)
OLD, IMPERSONATION, FORGERY = (
    IDENTIFICATIONS[one] for one in (RuleSet.R2003_08, RuleSet.R2004_03_08, RuleSet.R2010_11_26)
)
INQUIRY_SENT, APPROVED, READY = OPEN_STATES
ENDED = set(ApplicationState) - set(OPEN_STATES)
CIVIL_DAYS = st.dates(date(1900, 1, 1), date(2100, 12, 31))

# Each pair, written down a second time: state, and what each event makes of it.
EXPECTED = {
    INQUIRY_SENT: {
        "REPLIED": "APPROVED",
        "REPLY_REFUSED": "REJECTED",
        "REPLY_OVERDUE": "REJECTED",
        "LETTER_RETURNED": "REJECTED",
        "NOT_THE_PERSON": "REJECTED",
        "WITHDRAWN": "CANCELLED",
        "HOLDER_GONE": "CANCELLED",
        "CODE_CHANGED": "CANCELLED",
    },
    APPROVED: {
        "CARD_MADE": "READY",
        "CARD_GIVEN_UP": "APPROVED",
        "NOT_THE_PERSON": "REJECTED",
        "WITHDRAWN": "CANCELLED",
        "HOLDER_GONE": "CANCELLED",
        "CODE_CHANGED": "CANCELLED",
    },
    READY: {
        "CARD_GIVEN_UP": "APPROVED",
        "HANDED_OVER": "DELIVERED",
        "NOT_COLLECTED": "REJECTED",
        "NOT_THE_PERSON": "REJECTED",
        "WITHDRAWN": "CANCELLED",
        "HOLDER_GONE": "CANCELLED",
        "CODE_CHANGED": "CANCELLED",
    },
}

# States


@pytest.mark.parametrize(
    ("state", "event"), list(itertools.product(ApplicationState, ApplicationEvent))
)
def test_every_event_in_every_state_does_what_is_written_down(
    state: ApplicationState, event: ApplicationEvent
) -> None:
    expected = EXPECTED.get(state, {}).get(event)

    if expected is None:
        with pytest.raises(NotAllowed) as refused:
            after(state, event)
        assert (refused.value.state, refused.value.event) == (state, event)
    else:
        assert after(state, event) == expected


@given(st.sampled_from(list(Way)), st.lists(st.sampled_from(list(ApplicationEvent))))
def test_whatever_happens_an_end_is_final_and_no_card_comes_without_identification(
    way: Way, events: list[ApplicationEvent]
) -> None:
    state = FIRST_STATES[way]
    identified = way is Way.SAME_DAY
    for event in events:
        before = state
        state = TRANSITIONS.get((state, event), state)
        identified = identified or event is ApplicationEvent.REPLIED

        assert before not in ENDED or state is before
        assert state not in {READY, ApplicationState.DELIVERED} or identified


def test_every_reason_that_a_clerk_may_give_ends_an_application() -> None:
    ends = {
        TRANSITIONS[READY if reason != "LETTER_RETURNED" else INQUIRY_SENT, event]
        for reason, event in CLERKS_ENDS.items()
    }

    assert ends <= ENDED
    assert set(CLERKS_ENDS) == {
        EndReason.LETTER_RETURNED,
        EndReason.NOT_THE_PERSON,
        EndReason.WITHDRAWN,
        EndReason.NOT_COLLECTED,
    }


# Ways


def shown(*kinds: DocumentKind, chip: bool = False) -> tuple[IdentityDocument, ...]:
    return tuple(IdentityDocument(one, bytes(32), bytes(16), chip_verified=chip) for one in kinds)


LICENCE, PASSPORT = DocumentKind.DRIVING_LICENCE, DocumentKind.PASSPORT
INSURANCE, STUDENT = DocumentKind.HEALTH_INSURANCE_CARD, DocumentKind.PRIVATE_BODY


def test_case_28_photo_identification_at_the_counter_is_the_same_day() -> None:
    assert decide_way(OLD, Place.COUNTER, shown(LICENCE)) is Way.SAME_DAY


@pytest.mark.parametrize("rules", list(IDENTIFICATIONS.values()))
def test_case_29_at_a_branch_the_letter_is_always_sent(rules: object) -> None:
    documents = shown(LICENCE, PASSPORT, chip=True)

    assert decide_way(rules, Place.BRANCH, documents) is Way.INQUIRY  # type: ignore[arg-type]  # of the table


@pytest.mark.parametrize(
    "documents", [(), shown(INSURANCE), shown(STUDENT), shown(INSURANCE, STUDENT)]
)
def test_without_a_photo_document_the_letter_is_sent(
    documents: tuple[IdentityDocument, ...],
) -> None:
    assert {decide_way(rules, Place.COUNTER, documents) for rules in IDENTIFICATIONS.values()} == {
        Way.INQUIRY
    }


@pytest.mark.parametrize(
    ("documents", "way"),
    [
        (shown(LICENCE), Way.INQUIRY),
        (shown(LICENCE, chip=True), Way.SAME_DAY),
        (shown(LICENCE, LICENCE), Way.INQUIRY),
        (shown(LICENCE, STUDENT), Way.INQUIRY),
        (shown(LICENCE, INSURANCE), Way.SAME_DAY),
        (shown(PASSPORT, LICENCE), Way.SAME_DAY),
        (shown(INSURANCE, chip=True) + shown(STUDENT), Way.INQUIRY),
        (shown(INSURANCE, chip=True) + shown(LICENCE), Way.SAME_DAY),
    ],
)
def test_from_2010_a_chip_or_a_second_document_is_needed_for_the_same_day(
    documents: tuple[IdentityDocument, ...], way: Way
) -> None:
    assert decide_way(FORGERY, Place.COUNTER, documents) is way


def test_case_30_a_reply_without_a_document_counts_in_2003_and_is_refused_from_2004_on() -> None:
    refuse_reply_without_evidence(OLD, (), questions_answered=False)

    for rules in (IMPERSONATION, FORGERY):
        with pytest.raises(Refusal) as refused:
            refuse_reply_without_evidence(rules, (), questions_answered=True)
        assert refused.value.reason is Reason.IDENTITY_DOCUMENT_REQUIRED


@pytest.mark.parametrize(
    ("documents", "answered", "reason"),
    [
        (shown(STUDENT), True, Reason.ID_KIND_NOT_ACCEPTED),
        (shown(INSURANCE), False, Reason.ORAL_QUESTIONS_REQUIRED),
        (shown(INSURANCE), True, None),
        (shown(STUDENT, LICENCE), True, None),
    ],
)
def test_from_2004_a_reply_needs_a_document_that_counts_and_its_questions_answered(
    documents: tuple[IdentityDocument, ...], answered: bool, reason: Reason | None
) -> None:
    caught = None
    try:
        refuse_reply_without_evidence(IMPERSONATION, documents, questions_answered=answered)
    except Refusal as refusal:
        caught = refusal.reason

    assert caught is reason


def test_every_rule_set_says_how_applicants_are_identified() -> None:
    assert set(IDENTIFICATIONS) == set(RuleSet)


# Days


def test_the_thirtieth_day_after_a_letter_is_the_last_one() -> None:
    assert last_reply_day(date(2003, 8, 25)) == date(2003, 9, 24)


@pytest.mark.parametrize(
    ("day", "months", "later"),
    [
        (date(2003, 8, 25), 6, date(2004, 2, 25)),
        (date(2003, 8, 31), 6, date(2004, 2, 29)),
        (date(2004, 8, 29), 6, date(2005, 2, 28)),
        (date(2003, 6, 30), 6, date(2003, 12, 30)),
        (date(2003, 12, 31), 6, date(2004, 6, 30)),
        (date(2003, 7, 1), 6, date(2004, 1, 1)),
    ],
)
def test_months_are_those_of_the_calendar(day: date, months: int, later: date) -> None:
    assert months_later(day, months) == later


@given(CIVIL_DAYS, st.integers(0, 24))
def test_months_later_is_in_that_month_and_keeps_the_day_where_there_is_one(
    day: date, months: int
) -> None:
    later = months_later(day, months)

    assert (later.year * 12 + later.month) - (day.year * 12 + day.month) == months
    assert later.day == day.day or (later.day < day.day and (later + DAY).day == 1)


@given(CIVIL_DAYS, CIVIL_DAYS, CIVIL_DAYS)
def test_an_older_photo_is_never_good_for_longer(one: date, other: date, today: date) -> None:
    older, newer = sorted((one, other))

    if is_recent_photo(older, today) and newer <= today:
        assert is_recent_photo(newer, today)


@pytest.mark.parametrize(
    ("taken_on", "is_recent"),
    [
        (date(2003, 2, 24), False),
        (date(2003, 2, 25), True),
        (date(2003, 3, 25), True),
        (date(2003, 1, 25), False),
        (date(2003, 8, 25), True),
        (date(2003, 8, 26), False),
    ],
)
def test_case_28_a_photo_is_good_for_six_months_and_never_of_tomorrow(
    taken_on: date, *, is_recent: bool
) -> None:
    assert is_recent_photo(taken_on, date(2003, 8, 25)) is is_recent


@pytest.mark.parametrize(
    ("birth", "today", "may_be"),
    [
        ("昭和63年8月26日", date(2003, 8, 25), True),
        ("昭和63年8月26日", date(2003, 8, 26), False),
        ("平成8年2月29日", date(2011, 2, 28), True),
        ("平成8年2月29日", date(2011, 3, 1), False),
    ],
)
def test_the_fifteenth_birthday_is_the_first_day(birth: str, today: date, *, may_be: bool) -> None:
    assert may_be_under_15(parse_date(birth), today) is may_be


def test_a_birth_date_that_nobody_knows_asks_for_a_representative() -> None:
    unknown = CivilDate(Calendar.GREGORIAN, Precision.UNKNOWN)

    assert may_be_under_15(unknown, date(2003, 8, 25))


def test_of_a_birth_date_without_its_day_the_last_one_counts() -> None:
    of_a_year = CivilDate(Calendar.GREGORIAN, Precision.YEAR, 1988)

    assert may_be_under_15(of_a_year, date(2003, 12, 30))
    assert not may_be_under_15(of_a_year, date(2003, 12, 31))
