"""Handing a card over: the holder sets the PIN, the card proves it, the center counts it as in use.

Whatever is cut off, the same order again finishes it. A card that may have the new PIN already is
offered that PIN first, because the right one gives all tries back; only then the transport PIN.
Where that is refused too, the card has a PIN of its holder's, and nothing but an entry of the
holder's is tried: one try for each entry.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

from juki_card.errors import ParseError
from juki_card.passwords import TransportPin
from juki_client.outcome import Problem
from juki_terminal.card_life import EARLIER_STANDS, WithSession, change_with_session, question
from juki_terminal.card_work import Stage, Task, Work
from juki_terminal.identity_documents import identity_documents
from juki_terminal.lock_report import report_lock
from juki_terminal.pin import KnownPin
from juki_terminal.pin_setting import finish_first_pin, set_first_pin
from juki_terminal.session import Stage as Told
from juki_terminal.session import authenticate
from jukinet.cards.v1 import card_service_pb2 as pb
from jukinet.options.v1 import options_pb2

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from juki_card.passwords import Pin
    from juki_client.changes import Answered, Attempt
    from juki_terminal.identity_documents import SeenDocument
    from juki_terminal.new_pin import NewPinSource
    from juki_terminal.pin_desk import PinDesk


@dataclass(frozen=True, slots=True)
class HandOverOrder:
    """What the clerk says. `begun` hears which card is due and which fee."""

    application: str
    documents: Sequence[SeenDocument]
    new_pin: Callable[[Sequence[str]], NewPinSource]
    """Makes the source of the PIN from the ones that this person may not choose."""
    begun: Callable[[pb.BeginHandOverResponse], None]


_MAY_BE_SET: Final = frozenset(("PIN_CHANGE_INCONCLUSIVE", "PIN_WRONG"))
"""With every other problem `set_first_pin` says that the card is as it was."""


def hand_over(desk: PinDesk, order: HandOverOrder) -> Answered:
    """Hand a card over, or finish a hand-over that was cut off; return the center's answer.

    Raises Problem: the center's reasons; those of the card, the reader and the PIN sources;
    OUTCOME_UNKNOWN where the center did not answer, PIN_LOCKED where the card is to be unlocked.
    """
    last = desk.work.of_application(order.application)
    act = WithSession(
        "hand-over",
        order.application,
        lambda attempt: _request(desk, order, attempt),
        lambda: _proved(desk, order),
        last.session_id if last is not None and last.stage is Stage.PROVED else b"",
    )
    try:
        answered = change_with_session(desk.center, desk.changes, act)
    except Problem as problem:
        _doubt(desk, order, problem)
        raise
    _write(desk, order, Stage.ENDED)
    return answered


def _doubt(desk: PinDesk, order: HandOverOrder, problem: Problem) -> None:
    """Write what a problem says of the card: the wrong one, perhaps the wrong one, or in use."""
    work = desk.work.of_application(order.application)
    if problem.reason == "CARD_NOT_OF_APPLICATION":
        _write(desk, order, Stage.BEGUN)
    elif problem.reason in EARLIER_STANDS:
        _write(desk, order, Stage.ENDED)
    elif problem.reason == "PIN_WRONG" and work is not None and work.stage is Stage.REFUSED:
        _write(desk, order, Stage.SENT)


def _write(desk: PinDesk, order: HandOverOrder, stage: Stage) -> None:
    work = desk.work.of_application(order.application)
    if work is not None:
        desk.work.write(work, stage, desk.changes.now())


def _request(desk: PinDesk, order: HandOverOrder, attempt: Attempt) -> pb.HandOverRequest:
    work = desk.work.of_application(order.application)
    return pb.HandOverRequest(
        application_number=order.application,
        card_session_id=attempt.change.session_id,
        fee_yen=work.fee_yen if work is not None else 0,
    )


def _proved(desk: PinDesk, order: HandOverOrder) -> bytes:
    """Let the card get the holder's PIN, where it has not, and prove it; return the session."""
    begun = _begin(desk, order)
    order.begun(begun)
    work = _work(desk, order, begun)
    pin = order.new_pin(begun.forbidden_pins).ask(desk.pin_timeout_seconds)
    work = _put(desk, work, _transport_pin(begun), pin)
    card = authenticate(
        desk.center,
        desk.reader,
        KnownPin(pin),
        purpose=options_pb2.PURPOSE_PIN_PROOF,
        surroundings=desk.surroundings,
    )
    desk.work.proved(work, card.session_id, desk.changes.now())
    return card.session_id


