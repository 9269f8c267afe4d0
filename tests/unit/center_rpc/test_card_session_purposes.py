"""Card sessions of every purpose over a real stream, with virtual cards and a real store."""

from __future__ import annotations

import shutil
import uuid
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from juki_card.errors import CardError, UnexpectedStatus
from juki_card.passwords import Can, Pin
from juki_card.virtual.memory import PinState
from juki_center.areas.cards import window as card_window
from juki_center.areas.cards.application_rows import (
    Application,
    ApplicationKind,
    ApplicationPapers,
    ApplicationState,
    Place,
)
from juki_center.areas.cards.continuations import MovedHolder, end_on_move
from juki_center.areas.cards.numbers import ApplicationNumber, CardNumber
from juki_center.areas.cards.personalisation_rows import (
    ChipSecrets,
    Personalisation,
    PersonalisationState,
)
from juki_center.areas.cards.policy import CardPolicy
from juki_center.areas.cards.register import Card, CardKind, CardStatus, CardStyle
from juki_center.areas.cards.unlock_rows import Unlock, UnlockMode, UnlockPapers, UnlockState
from juki_center.config import SessionTimes
from juki_center.errors import Reason
from juki_center.rpc import server
from juki_center.rpc.card_material import MaterialSource
from juki_center.rpc.card_session import CardSessions, Parts
from juki_center.rpc.metrics import Metrics
from juki_center.rpc.open_sessions import OpenSessions
from juki_center.rule_sets import RuleSet
from jukinet.card.v1 import card_session_service_pb2 as pb
from jukinet.card.v1 import card_session_service_pb2_grpc as pb_grpc
from jukinet.options.v1 import options_pb2
from tests.support.card_window import MUNICIPALITIES
from tests.support.center import CHIYODA, SAMPLES, open_test_store
from tests.support.center_cards import CAN, PIN, MemoryCard, Window
from tests.support.center_edge import channel, running
from tests.support.leaves import leaves

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable
    from pathlib import Path

    from juki_center.areas.ports import Tx
    from juki_center.areas.residents.records import Whereabouts
    from juki_center.storage.sqlite import SQLiteStore
    from juki_pki.folder import PKIFolder
    from tests.support.center_edge import RunningEdge

SERVICE = pb.DESCRIPTOR.services_by_name["CardSessionService"]
HOLDER = SAMPLES["yoshida-taro"]
COPY = options_pb2.PURPOSE_CERTIFICATE_COPY
PROOF = options_pb2.PURPOSE_PIN_PROOF
CHECK = options_pb2.PURPOSE_CARD_CHECK
UNLOCK = options_pb2.PURPOSE_PIN_UNLOCK
SIGN_IN = options_pb2.PURPOSE_CLERK_SIGN_IN
MOVE_IN = options_pb2.PURPOSE_SPECIAL_MOVE_IN
ALL = [COPY, PROOF, CHECK, UNLOCK, SIGN_IN, MOVE_IN]
APPLICATION = ApplicationNumber.drawn(bytes(8))
TERMINAL_URI = "juki://municipality/131016/terminal/01"


