"""A copy at a window: the card session, and the issue that it is for."""

from __future__ import annotations

import asyncio
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
    from collections.abc import Callable, Iterable, Sequence

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

    async def _serve(self, window: Window, card: HeldCard, ended: Callable[[Ending], None]) -> None:
        try:
            session = await _authenticated(window, card, self._verification)
            ending = await self._issue(window, session) if self._issues else DONE
        except Over as over:
            ending = over.ending
        except (CardError, DecodeError, ValueError):
            # What the card or its reader do not take, no window could go on with.
            ending = ANSWER_WRONG
        finally:
            self._cards.append(card)
        ended(ending)

    async def _issue(self, window: Window, session_id: bytes) -> Ending:
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