def _begin(desk: PinDesk, order: HandOverOrder) -> pb.BeginHandOverResponse:
    request = pb.BeginHandOverRequest(
        application_number=order.application,
        # The request has no id; its salts must not be those of another one.
        documents=identity_documents(order.documents, str(uuid.uuid4())),
    )
    answered = question(desk.center, "begin-hand-over", request)
    return cast("pb.BeginHandOverResponse", answered.message)


_GOING_ON: Final = frozenset((Stage.SENT, Stage.REFUSED, Stage.SET))


def _work(desk: PinDesk, order: HandOverOrder, begun: pb.BeginHandOverResponse) -> Work:
    """Return what this terminal knows of the card's PIN, and write whose hand-over it is now."""
    last = desk.work.of_card(begun.card_number)
    work = Work(
        card_number=begun.card_number,
        task=Task.HAND_OVER,
        stage=Stage.BEGUN,
        application=order.application,
        fee_yen=begun.fee_yen,
    )
    return desk.work.write(work, _stage_after(last), desk.changes.now())


def _stage_after(last: Work | None) -> Stage:
    """Return where a hand-over begins after what was done to the card before.

    An unlocking by which the holder proved a PIN leaves nothing for the transport PIN to do.
    """
    match last:
        case Work(task=Task.HAND_OVER, stage=stage) if stage in _GOING_ON:
            return stage
        case Work(task=Task.HAND_OVER, stage=Stage.PROVED):
            return Stage.SET
        case Work(task=Task.UNLOCK_KEEP | Task.UNLOCK_FORGOTTEN, stage=Stage.ENDED):
            return Stage.SET
        case _:
            return Stage.BEGUN


def _transport_pin(begun: pb.BeginHandOverResponse) -> TransportPin:
    try:
        return TransportPin(begun.transport_pin)
    except ParseError as error:
        raise Problem("INTERNAL", {"field": "transport_pin"}) from error


def _put(desk: PinDesk, work: Work, transport_pin: TransportPin, pin: Pin) -> Work:
    """Set the PIN unless the card has one; raise Problem as `set_first_pin` does."""
    if work.stage in (Stage.SET, Stage.REFUSED):
        return work
    was_sent = work.stage is Stage.SENT
    setting = finish_first_pin if was_sent else set_first_pin
    sent = desk.work.write(work, Stage.SENT, desk.changes.now())
    try:
        setting(desk.reader, transport_pin, pin, desk.patient)
    except Problem as problem:
        stage = _stage_of(problem, was_sent=was_sent)
        found = desk.work.write(sent, stage, desk.changes.now())
        if problem.reason == "PIN_LOCKED":
            desk.surroundings.progress(Told.PIN_LOCKED)
            report_lock(desk.center)
        if problem.reason != "PIN_WRONG" or was_sent:
            raise
        return found
    return desk.work.write(sent, Stage.SET, desk.changes.now())


def _stage_of(problem: Problem, *, was_sent: bool) -> Stage:
    """Return what a problem says of the card's PIN."""
    if problem.reason == "PIN_WRONG":
        return Stage.REFUSED
    if was_sent or problem.reason in _MAY_BE_SET:
        return Stage.SENT
    return Stage.BEGUN
