"""A register's commands and answers between the wire and the areas.

Every field is checked here, once. What a clerk may do to a record is decided by the acts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from juki_center.areas.residents import commands
from juki_center.areas.residents.locks import LOCK_ID_OCTETS
from juki_center.areas.residents.names import accept_address
from juki_center.rpc import fields
from juki_center.rpc.civil_dates import optional_date, required_date
from juki_center.rpc.options import MESSAGE_LIMIT_BYTES
from juki_center.rpc.records_translation import (
    change_reason,
    entries,
    record_message,
    resident_code,
)
from jukinet.residents.v1 import resident_service_pb2 as pb

if TYPE_CHECKING:
    from datetime import datetime, timedelta
    from typing import TypeAlias

    from google.protobuf.duration_pb2 import Duration

    from juki_center.areas.callers import Terminal
    from juki_center.areas.residents.codes import ResidentCode

    EditRequest: TypeAlias = (
        pb.RegisterDeathRequest
        | pb.DeleteRecordRequest
        | pb.CorrectRecordRequest
        | pb.ChangeResidentCodeRequest
        | pb.SetProtectiveMeasureRequest
    )
    Named: TypeAlias = (
        EditRequest
        | pb.GetRecordRequest
        | pb.ListHouseholdRequest
        | pb.RegisterBirthRequest
        | pb.ChangeHouseholdRequest
        | pb.CancelEntryRequest
        | pb.LockRecordRequest
    )

_CLERK_NAME: Final = 60
_VERSION: Final = 4_294_967_295
_MEMBERS: Final = 20
_SHORTEST_LIFT: Final = 60
_LONGEST_LIFT: Final = 86_400


def get_record(request: pb.GetRecordRequest, sender: Terminal) -> commands.GetRecord:
    """Check and translate a question for a record."""
    return commands.GetRecord(
        terminal=sender,
        clerk_name=_clerk(request),
        code=_code(request.code),
        with_history=request.with_history,
    )


def list_household(request: pb.ListHouseholdRequest, sender: Terminal) -> commands.ListHousehold:
    """Check and translate a question for a household."""
    return commands.ListHousehold(
        terminal=sender,
        clerk_name=_clerk(request),
        code=_code(request.code),
        with_deleted=request.with_deleted,
    )


def register_birth(request: pb.RegisterBirthRequest, sender: Terminal) -> commands.RegisterBirth:
    """Check and translate a birth."""
    fields.present(request, "entries", "entries")
    return commands.RegisterBirth(
        terminal=sender,
        request_id=fields.uuid4("request_id", request.request_id),
        clerk_name=_clerk(request),
        household_of=resident_code("household_of_code", request.household_of_code),
        entries=entries("entries", request.entries, may_lack_address=True),
    )


def register_death(request: pb.RegisterDeathRequest, sender: Terminal) -> commands.RegisterDeath:
    """Check and translate a death."""
    return commands.RegisterDeath(
        edit=_edit(request, sender),
        date_of_death=required_date(request, "date_of_death", "date_of_death"),
    )


def delete_record(request: pb.DeleteRecordRequest, sender: Terminal) -> commands.DeleteRecord:
    """Check and translate a deletion ex officio."""
    return commands.DeleteRecord(
        edit=_edit(request, sender),
        change_date=required_date(request, "change_date", "change_date"),
    )


def correct_record(request: pb.CorrectRecordRequest, sender: Terminal) -> commands.CorrectRecord:
    """Check and translate a correction."""
    fields.present(request, "entries", "entries")
    return commands.CorrectRecord(
        edit=_edit(request, sender),
        entries=entries("entries", request.entries),
        reason=change_reason("reason", request.reason),
        change_date=required_date(request, "change_date", "change_date"),
    )


def change_household(
    request: pb.ChangeHouseholdRequest, sender: Terminal
) -> commands.ChangeHousehold:
    """Check and translate a change of households."""
    fields.number("members", len(request.members), least=1, most=_MEMBERS)
    return commands.ChangeHousehold(
        terminal=sender,
        request_id=fields.uuid4("request_id", request.request_id),
        clerk_name=_clerk(request),
        members=tuple(
            _member(f"members[{index}]", member) for index, member in enumerate(request.members)
        ),
        household_of=_target(request),
        change_date=required_date(request, "change_date", "change_date"),
    )


def _member(path: str, member: pb.ChangeHouseholdRequest.Member) -> commands.Member:
    fields.required(f"{path}.relationship_to_householder", member.relationship_to_householder)
    with fields.field(f"{path}.relationship_to_householder"):
        relationship = accept_address(member.relationship_to_householder)
    return commands.Member(
        code=resident_code(f"{path}.code", member.code),
        expected_version=_version(f"{path}.expected_version", member.expected_version),
        relationship=relationship,
        lock_id=_lock(f"{path}.lock_id", member.lock_id),
    )


def _target(request: pb.ChangeHouseholdRequest) -> ResidentCode | None:
    match request.WhichOneof("target"):
        case "household_of_code":
            return resident_code("household_of_code", request.household_of_code)
        case "new_household" if request.new_household:
            return None
        case _:
            raise fields.invalid("target", "REQUIRED")


def change_resident_code(
    request: pb.ChangeResidentCodeRequest, sender: Terminal
) -> commands.ChangeResidentCode:
    """Check and translate a request for a new code."""
    return commands.ChangeResidentCode(edit=_edit(request, sender))


def cancel_entry(request: pb.CancelEntryRequest, sender: Terminal) -> commands.CancelEntry:
    """Check and translate a cancellation; the version to cancel is the one that was seen."""
    return commands.CancelEntry(
        edit=commands.Edit(
            terminal=sender,
            request_id=fields.uuid4("request_id", request.request_id),
            clerk_name=_clerk(request),
            code=_code(request.code),
            expected_version=_version("cancelled_version", request.cancelled_version),
            lock_id=_lock("lock_id", request.lock_id),
        )
    )


def set_protective_measure(
    request: pb.SetProtectiveMeasureRequest, sender: Terminal
) -> commands.SetProtectiveMeasure:
    """Check and translate a step of a protective measure."""
    return commands.SetProtectiveMeasure(edit=_edit(request, sender), step=_measure_step(request))


def _measure_step(
    request: pb.SetProtectiveMeasureRequest,
) -> commands.BeginMeasure | commands.LiftMeasure | commands.EndMeasure:
    match request.WhichOneof("step"):
        case "begin":
            return commands.BeginMeasure(
                optional_date(request.begin, "planned_end", "begin.planned_end")
            )
        case "lift":
            return commands.LiftMeasure(_span(request.lift))
        case "end":
            return commands.EndMeasure()
        case _:
            raise fields.invalid("step", "REQUIRED")


def _span(lift: Duration) -> timedelta:
    seconds = lift.seconds + (1 if lift.nanos else 0)
    if lift.nanos < 0 or not _SHORTEST_LIFT <= lift.seconds <= seconds <= _LONGEST_LIFT:
        raise fields.invalid("lift", f"SECONDS_{_SHORTEST_LIFT}_{_LONGEST_LIFT}")
    if lift.nanos >= 1_000_000_000:
        raise fields.invalid("lift", "NANOS")
    return lift.ToTimedelta()


def lock_record(request: pb.LockRecordRequest, sender: Terminal) -> commands.LockRecord:
    """Check and translate a request for an edit lock."""
    return commands.LockRecord(
        terminal=sender, clerk_name=_clerk(request), code=_code(request.code)
    )


def unlock_record(request: pb.UnlockRecordRequest, sender: Terminal) -> commands.UnlockRecord:
    """Check and translate the return of an edit lock."""
    lock_id = fields.octets("lock_id", request.lock_id, size=LOCK_ID_OCTETS)
    return commands.UnlockRecord(terminal=sender, lock_id=lock_id)


def _edit(request: EditRequest, sender: Terminal) -> commands.Edit:
    return commands.Edit(
        terminal=sender,
        request_id=fields.uuid4("request_id", request.request_id),
        clerk_name=_clerk(request),
        code=_code(request.code),
        expected_version=_version("expected_version", request.expected_version),
        lock_id=_lock("lock_id", request.lock_id),
    )


def _clerk(request: Named) -> str:
    """Return the clerk's name. Absent is for the act to refuse: it has a reason of its own."""
    return fields.text("clerk_name", request.clerk_name, longest=_CLERK_NAME, may_be_empty=True)


