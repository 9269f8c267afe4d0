"""The card session over a real stream: one that succeeds, and each one that is refused."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from juki_card import eac, tlv
from juki_center.areas.audit.events import Cause, Event
from juki_center.areas.cards.register import CardKind, CardStatus
from juki_center.config import SessionTimes
from juki_center.errors import Reason
from juki_center.rpc import server
from juki_center.rpc.card_material import MaterialSource
from juki_center.rpc.card_session import CardSessions, Parts
from juki_center.rpc.metrics import Metrics
from juki_center.rpc.open_sessions import OpenSessions
from jukinet.card.v1 import card_session_service_pb2 as pb
from jukinet.card.v1 import card_session_service_pb2_grpc as pb_grpc
from tests.support.center_cards import OTHER_CODE, MemoryCard, Register, Window
from tests.support.center_edge import channel, running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable

    from juki_pki.folder import PKIFolder
    from tests.support.center_edge import RunningEdge

SERVICE = pb.DESCRIPTOR.services_by_name["CardSessionService"]


@dataclass
class Clock:
    """The center's clock, which a test moves."""

    ahead: timedelta = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@dataclass
class Center:
    """A center with card sessions only."""

    edge: RunningEdge
    pki: PKIFolder
    register: Register
    clock: Clock
    open_sessions: OpenSessions
    channels: list[grpc.aio.Channel] = field(default_factory=list)

    def window(self, card: MemoryCard, terminal: str = "01") -> Window:
        credential = self.pki.terminal("131016", terminal)
        self.channels.append(channel(self.edge, self.pki, credential))
        return Window.open(self.channels[-1], credential, card)


@asynccontextmanager
async def card_center(pki: PKIFolder, times: SessionTimes | None = None) -> AsyncIterator[Center]:
    clock, register = Clock(), Register()
    sessions = OpenSessions(Metrics())
    parts = Parts(
        store=register,  # type: ignore[arg-type]  # only the ports that a card session uses
        material=MaterialSource(pki, clock()).current,
        open_sessions=sessions,
        times=times or SessionTimes(),
        clock=clock,
    )
    service = server.Service(
        SERVICE,
        lambda s: pb_grpc.add_CardSessionServiceServicer_to_server(CardSessions(parts), s),
    )
    async with running(pki, service, clock=clock) as edge:
        center = Center(edge, pki, register, clock, sessions)
        yield center
        for one in center.channels:
            await one.close()


@pytest.fixture
async def center(pki: PKIFolder) -> AsyncIterator[Center]:
    async with card_center(pki) as running_center:
        yield running_center


@pytest.fixture
def card(pki: PKIFolder, center: Center) -> MemoryCard:
    """A genuine card that the register knows."""
    made = MemoryCard.personalised(pki)
    center.register.enter(made.serial)
    return made


async def refused(act: Awaitable[object]) -> tuple[Reason, dict[str, str]]:
    """Return reason and facts of the refusal that ends a stream."""
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await act
    status = rpc_status.from_call(raised.value)  # type: ignore[arg-type]  # duck-typed
    info = error_details_pb2.ErrorInfo()
    assert status is not None, raised.value
    assert status.details[0].Unpack(info)
    return Reason(info.reason), dict(info.metadata)


async def test_genuine_card_and_pin_give_a_usable_session(center: Center, card: MemoryCard) -> None:
    window = center.window(card)

    result = await window.authenticate()

    (session,) = center.register.sessions
    assert window.transcript is not None
    assert result.transcript_hash == window.transcript.digest() == session.transcript_hash
    assert result.session_id == window.plan.session_id == session.session_id
    assert session.terminal_uri == "juki://municipality/131016/terminal/01"
    assert [event.event for event in center.register.events] == [Event.CARD_AUTHENTICATED]


async def test_two_sessions_of_a_card_share_nothing(center: Center, card: MemoryCard) -> None:
    first = await center.window(card).authenticate()
    card.session = MemoryCard(card.memory).session

    second = await center.window(card).authenticate()

    assert first.session_id != second.session_id
    assert first.transcript_hash != second.transcript_hash


