"""A card session at a terminal, from hello to result: what `Authenticate` asks of a client.

    with Center(address, identity, trust) as center:
        card = authenticate(center, open_reader("pcsc:Reader"), pin_source)

The purpose says what opens the card: the holder's PIN, or at a window the number from the card's
face (CAN). PACE and the opening of Terminal Authentication run here; the rest is relayed (`relay`).
PIN, CAN and the keys of PACE never leave this process, and the last step of PACE is never repeated
by itself: each try is the holder's own.
"""

from __future__ import annotations

import hmac
import secrets
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Protocol

from google.protobuf.timestamp_pb2 import Timestamp

from juki_card import attestation, eac, pace
from juki_card.apdu import ResponseAPDU
from juki_card.errors import CanWrong, ParseError, PinWrong
from juki_card.flow import run
from juki_card.passwords import PasswordReference
from juki_card.transcript import Transcript
from juki_client.outcome import Problem
from juki_terminal import plan as plans
from juki_terminal.card_problems import card_problems
from juki_terminal.lock_report import report_lock
from juki_terminal.reader import connected
from juki_terminal.relay import Relay
from juki_terminal.stream import SessionStream
from jukinet.card.v1 import card_session_service_pb2 as card_pb
from jukinet.options.v1 import options_pb2

if TYPE_CHECKING:
    from collections.abc import Callable

    from juki_card.flow import Transmit
    from juki_card.passwords import Can, Pin
    from juki_terminal.can import CanSource
    from juki_terminal.channel import Center
    from juki_terminal.pin import PinSource
    from juki_terminal.reader import Reader

_MARGIN_SECONDS: Final = 2.0
_GUARDED: Final = frozenset(
    (
        options_pb2.PURPOSE_CERTIFICATE_COPY,
        options_pb2.PURPOSE_CLERK_SIGN_IN,
        options_pb2.PURPOSE_SPECIAL_MOVE_IN,
    )
)
_NOT_ENTERED: Final = frozenset(("PIN_NOT_ENTERED", "CARD_ACCESS_NUMBER_NOT_ENTERED"))


class Stage(StrEnum):
    """How far a session has come, for people who wait."""

    CARD_AWAITED = "card_awaited"
    CARD_IN = "card_in"
    PIN_WRONG = "pin_wrong"
    PIN_RIGHT = "pin_right"
    PIN_LOCKED = "pin_locked"
    CAN_WRONG = "can_wrong"
    CAN_RIGHT = "can_right"
    CARD_CHECKED = "card_checked"


def _utc_now() -> datetime:
    return datetime.now(UTC)


def _ignore(stage: Stage) -> None:  # noqa: ARG001  # nobody waits
    return


class CardGuard(Protocol):
    """What looks at a card before the center does."""

    def begin(self) -> None:
        """Raise Problem where no session may begin."""

    def refuse(self, serial: bytes) -> None:
        """Raise Problem for a card that must not be taken."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Clock, randomness, patience and audience of a session. Times are in seconds."""

    card_wait_seconds: float = 30.0
    pin_timeout_seconds: float = 90.0
    now: Callable[[], datetime] = _utc_now
    random: Callable[[int], bytes] = secrets.token_bytes
    progress: Callable[[Stage], None] = field(default=_ignore)
    guard: CardGuard | None = None
    """Looks at the cards of sessions that only an active card can pass."""


@dataclass(frozen=True, slots=True)
class AuthenticatedCard:
    """A session that succeeded: the card is genuine, and fit for the purpose of the session."""

    session_id: bytes
    usable_until: datetime
    transcript_hash: bytes


