"""CardService: each call is one act with its translation; making cards is a part of its own.

Who calls comes from the certificate, never from the request. Looking is an act too, because each
look is in the audit log.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol, TypeVar

from juki_center.areas.cards.hand_overs import begin_hand_over, hand_over
from juki_center.areas.cards.lock_reports import report_lock
from juki_center.areas.cards.looks import get_card
from juki_center.areas.cards.reissues import reissue_card
from juki_center.areas.cards.resumptions import resume_card
from juki_center.areas.cards.returns import return_card
from juki_center.areas.cards.revocations import revoke_card
from juki_center.areas.cards.suspensions import suspend_card
from juki_center.areas.cards.unlocks import begin_unlock, complete_unlock
from juki_center.rpc import card_applications_translation as translate_application
from juki_center.rpc import cards_translation as translate
from juki_center.rpc.callers import taker_of_reports, terminal
from juki_center.rpc.durable import durably
from juki_center.rpc.peers import current_caller
from juki_center.rpc.photos import with_usable_photo
from jukinet.cards.v1 import card_service_pb2 as pb
from jukinet.cards.v1 import card_service_pb2_grpc as pb_grpc

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from datetime import datetime

    import grpc

    from juki_center.areas.callers import Terminal
    from juki_center.areas.cards.policy import CardPolicy
    from juki_center.areas.ports import Store, Tx
    from juki_center.rpc.metrics import Metrics

    Request = TypeVar("Request")
    Answer = TypeVar("Answer")
    Context = grpc.aio.ServicerContext[Request, Answer]

Command = TypeVar("Command")
Outcome = TypeVar("Outcome")


class Making(Protocol):
    """The part of the service that makes cards of blanks."""

    async def PersonaliseCard(  # noqa: N802  # the proto's name
        self,
        request_iterator: AsyncIterator[pb.PersonaliseCardRequest],
        context: Context[pb.PersonaliseCardRequest, pb.PersonaliseCardResponse],
    ) -> None:
        """Make a card."""

    async def ListPersonalisations(  # noqa: N802  # the proto's name
        self,
        request: pb.ListPersonalisationsRequest,
        _context: Context[pb.ListPersonalisationsRequest, pb.ListPersonalisationsResponse],
    ) -> pb.ListPersonalisationsResponse:
        """List the cards that were begun and not finished."""

    async def VoidPersonalisation(  # noqa: N802  # the proto's name
        self,
        request: pb.VoidPersonalisationRequest,
        _context: Context[pb.VoidPersonalisationRequest, pb.VoidPersonalisationResponse],
    ) -> pb.VoidPersonalisationResponse:
        """Give a card up."""

    async def GetCardFace(  # noqa: N802  # the proto's name
        self,
        request: pb.GetCardFaceRequest,
        _context: Context[pb.GetCardFaceRequest, pb.GetCardFaceResponse],
    ) -> pb.GetCardFaceResponse:
        """Return a card's face."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What the service of cards stands on; `making` has the methods that make cards."""

    store: Store
    policy: CardPolicy
    clock: Callable[[], datetime]
    metrics: Metrics
    making: Making


