"""Batches on every store: line by line, taken up again, each provision once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from juki_audit.merkle import root
from juki_center.areas.agencies.batch_rows import KEPT_FOR, forget_old_batches
from juki_center.areas.agencies.batches import confirm_lines, finish_batch, open_batch
from juki_center.areas.agencies.commands import (
    ByCode,
    Confirmation,
    ConfirmLines,
    FinishBatch,
    Kind,
    Line,
    LineError,
    LineResult,
    OpenBatch,
    Outcome,
    Totals,
    Welcome,
)
from juki_center.areas.audit.events import DeniedAttempt
from juki_center.areas.callers import Agency
from juki_center.areas.residents.changes import Item
from juki_center.areas.residents.codes import MunicipalityCode, ResidentCode
from juki_center.errors import Reason, Refusal, RuleBroken
from juki_center.storage.sqlite import SQLiteStore
from juki_center.storage.transaction import Transaction
from tests.support.agencies import (
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
    provision_rows,
)
from tests.support.center import NOW
from tests.support.leaves import leaves

BATCH = UUID("0a1b2c3d-0000-4000-8000-000000000001")
UNKNOWN = ByCode(ResidentCode("12345678903"))
BAD = LineError(Reason.FIELD_INVALID, "code", "INVALID_CHECK_DIGIT")
KAZUKO = "takahashi-kazuko"
ITEMS = (Item.NAME, Item.RESIDENT_CODE)
LINES: tuple[Line, ...] = (
    code_of("takahashi-ichiro"),
    UNKNOWN,
    BAD,
    attributes_of("takahashi-kazuko", name="高橋　和子"),
    attributes_of("takahashi-kazuko", address=""),
)


@pytest.fixture
async def office(store: SQLiteStore) -> SQLiteStore:
    """Return a store with everybody in it and the usual authorisations."""
    await store.act(authorise_usual)
    return store


async def begin(
    store: SQLiteStore,
    line_count: int = 5,
    items: tuple[Item, ...] = ITEMS,
    *,
    watch: bool = False,
    results_from_line: int = 0,
    now: timedelta = timedelta(),
) -> Welcome:
    """Open the pension office's batch."""
    command = OpenBatch(PENSION_OFFICE, BATCH, PENSION, line_count, items, watch, results_from_line)
    return await store.act(lambda tx: open_batch(tx, command, NOW + now, POLICY))


async def send(
    store: SQLiteStore,
    first_line: int,
    lines: tuple[Line, ...],
    *,
    agency: Agency = PENSION_OFFICE,
    now: timedelta = timedelta(),
) -> tuple[LineResult, ...]:
    """Send lines of the batch."""
    command = ConfirmLines(agency, BATCH, first_line, lines)
    return await store.act(lambda tx: confirm_lines(tx, command, NOW + now, POLICY))


async def finish(store: SQLiteStore) -> Totals:
    """Ask for the sums."""
    command = FinishBatch(PENSION_OFFICE, BATCH)
    return await store.act(lambda tx: finish_batch(tx, command, NOW, POLICY))


def outcomes(results: tuple[LineResult, ...]) -> list[Outcome | Reason]:
    """Return what became of each line."""
    return [
        one.outcome.reason if isinstance(one.outcome, LineError) else one.outcome.outcome
        for one in results
    ]


async def test_each_line_has_its_own_result_and_a_bad_one_disturbs_no_other(
    office: SQLiteStore,
) -> None:
    await begin(office)

    results = await send(office, 1, LINES)

    assert [one.line for one in results] == [1, 2, 3, 4, 5]
    assert outcomes(results) == [
        Outcome.MATCH,
        Outcome.NO_MATCH,
        Reason.FIELD_INVALID,
        Outcome.MATCH_WITH_VARIANT,
        Reason.QUERY_TOO_BROAD,
    ]
    assert results[2].outcome == BAD
    assert [row["line"] for row in provision_rows(office)] == [1, 4]
    assert {row["kind"] for row in provision_rows(office)} == {"BATCH"}


async def test_the_sums_add_up_to_the_lines(office: SQLiteStore) -> None:
    await begin(office)
    await send(office, 1, LINES[:3])
    await send(office, 4, LINES[3:])

    totals = await finish(office)

    assert totals == Totals(
        line_count=5,
        counts=((Outcome.MATCH, 1), (Outcome.MATCH_WITH_VARIANT, 1), (Outcome.NO_MATCH, 1)),
        refused=2,
    )


async def test_a_chunk_leaves_one_leaf_that_vouches_for_its_rows(office: SQLiteStore) -> None:
    await begin(office)
    await send(office, 1, LINES)
    rows = provision_rows(office)

    leaf = leaves(office)[-1]

    assert (leaf["ev"], leaf["id"]) == ("BATCH_CONFIRMED", str(BATCH))
    assert leaf["more"] == {
        "affair": "pension",
        "purpose": "examination for pension",
        "lines": "1-5",
        "refused": "2",
        "provisions": "2",
        "root": root([row["octets"] for row in rows]).hex(),
    }


