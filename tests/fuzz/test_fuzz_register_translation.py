"""Requests of the register meet nothing but FIELD_INVALID, whatever their fields hold."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from google.protobuf import json_format
from google.protobuf.message import DecodeError, Message
from hypothesis import given, settings
from hypothesis import strategies as st

from juki_center.areas.callers import Terminal
from juki_center.areas.residents.codes import MunicipalityCode, ResidentCode
from juki_center.errors import Reason, Refusal
from juki_center.rpc import import_translation
from juki_center.rpc import residents_translation as translate
from juki_center.rpc.records_translation import entries, entries_message
from jukinet.residents.v1 import residence_record_pb2 as records
from jukinet.residents.v1 import resident_service_pb2 as pb
from tests.support.message_filling import fill
from tests.support.register_service import (
    birth,
    correction,
    death,
    foreigner,
    newborn,
    update_row,
)

TERMINAL = Terminal("juki://municipality/131016/terminal/01", MunicipalityCode("131016"))
CODE = "07215594348"
ADDRESS = "東京都千代田区九段南一丁目2番1号"


def _take_rows(message: pb.ImportRecordsRequest.Rows, sender: Terminal) -> object:
    first = import_translation.first_row(message)
    return import_translation.lines(first, message.rows, sender.municipality)


SEEDS: list[tuple[Message, Callable[[Any, Terminal], object]]] = [
    (birth(), translate.register_birth),
    (death(), translate.register_death),
    (
        correction(records.ResidenceRecord(code=CODE, version=1, entries=newborn(address=ADDRESS))),
        translate.correct_record,
    ),
    (
        pb.ImportRecordsRequest.Rows(first_row=1, rows=[update_row(CODE, 2)]),
        _take_rows,
    ),
    (pb.ChangeHouseholdRequest(members=[{}]), translate.change_household),
    (pb.SetProtectiveMeasureRequest(lift={"seconds": 60}), translate.set_protective_measure),
]
quick = settings(max_examples=200, deadline=None)


def _refusal_of(act: Callable[[], object]) -> Refusal | None:
    try:
        act()
    except Refusal as refusal:
        return refusal
    return None


@quick
@given(data=st.data())
def test_request_with_any_fields_is_taken_or_refused_without_an_echo(data: st.DataObject) -> None:
    seed, take = data.draw(st.sampled_from(SEEDS))
    request = type(seed)()
    request.CopyFrom(seed)
    for _ in range(data.draw(st.integers(1, 3))):
        fill(data, request)

    refusal = _refusal_of(lambda: take(request, TERMINAL))

    assert refusal is None or refusal.reason is Reason.FIELD_INVALID
    if refusal is not None:
        assert set(refusal.metadata) == {"field", "rule"}
        assert refusal.metadata["rule"].isascii()
        assert refusal.metadata["field"].isascii()


@quick
@given(octets=st.binary(max_size=200), data=st.data())
def test_octets_of_any_kind_are_taken_or_refused(octets: bytes, data: st.DataObject) -> None:
    seed, take = data.draw(st.sampled_from(SEEDS))
    request = type(seed)()
    try:
        request.MergeFromString(seed.SerializeToString() + octets)
    except DecodeError:
        return

    refusal = _refusal_of(lambda: take(request, TERMINAL))

    assert refusal is None or refusal.reason is Reason.FIELD_INVALID


@quick
@given(data=st.data())
def test_entries_that_are_taken_come_back_and_are_taken_again_as_they_are(
    data: st.DataObject,
) -> None:
    message = records.Entries()
    message.CopyFrom(data.draw(st.sampled_from([newborn(address=ADDRESS), foreigner()])))
    fill(data, message)
    try:
        taken = entries("entries", message)
    except Refusal:
        return

    back = entries_message(taken.of_new(ResidentCode(CODE)))

    assert entries("entries", back) == taken
    assert json_format.MessageToDict(back)["relationshipToHouseholder"]
