"""CardSessionService: carries the center's flow over one stream, with its times and its end.

The ephemeral key lives in this stream's memory only. What a card must show is in `card_flow`, and
what a finished session is good for is decided in the areas.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec as asymmetric

from juki_card import attestation, eac, ec
from juki_card.auxiliary import AuxiliaryData
from juki_card.flow import Batch, Dialogue
from juki_card.transcript import Transcript
from juki_center.areas.cards.sessions import (
    RecordFailure,
    RecordSession,
    find_card,
    record_failure,
    record_session,
)
from juki_center.errors import Reason, Refusal
from juki_center.rpc import card_flow, card_messages
from juki_center.rpc.callers import terminal as terminal_of
from juki_center.rpc.card_material import DOMAIN
from juki_center.rpc.durable import durably
from juki_center.rpc.peers import Caller, current_caller
from juki_center.rpc.whole_writes import write_whole
from jukinet.card.v1 import card_session_service_pb2 as pb
from jukinet.card.v1 import card_session_service_pb2_grpc as pb_grpc

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    import grpc

    from juki_center.areas.callers import Terminal
    from juki_center.areas.cards.register import CardSession, Purpose
    from juki_center.areas.ports import Store
    from juki_center.config import SessionTimes
    from juki_center.rpc.card_flow import Authenticated
    from juki_center.rpc.card_material import Access, CardMaterial
    from juki_center.rpc.open_sessions import OpenSessions

_HELLO_WITHIN: Final = timedelta(seconds=10)
_CLOCK_SKEW: Final = timedelta(seconds=60)
_SESSION_ID_SIZE: Final = 16
_PROTECTION: Final = {1: pb.Batch.PROTECTION_TERMINAL, 2: pb.Batch.PROTECTION_END_TO_END}


@dataclass(frozen=True, slots=True)
class Deadline:
    """Until when a message must have come, and the refusal when it has not."""

    at: datetime
    refusal: Refusal

    @classmethod
    def after(cls, start: datetime, span: timedelta, reason: Reason, **facts: str) -> Deadline:
        """Return the deadline `span` after `start`."""
        return cls(start + span, Refusal(reason, **facts))


class Messages:
    """The stream's two directions, one message at a time."""

    def __init__(
        self,
        requests: AsyncIterator[pb.AuthenticateRequest],
        write: Callable[[pb.AuthenticateResponse], Awaitable[None]],
        clock: Callable[[], datetime],
    ) -> None:
        self._requests = requests
        self._clock = clock
        self._write = write

    async def write(self, message: pb.AuthenticateResponse) -> None:
        """Write a message, and be cancelled after it only."""
        await write_whole(self._write, message)

    async def next(self, step: str, deadline: Deadline) -> pb.AuthenticateRequest:
        """Return the next message, which must be `step`; raise its refusal when time is over."""
        remaining = (deadline.at - self._clock()).total_seconds()
        try:
            async with asyncio.timeout(max(remaining, 0)):
                message = await anext(self._requests)
        except TimeoutError:
            raise deadline.refusal from None
        except StopAsyncIteration:
            raise Refusal(Reason.STEP_OUT_OF_ORDER, expected=step, got="end") from None
        if self._clock() > deadline.at:
            raise deadline.refusal
        got = message.WhichOneof("step")
        if got != step:
            raise Refusal(Reason.STEP_OUT_OF_ORDER, expected=step, got=got or "nothing")
        return message


@dataclass(frozen=True, slots=True)
class Opened:
    """A session after hello: what was promised to the terminal, and the secrets behind it."""

    session_id: bytes
    purpose: Purpose
    plan: eac.Plan
    keys: eac.CenterKeys
    description: bytes = field(repr=False)
    expires_at: datetime

    @classmethod
    def new(  # all facts of a plan are settled here, by name
        cls,
        access: Access,
        *,
        session_id: bytes,
        ephemeral: ec.PrivateKey,
        purpose: Purpose,
        certificate_sha256: bytes,
        expires_at: datetime,
    ) -> Opened:
        """Bind a fresh session to its purpose and to the terminal's certificate."""
        number = card_messages.purpose_number(purpose)
        plan = eac.Plan(
            chat=access.chat,
            chains=access.chains,
            domain=DOMAIN,
            ephemeral=ec.encode_point(ephemeral.public_key()),
            auxiliary=AuxiliaryData(certificate_sha256, session_id, number).encode(),
        )
        keys = eac.CenterKeys(access.key, ephemeral)
        return cls(session_id, purpose, plan, keys, access.description, expires_at)

    def message(self) -> pb.AuthenticateResponse:
        """Write the plan."""
        chains = [
            pb.CertificateChain(
                trust_point=chain.trust_point,
                certificates=[certificate.encode() for certificate in chain.certificates],
            )
            for chain in self.plan.chains
        ]
        message = pb.Plan(
            version=card_messages.VERSION,
            session_id=self.session_id,
            chat=self.plan.chat.value(),
            certificate_description=self.description,
            chains=chains,
            domain_parameter=self.plan.domain.parameter_id,
            ephemeral_public_key=self.plan.ephemeral,
            auxiliary_data=self.plan.auxiliary,
        )
        message.expires_at.FromDatetime(self.expires_at)
        return pb.AuthenticateResponse(plan=message)


@dataclass(frozen=True, slots=True)
class Parts:
    """What every session stands on."""

    store: Store
    material: Callable[[datetime], CardMaterial]
    open_sessions: OpenSessions
    times: SessionTimes
    clock: Callable[[], datetime]


