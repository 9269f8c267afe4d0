"""A sample of the calls is traced, from the call to what it waited for, and names nobody."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from juki_center.areas import calls
from juki_center.areas.calls import Mark
from juki_center.rpc.open_telemetry import OpenTelemetry
from juki_center.rpc.tracing import NO_TRACING, TracedCall, marked

CALL = TracedCall(
    "/jukinet.card.v1.CardSessionService/Authenticate",
    "OK",
    "",
    1_000,
    9_000,
    (Mark("APDU batch 1", 2_000, 4_000), Mark("act", 5_000, 8_000)),
)


@pytest.fixture
def spans() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def tracing(spans: InMemorySpanExporter) -> Iterator[OpenTelemetry]:
    made = OpenTelemetry(spans, ratio=1.0, node="center-1")
    made._provider.add_span_processor(SimpleSpanProcessor(spans))
    yield made
    made.close()


def test_a_call_is_a_span_and_what_it_waited_for_lies_below(
    tracing: OpenTelemetry, spans: InMemorySpanExporter
) -> None:
    tracing.record(CALL)

    batch, act, call = spans.get_finished_spans()
    assert [one.name for one in (batch, act, call)] == [
        "APDU batch 1",
        "act",
        "jukinet.card.v1.CardSessionService/Authenticate",
    ]
    assert (call.start_time, call.end_time) == (1_000, 9_000)
    assert (batch.start_time, batch.end_time) == (2_000, 4_000)
    assert batch.parent is not None
    assert call.context is not None
    assert batch.parent.span_id == call.context.span_id
    assert call.attributes is not None
    assert call.attributes["rpc.grpc.status"] == "OK"


def test_a_refused_call_is_marked_by_its_reason(
    tracing: OpenTelemetry, spans: InMemorySpanExporter
) -> None:
    tracing.record(TracedCall("/a.B/C", "NOT_FOUND", "CARD_NOT_FOUND", 1, 2, ()))

    (call,) = spans.get_finished_spans()
    assert call.status.status_code is StatusCode.ERROR
    assert call.attributes is not None
    assert call.attributes["juki.reason"] == "CARD_NOT_FOUND"


def test_a_ratio_chooses_the_calls(spans: InMemorySpanExporter) -> None:
    none, some = (OpenTelemetry(spans, ratio=ratio, node="n") for ratio in (0.0, 0.5))

    assert not any(none.is_sampled() for _ in range(1_000))
    assert 300 < sum(some.is_sampled() for _ in range(1_000)) < 700
    assert not NO_TRACING.is_sampled()


def call_with(marks: list[Mark] | None) -> calls.Call:
    return calls.Call("juki://agency/a", "agency", None, b"", "/a.B/C", marks=marks)


async def marked_in(call: calls.Call) -> None:
    calls.enter(call)
    with marked("APDU batch 1"):
        await asyncio.sleep(0)


def test_what_is_waited_for_is_marked_in_a_traced_call_only() -> None:
    traced, untraced = call_with([]), call_with(None)

    asyncio.run(marked_in(traced))
    asyncio.run(marked_in(untraced))

    assert traced.marks is not None
    (mark,) = traced.marks
    assert mark.name == "APDU batch 1"
    assert mark.began <= mark.ended
    assert untraced.marks is None