@pytest.mark.parametrize("purpose", [0, 99])
async def test_unknown_purpose_is_refused(center: Center, card: MemoryCard, purpose: int) -> None:
    reason, _ = await refused(center.window(card).hello(purpose))

    assert reason is Reason.PURPOSE_UNKNOWN


@pytest.mark.parametrize(
    ("step", "got"),
    [
        ({"ready": pb.Ready()}, "ready"),
        ({"answers": pb.Answers()}, "answers"),
        ({}, "nothing"),
    ],
)
async def test_stream_that_does_not_begin_with_hello_is_out_of_order(
    center: Center, card: MemoryCard, step: dict[str, object], got: str
) -> None:
    window = center.window(card)
    await window.send(**step)

    reason, facts = await refused(window.receive())

    assert reason is Reason.STEP_OUT_OF_ORDER
    assert facts == {"expected": "hello", "got": got}


async def test_second_hello_is_out_of_order(center: Center, card: MemoryCard) -> None:
    window = center.window(card)
    await window.hello()

    reason, facts = await refused(window.hello())

    assert (reason, facts["got"]) == (Reason.STEP_OUT_OF_ORDER, "hello")


async def test_stream_closed_too_early_is_out_of_order(center: Center, card: MemoryCard) -> None:
    window = center.window(card)
    await window.hello()
    await window.call.done_writing()

    reason, facts = await refused(window.receive())

    assert reason is Reason.STEP_OUT_OF_ORDER
    assert facts == {"expected": "ready", "got": "end"}


async def test_message_over_64_kib_is_refused(center: Center, card: MemoryCard) -> None:
    window = center.window(card)
    await window.hello()
    await window.send(ready=pb.Ready(card_access=bytes(65_536)))

    reason, facts = await refused(window.receive())

    assert (reason, facts) == (Reason.MESSAGE_TOO_LARGE, {"limitBytes": "65536"})


async def test_plan_that_is_too_old_is_refused(center: Center, card: MemoryCard) -> None:
    window = center.window(card)
    await window.hello()
    ready = window.present()

    center.clock.ahead = timedelta(seconds=121)
    await window.send(ready=ready)

    reason, _ = await refused(window.receive())
    assert reason is Reason.PLAN_EXPIRED


async def test_plan_that_nobody_uses_ends_by_itself(pki: PKIFolder) -> None:
    async with card_center(pki, SessionTimes(plan=timedelta(milliseconds=50))) as center:
        window = center.window(MemoryCard.personalised(pki))
        await window.hello()

        reason, _ = await refused(window.receive())

    assert reason is Reason.PLAN_EXPIRED


async def test_session_after_its_time_is_refused(center: Center, card: MemoryCard) -> None:
    window = center.window(card)
    await window.hello()
    await window.send(ready=window.present())
    answers = window.relay((await window.receive()).batch)

    center.clock.ahead = timedelta(seconds=181)
    await window.send(answers=answers)

    reason, _ = await refused(window.receive())
    assert reason is Reason.SESSION_EXPIRED
    assert center.register.sessions == []


async def test_second_stream_of_a_terminal_is_refused(center: Center, card: MemoryCard) -> None:
    await center.window(card).hello()

    reason, _ = await refused(center.window(card).hello())

    assert reason is Reason.SESSION_LIMIT


async def test_place_is_free_again_when_the_client_goes_away(
    center: Center, card: MemoryCard
) -> None:
    first = center.window(card)
    await first.hello()
    first.call.cancel()
    async with asyncio.timeout(5):
        while True:
            try:
                await center.window(card).hello()
            except grpc.aio.AioRpcError:
                continue
            break


async def test_closing_center_ends_sessions_with_their_reason(
    center: Center, card: MemoryCard
) -> None:
    window = center.window(card)
    await window.hello()

    center.open_sessions.close()

    reason, _ = await refused(window.receive())
    assert reason is Reason.SHUTTING_DOWN


async def _nobody() -> AsyncIterator[pb.AuthenticateRequest]:
    return
    yield


