"""The register of a center in this process: one record in memory, each change once by its id."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar

import grpc
from google.protobuf.message import Message

from jukinet.residents.v1 import residence_record_pb2 as records
from jukinet.residents.v1 import resident_service_pb2 as pb
from jukinet.residents.v1 import resident_service_pb2_grpc as pb_grpc
from jukinet.residents.v1.civil_date_pb2 import CivilDate
from tests.unit.terminal.center_double import refuse

CODE = "07215594348"
NAME = "葛󠄀城　𠮷男"
Answer = TypeVar("Answer", bound=Message)


def day(year: int, month: int, of_month: int) -> CivilDate:
    """Return a day of Showa."""
    return CivilDate(
        calendar=CivilDate.CALENDAR_ERA,
        era=CivilDate.ERA_SHOWA,
        year=year,
        month=month,
        day=of_month,
        precision=CivilDate.PRECISION_DAY,
    )


def a_record() -> records.ResidenceRecord:
    """Return the record of the one resident."""
    record = records.ResidenceRecord(
        code=CODE,
        municipality_code="131016",
        state=records.ResidenceRecord.STATE_ACTIVE,
        version=4,
        entries=records.Entries(
            name=NAME,
            name_kana="カツラギ　ヨシオ",
            nationality=records.Entries.NATIONALITY_JAPANESE,
            date_of_birth=day(33, 2, 14),
            sex=records.Entries.SEX_MALE,
            address="東京都千代田区九段南一丁目2番1号",
            relationship_to_householder="世帯主",
            resident_since=day(60, 4, 1),
        ),
        former_code_count=1,
    )
    record.change.reason = records.CHANGE_REASON_CODE_CHANGED
    record.change.change_date.CopyFrom(day(63, 1, 1))
    record.change.record_time.FromSeconds(1_795_392_000)
    return record


@dataclass
class ResidentsDouble(pb_grpc.ResidentServiceServicer):
    """The register. `faults` are taken one for each call: `before` and `after` cut the call before
    and after the act, a reason refuses it."""

    record: records.ResidenceRecord = field(default_factory=a_record)
    faults: list[str] = field(default_factory=list)
    requests: list[Message] = field(default_factory=list)
    acts: dict[str, tuple[bytes, Message]] = field(default_factory=dict)
    low_stock: bool = False

    def GetRecord(  # noqa: N802
        self, request: pb.GetRecordRequest, context: grpc.ServicerContext
    ) -> pb.GetRecordResponse:
        self._read(request, context)
        earlier = records.ResidenceRecord()
        earlier.CopyFrom(self.record)
        earlier.version = 3
        return pb.GetRecordResponse(
            record=self.record, earlier_versions=[earlier] if request.with_history else []
        )

    def ListHousehold(  # noqa: N802
        self, request: pb.ListHouseholdRequest, context: grpc.ServicerContext
    ) -> pb.ListHouseholdResponse:
        self._read(request, context)
        return pb.ListHouseholdResponse(records=[self.record, self.record])

    def LockRecord(  # noqa: N802
        self, request: pb.LockRecordRequest, context: grpc.ServicerContext
    ) -> pb.LockRecordResponse:
        self._read(request, context)
        answer = pb.LockRecordResponse(lock_id=bytes(range(16)), version=4)
        answer.expire_time.FromSeconds(1_795_392_600)
        return answer

    def UnlockRecord(  # noqa: N802
        self, request: pb.UnlockRecordRequest, context: grpc.ServicerContext
    ) -> pb.UnlockRecordResponse:
        self._read(request, context)
        return pb.UnlockRecordResponse()

    def RegisterBirth(  # noqa: N802
        self, request: pb.RegisterBirthRequest, context: grpc.ServicerContext
    ) -> pb.RegisterBirthResponse:
        answer = pb.RegisterBirthResponse(record=self.record, code_stock_is_low=self.low_stock)
        return self._once(request, request.request_id, answer, context)

    def RegisterDeath(  # noqa: N802
        self, request: pb.RegisterDeathRequest, context: grpc.ServicerContext
    ) -> pb.RegisterDeathResponse:
        answer = pb.RegisterDeathResponse(
            record=self.record, lapsed_card_count=1, household_needs_head=True
        )
        return self._once(request, request.request_id, answer, context)

    def DeleteRecord(  # noqa: N802
        self, request: pb.DeleteRecordRequest, context: grpc.ServicerContext
    ) -> pb.DeleteRecordResponse:
        answer = pb.DeleteRecordResponse(record=self.record)
        return self._once(request, request.request_id, answer, context)

    def CorrectRecord(  # noqa: N802
        self, request: pb.CorrectRecordRequest, context: grpc.ServicerContext
    ) -> pb.CorrectRecordResponse:
        answer = pb.CorrectRecordResponse(record=self.record)
        return self._once(request, request.request_id, answer, context)

    def ChangeHousehold(  # noqa: N802
        self, request: pb.ChangeHouseholdRequest, context: grpc.ServicerContext
    ) -> pb.ChangeHouseholdResponse:
        answer = pb.ChangeHouseholdResponse(records=[self.record])
        return self._once(request, request.request_id, answer, context)

    def ChangeResidentCode(  # noqa: N802
        self, request: pb.ChangeResidentCodeRequest, context: grpc.ServicerContext
    ) -> pb.ChangeResidentCodeResponse:
        answer = pb.ChangeResidentCodeResponse(record=self.record, revoked_card_count=1)
        return self._once(request, request.request_id, answer, context)

    def CancelEntry(  # noqa: N802
        self, request: pb.CancelEntryRequest, context: grpc.ServicerContext
    ) -> pb.CancelEntryResponse:
        answer = pb.CancelEntryResponse(record=self.record)
        return self._once(request, request.request_id, answer, context)

    def SetProtectiveMeasure(  # noqa: N802
        self, request: pb.SetProtectiveMeasureRequest, context: grpc.ServicerContext
    ) -> pb.SetProtectiveMeasureResponse:
        answer = pb.SetProtectiveMeasureResponse(record=self.record)
        return self._once(request, request.request_id, answer, context)

    def _read(self, request: Message, context: grpc.ServicerContext) -> None:
        self.requests.append(request)
        self._before(context)

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
