"""Applications for a card at the window: both ways, every refusal, and once only."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from juki_center.areas.audit.events import Event
from juki_center.areas.cards.application_commands import ApplicationPage, ListApplications, Taken
from juki_center.areas.cards.application_ends import end_overdue
from juki_center.areas.cards.application_reads import get_application, list_applications
from juki_center.areas.cards.application_rows import (
    Addressee,
    ApplicationKind,
    ApplicationState,
    EndReason,
    Place,
)
from juki_center.areas.cards.applications import submit_application
from juki_center.areas.cards.holders import end_cards
from juki_center.areas.cards.numbers import LetterNumber
from juki_center.areas.cards.personalisation_rows import PersonalisationState
from juki_center.areas.cards.register import CardStatus
from juki_center.areas.cards.rejections import reject_application
from juki_center.areas.cards.replies import record_reply
from juki_center.areas.cards.rules import CardEvent
from juki_center.areas.evidence import DocumentKind
from juki_center.areas.ports import Tx
from juki_center.areas.residents.code_changes import change_resident_code
from juki_center.areas.residents.commands import ChangeResidentCode, DeleteRecord, RegisterDeath
from juki_center.areas.residents.deletions import delete_record, register_death
from juki_center.errors import Reason, Refusal
from juki_center.rule_sets import RuleSet
from juki_center.storage.sqlite import SQLiteStore
from tests.support.card_life import NEW_SERIAL, CardLife
from tests.support.card_window import (
    CHILD,
    CLERK,
    NO_SUCH,
    NONE_HELD,
    PARENT,
    PHOTO,
    TARO,
    TODAY,
    CardWindow,
    document,
)
from tests.support.center import CHIYODA, NOW, SAMPLES, open_test_store
from tests.support.leaves import leaves
from tests.support.register_desk import TODAY as ERA_TODAY
from tests.support.register_desk import YESTERDAY, RegisterDesk

DAY = timedelta(days=1)
OTHER_LETTER = LetterNumber("L000000000195")
RECORD = SAMPLES[TARO].record
TO_TARO = Addressee(
    RECORD.name, RECORD.address + (f"\u3000{RECORD.building}" if RECORD.building else "")
)


@pytest.fixture
async def window(store: SQLiteStore) -> CardWindow:
    """Give a window whose municipality has taken back everybody's old cards."""
    opened = CardWindow(store)
    await opened.set_status(CardStatus.RETURNED, *SAMPLES)
    return opened


async def cut_off(window: CardWindow) -> None:
    """Disconnect the window's municipality."""
    await window.store.act(lambda tx: tx.registers.set_connected(window.register, connected=False))


# Applying


async def test_case_28_photo_identification_at_the_counter_is_approved_at_once(
    window: CardWindow,
) -> None:
    taken = await window.do(submit_application, window.with_photo())

    application = taken.application
    assert (application.state, application.kind) == (
        ApplicationState.APPROVED,
        ApplicationKind.FIRST,
    )
    assert (taken.letter, application.reply_until) == (None, None)
    assert window.store.read(lambda tx: tx.applications.photo(application.number)) == PHOTO
    papers = window.kept(application.number).papers
    assert papers is not None
    assert (papers.clerk_name, papers.documents) == (CLERK, (document(),))


async def test_case_28_a_card_without_photo_needs_none(window: CardWindow) -> None:
    taken = await window.apply()

    assert taken.application.state is ApplicationState.APPROVED
    assert window.store.read(lambda tx: tx.applications.photo(taken.application.number)) is None


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"photo_taken_on": date(2026, 4, 23)}, Reason.PHOTO_TOO_OLD),
        ({"photo_taken_on": date(2026, 5, 22)}, Reason.PHOTO_TOO_OLD),
        ({"photo_taken_on": TODAY + DAY}, Reason.PHOTO_TOO_OLD),
        ({"photo": None}, Reason.PHOTO_REQUIRED),
        ({"photo_taken_on": None}, Reason.PHOTO_REQUIRED),
    ],
)
async def test_case_28_a_photo_that_is_missing_or_old_is_refused(
    window: CardWindow, changes: dict[str, object], reason: Reason
) -> None:
    refused = await window.refused(submit_application, window.with_photo(**changes))

    assert refused.reason is reason