def authenticate(
    center: Center,
    reader: Reader,
    source: PinSource | CanSource,
    *,
    purpose: options_pb2.Purpose.ValueType = options_pb2.PURPOSE_CERTIFICATE_COPY,
    act_id: bytes = b"",
    surroundings: Surroundings | None = None,
) -> AuthenticatedCard:
    """Run one card session; return what an act needs to use it.

    `source` gives what the purpose wants (`plan.password_for`): a PIN for CERTIFICATE_COPY,
    PIN_PROOF, CLERK_SIGN_IN, SPECIAL_MOVE_IN and OWN_DISCLOSURE, a CAN for CARD_CHECK and
    PIN_UNLOCK. `act_id`
    names the unlock of a PIN_UNLOCK session, 16 bytes.

    Raises Problem: the center's reasons, PLAN_NOT_FOR_TERMINAL and the like where the center's
    messages do not fit this terminal, PIN_WRONG, PIN_LOCKED, PIN_NOT_ENTERED,
    CARD_ACCESS_NUMBER_WRONG, CARD_ACCESS_NUMBER_NOT_ENTERED, those of the card and the reader, and
    RECEIPT_MISSING and the like where the audit log does not show the session.
    Whatever is raised, the card was reset and no key is left. A locked PIN is reported to the
    center, after the audience of `surroundings` was told, without a word of whose it is.
    """
    around = surroundings or Surroundings()
    hello = card_pb.Hello(purpose=purpose, versions=[plans.VERSION], act_id=act_id)
    try:
        with center.for_session() as bound:
            return _authenticate(bound, reader, source, hello, around)
    except Problem as problem:
        if problem.reason == "PIN_LOCKED":
            around.progress(Stage.PIN_LOCKED)
            report_lock(center)
        raise


def _authenticate(
    center: Center,
    reader: Reader,
    source: PinSource | CanSource,
    hello: card_pb.Hello,
    around: Surroundings,
) -> AuthenticatedCard:
    purpose = hello.purpose
    # At a window a stopped card is looked at, and its PIN unlocked, on purpose.
    guard = around.guard if purpose in _GUARDED else None
    if guard is not None:
        guard.begin()
    with closing(SessionStream(center)) as stream:
        stream.send(card_pb.AuthenticateRequest(hello=hello))
        plan = plans.check(
            stream.receive_plan(), purpose, center.pins, center.trust.cvca, around.now()
        )
        around.progress(Stage.CARD_AWAITED)
        with connected(reader, around.card_wait_seconds) as atr:
            around.progress(Stage.CARD_IN)
            session = _Session(center, stream, plan, reader, around, guard)
            return session.run(atr, source, plans.password_for(purpose))


