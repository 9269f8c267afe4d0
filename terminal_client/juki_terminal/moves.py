"""Moves at a window: which acts and questions there are, each change made once.

A special move in is one flow: the holder's card opens the information, the clerk ticks who has
come, the move is registered. Fetching is never taken for the fetching of an earlier run, because
nobody knows before the session whose card it is; the destination may fetch again. Registering is:
its request id is found again by the move's number. What a clerk types and reads is in `cli`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Protocol, TypeVar, cast

from google.protobuf.message import Message

from juki_client.change_journal import ChangeState
from juki_client.changes import Answered, carry_out
from juki_client.outcome import Problem
from juki_terminal.calls import Call, Service
from juki_terminal.card_life import WithSession, send_with_session
from jukinet.moves.v1 import move_pb2 as moves_pb
from jukinet.moves.v1 import move_service_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from juki_client.changes import Changes
    from juki_terminal.channel import Center

_MOVES: Final = Service.MOVES
CALLS: Final[Mapping[str, Call]] = {
    "out": Call(_MOVES, pb.FileMoveOutRequest, "FileMoveOut"),
    "change": Call(_MOVES, pb.ChangeMoveOutRequest, "ChangeMoveOut"),
    "cancel": Call(_MOVES, pb.CancelMoveOutRequest, "CancelMoveOut"),
    "certificate": Call(_MOVES, pb.IssueMovingOutCertificateRequest, "IssueMovingOutCertificate"),
    "correct": Call(_MOVES, pb.CorrectMoveOutRequest, "CorrectMoveOut"),
    "arrived": Call(_MOVES, pb.RecordArrivalRequest, "RecordArrival"),
    "fetch": Call(_MOVES, pb.FetchTransferInformationRequest, "FetchTransferInformation"),
    "in": Call(_MOVES, pb.RegisterMoveInRequest, "RegisterMoveIn"),
    "abandon": Call(_MOVES, pb.AbandonMoveInRequest, "AbandonMoveIn"),
    "take-back": Call(_MOVES, pb.CancelMoveInRequest, "CancelMoveIn"),
    "accept-correction": Call(_MOVES, pb.AcceptCorrectionRequest, "AcceptCorrection"),
    "continue-card": Call(_MOVES, pb.ContinueCardRequest, "ContinueCard"),
    "within": Call(_MOVES, pb.RegisterMoveWithinRequest, "RegisterMoveWithin"),
    "show": Call(_MOVES, pb.GetMoveRequest, "GetMove", changes=False),
    "list": Call(_MOVES, pb.ListMovesRequest, "ListMoves", changes=False),
    "missing": Call(_MOVES, pb.ListMissingArrivalsRequest, "ListMissingArrivals", changes=False),
    "alerts": Call(_MOVES, pb.ListMoveAlertsRequest, "ListMoveAlerts", changes=False),
    # It may be repeated at will and carries no request id.
    "seen": Call(_MOVES, pb.AcknowledgeMoveAlertRequest, "AcknowledgeMoveAlert", changes=False),
}
"""All commands by the word that a clerk types; fetching is a step of `in`."""

PAPER_INSTEAD: Final = frozenset(
    (
        "NO_MOVE_OUT",
        "SPECIAL_LAPSED",
        "SPECIAL_NOT_POSSIBLE",
        "DEADLINE_14",
        "DEADLINE_30",
        "PIN_LOCKED",
        "CARD_SUSPENDED",
        "CARD_REVOKED",
        "CARD_EXPIRED",
        "CARD_NOT_ACTIVE",
        "CARD_PIN_PENDING",
        "CARD_NOT_CONTINUED",
    )
)
"""With these the special case is closed, and a certificate of moving out opens the move."""

_REGISTER: Final = "in-by-card"
_SAYS_NOTHING: Final = frozenset(("MOVE_NOT_FOUND", "RESIDENCE_DISCONNECTED"))
"""With these an earlier move stays open here, and is in no other family's way."""
_ENDED: Final = frozenset((moves_pb.Move.STATE_COMPLETED, moves_pb.Move.STATE_CANCELLED_AFTER))


class Paged(Protocol):
    """A page of a list."""

    @property
    def next_page_token(self) -> str:
        """Where the next page begins; empty on the last one."""
        ...


Page = TypeVar("Page", bound=Paged)


@dataclass(frozen=True, slots=True)
class Fetched:
    """Information that a destination has claimed with a card; `transfer_id` names the claim."""

    information: moves_pb.TransferInformation = field(repr=False)
    transfer_id: bytes
    last_day: str

    @property
    def move_number(self) -> str:
        """The number of the move."""
        return self.information.move.number

    def ground(self) -> pb.RegisterMoveInRequest.FetchedGround:
        """Return what a registration names of it."""
        return pb.RegisterMoveInRequest.FetchedGround(
            transfer_id=self.transfer_id, notice_version=self.information.move.notice_version
        )