async def test_a_batch_goes_on_where_it_was(office: SQLiteStore) -> None:
    first = await begin(office)
    await send(office, 1, LINES[:2])

    again = await begin(office)

    assert (first, again) == (Welcome(1), Welcome(3))


@pytest.mark.parametrize(("wanted", "expected"), [(1, 1), (2, 2), (3, 3), (5, 3)])
async def test_results_that_were_lost_are_had_again(
    office: SQLiteStore, wanted: int, expected: int
) -> None:
    await begin(office)
    await send(office, 1, LINES[:2])

    assert await begin(office, results_from_line=wanted) == Welcome(expected)


async def test_a_line_sent_again_is_answered_again_and_recorded_and_counted_once(
    office: SQLiteStore,
) -> None:
    await begin(office)
    first = await send(office, 1, LINES[:2])

    again = await send(office, 1, LINES[:3])
    await send(office, 4, LINES[3:])

    assert again[:2] == first
    assert [row["line"] for row in provision_rows(office)] == [1, 4]
    assert sum(number for _, number in (await finish(office)).counts) == 3


async def test_a_former_code_among_others_is_told_as_one_that_has_changed(
    office: SQLiteStore,
) -> None:
    def change_the_code(tx: Transaction) -> None:
        found = tx.residents.by_codes((code_of(KAZUKO).code,))[code_of(KAZUKO).code].resident()
        record = replace(found.record, code=UNKNOWN.code, former_codes=(found.record.code,))
        tx.residents.replace(replace(found, record=record))

    await office.act(change_the_code)
    await begin(office)

    results = await send(office, 1, (code_of("takahashi-ichiro"), code_of(KAZUKO), UNKNOWN))

    assert outcomes(results) == [Outcome.MATCH, Outcome.CODE_CHANGED, Outcome.MATCH]
    assert [row["line"] for row in provision_rows(office)] == [1, 2, 3]


async def test_one_code_on_two_lines_of_a_chunk_is_two_provisions(office: SQLiteStore) -> None:
    await begin(office)

    first, second, _ = await send(office, 1, (LINES[0], LINES[0], UNKNOWN))

    assert isinstance(first.outcome, Confirmation)
    assert isinstance(second.outcome, Confirmation)
    assert first.outcome.provision_id != second.outcome.provision_id
    assert first.outcome.information == second.outcome.information
    rows = [(row["id"], row["line"]) for row in provision_rows(office)]
    assert [(str(number), line) for number, line in rows] == [
        (first.outcome.provision_id, 1),
        (second.outcome.provision_id, 2),
    ]


async def test_another_question_on_the_same_line_is_a_provision_of_its_own(
    office: SQLiteStore,
) -> None:
    await begin(office, line_count=1, items=())
    await send(office, 1, (code_of("takahashi-ichiro"),))

    again = await send(office, 1, (code_of("yoshida-taro"),))

    assert outcomes(again) == [Outcome.MATCH]
    assert len({row["subject"] for row in provision_rows(office)}) == 2


async def test_the_same_person_asked_for_otherwise_on_a_line_is_a_provision_of_its_own(
    office: SQLiteStore,
) -> None:
    await begin(office, line_count=1, items=())
    await send(office, 1, (code_of("takahashi-ichiro"),))

    again = await send(office, 1, (attributes_of("takahashi-ichiro"),))

    assert outcomes(again) == [Outcome.MATCH]
    assert [row["line"] for row in provision_rows(office)] == [1, 1]


async def test_a_changed_answer_to_the_same_line_is_a_further_provision(
    office: SQLiteStore,
) -> None:
    await begin(office)
    await send(office, 1, (code_of("takahashi-ichiro"),))

    await send(office, 1, (code_of("takahashi-kazuko"),))

    rows = provision_rows(office)
    assert [row["line"] for row in rows] == [1, 1]
    assert rows[0]["subject"] != rows[1]["subject"]


@pytest.mark.parametrize(
    ("line_count", "items", "watch"),
    [(4, ITEMS, False), (5, (Item.NAME,), False), (5, ITEMS, True)],
)
async def test_another_content_under_the_same_id_is_refused(
    office: SQLiteStore, line_count: int, items: tuple[Item, ...], *, watch: bool
) -> None:
    await begin(office)

    with pytest.raises(Refusal) as caught:
        await begin(office, line_count, items, watch=watch)

    assert caught.value.reason is Reason.BATCH_NOT_THE_SAME


async def test_the_order_of_the_items_does_not_make_another_batch(office: SQLiteStore) -> None:
    await begin(office)

    assert await begin(office, items=ITEMS[::-1]) == Welcome(1)


@pytest.mark.parametrize("first_line", [2, 5])
async def test_lines_that_leave_a_gap_are_refused(office: SQLiteStore, first_line: int) -> None:
    await begin(office)

    with pytest.raises(Refusal) as caught:
        await send(office, first_line, LINES[:1])

    assert caught.value.reason is Reason.STEP_OUT_OF_ORDER
    assert caught.value.metadata == {"expected": "line 1", "got": f"line {first_line}"}