async def test_report_for_another_session_is_not_attested(center: Center, card: MemoryCard) -> None:
    window = center.window(card)
    await window.hello()
    ready = window.present()
    window.call.cancel()
    again = center.window(card, "02")
    await again.hello()
    await again.send(ready=ready)

    reason, _ = await refused(again.receive())

    assert reason is Reason.TERMINAL_ATTESTATION_INVALID
    assert [event.cause for event in center.register.events] == [reason]


@pytest.mark.parametrize("seconds", [-61, 61])
async def test_attestation_with_a_wrong_clock_is_refused(
    center: Center, card: MemoryCard, seconds: int
) -> None:
    window = center.window(card)
    await window.hello()
    shown = window.present()
    at = int(datetime.now(UTC).timestamp()) + seconds + (1 if seconds > 0 else -1)
    await window.send(ready=window.report(report_of(shown), at=at))

    reason, _ = await refused(window.receive())

    assert reason is Reason.TERMINAL_ATTESTATION_INVALID


def report_of(message: pb.Ready, **changes: object) -> eac.Ready:
    fields: dict[str, object] = {
        "card_access": message.card_access,
        "trust_point": message.trust_point,
        "id_picc": message.id_picc,
        "r_picc": message.r_picc,
        "status_words": tuple(message.status_words),
    }
    return eac.Ready(**(fields | changes))  # type: ignore[arg-type]  # named per test


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"trust_point": "XXCVCA99999"}, (Reason.TRUST_POINT_UNKNOWN, {})),
        ({"card_access": b"\x31\x00"}, (Reason.CARD_ACCESS_MALFORMED, {})),
        ({"card_access": b"junk"}, (Reason.CARD_ACCESS_MALFORMED, {})),
        ({"status_words": ()}, (Reason.ANSWERS_MALFORMED, {"field": "status_words"})),
        (
            {"status_words": (0x9000, 0x6A80, 0x9000, 0x9000, 0x9000, 0x9000)},
            (Reason.CARD_REFUSED, {"statusWord": "6A80", "command": "PSO:VERIFY CERTIFICATE"}),
        ),
        (
            {"status_words": (0x9000, 0x6300, 0x9000, 0x9000, 0x9000, 0x9000)},
            (Reason.CARD_NOT_AUTHENTIC, {}),
        ),
    ],
    ids=["trust-point", "empty-access", "junk-access", "no-words", "bad-word", "not-verified"],
)
async def test_report_that_does_not_fit_has_its_reason(
    center: Center,
    card: MemoryCard,
    changes: dict[str, object],
    expected: tuple[Reason, dict[str, str]],
) -> None:
    window = center.window(card)
    await window.hello()
    shown = window.present()
    await window.send(ready=window.report(report_of(shown, **changes)))

    assert await refused(window.receive()) == expected


@pytest.mark.parametrize("changes", [{"id_picc": bytes(32)}, {"r_picc": bytes(8)}])
async def test_terminal_that_lies_about_the_card_makes_the_card_refuse(
    center: Center, card: MemoryCard, changes: dict[str, object]
) -> None:
    window = center.window(card)
    await window.hello()
    shown = window.present()
    await window.send(ready=window.report(report_of(shown, **changes)))
    await window.send(answers=window.relay((await window.receive()).batch))

    assert await refused(window.receive()) == (Reason.CARD_NOT_AUTHENTIC, {})


async def test_plan_made_for_another_terminal_makes_the_card_refuse(
    center: Center, card: MemoryCard
) -> None:
    other = center.window(card, "02")
    window = center.window(card, "01")
    await window.hello()
    plan_of_other = await other.hello()
    await window.send(ready=window.present(plan_of_other))
    await window.send(answers=window.relay((await window.receive()).batch))

    assert await refused(window.receive()) == (Reason.CARD_NOT_AUTHENTIC, {})
    assert center.register.sessions == []


async def first_answers(window: Window) -> pb.Answers:
    await window.hello()
    await window.send(ready=window.present())
    return window.relay((await window.receive()).batch)


