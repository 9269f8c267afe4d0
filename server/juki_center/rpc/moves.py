"""MoveService: each call is one act or one question, with its translation.

Who calls comes from the certificate, never from the request.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from juki_center.areas.cards.continuations import continue_card
from juki_center.areas.moves.accepted_corrections import accept_correction
from juki_center.areas.moves.arrivals import record_arrival
from juki_center.areas.moves.certificates import issue_certificate
from juki_center.areas.moves.changes import change_move_out
from juki_center.areas.moves.corrections import correct_move_out
from juki_center.areas.moves.move_ins import register_move_in
from juki_center.areas.moves.notices import file_move_out
from juki_center.areas.moves.reads import get_move, list_alerts, list_moves, see_alert
from juki_center.areas.moves.take_backs import cancel_move_in
from juki_center.areas.moves.transfers import abandon_move_in, fetch_transfer
from juki_center.areas.moves.withdrawals import cancel_move_out
from juki_center.areas.moves.within import register_move_within
from juki_center.rpc import move_ins_translation as into
from juki_center.rpc import moves_messages as messages
from juki_center.rpc import moves_translation as out
from juki_center.rpc.callers import terminal
from juki_center.rpc.durable import durably
from juki_center.rpc.peers import current_caller
from jukinet.moves.v1 import move_service_pb2 as pb
from jukinet.moves.v1 import move_service_pb2_grpc as pb_grpc

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    import grpc

    from juki_center.areas.callers import Terminal
    from juki_center.areas.moves.policy import MovePolicy
    from juki_center.areas.ports import Store, Tx

    Request = TypeVar("Request")
    Answer = TypeVar("Answer")
    Context = grpc.aio.ServicerContext[Request, Answer]

Command = TypeVar("Command")
Outcome = TypeVar("Outcome")


@dataclass(frozen=True, slots=True)
class Parts:
    """What the service of moves stands on."""

    store: Store
    policy: MovePolicy
    clock: Callable[[], datetime]


class Moves(pb_grpc.MoveServiceServicer):
    """The servicer."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def use(self, policy: MovePolicy) -> None:
        """Work by another policy from the next call on."""
        self._parts = replace(self._parts, policy=policy)

    async def FileMoveOut(  # noqa: N802  # the proto's name
        self,
        request: pb.FileMoveOutRequest,
        _context: Context[pb.FileMoveOutRequest, pb.FileMoveOutResponse],
    ) -> pb.FileMoveOutResponse:
        """Enter a move-out notice."""
        command = out.file_move_out(request, _terminal())
        answer, _ = await self._act(file_move_out, command)
        return messages.filed_message(answer)

    async def ChangeMoveOut(  # noqa: N802  # the proto's name
        self,
        request: pb.ChangeMoveOutRequest,
        _context: Context[pb.ChangeMoveOutRequest, pb.ChangeMoveOutResponse],
    ) -> pb.ChangeMoveOutResponse:
        """Change a notice."""
        command = out.change_move_out(request, _terminal())
        answer, _ = await self._act(change_move_out, command)
        return messages.changed_message(answer)

    async def CancelMoveOut(  # noqa: N802  # the proto's name
        self,
        request: pb.CancelMoveOutRequest,
        _context: Context[pb.CancelMoveOutRequest, pb.CancelMoveOutResponse],
    ) -> pb.CancelMoveOutResponse:
        """Withdraw a notice."""
        command = out.cancel_move_out(request, _terminal())
        answer, _ = await self._act(cancel_move_out, command)
        return messages.cancelled_message(answer)

    async def IssueMovingOutCertificate(  # noqa: N802  # the proto's name
        self,
        request: pb.IssueMovingOutCertificateRequest,
        _context: Context[
            pb.IssueMovingOutCertificateRequest, pb.IssueMovingOutCertificateResponse
        ],
    ) -> pb.IssueMovingOutCertificateResponse:
        """Issue a paper."""
        command = out.issue_certificate(request, _terminal())
        answer, _ = await self._act(issue_certificate, command)
        return messages.issued_message(answer)

    async def CorrectMoveOut(  # noqa: N802  # the proto's name
        self,
        request: pb.CorrectMoveOutRequest,
        _context: Context[pb.CorrectMoveOutRequest, pb.CorrectMoveOutResponse],
    ) -> pb.CorrectMoveOutResponse:
        """Send corrected entries."""
        command = out.correct_move_out(request, _terminal())
        answer, _ = await self._act(correct_move_out, command)
        move = messages.move_message(answer.move)
        return pb.CorrectMoveOutResponse(move=move, waits=answer.waits)

    async def RecordArrival(  # noqa: N802  # the proto's name
        self,
        request: pb.RecordArrivalRequest,
        _context: Context[pb.RecordArrivalRequest, pb.RecordArrivalResponse],
    ) -> pb.RecordArrivalResponse:
        """Record an arrival."""
        command = out.record_arrival(request, _terminal())
        answer, _ = await self._act(record_arrival, command)
        return pb.RecordArrivalResponse(move=messages.move_message(answer))

    async def FetchTransferInformation(  # noqa: N802  # the proto's name
        self,
        request: pb.FetchTransferInformationRequest,
        _context: Context[pb.FetchTransferInformationRequest, pb.FetchTransferInformationResponse],
    ) -> pb.FetchTransferInformationResponse:
        """Fetch a move's information."""
        command = into.fetch_transfer(request, _terminal())
        answer, _ = await self._act(fetch_transfer, command)
        return messages.fetched_message(answer)

    async def RegisterMoveIn(  # noqa: N802  # the proto's name
        self,
        request: pb.RegisterMoveInRequest,
        _context: Context[pb.RegisterMoveInRequest, pb.RegisterMoveInResponse],
    ) -> pb.RegisterMoveInResponse:
        """Register a move in."""
        command = into.register_move_in(request, _terminal())
        answer, now = await self._act(register_move_in, command)
        return messages.moved_in_message(answer, now)

    async def AbandonMoveIn(  # noqa: N802  # the proto's name
        self,
        request: pb.AbandonMoveInRequest,
        _context: Context[pb.AbandonMoveInRequest, pb.AbandonMoveInResponse],
    ) -> pb.AbandonMoveInResponse:
        """Give information back."""
        command = into.abandon_move_in(request, _terminal())
        answer, _ = await self._act(abandon_move_in, command)
        move = messages.move_message(answer.move)
        return pb.AbandonMoveInResponse(move=move, waits=answer.waits)

    async def CancelMoveIn(  # noqa: N802  # the proto's name
        self,
        request: pb.CancelMoveInRequest,
        _context: Context[pb.CancelMoveInRequest, pb.CancelMoveInResponse],
    ) -> pb.CancelMoveInResponse:
        """Take a completed move back."""
        command = into.cancel_move_in(request, _terminal())
        answer, _ = await self._act(cancel_move_in, command)
        return pb.CancelMoveInResponse(move=messages.move_message(answer))

    async def AcceptCorrection(  # noqa: N802  # the proto's name
        self,
        request: pb.AcceptCorrectionRequest,
        _context: Context[pb.AcceptCorrectionRequest, pb.AcceptCorrectionResponse],
    ) -> pb.AcceptCorrectionResponse:
        """Enter a correction."""
        command = into.accept_correction(request, _terminal())
        answer, now = await self._act(accept_correction, command)
        return messages.accepted_message(answer, now)

    async def ContinueCard(  # noqa: N802  # the proto's name
        self,
        request: pb.ContinueCardRequest,
        _context: Context[pb.ContinueCardRequest, pb.ContinueCardResponse],
    ) -> pb.ContinueCardResponse:
        """Continue the use of a card."""
        command = into.continue_card(request, _terminal())
        answer, now = await self._act(continue_card, command)
        return messages.continued_message(answer, now)

    async def RegisterMoveWithin(  # noqa: N802  # the proto's name
        self,
        request: pb.RegisterMoveWithinRequest,
        _context: Context[pb.RegisterMoveWithinRequest, pb.RegisterMoveWithinResponse],
    ) -> pb.RegisterMoveWithinResponse:
        """Register a move within."""
        command = into.register_move_within(request, _terminal())
        answer, now = await self._act(register_move_within, command)
        return messages.moved_within_message(answer, now)

    async def GetMove(  # noqa: N802  # the proto's name
        self,
        request: pb.GetMoveRequest,
        _context: Context[pb.GetMoveRequest, pb.GetMoveResponse],
    ) -> pb.GetMoveResponse:
        """Return a move."""
        answer, _ = await self._act(get_move, out.get_move(request, _terminal()))
        return messages.read_message(answer)

    async def ListMoves(  # noqa: N802  # the proto's name
        self,
        request: pb.ListMovesRequest,
        _context: Context[pb.ListMovesRequest, pb.ListMovesResponse],
    ) -> pb.ListMovesResponse:
        """List moves."""
        page = await self._ask(list_moves, out.list_moves(request, _terminal()))
        return messages.page_message(page)

    async def ListMissingArrivals(  # noqa: N802  # the proto's name
        self,
        request: pb.ListMissingArrivalsRequest,
        _context: Context[pb.ListMissingArrivalsRequest, pb.ListMissingArrivalsResponse],
    ) -> pb.ListMissingArrivalsResponse:
        """List the moves whose arrival notice is missing."""
        page = await self._ask(list_moves, out.list_missing(request, _terminal()))
        return messages.missing_message(page)

    async def ListMoveAlerts(  # noqa: N802  # the proto's name
        self,
        request: pb.ListMoveAlertsRequest,
        _context: Context[pb.ListMoveAlertsRequest, pb.ListMoveAlertsResponse],
    ) -> pb.ListMoveAlertsResponse:
        """List what an office must know."""
        page = await self._ask(list_alerts, out.list_alerts(request, _terminal()))
        return messages.alerts_message(page)

    async def AcknowledgeMoveAlert(  # noqa: N802  # the proto's name
        self,
        request: pb.AcknowledgeMoveAlertRequest,
        _context: Context[pb.AcknowledgeMoveAlertRequest, pb.AcknowledgeMoveAlertResponse],
    ) -> pb.AcknowledgeMoveAlertResponse:
        """Note that a clerk has seen an alert."""
        alert, _ = await self._act(see_alert, out.see_alert(request, _terminal()))
        return pb.AcknowledgeMoveAlertResponse(alert=messages.alert_message(alert))

    async def _act(
        self, act: Callable[[Tx, Command, datetime, MovePolicy], Outcome], command: Command
    ) -> tuple[Outcome, datetime]:
        """Do an act; return its answer, and when that was."""
        now, policy = self._parts.clock(), self._parts.policy
        answer = await durably(self._parts.store.act(lambda tx: act(tx, command, now, policy)))
        return answer, now

    async def _ask(
        self, question: Callable[[Tx, Command, datetime, MovePolicy], Outcome], command: Command
    ) -> Outcome:
        now, policy = self._parts.clock(), self._parts.policy
        return await self._parts.store.ask(lambda tx: question(tx, command, now, policy))


def _terminal() -> Terminal:
    return terminal(current_caller().identity)
