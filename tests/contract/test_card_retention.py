"""What is kept of cards, and that what has run out is in no file any more."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from juki_center.areas.cards.application_rows import (
    Application,
    ApplicationKind,
    ApplicationState,
    EndReason,
    Fee,
)
from juki_center.areas.cards.applications import submit_application
from juki_center.areas.cards.note_rows import CardNote, NoteKind
from juki_center.areas.cards.numbers import ApplicationNumber
from juki_center.areas.cards.personalisation_rows import (
    ChipSecrets,
    Personalisation,
    PersonalisationState,
)
from juki_center.areas.cards.register import CardStatus
from juki_center.areas.cards.rejections import reject_application
from juki_center.areas.cards.replies import record_reply
from juki_center.areas.cards.retention import AT_ONCE, Kept, forget_due, kept
from juki_center.areas.cards.unlock_rows import Unlock, UnlockMode, UnlockPapers, UnlockState
from juki_center.areas.ports import Tx
from juki_center.cli.housekeeping import forget, forget_of_cards
from juki_center.storage.sqlite import SQLiteStore
from tests.support.card_window import CLERK, TARO, CardWindow, card_number, document
from tests.support.center import NOW, SAMPLES, serial_of
from tests.support.leaves import leaves

DAY = timedelta(days=1)
MOMENT = timedelta(microseconds=1)
YEAR = timedelta(days=365)


@pytest.fixture
async def window(store: SQLiteStore) -> CardWindow:
    """Give a window whose residents have no card."""
    opened = CardWindow(store)
    await opened.set_status(CardStatus.RETURNED, *SAMPLES)
    return opened


async def end(
    window: CardWindow, application: Application, state: ApplicationState, at: datetime = NOW
) -> None:
    """End an application, whatever led there."""
    await window.store.act(
        lambda tx: tx.applications.set_state(
            application.number, state, ended_at=at, end_reason=None
        )
    )


async def photographed(window: CardWindow, state: ApplicationState) -> ApplicationNumber:
    """Return an application for a card with a photo that has ended now."""
    taken = await window.do(submit_application, window.with_photo())
    await end(window, taken.application, state)
    return taken.application.number


def has_photo(window: CardWindow, number: ApplicationNumber) -> bool:
    return window.store.read(lambda tx: tx.applications.photo(number)) is not None


@pytest.mark.parametrize(
    ("state", "span"),
    [
        (ApplicationState.DELIVERED, 30 * DAY),
        (ApplicationState.REJECTED, DAY),
        (ApplicationState.CANCELLED, DAY),
    ],
)
async def test_a_photo_stays_for_its_span_and_not_longer(
    window: CardWindow, state: ApplicationState, span: timedelta
) -> None:
    number = await photographed(window, state)

    await forget(window.store, NOW + span)
    before = has_photo(window, number)
    await forget(window.store, NOW + span + MOMENT)

    assert (before, has_photo(window, number)) == (True, False)
    assert window.kept(number).papers is not None


async def test_a_photo_of_an_open_application_stays(window: CardWindow) -> None:
    taken = await window.do(submit_application, window.with_photo())

    await forget(window.store, NOW + 3 * YEAR)

    assert has_photo(window, taken.application.number)


async def test_papers_stay_for_a_year_after_the_end_and_the_row_for_ever(
    window: CardWindow,
) -> None:
    taken = await window.apply()
    await window.do(reject_application, window.rejection(taken.application))
    number = taken.application.number

    await forget(window.store, NOW + YEAR)
    before = window.kept(number).papers
    await forget(window.store, NOW + YEAR + MOMENT)
    after = window.kept(number)

    assert before is not None
    assert (after.papers, after.end_reason) == (None, EndReason.WITHDRAWN)


@pytest.mark.embedded
async def test_what_was_deleted_is_in_none_of_the_stores_files(
    window: CardWindow, folder: Path
) -> None:
    number = await photographed(window, ApplicationState.DELIVERED)
    await forget(window.store, NOW)
    blobs = sealed(folder, number)
    before = [octets_of(folder).count(blob[:200]) for blob in blobs]

    await forget(window.store, NOW + YEAR + DAY)

    assert len(blobs) == 2
    assert all(before)
    assert [octets_of(folder).count(piece) for blob in blobs for piece in pieces(blob)] == [
        0 for blob in blobs for _ in pieces(blob)
    ]


def sealed(folder: Path, number: ApplicationNumber) -> list[bytes]:
    """Return what is sealed of an application: papers and photo."""
    with closing(sqlite3.connect(folder / "center.db")) as sql:
        found = [
            sql.execute("SELECT sealed FROM card_applications WHERE number = ?", (number,)),
            sql.execute("SELECT sealed FROM card_photos WHERE application = ?", (number,)),
        ]
        return [bytes(one.fetchone()[0]) for one in found]


def octets_of(folder: Path) -> bytes:
    """Return all files of the store."""
    return b"".join(path.read_bytes() for path in sorted(folder.glob("center.db*")))


def pieces(blob: bytes) -> list[bytes]:
    """Return what of a sealed blob no page can have cut: a part of every thousand octets."""
    return [blob[at : at + 32] for at in range(0, len(blob) - 32, 1_000)]


async def test_secrets_of_a_chip_go_with_the_application_that_it_was_made_for(
    window: CardWindow,
) -> None:
    taken = await window.apply()
    row = Personalisation(
        personalisation_id=b"p" * 16,
        application=taken.application.number,
        municipality=window.register,
        person=taken.application.person,
        chip_serial=b"c" * 16,
        terminal_uri=window.terminal.uri,
        state=PersonalisationState.DONE,
        begun_at=NOW,
        card_number=card_number(),
        secrets=ChipSecrets("123456", "48213"),
    )
    await window.store.act(lambda tx: tx.personalisations.add(row))

    await forget(window.store, NOW)
    while_open = window.store.read(lambda tx: tx.personalisations.by_id(b"p" * 16))
    await end(window, taken.application, ApplicationState.CANCELLED)
    await forget(window.store, NOW)
    after = window.store.read(lambda tx: tx.personalisations.by_id(b"p" * 16))

    assert while_open is not None
    assert while_open.secrets is not None
    assert after is not None
    assert after.secrets is None


async def test_papers_of_unlockings_and_notes_go_in_their_time(window: CardWindow) -> None:
    def act(tx: Tx) -> None:
        holder = tx.residents.by_code(SAMPLES[TARO].record.code)
        assert holder is not None
        tx.unlocks.add(
            Unlock(
                unlock_id=b"u" * 16,
                municipality=window.register,
                person=holder.person,
                card_serial=serial_of(TARO),
                terminal_uri=window.terminal.uri,
                mode=UnlockMode.KEEP,
                state=UnlockState.DONE,
                begun_at=NOW,
                papers=UnlockPapers(CLERK, (document(),)),
                ended_at=NOW,
            )
        )
        tx.card_notes.add(
            CardNote(
                serial_of(TARO), NOW, NoteKind.SUSPENDED, window.register, "juki://x", {"a": "b"}
            )
        )

    await window.store.act(act)

    def counts() -> dict[str, int]:
        return {one.kind: one.holding.count for one in report(window, NOW)}

    await forget(window.store, NOW + YEAR + MOMENT)
    after_a_year = counts()
    await forget(window.store, NOW + 3 * YEAR + MOMENT)

    assert (after_a_year["unlocks"], after_a_year["notes"]) == (0, 1)
    assert counts()["notes"] == 0


async def test_a_long_queue_is_deleted_in_portions_that_the_log_counts(
    window: CardWindow,
) -> None:
    taken = await window.do(submit_application, window.with_photo())
    sample = window.kept(taken.application.number)

    def fill(tx: Tx) -> None:
        for index in range(AT_ONCE + 1):
            number = ApplicationNumber.drawn(index.to_bytes(8, "big"))
            ended = replace(
                sample,
                number=number,
                state=ApplicationState.REJECTED,
                ended_at=NOW,
            )
            tx.applications.add(ended, b"photo")

    await window.store.act(fill)
    later = NOW + DAY + MOMENT
    deleted = [
        await window.store.act(lambda tx: forget_due(tx, later, caller_uri="juki://center/test"))
        for _ in range(3)
    ]

    assert deleted == [AT_ONCE, 1, 0]
    told = [one["more"] for one in leaves(window.store) if one["ev"] == "CARD_PAPERS_DELETED"]
    assert told == [{"photos": str(AT_ONCE)}, {"photos": "1"}]


async def test_deleting_needs_no_key(window: CardWindow) -> None:
    number = await photographed(window, ApplicationState.REJECTED)
    whose = window.register
    await window.store.act(lambda tx: tx.registers.set_connected(whose, connected=False))

    await forget_of_cards(window.store, NOW + YEAR + DAY)
    await window.store.act(lambda tx: tx.registers.set_connected(whose, connected=True))

    assert not has_photo(window, number)
    assert window.kept(number).papers is None


async def test_a_letter_that_nobody_answers_ends_its_application_by_itself(
    window: CardWindow,
) -> None:
    application, letter = await window.apply_by_letter()

    await forget(window.store, NOW + 30 * DAY)
    in_time = window.kept(application.number).state
    await forget(window.store, NOW + 31 * DAY)
    refused = await window.refused(record_reply, window.reply(application, letter), NOW + 31 * DAY)

    assert in_time is ApplicationState.INQUIRY_SENT
    assert window.kept(application.number).end_reason is EndReason.REPLY_TOO_LATE
    assert refused.metadata == {"state": "REJECTED", "event": "REPLIED"}


def report(window: CardWindow, now: datetime) -> tuple[Kept, ...]:
    return window.store.read(lambda tx: kept(tx, now))


async def test_the_report_counts_what_is_kept_and_what_is_due(window: CardWindow) -> None:
    await photographed(window, ApplicationState.REJECTED)
    await window.do(submit_application, window.with_photo())

    photos, papers, *others = report(window, NOW + DAY + MOMENT)

    assert (photos.kind, photos.holding.count, photos.holding.due) == ("photos", 2, 1)
    assert photos.holding.oldest == NOW
    assert (papers.kind, papers.holding.count, papers.holding.due) == ("papers", 2, 0)
    assert [(one.kind, one.holding.count, one.holding.oldest) for one in others] == [
        ("unlocks", 0, None),
        ("secrets", 0, None),
        ("notes", 0, None),
    ]


async def test_the_ledger_keeps_its_line_when_everything_else_is_gone(window: CardWindow) -> None:
    number = await photographed(window, ApplicationState.DELIVERED)
    fee = Fee(
        number,
        window.register,
        card_number(),
        ApplicationKind.FIRST,
        500,
        NOW.date(),
        datetime(2026, 11, 23, 1, tzinfo=UTC),
        window.terminal.uri,
    )
    await window.store.act(lambda tx: tx.applications.add_fee(fee))

    await forget(window.store, NOW + 10 * YEAR)

    day = NOW.date()
    assert window.store.read(lambda tx: tx.applications.fees(window.register, day, day)) == [fee]