class CardSessions(pb_grpc.CardSessionServiceServicer):
    """The servicer."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def Authenticate(  # type: ignore[override]  # noqa: N802  # asyncio, the proto's name
        self,
        request_iterator: AsyncIterator[pb.AuthenticateRequest],
        context: grpc.aio.ServicerContext[pb.AuthenticateRequest, pb.AuthenticateResponse],
    ) -> None:
        """Run one session; refusals leave as exceptions."""
        caller = current_caller()
        terminal = terminal_of(caller.identity)
        messages = Messages(request_iterator, context.write, self._parts.clock)
        with self._parts.open_sessions.slot(terminal.uri):
            await Session(self._parts, caller, terminal, messages).run()


class Session:
    """One session from hello to result."""

    def __init__(
        self, parts: Parts, caller: Caller, terminal: Terminal, messages: Messages
    ) -> None:
        self._parts = parts
        self._caller = caller
        self._terminal = terminal
        self._messages = messages

    async def run(self) -> None:
        """Take the steps in their order."""
        opened = await self._open()
        await self._messages.write(opened.message())
        promised = Deadline(opened.expires_at, Refusal(Reason.PLAN_EXPIRED))
        message = await self._messages.next("ready", promised)
        progress = card_flow.Progress()
        try:
            authenticated = await self._authenticate(opened, message.ready, progress)
        except Refusal as refusal:
            await self._log_refusal(opened.purpose, refusal.reason, progress)
            raise
        session = await self._record(opened, authenticated)
        result = card_messages.result_message(
            session.session_id, session.usable_until, session.transcript_hash
        )
        # A terminal that has the result may hang up before the write returns; the session stands.
        with contextlib.suppress(asyncio.CancelledError):
            await self._messages.write(result)

    async def _open(self) -> Opened:
        now = self._parts.clock()
        in_time = Deadline.after(
            now, _HELLO_WITHIN, Reason.STEP_OUT_OF_ORDER, expected="hello", got="nothing"
        )
        purpose = card_messages.hello((await self._messages.next("hello", in_time)).hello)
        return Opened.new(
            self._parts.material(now).access[purpose],
            session_id=secrets.token_bytes(_SESSION_ID_SIZE),
            ephemeral=asymmetric.generate_private_key(DOMAIN.curve),
            purpose=purpose,
            certificate_sha256=self._caller.certificate_sha256,
            expires_at=self._parts.clock() + self._parts.times.plan,
        )

    async def _authenticate(
        self, opened: Opened, message: pb.Ready, progress: card_flow.Progress
    ) -> Authenticated:
        now = self._parts.clock()
        ready = card_messages.ready(message)
        verify_attestation(self._caller, opened.session_id, ready, now)
        flow = card_flow.authenticate(
            opened.plan,
            opened.keys,
            ready.report(),
            transcript=Transcript(opened.session_id, self._caller.certificate_sha256),
            checks=self._checks(opened.purpose, now),
            progress=progress,
        )
        in_time = Deadline.after(now, self._parts.times.ready, Reason.SESSION_EXPIRED)
        with contextlib.closing(Dialogue(flow)) as dialogue:
            return await self._relay(dialogue, in_time)

    def _checks(self, purpose: Purpose, now: datetime) -> card_flow.Checks:
        store = self._parts.store

        def require_usable(serial: bytes) -> object:
            return store.read(lambda tx: find_card(tx, serial, purpose, now))

        return card_flow.Checks(self._parts.material(now).card_signers, now, require_usable)

    async def _relay(self, dialogue: Dialogue[Authenticated], in_time: Deadline) -> Authenticated:
        state, number = dialogue.start(), 0
        while isinstance(state, Batch):
            number += 1
            await self._messages.write(
                card_messages.batch_message(state, number, _PROTECTION[number])
            )
            message = await self._messages.next("answers", in_time)
            state = dialogue.answer(card_messages.answers(message.answers, state, number))
        return state.value

    async def _record(self, opened: Opened, authenticated: Authenticated) -> CardSession:
        command = RecordSession(
            terminal=self._terminal,
            session_id=opened.session_id,
            purpose=opened.purpose,
            card_serial=authenticated.serial,
            resident_code=authenticated.resident_code,
            transcript_hash=authenticated.transcript_hash,
            usable_for=self._parts.times.usable,
        )
        now = self._parts.clock()
        return await durably(self._parts.store.act(lambda tx: record_session(tx, command, now)))

    async def _log_refusal(
        self, purpose: Purpose, reason: Reason, progress: card_flow.Progress
    ) -> None:
        if reason not in card_flow.AUDITED:
            return
        command = RecordFailure(self._terminal, purpose, reason, progress.serial)
        now = self._parts.clock()
        await durably(self._parts.store.act(lambda tx: record_failure(tx, command, now)))


def verify_attestation(
    caller: Caller, session_id: bytes, ready: card_messages.Ready, now: datetime
) -> None:
    """Check what the terminal signed; raise TERMINAL_ATTESTATION_INVALID."""
    octets = attestation.octets(session_id, ready.id_picc, ready.attested_at)
    if abs(now.timestamp() - ready.attested_at) > _CLOCK_SKEW.total_seconds():
        raise Refusal(Reason.TERMINAL_ATTESTATION_INVALID)
    try:
        caller.public_key.verify(ready.attestation, octets, asymmetric.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        raise Refusal(Reason.TERMINAL_ATTESTATION_INVALID) from None