def now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Center:
    """A center with card sessions, a store with residents, and one card in somebody's hand."""

    edge: RunningEdge
    pki: PKIFolder
    store: SQLiteStore
    card: MemoryCard
    holder: Whereabouts
    channels: list[grpc.aio.Channel] = field(default_factory=list)

    def window(self, password: Pin | Can, terminal: str = "01") -> Window:
        """Open a stream of a terminal that was told this password."""
        credential = self.pki.terminal("131016", terminal)
        self.channels.append(channel(self.edge, self.pki, credential))
        window = Window.open(self.channels[-1], credential, self.card)
        window.password = password
        # Whatever was before, the card comes into this reader with fresh power.
        self.card.session = MemoryCard(self.card.memory).session
        return window

    async def run(self, purpose: int, act_id: bytes = b"", terminal: str = "01") -> pb.Result:
        """Run a whole session with the password that the purpose wants."""
        password = Can(CAN) if purpose in {CHECK, UNLOCK} else Pin(PIN)
        return await self.window(password, terminal).authenticate(purpose, act_id)

    async def enter(
        self, status: CardStatus = CardStatus.ACTIVE, kind: CardKind = CardKind.RESIDENT
    ) -> None:
        """Enter the card into the register."""
        row = Card(
            serial=self.card.serial,
            person=self.holder.person,
            kind=kind,
            status=status,
            municipality=self.holder.municipality,
            valid_until=date(2099, 1, 1),
            number=CardNumber.drawn(self.card.serial[:8]),
            made_on=date(2026, 11, 23),
        )
        await self.store.act(lambda tx: tx.cards.add_card(row))

    async def open_unlock(
        self, mode: UnlockMode = UnlockMode.KEEP, state: UnlockState = UnlockState.OPEN
    ) -> bytes:
        """Open an unlocking of the card at terminal 01; return its id."""
        row = Unlock(
            unlock_id=uuid.uuid4().bytes,
            municipality=self.holder.municipality,
            person=self.holder.person,
            card_serial=self.card.serial,
            terminal_uri=TERMINAL_URI,
            mode=mode,
            state=UnlockState.OPEN,
            begun_at=now(),
            papers=UnlockPapers(clerk_name="花子"),
        )

        def enter(tx: Tx) -> None:
            tx.unlocks.add(row)
            tx.unlocks.set_state(row.unlock_id, state, None)

        await self.store.act(enter)
        return row.unlock_id

    def row(self) -> Card:
        """Return the card's row."""
        row = self.store.read(lambda tx: tx.cards.card(self.card.serial))
        assert row is not None
        return row

    def unlock_state(self, unlock_id: bytes) -> UnlockState:
        """Return how far an unlocking has come."""
        row = self.store.read(lambda tx: tx.unlocks.by_id(unlock_id))
        assert row is not None
        return row.state

    def lock(self) -> None:
        """Use up the tries of the PIN."""
        pin = replace(self.card.memory.pin, tries_left=0)
        self.card.memory = self.card.memory.with_pin(pin)


@pytest.fixture
async def center(
    pki: PKIFolder, furnished_registers: Path, tmp_path: Path
) -> AsyncIterator[Center]:
    shutil.copytree(furnished_registers, tmp_path / "store")
    store = open_test_store(tmp_path / "store")
    parts = Parts(
        store=store,
        material=MaterialSource(pki, now()).current,
        open_sessions=OpenSessions(Metrics()),
        times=SessionTimes(),
        clock=now,
    )
    service = server.Service(
        SERVICE,
        lambda s: pb_grpc.add_CardSessionServiceServicer_to_server(CardSessions(parts), s),
    )
    holder = store.read(lambda tx: tx.residents.by_code(HOLDER.record.code))
    assert holder is not None
    async with running(pki, service, clock=now) as edge:
        card = MemoryCard.personalised(pki, HOLDER.record.code.digits)
        made = Center(edge, pki, store, card, holder)
        yield made
        for one in made.channels:
            await one.close()
    store.close()


async def refused(act: Awaitable[object]) -> tuple[Reason, dict[str, str]]:
    """Return reason and facts of the refusal that ends a stream."""
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await act
    return reason_of(raised.value)


def reason_of(error: grpc.aio.AioRpcError) -> tuple[Reason, dict[str, str]]:
    """Return what a status says."""
    status = rpc_status.from_call(error)  # type: ignore[arg-type]  # duck-typed
    info = error_details_pb2.ErrorInfo()
    assert status is not None, error
    assert status.details[0].Unpack(info)
    return Reason(info.reason), dict(info.metadata)


@pytest.mark.parametrize(("purpose", "batches"), [(COPY, 2), (PROOF, 1), (CHECK, 1), (MOVE_IN, 1)])
async def test_an_active_card_of_a_resident_gives_a_session_with_the_batches_of_its_purpose(
    center: Center, purpose: int, batches: int
) -> None:
    await center.enter()
    window = center.window(Can(CAN) if purpose == CHECK else Pin(PIN))

    await window.hello(purpose)
    await window.send(ready=window.present())
    seen = 0
    while (said := await window.receive()).WhichOneof("step") == "batch":
        seen += 1
        await window.send(answers=window.relay(said.batch))

    session = center.store.read(lambda tx: tx.cards.session(said.result.session_id))
    assert seen == batches
    assert session is not None
    assert session.person == center.holder.person
    assert options_pb2.Purpose.Value(f"PURPOSE_{session.purpose}") == purpose
    assert leaves(center.store)[-1]["more"] == {"purpose": session.purpose}
    assert window.transcript is not None
    assert said.result.transcript_hash == window.transcript.digest()


async def test_a_clerks_card_signs_in(center: Center) -> None:
    await center.enter(kind=CardKind.CLERK)

    result = await center.run(SIGN_IN)

    assert len(result.session_id) == 16