async def test_truncated_answers_are_refused(center: Center, card: MemoryCard) -> None:
    window = center.window(card)
    answers = await first_answers(window)
    await window.send(answers=pb.Answers(batch_number=1, responses=answers.responses[:3]))

    assert await refused(window.receive()) == (
        Reason.ANSWERS_TRUNCATED,
        {"expected": "4", "got": "3"},
    )


async def test_answers_with_another_batch_number_are_out_of_order(
    center: Center, card: MemoryCard
) -> None:
    window = center.window(card)
    answers = await first_answers(window)
    await window.send(answers=pb.Answers(batch_number=2, responses=answers.responses))

    reason, _ = await refused(window.receive())

    assert reason is Reason.STEP_OUT_OF_ORDER


async def test_answers_sent_twice_are_out_of_order(center: Center, card: MemoryCard) -> None:
    window = center.window(card)
    answers = await first_answers(window)
    await window.send(answers=answers)
    await window.receive()
    await window.send(answers=answers)

    reason, _ = await refused(window.receive())

    assert reason is Reason.STEP_OUT_OF_ORDER


async def test_answers_of_the_card_in_wrong_order_are_not_authentic(
    center: Center, card: MemoryCard
) -> None:
    window = center.window(card)
    answers = await first_answers(window)
    shuffled = [answers.responses[index] for index in (0, 3, 2, 1)]
    await window.send(answers=pb.Answers(batch_number=1, responses=shuffled))

    reason, _ = await refused(window.receive())

    assert reason is Reason.CARD_NOT_AUTHENTIC


async def test_answers_replayed_from_another_session_are_not_authentic(
    center: Center, card: MemoryCard
) -> None:
    first = center.window(card, "02")
    old = await first_answers(first)
    card.session = MemoryCard(card.memory).session
    window = center.window(card)
    await first_answers(window)
    await window.send(answers=old)

    reason, _ = await refused(window.receive())

    assert reason is Reason.CARD_NOT_AUTHENTIC
    assert center.register.sessions == []


async def test_code_replayed_from_another_session_is_not_authentic(
    center: Center, card: MemoryCard
) -> None:
    first = center.window(card, "02")
    await first.send(answers=await first_answers(first))
    old = first.relay((await first.receive()).batch)
    card.session = MemoryCard(card.memory).session
    window = center.window(card)
    await window.send(answers=await first_answers(window))
    await window.receive()
    await window.send(answers=old)

    reason, _ = await refused(window.receive())

    assert reason is Reason.CARD_NOT_AUTHENTIC


async def after_chip_authentication(center: Center, card: MemoryCard) -> Reason:
    """Go as far as the checks between Chip Authentication and DG1; return the refusal."""
    window = center.window(card)
    await window.send(answers=await first_answers(window))
    reason, _ = await refused(window.receive())
    return reason


async def test_card_that_is_not_registered_is_unknown(center: Center, pki: PKIFolder) -> None:
    stranger = MemoryCard.personalised(pki)

    assert await after_chip_authentication(center, stranger) is Reason.CARD_UNKNOWN
    (event,) = center.register.events
    assert (event.cause, event.resource) == (Reason.CARD_UNKNOWN, stranger.serial.hex())


async def test_card_of_another_signer_is_not_authentic(
    center: Center, card: MemoryCard, pki: PKIFolder, other_pki: PKIFolder
) -> None:
    foreign = MemoryCard.personalised(other_pki)
    own = MemoryCard.personalised(pki).memory
    trusting = MemoryCard(replace(foreign.memory, trust_points=own.trust_points))
    center.register.enter(trusting.serial)

    assert await after_chip_authentication(center, trusting) is Reason.CARD_NOT_AUTHENTIC


async def test_clone_without_the_chip_key_is_not_authentic(
    center: Center, card: MemoryCard, pki: PKIFolder
) -> None:
    clone = card.with_chip_key_of(MemoryCard.personalised(pki))

    assert await after_chip_authentication(center, clone) is Reason.CARD_NOT_AUTHENTIC
    (event,) = center.register.events
    assert event.resource == ""