async def test_case_28_a_photo_of_five_months_ago_is_taken(window: CardWindow) -> None:
    command = window.with_photo(photo_taken_on=date(2026, 6, 23))

    taken = await window.do(submit_application, command)

    assert taken.application.state is ApplicationState.APPROVED


async def test_case_29_at_a_branch_a_letter_is_sent_to_the_registered_address(
    window: CardWindow,
) -> None:
    taken = await window.apply(place=Place.BRANCH)

    assert taken.application.state is ApplicationState.INQUIRY_SENT
    assert taken.letter is not None
    assert taken.letter.addressee == TO_TARO
    assert (taken.letter.sent_on, taken.letter.reply_until) == (TODAY, TODAY + 30 * DAY)
    assert taken.application.reply_until == TODAY + 30 * DAY
    assert not taken.letter.registered_mail
    assert not taken.letter.document_required
    assert taken.letter.municipality_name == "埼玉県所沢市"


async def test_from_2010_the_letter_goes_by_registered_mail(window: CardWindow) -> None:
    taken = await window.under(RuleSet.R2010_11_26).apply(**NONE_HELD)

    assert taken.letter is not None
    assert taken.letter.registered_mail
    assert taken.letter.document_required


async def test_from_2010_a_lapsed_card_is_asked_for(window: CardWindow) -> None:
    forgery = window.under(RuleSet.R2010_11_26)

    refused = await forgery.refused(submit_application, forgery.submission())

    assert refused.reason is Reason.LAPSED_CARD_QUESTION


@pytest.mark.parametrize(
    "status",
    [
        CardStatus.MAKING,
        CardStatus.MADE,
        CardStatus.HELD,
        CardStatus.ACTIVE,
        CardStatus.SUSPENDED,
    ],
)
async def test_case_31_who_has_a_card_gets_no_second_one(
    window: CardWindow, status: CardStatus
) -> None:
    await window.set_status(status, TARO)

    refused = await window.refused(submit_application, window.submission())

    assert refused.reason is Reason.ALREADY_HAS_CARD


async def test_who_has_an_expired_card_may_apply(window: CardWindow) -> None:
    await window.set_status(CardStatus.ACTIVE, TARO)
    late = datetime.combine(date(2033, 8, 25), NOW.time(), NOW.tzinfo)

    taken = await window.do(submit_application, window.submission(), late)

    assert taken.application.state is ApplicationState.APPROVED


async def test_a_second_application_is_refused_while_the_first_is_open(window: CardWindow) -> None:
    await window.apply()

    refused = await window.refused(submit_application, window.submission())

    assert refused.reason is Reason.APPLICATION_OPEN


async def test_a_child_needs_its_representative(window: CardWindow) -> None:
    then = replace(window, now=datetime(2003, 8, 25, 1, tzinfo=UTC))

    refused = await then.refused(submit_application, then.submission(CHILD))
    taken = await then.apply(CHILD, representative=PARENT)

    assert refused.reason is Reason.REPRESENTATIVE_REQUIRED
    papers = window.kept(taken.application.number).papers
    assert papers is not None
    assert papers.representative == PARENT


async def test_who_lives_elsewhere_is_as_unknown_as_nobody(window: CardWindow) -> None:
    refused = await window.refused(submit_application, window.submission("tsuji-makoto"))

    assert refused.reason is Reason.RESIDENT_NOT_FOUND
    assert refused.event.subjects == ()


