"""Unlocking a PIN: with two documents, at the residence, ended by nothing but the card's proof."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from juki_center.areas.cards.admission import admit
from juki_center.areas.cards.register import CardStatus, Purpose
from juki_center.areas.cards.sessions import use_session
from juki_center.areas.cards.suspensions import suspend_card
from juki_center.areas.cards.unlock_rows import Unlock, UnlockMode, UnlockState
from juki_center.areas.cards.unlocks import begin_unlock, complete_unlock, give_up_old_unlocks
from juki_center.areas.residents.code_changes import change_resident_code
from juki_center.areas.residents.commands import ChangeResidentCode
from juki_center.cli import housekeeping
from juki_center.errors import Reason, Refusal
from juki_center.storage.sqlite import SQLiteStore
from tests.support.card_life import (
    LICENCE_AND_PRIVATE,
    NEW_SERIAL,
    ONE_KIND_TWICE,
    CardLife,
    by_code,
    by_number,
    suspension,
    unlocked,
    unlocking,
)
from tests.support.card_window import CLERK, TARO, CardWindow, document
from tests.support.center import CHIYODA, NOW, TOKOROZAWA, serial_of
from tests.support.leaves import leaves
from tests.support.register_desk import RegisterDesk

TOKOROZAWA_2 = replace(TOKOROZAWA, uri="juki://municipality/112089/terminal/02")
TAROS = ("0203", "0302", "0345", "0370", "1970", "4503", "7003")  # born on 2 March of Showa 45
AFTER_EXPIRY = datetime(2033, 8, 24, 15, tzinfo=UTC)


@pytest.fixture
def life(store: SQLiteStore) -> CardLife:
    """Return Tokorozawa's window, and cards."""
    return CardLife(CardWindow(store))


def unlock_of(life: CardLife, unlock_id: bytes) -> Unlock:
    """Return an unlocking as the store keeps it."""
    found = life.store.read(lambda tx: tx.unlocks.by_id(unlock_id))
    assert found is not None
    return found


def refused_of_services(life: CardLife) -> Reason | None:
    """Return why a service refuses Taro's card now; None where it does not."""
    try:
        admit(life.card(), Purpose.CERTIFICATE_COPY, NOW)
    except Refusal as refusal:
        return refusal.reason
    return None


@pytest.mark.parametrize("mode", UnlockMode)
async def test_an_unlocking_ends_when_the_card_has_proved_its_pin_and_not_before(
    life: CardLife, mode: UnlockMode
) -> None:
    unlock_id = await life.begin_unlock(unlocking(mode=mode))
    before = refused_of_services(life)
    assert await life.attempt(unlock_id) is mode
    meanwhile = refused_of_services(life)
    session = await life.session(Purpose.PIN_PROOF)

    card = await life.window.do(complete_unlock, unlocked(unlock_id, session))

    assert (before, meanwhile) == (None, Reason.CARD_PIN_PENDING)
    assert (card.status, card.pin_pending) == (CardStatus.ACTIVE, False)
    assert refused_of_services(life) is None
    assert unlock_of(life, unlock_id).state is UnlockState.DONE
    assert leaves(life.store)[-1]["ev"] == "PIN_UNLOCKED"


async def test_the_holders_birth_date_gives_the_pins_that_are_forbidden(life: CardLife) -> None:
    begun = await life.window.do(begin_unlock, unlocking())

    assert begun.forbidden_pins == TAROS
    assert not any(pin in repr(begun) for pin in TAROS)


async def test_a_proof_of_before_the_last_attempt_proves_nothing_of_the_new_pin(
    life: CardLife,
) -> None:
    unlock_id = await life.begin_unlock()
    old = await life.session(Purpose.PIN_PROOF)
    await life.attempt(unlock_id)

    refused = await life.window.refused(complete_unlock, unlocked(unlock_id, old))

    assert refused.reason is Reason.SESSION_USED
    assert refused_of_services(life) is Reason.CARD_PIN_PENDING


@pytest.mark.parametrize("purpose", [Purpose.CERTIFICATE_COPY, Purpose.SPECIAL_MOVE_IN])
async def test_a_session_that_was_opened_with_the_old_pin_is_good_for_nothing_after_the_unlocking(
    life: CardLife, purpose: Purpose
) -> None:
    read = await life.session(purpose)
    unlock_id = await life.begin_unlock()
    await life.attempt(unlock_id)
    await life.window.do(
        complete_unlock, unlocked(unlock_id, await life.session(Purpose.PIN_PROOF))
    )

    with pytest.raises(Refusal) as refused:
        await life.store.act(lambda tx: use_session(tx, read, TOKOROZAWA.uri, purpose, NOW))

    assert refused.value.reason is Reason.SESSION_USED


