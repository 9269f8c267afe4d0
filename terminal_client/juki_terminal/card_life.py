"""The life of a card at the center: which questions and changes there are, and acts with the card.

An act that needs the card in the reader names a finished card session. Its request is sent again
after a cut with the session that it named first; only where that session can no longer be used is
the card asked for once more. What is done to the PIN is in `hand_over` and `unlock`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from google.protobuf.message import Message

from juki_client.change_journal import ChangeState
from juki_client.changes import Answered, carry_out
from juki_client.outcome import Problem
from juki_terminal.calls import Call, Service
from jukinet.cards.v1 import card_service_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from juki_client.change_journal import Change
    from juki_client.changes import Attempt, Changes
    from juki_terminal.channel import Center

_CARDS: Final = Service.CARDS
CALLS: Final[Mapping[str, Call]] = {
    "show": Call(_CARDS, pb.GetCardRequest, "GetCard", changes=False),
    "suspend": Call(_CARDS, pb.SuspendCardRequest, "SuspendCard"),
    "resume": Call(_CARDS, pb.ResumeCardRequest, "ResumeCard"),
    "revoke": Call(_CARDS, pb.RevokeCardRequest, "RevokeCard"),
    "return": Call(_CARDS, pb.ReturnCardRequest, "ReturnCard"),
    "reissue": Call(_CARDS, pb.ReissueCardRequest, "ReissueCard"),
    "begin-unlock": Call(_CARDS, pb.BeginUnlockPinRequest, "BeginUnlockPin"),
    "unlock": Call(_CARDS, pb.UnlockPinRequest, "UnlockPin"),
    "begin-hand-over": Call(_CARDS, pb.BeginHandOverRequest, "BeginHandOver", changes=False),
    "hand-over": Call(_CARDS, pb.HandOverRequest, "HandOver"),
}
"""All commands by the word that a clerk types, and the two that open another."""

_SESSION_GONE: Final = frozenset(("SESSION_NOT_FOUND", "SESSION_USED", "SESSION_EXPIRED"))
"""With these the center says that it has not acted, and that this session will never do."""
EARLIER_STANDS: Final = frozenset(("REQUEST_ID_REUSED", "ANSWER_EXPIRED"))
"""With these an earlier run was carried out, and this one was not."""


@dataclass(frozen=True, slots=True)
class WithSession:
    """A change whose request names a card session; `subject` is the number that the clerk named.

    `request` makes the request of an attempt, which has an id and a session; `prove` runs the
    session. `unfinished` is the session of a run that has not ended: its request is sent again even
    where the center has answered it, because nobody was told.
    """

    command: str
    subject: str
    request: Callable[[Attempt], Message]
    prove: Callable[[], bytes]
    unfinished: bytes = b""


def question(center: Center, command: str, request: Message) -> Answered:
    """Ask a command of CALLS that changes nothing; raise Problem with the center's reason."""
    return Answered(center.call(CALLS[command].of(center), request))


def change(
    center: Center, changes: Changes, attempt: Attempt, command: str, request: Message
) -> Answered:
    """Carry out a command of CALLS; raise Problem as `juki_client.changes.carry_out` does."""
    return carry_out(changes, attempt, CALLS[command].of(center), request)


def change_without_card(
    center: Center,
    changes: Changes,
    command: str,
    subject: str,
    request: Callable[[Attempt], Message],
) -> Answered:
    """Carry out a command that names no card session; raise Problem as `change`.

    A suspension is never taken for another one: where the request of an earlier run was carried out
    with another content, this one is sent as a report of its own. A card that is stopped twice is
    stopped.
    """
    attempt = changes.begin(command, subject)
    try:
        return change(center, changes, attempt, command, request(attempt))
    except Problem as problem:
        is_other = attempt.is_repeated and problem.reason in EARLIER_STANDS
        if command != "suspend" or not is_other:
            raise
    attempt = changes.begin(command, subject)
    return change(center, changes, attempt, command, request(attempt))


def change_with_session(center: Center, changes: Changes, act: WithSession) -> Answered:
    """Carry out a command that names a card session, running one where none is left to use.

    Raises Problem as `change`, and what `prove` raises.
    """
    return send_with_session(changes, act, CALLS[act.command].of(center))


def send_with_session(
    changes: Changes, act: WithSession, method: Callable[..., Message]
) -> Answered:
    """Carry out an act by its method of a service; raise Problem as `change_with_session`."""
    attempt = changes.attempt(act.command, _earlier(changes, act), act.subject)
    if attempt.is_repeated:
        try:
            return carry_out(changes, attempt, method, act.request(attempt))
        except Problem as problem:
            if problem.reason not in _SESSION_GONE:
                raise
    session_id = act.prove()
    attempt = changes.begin(act.command, act.subject).with_session(session_id)
    return carry_out(changes, attempt, method, act.request(attempt))


def _earlier(changes: Changes, act: WithSession) -> Change | None:
    """Return the earlier run whose request is to be sent again."""
    last = changes.journal.last_change(act.command, act.subject)
    if last is None or last.state is ChangeState.REFUSED:
        return None
    is_unfinished = bool(act.unfinished) and last.session_id == act.unfinished
    return last if last.state is ChangeState.ASKED or is_unfinished else None
