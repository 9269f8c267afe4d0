"""Rows of an import, and what is said of them, between the wire and the areas."""

from __future__ import annotations

import pytest

from juki_center.areas.callers import Terminal
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.areas.residents.imports import Finding, ReadLine, Totals
from juki_center.areas.residents.records import ChangeReason
from juki_center.areas.residents.updates import Outcome
from juki_center.errors import Refusal
from juki_center.rpc import import_translation
from jukinet.residents.v1 import resident_service_pb2 as pb
from tests.support.register_service import update_row

TERMINAL = Terminal("juki://municipality/131016/terminal/01", MunicipalityCode("131016"))
CODE = "07215594348"


def test_row_becomes_an_update() -> None:
    row = update_row(CODE, 2, "007")

    (line,) = import_translation.lines(9, [row], TERMINAL.municipality)

    assert isinstance(line, ReadLine)
    assert line.update is not None
    assert (line.number, line.update.version, line.update.household_number) == (9, 2, "007")
    assert line.update.municipality == TERMINAL.municipality
    assert line.update.change is not None
    assert line.update.change.reason is ChangeReason.CORRECTION_EX_OFFICIO


def test_row_out_of_reach_of_numbers_is_refused() -> None:
    with pytest.raises(Refusal) as raised:
        import_translation.first_row(
            pb.ImportRecordsRequest.Rows(first_row=2**53 + 1, rows=[update_row(CODE)])
        )

    assert raised.value.metadata["field"] == "rows.first_row"


def test_results_and_totals_go_out() -> None:
    findings = [Finding(7, Outcome.HELD, missing=2), Finding(8, Outcome.REFUSED, "code", "X")]

    results = import_translation.results_message(findings).results.results
    totals = import_translation.totals_message(Totals(1, 2, 3, 4, freed=5)).totals

    assert [(one.row, one.missing_version, one.field, one.rule) for one in results] == [
        (7, 2, "", ""),
        (8, 0, "code", "X"),
    ]
    assert totals.row_count == totals.applied + totals.duplicate + totals.held + totals.refused