async def test_nobody_moves_with_a_card_whose_unlocking_is_not_finished(life: CardLife) -> None:
    await life.attempt(await life.begin_unlock())

    with pytest.raises(Refusal) as refused:
        await life.session(Purpose.SPECIAL_MOVE_IN)

    assert refused.value.reason is Reason.CARD_PIN_PENDING


async def test_an_unlocking_that_never_reached_a_card_is_not_completed(life: CardLife) -> None:
    unlock_id = await life.begin_unlock()
    session = await life.session(Purpose.PIN_PROOF)

    refused = await life.window.refused(complete_unlock, unlocked(unlock_id, session))

    assert refused.reason is Reason.NOT_IN_THIS_STATE


async def test_another_cards_proof_unlocks_nothing(life: CardLife) -> None:
    unlock_id = await life.begin_unlock()
    await life.attempt(unlock_id)
    other = await life.session(Purpose.PIN_PROOF, serial_of("yoshida-hanako"))

    refused = await life.window.refused(complete_unlock, unlocked(unlock_id, other))

    assert refused.reason is Reason.SESSION_NOT_FOUND
    assert life.card().pin_pending


async def test_a_session_over_the_can_unlocks_nothing(life: CardLife) -> None:
    unlock_id = await life.begin_unlock()
    await life.attempt(unlock_id)
    checked = await life.session(Purpose.CARD_CHECK)

    refused = await life.window.refused(complete_unlock, unlocked(unlock_id, checked))

    assert refused.reason is Reason.SESSION_NOT_FOUND


async def test_an_unlocking_that_comes_again_gets_its_first_answers(life: CardLife) -> None:
    opening = unlocking()
    begun = await life.window.do(begin_unlock, opening)
    await life.attempt(begun.unlock_id)
    ending = unlocked(begun.unlock_id, await life.session(Purpose.PIN_PROOF))
    done = await life.window.do(complete_unlock, ending)

    assert await life.window.do(begin_unlock, opening) == begun
    assert await life.window.do(complete_unlock, ending) == done


async def test_two_completions_at_once_are_one(life: CardLife) -> None:
    unlock_id = await life.begin_unlock()
    await life.attempt(unlock_id)
    commands = [unlocked(unlock_id, await life.session(Purpose.PIN_PROOF)) for _ in range(2)]

    outcomes = await asyncio.gather(
        *(life.window.do(complete_unlock, one) for one in commands), return_exceptions=True
    )

    refused = [one.reason for one in outcomes if isinstance(one, Refusal)]
    assert refused == [Reason.NOT_IN_THIS_STATE]


async def test_a_new_unlocking_takes_the_place_of_the_one_before(life: CardLife) -> None:
    first = await life.begin_unlock()
    second = await life.begin_unlock()

    with pytest.raises(Refusal) as refused:
        await life.attempt(first)

    assert refused.value.reason is Reason.UNLOCK_NOT_FOUND
    assert await life.attempt(second) is UnlockMode.FORGOTTEN
    assert unlock_of(life, first).state is UnlockState.VOID


async def test_an_unlocking_belongs_to_its_terminal_and_its_card(life: CardLife) -> None:
    unlock_id = await life.begin_unlock()

    for terminal, serial in (
        (TOKOROZAWA_2, serial_of(TARO)),
        (TOKOROZAWA, serial_of("yoshida-hanako")),
    ):
        with pytest.raises(Refusal) as refused:
            await life.attempt(unlock_id, serial, terminal=terminal)
        assert refused.value.reason is Reason.UNLOCK_NOT_FOUND
    await life.attempt(unlock_id)
    session = await life.session(Purpose.PIN_PROOF, terminal=TOKOROZAWA_2)
    elsewhere = await life.window.refused(
        complete_unlock, unlocked(unlock_id, session, terminal=TOKOROZAWA_2)
    )
    assert elsewhere.reason is Reason.UNLOCK_NOT_FOUND
    nobodys = await life.window.refused(
        complete_unlock, unlocked(uuid.uuid4().bytes, await life.session(Purpose.PIN_PROOF))
    )
    assert nobodys.reason is Reason.UNLOCK_NOT_FOUND


async def test_a_card_whose_pin_was_taken_away_stays_refused_after_the_unlocking_was_given_up(
    life: CardLife,
) -> None:
    unlock_id = await life.begin_unlock()
    await life.attempt(unlock_id)

    early = await life.store.act(lambda tx: give_up_old_unlocks(tx, NOW + timedelta(days=1)))
    late = await life.store.act(
        lambda tx: give_up_old_unlocks(tx, NOW + timedelta(days=1, seconds=1))
    )

    assert (early, late) == (0, 1)
    assert unlock_of(life, unlock_id).state is UnlockState.VOID
    assert refused_of_services(life) is Reason.CARD_PIN_PENDING


