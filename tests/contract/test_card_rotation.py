"""Replacing keys: what is sealed of applications, photos, chips and notes opens as before."""

from __future__ import annotations

import pytest

from juki_center.areas.cards.application_rows import ApplicationState
from juki_center.areas.cards.applications import submit_application
from juki_center.areas.cards.note_rows import CardNote, NoteKind
from juki_center.areas.cards.personalisation_rows import (
    ChipSecrets,
    Personalisation,
    PersonalisationState,
)
from juki_center.areas.cards.register import CardStatus
from juki_center.areas.cards.unlock_rows import Unlock, UnlockMode, UnlockPapers, UnlockState
from juki_center.areas.ports import Tx
from juki_center.storage.rotation import CENTER_KEY, Target
from juki_center.storage.sqlite import SQLiteStore
from tests.support.card_window import CLERK, PHOTO, TARO, CardWindow, card_number, document
from tests.support.center import NOW, SAMPLES, TOKOROZAWA, serial_of

REGISTER = Target("municipality", TOKOROZAWA.municipality)
NOTE = CardNote(
    serial_of(TARO), NOW, NoteKind.SUSPENDED, TOKOROZAWA.municipality, "juki://x", {"clerk": CLERK}
)


async def rotate(store: SQLiteStore, target: Target) -> None:
    """Replace a key, whole."""
    await store.act(lambda tx: tx.rotations.begin(target, NOW))
    while not (await store.act(lambda tx: tx.rotations.step(target, 2))).is_last:
        pass


@pytest.mark.parametrize("target", [REGISTER, CENTER_KEY], ids=["register", "center"])
async def test_what_is_sealed_of_cards_opens_after_its_key_was_replaced(
    store: SQLiteStore, target: Target
) -> None:
    window = CardWindow(store)
    await window.set_status(CardStatus.RETURNED, *SAMPLES)
    command = window.with_photo(documents=())
    taken = await window.do(submit_application, command)
    number, person = taken.application.number, taken.application.person
    chip = Personalisation(
        personalisation_id=b"p" * 16,
        application=number,
        municipality=window.register,
        person=person,
        chip_serial=b"c" * 16,
        terminal_uri=window.terminal.uri,
        state=PersonalisationState.OPEN,
        begun_at=NOW,
        card_number=card_number(),
        secrets=ChipSecrets("123456", "48213"),
    )
    unlock = Unlock(
        unlock_id=b"u" * 16,
        municipality=window.register,
        person=person,
        card_serial=serial_of(TARO),
        terminal_uri=window.terminal.uri,
        mode=UnlockMode.KEEP,
        state=UnlockState.OPEN,
        begun_at=NOW,
        papers=UnlockPapers(CLERK, (document(),)),
    )

    def fill(tx: Tx) -> None:
        tx.personalisations.add(chip)
        tx.unlocks.add(unlock)
        tx.card_notes.add(NOTE)

    await store.act(fill)
    kept = window.kept(number)

    await rotate(store, target)

    assert window.kept(number) == kept
    assert store.read(lambda tx: tx.applications.photo(number)) == PHOTO
    assert store.read(lambda tx: tx.personalisations.by_id(b"p" * 16)) == chip
    assert store.read(lambda tx: tx.card_notes.of_card(serial_of(TARO))) == [NOTE]
    assert await window.do(submit_application, command) == taken


async def test_papers_that_were_deleted_stop_no_key_from_being_replaced(
    store: SQLiteStore,
) -> None:
    window = CardWindow(store)
    await window.set_status(CardStatus.RETURNED, *SAMPLES)
    taken = await window.apply()
    number = taken.application.number

    def forget(tx: Tx) -> None:
        tx.applications.set_state(number, ApplicationState.CANCELLED, ended_at=NOW, end_reason=None)
        tx.applications.forget_papers(ended_before=NOW.replace(year=2027), limit=10)

    await store.act(forget)

    await rotate(store, REGISTER)

    assert window.kept(number).papers is None
    assert (await window.apply()).application.number != number
