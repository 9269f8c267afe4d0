"""The card service of a center in this process: one card in memory, each change once by its id."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

import grpc
from google.protobuf.message import Message

from jukinet.cards.v1 import card_application_pb2 as applications
from jukinet.cards.v1 import card_pb2 as records
from jukinet.cards.v1 import card_service_pb2 as pb
from jukinet.options.v1 import options_pb2
from tests.unit.terminal.center_double import CLERK, LocksDouble, SessionDouble, refuse

CARD_NUMBER = "482913057611"
APPLICATION = "A123456789092"
TRANSPORT = "60718"
FORBIDDEN = "0214"
FEE = 500
Answer = TypeVar("Answer", bound=Message)


@dataclass
class CardsDouble(LocksDouble):
    """The service. `faults` are taken one for each call: `before` and `after` cut the call before
    and after the act, a reason refuses it."""

    sessions: SessionDouble = field(kw_only=True)
    state: records.CardState.ValueType = records.CARD_STATE_MADE
    pin_pending: bool = False
    continue_until: str = ""
    faults: list[str] = field(default_factory=list)
    requests: list[Message] = field(default_factory=list)
    acts: dict[str, tuple[bytes, Message]] = field(default_factory=dict)
    used: set[bytes] = field(default_factory=set)
    unlocks: set[bytes] = field(default_factory=set)
    face: records.CardFace = field(default_factory=records.CardFace)
    clerk: str = CLERK
    """Who is signed in: the center writes the name into a request before it compares it."""

    def GetCardFace(  # noqa: N802
        self, request: pb.GetCardFaceRequest, context: grpc.ServicerContext
    ) -> pb.GetCardFaceResponse:
        self.requests.append(request)
        self._before(context)
        return pb.GetCardFaceResponse(face=self.face)

    def BeginHandOver(  # noqa: N802
        self, request: pb.BeginHandOverRequest, context: grpc.ServicerContext
    ) -> pb.BeginHandOverResponse:
        self.requests.append(request)
        fault = self._before(context)
        if self.state != records.CARD_STATE_MADE:
            _no(context, "NOT_IN_THIS_STATE")
        _after(fault, context)
        return pb.BeginHandOverResponse(
            card_number=CARD_NUMBER,
            transport_pin=TRANSPORT,
            forbidden_pins=[FORBIDDEN],
            fee_yen=FEE,
        )

    def HandOver(  # noqa: N802
        self, request: pb.HandOverRequest, context: grpc.ServicerContext
    ) -> pb.HandOverResponse:
        def act() -> pb.HandOverResponse:
            if request.fee_yen != FEE:
                _no(context, "FEE_NOT_AS_SET")
            self._consume(request.card_session_id, options_pb2.PURPOSE_PIN_PROOF, context)
            self.state = records.CARD_STATE_ACTIVE
            return pb.HandOverResponse(application=self._application(), card=self.card())

        return self._once(request, request.request_id, act, context)

    def BeginUnlockPin(  # noqa: N802
        self, request: pb.BeginUnlockPinRequest, context: grpc.ServicerContext
    ) -> pb.BeginUnlockPinResponse:
        def act() -> pb.BeginUnlockPinResponse:
            if len(request.documents) < 2:
                _no(context, "TWO_DOCUMENTS_REQUIRED")
            unlock_id = secrets.token_bytes(16)
            self.unlocks.add(unlock_id)
            self.sessions.takes_pin_away = request.mode == pb.BeginUnlockPinRequest.MODE_FORGOTTEN
            return pb.BeginUnlockPinResponse(unlock_id=unlock_id, forbidden_pins=[FORBIDDEN])

        return self._once(request, request.request_id, act, context)

    def UnlockPin(  # noqa: N802
        self, request: pb.UnlockPinRequest, context: grpc.ServicerContext
    ) -> pb.UnlockPinResponse:
        def act() -> pb.UnlockPinResponse:
            if request.unlock_id not in self.unlocks:
                _no(context, "UNLOCK_NOT_FOUND")
            self._consume(request.card_session_id, options_pb2.PURPOSE_PIN_PROOF, context)
            self.unlocks.remove(request.unlock_id)
            return pb.UnlockPinResponse(card=self.card())

        return self._once(request, request.request_id, act, context)

    def SuspendCard(  # noqa: N802
        self, request: pb.SuspendCardRequest, context: grpc.ServicerContext
    ) -> pb.SuspendCardResponse:
        def act() -> pb.SuspendCardResponse:
            self.state = records.CARD_STATE_SUSPENDED
            answer = pb.SuspendCardResponse(card=self.card())
            answer.suspend_time.FromSeconds(1_795_392_000)
            return answer

        return self._once(request, request.request_id, act, context)

    def ResumeCard(  # noqa: N802
        self, request: pb.ResumeCardRequest, context: grpc.ServicerContext
    ) -> pb.ResumeCardResponse:
        def act() -> pb.ResumeCardResponse:
            self._consume(request.card_session_id, options_pb2.PURPOSE_CARD_CHECK, context)
            self.state = records.CARD_STATE_ACTIVE
            return pb.ResumeCardResponse(card=self.card())

        return self._once(request, request.request_id, act, context)

    def RevokeCard(  # noqa: N802
        self, request: pb.RevokeCardRequest, context: grpc.ServicerContext
    ) -> pb.RevokeCardResponse:
        def act() -> pb.RevokeCardResponse:
            self.state = records.CARD_STATE_REVOKED
            return pb.RevokeCardResponse(card=self.card())

        return self._once(request, request.request_id, act, context)

    def ReturnCard(  # noqa: N802
        self, request: pb.ReturnCardRequest, context: grpc.ServicerContext
    ) -> pb.ReturnCardResponse:
        def act() -> pb.ReturnCardResponse:
            if request.WhichOneof("card") == "card_session_id":
                self._consume(request.card_session_id, options_pb2.PURPOSE_CARD_CHECK, context)
            self.state = records.CARD_STATE_RETURNED
            return pb.ReturnCardResponse(card=self.card())

        return self._once(request, request.request_id, act, context)

    def ReissueCard(  # noqa: N802
        self, request: pb.ReissueCardRequest, context: grpc.ServicerContext
    ) -> pb.ReissueCardResponse:
        def act() -> pb.ReissueCardResponse:
            if request.WhichOneof("old_card") == "card_session_id":
                self._consume(request.card_session_id, options_pb2.PURPOSE_CARD_CHECK, context)
            self.state = records.CARD_STATE_REVOKED
            return pb.ReissueCardResponse(application=self._application(), old_card=self.card())

        return self._once(request, request.request_id, act, context)

    def GetCard(  # noqa: N802
        self, request: pb.GetCardRequest, context: grpc.ServicerContext
    ) -> pb.GetCardResponse:
        self.requests.append(request)
        self._before(context)
        return pb.GetCardResponse(cards=[self.card()])

    def card(self) -> records.Card:
        """Return the card as it is."""
        return records.Card(
            number=CARD_NUMBER,
            state=self.state,
            style=applications.CARD_STYLE_2,
            made_on="2026-11-01",
            valid_until="2036-10-31",
            pin_pending=self.pin_pending,
            continue_until=self.continue_until,
        )

    def _application(self) -> applications.Application:
        return applications.Application(
            number=APPLICATION, state=applications.APPLICATION_STATE_DELIVERED
        )

    def _consume(self, session_id: bytes, purpose: int, context: grpc.ServicerContext) -> None:
        if self.sessions.purposes.get(session_id) != purpose:
            _no(context, "SESSION_NOT_FOUND")
        if session_id in self.used:
            _no(context, "SESSION_USED")
        self.used.add(session_id)

    def _once(
        self,
        request: Message,
        request_id: str,
        act: Callable[[], Answer],
        context: grpc.ServicerContext,
    ) -> Answer:
        self.requests.append(request)
        fault = self._before(context)
        content = self.clerk.encode() + request.SerializeToString(deterministic=True)
        if request_id not in self.acts:
            self.acts[request_id] = (content, act())
        first, kept = self.acts[request_id]
        if first != content:
            refuse(context, grpc.StatusCode.INVALID_ARGUMENT, "REQUEST_ID_REUSED")
        _after(fault, context)
        return kept  # type: ignore[return-value]  # the same method has put it there

    def _before(self, context: grpc.ServicerContext) -> str:
        fault = self.faults.pop(0) if self.faults else ""
        if fault == "before":
            context.abort(grpc.StatusCode.UNAVAILABLE, "")
        if fault.isupper():
            _no(context, fault)
        return fault


def _no(context: grpc.ServicerContext, reason: str) -> None:
    refuse(context, grpc.StatusCode.FAILED_PRECONDITION, reason)


def _after(fault: str, context: grpc.ServicerContext) -> None:
    if fault == "after":
        context.abort(grpc.StatusCode.UNAVAILABLE, "")