async def test_a_running_center_gives_old_unlockings_up_by_itself(life: CardLife) -> None:
    unlock_id = await life.begin_unlock()

    await housekeeping.forget(life.store, NOW + timedelta(days=1, seconds=1))

    assert unlock_of(life, unlock_id).state is UnlockState.VOID


async def test_a_window_makes_a_card_usable_again_whose_unlocking_was_given_up(
    life: CardLife,
) -> None:
    await life.attempt(await life.begin_unlock())
    await life.store.act(lambda tx: give_up_old_unlocks(tx, NOW + timedelta(days=2)))

    again = await life.begin_unlock()
    await life.attempt(again)
    await life.window.do(complete_unlock, unlocked(again, await life.session(Purpose.PIN_PROOF)))

    assert refused_of_services(life) is None


@pytest.mark.parametrize("documents", [(), (document(),), ONE_KIND_TWICE, LICENCE_AND_PRIVATE])
async def test_two_documents_of_different_kinds_that_count_are_needed(
    life: CardLife, documents: tuple[object, ...]
) -> None:
    refused = await life.window.refused(begin_unlock, unlocking(documents=documents))

    assert refused.reason is Reason.TWO_DOCUMENTS_REQUIRED


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (CardStatus.MAKING, Reason.CARD_NOT_ACTIVE),
        (CardStatus.HELD, Reason.CARD_SUSPENDED),
        (CardStatus.SUSPENDED, Reason.CARD_SUSPENDED),
        (CardStatus.REVOKED, Reason.CARD_REVOKED),
        (CardStatus.LAPSED, Reason.CARD_REVOKED),
        (CardStatus.RETURNED, Reason.CARD_REVOKED),
        (CardStatus.VOID, Reason.CARD_REVOKED),
    ],
)
async def test_only_a_card_that_is_made_or_in_use_is_unlocked(
    life: CardLife, status: CardStatus, reason: Reason
) -> None:
    await life.set_status(status, serial_of(TARO))

    refused = await life.window.refused(begin_unlock, unlocking(card=by_number()))

    assert refused.reason is reason


async def test_a_made_card_is_unlocked_too(life: CardLife) -> None:
    await life.make()

    unlock_id = await life.begin_unlock()

    assert unlock_of(life, unlock_id).card_serial == NEW_SERIAL


async def test_an_expired_card_is_not_unlocked(life: CardLife) -> None:
    refused = await life.window.refused(begin_unlock, unlocking(), AFTER_EXPIRY)

    assert refused.reason is Reason.CARD_EXPIRED


async def test_a_suspension_between_proof_and_completion_wins(life: CardLife) -> None:
    unlock_id = await life.begin_unlock()
    await life.attempt(unlock_id)
    session = await life.session(Purpose.PIN_PROOF)
    await life.window.do(suspend_card, suspension())

    refused = await life.window.refused(complete_unlock, unlocked(unlock_id, session))

    assert refused.reason is Reason.CARD_SUSPENDED
    assert life.card().pin_pending


@pytest.mark.parametrize("card", [by_code(), by_number()])
async def test_another_municipality_unlocks_nothing(life: CardLife, card: object) -> None:
    elsewhere = replace(life.window, terminal=CHIYODA)

    refused = await elsewhere.refused(begin_unlock, unlocking(card=card, terminal=CHIYODA))

    assert refused.reason is Reason.CARD_UNKNOWN


async def test_a_former_code_is_told_to_the_residence(life: CardLife, desk: RegisterDesk) -> None:
    await desk.stock(1)
    await desk.do(change_resident_code, ChangeResidentCode(desk.edit(TARO)))

    refused = await life.window.refused(begin_unlock, unlocking())

    assert refused.reason is Reason.CODE_CHANGED


async def test_nobody_unlocks_nothing(life: CardLife) -> None:
    refused = await life.window.refused(begin_unlock, unlocking(clerk_name=""))

    assert refused.reason is Reason.CLERK_NAME_REQUIRED


async def test_nothing_is_unlocked_while_the_municipality_is_disconnected(life: CardLife) -> None:
    await life.disconnect()

    with pytest.raises(Refusal) as refused:
        await life.window.do(begin_unlock, unlocking())

    assert refused.value.reason is Reason.RESIDENCE_DISCONNECTED


async def test_the_log_has_neither_clerk_nor_pins(life: CardLife) -> None:
    await life.begin_unlock()

    leaf = leaves(life.store)[-1]
    assert (leaf["ev"], leaf["more"]) == (
        "UNLOCK_BEGUN",
        {"mode": "FORGOTTEN"},
    )
    assert CLERK not in str(leaf)