@pytest.mark.parametrize("status", list(CardStatus))
@pytest.mark.parametrize("purpose", [COPY, PROOF, CHECK, MOVE_IN])
async def test_a_clerks_card_is_not_taken_where_a_residents_is_due_whatever_its_state(
    center: Center, purpose: int, status: CardStatus
) -> None:
    await center.enter(status, CardKind.CLERK)

    assert await refused(center.run(purpose)) == (Reason.CARD_NOT_FOR_PURPOSE, {})
    assert leaves(center.store)[-1]["out"] == "CARD_NOT_FOR_PURPOSE"


async def test_a_clerks_card_is_not_unlocked_as_a_residents(center: Center) -> None:
    await center.enter(kind=CardKind.CLERK)
    unlock_id = await center.open_unlock()

    assert await refused(center.run(UNLOCK, unlock_id)) == (Reason.CARD_NOT_FOR_PURPOSE, {})
    assert center.unlock_state(unlock_id) is UnlockState.OPEN


@pytest.mark.parametrize("status", list(CardStatus))
async def test_a_residents_card_does_not_sign_in_whatever_its_state(
    center: Center, status: CardStatus
) -> None:
    await center.enter(status)

    assert await refused(center.run(SIGN_IN)) == (Reason.CARD_NOT_FOR_PURPOSE, {})


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (CardStatus.MAKING, Reason.CARD_NOT_ACTIVE),
        (CardStatus.MADE, Reason.CARD_NOT_ACTIVE),
        (CardStatus.SUSPENDED, Reason.CARD_SUSPENDED),
        (CardStatus.VOID, Reason.CARD_REVOKED),
    ],
)
async def test_case_14_a_card_that_is_not_active_gives_no_copy_and_keeps_its_counter(
    center: Center, status: CardStatus, reason: Reason
) -> None:
    await center.enter(status)

    assert (await refused(center.run(COPY)))[0] is reason
    assert center.card.memory.pin.tries_left == 3


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (CardStatus.MADE, Reason.CARD_NOT_ACTIVE),
        (CardStatus.SUSPENDED, Reason.CARD_SUSPENDED),
        (CardStatus.REVOKED, Reason.CARD_REVOKED),
    ],
)
async def test_case_26_nobody_moves_in_with_a_card_that_is_not_active(
    center: Center, status: CardStatus, reason: Reason
) -> None:
    await center.enter(status)

    assert (await refused(center.run(MOVE_IN)))[0] is reason
    assert leaves(center.store)[-1]["out"] == reason
    assert center.card.memory.pin.tries_left == 3


async def test_a_card_whose_unlock_is_not_finished_gives_no_copy_but_may_prove_its_pin(
    center: Center,
) -> None:
    await center.enter()
    serial = center.card.serial
    await center.store.act(lambda tx: tx.cards.set_pin_pending(serial, pending=True))

    assert await refused(center.run(COPY)) == (Reason.CARD_PIN_PENDING, {})
    assert await center.run(PROOF)
    assert leaves(center.store)[-2]["out"] == "CARD_PIN_PENDING"


async def holder_moves(center: Center, rule_set: RuleSet) -> None:
    """Let the holder be entered at a new residence by the special case."""
    window = card_window.Window(CHIYODA, "花子", now(), CardPolicy(rule_set, MUNICIPALITIES))
    holder = MovedHolder(center.holder.person, by_card=True)
    await center.store.act(lambda tx: end_on_move(tx, window, holder))


LAWS = [
    (RuleSet.R2003_08, Reason.CARD_REVOKED),
    (RuleSet.R2012_07_09, Reason.CARD_NOT_CONTINUED),
]


@pytest.mark.parametrize(("rule_set", "reason"), LAWS)
@pytest.mark.parametrize("purpose", [COPY, MOVE_IN])
async def test_case_27_after_the_move_the_next_session_is_refused_at_once(
    center: Center, purpose: int, rule_set: RuleSet, reason: Reason
) -> None:
    await center.enter()
    await holder_moves(center, rule_set)

    assert (await refused(center.run(purpose)))[0] is reason
    assert leaves(center.store)[-1]["out"] == reason


