"""Rows of an import between the wire and the areas: each by itself, good or with what is wrong.

A row that breaks a rule is a row with an outcome; it stops neither its neighbours nor the stream.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from juki_center.areas.residents.imports import ReadLine
from juki_center.areas.residents.records import ResidenceState
from juki_center.areas.residents.rules import checked
from juki_center.areas.residents.updates import Update, UpdateReason
from juki_center.errors import Reason, Refusal
from juki_center.rpc import fields
from juki_center.rpc.civil_dates import required_date
from juki_center.rpc.records_translation import change_reason, entries, resident_code
from jukinet.residents.v1 import residence_record_pb2
from jukinet.residents.v1 import resident_service_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    from juki_center.areas.residents.codes import MunicipalityCode
    from juki_center.areas.residents.imports import Finding, Totals

ROWS: Final = 100
_LAST_ROW: Final = 2**53
_HOUSEHOLD_NUMBER: Final = 20
_VERSION: Final = 4_294_967_295
_STATE: Final = residence_record_pb2.ResidenceRecord.State


def hello(message: pb.ImportRecordsRequest.Hello) -> UUID:
    """Return the id of the import. Raises FIELD_INVALID."""
    return fields.uuid4("hello.import_id", message.import_id)


def first_row(message: pb.ImportRecordsRequest.Rows) -> int:
    """Return the number of the first of 1 to 100 rows. Raises FIELD_INVALID."""
    fields.number("rows.rows", len(message.rows), least=1, most=ROWS)
    return fields.number("rows.first_row", message.first_row, least=1, most=_LAST_ROW)


def lines(first: int, rows: Iterable[pb.UpdateRow], register: MunicipalityCode) -> list[ReadLine]:
    """Return rows, numbered from `first`, as lines of an import into a register."""
    return [_line(number, row, register) for number, row in enumerate(rows, start=first)]


def _line(number: int, row: pb.UpdateRow, register: MunicipalityCode) -> ReadLine:
    try:
        return ReadLine(number, end=0, update=update(row, register))
    except Refusal as refusal:
        if refusal.reason is not Reason.FIELD_INVALID:
            raise
        facts = refusal.metadata
        return ReadLine(number, end=0, column=facts["field"], rule=facts["rule"])


def update(row: pb.UpdateRow, register: MunicipalityCode) -> Update:
    """Check and translate a row. Raises FIELD_INVALID."""
    code = resident_code("code", row.code)
    fields.present(row, "entries", "entries")
    taken = entries("entries", row.entries)
    with fields.field("entries"):
        record = checked(taken.of_new(code))
    return Update(
        municipality=register,
        household_number=fields.text(
            "household_number", row.household_number, longest=_HOUSEHOLD_NUMBER
        ),
        version=fields.number("version", row.version, least=1, most=_VERSION),
        state=fields.choice("state", row.state, _STATE.DESCRIPTOR, ResidenceState),
        record=record,
        change=_reason(row.change) if row.HasField("change") else None,
    )


def _reason(change: residence_record_pb2.ChangeInformation) -> UpdateReason:
    return UpdateReason(
        reason=change_reason("change.reason", change.reason),
        date=required_date(change, "change_date", "change.change_date"),
    )


def welcome_message(next_row: int) -> pb.ImportRecordsResponse:
    """Write where to go on."""
    return pb.ImportRecordsResponse(welcome=pb.ImportRecordsResponse.Welcome(next_row=next_row))


def results_message(findings: Iterable[Finding]) -> pb.ImportRecordsResponse:
    """Write what became of rows."""
    results = [_result(finding) for finding in findings]
    return pb.ImportRecordsResponse(results=pb.ImportRecordsResponse.Results(results=results))


def _result(finding: Finding) -> pb.RowResult:
    outcome = pb.RowResult.Outcome
    return pb.RowResult(
        row=finding.line,
        outcome=outcome.Value(fields.proto_name(finding.outcome, outcome.DESCRIPTOR)),
        field=finding.field,
        rule=finding.rule,
        missing_version=finding.missing,
    )


def totals_message(totals: Totals) -> pb.ImportRecordsResponse:
    """Write the sums."""
    return pb.ImportRecordsResponse(
        totals=pb.ImportRecordsResponse.Totals(
            row_count=totals.lines,
            applied=totals.applied,
            duplicate=totals.duplicate,
            held=totals.held,
            refused=totals.refused,
        )
    )