def question(center: Center, command: str, request: Message) -> Answered:
    """Ask a command of CALLS that changes no move; raise Problem with the center's reason."""
    return Answered(center.call(CALLS[command].of(center), request))


def change(
    center: Center, changes: Changes, command: str, request: Message, subject: str = ""
) -> Answered:
    """Carry out a command of CALLS that changes; `request` comes without a request id.

    `subject` is the number of the move, where there is one before. Where an earlier run for it has
    no known outcome, its request id is sent again. Raises Problem as `carry_out` does.
    """
    attempt = changes.begin(command, subject)
    return carry_out(changes, attempt, CALLS[command].of(center), request)


def fetch(center: Center, changes: Changes, session_id: bytes, moved_date: str) -> Fetched:
    """Claim the move of the card's holder, and keep in the journal by what it is named.

    Raises Problem as `carry_out` does; after OUTCOME_UNKNOWN, fetch again with a new session.
    """
    request = pb.FetchTransferInformationRequest(
        by_card=pb.FetchTransferInformationRequest.ByCard(
            session_id=session_id, moved_date=moved_date
        ),
    )
    attempt = changes.attempt("fetch", None).with_session(session_id)
    answered = carry_out(changes, attempt, CALLS["fetch"].of(center), request)
    answer = cast("pb.FetchTransferInformationResponse", answered.message)
    fetched = Fetched(answer.information, answer.transfer_id, answer.last_day)
    claimed = replace(
        attempt.change,
        state=ChangeState.DONE,
        at=int(changes.now().timestamp()),
        subject=fetched.move_number,
        transfer_id=fetched.transfer_id,
    )
    changes.journal.record(claimed)
    return fetched


def look(center: Center, changes: Changes, number: str) -> moves_pb.TransferInformation:
    """Look at the information of an expected move beforehand, without a claim.

    Raises Problem as `carry_out` does.
    """
    request = pb.FetchTransferInformationRequest(expected_move_number=number)
    attempt = changes.attempt("look", None, number)
    answered = carry_out(changes, attempt, CALLS["fetch"].of(center), request)
    return cast("pb.FetchTransferInformationResponse", answered.message).information


def register(
    center: Center, changes: Changes, number: str, request: pb.RegisterMoveInRequest
) -> Answered:
    """Register a move in with fetched information; raise Problem as `carry_out` does."""
    attempt = changes.begin(_REGISTER, number)
    return carry_out(changes, attempt, CALLS["in"].of(center), request)


def continue_card(center: Center, changes: Changes, act: WithSession) -> Answered:
    """Continue the use of a card by its session; raise Problem as `carry_out` does."""
    return send_with_session(changes, act, CALLS["continue-card"].of(center))


def settled(center: Center, changes: Changes) -> Iterator[moves_pb.Move]:
    """Yield the moves in whose outcome was unknown, and that the center has registered.

    They are asked for before a card is: the card that opened such a move may have lapsed with it.
    What was not registered stays open, and takes its request id when it is registered again.
    Raises Problem with the center's reason.
    """
    for number in changes.journal.open_subjects(_REGISTER):
        move = _move(center, number)
        if move is not None and move.state in _ENDED:
            change = changes.journal.open_change(_REGISTER, number)
            if change is not None:
                at = int(changes.now().timestamp())
                changes.journal.record(replace(change, state=ChangeState.DONE, at=at))
            yield move


def transfer_of(changes: Changes, number: str) -> bytes:
    """Return by what this terminal's newest claim of a move is named, 16 bytes.

    Raises Problem TRANSFER_NOT_FOUND where this terminal has claimed no such move.
    """
    last = changes.journal.last_change("fetch", number)
    if last is None or not last.transfer_id:
        raise Problem("TRANSFER_NOT_FOUND")
    return last.transfer_id


def pages(ask: Callable[[str], Page]) -> Iterator[Page]:
    """Ask for all pages of a list, one after the other, by their tokens."""
    token = ""
    while True:
        page = ask(token)
        yield page
        token = page.next_page_token
        if not token:
            return


def _move(center: Center, number: str) -> moves_pb.Move | None:
    request = pb.GetMoveRequest(move_number=number)
    try:
        answered = question(center, "show", request)
    except Problem as problem:
        if problem.reason in _SAYS_NOTHING:
            return None
        raise
    return cast("pb.GetMoveResponse", answered.message).move
