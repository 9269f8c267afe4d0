"""The applications of a center in this process, and a card's face; each change once by its id."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar

import grpc
from google.protobuf.message import Message

from jukinet.cards.v1 import card_application_pb2 as pb
from jukinet.cards.v1 import card_application_service_pb2 as service_pb
from jukinet.cards.v1 import card_application_service_pb2_grpc as pb_grpc
from tests.unit.terminal.center_double import refuse
from tests.unit.terminal.residents_double import NAME

NUMBER = "A000000000195"
LETTER = "L000000000195"
OTHER = "A000000000292"
CARD = "000000000389"
ADDRESS = "東京都千代田区九段南一丁目2番1号　コーポ𠮷田"
Answer = TypeVar("Answer", bound=Message)


def a_letter() -> pb.InquiryLetter:
    """Return the letter of the one application."""
    return pb.InquiryLetter(
        number=LETTER,
        name=NAME,
        address=ADDRESS,
        sent_on="2026-11-23",
        reply_until="2026-12-23",
        registered_mail=True,
        document_required=True,
        municipality_name="東京都千代田区",
    )


def an_application(number: str = NUMBER) -> pb.Application:
    """Return an application whose letter was sent."""
    one = pb.Application(
        number=number,
        state=pb.APPLICATION_STATE_INQUIRY_SENT,
        kind=pb.APPLICATION_KIND_FIRST,
        style=pb.CARD_STYLE_1,
        reply_until="2026-12-23",
    )
    one.submit_time.FromSeconds(1_795_392_000)
    return one


@dataclass
class ApplicationsDouble(pb_grpc.CardApplicationServiceServicer):
    """The service. `faults` are taken one for each call: `before` and `after` cut the call before
    and after the act, a reason refuses it."""

    state: pb.ApplicationState.ValueType = pb.APPLICATION_STATE_INQUIRY_SENT
    letter: pb.InquiryLetter | None = field(default_factory=a_letter)
    notice: pb.IssueNotice | None = None
    faults: list[str] = field(default_factory=list)
    requests: list[Message] = field(default_factory=list)
    acts: dict[str, tuple[bytes, Message]] = field(default_factory=dict)

    def SubmitApplication(  # noqa: N802
        self, request: service_pb.SubmitApplicationRequest, context: grpc.ServicerContext
    ) -> service_pb.SubmitApplicationResponse:
        answer = service_pb.SubmitApplicationResponse(application=self._one(), letter=self.letter)
        return self._once(request, request.request_id, answer, context)

    def RecordInquiryReply(  # noqa: N802
        self, request: service_pb.RecordInquiryReplyRequest, context: grpc.ServicerContext
    ) -> service_pb.RecordInquiryReplyResponse:
        answer = service_pb.RecordInquiryReplyResponse(application=self._one())
        return self._once(request, request.request_id, answer, context)

    def RejectApplication(  # noqa: N802
        self, request: service_pb.RejectApplicationRequest, context: grpc.ServicerContext
    ) -> service_pb.RejectApplicationResponse:
        answer = service_pb.RejectApplicationResponse(application=self._one())
        return self._once(request, request.request_id, answer, context)

    def GetApplication(  # noqa: N802
        self, request: service_pb.GetApplicationRequest, context: grpc.ServicerContext
    ) -> service_pb.GetApplicationResponse:
        self.requests.append(request)
        self._before(context)
        return service_pb.GetApplicationResponse(
            application=self._one(),
            letter=self.letter if request.with_letter else None,
            notice=self.notice if request.with_letter else None,
        )

    def ListApplications(  # noqa: N802
        self, request: service_pb.ListApplicationsRequest, context: grpc.ServicerContext
    ) -> service_pb.ListApplicationsResponse:
        asked = service_pb.ListApplicationsRequest()
        asked.CopyFrom(request)
        self.requests.append(asked)
        self._before(context)
        if request.page_token:
            return service_pb.ListApplicationsResponse(applications=[an_application(OTHER)])
        return service_pb.ListApplicationsResponse(
            applications=[an_application()], next_page_token="1"
        )

    def _one(self) -> pb.Application:
        one = an_application()
        one.state = self.state
        if self.state == pb.APPLICATION_STATE_REJECTED:
            one.end_reason = "LETTER_NUMBER_WRONG"
        return one

    def _once(
        self, request: Message, request_id: str, answer: Answer, context: grpc.ServicerContext
    ) -> Answer:
        self.requests.append(request)
        fault = self._before(context)
        content = request.SerializeToString(deterministic=True)
        first, kept = self.acts.setdefault(request_id, (content, answer))
        if first != content:
            refuse(context, grpc.StatusCode.INVALID_ARGUMENT, "REQUEST_ID_REUSED")
        if fault == "after":
            context.abort(grpc.StatusCode.UNAVAILABLE, "")
        assert isinstance(kept, type(answer))
        return kept

    def _before(self, context: grpc.ServicerContext) -> str:
        fault = self.faults.pop(0) if self.faults else ""
        if fault == "before":
            context.abort(grpc.StatusCode.UNAVAILABLE, "")
        if fault.isupper():
            refuse(context, grpc.StatusCode.FAILED_PRECONDITION, fault)
        return fault