@pytest.mark.parametrize(("rule_set", "reason"), LAWS)
@pytest.mark.parametrize("after_batch", [1, 2])
async def test_case_27_a_move_in_the_middle_of_a_session_stops_it(
    center: Center, after_batch: int, rule_set: RuleSet, reason: Reason
) -> None:
    await center.enter()
    window = center.window(Pin(PIN))
    await window.hello(COPY)
    await window.send(ready=window.present())
    for _ in range(after_batch - 1):
        await window.send(answers=window.relay((await window.receive()).batch))
    batch = (await window.receive()).batch

    await holder_moves(center, rule_set)
    await window.send(answers=window.relay(batch))

    assert batch.number == after_batch
    assert (await refused(window.receive()))[0] is reason
    assert leaves(center.store)[-1]["ev"] == "CARD_SESSION_REFUSED"


async def test_case_27_a_card_that_waits_for_its_use_proves_its_pin_and_is_handed_in(
    center: Center,
) -> None:
    await center.enter()
    await holder_moves(center, RuleSet.R2012_07_09)

    assert await center.run(PROOF)
    assert await center.run(CHECK)


@pytest.mark.parametrize(
    "status", [CardStatus.REVOKED, CardStatus.LAPSED, CardStatus.RETURNED, CardStatus.SUSPENDED]
)
async def test_a_card_that_has_ended_can_still_be_handed_in(
    center: Center, status: CardStatus
) -> None:
    await center.enter(status)

    result = await center.run(CHECK)

    assert center.row().status is status
    assert center.store.read(lambda tx: tx.cards.session(result.session_id))


@pytest.mark.parametrize("purpose", [COPY, PROOF, SIGN_IN, MOVE_IN])
async def test_the_number_of_the_face_opens_no_card_where_the_pin_is_due(
    center: Center, purpose: int
) -> None:
    """center-auth and center-id have no right to the CAN: the card itself refuses."""
    await center.enter(kind=CardKind.CLERK if purpose == SIGN_IN else CardKind.RESIDENT)
    window = center.window(Can(CAN))
    await window.hello(purpose)

    with pytest.raises(UnexpectedStatus) as caught:
        window.present()

    assert caught.value.status_word == 0x6982


async def approved_application(center: Center) -> None:
    """Enter what has made the card: an approved application and an open personalisation."""
    application = Application(
        number=APPLICATION,
        municipality=center.holder.municipality,
        person=center.holder.person,
        state=ApplicationState.APPROVED,
        kind=ApplicationKind.FIRST,
        style=CardStyle.STYLE_1,
        submitted_at=now(),
        papers=ApplicationPapers(clerk_name="花子", place=Place.COUNTER),
    )
    making = Personalisation(
        personalisation_id=bytes(16),
        application=APPLICATION,
        municipality=center.holder.municipality,
        person=center.holder.person,
        chip_serial=bytes(16),
        terminal_uri=TERMINAL_URI,
        state=PersonalisationState.OPEN,
        begun_at=now(),
        card_number=CardNumber.drawn(center.card.serial[:8]),
        secrets=ChipSecrets(CAN, "60718"),
    )

    def enter(tx: Tx) -> None:
        tx.applications.add(application, None)
        tx.personalisations.add(making)
        tx.personalisations.set_card(making.personalisation_id, center.card.serial)

    await center.store.act(enter)


def application_state(center: Center) -> ApplicationState:
    row = center.store.read(lambda tx: tx.applications.application(APPLICATION))
    assert row is not None
    return row.state


async def test_the_first_check_of_a_card_proves_that_it_was_made(center: Center) -> None:
    await center.enter(CardStatus.MAKING)
    await approved_application(center)

    await center.run(CHECK)

    made, session = leaves(center.store)[-2:]
    assert center.row().status is CardStatus.MADE
    assert application_state(center) is ApplicationState.READY
    assert (made["ev"], session["ev"]) == ("CARD_MADE", "CARD_AUTHENTICATED")
    making = center.store.read(lambda tx: tx.personalisations.of_card(center.card.serial))
    assert making is not None
    assert making.state is PersonalisationState.DONE


async def test_a_second_check_changes_nothing(center: Center) -> None:
    await center.enter(CardStatus.MAKING)
    await approved_application(center)
    await center.run(CHECK)

    await center.run(CHECK)

    assert center.row().status is CardStatus.MADE
    assert [leaf["ev"] for leaf in leaves(center.store)].count("CARD_MADE") == 1


async def test_a_card_that_nothing_open_has_made_is_not_proved(center: Center) -> None:
    await center.enter(CardStatus.MAKING)

    assert (await refused(center.run(CHECK)))[0] is Reason.PERSONALISATION_NOT_FOUND
    assert center.row().status is CardStatus.MAKING