class _Session:
    """One card in the reader, one checked plan, one stream."""

    def __init__(
        self,
        center: Center,
        stream: SessionStream,
        plan: plans.CheckedPlan,
        reader: Reader,
        around: Surroundings,
        guard: CardGuard | None,
    ) -> None:
        self._center = center
        self._guard = guard
        self._stream = stream
        self._plan = plan
        self._around = around
        self._transmit: Transmit = lambda command: ResponseAPDU.decode(
            reader.transmit(command.encode())
        )

    def run(
        self, atr: bytes, source: PinSource | CanSource, reference: PasswordReference
    ) -> AuthenticatedCard:
        """Run the APDUs of a session and return the result."""
        with card_problems():
            prepared = self._prepare(reference)
            card = self._present(prepared, source, reference)
            with closing(card.channel):
                is_pin = reference is PasswordReference.PIN
                self._around.progress(Stage.PIN_RIGHT if is_pin else Stage.CAN_RIGHT)
                transcript = Transcript(self._plan.session_id, self._center.pins.certificate_hash)
                eac.add_opening(transcript, self._plan.for_card, card.ready)
                ready = self._report(atr, card.ready)
                self._stream.send(card_pb.AuthenticateRequest(ready=ready))
                result = Relay(self._transmit, card.channel, transcript, self._refuse).run(
                    self._stream
                )
                self._stream.finish()
        return self._checked(result, transcript)

    def _refuse(self, serial: bytes) -> None:
        if self._guard is not None:
            self._guard.refuse(serial)

    def _prepare(self, reference: PasswordReference) -> eac.Prepared:
        """Read EF.CardAccess and the tries that are left, before the PIN is asked."""
        try:
            prepared = run(eac.prepare(self._plan.for_card.chat, reference), self._transmit)
        except ParseError as error:
            raise Problem("CARD_ACCESS_MALFORMED") from error
        if prepared.access.chip_authentication_domain is not self._plan.for_card.domain:
            raise Problem("CARD_ACCESS_MALFORMED", {"field": "domain"})
        return prepared

    def _present(
        self, prepared: eac.Prepared, source: PinSource | CanSource, reference: PasswordReference
    ) -> eac.CardReady:
        """Ask for the password until the card takes it, blocks, or the plan's time is over."""
        tries_left = prepared.password.tries_left
        wrong: PinWrong | CanWrong | None = None
        while True:
            password = self._ask(source, tries_left, wrong)
            if password.reference is not reference:
                # A source of the other kind would burn a try of the PIN with a number that is none.
                raise Problem("USAGE_INVALID", {"field": "purpose", "rule": reference.name})
            try:
                return self._open(prepared, password)
            except PinWrong as error:
                if error.tries_left == 0:
                    raise
                wrong = error
                self._around.progress(Stage.PIN_WRONG)
            except CanWrong as error:
                wrong = error
                self._around.progress(Stage.CAN_WRONG)
            tries_left = self._select(prepared, reference)

    def _ask(
        self,
        source: PinSource | CanSource,
        tries_left: int | None,
        wrong: PinWrong | CanWrong | None,
    ) -> Pin | Can:
        """Ask while the plan lives; where nothing follows a wrong entry, that entry is the end."""
        plan_seconds = (self._plan.expires_at - self._around.now()).total_seconds()
        seconds = min(self._around.pin_timeout_seconds, plan_seconds - _MARGIN_SECONDS)
        try:
            return source.ask(tries_left, seconds)
        except Problem as problem:
            if wrong is not None and problem.reason in _NOT_ENTERED:
                raise wrong from problem
            raise

    def _open(self, prepared: eac.Prepared, password: Pin | Can) -> eac.CardReady:
        octets = self._around.random(pace.random_size(prepared.access.domain))
        ephemerals = pace.Ephemerals.from_random(prepared.access.domain, octets)
        return run(eac.present(prepared, password, ephemerals, self._plan.for_card), self._transmit)

    def _select(self, prepared: eac.Prepared, reference: PasswordReference) -> int | None:
        """Name the password to the card anew, which says how many tries of a PIN are left."""
        chat = self._plan.for_card.chat
        select = pace.select_password(prepared.access, reference, chat)
        return run(select, self._transmit).tries_left

    def _report(self, atr: bytes, ready: eac.Ready) -> card_pb.Ready:
        """Return what the center needs, with our word for having seen the card."""
        attested_at = int(self._around.now().timestamp())
        octets = attestation.octets(self._plan.session_id, ready.id_picc, attested_at)
        return card_pb.Ready(
            atr=atr,
            card_access=ready.card_access,
            trust_point=ready.trust_point,
            id_picc=ready.id_picc,
            r_picc=ready.r_picc,
            status_words=ready.status_words,
            attested_at=Timestamp(seconds=attested_at),
            attestation=self._center.identity.sign(octets),
        )

    def _checked(self, result: card_pb.Result, transcript: Transcript) -> AuthenticatedCard:
        """Require that center and audit log speak of the session that this terminal has seen."""
        if not hmac.compare_digest(result.session_id, self._plan.session_id):
            raise Problem("PLAN_NOT_FOR_TERMINAL", {"field": "result.session_id"})
        if not hmac.compare_digest(result.transcript_hash, transcript.digest()):
            raise Problem("PLAN_NOT_FOR_TERMINAL", {"field": "result.transcript_hash"})
        self._stream.require_receipt(result.session_id)
        self._around.progress(Stage.CARD_CHECKED)
        return AuthenticatedCard(
            session_id=result.session_id,
            usable_until=result.usable_until.ToDatetime(tzinfo=UTC),
            transcript_hash=result.transcript_hash,
        )
