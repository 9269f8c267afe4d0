"""Identity confirmation on every store: what is answered, refused, and recorded."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from juki_center.areas.agencies.answering import answer
from juki_center.areas.agencies.commands import (
    AffairCode,
    ByAttributes,
    ByCode,
    Confirm,
    Confirmation,
    Kind,
    Outcome,
    Question,
)
from juki_center.areas.agencies.confirm import confirm
from juki_center.areas.agencies.provisions import forget_old_provisions, start_of_day
from juki_center.areas.audit.events import DeniedAttempt
from juki_center.areas.callers import Agency
from juki_center.areas.ports import Tx
from juki_center.areas.residents.changes import Item
from juki_center.areas.residents.codes import MunicipalityCode, ResidentCode
from juki_center.areas.residents.records import (
    ChangeInformation,
    ChangeReason,
    ProtectiveMeasure,
    ResidenceState,
    Sex,
)
from juki_center.errors import Reason, Refusal
from juki_center.storage.sqlite import SQLiteStore
from tests.support.agencies import (
    FOUR,
    PASSPORT,
    PASSPORT_OFFICE,
    PENSION,
    PENSION_OFFICE,
    POLICY,
    attributes_of,
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

NEW_CODE = ResidentCode("12345678903")


@pytest.fixture
async def office(store: SQLiteStore) -> SQLiteStore:
    """Return a store with everybody in it and the usual authorisations."""
    await store.act(authorise_usual)
    return store


async def ask(
    store: SQLiteStore,
    question: Question,
    items: tuple[Item, ...] = FOUR,
    *,
    agency: Agency = PASSPORT_OFFICE,
    affair: AffairCode = PASSPORT,
    watch: bool = False,
) -> Confirmation:
    """Ask, by default as the passport office for a passport."""
    command = Confirm(agency, affair, question, items, watch)
    return await store.act(lambda tx: confirm(tx, command, NOW, POLICY))


async def refused(
    store: SQLiteStore,
    question: Question,
    items: tuple[Item, ...] = FOUR,
    *,
    agency: Agency = PASSPORT_OFFICE,
    affair: AffairCode = PASSPORT,
) -> Refusal:
    """Ask, and return why it was refused."""
    with pytest.raises(Refusal) as caught:
        await ask(store, question, items, agency=agency, affair=affair)
    return caught.value


async def change_code(store: SQLiteStore, key: str) -> None:
    """Give a sample resident another code."""

    def act(tx: Tx) -> None:
        before = found(tx, key)
        record = replace(before.record, code=NEW_CODE, former_codes=(before.record.code,))
        change = ChangeInformation(ChangeReason.CODE_CHANGED, day("令和8年11月20日"), NOW)
        tx.residents.replace(replace(before, record=record, change=change))

    await store.act(act)


async def test_by_code_tells_the_four_attributes_and_logs_the_provision(
    office: SQLiteStore,
) -> None:
    """Case 37: date, recipient, affair, kind and items stand in the log."""
    record = SAMPLES["takahashi-ichiro"].record

    told = await ask(office, code_of("takahashi-ichiro"))

    assert told.outcome is Outcome.MATCH
    assert told.information is not None
    assert told.information.name == "髙橋　一郎"
    assert told.information.birth == record.birth
    assert told.information.sex is Sex.MALE
    assert told.information.address == "埼玉県所沢市緑町二丁目14番地5"
    assert told.information.code is None
    (row,) = provision_rows(office)
    assert (row["agency"], row["affair"], row["kind"]) == ("passport-1", "passport", "BY_CODE")
    assert row["purpose"] == "examination for passport"
    assert (row["items"], row["outcome"]) == ("NAME DATE_OF_BIRTH SEX ADDRESS", "MATCH")
    assert row["municipality"] == "112089"
    assert told.provision_id == str(row["id"])


async def test_a_confirmation_leaves_a_leaf_that_names_its_provision(office: SQLiteStore) -> None:
    told = await ask(office, code_of("takahashi-ichiro"))

    leaf = leaves(office)[-1]

    assert leaf["ev"] == "IDENTITY_CONFIRMED"
    assert (leaf["by"], leaf["out"]) == ("juki://agency/passport-1", "DONE")
    assert leaf["id"] == told.provision_id
    assert leaf["who"] == [provision_rows(office)[0]["subject"]]
    assert leaf["what"] == list(FOUR)
    assert leaf["more"] == {
        "affair": "passport",
        "purpose": "examination for passport",
        "kind": "BY_CODE",
        "outcome": "MATCH",
    }


@pytest.mark.parametrize("affair", ["parking-permits", "pension"])
async def test_an_affair_that_is_not_authorised_is_refused_and_logged(
    office: SQLiteStore, affair: str
) -> None:
    """Case 37: an affair that no law names, and one that the agency may not ask for."""
    refusal = await refused(office, code_of("takahashi-ichiro"), affair=AffairCode(affair))

    assert isinstance(refusal, DeniedAttempt)
    assert refusal.reason is Reason.AFFAIR_NOT_AUTHORISED
    leaf = leaves(office)[-1]
    assert (leaf["ev"], leaf["out"]) == ("CONFIRMATION_REFUSED", "AFFAIR_NOT_AUTHORISED")
    assert leaf["by"] == "juki://agency/passport-1"
    assert leaf["more"] == {"affair": affair, "kind": "BY_CODE"}
    assert "who" not in leaf
    assert provision_rows(office) == []


async def test_an_agency_that_nobody_added_is_refused(office: SQLiteStore) -> None:
    stranger = Agency("juki://agency/parking-1", "parking-1")

    refusal = await refused(office, code_of("takahashi-ichiro"), agency=stranger)

    assert refusal.reason is Reason.AFFAIR_NOT_AUTHORISED


async def test_an_item_that_is_not_authorised_is_refused_and_logged(office: SQLiteStore) -> None:
    refusal = await refused(office, code_of("takahashi-ichiro"), (Item.NAME, Item.RESIDENT_CODE))

    assert isinstance(refusal, DeniedAttempt)
    assert refusal.reason is Reason.ITEM_NOT_PERMITTED
    assert refusal.metadata == {"item": "RESIDENT_CODE"}
    assert leaves(office)[-1]["more"] == {
        "affair": "passport",
        "kind": "BY_CODE",
        "item": "RESIDENT_CODE",
    }


async def test_a_kind_that_is_not_authorised_is_refused(store: SQLiteStore) -> None:
    by_code = authorisation(kinds=frozenset({Kind.BY_CODE}))
    await store.act(lambda tx: authorise(tx, by_code))

    refusal = await refused(store, attributes_of("takahashi-ichiro"))

    assert refusal.reason is Reason.AFFAIR_NOT_AUTHORISED


async def test_watching_without_an_authorisation_for_changes_is_refused(
    store: SQLiteStore,
) -> None:
    questions = authorisation(kinds=frozenset({Kind.BY_CODE}))
    await store.act(lambda tx: authorise(tx, questions))

    with pytest.raises(DeniedAttempt) as caught:
        await ask(store, code_of("takahashi-ichiro"), watch=True)

    assert caught.value.reason is Reason.AFFAIR_NOT_AUTHORISED


@pytest.mark.parametrize(
    ("first", "last", "is_allowed"),
    [
        (date(2026, 11, 23), date(2026, 11, 23), True),
        (date(2026, 11, 24), None, False),
        (date(2026, 1, 1), date(2026, 11, 22), False),
    ],
)
async def test_an_authorisation_counts_from_its_first_to_its_last_day(
    store: SQLiteStore, first: date, last: date | None, *, is_allowed: bool
) -> None:
    """NOW is 23 November 2026, 10:00 in Japan."""
    row = authorisation(valid_from=first, valid_to=last)
    await store.act(lambda tx: authorise(tx, row))

    if is_allowed:
        assert (await ask(store, code_of("takahashi-ichiro"))).outcome is Outcome.MATCH
    else:
        refusal = await refused(store, code_of("takahashi-ichiro"))
        assert refusal.reason is Reason.AFFAIR_NOT_AUTHORISED


async def test_a_question_without_items_is_answered_yes_and_nothing_more(
    office: SQLiteStore,
) -> None:
    told = await ask(office, code_of("takahashi-ichiro"), ())

    assert told.outcome is Outcome.MATCH
    assert told.information is None
    assert provision_rows(office)[0]["items"] == ""


async def test_one_item_asked_for_is_one_item_told(office: SQLiteStore) -> None:
    told = await ask(office, code_of("takahashi-ichiro"), (Item.SEX,))

    assert told.information is not None
    assert told.information.sex is Sex.MALE
    assert told.information.name == told.information.address == ""
    assert told.information.birth is None


async def test_an_unknown_code_is_no_match_and_leaves_a_leaf_alone(office: SQLiteStore) -> None:
    told = await ask(office, ByCode(NEW_CODE))

    assert told == Confirmation(Outcome.NO_MATCH)
    assert provision_rows(office) == []
    assert leaves(office)[-1]["more"]["outcome"] == "NO_MATCH"  # type: ignore[index]  # a map


async def test_a_former_code_is_code_changed_and_does_not_tell_the_new_one(
    office: SQLiteStore,
) -> None:
    """Case 6: no new code for an agency that may not have codes."""
    old = code_of("takahashi-ichiro")
    await change_code(office, "takahashi-ichiro")

    told = await ask(office, old)

    assert told.outcome is Outcome.CODE_CHANGED
    assert told.information is None
    assert provision_rows(office)[0]["outcome"] == "CODE_CHANGED"


async def test_a_former_code_tells_the_new_one_to_an_agency_that_may_have_codes(
    office: SQLiteStore,
) -> None:
    old = code_of("takahashi-ichiro")
    await change_code(office, "takahashi-ichiro")

    told = await ask(office, old, tuple(Item), agency=PENSION_OFFICE, affair=PENSION)

    assert told.outcome is Outcome.CODE_CHANGED
    assert told.information is not None
    assert told.information.code == NEW_CODE
    assert told.information.name == ""
    assert provision_rows(office)[0]["items"] == "RESIDENT_CODE"


@pytest.mark.parametrize("question", ["by code", "by attributes"])
async def test_a_death_is_told_with_reason_and_date_and_nothing_else(
    office: SQLiteStore, question: str
) -> None:
    change = ChangeInformation(ChangeReason.DEATH, day("令和8年11月21日"), NOW)

    def die(tx: Tx) -> None:
        alive = found(tx, "takahashi-ichiro")
        tx.residents.replace(replace(alive, state=ResidenceState.DECEASED, change=change))

    await office.act(die)
    by = code_of if question == "by code" else attributes_of

    told = await ask(office, by("takahashi-ichiro"))

    assert told.outcome is Outcome.DELETED
    assert told.deletion is not None
    assert (told.deletion.reason, told.deletion.date) == (ChangeReason.DEATH, change.date)
    assert told.information is None
    assert provision_rows(office)[0]["outcome"] == "DELETED"


async def test_a_deleted_record_that_was_corrected_later_tells_what_deleted_it(
    office: SQLiteStore,
) -> None:
    left = ChangeInformation(ChangeReason.MOVE_OUT, day("令和8年10月1日"), NOW)
    corrected = ChangeInformation(ChangeReason.CORRECTION_EX_OFFICIO, day("令和8年11月2日"), NOW)

    def leave(tx: Tx) -> None:
        here = found(tx, "takahashi-ichiro")
        tx.residents.replace(replace(here, state=ResidenceState.MOVED_OUT, change=left))
        tx.residents.replace(replace(found(tx, "takahashi-ichiro"), change=corrected))

    await office.act(leave)

    told = await ask(office, code_of("takahashi-ichiro"))

    assert told.deletion is not None
    assert told.deletion.reason is ChangeReason.MOVE_OUT


async def test_a_register_taken_over_with_a_deleted_record_tells_no_reason(
    office: SQLiteStore,
) -> None:
    told = await ask(office, code_of("kobayashi-minoru"))

    assert told.outcome is Outcome.DELETED
    assert told.deletion is None


@pytest.mark.parametrize("address", ["", "所沢市緑町二丁目14番地5", "緑町二丁目14番地5"])
async def test_a_search_over_the_whole_country_is_too_broad(
    office: SQLiteStore, address: str
) -> None:
    """Case 38: neither prefecture nor municipality nor an address that begins with one."""
    refusal = await refused(office, attributes_of("takahashi-ichiro", address=address))

    assert isinstance(refusal, DeniedAttempt)
    assert refusal.reason is Reason.QUERY_TOO_BROAD
    assert leaves(office)[-1]["out"] == "QUERY_TOO_BROAD"


async def test_two_persons_who_fit_are_counted_and_nothing_of_them_is_told(
    office: SQLiteStore,
) -> None:
    """Case 38: AMBIGUOUS(2), no data, no provision."""

    def twin(tx: Tx) -> None:
        one = found(tx, "takahashi-ichiro")
        tx.residents.enter(
            one.municipality,
            tx.residents.new_household(),
            replace(one.record, code=NEW_CODE, address="埼玉県所沢市並木一丁目1番地1"),
        )

    await office.act(twin)

    told = await ask(office, attributes_of("takahashi-ichiro", address="", prefecture="11"))

    assert told == Confirmation(Outcome.AMBIGUOUS, count=2)
    assert provision_rows(office) == []
    leaf = leaves(office)[-1]
    assert leaf["more"]["count"] == "2"  # type: ignore[index]  # a map
    assert "who" not in leaf


async def test_the_address_tells_two_namesakes_apart(office: SQLiteStore) -> None:
    def twin(tx: Tx) -> None:
        one = found(tx, "takahashi-ichiro")
        tx.residents.enter(
            one.municipality,
            tx.residents.new_household(),
            replace(one.record, code=NEW_CODE, address="埼玉県所沢市並木一丁目1番地1"),
        )

    await office.act(twin)
    there = "埼玉県所沢市並木一丁目1番地1"

    told = await ask(office, attributes_of("takahashi-ichiro", address=there))

    assert told.outcome is Outcome.MATCH
    assert told.information is not None
    assert told.information.address == there


async def test_equal_bytes_are_a_match(office: SQLiteStore) -> None:
    """Case 39."""
    told = await ask(office, attributes_of("takahashi-ichiro"))

    assert (told.outcome, told.varied) == (Outcome.MATCH, ())


@pytest.mark.parametrize(
    ("key", "name"),
    [("takahashi-ichiro", "高橋　一郎"), ("kamiya-jun", "\u795e谷　純")],
)
async def test_a_variant_of_the_name_is_a_match_with_variant(
    office: SQLiteStore, key: str, name: str
) -> None:
    """Case 39: the registered name is told, and that the question's was another."""
    assert name != SAMPLES[key].record.name

    told = await ask(office, attributes_of(key, name=name))

    assert (told.outcome, told.varied) == (Outcome.MATCH_WITH_VARIANT, (Item.NAME,))
    assert told.information is not None
    assert told.information.name == SAMPLES[key].record.name


