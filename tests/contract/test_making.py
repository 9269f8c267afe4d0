"""The acts by which a card is made, on every store: what each refuses, and what it writes down."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

import pytest

from juki_center.areas.audit.events import Event
from juki_center.areas.cards import making, personalisations
from juki_center.areas.cards.application_rows import ApplicationState
from juki_center.areas.cards.card_faces import get_card_face
from juki_center.areas.cards.numbers import ApplicationNumber
from juki_center.areas.cards.personalisation_commands import (
    Begun,
    GetCardFace,
    ListPersonalisations,
    PersonaliseCard,
    VoidPersonalisation,
    Written,
)
from juki_center.areas.cards.personalisation_rows import PersonalisationState
from juki_center.areas.cards.register import Card, CardStatus
from juki_center.areas.ports import Tx
from juki_center.areas.residents.records import ChangeInformation, ChangeReason, ResidenceState
from juki_center.errors import NotAllowed, Reason, Refusal
from juki_center.storage.sqlite import SQLiteStore
from tests.support.card_factory import CLERK, HOLDER, apply_for, window
from tests.support.center import TOKOROZAWA, open_test_store
from tests.support.leaves import leaves

T = TypeVar("T")
CHIP, OTHER_CHIP = bytes(range(16)), bytes(range(16, 32))
SERIAL, OTHER_SERIAL = bytes(32), bytes(31) + b"\x01"


@dataclass
class Workshop:
    """A store with an application in it, and the acts on it."""

    store: SQLiteStore
    number: ApplicationNumber

    @property
    def command(self) -> PersonaliseCard:
        return PersonaliseCard(TOKOROZAWA, CLERK, self.number)

    async def of_somebody_else(self) -> Workshop:
        number = await self.act(lambda tx: apply_for(tx, "yoshida-hanako"))
        return Workshop(self.store, number)

    async def act(self, act: Callable[[Tx], T]) -> T:
        return await self.store.act(act)

    async def begin(self, chip: bytes = CHIP, *, at: datetime | None = None) -> Begun:
        return await self.act(lambda tx: making.begin(tx, window(at=at), self.command, chip))

    async def know(
        self, begun: Begun, serial: bytes = SERIAL, *, at: datetime | None = None
    ) -> Written:
        intent = begun.personalisation.personalisation_id
        return await self.act(lambda tx: making.know_card(tx, window(at=at), intent, serial))

    async def void(self, begun: Begun) -> ApplicationState:
        command = VoidPersonalisation(
            TOKOROZAWA, uuid4(), CLERK, begun.personalisation.personalisation_id
        )
        done = await self.act(lambda tx: personalisations.void(tx, window(), command))
        return done.state

    async def finish(self, serial: bytes = SERIAL) -> None:
        card = self.card(serial)
        await self.act(
            lambda tx: personalisations.finish(tx, card, TOKOROZAWA.uri, datetime.now(UTC))
        )

    def card(self, serial: bytes = SERIAL) -> Card:
        found = self.store.read(lambda tx: tx.cards.card(serial))
        assert found is not None
        return found

    @property
    def state(self) -> ApplicationState:
        found = self.store.read(lambda tx: tx.applications.application(self.number))
        assert found is not None
        return found.state


@pytest.fixture
async def workshop(store: SQLiteStore) -> Workshop:
    return Workshop(store, await store.act(apply_for))


def disconnect(tx: Tx) -> None:
    tx.registers.set_connected(TOKOROZAWA.municipality, connected=False)


async def refused(act: object) -> Reason:
    with pytest.raises(Refusal) as caught:
        await act  # type: ignore[misc]  # a coroutine of any kind
    return caught.value.reason


async def test_intent_is_written_with_all_that_is_drawn_for_the_chip(workshop: Workshop) -> None:
    begun = await workshop.begin()

    row = begun.personalisation
    assert (row.state, row.chip_serial, row.card_serial) == (PersonalisationState.OPEN, CHIP, None)
    assert row.secrets is not None
    assert (len(row.secrets.card_access_number), len(row.secrets.transport_pin)) == (6, 5)
    last = leaves(workshop.store)[-1]
    assert (last["ev"], last["id"]) == (Event.PERSONALISATION_BEGUN, workshop.number)


async def test_same_chip_again_is_the_same_intent(workshop: Workshop) -> None:
    first = await workshop.begin()
    second = await workshop.begin()

    assert first == second


async def test_intent_survives_the_end_of_the_center(workshop: Workshop, folder: Path) -> None:
    begun = await workshop.begin()
    workshop.store.close()

    again = open_test_store(folder)
    row = again.read(lambda tx: tx.personalisations.of_chip(CHIP))
    again.close()

    assert row == begun.personalisation


async def test_secrets_and_numbers_of_two_chips_differ(store: SQLiteStore) -> None:
    workshop = Workshop(store, await store.act(apply_for))
    first = await workshop.begin()
    second = await (await workshop.of_somebody_else()).begin(OTHER_CHIP)

    assert first.personalisation.card_number != second.personalisation.card_number
    assert first.personalisation.secrets != second.personalisation.secrets


async def test_second_chip_while_the_first_is_open_is_refused(workshop: Workshop) -> None:
    await workshop.begin()

    assert await refused(workshop.begin(OTHER_CHIP)) is Reason.PERSONALISATION_OPEN


async def test_chip_of_another_application_is_refused(workshop: Workshop) -> None:
    await workshop.begin()
    other = await workshop.of_somebody_else()

    assert await refused(other.begin()) is Reason.CHIP_ALREADY_USED


async def test_chip_of_a_made_card_is_refused(workshop: Workshop) -> None:
    await workshop.know(await workshop.begin())
    await workshop.finish()
    other = await workshop.of_somebody_else()

    assert await refused(other.begin()) is Reason.CHIP_ALREADY_USED
    assert await refused(workshop.begin()) is Reason.NOT_IN_THIS_STATE


async def test_resident_whose_record_is_closed_gets_no_card(workshop: Workshop) -> None:
    def close(tx: Tx) -> None:
        application = tx.applications.application(workshop.number)
        assert application is not None
        resident = tx.residents.resident(application.person)
        change = ChangeInformation(ChangeReason.DEATH, resident.record.birth, datetime.now(UTC))
        gone = replace(resident, state=ResidenceState.DECEASED, change=change)
        tx.residents.replace(gone)

    await workshop.act(close)

    assert await refused(workshop.begin()) is Reason.RECORD_DELETED


async def test_disconnected_municipality_begins_nothing(workshop: Workshop) -> None:
    await workshop.act(disconnect)

    assert await refused(workshop.begin()) is Reason.RESIDENCE_DISCONNECTED


async def test_refusal_leaves_a_leaf_with_its_cause(workshop: Workshop) -> None:
    await workshop.begin()
    await refused(workshop.begin(OTHER_CHIP))

    last = leaves(workshop.store)[-1]
    assert (last["ev"], last["out"]) == (Event.CARD_ACT_REFUSED, Reason.PERSONALISATION_OPEN)


async def test_card_is_known_as_making_for_ten_years_from_the_day_in_japan(
    workshop: Workshop,
) -> None:
    begun = await workshop.begin()
    late_evening = datetime(2026, 11, 23, 15, 30, tzinfo=UTC)

    written = await workshop.know(begun, at=late_evening)

    card = workshop.card()
    assert (card.status, card.number) == (CardStatus.MAKING, begun.personalisation.card_number)
    assert (str(card.made_on), str(card.valid_until)) == ("2026-11-24", "2036-11-23")
    assert written.valid_until == card.valid_until


async def test_card_that_is_known_already_keeps_its_days(workshop: Workshop) -> None:
    begun = await workshop.begin()
    first = await workshop.know(begun)

    second = await workshop.know(begun, at=datetime.now(UTC) + timedelta(days=3))

    assert first == second


async def test_chip_with_another_key_than_before_is_refused(workshop: Workshop) -> None:
    begun = await workshop.begin()
    await workshop.know(begun)

    assert await refused(workshop.know(begun, OTHER_SERIAL)) is Reason.CARD_NOT_AUTHENTIC
    assert workshop.store.read(lambda tx: tx.cards.card(OTHER_SERIAL)) is None


async def test_key_of_another_card_is_refused(workshop: Workshop) -> None:
    await workshop.know(await workshop.begin())
    other = await workshop.of_somebody_else()
    begun = await other.begin(OTHER_CHIP)

    assert await refused(other.know(begun)) is Reason.CHIP_ALREADY_USED


async def test_card_of_an_intent_that_was_given_up_meanwhile_is_refused(
    workshop: Workshop,
) -> None:
    begun = await workshop.begin()
    await workshop.void(begun)

    assert await refused(workshop.know(begun)) is Reason.PERSONALISATION_NOT_FOUND
    assert workshop.store.read(lambda tx: tx.cards.card(SERIAL)) is None


async def test_card_of_an_application_that_ended_meanwhile_is_refused(workshop: Workshop) -> None:
    begun = await workshop.begin()
    now = datetime.now(UTC)
    await workshop.act(
        lambda tx: tx.applications.set_state(
            workshop.number, ApplicationState.CANCELLED, ended_at=now, end_reason=None
        )
    )

    assert await refused(workshop.know(begun)) is Reason.NOT_IN_THIS_STATE


async def test_proof_makes_the_card_and_its_application_ready(workshop: Workshop) -> None:
    begun = await workshop.begin()
    await workshop.know(begun)

    await workshop.finish()

    application = workshop.store.read(lambda tx: tx.applications.application(workshop.number))
    assert application is not None
    assert (application.state, application.card_number) == (
        ApplicationState.READY,
        begun.personalisation.card_number,
    )
    assert workshop.card().status is CardStatus.MADE


async def test_proof_counts_once(workshop: Workshop) -> None:
    await workshop.know(await workshop.begin())
    await workshop.finish()

    assert await refused(workshop.finish()) is Reason.PERSONALISATION_NOT_FOUND


async def test_proof_of_a_card_that_was_given_up_does_not_count(workshop: Workshop) -> None:
    begun = await workshop.begin()
    await workshop.know(begun)
    await workshop.void(begun)

    assert await refused(workshop.finish()) is Reason.PERSONALISATION_NOT_FOUND
    assert workshop.card().status is CardStatus.VOID


async def test_given_up_forgets_the_secrets_and_lets_the_application_wait(
    workshop: Workshop,
) -> None:
    begun = await workshop.begin()
    await workshop.know(begun)

    state = await workshop.void(begun)

    row = workshop.store.read(lambda tx: tx.personalisations.of_chip(CHIP))
    assert row is not None
    assert (row.state, row.secrets) == (PersonalisationState.VOID, None)
    assert state is ApplicationState.APPROVED


async def test_card_that_ended_before_its_hand_over_stays_as_it_ended(workshop: Workshop) -> None:
    begun = await workshop.begin()
    await workshop.know(begun)
    await workshop.finish()
    await workshop.act(lambda tx: tx.cards.set_status(SERIAL, CardStatus.REVOKED))

    await workshop.void(begun)

    assert (workshop.card().status, workshop.state) == (
        CardStatus.REVOKED,
        ApplicationState.APPROVED,
    )


async def test_given_up_twice_is_not_in_this_state(workshop: Workshop) -> None:
    begun = await workshop.begin()
    await workshop.void(begun)

    assert await refused(workshop.void(begun)) is Reason.NOT_IN_THIS_STATE


async def test_delivered_card_is_not_given_up(workshop: Workshop) -> None:
    begun = await workshop.begin()
    await workshop.know(begun)
    await workshop.finish()
    now = datetime.now(UTC)
    await workshop.act(
        lambda tx: tx.applications.set_state(
            workshop.number, ApplicationState.DELIVERED, ended_at=now, end_reason=None
        )
    )

    row = workshop.store.read(lambda tx: tx.personalisations.of_chip(CHIP))
    assert row is not None

    with pytest.raises(NotAllowed):
        await workshop.act(lambda tx: personalisations.give_up(tx, row, TOKOROZAWA.uri, now))

    assert workshop.card().status is CardStatus.MADE


async def test_pages_of_open_ones_follow_each_other(workshop: Workshop) -> None:
    await workshop.begin()
    other = await workshop.of_somebody_else()
    await other.begin(OTHER_CHIP)

    def page(token: str) -> tuple[list[str], str]:
        command = ListPersonalisations(TOKOROZAWA, CLERK, 1, token)
        found = workshop.store.read(lambda tx: personalisations.list_open(tx, window(), command))
        return [row.application for row in found.personalisations], found.next_page_token

    first, token = page("")
    second, end = page(token)

    assert (first, second, end) == ([workshop.number], [other.number], "")


@pytest.mark.parametrize("token", ["x", "-1", "1" * 19, "１"])
async def test_page_token_of_nobody_is_invalid(workshop: Workshop, token: str) -> None:
    command = ListPersonalisations(TOKOROZAWA, CLERK, 1, token)

    with pytest.raises(Refusal) as caught:
        workshop.store.read(lambda tx: personalisations.list_open(tx, window(), command))

    assert caught.value.reason is Reason.FIELD_INVALID


async def test_list_of_a_clerk_without_a_name_is_refused(workshop: Workshop) -> None:
    command = ListPersonalisations(TOKOROZAWA, "")

    with pytest.raises(Refusal) as caught:
        workshop.store.read(lambda tx: personalisations.list_open(tx, window(clerk=""), command))

    assert caught.value.reason is Reason.CLERK_NAME_REQUIRED


async def test_open_ones_are_listed_without_access_numbers_while_disconnected(
    workshop: Workshop,
) -> None:
    await workshop.know(await workshop.begin())
    await workshop.act(disconnect)

    command = ListPersonalisations(TOKOROZAWA, CLERK)
    page = workshop.store.read(lambda tx: personalisations.list_open(tx, window(), command))

    assert [row.secrets for row in page.personalisations] == [None]


async def test_reconciling_goes_on_while_a_municipality_is_disconnected(
    workshop: Workshop,
) -> None:
    await workshop.know(await workshop.begin())
    await workshop.act(disconnect)
    later = datetime.now(UTC) + timedelta(days=31)

    done = await workshop.act(
        lambda tx: personalisations.reconcile(tx, "juki://center/test", later)
    )

    assert [row.application for row, _ in done.given_up] == [workshop.number]
    assert workshop.card().status is CardStatus.VOID


async def test_each_look_at_a_face_leaves_a_leaf(workshop: Workshop) -> None:
    await workshop.know(await workshop.begin())
    command = GetCardFace(TOKOROZAWA, CLERK, workshop.number)

    face = await workshop.act(lambda tx: get_card_face(tx, window(), command))

    last = leaves(workshop.store)[-1]
    assert (last["ev"], last["id"]) == (Event.CARD_FACE_READ, workshop.number)
    assert face.number == workshop.card().number


async def test_face_of_a_card_that_is_held_is_not_shown(workshop: Workshop) -> None:
    await workshop.know(await workshop.begin())
    await workshop.act(lambda tx: tx.cards.set_status(SERIAL, CardStatus.HELD))
    command = GetCardFace(TOKOROZAWA, CLERK, workshop.number)

    reason = await refused(workshop.act(lambda tx: get_card_face(tx, window(), command)))

    assert reason is Reason.NOT_IN_THIS_STATE


def test_nothing_secret_shows_in_a_repr() -> None:
    written = Written(bytes(16), "000000000195", "314159", datetime.now(UTC).date())  # type: ignore[arg-type]  # any number

    assert "314159" not in repr(written)
    assert HOLDER not in repr(PersonaliseCard(TOKOROZAWA, HOLDER, "A"))  # type: ignore[arg-type]  # any number
