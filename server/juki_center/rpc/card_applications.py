"""CardApplicationService: each call is one act or one question, with its translation.

Who calls comes from the certificate, never from the request. A photo is checked before its act.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from juki_center.areas.cards.application_reads import get_application, list_applications
from juki_center.areas.cards.applications import submit_application
from juki_center.areas.cards.rejections import reject_application
from juki_center.areas.cards.replies import record_reply
from juki_center.rpc import card_applications_translation as translate
from juki_center.rpc.callers import terminal
from juki_center.rpc.durable import durably
from juki_center.rpc.peers import current_caller
from juki_center.rpc.photos import with_usable_photo
from jukinet.cards.v1 import card_application_service_pb2 as pb
from jukinet.cards.v1 import card_application_service_pb2_grpc as pb_grpc

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    import grpc

    from juki_center.areas.callers import Terminal
    from juki_center.areas.cards.policy import CardPolicy
    from juki_center.areas.ports import Store, Tx

    Request = TypeVar("Request")
    Answer = TypeVar("Answer")
    Context = grpc.aio.ServicerContext[Request, Answer]

Command = TypeVar("Command")
Outcome = TypeVar("Outcome")


@dataclass(frozen=True, slots=True)
class Parts:
    """What the service of applications stands on."""

    store: Store
    policy: CardPolicy
    clock: Callable[[], datetime]


class CardApplications(pb_grpc.CardApplicationServiceServicer):
    """The servicer."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def SubmitApplication(  # noqa: N802  # the proto's name
        self,
        request: pb.SubmitApplicationRequest,
        _context: Context[pb.SubmitApplicationRequest, pb.SubmitApplicationResponse],
    ) -> pb.SubmitApplicationResponse:
        """Take an application."""
        command = translate.submit_application(request, _terminal())
        command = replace(command, form=await with_usable_photo(command.form))
        taken = await self._act(submit_application, command)
        return pb.SubmitApplicationResponse(
            application=translate.application_message(taken.application),
            letter=translate.letter_message(taken.letter),
        )

    async def RecordInquiryReply(  # noqa: N802  # the proto's name
        self,
        request: pb.RecordInquiryReplyRequest,
        _context: Context[pb.RecordInquiryReplyRequest, pb.RecordInquiryReplyResponse],
    ) -> pb.RecordInquiryReplyResponse:
        """Record a reply."""
        taken = await self._act(record_reply, translate.record_reply(request, _terminal()))
        return pb.RecordInquiryReplyResponse(
            application=translate.application_message(taken.application)
        )

    async def RejectApplication(  # noqa: N802  # the proto's name
        self,
        request: pb.RejectApplicationRequest,
        _context: Context[pb.RejectApplicationRequest, pb.RejectApplicationResponse],
    ) -> pb.RejectApplicationResponse:
        """End an application."""
        command = translate.reject_application(request, _terminal())
        taken = await self._act(reject_application, command)
        return pb.RejectApplicationResponse(
            application=translate.application_message(taken.application)
        )

    async def GetApplication(  # noqa: N802  # the proto's name
        self,
        request: pb.GetApplicationRequest,
        _context: Context[pb.GetApplicationRequest, pb.GetApplicationResponse],
    ) -> pb.GetApplicationResponse:
        """Return an application."""
        taken = await self._act(get_application, translate.get_application(request, _terminal()))
        return pb.GetApplicationResponse(
            application=translate.application_message(taken.application),
            letter=translate.letter_message(taken.letter),
            notice=translate.notice_message(taken.notice),
        )

    async def ListApplications(  # noqa: N802  # the proto's name
        self,
        request: pb.ListApplicationsRequest,
        _context: Context[pb.ListApplicationsRequest, pb.ListApplicationsResponse],
    ) -> pb.ListApplicationsResponse:
        """List applications."""
        command, parts = translate.list_applications(request, _terminal()), self._parts
        now = parts.clock()
        return translate.page_message(
            await parts.store.ask(lambda tx: list_applications(tx, command, now, parts.policy))
        )

    async def _act(
        self, act: Callable[[Tx, Command, datetime, CardPolicy], Outcome], command: Command
    ) -> Outcome:
        now, policy = self._parts.clock(), self._parts.policy
        return await durably(self._parts.store.act(lambda tx: act(tx, command, now, policy)))


def _terminal() -> Terminal:
    return terminal(current_caller().identity)
