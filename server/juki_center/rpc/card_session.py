"""CardSessionService: carries the center's flow over one stream, with its times and its end.

The ephemeral key lives in this stream's memory only. What a card must show is in `card_flow`, and
what a finished session is good for is decided in the areas.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec as asymmetric

from juki_card import attestation, eac, ec
from juki_card.auxiliary import AuxiliaryData
from juki_card.transcript import Transcript
from juki_center.areas.audit.events import DeniedAttempt
from juki_center.areas.calls import about_card
from juki_center.areas.cards.register import Purpose
from juki_center.areas.cards.sessions import (
    RecordFailure,
    RecordSession,
    find_card,
    record_failure,
    record_session,
)
from juki_center.areas.cards.unlocks import attempt_unlock
from juki_center.areas.clerks.sign_ins import RefusedSignIn, count_refusal
from juki_center.errors import Reason, Refusal
from juki_center.rpc import card_flow, card_messages
from juki_center.rpc.callers import terminal as terminal_of
from juki_center.rpc.card_material import DOMAIN
from juki_center.rpc.card_stream import Deadline, Messages, Relay
from juki_center.rpc.durable import durably
from juki_center.rpc.peers import Caller, current_caller
from jukinet.card.v1 import card_session_service_pb2 as pb
from jukinet.card.v1 import card_session_service_pb2_grpc as pb_grpc

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    import grpc

    from juki_card.eac import ChipResult
    from juki_center.areas.callers import Terminal
    from juki_center.areas.cards.register import CardSession
    from juki_center.areas.cards.unlock_rows import UnlockMode
    from juki_center.areas.ports import Store
    from juki_center.areas.residents.codes import ResidentCode
    from juki_center.config import SessionTimes
    from juki_center.rpc.card_material import Access, CardMaterial
    from juki_center.rpc.open_sessions import OpenSessions

_HELLO_WITHIN: Final = timedelta(seconds=10)
_CLOCK_SKEW: Final = timedelta(seconds=60)
_SESSION_ID_SIZE: Final = 16


@dataclass(frozen=True, slots=True)
class Opened:
    """A session after hello: what was promised to the terminal, and the secrets behind it."""

    session_id: bytes
    purpose: Purpose
    act_id: bytes
    plan: eac.Plan
    keys: eac.CenterKeys
    description: bytes = field(repr=False)
    expires_at: datetime

    @classmethod
    def new(  # all facts of a plan are settled here, by name
        cls,
        access: Access,
        wanted: card_messages.Hello,
        *,
        session_id: bytes,
        ephemeral: ec.PrivateKey,
        certificate_sha256: bytes,
        expires_at: datetime,
    ) -> Opened:
        """Bind a fresh session to its purpose and to the terminal's certificate."""
        number = card_messages.purpose_number(wanted.purpose)
        plan = eac.Plan(
            chat=access.chat,
            chains=access.chains,
            domain=DOMAIN,
            ephemeral=ec.encode_point(ephemeral.public_key()),
            auxiliary=AuxiliaryData(certificate_sha256, session_id, number).encode(),
        )
        keys = eac.CenterKeys(access.key, ephemeral)
        return cls(
            session_id=session_id,
            purpose=wanted.purpose,
            act_id=wanted.act_id,
            plan=plan,
            keys=keys,
            description=access.description,
            expires_at=expires_at,
        )

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

    def use(self, times: SessionTimes) -> None:
        """Give the sessions that begin from now on other times; running ones keep theirs."""
        self._parts = replace(self._parts, times=times)

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
        self,
        parts: Parts,
        caller: Caller,
        terminal: Terminal,
        messages: Messages[pb.AuthenticateRequest, pb.AuthenticateResponse],
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
            command = await self._authenticate(opened, message.ready, progress)
        except DeniedAttempt:
            # The act that denied it has written its own leaf.
            raise
        except Refusal as refusal:
            await self._log_refusal(opened.purpose, refusal.reason, progress)
            raise
        session = await self._record(command)
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
        wanted = card_messages.hello((await self._messages.next("hello", in_time)).hello)
        return Opened.new(
            self._parts.material(now).access[wanted.purpose],
            wanted,
            session_id=secrets.token_bytes(_SESSION_ID_SIZE),
            ephemeral=asymmetric.generate_private_key(DOMAIN.curve),
            certificate_sha256=self._caller.certificate_sha256,
            expires_at=self._parts.clock() + self._parts.times.plan,
        )

    async def _authenticate(
        self, opened: Opened, message: pb.Ready, progress: card_flow.Progress
    ) -> RecordSession:
        """Run the batches of the purpose; return what is to be recorded."""
        now = self._parts.clock()
        ready = card_messages.ready(message)
        verify_attestation(self._caller, opened.session_id, ready, now)
        relay = Relay(
            self._messages, Deadline.after(now, self._parts.times.ready, Reason.SESSION_EXPIRED)
        )
        transcript = Transcript(opened.session_id, self._caller.certificate_sha256)
        chip = await relay.run(
            card_flow.authenticate(
                opened.plan,
                opened.keys,
                ready.report(),
                transcript=transcript,
                checks=self._checks(opened.purpose, now),
                progress=progress,
            )
        )
        with contextlib.closing(chip.channel):
            code = await self._after_the_chip(opened, chip, relay, transcript)
        return self._command(opened, chip.serial, transcript.digest(), code)

    async def _after_the_chip(
        self, opened: Opened, chip: ChipResult, relay: Relay, transcript: Transcript
    ) -> ResidentCode | None:
        """Run the second batch where the purpose has one; return the code where it reads one."""
        match opened.purpose:
            case Purpose.CERTIFICATE_COPY:
                return await relay.run(card_flow.read_code(chip, transcript))
            case Purpose.PIN_UNLOCK:
                # What the card may do next is durable before the card can have heard of it.
                mode = await self._attempt(opened.act_id, chip.serial)
                await relay.run(card_flow.unlock_pin(chip, mode, transcript))
            case (
                Purpose.PIN_PROOF
                | Purpose.CARD_CHECK
                | Purpose.CLERK_SIGN_IN
                | Purpose.SPECIAL_MOVE_IN
                | Purpose.OWN_DISCLOSURE
            ):
                pass
        return None

    async def _attempt(self, unlock_id: bytes, serial: bytes) -> UnlockMode:
        now, terminal = self._parts.clock(), self._terminal
        return await durably(
            self._parts.store.act(lambda tx: attempt_unlock(tx, unlock_id, serial, terminal, now))
        )

    def _checks(self, purpose: Purpose, now: datetime) -> card_flow.Checks:
        store = self._parts.store

        def require_usable(serial: bytes) -> None:
            about_card(store.read(lambda tx: tx.cards.origin(find_card(tx, serial, purpose, now))))

        return card_flow.Checks(self._parts.material(now).card_signers, now, require_usable)

    def _command(
        self, opened: Opened, serial: bytes, transcript_hash: bytes, code: ResidentCode | None
    ) -> RecordSession:
        return RecordSession(
            terminal=self._terminal,
            session_id=opened.session_id,
            purpose=opened.purpose,
            card_serial=serial,
            resident_code=code,
            transcript_hash=transcript_hash,
            usable_for=self._parts.times.usable,
        )

    async def _record(self, command: RecordSession) -> CardSession:
        now = self._parts.clock()
        try:
            return await durably(self._parts.store.act(lambda tx: record_session(tx, command, now)))
        except Refusal as refusal:
            await self._count(command.purpose, refusal.reason, command.card_serial)
            raise

    async def _count(self, purpose: Purpose, reason: Reason, serial: bytes | None) -> None:
        """Count a clerk's card that was refused: too many of them stop the card or the terminal."""
        if purpose is not Purpose.CLERK_SIGN_IN:
            return
        now, refused = self._parts.clock(), RefusedSignIn(self._terminal, reason, serial)
        await durably(self._parts.store.act(lambda tx: count_refusal(tx, refused, now)))

    async def _log_refusal(
        self, purpose: Purpose, reason: Reason, progress: card_flow.Progress
    ) -> None:
        if reason not in card_flow.AUDITED:
            return
        command = RecordFailure(self._terminal, purpose, reason, progress.serial)
        now = self._parts.clock()
        await durably(self._parts.store.act(lambda tx: record_failure(tx, command, now)))
        await self._count(purpose, reason, progress.serial)


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
