"""Unlocking a PIN at the window: the card gets its tries back, or a new PIN, and proves it.

Whatever is cut off, the same order again finishes it: an unlocking that this terminal has opened
and not completed is continued. A card whose new PIN the holder cannot repeat is opened anew, which
costs no try of the PIN.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, cast

from juki_client.change_journal import Change, ChangeState
from juki_client.changes import Attempt
from juki_client.outcome import Problem
from juki_terminal.card_life import EARLIER_STANDS, WithSession, change, change_with_session
from juki_terminal.card_work import Stage, Task, Work
from juki_terminal.identity_documents import identity_documents
from juki_terminal.pin import KnownPin
from juki_terminal.pin_setting import set_pin_after_unlock
from juki_terminal.session import authenticate
from jukinet.cards.v1 import card_service_pb2 as pb
from jukinet.options.v1 import options_pb2

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from juki_card.passwords import Can
    from juki_client.changes import Answered
    from juki_terminal.can import CanSource
    from juki_terminal.identity_documents import SeenDocument
    from juki_terminal.new_pin import NewPinSource
    from juki_terminal.pin import PinSource
    from juki_terminal.pin_desk import PinDesk
    from jukinet.cards.v1.identity_document_pb2 import LegalRepresentative


_ENDED: Final = frozenset((Stage.ENDED, Stage.GIVEN_UP))


@dataclass(frozen=True, slots=True)
class UnlockOrder:
    """What the clerk and the holder say. `forgotten` takes the PIN away and sets a new one."""

    card_number: str
    forgotten: bool
    documents: Sequence[SeenDocument]
    can: CanSource
    pin: PinSource
    """The PIN that the holder knows."""
    new_pin: Callable[[Sequence[str]], NewPinSource]
    """Makes the source of a new PIN from the ones that this person may not choose."""
    representative: LegalRepresentative | None = field(default=None, repr=False)

    @property
    def task(self) -> Task:
        """The work on the card."""
        return Task.UNLOCK_FORGOTTEN if self.forgotten else Task.UNLOCK_KEEP


def unlock(desk: PinDesk, order: UnlockOrder) -> Answered:
    """Unlock a PIN, or finish an unlocking that was cut off; return the center's answer.

    Raises Problem: the center's reasons; those of the card, the reader and the sources;
    OUTCOME_UNKNOWN where the center did not answer.
    """
    last = desk.work.of_card(order.card_number)
    is_proved = last is not None and last.task is order.task and last.stage is Stage.PROVED
    act = WithSession(
        "unlock",
        order.card_number,
        lambda attempt: _request(desk, order, attempt),
        lambda: _proved(desk, order),
        last.session_id if last is not None and is_proved else b"",
    )
    try:
        answered = change_with_session(desk.center, desk.changes, act)
    except Problem as problem:
        _give_up(desk, order, problem)
        raise
    work = desk.work.of_card(order.card_number)
    if work is not None:
        desk.work.write(work, Stage.ENDED, desk.changes.now())
    return answered


def _give_up(desk: PinDesk, order: UnlockOrder, problem: Problem) -> None:
    """Let go of an unlocking that the center does not have open, or has completed."""
    work = desk.work.of_card(order.card_number)
    if work is None or work.task is not order.task:
        return
    if problem.reason in ("UNLOCK_NOT_FOUND", "NOT_IN_THIS_STATE"):
        desk.work.write(work, Stage.GIVEN_UP, desk.changes.now())
    elif problem.reason in EARLIER_STANDS:
        desk.work.write(work, Stage.ENDED, desk.changes.now())


def _request(desk: PinDesk, order: UnlockOrder, attempt: Attempt) -> pb.UnlockPinRequest:
    work = desk.work.of_card(order.card_number)
    return pb.UnlockPinRequest(
        unlock_id=work.unlock_id if work is not None else b"",
        card_session_id=attempt.change.session_id,
    )


def _proved(desk: PinDesk, order: UnlockOrder) -> bytes:
    """Open the card's PIN as far as it is not, and let the card prove it; return the session."""
    work, forbidden = _open(desk, order)
    can = _Heard(order.can)
    if work.stage is Stage.BEGUN:
        _session(desk, can, options_pb2.PURPOSE_PIN_UNLOCK, work.unlock_id)
        work = desk.work.write(work, Stage.OPENED, desk.changes.now())
    pin: PinSource = order.pin
    if order.forgotten:
        work, pin = _put_new(desk, order, work, can, forbidden)
    try:
        session_id = _session(desk, pin, options_pb2.PURPOSE_PIN_PROOF)
    except Problem as problem:
        if problem.reason == "PIN_LOCKED" or (order.forgotten and problem.reason == "PIN_WRONG"):
            # Whoever has set it cannot repeat it: the window opens the card anew, next time.
            desk.work.write(work, Stage.BEGUN, desk.changes.now())
        raise
    desk.work.proved(work, session_id, desk.changes.now())
    return session_id