async def test_lines_beyond_the_last_are_refused(office: SQLiteStore) -> None:
    await begin(office, 4)

    with pytest.raises(Refusal) as caught:
        await send(office, 1, LINES)

    assert caught.value.reason is Reason.FIELD_INVALID
    assert provision_rows(office) == []


async def test_lines_of_a_batch_that_was_not_opened_are_refused(office: SQLiteStore) -> None:
    with pytest.raises(Refusal) as caught:
        await send(office, 1, LINES)

    assert caught.value.reason is Reason.STEP_OUT_OF_ORDER


async def test_another_agency_has_no_part_in_a_batch(office: SQLiteStore) -> None:
    await begin(office)

    with pytest.raises(Refusal) as caught:
        await send(office, 1, LINES, agency=PASSPORT_OFFICE)

    assert caught.value.reason is Reason.STEP_OUT_OF_ORDER


async def test_finishing_before_the_last_line_is_refused(office: SQLiteStore) -> None:
    await begin(office)
    await send(office, 1, LINES[:4])

    with pytest.raises(Refusal) as caught:
        await finish(office)

    assert caught.value.metadata == {"expected": "line 5", "got": "finish"}


async def test_a_batch_without_an_authorisation_for_batches_is_refused_and_logged(
    office: SQLiteStore,
) -> None:
    command = OpenBatch(PASSPORT_OFFICE, BATCH, PASSPORT, 1)

    with pytest.raises(DeniedAttempt) as caught:
        await office.act(lambda tx: open_batch(tx, command, NOW, POLICY))

    assert caught.value.reason is Reason.AFFAIR_NOT_AUTHORISED
    assert leaves(office)[-1]["more"] == {"affair": "passport", "kind": "BATCH"}


async def test_an_authorisation_that_ends_stops_a_running_batch(office: SQLiteStore) -> None:
    await begin(office)
    await office.act(lambda tx: tx.agencies.end(2, NOW.date()))

    with pytest.raises(DeniedAttempt):
        await send(office, 1, LINES, now=timedelta(days=1))


async def test_a_line_whose_kind_is_not_allowed_is_refused_alone(store: SQLiteStore) -> None:
    kinds = frozenset({Kind.BATCH, Kind.BY_CODE})
    row = authorisation(PENSION_OFFICE, PENSION, kinds, tuple(Item))
    await store.act(lambda tx: authorise(tx, row))
    await begin(store)

    results = await send(store, 1, LINES)

    assert outcomes(results) == [
        Outcome.MATCH,
        Outcome.NO_MATCH,
        Reason.FIELD_INVALID,
        Reason.AFFAIR_NOT_AUTHORISED,
        Reason.AFFAIR_NOT_AUTHORISED,
    ]


async def test_a_line_of_a_disconnected_municipality_is_refused_alone(
    office: SQLiteStore,
) -> None:
    await begin(office, 2)
    tokorozawa = MunicipalityCode("112089")
    await office.act(lambda tx: tx.registers.set_connected(tokorozawa, connected=False))

    results = await send(office, 1, (LINES[0], code_of("yamazaki-ken")))

    assert outcomes(results) == [Reason.RESIDENCE_DISCONNECTED, Outcome.MATCH]


async def test_a_watching_batch_gives_each_person_found_a_reference(office: SQLiteStore) -> None:
    await begin(office, watch=True)

    results = await send(office, 1, LINES)

    found = [one.outcome for one in results if isinstance(one.outcome, Confirmation)]
    assert [len(one.subject_reference) for one in found] == [16, 0, 16]


async def test_a_batch_that_nobody_touches_is_forgotten_after_its_time(
    office: SQLiteStore,
) -> None:
    """Its id then begins another batch, whose provisions are its own."""
    await begin(office, 1)
    await send(office, 1, LINES[:1])

    await office.act(lambda tx: forget_old_batches(tx, NOW + KEPT_FOR))
    kept = await begin(office, 1)
    await office.act(lambda tx: forget_old_batches(tx, NOW + KEPT_FOR + timedelta(seconds=1)))
    late = KEPT_FOR + timedelta(seconds=1)
    anew = await begin(office, 1, now=late)
    await send(office, 1, LINES[:1], now=late)

    assert (kept, anew) == (Welcome(2), Welcome(1))
    assert [row["line"] for row in provision_rows(office)] == [1, 1]


@pytest.mark.parametrize("line_count", [0, 100_001])
def test_a_batch_of_no_or_too_many_lines_is_not_made(line_count: int) -> None:
    with pytest.raises(RuleBroken):
        OpenBatch(PENSION_OFFICE, BATCH, PENSION, line_count)


@pytest.mark.parametrize(("first_line", "lines"), [(0, 1), (1, 0), (1, 101)])
def test_too_many_lines_at_once_are_not_made(first_line: int, lines: int) -> None:
    with pytest.raises(RuleBroken):
        ConfirmLines(PENSION_OFFICE, BATCH, first_line, (UNKNOWN,) * lines)