async def test_a_foreign_resident_is_found_by_alias(office: SQLiteStore) -> None:
    """Case 48: by alias, Gregorian birth date and address."""
    question = ByAttributes(
        name="田中　小明",
        birth=day("1975年10月1日"),
        address="東京都世田谷区三軒茶屋二丁目41番8号",
    )

    told = await ask(office, question)

    assert told.outcome is Outcome.MATCH
    assert told.information is not None
    assert (told.information.name, told.information.alias) == ("WANG　XIAOMING", "田中　小明")


async def test_a_disconnected_residence_is_never_no_match(office: SQLiteStore) -> None:
    tokorozawa = MunicipalityCode("112089")
    await office.act(lambda tx: tx.registers.set_connected(tokorozawa, connected=False))

    for question in (code_of("takahashi-ichiro"), attributes_of("takahashi-ichiro")):
        refusal = await refused(office, question)

        assert refusal.reason is Reason.RESIDENCE_DISCONNECTED
        assert leaves(office)[-1]["out"] == "RESIDENCE_DISCONNECTED"
    assert provision_rows(office) == []


async def test_a_protective_measure_neither_stops_nor_shows(office: SQLiteStore) -> None:
    """A confirmation by law is answered; the answer is the same but for its provision."""

    def protect(tx: Tx) -> None:
        one = found(tx, "takahashi-ichiro")
        record = replace(one.record, measure=ProtectiveMeasure())
        change = ChangeInformation(ChangeReason.PROTECTION, day("令和8年11月20日"), NOW)
        tx.residents.replace(replace(one, record=record, change=change))

    before = await ask(office, code_of("takahashi-ichiro"))
    await office.act(protect)

    after = await ask(office, code_of("takahashi-ichiro"))

    assert replace(after, provision_id=before.provision_id) == before