async def test_a_card_whose_application_has_ended_is_not_proved(center: Center) -> None:
    await center.enter(CardStatus.MAKING)
    await approved_application(center)
    await center.store.act(
        lambda tx: tx.applications.set_state(
            APPLICATION, ApplicationState.CANCELLED, ended_at=now(), end_reason=None
        )
    )

    assert (await refused(center.run(CHECK)))[0] is Reason.PERSONALISATION_NOT_FOUND
    assert center.row().status is CardStatus.MAKING


async def test_a_locked_pin_is_unlocked_and_kept(center: Center) -> None:
    await center.enter()
    center.lock()
    unlock_id = await center.open_unlock()

    await center.run(UNLOCK, unlock_id)

    pin = center.card.memory.pin
    assert (pin.state, pin.value, pin.tries_left) == (PinState.OPERATIONAL, Pin(PIN), 3)
    assert center.row().pin_pending
    assert center.unlock_state(unlock_id) is UnlockState.ATTEMPTED


async def test_a_forgotten_pin_is_taken_away(center: Center) -> None:
    await center.enter(CardStatus.MADE)
    center.lock()
    unlock_id = await center.open_unlock(UnlockMode.FORGOTTEN)

    await center.run(UNLOCK, unlock_id)

    pin = center.card.memory.pin
    assert (pin.state, pin.value, pin.tries_left) == (PinState.TRANSPORT, None, 3)
    assert center.row().pin_pending


async def test_an_unlock_may_be_attempted_again(center: Center) -> None:
    await center.enter()
    unlock_id = await center.open_unlock(state=UnlockState.ATTEMPTED)

    result = await center.run(UNLOCK, unlock_id)

    assert center.store.read(lambda tx: tx.cards.session(result.session_id))


@pytest.mark.parametrize("state", [UnlockState.DONE, UnlockState.VOID])
async def test_an_unlock_that_has_ended_sends_the_card_nothing(
    center: Center, state: UnlockState
) -> None:
    await center.enter()
    center.lock()
    unlock_id = await center.open_unlock(state=state)

    assert (await refused(center.run(UNLOCK, unlock_id)))[0] is Reason.UNLOCK_NOT_FOUND
    assert center.card.memory.pin.is_blocked
    assert not center.row().pin_pending


async def test_an_unlock_of_another_terminal_or_card_sends_the_card_nothing(
    center: Center,
) -> None:
    await center.enter()
    center.lock()
    unlock_id = await center.open_unlock()
    other = await refused(center.run(UNLOCK, unlock_id, terminal="02"))
    unknown = await refused(center.run(UNLOCK, bytes(16)))
    center.card = MemoryCard.personalised(center.pki, HOLDER.record.code.digits)
    await center.enter()
    second = await refused(center.run(UNLOCK, unlock_id))

    assert {other[0], unknown[0], second[0]} == {Reason.UNLOCK_NOT_FOUND}
    assert [leaf["out"] for leaf in leaves(center.store)[-3:]] == ["UNLOCK_NOT_FOUND"] * 3
    assert not center.row().pin_pending


@pytest.mark.parametrize(
    "status", [CardStatus.MAKING, CardStatus.SUSPENDED, CardStatus.REVOKED, CardStatus.VOID]
)
async def test_a_card_that_may_not_be_used_is_not_unlocked(
    center: Center, status: CardStatus
) -> None:
    await center.enter(status)
    center.lock()
    unlock_id = await center.open_unlock()

    await refused(center.run(UNLOCK, unlock_id))

    assert center.card.memory.pin.is_blocked
    assert not center.row().pin_pending
    assert center.unlock_state(unlock_id) is UnlockState.OPEN


async def up_to_the_command(center: Center, unlock_id: bytes) -> tuple[Window, pb.Batch]:
    """Go as far as the batch with the one command; the card has not got it."""
    window = center.window(Can(CAN))
    await window.hello(UNLOCK, unlock_id)
    await window.send(ready=window.present())
    await window.send(answers=window.relay((await window.receive()).batch))
    return window, (await window.receive()).batch