def _code(digits: str) -> ResidentCode:
    return resident_code("code", digits)


def _version(path: str, version: int) -> int:
    return fields.number(path, version, least=1, most=_VERSION)


def _lock(path: str, lock_id: bytes) -> bytes | None:
    return fields.octets(path, lock_id, size=LOCK_ID_OCTETS) if lock_id else None


def record_read_message(answer: commands.RecordRead, now: datetime) -> pb.GetRecordResponse:
    """Translate a record and its history; of the oldest versions, what fits into a message."""
    message = pb.GetRecordResponse(record=record_message(answer.record, now))
    for resident in answer.earlier:
        version = record_message(resident, now)
        message.earlier_versions.append(version)
        if message.ByteSize() > MESSAGE_LIMIT_BYTES:
            del message.earlier_versions[-1]
            break
    return message


def household_message(answer: commands.HouseholdRead, now: datetime) -> pb.ListHouseholdResponse:
    """Translate a household in its order."""
    return pb.ListHouseholdResponse(records=[record_message(one, now) for one in answer.records])


def birth_message(answer: commands.BirthRegistered, now: datetime) -> pb.RegisterBirthResponse:
    """Translate the answer to a birth."""
    return pb.RegisterBirthResponse(
        record=record_message(answer.record, now), code_stock_is_low=answer.code_stock_is_low
    )


