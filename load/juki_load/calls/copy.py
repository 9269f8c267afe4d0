"""A copy at a window: the card session, and the issue that it is for."""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from collections import deque
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from google.protobuf.message import DecodeError

from juki_audit.receipts import OwnAct
from juki_card import attestation, eac
from juki_card.chat import CHAT
from juki_card.cvc import CVCertificate
from juki_card.domains import domain_of
from juki_card.errors import CardError
from juki_card.transcript import Transcript
from juki_load.calls.conversation import Conversation, Over
from juki_load.calls.held_card import ATR
from juki_load.calls.verification import ANSWER_WRONG
from juki_load.wire.header_blocks import DONE, Ending
from jukinet.card.v1 import card_session_service_pb2 as card_pb
from jukinet.copies.v1 import certificate_copy_service_pb2 as copies_pb
from jukinet.options.v1 import options_pb2

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable, Sequence

    from juki_client.identity import ClientIdentity
    from juki_load.callers import Caller
    from juki_load.calls.held_card import HeldCard
    from juki_load.calls.verification import Verification

SESSION_PATH: Final = "/jukinet.card.v1.CardSessionService/Authenticate"
ISSUE_PATH: Final = "/jukinet.copies.v1.CertificateCopyService/IssueCopy"
_MOST_BATCHES: Final = 8
_FEE_YEN: Final = 300
_HELLO: Final = card_pb.AuthenticateRequest(
    hello=card_pb.Hello(purpose=options_pb2.PURPOSE_CERTIFICATE_COPY, versions=[1])
).SerializeToString()
NO_CARD: Final = Ending(8, "NO_CARD_LEFT")
"""Every card of this process is in a session: the folder needs more cards."""
NO_SESSION: Final = Ending(8, "NO_SESSION_READY")
"""Sessions are not run ahead as fast as they are used up."""
_SESSION_SECONDS: Final = 45.0
"""A session that is older is left alone: the center may have given it up."""


class Window:
    """A terminal with its key, which vouches for the cards that it sees."""

    def __init__(self, caller: Caller, identity: ClientIdentity) -> None:
        """`identity` is the caller's own."""
        self.caller = caller
        self.certificate_hash = identity.certificate_hash
        self.sign = identity.sign


class Copies:
    """Runs card sessions, and issues a copy after each where that is wanted."""

    def __init__(
        self,
        windows: Sequence[Window],
        cards: Iterable[HeldCard],
        verification: Verification,
        *,
        issues: bool = True,
    ) -> None:
        """There must be a window; a card is in one session at a time."""
        self._windows = windows
        self._cards = deque(cards)
        self._verification = verification
        self._issues = issues
        self._next = 0
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, ended: Callable[[Ending], None]) -> None:
        """Serve the next applicant, at the next window."""
        self._next += 1
        self.start_at(self._windows[self._next % len(self._windows)], ended)

    def start_at(self, window: Window, ended: Callable[[Ending], None]) -> None:
        """Serve the next applicant at this window."""
        if not self._cards:
            ended(NO_CARD)
            return
        card = self._cards.popleft()
        task = asyncio.get_running_loop().create_task(self._serve(window, card, ended))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def authenticate(self) -> tuple[Window, bytes]:
        """Run one session at the next window; return where, and its id. Raises Over."""
        self._next += 1
        window = self._windows[self._next % len(self._windows)]
        if not self._cards:
            raise Over(NO_CARD)
        card = self._cards.popleft()
        try:
            return window, await self._session(window, card)
        finally:
            self._cards.append(card)

    async def _serve(self, window: Window, card: HeldCard, ended: Callable[[Ending], None]) -> None:
        try:
            session = await self._session(window, card)
            ending = await self.issue(window, session) if self._issues else DONE
        except Over as over:
            ending = over.ending
        finally:
            self._cards.append(card)
        ended(ending)

    async def _session(self, window: Window, card: HeldCard) -> bytes:
        try:
            return await _authenticated(window, card, self._verification)
        except (CardError, DecodeError, ValueError) as error:
            # What the card or its reader do not take, no window could go on with.
            raise Over(ANSWER_WRONG) from error

    async def issue(self, window: Window, session_id: bytes) -> Ending:
        """Ask for the copy; raises Over where that is refused."""
        request = uuid.uuid4()
        message = copies_pb.IssueCopyRequest(
            request_id=str(request),
            card_session_id=session_id,
            scope=copies_pb.IssueCopyRequest.SCOPE_SELF,
            fee_yen=_FEE_YEN,
        )
        octets = await answered(window.caller, ISSUE_PATH, message.SerializeToString())
        if self._verification.is_drawn():
            answer = copies_pb.IssueCopyResponse.FromString(octets)
            receipt = answer.receipt if answer.HasField("receipt") else None
            act = OwnAct("COPY_ISSUED", window.caller.uri, 0, request_id=request.bytes)
            return self._verification.fault(receipt, act) or DONE
        return DONE


