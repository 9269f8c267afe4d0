"""Questions of agencies and their files meet nothing but refusals, whatever is in them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.message import DecodeError, Message
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from juki_agency.question_file import Broken, QuestionFile
from juki_agency.questions import FIELDS, question_of
from juki_center.areas.agencies.commands import LineError
from juki_center.areas.callers import Agency
from juki_center.errors import Reason, Refusal
from juki_center.rpc import agencies_translation as translate
from juki_client.outcome import Problem
from jukinet.agencies.v1 import identity_confirmation_service_pb2 as pb
from tests.support.agency_service import attributes, by_attributes, by_code, hello, line, lines
from tests.support.message_filling import fill, texts

AGENCY = Agency("juki://agency/passport-1", "passport-1")
KEY = "takahashi-ichiro"
BY_ATTRIBUTES = by_attributes(attributes(KEY, municipality_code="112089", prefecture_code="11"))
BY_LINE = pb.ConfirmBatchRequest.Line(attributes=BY_ATTRIBUTES.attributes)
Take = Callable[[Any], object]
SEEDS: list[tuple[Message, Take]] = [
    (by_code(KEY), lambda request: translate.by_code(request, AGENCY)),
    (BY_ATTRIBUTES, lambda request: translate.by_attributes(request, AGENCY)),
    (hello(5).hello, lambda message: translate.hello(message, AGENCY)),
    (lines(1, line(KEY), BY_LINE).lines, translate.lines),
    (
        pb.WatchChangesRequest(affair="passport", cursor=b"c"),
        lambda request: translate.watch(request, AGENCY, 50),
    ),
]
quick = settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def refusal_of(take: Take, request: Message) -> Refusal | None:
    try:
        take(request)
    except Refusal as refusal:
        return refusal
    return None


def question_or_problem(fields: dict[str, str]) -> pb.ConfirmBatchRequest.Line | Problem:
    try:
        return question_of(fields)
    except Problem as problem:
        return problem


def file_or_problem(path: Path) -> QuestionFile | Problem:
    try:
        return QuestionFile.examine(path)
    except Problem as problem:
        return problem


@pytest.mark.parametrize(("seed", "take"), SEEDS, ids=lambda one: type(one).__name__)
def test_seeds_are_taken(seed: Message, take: Take) -> None:
    assert refusal_of(take, seed) is None


@quick
@given(data=st.data())
def test_request_with_any_fields_is_taken_or_refused_without_an_echo(data: st.DataObject) -> None:
    seed, take = data.draw(st.sampled_from(SEEDS))
    request = type(seed)()
    request.CopyFrom(seed)
    for _ in range(data.draw(st.integers(1, 3))):
        fill(data, request)

    refusal = refusal_of(take, request)

    assert refusal is None or refusal.reason in {Reason.FIELD_INVALID, Reason.CURSOR_UNKNOWN}
    if refusal is not None and refusal.reason is Reason.FIELD_INVALID:
        assert set(refusal.metadata) == {"field", "rule"}


@quick
@given(octets=st.binary(max_size=200), pair=st.sampled_from(SEEDS))
def test_any_octets_that_parse_are_taken_or_refused(
    octets: bytes, pair: tuple[Message, Take]
) -> None:
    seed, take = pair
    request = type(seed)()
    try:
        request.MergeFromString(octets)
    except DecodeError:
        return

    refusal = refusal_of(take, request)

    assert refusal is None or refusal.reason in {Reason.FIELD_INVALID, Reason.CURSOR_UNKNOWN}


@quick
@given(data=st.data())
def test_line_that_breaks_a_rule_is_its_own_error_and_no_others(data: st.DataObject) -> None:
    bent = pb.ConfirmBatchRequest.Line()
    bent.CopyFrom(BY_LINE)
    fill(data, bent)

    before, _, after = translate.lines(lines(1, BY_LINE, bent, BY_LINE).lines)

    assert before == after
    assert not isinstance(before, LineError)


@quick
@given(fields=st.dictionaries(st.sampled_from(FIELDS), texts))
def test_any_fields_are_a_question_or_refused_by_name(fields: dict[str, str]) -> None:
    found = question_or_problem(fields)

    if isinstance(found, Problem):
        assert found.reason == "USAGE_INVALID"
        assert found.metadata["field"] in FIELDS
    else:
        assert found.WhichOneof("question")


@quick
@given(body=st.binary(max_size=300), header=st.sampled_from([b"code", b"name,birth", b""]))
def test_any_octets_are_a_file_of_as_many_questions_as_lines_or_refused(
    tmp_path: Path, body: bytes, header: bytes
) -> None:
    path = tmp_path / "questions.csv"
    path.write_bytes(header + b"\n" + body)

    file = file_or_problem(path)

    if isinstance(file, Problem):
        assert file.reason == "FILE_NOT_USABLE"
        return
    found = list(file.lines(1))
    ends = body.count(b"\n") + (not body.endswith(b"\n"))
    assert len(found) == file.line_count == ends
    assert all(isinstance(one, Broken) or one.WhichOneof("question") for one in found)