async def test_who_is_deleted_gets_no_card(window: CardWindow) -> None:
    desk = RegisterDesk(window.store)
    await desk.do(register_death, RegisterDeath(desk.edit(TARO), YESTERDAY))

    refused = await window.refused(submit_application, window.submission())

    assert refused.reason is Reason.RECORD_DELETED


async def test_a_former_code_is_told_as_such(window: CardWindow) -> None:
    desk = RegisterDesk(window.store)
    await desk.stock(1)
    await desk.do(change_resident_code, ChangeResidentCode(desk.edit(TARO)))

    refused = await window.refused(submit_application, window.submission())

    assert refused.reason is Reason.CODE_CHANGED


async def test_a_clerk_without_a_name_is_refused(window: CardWindow) -> None:
    command = replace(window.submission(), clerk_name=" ")

    refused = await window.refused(submit_application, command)

    assert refused.reason is Reason.CLERK_NAME_REQUIRED
    assert refused.event.event is Event.APPLICATION_REFUSED


# Exactly once


async def test_an_application_that_is_sent_again_after_a_crash_gets_its_first_answer(
    window: CardWindow, folder: Path
) -> None:
    command = window.submission(documents=())
    first = await window.do(submit_application, command)
    window.store.close()
    reopened = open_test_store(folder)

    again = await replace(window, store=reopened).do(submit_application, command, NOW + DAY / 2)
    reopened.close()

    assert again == first
    assert first.letter is not None


async def test_another_form_under_the_same_request_is_refused(window: CardWindow) -> None:
    command = window.with_photo()
    await window.do(submit_application, command)

    with pytest.raises(Refusal) as refused:
        await window.do(
            submit_application,
            replace(command, form=replace(command.form, photo=PHOTO + b"\x00")),
        )

    assert refused.value.reason is Reason.REQUEST_ID_REUSED


async def test_the_log_shows_what_was_applied_for_and_no_name(window: CardWindow) -> None:
    taken = await window.apply()

    shown = leaves(window.store)[-1]
    assert shown["ev"] == "CARD_APPLIED_FOR"
    assert shown["id"] == taken.application.number
    assert RECORD.name not in repr(shown)


async def test_what_is_personal_stands_in_no_repr(window: CardWindow) -> None:
    command = replace(
        window.with_photo(),
        form=replace(window.with_photo().form, documents=(), representative=PARENT),
    )
    taken = await window.do(submit_application, command)
    assert taken.letter is not None
    kept = window.kept(taken.application.number)
    reply = window.reply(taken.application, taken.letter.number)

    shown = repr((command, command.form, taken, taken.letter, kept, kept.papers, reply))

    for secret in (
        RECORD.name,
        RECORD.code.digits,
        RECORD.address,
        CLERK,
        PARENT.name,
        PARENT.shown_by,
        taken.letter.number,
        "JFIF",
        document().number_hash.hex(),
        repr(document().number_hash),
    ):
        assert secret not in shown


# Replies


async def test_a_reply_by_the_applicant_approves(window: CardWindow) -> None:
    application, letter = await window.apply_by_letter()

    answer = await window.do(record_reply, window.reply(application, letter), NOW + 30 * DAY)

    assert answer.application.state is ApplicationState.APPROVED
    assert answer.application.ended_at is None
    papers = window.kept(application.number).papers
    assert papers is not None
    assert papers.reply_clerk_name == CLERK


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"brought_by_applicant": False}, EndReason.NOT_THE_PERSON),
        ({"letter": OTHER_LETTER}, EndReason.LETTER_NUMBER_WRONG),
    ],
)
async def test_case_29_a_reply_by_somebody_else_or_to_another_letter_ends_the_application(
    window: CardWindow, changes: dict[str, object], reason: EndReason
) -> None:
    application, letter = await window.apply_by_letter()
    command = replace(window.reply(application, letter), **changes)  # type: ignore[arg-type]  # its fields

    answer = await window.do(record_reply, command)
    again = await window.do(record_reply, command)

    assert answer.application.state is ApplicationState.REJECTED
    assert answer.application.end_reason is reason
    assert again == answer
    assert window.kept(application.number).state is ApplicationState.REJECTED