class PreparedSessions:
    """Issues copies for card sessions that were run ahead, so that the issue alone is measured."""

    def __init__(self, copies: Copies, most: int) -> None:
        """Keep so many sessions ready, or as many as there are cards."""
        self._copies = copies
        self._most = most
        self._ready: deque[tuple[float, Window, bytes]] = deque()
        self._tasks: set[asyncio.Task[None]] = set()

    async def prepare(self) -> None:
        """Run sessions until enough are ready; raise Over where one is refused."""
        while len(self._ready) < self._most:
            await self._prepare_one()

    def start(self, ended: Callable[[Ending], None]) -> None:
        """Issue a copy for the oldest session that the center still takes; run another one."""
        loop = asyncio.get_running_loop()
        while self._ready:
            made, window, session = self._ready.popleft()
            self._spawn(self._refill())
            if loop.time() - made < _SESSION_SECONDS:
                self._spawn(self._issue(window, session, ended))
                return
        self._spawn(self._refill())
        ended(NO_SESSION)

    async def _issue(self, window: Window, session: bytes, ended: Callable[[Ending], None]) -> None:
        try:
            ended(await self._copies.issue(window, session))
        except Over as over:
            ended(over.ending)

    async def _refill(self) -> None:
        """Run one session more; one that is refused is missed by a later issue."""
        with contextlib.suppress(Over):
            await self._prepare_one()

    async def _prepare_one(self) -> None:
        window, session = await self._copies.authenticate()
        self._ready.append((asyncio.get_running_loop().time(), window, session))

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def answered(caller: Caller, path: str, message: bytes) -> bytes:
    """Make a unary call and return its answer; raise Over for every other end."""
    waiting = _Answer()
    caller.call(path, message, waiting)
    ending = await waiting.future
    if not ending.is_ok:
        raise Over(ending)
    return waiting.octets


class _Answer:
    """Waits for the end of one call."""

    def __init__(self) -> None:
        self.octets = b""
        self.future: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()

    def message(self, octets: bytes) -> None:
        """Keep the answer."""
        self.octets = octets

    def ended(self, ending: Ending) -> None:
        """Wake who waits."""
        if not self.future.done():
            self.future.set_result(ending)


async def _authenticated(window: Window, card: HeldCard, verification: Verification) -> bytes:
    """Run one card session; return its id. Raises Over, and CardError for what the card refuses."""
    talk = await Conversation.begin(window.caller, SESSION_PATH)
    try:
        talk.send(_HELLO)
        step = card_pb.AuthenticateResponse.FromString(await talk.receive())
        plan = _plan(step.plan)
        transcript = Transcript(step.plan.session_id, window.certificate_hash)
        ready = card.open(plan)
        eac.add_opening(transcript, plan, ready)
        talk.send(_ready(window, step.plan.session_id, ready))
        result = await _relay(talk, card, transcript)
        talk.finish()
    except BaseException:
        talk.cancel()
        raise
    if result.result.transcript_hash != transcript.digest():
        raise Over(ANSWER_WRONG)
    if verification.is_drawn():
        session = result.result.session_id
        act = OwnAct("CARD_AUTHENTICATED", window.caller.uri, 0, resource=session.hex())
        fault = verification.fault(result.receipt if result.HasField("receipt") else None, act)
        if fault is not None:
            raise Over(fault)
    return result.result.session_id


async def _relay(
    talk: Conversation, card: HeldCard, transcript: Transcript
) -> card_pb.AuthenticateResponse:
    """Give the center's batches to the card until the result comes."""
    for _ in range(_MOST_BATCHES):
        step = card_pb.AuthenticateResponse.FromString(await talk.receive())
        if step.WhichOneof("step") == "result":
            return step
        answers = []
        by_terminal = step.batch.protection == card_pb.Batch.PROTECTION_TERMINAL
        for command in step.batch.commands:
            answer = card.answer(command.apdu, by_terminal=by_terminal)
            transcript.add(command.apdu, answer)
            answers.append(answer)
            if int.from_bytes(answer[-2:]) not in command.acceptable_status_words:
                break
        said = card_pb.Answers(batch_number=step.batch.number, responses=answers)
        talk.send(card_pb.AuthenticateRequest(answers=said).SerializeToString())
    raise Over(ANSWER_WRONG)


def _plan(plan: card_pb.Plan) -> eac.Plan:
    return eac.Plan(
        chat=CHAT.from_value(plan.chat),
        chains=tuple(
            eac.Chain(chain.trust_point, tuple(map(_certificate, chain.certificates)))
            for chain in plan.chains
        ),
        domain=domain_of(plan.domain_parameter),
        ephemeral=plan.ephemeral_public_key,
        auxiliary=plan.auxiliary_data,
    )


@lru_cache(maxsize=64)
def _certificate(octets: bytes) -> CVCertificate:
    """Return a certificate of the center's chain, which is the same for hours."""
    return CVCertificate.decode(octets)


def _ready(window: Window, session_id: bytes, ready: eac.Ready) -> bytes:
    attested_at = int(time.time())
    said = card_pb.Ready(
        atr=ATR,
        card_access=ready.card_access,
        trust_point=ready.trust_point,
        id_picc=ready.id_picc,
        r_picc=ready.r_picc,
        status_words=ready.status_words,
        attestation=window.sign(attestation.octets(session_id, ready.id_picc, attested_at)),
    )
    said.attested_at.seconds = attested_at
    return card_pb.AuthenticateRequest(ready=said).SerializeToString()
