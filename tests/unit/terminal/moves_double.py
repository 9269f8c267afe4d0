"""The moves of a center in this process: one move in memory, each change once by its id."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

import grpc
from google.protobuf.message import Message

from jukinet.cards.v1 import card_pb2
from jukinet.moves.v1 import move_pb2 as records
from jukinet.moves.v1 import move_service_pb2 as pb
from jukinet.moves.v1 import move_service_pb2_grpc as pb_grpc
from jukinet.options.v1 import options_pb2
from jukinet.residents.v1 import residence_record_pb2 as residents
from tests.unit.terminal.cards_double import CARD_NUMBER
from tests.unit.terminal.center_double import SessionDouble, refuse
from tests.unit.terminal.residents_double import CODE, NAME, a_record, day

MOVE = "M123456789092"
VERIFICATION = "123456789012345611"
WIFE = "葛󠄀城　さくら"
WIFE_CODE = "24727059608"
TRANSFER = bytes(range(16, 32))
ALERT = "alert-1"
Answer = TypeVar("Answer", bound=Message)


def a_move() -> records.Move:
    """Return the one move: by card, open, from Tokorozawa to Chiyoda."""
    move = records.Move(
        number=MOVE,
        origin_code="112089",
        planned_destination_code="131016",
        kind=records.Move.KIND_SPECIAL,
        state=records.Move.STATE_NOTIFIED,
        notice_version=1,
        planned_date="2026-11-20",
        notice_date="2026-11-10",
        last_day="2026-12-21",
        member_count=2,
    )
    move.file_time.FromSeconds(1_794_268_800)
    return move


def a_person(code: str, name: str, relationship: str) -> records.MovingPerson:
    """Return a person of the move."""
    entries = residents.Entries()
    entries.CopyFrom(a_record().entries)
    entries.name, entries.relationship_to_householder = name, relationship
    entries.address = "埼玉県所沢市並木一丁目1番地の1"
    entries.registered_domicile = "東京都千代田区九段南一丁目2番"
    entries.family_register_head = NAME
    return records.MovingPerson(code=code, version=4, entries=entries)


def a_certificate(count: int = 1) -> records.MovingOutCertificate:
    """Return the paper of the move."""
    return records.MovingOutCertificate(
        move_number=MOVE,
        verification_code=VERIFICATION,
        count=count,
        document=records.MovingOutCertificate.DOCUMENT_CERTIFICATE,
        origin_name="埼玉県所沢市",
        destination_name="東京都千代田区",
        destination_address="九段南一丁目2番1号",
        planned_date="2026-11-20",
        notice_date="2026-11-10",
        issue_date="2026-11-10",
        persons=[a_person(CODE, NAME, "世帯主"), a_person(WIFE_CODE, WIFE, "妻")],
    )


@dataclass
class MovesDouble(pb_grpc.MoveServiceServicer):
    """The service. `faults` are taken one for each call: `before` and `after` cut the call before
    and after the act, a reason refuses it, with facts as `REASON name=fact`."""

    sessions: SessionDouble = field(kw_only=True)
    move: records.Move = field(default_factory=a_move)
    persons: list[records.MovingPerson] = field(
        default_factory=lambda: [
            a_person(CODE, NAME, "世帯主"),
            a_person(WIFE_CODE, WIFE, "妻"),
        ]
    )
    refused_because: int = 0
    faults: list[str] = field(default_factory=list)
    requests: list[Message] = field(default_factory=list)
    acts: dict[str, tuple[bytes, Message]] = field(default_factory=dict)
    used: set[bytes] = field(default_factory=set)
    pages: int = 1
    continue_until: str = ""
    waits: bool = False
    told: pb.GetMoveResponse = field(default_factory=pb.GetMoveResponse)

    def of(self, kind: type[Answer]) -> list[Answer]:
        """Return the requests of a kind."""
        return [one for one in self.requests if isinstance(one, kind)]

    def FileMoveOut(  # noqa: N802
        self, request: pb.FileMoveOutRequest, context: grpc.ServicerContext
    ) -> pb.FileMoveOutResponse:
        def act() -> pb.FileMoveOutResponse:
            is_special = request.kind == records.Move.KIND_SPECIAL and not self.refused_because
            self._notify(request.plan, is_special=is_special)
            answer = pb.FileMoveOutResponse(
                move=self.move,
                special_refused_because=pb.FileMoveOutResponse.SpecialRefusal.ValueType(
                    self.refused_because
                ),
                household_needs_head=True,
            )
            if not is_special and not request.plan.abroad:
                answer.certificate.CopyFrom(a_certificate())
            return answer

        return self._once(request, request.request_id, act, context)

    def ChangeMoveOut(  # noqa: N802
        self, request: pb.ChangeMoveOutRequest, context: grpc.ServicerContext
    ) -> pb.ChangeMoveOutResponse:
        def act() -> pb.ChangeMoveOutResponse:
            self.move.notice_version += 1
            self.move.planned_date = request.plan.planned_date
            answer = pb.ChangeMoveOutResponse(move=self.move)
            if self.move.kind == records.Move.KIND_ORDINARY:
                answer.certificate.CopyFrom(a_certificate(2))
            return answer

        return self._once(request, request.request_id, act, context)

    def CancelMoveOut(  # noqa: N802
        self, request: pb.CancelMoveOutRequest, context: grpc.ServicerContext
    ) -> pb.CancelMoveOutResponse:
        def act() -> pb.CancelMoveOutResponse:
            self.move.state = records.Move.STATE_CANCELLED
            return pb.CancelMoveOutResponse(move=self.move, restored_count=2)

        return self._once(request, request.request_id, act, context)

    def IssueMovingOutCertificate(  # noqa: N802
        self, request: pb.IssueMovingOutCertificateRequest, context: grpc.ServicerContext
    ) -> pb.IssueMovingOutCertificateResponse:
        def act() -> pb.IssueMovingOutCertificateResponse:
            is_special = self.move.state == records.Move.STATE_NOTIFIED
            if is_special and not request.give_up_special:
                _no(context, "SPECIAL_MUST_BE_GIVEN_UP")
            self.move.kind = records.Move.KIND_ORDINARY
            self.move.state = records.Move.STATE_ORDINARY
            self.move.certificate_count += 1
            return pb.IssueMovingOutCertificateResponse(
                move=self.move, certificate=a_certificate(self.move.certificate_count)
            )

        return self._once(request, request.request_id, act, context)

    def CorrectMoveOut(  # noqa: N802
        self, request: pb.CorrectMoveOutRequest, context: grpc.ServicerContext
    ) -> pb.CorrectMoveOutResponse:
        def act() -> pb.CorrectMoveOutResponse:
            return pb.CorrectMoveOutResponse(move=self.move, waits=self.waits)

        return self._once(request, request.request_id, act, context)

    def RecordArrival(  # noqa: N802
        self, request: pb.RecordArrivalRequest, context: grpc.ServicerContext
    ) -> pb.RecordArrivalResponse:
        def act() -> pb.RecordArrivalResponse:
            self._complete(request.moved_date)
            return pb.RecordArrivalResponse(move=self.move)

        return self._once(request, request.request_id, act, context)

    def FetchTransferInformation(  # noqa: N802
        self, request: pb.FetchTransferInformationRequest, context: grpc.ServicerContext
    ) -> pb.FetchTransferInformationResponse:
        def act() -> pb.FetchTransferInformationResponse:
            information = records.TransferInformation(
                move=self.move, origin_name="埼玉県所沢市", persons=self.persons
            )
            if request.WhichOneof("by") == "expected_move_number":
                return pb.FetchTransferInformationResponse(information=information)
            self._consume(request.by_card.session_id, options_pb2.PURPOSE_SPECIAL_MOVE_IN, context)
            self.move.state = records.Move.STATE_TRANSFERRED
            return pb.FetchTransferInformationResponse(
                information=information, transfer_id=TRANSFER, last_day="2026-12-07"
            )

        return self._once(request, request.request_id, act, context)

    def RegisterMoveIn(  # noqa: N802
        self, request: pb.RegisterMoveInRequest, context: grpc.ServicerContext
    ) -> pb.RegisterMoveInResponse:
        def act() -> pb.RegisterMoveInResponse:
            if request.HasField("paper") and request.paper.verification_code != VERIFICATION:
                _no(context, "CERTIFICATE_NOT_FOUND")
            known = {one.code: one.entries for one in self.persons}
            if not known.keys() >= {one.code for one in request.arrivals}:
                _no(context, "NOT_OF_THE_MOVE")
            self._complete("2026-11-21")
            answer = pb.RegisterMoveInResponse(move=self.move)
            answer.alerts.add(kind=records.MoveAlert.KIND_SAME_NAME_OTHER_CODE, alert_id=ALERT)
            for one in request.arrivals:
                registered = answer.registered.add(
                    lapsed_card_count=0 if self.continue_until else 1,
                    continue_until=self.continue_until,
                )
                registered.record.CopyFrom(self._record(known[one.code], request.place))
            return answer

        return self._once(request, request.request_id, act, context)

    def AbandonMoveIn(  # noqa: N802
        self, request: pb.AbandonMoveInRequest, context: grpc.ServicerContext
    ) -> pb.AbandonMoveInResponse:
        def act() -> pb.AbandonMoveInResponse:
            if request.transfer_id != TRANSFER:
                _no(context, "TRANSFER_NOT_FOUND")
            self.move.state = records.Move.STATE_NOTIFIED
            return pb.AbandonMoveInResponse(move=self.move, waits=self.waits)

        return self._once(request, request.request_id, act, context)

    def CancelMoveIn(  # noqa: N802
        self, request: pb.CancelMoveInRequest, context: grpc.ServicerContext
    ) -> pb.CancelMoveInResponse:
        def act() -> pb.CancelMoveInResponse:
            self.move.state = records.Move.STATE_CANCELLED_AFTER
            return pb.CancelMoveInResponse(move=self.move)

        return self._once(request, request.request_id, act, context)

    def AcceptCorrection(  # noqa: N802
        self, request: pb.AcceptCorrectionRequest, context: grpc.ServicerContext
    ) -> pb.AcceptCorrectionResponse:
        def act() -> pb.AcceptCorrectionResponse:
            return pb.AcceptCorrectionResponse(record=a_record())

        return self._once(request, request.request_id, act, context)

    def ContinueCard(  # noqa: N802
        self, request: pb.ContinueCardRequest, context: grpc.ServicerContext
    ) -> pb.ContinueCardResponse:
        def act() -> pb.ContinueCardResponse:
            self._consume(request.session_id, options_pb2.PURPOSE_PIN_PROOF, context)
            if not request.back_written:
                _no(context, "BACK_NOT_WRITTEN")
            card = card_pb2.Card(number=CARD_NUMBER, valid_until="2036-10-31")
            return pb.ContinueCardResponse(card=card)

        return self._once(request, request.request_id, act, context)

    def RegisterMoveWithin(  # noqa: N802
        self, request: pb.RegisterMoveWithinRequest, context: grpc.ServicerContext
    ) -> pb.RegisterMoveWithinResponse:
        def act() -> pb.RegisterMoveWithinResponse:
            answer = pb.RegisterMoveWithinResponse(registered_late=bool(request.late_reason))
            for _ in request.movers:
                registered = answer.registered.add(card_face_count=1)
                registered.record.CopyFrom(self._record(a_record().entries, request.place))
            return answer

        return self._once(request, request.request_id, act, context)

    def GetMove(  # noqa: N802
        self, request: pb.GetMoveRequest, context: grpc.ServicerContext
    ) -> pb.GetMoveResponse:
        self.requests.append(request)
        self._before(context)
        if request.move_number != MOVE:
            refuse(context, grpc.StatusCode.NOT_FOUND, "MOVE_NOT_FOUND")
        answer = pb.GetMoveResponse(
            move=self.move, codes=[CODE, WIFE_CODE], reissue_certificate=True
        )
        answer.notices.extend(self.told.notices)
        answer.corrections.add(
            code=CODE, entries=a_person(CODE, NAME, "世帯主").entries
        ).send_time.FromSeconds(1_795_392_000)
        return answer

    def ListMoves(  # noqa: N802
        self, request: pb.ListMovesRequest, context: grpc.ServicerContext
    ) -> pb.ListMovesResponse:
        self.requests.append(request)
        self._before(context)
        return pb.ListMovesResponse(moves=[self.move], next_page_token=self._next())

    def ListMissingArrivals(  # noqa: N802
        self, request: pb.ListMissingArrivalsRequest, context: grpc.ServicerContext
    ) -> pb.ListMissingArrivalsResponse:
        self.requests.append(request)
        self._before(context)
        return pb.ListMissingArrivalsResponse(moves=[], next_page_token=self._next())

    def ListMoveAlerts(  # noqa: N802
        self, request: pb.ListMoveAlertsRequest, context: grpc.ServicerContext
    ) -> pb.ListMoveAlertsResponse:
        self.requests.append(request)
        self._before(context)
        return pb.ListMoveAlertsResponse(alerts=[_alert()], next_page_token=self._next())

    def AcknowledgeMoveAlert(  # noqa: N802
        self, request: pb.AcknowledgeMoveAlertRequest, context: grpc.ServicerContext
    ) -> pb.AcknowledgeMoveAlertResponse:
        self.requests.append(request)
        self._before(context)
        if request.alert_id != ALERT:
            refuse(context, grpc.StatusCode.NOT_FOUND, "ALERT_NOT_FOUND")
        alert = _alert()
        alert.acknowledge_time.FromSeconds(1_795_392_000)
        return pb.AcknowledgeMoveAlertResponse(alert=alert)

    def _notify(self, plan: records.MovePlan, *, is_special: bool) -> None:
        self.move.planned_date = plan.planned_date
        self.move.planned_destination_code = plan.destination_code
        if not is_special:
            self.move.kind = records.Move.KIND_ORDINARY
            self.move.state = records.Move.STATE_ORDINARY
            self.move.last_day = ""
            self.move.certificate_count = 0 if plan.abroad else 1

    def _complete(self, moved_date: str) -> None:
        self.move.state = records.Move.STATE_COMPLETED
        self.move.moved_date = moved_date
        self.move.destination_code = "131016"
        self.move.moved_count = self.move.member_count

    @staticmethod
    def _record(entries: residents.Entries, place: records.NewPlace) -> residents.ResidenceRecord:
        record = a_record()
        record.entries.CopyFrom(entries)
        record.entries.address = place.address
        record.entries.building_and_room = place.building_and_room
        record.change.change_date.CopyFrom(day(63, 1, 1))
        record.change.record_time.FromSeconds(1_795_392_000)
        return record

    def _next(self) -> str:
        self.pages -= 1
        return "more" if self.pages else ""

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
        content = request.SerializeToString(deterministic=True)
        if request_id not in self.acts:
            self.acts[request_id] = (content, act())
        first, kept = self.acts[request_id]
        if first != content:
            refuse(context, grpc.StatusCode.INVALID_ARGUMENT, "REQUEST_ID_REUSED")
        if fault == "after":
            context.abort(grpc.StatusCode.UNAVAILABLE, "")
        return kept  # type: ignore[return-value]  # the same method has put it there

    def _before(self, context: grpc.ServicerContext) -> str:
        fault = self.faults.pop(0) if self.faults else ""
        if fault == "before":
            context.abort(grpc.StatusCode.UNAVAILABLE, "")
        reason, *facts = fault.split(" ")
        if reason.isupper():
            _no(context, reason, **dict(fact.split("=") for fact in facts))
        return fault


def _alert() -> records.MoveAlert:
    alert = records.MoveAlert(alert_id=ALERT, move_number=MOVE, kind=records.MoveAlert.KIND_ARRIVED)
    alert.time.FromSeconds(1_795_392_000)
    return alert


def _no(context: grpc.ServicerContext, reason: str, **facts: str) -> None:
    refuse(context, grpc.StatusCode.FAILED_PRECONDITION, reason, **facts)