async def test_the_letter_of_another_application_ends_this_one(window: CardWindow) -> None:
    application, _ = await window.apply_by_letter()
    _, letter = await window.apply_by_letter("yoshida-hanako")

    answer = await window.do(record_reply, window.reply(application, letter))

    assert answer.application.end_reason is EndReason.LETTER_NUMBER_WRONG


async def test_a_reply_a_second_after_its_last_day_in_japan_is_too_late(window: CardWindow) -> None:
    application, letter = await window.apply_by_letter()
    midnight = datetime.fromisoformat("2026-12-24T00:00:00+09:00")

    answer = await window.do(record_reply, window.reply(application, letter), midnight)

    assert answer.application.end_reason is EndReason.REPLY_TOO_LATE


async def test_a_reply_in_the_last_second_counts(window: CardWindow) -> None:
    application, letter = await window.apply_by_letter()
    last = datetime.fromisoformat("2026-12-23T23:59:59+09:00")

    answer = await window.do(record_reply, window.reply(application, letter), last)

    assert answer.application.state is ApplicationState.APPROVED


async def test_case_30_a_reply_without_a_document_is_refused_and_may_be_brought_again(
    window: CardWindow,
) -> None:
    application, letter = await window.apply_by_letter()
    later = window.under(RuleSet.R2004_03_08)
    bare = later.reply(application, letter, oral_questions_answered=True)

    refused = await later.refused(record_reply, bare)
    answer = await later.do(
        record_reply,
        later.reply(
            application,
            letter,
            oral_questions_answered=True,
            documents=(document(DocumentKind.HEALTH_INSURANCE_CARD),),
        ),
    )

    assert refused.reason is Reason.IDENTITY_DOCUMENT_REQUIRED
    assert answer.application.state is ApplicationState.APPROVED


async def test_a_second_reply_has_no_place(window: CardWindow) -> None:
    application, letter = await window.apply_by_letter()
    await window.do(record_reply, window.reply(application, letter))

    refused = await window.refused(record_reply, window.reply(application, letter))

    assert refused.reason is Reason.NOT_IN_THIS_STATE
    assert refused.metadata == {"state": "APPROVED", "event": "REPLIED"}


@pytest.mark.parametrize("is_of_another", [False, True])
async def test_an_application_elsewhere_is_as_unknown_as_none(
    window: CardWindow, *, is_of_another: bool
) -> None:
    application, letter = await window.apply_by_letter()
    elsewhere = replace(window, terminal=CHIYODA)
    asked = application if is_of_another else replace(application, number=NO_SUCH)
    await cut_off(window)

    refusals = [
        await elsewhere.refused(record_reply, elsewhere.reply(asked, letter)),
        await elsewhere.refused(reject_application, elsewhere.rejection(asked)),
        await elsewhere.refused(get_application, elsewhere.question(asked)),
    ]

    assert {one.reason for one in refusals} == {Reason.APPLICATION_NOT_FOUND}
    assert {one.event.subjects for one in refusals} == {()}


# Ends


async def test_case_29_a_letter_that_came_back_closes_the_application(window: CardWindow) -> None:
    application, letter = await window.apply_by_letter()

    answer = await window.do(
        reject_application, window.rejection(application, EndReason.LETTER_RETURNED)
    )
    refused = await window.refused(record_reply, window.reply(application, letter))

    assert answer.application.state is ApplicationState.REJECTED
    assert answer.application.end_reason is EndReason.LETTER_RETURNED
    assert refused.reason is Reason.NOT_IN_THIS_STATE


async def test_a_withdrawn_application_makes_room_for_another_one(window: CardWindow) -> None:
    first = await window.apply()

    ended = await window.do(reject_application, window.rejection(first.application))
    second = await window.apply()

    assert ended.application.state is ApplicationState.CANCELLED
    assert second.application.number != first.application.number