async def test_a_watched_person_has_one_reference_for_an_agency_and_affair(
    office: SQLiteStore,
) -> None:
    first = await ask(office, code_of("takahashi-ichiro"), watch=True)
    again = await ask(office, attributes_of("takahashi-ichiro"), watch=True)
    other = await ask(
        office, code_of("takahashi-ichiro"), agency=PENSION_OFFICE, affair=PENSION, watch=True
    )

    assert len(first.subject_reference) == 16
    assert first.subject_reference == again.subject_reference
    assert first.subject_reference != other.subject_reference
    assert leaves(office)[-1]["more"]["watch"] == "yes"  # type: ignore[index]  # a map


async def test_nobody_found_is_nobody_watched(office: SQLiteStore) -> None:
    told = await ask(office, ByCode(NEW_CODE), watch=True)

    assert told.subject_reference == b""


async def test_answering_alone_writes_nothing(office: SQLiteStore) -> None:
    """It runs on a connection that cannot write."""
    told = office.read(
        lambda tx: answer(tx, code_of("takahashi-ichiro"), FOUR, POLICY.municipalities)
    )

    assert told.confirmation.outcome is Outcome.MATCH


async def test_provisions_are_kept_for_seven_years_to_the_day(office: SQLiteStore) -> None:
    """Provided on 23 November 2026 in Japan: there on that day of 2033, gone on the next."""
    await ask(office, code_of("takahashi-ichiro"))
    first_moment_after = start_of_day(date(2033, 11, 24))

    await office.act(
        lambda tx: forget_old_provisions(tx, first_moment_after - timedelta(microseconds=1))
    )
    kept = len(provision_rows(office))
    await office.act(lambda tx: forget_old_provisions(tx, first_moment_after))

    assert (kept, len(provision_rows(office))) == (1, 0)


