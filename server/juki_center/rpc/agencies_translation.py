"""Identity confirmation between the wire and the areas: protos in, commands out, and back.

Every field is checked here, once. What an agency may ask, and what it is told, is decided by the
acts.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from juki_center.areas.agencies import commands
from juki_center.areas.residents.changes import Item
from juki_center.areas.residents.codes import MunicipalityCode, ResidentCode
from juki_center.areas.residents.names import accept_address, accept_kana, accept_name
from juki_center.areas.residents.records import ChangeReason, Nationality, Sex
from juki_center.errors import Reason, Refusal
from juki_center.rpc import fields
from juki_center.rpc.civil_dates import civil_date_message, fill_civil_date, required_date
from jukinet.agencies.v1 import identity_confirmation_service_pb2 as pb
from jukinet.residents.v1 import residence_record_pb2

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from uuid import UUID

    from juki_center.areas.callers import Agency

_SEX = residence_record_pb2.Entries.Sex
_CHANGE_REASON = residence_record_pb2.ChangeReason
_CURSOR_BYTES = 1_024


def by_code(request: pb.ConfirmByCodeRequest, sender: Agency) -> commands.Confirm:
    """Check and translate a question by code."""
    return commands.Confirm(
        agency=sender,
        affair=_affair(request.affair),
        question=_code("code", request.code),
        items=_items(request.items),
        watch=request.watch_changes,
        question_id=_question_id(request.question_id),
    )


def by_attributes(request: pb.ConfirmByAttributesRequest, sender: Agency) -> commands.Confirm:
    """Check and translate a question by attributes."""
    fields.present(request, "attributes", "attributes")
    return commands.Confirm(
        agency=sender,
        affair=_affair(request.affair),
        question=_attributes("attributes", request.attributes),
        items=_items(request.items),
        watch=request.watch_changes,
        question_id=_question_id(request.question_id),
    )


def _question_id(text: str) -> UUID | None:
    return fields.uuid4("question_id", text) if text else None


def hello(message: pb.ConfirmBatchRequest.Hello, sender: Agency) -> commands.OpenBatch:
    """Check and translate the opening of a batch."""
    line_count = fields.number(
        "hello.line_count", message.line_count, least=1, most=commands.MOST_LINES
    )
    return commands.OpenBatch(
        agency=sender,
        batch_id=fields.uuid4("hello.batch_id", message.batch_id),
        affair=_affair(message.affair, "hello.affair"),
        line_count=line_count,
        items=_items(message.items, "hello.items"),
        watch=message.watch_changes,
        results_from_line=fields.number(
            "hello.results_from_line",
            message.results_from_line,
            least=0,
            most=commands.MOST_LINES + 1,
        ),
        content_digest=_digest(message.content_digest),
    )


def _digest(octets: bytes) -> bytes:
    return fields.octets("hello.content_digest", octets, size=32) if octets else b""


def lines(message: pb.ConfirmBatchRequest.Lines) -> tuple[commands.Line, ...]:
    """Check and translate lines; one that breaks a rule becomes its own error and no other's."""
    most = commands.MOST_LINES_AT_ONCE
    fields.number("lines.lines", len(message.lines), least=1, most=most)
    return tuple(_line(line) for line in message.lines)


def _line(line: pb.ConfirmBatchRequest.Line) -> commands.Line:
    try:
        match line.WhichOneof("question"):
            case "code":
                return _code("code", line.code)
            case "attributes":
                return _attributes("attributes", line.attributes)
            case _:
                raise fields.invalid("question", "REQUIRED")
    except Refusal as refusal:
        return line_error(refusal)


def line_error(refusal: Refusal) -> commands.LineError:
    """Return a refusal as the error of one line."""
    facts = refusal.metadata
    return commands.LineError(refusal.reason, facts.get("field", ""), facts.get("rule", ""))


def watch(request: pb.WatchChangesRequest, sender: Agency, limit: int) -> commands.Watch:
    """Check and translate the opening of a stream of changes."""
    if len(request.cursor) > _CURSOR_BYTES:
        raise Refusal(Reason.CURSOR_UNKNOWN)
    return commands.Watch(sender, _affair(request.affair), request.cursor, limit)


@lru_cache(maxsize=256)
def _affair(text: str, path: str = "affair") -> commands.AffairCode:
    fields.required(path, text)
    with fields.field(path):
        return commands.AffairCode(text)


def _code(path: str, text: str) -> commands.ByCode:
    with fields.field(path):
        return commands.ByCode(ResidentCode(text))


def _items(numbers: Iterable[pb.Item.ValueType], path: str = "items") -> tuple[Item, ...]:
    return _checked_items(tuple(numbers), path)


# An agency asks for the same items again and again; what is refused is not kept.
@lru_cache(maxsize=256)
def _checked_items(numbers: tuple[pb.Item.ValueType, ...], path: str) -> tuple[Item, ...]:
    items = tuple([fields.choice(path, number, pb.Item.DESCRIPTOR, Item) for number in numbers])
    if len(set(items)) != len(items):
        raise fields.invalid(path, "EACH_AT_MOST_ONCE")
    return items


def _attributes(path: str, asked: pb.Attributes) -> commands.ByAttributes:
    birth = required_date(asked, "date_of_birth", f"{path}.date_of_birth")
    name, kana = _name(f"{path}.name", asked.name), _kana(f"{path}.name_kana", asked.name_kana)
    with fields.field(path):
        return commands.ByAttributes(
            name=name,
            birth=birth,
            kana=kana,
            sex=_sex(f"{path}.sex", asked.sex),
            address=_address(f"{path}.address", asked.address),
            municipality=_municipality(f"{path}.municipality_code", asked.municipality_code),
            prefecture=fields.text(
                f"{path}.prefecture_code", asked.prefecture_code, longest=2, may_be_empty=True
            ),
        )