async def test_a_card_that_does_not_exist_cannot_be_uncollected(window: CardWindow) -> None:
    taken = await window.apply()

    refused = await window.refused(
        reject_application, window.rejection(taken.application, EndReason.NOT_COLLECTED)
    )

    assert refused.reason is Reason.NOT_IN_THIS_STATE


@pytest.mark.parametrize("reason", [EndReason.NOT_COLLECTED, EndReason.NOT_THE_PERSON])
async def test_a_card_that_nobody_may_have_is_given_up_with_its_application(
    window: CardWindow, reason: EndReason
) -> None:
    life = CardLife(window)
    application = await life.make()

    answer = await window.do(reject_application, window.rejection(application, reason))

    assert answer.application.state is ApplicationState.REJECTED
    assert (answer.application.end_reason, answer.application.card_number) == (reason, None)
    kept = window.kept(application.number)
    assert replace(kept, papers=None) == answer.application
    assert life.card(NEW_SERIAL).status is CardStatus.VOID
    made = window.store.read(lambda tx: tx.personalisations.by_id(b"p" * 16))
    assert made is not None
    assert (made.state, made.secrets) == (PersonalisationState.VOID, None)


async def test_while_a_card_is_made_its_application_cannot_end_at_the_window(
    window: CardWindow,
) -> None:
    life = CardLife(window)
    application = await life.make(status=CardStatus.MAKING)

    def reopen(tx: Tx) -> None:
        tx.applications.set_state(
            application.number, ApplicationState.APPROVED, ended_at=None, end_reason=None
        )
        tx.personalisations.end(b"p" * 16, PersonalisationState.OPEN, NOW)

    await window.store.act(reopen)
    refused = await window.refused(reject_application, window.rejection(application))

    assert refused.reason is Reason.PERSONALISATION_OPEN
    assert life.card(NEW_SERIAL).status is CardStatus.MAKING


async def test_a_death_ends_the_card_that_waits_and_its_application(window: CardWindow) -> None:
    life = CardLife(window)
    application = await life.make()
    desk = RegisterDesk(window.store)

    await desk.do(register_death, RegisterDeath(desk.edit(TARO), YESTERDAY))

    assert window.kept(application.number).state is ApplicationState.CANCELLED
    assert life.card(NEW_SERIAL).status is CardStatus.LAPSED


async def test_a_death_cancels_what_is_open(window: CardWindow) -> None:
    application, _ = await window.apply_by_letter()
    desk = RegisterDesk(window.store)

    await desk.do(register_death, RegisterDeath(desk.edit(TARO), YESTERDAY))

    kept = window.kept(application.number)
    assert (kept.state, kept.end_reason) == (ApplicationState.CANCELLED, EndReason.HOLDER_GONE)
    assert kept.ended_at == NOW


async def test_what_a_persons_end_cancels_needs_no_key(window: CardWindow) -> None:
    taken = await window.apply()
    await cut_off(window)

    await window.store.act(
        lambda tx: end_cards(
            tx,
            taken.application.person,
            CardEvent.HOLDER_GONE,
            caller_uri="juki://center/test",
            now=NOW,
        )
    )

    left = window.store.read(lambda tx: tx.applications.open_of_person(taken.application.person))
    assert left == []


async def test_a_deletion_cancels_what_is_open(window: CardWindow) -> None:
    taken = await window.apply()
    desk = RegisterDesk(window.store)

    await desk.do(delete_record, DeleteRecord(desk.edit(TARO), ERA_TODAY))

    assert window.kept(taken.application.number).end_reason is EndReason.HOLDER_GONE


async def test_a_new_code_cancels_what_is_open(window: CardWindow) -> None:
    taken = await window.apply()
    desk = RegisterDesk(window.store)
    await desk.stock(1)

    await desk.do(change_resident_code, ChangeResidentCode(desk.edit(TARO)))

    assert window.kept(taken.application.number).end_reason is EndReason.CODE_CHANGED