async def test_card_access_that_was_not_signed_is_not_authentic(
    center: Center, card: MemoryCard
) -> None:
    window = center.window(card)
    await window.hello()
    shown = window.present()
    changed = with_older_protocol(shown.card_access)
    await window.send(ready=window.report(report_of(shown, card_access=changed)))
    await window.send(answers=window.relay((await window.receive()).batch))

    reason, _ = await refused(window.receive())

    assert reason is Reason.CARD_NOT_AUTHENTIC


def with_older_protocol(card_access: bytes) -> bytes:
    """Return EF.CardAccess with Terminal Authentication version 1 offered as well."""
    identifier, version = bytes.fromhex("060804007f0007020202"), b"\x02\x01\x01"
    offered = tlv.encode(tlv.SEQUENCE, identifier + version)
    return tlv.encode(tlv.SET, tlv.expect(card_access, tlv.SET) + offered)


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (CardStatus.SUSPENDED, Reason.CARD_SUSPENDED),
        (CardStatus.REVOKED, Reason.CARD_REVOKED),
        (CardStatus.LAPSED, Reason.CARD_REVOKED),
        (CardStatus.RETURNED, Reason.CARD_REVOKED),
    ],
)
async def test_card_that_is_not_active_is_refused_before_its_code_is_read(
    center: Center, card: MemoryCard, status: CardStatus, reason: Reason
) -> None:
    center.register.enter(card.serial, status=status)

    assert await after_chip_authentication(center, card) is reason


async def test_card_past_its_date_is_refused(center: Center, card: MemoryCard) -> None:
    center.register.enter(card.serial, valid_until=date(2020, 1, 1))

    assert await after_chip_authentication(center, card) is Reason.CARD_EXPIRED


async def test_clerks_card_is_not_for_this_purpose_whatever_its_state(
    center: Center, card: MemoryCard
) -> None:
    center.register.enter(card.serial, kind=CardKind.CLERK, status=CardStatus.SUSPENDED)

    assert await after_chip_authentication(center, card) is Reason.CARD_NOT_FOR_PURPOSE


async def test_code_of_another_person_is_not_authentic(center: Center, pki: PKIFolder) -> None:
    swapped = MemoryCard.personalised(pki, OTHER_CODE)
    center.register.enter(swapped.serial)

    reason, _ = await refused(center.window(swapped).authenticate())

    assert reason is Reason.CARD_NOT_AUTHENTIC
    assert [event.cause for event in center.register.events] == [Cause.CODE_NOT_OF_CARD]
    assert center.register.sessions == []


async def test_code_that_no_register_gives_is_not_authentic(center: Center, pki: PKIFolder) -> None:
    odd = MemoryCard.personalised(pki, "24727059609")
    center.register.enter(odd.serial)

    reason, _ = await refused(center.window(odd).authenticate())

    assert reason is Reason.CARD_NOT_AUTHENTIC


async def test_defect_of_the_center_does_not_show_its_text(
    center: Center, card: MemoryCard
) -> None:
    center.register.codes = None  # type: ignore[assignment]  # the defect: a look-up that fails

    reason, facts = await refused(center.window(card).authenticate())

    assert reason is Reason.INTERNAL
    assert facts.keys() == {"incident"}
    assert facts["incident"] in center.edge.log_text()


async def test_card_suspended_while_in_the_reader_gives_no_session(
    center: Center, card: MemoryCard
) -> None:
    window = center.window(card)
    await window.send(answers=await first_answers(window))
    last = window.relay((await window.receive()).batch)
    center.register.enter(card.serial, status=CardStatus.SUSPENDED)
    await window.send(answers=last)

    reason, _ = await refused(window.receive())

    assert reason is Reason.CARD_SUSPENDED
    assert center.register.sessions == []


async def test_log_of_a_session_holds_neither_code_nor_serial(
    center: Center, card: MemoryCard
) -> None:
    await center.window(card).authenticate()

    text = center.edge.log_text()
    assert "24727059608" not in text
    assert card.serial.hex() not in text