def _name(path: str, text: str) -> str:
    """Return a name as registers hold it, with or without the letters of foreign residents."""
    if not text:
        return ""
    fields.required(path, text)
    with fields.field(path):
        return accept_name(text, Nationality.FOREIGN)


def _kana(path: str, text: str) -> str:
    if not text:
        return ""
    fields.required(path, text)
    with fields.field(path):
        return accept_kana(text)


def _address(path: str, text: str) -> str:
    if not text:
        return ""
    fields.required(path, text)
    with fields.field(path):
        return accept_address(text)


def _sex(path: str, number: residence_record_pb2.Entries.Sex.ValueType) -> Sex | None:
    return fields.choice(path, number, _SEX.DESCRIPTOR, Sex) if number else None


def _municipality(path: str, text: str) -> MunicipalityCode | None:
    if not text:
        return None
    with fields.field(path):
        return MunicipalityCode(text)


def fill_confirmation(message: pb.Confirmation, confirmation: commands.Confirmation) -> None:
    """Write an answer into a message that is new, such as a part of another one."""
    # Messages are filled where they stand: to make each part and copy it takes three times as long.
    message.outcome = outcome_number(confirmation.outcome)
    if confirmation.count:
        message.count = confirmation.count
    if confirmation.varied:
        message.varied.extend([_item_number(item) for item in confirmation.varied])
    if confirmation.subject_reference:
        message.subject_reference = confirmation.subject_reference
    message.provision_id = confirmation.provision_id
    if confirmation.information is not None:
        _fill_information(message.information, confirmation.information)
    if confirmation.deletion is not None:
        message.deletion_reason = _change_reason_number(confirmation.deletion.reason)
        fill_civil_date(message.deletion_date, confirmation.deletion.date)


def information_message(information: commands.Information) -> pb.IdentityInformation:
    """Return identity confirmation information as a message."""
    message = pb.IdentityInformation()
    _fill_information(message, information)
    return message


def _fill_information(message: pb.IdentityInformation, information: commands.Information) -> None:
    # It may have nothing but blanks, and is there all the same.
    message.SetInParent()
    message.name = information.name
    message.alias = information.alias
    message.address = information.address
    if information.birth is not None:
        fill_civil_date(message.date_of_birth, information.birth)
    if information.sex is not None:
        message.sex = _sex_number(information.sex)
    if information.code is not None:
        message.code = information.code.digits


@lru_cache(maxsize=16)
def outcome_number(outcome: commands.Outcome) -> pb.Confirmation.Outcome.ValueType:
    """Return the proto's number of an outcome."""
    enum = pb.Confirmation.Outcome
    return enum.Value(fields.proto_name(outcome, enum.DESCRIPTOR))


@lru_cache(maxsize=16)
def _item_number(item: Item) -> pb.Item.ValueType:
    return pb.Item.Value(fields.proto_name(item, pb.Item.DESCRIPTOR))


@lru_cache(maxsize=4)
def _sex_number(sex: Sex) -> residence_record_pb2.Entries.Sex.ValueType:
    return _SEX.Value(fields.proto_name(sex, _SEX.DESCRIPTOR))


@lru_cache(maxsize=32)
def _change_reason_number(reason: ChangeReason) -> residence_record_pb2.ChangeReason.ValueType:
    return _CHANGE_REASON.Value(fields.proto_name(reason, _CHANGE_REASON.DESCRIPTOR))


def line_result_message(result: commands.LineResult) -> pb.LineResult:
    """Translate what became of a line."""
    message = pb.LineResult()
    fill_line_result(message, result)
    return message


def fill_line_result(message: pb.LineResult, result: commands.LineResult) -> None:
    """Write what became of a line into a message that is new, such as one of many."""
    message.line = result.line
    outcome = result.outcome
    if isinstance(outcome, commands.Confirmation):
        fill_confirmation(message.confirmation, outcome)
    else:
        error = message.error
        error.reason, error.field, error.rule = outcome.reason.value, outcome.field, outcome.rule


def totals_message(totals: commands.Totals) -> pb.ConfirmBatchResponse:
    """Translate the sums of a batch."""
    counts = [
        pb.ConfirmBatchResponse.Count(outcome=outcome_number(outcome), lines=count)
        for outcome, count in totals.counts
    ]
    return pb.ConfirmBatchResponse(
        totals=pb.ConfirmBatchResponse.Totals(
            line_count=totals.line_count, counts=counts, refused=totals.refused
        )
    )


def notice_message(notice: commands.Notice) -> pb.WatchChangesResponse:
    """Translate a change notice, with the cursor after it."""
    message = pb.ChangeNotice(
        subject_reference=notice.subject_reference,
        reason=_change_reason_number(notice.reason),
        change_date=civil_date_message(notice.date),
        changed_items=[_item_number(item) for item in notice.items],
    )
    message.record_time.FromDatetime(notice.recorded_at)
    return pb.WatchChangesResponse(notice=message, cursor=notice.cursor)


def caught_up_message(page: commands.Notices, as_of: datetime) -> pb.WatchChangesResponse:
    """Say that everything up to `as_of` has been told, but for what waits."""
    waiting = [str(municipality) for municipality in page.waiting]
    message = pb.CaughtUp(waiting_municipality_codes=waiting)
    message.as_of.FromDatetime(as_of)
    return pb.WatchChangesResponse(caught_up=message, cursor=page.cursor)