async def test_what_nobody_has_answered_ends_the_day_after_its_last_one(window: CardWindow) -> None:
    application, _ = await window.apply_by_letter()

    on_the_day = await window.store.act(
        lambda tx: end_overdue(tx, NOW + 30 * DAY, caller_uri="juki://center/test", limit=10)
    )
    after_it = await window.store.act(
        lambda tx: end_overdue(tx, NOW + 31 * DAY, caller_uri="juki://center/test", limit=10)
    )

    assert (on_the_day, after_it) == (0, 1)
    assert window.kept(application.number).end_reason is EndReason.REPLY_TOO_LATE


# Looking


async def test_the_letter_is_shown_as_it_was_sent_until_its_reply(window: CardWindow) -> None:
    taken = await window.apply(documents=())
    assert taken.letter is not None

    shown = await window.do(get_application, window.question(taken.application))
    await window.do(record_reply, window.reply(taken.application, taken.letter.number))
    answered = await window.do(get_application, window.question(taken.application))

    assert shown == taken
    assert answered.letter is None


async def test_a_letter_is_shown_only_where_it_is_wanted(window: CardWindow) -> None:
    taken = await window.apply(documents=())

    shown = await window.do(
        get_application, replace(window.question(taken.application), with_letter=False)
    )

    assert shown == Taken(taken.application)


@pytest.mark.parametrize("rule_set", [RuleSet.R2003_08, RuleSet.R2010_11_26])
async def test_from_2010_the_address_is_told_of_a_card_of_the_same_day(
    window: CardWindow, rule_set: RuleSet
) -> None:
    taken = await window.apply()

    def deliver(tx: Tx) -> None:
        tx.applications.set_state(
            taken.application.number, ApplicationState.DELIVERED, ended_at=NOW, end_reason=None
        )

    await window.store.act(deliver)
    shown = await window.under(rule_set).do(get_application, window.question(taken.application))

    if rule_set is RuleSet.R2003_08:
        assert shown.notice is None
    else:
        assert shown.notice is not None
        assert (shown.notice.addressee, shown.notice.sent_on) == (TO_TARO, TODAY)
        assert shown.notice.municipality_name == "埼玉県所沢市"


async def test_a_list_goes_page_by_page_and_shows_only_what_is_open(window: CardWindow) -> None:
    taken = [await window.apply(key) for key in (TARO, "yoshida-hanako", CHILD)]
    await window.do(reject_application, window.rejection(taken[1].application))
    asked = ListApplications(window.terminal, CLERK, page_size=1)

    first = _page(window, asked)
    second = _page(window, replace(asked, page_token=first.next_page_token))
    ended = _page(window, replace(asked, states=(ApplicationState.CANCELLED,)))

    assert [one.number for one in (*first.applications, *second.applications)] == [
        taken[0].application.number,
        taken[2].application.number,
    ]
    assert second.next_page_token == ""
    assert [one.number for one in ended.applications] == [taken[1].application.number]
    assert _page(window, replace(asked, terminal=CHIYODA)).applications == ()


def _page(window: CardWindow, asked: ListApplications) -> ApplicationPage:
    return window.store.read(lambda tx: list_applications(tx, asked, NOW, window.policy))


@pytest.mark.parametrize("token", ["x", "١", "1" * 19, "-1"])
def test_a_page_token_of_nobody_is_refused(window: CardWindow, token: str) -> None:
    asked = ListApplications(window.terminal, CLERK, page_token=token)

    with pytest.raises(Refusal) as refused:
        _page(window, asked)

    assert refused.value.metadata == {"field": "page_token", "rule": "UNKNOWN"}


def test_a_list_wants_a_clerk(window: CardWindow) -> None:
    with pytest.raises(Refusal) as refused:
        _page(window, ListApplications(window.terminal, " "))

    assert refused.value.reason is Reason.CLERK_NAME_REQUIRED