def _open(desk: PinDesk, order: UnlockOrder) -> tuple[Work, Sequence[str]]:
    """Return the unlocking to go on with, and the PINs that its holder may not choose.

    The center names those in its first answer only, so that one is asked for again by its request.
    Where that is a request no longer, such as with other documents, another unlocking is opened.
    """
    last = desk.work.of_card(order.card_number)
    is_going_on = last is not None and last.task is order.task and last.stage not in _ENDED
    work = last if last is not None and is_going_on else _anew(desk, order)
    try:
        answer = _begin(desk, order, work, is_repeated=is_going_on)
    except Problem as problem:
        if not is_going_on or problem.reason not in EARLIER_STANDS:
            raise
        work = _anew(desk, order)
        answer = _begin(desk, order, work, is_repeated=False)
    if not work.unlock_id:
        named = replace(work, unlock_id=answer.unlock_id)
        work = desk.work.write(named, Stage.BEGUN, desk.changes.now())
    return work, answer.forbidden_pins


def _anew(desk: PinDesk, order: UnlockOrder) -> Work:
    """Write the request of another unlocking, before it is sent."""
    request_id = desk.changes.new_request_id()
    work = Work(order.card_number, order.task, Stage.BEGUN, request_id=request_id)
    return desk.work.write(work, Stage.BEGUN, desk.changes.now())


def _begin(
    desk: PinDesk, order: UnlockOrder, work: Work, *, is_repeated: bool
) -> pb.BeginUnlockPinResponse:
    command = f"begin-{order.task}"
    first = Change(work.request_id, command, ChangeState.ASKED, work.at, order.card_number)
    attempt = Attempt(first, is_repeated=is_repeated)
    mode = pb.BeginUnlockPinRequest.MODE_FORGOTTEN
    request = pb.BeginUnlockPinRequest(
        card=pb.CardReference(card_number=order.card_number),
        documents=identity_documents(order.documents, attempt.request_id),
        mode=mode if order.forgotten else pb.BeginUnlockPinRequest.MODE_KEEP,
        representative=order.representative,
    )
    answered = change(desk.center, desk.changes, attempt, "begin-unlock", request)
    return cast("pb.BeginUnlockPinResponse", answered.message)


def _put_new(
    desk: PinDesk, order: UnlockOrder, work: Work, can: _Heard, forbidden: Sequence[str]
) -> tuple[Work, KnownPin]:
    """Set the holder's new PIN, unless the card has it; return it for the proof."""
    pin = order.new_pin(forbidden).ask(desk.pin_timeout_seconds)
    if work.stage not in (Stage.SET, Stage.PROVED):
        work = desk.work.write(work, Stage.SENT, desk.changes.now())
        try:
            set_pin_after_unlock(desk.reader, can.known(desk), pin, desk.patient)
        except Problem as problem:
            if not _has_a_pin(problem):
                raise
            # The card has a PIN: the one of an earlier run, whose answer was lost.
        work = desk.work.write(work, Stage.SET, desk.changes.now())
    return work, KnownPin(pin)


def _has_a_pin(problem: Problem) -> bool:
    """Tell whether a card refused a new PIN because nobody has taken its PIN away."""
    return problem.reason == "CARD_REFUSED" and problem.metadata.get("statusWord") == "6982"


def _session(
    desk: PinDesk,
    source: PinSource | CanSource,
    purpose: options_pb2.Purpose.ValueType,
    act: bytes = b"",
) -> bytes:
    card = authenticate(
        desk.center,
        desk.reader,
        source,
        purpose=purpose,
        act_id=act,
        surroundings=desk.surroundings,
    )
    return card.session_id


class _Heard:
    """A source of the number on the card's face that is asked only once for each right entry."""

    def __init__(self, source: CanSource) -> None:
        self._source = source
        self._last: Can | None = None

    def ask(self, tries_left: int | None, seconds: float) -> Can:
        """Return the next entry, and remember it."""
        self._last = self._source.ask(tries_left, seconds)
        return self._last

    def known(self, desk: PinDesk) -> Can:
        """Return the entry that the card has taken, or ask for one."""
        if self._last is None:
            return self.ask(None, desk.pin_timeout_seconds)
        return self._last