class Cards(pb_grpc.CardServiceServicer):
    """The servicer."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def PersonaliseCard(  # type: ignore[override]  # noqa: N802  # asyncio, the proto's name
        self,
        request_iterator: AsyncIterator[pb.PersonaliseCardRequest],
        context: Context[pb.PersonaliseCardRequest, pb.PersonaliseCardResponse],
    ) -> None:
        """Make a card."""
        await self._parts.making.PersonaliseCard(request_iterator, context)

    async def ListPersonalisations(  # noqa: N802  # the proto's name
        self,
        request: pb.ListPersonalisationsRequest,
        context: Context[pb.ListPersonalisationsRequest, pb.ListPersonalisationsResponse],
    ) -> pb.ListPersonalisationsResponse:
        """List the cards that were begun and not finished."""
        return await self._parts.making.ListPersonalisations(request, context)

    async def VoidPersonalisation(  # noqa: N802  # the proto's name
        self,
        request: pb.VoidPersonalisationRequest,
        context: Context[pb.VoidPersonalisationRequest, pb.VoidPersonalisationResponse],
    ) -> pb.VoidPersonalisationResponse:
        """Give a card up."""
        return await self._parts.making.VoidPersonalisation(request, context)

    async def GetCardFace(  # noqa: N802  # the proto's name
        self,
        request: pb.GetCardFaceRequest,
        context: Context[pb.GetCardFaceRequest, pb.GetCardFaceResponse],
    ) -> pb.GetCardFaceResponse:
        """Return a card's face."""
        return await self._parts.making.GetCardFace(request, context)

    async def BeginHandOver(  # noqa: N802  # the proto's name
        self,
        request: pb.BeginHandOverRequest,
        _context: Context[pb.BeginHandOverRequest, pb.BeginHandOverResponse],
    ) -> pb.BeginHandOverResponse:
        """Open a hand-over."""
        command = translate.begin_hand_over(request, _terminal())
        answer, _ = await self._act(begin_hand_over, command)
        return translate.hand_over_begun_message(answer)

    async def HandOver(  # noqa: N802  # the proto's name
        self,
        request: pb.HandOverRequest,
        _context: Context[pb.HandOverRequest, pb.HandOverResponse],
    ) -> pb.HandOverResponse:
        """Hand a card over."""
        command = translate.hand_over(request, _terminal())
        answer, now = await self._act(hand_over, command)
        return translate.handed_over_message(answer, now)

    async def BeginUnlockPin(  # noqa: N802  # the proto's name
        self,
        request: pb.BeginUnlockPinRequest,
        _context: Context[pb.BeginUnlockPinRequest, pb.BeginUnlockPinResponse],
    ) -> pb.BeginUnlockPinResponse:
        """Open an unlocking."""
        command = translate.begin_unlock(request, _terminal())
        answer, _ = await self._act(begin_unlock, command)
        return translate.unlock_begun_message(answer)

    async def UnlockPin(  # noqa: N802  # the proto's name
        self,
        request: pb.UnlockPinRequest,
        _context: Context[pb.UnlockPinRequest, pb.UnlockPinResponse],
    ) -> pb.UnlockPinResponse:
        """End an unlocking."""
        command = translate.complete_unlock(request, _terminal())
        answer, now = await self._act(complete_unlock, command)
        return pb.UnlockPinResponse(card=translate.card_message(answer, now))

    async def ReportLock(  # noqa: N802  # the proto's name
        self,
        request: pb.ReportLockRequest,
        _context: Context[pb.ReportLockRequest, pb.ReportLockResponse],
    ) -> pb.ReportLockResponse:
        """Write down that some PIN is locked."""
        command, now = translate.report_lock(request, _terminal()), self._parts.clock()
        is_new = await durably(self._parts.store.act(lambda tx: report_lock(tx, command, now)))
        if is_new:
            self._parts.metrics.locks_reported.inc()
        return pb.ReportLockResponse()

    async def SuspendCard(  # noqa: N802  # the proto's name
        self,
        request: pb.SuspendCardRequest,
        _context: Context[pb.SuspendCardRequest, pb.SuspendCardResponse],
    ) -> pb.SuspendCardResponse:
        """Suspend a card."""
        identity = current_caller().identity
        command = translate.suspend_card(request, taker_of_reports(identity))
        answer, now = await self._act(suspend_card, command)
        if answer.is_new:
            self._parts.metrics.cards_suspended.labels(identity.role).inc()
        return translate.suspended_message(answer, now)

    async def ResumeCard(  # noqa: N802  # the proto's name
        self,
        request: pb.ResumeCardRequest,
        _context: Context[pb.ResumeCardRequest, pb.ResumeCardResponse],
    ) -> pb.ResumeCardResponse:
        """Take a suspension back."""
        command = translate.resume_card(request, _terminal())
        answer, now = await self._act(resume_card, command)
        return pb.ResumeCardResponse(card=translate.card_message(answer, now))

    async def RevokeCard(  # noqa: N802  # the proto's name
        self,
        request: pb.RevokeCardRequest,
        _context: Context[pb.RevokeCardRequest, pb.RevokeCardResponse],
    ) -> pb.RevokeCardResponse:
        """End a card."""
        command = translate.revoke_card(request, _terminal())
        answer, now = await self._act(revoke_card, command)
        return pb.RevokeCardResponse(card=translate.card_message(answer, now))

    async def ReturnCard(  # noqa: N802  # the proto's name
        self,
        request: pb.ReturnCardRequest,
        _context: Context[pb.ReturnCardRequest, pb.ReturnCardResponse],
    ) -> pb.ReturnCardResponse:
        """Take a card back."""
        command = translate.return_card(request, _terminal())
        answer, now = await self._act(return_card, command)
        return pb.ReturnCardResponse(card=translate.card_message(answer, now))

    async def ReissueCard(  # noqa: N802  # the proto's name
        self,
        request: pb.ReissueCardRequest,
        _context: Context[pb.ReissueCardRequest, pb.ReissueCardResponse],
    ) -> pb.ReissueCardResponse:
        """End a card and apply for another at once."""
        command = translate_application.reissue_card(request, _terminal())
        command = replace(command, form=await with_usable_photo(command.form))
        answer, now = await self._act(reissue_card, command)
        return pb.ReissueCardResponse(
            application=translate_application.application_message(answer.taken.application),
            letter=translate_application.letter_message(answer.taken.letter),
            old_card=translate.card_message(answer.old_card, now),
        )

    async def GetCard(  # noqa: N802  # the proto's name
        self,
        request: pb.GetCardRequest,
        _context: Context[pb.GetCardRequest, pb.GetCardResponse],
    ) -> pb.GetCardResponse:
        """Return a person's cards."""
        command = translate.get_card(request, _terminal())
        answer, now = await self._act(get_card, command)
        return pb.GetCardResponse(cards=[translate.card_message(card, now) for card in answer])

    async def _act(
        self,
        act: Callable[[Tx, Command, datetime, CardPolicy], Outcome],
        command: Command,
    ) -> tuple[Outcome, datetime]:
        """Do an act; return its answer, and when that was."""
        now, policy = self._parts.clock(), self._parts.policy
        answer = await durably(self._parts.store.act(lambda tx: act(tx, command, now, policy)))
        return answer, now


def _terminal() -> Terminal:
    return terminal(current_caller().identity)