async def test_the_attempt_is_durable_before_the_card_can_have_heard_of_it(
    center: Center,
) -> None:
    await center.enter()
    center.lock()
    unlock_id = await center.open_unlock()

    window, batch = await up_to_the_command(center, unlock_id)

    assert (batch.number, batch.protection) == (2, pb.Batch.PROTECTION_END_TO_END)
    assert len(batch.commands) == 1
    assert center.row().pin_pending
    assert center.unlock_state(unlock_id) is UnlockState.ATTEMPTED
    assert center.card.memory.pin.is_blocked
    window.call.cancel()


async def test_a_session_torn_at_the_command_gives_no_session_and_can_be_repeated(
    center: Center,
) -> None:
    await center.enter()
    center.lock()
    unlock_id = await center.open_unlock()
    window, batch = await up_to_the_command(center, unlock_id)
    window.relay(batch)
    window.call.cancel()
    with suppress(grpc.aio.AioRpcError):
        await window.call.done_writing()

    # The first stream's place at the center is free only when the center has seen the cancel.
    for _ in range(100):
        reason = await refusal_of_a_second_run(center, unlock_id)
        if reason is None:
            break
        assert reason is Reason.SESSION_LIMIT

    assert center.card.memory.pin.tries_left == 3
    assert center.card.memory.pin.unblockings_left == 8
    assert center.row().pin_pending


async def refusal_of_a_second_run(center: Center, unlock_id: bytes) -> Reason | None:
    try:
        await center.run(UNLOCK, unlock_id)
    except grpc.aio.AioRpcError as error:
        return reason_of(error)[0]
    return None


async def test_an_answer_with_a_wrong_mac_is_not_authentic_and_says_nothing_of_the_pin(
    center: Center,
) -> None:
    await center.enter()
    unlock_id = await center.open_unlock()
    window, batch = await up_to_the_command(center, unlock_id)
    answers = window.relay(batch)
    good = answers.responses[0]
    spoiled = good[:-3] + bytes((good[-3] ^ 1,)) + good[-2:]
    await window.send(answers=pb.Answers(batch_number=2, responses=[spoiled]))

    assert await refused(window.receive()) == (Reason.CARD_NOT_AUTHENTIC, {})
    assert center.card.memory.pin.tries_left == 3


async def test_a_card_that_allows_no_more_unlocks_says_so(center: Center) -> None:
    await center.enter()
    pin = replace(center.card.memory.pin, unblockings_left=0)
    center.card.memory = center.card.memory.with_pin(pin)
    unlock_id = await center.open_unlock()

    assert await refused(center.run(UNLOCK, unlock_id)) == (
        Reason.CARD_REFUSED,
        {"statusWord": "6983", "command": "RESET RETRY COUNTER"},
    )


@pytest.mark.parametrize("purpose", [PROOF, CHECK])
async def test_a_signature_that_fails_is_no_wrong_pin(center: Center, purpose: int) -> None:
    """A lie about the challenge makes the card refuse the center's signature."""
    await center.enter()
    window = center.window(Can(CAN) if purpose == CHECK else Pin(PIN))
    await window.hello(purpose)
    ready = window.present()
    ready.r_picc = bytes(8)
    await window.send(ready=ready)
    await window.send(answers=window.relay((await window.receive()).batch))

    assert await refused(window.receive()) == (Reason.CARD_NOT_AUTHENTIC, {})
    assert center.card.memory.pin.tries_left == 3


@pytest.mark.parametrize("purpose", ALL)
async def test_case_35_a_clone_is_not_authentic_for_any_purpose(
    center: Center, purpose: int
) -> None:
    await center.enter(kind=CardKind.CLERK if purpose == SIGN_IN else CardKind.RESIDENT)
    act_id = await center.open_unlock() if purpose == UNLOCK else b""
    center.card = center.card.with_chip_key_of(MemoryCard.personalised(center.pki))

    reason, _ = await refused(center.run(purpose, act_id))

    assert reason is Reason.CARD_NOT_AUTHENTIC
    assert leaves(center.store)[-1]["out"] == "CARD_NOT_AUTHENTIC"


async def test_a_wrong_pin_at_the_proof_is_counted_by_the_card_and_unknown_to_the_center(
    center: Center,
) -> None:
    await center.enter()
    before = len(leaves(center.store))
    window = center.window(Pin("0000"))
    await window.hello(PROOF)

    with pytest.raises(CardError):
        window.present()
    await window.call.done_writing()
    reason, _ = await refused(window.receive())

    assert reason is Reason.STEP_OUT_OF_ORDER
    assert center.card.memory.pin.tries_left == 2
    assert len(leaves(center.store)) == before