async def test_what_is_old_is_deleted_a_few_rows_at_a_time(office: SQLiteStore) -> None:
    for _ in range(3):
        await ask(office, code_of("takahashi-ichiro"))
    later = NOW + timedelta(seconds=1)

    deleted = [await office.act(lambda tx: tx.provisions.forget_before(later, 2)) for _ in range(3)]

    assert deleted == [2, 1, 0]


async def test_counts_are_of_their_days_and_their_agency(office: SQLiteStore) -> None:
    """NOW is 23 November 2026, 10:00 in Japan."""
    await ask(office, code_of("takahashi-ichiro"))
    await ask(office, attributes_of("takahashi-ichiro"))
    await ask(office, code_of("takahashi-ichiro"), agency=PENSION_OFFICE, affair=PENSION)
    today, tomorrow = start_of_day(date(2026, 11, 23)), start_of_day(date(2026, 11, 24))

    def counted(
        since: datetime, before: datetime, agency: str | None
    ) -> list[tuple[str, str, int]]:
        found = office.read(lambda tx: tx.provisions.counts(since, before, agency))
        return [(one.agency, one.kind.value, one.provisions) for one in found]

    assert counted(today, tomorrow, None) == [
        ("passport-1", "BY_ATTRIBUTES", 1),
        ("passport-1", "BY_CODE", 1),
        ("pension-1", "BY_CODE", 1),
    ]
    assert counted(today, tomorrow, "pension-1") == [("pension-1", "BY_CODE", 1)]
    assert counted(today, NOW, None) == []
    assert counted(tomorrow, tomorrow + timedelta(days=1), None) == []