def death_message(answer: commands.RecordClosed, now: datetime) -> pb.RegisterDeathResponse:
    """Translate the answer to a death."""
    return pb.RegisterDeathResponse(
        record=record_message(answer.record, now),
        lapsed_card_count=answer.lapsed_card_count,
        household_needs_head=answer.household_needs_head,
    )


def deletion_message(answer: commands.RecordClosed, now: datetime) -> pb.DeleteRecordResponse:
    """Translate the answer to a deletion."""
    return pb.DeleteRecordResponse(
        record=record_message(answer.record, now),
        lapsed_card_count=answer.lapsed_card_count,
        household_needs_head=answer.household_needs_head,
    )


def household_change_message(
    answer: commands.HouseholdChanged, now: datetime
) -> pb.ChangeHouseholdResponse:
    """Translate the answer to a change of households; of the records, what fits into a message.

    The change is done by then, and no length of its records may make it look refused.
    """
    message = pb.ChangeHouseholdResponse(household_needs_head=answer.household_needs_head)
    for resident in answer.records:
        message.records.append(record_message(resident, now))
        if message.ByteSize() > MESSAGE_LIMIT_BYTES:
            del message.records[-1]
            break
    return message


def code_change_message(
    answer: commands.CodeChanged, now: datetime
) -> pb.ChangeResidentCodeResponse:
    """Translate the answer to a change of code."""
    return pb.ChangeResidentCodeResponse(
        record=record_message(answer.record, now),
        revoked_card_count=answer.revoked_card_count,
        code_stock_is_low=answer.code_stock_is_low,
    )


def lock_message(answer: commands.RecordLocked) -> pb.LockRecordResponse:
    """Translate an edit lock."""
    message = pb.LockRecordResponse(lock_id=answer.lock_id, version=answer.version)
    message.expire_time.FromDatetime(answer.until)
    return message
