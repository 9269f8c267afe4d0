"""Traces by OpenTelemetry: one span for a call, one below it for each thing that it waited for.

Imported where the configuration asks for traces and nowhere else: the library takes longer to load
than a center takes to start.
"""

from __future__ import annotations

import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, StatusCode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.sdk.trace.export import SpanExporter

    from juki_center.rpc.tracing import TracedCall

_FINENESS: Final = 1_000_000


class OpenTelemetry:
    """Samples calls by a ratio and gives their spans to an exporter, in a thread of its own."""

    def __init__(self, exporter: SpanExporter, *, ratio: float, node: str) -> None:
        self._threshold = round(ratio * _FINENESS)
        names = {"service.name": "juki-center", "service.instance.id": node}
        self._provider = TracerProvider(resource=Resource.create(names))
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("juki_center")

    def is_sampled(self) -> bool:
        """Tell whether the next call is traced."""
        return secrets.randbelow(_FINENESS) < self._threshold

    def record(self, call: TracedCall) -> None:
        """Make the spans of a call that has ended; the exporter gets them later."""
        service, _, method = call.method.lstrip("/").partition("/")
        facts = {"rpc.system": "grpc", "rpc.service": service, "rpc.method": method}
        span = self._tracer.start_span(
            f"{service}/{method}",
            kind=SpanKind.SERVER,
            start_time=call.began,
            attributes=facts | {"rpc.grpc.status": call.code, "juki.reason": call.reason},
        )
        if call.code != "OK":
            span.set_status(StatusCode.ERROR)
        below = trace.set_span_in_context(span)
        for mark in call.marks:
            part = self._tracer.start_span(mark.name, context=below, start_time=mark.began)
            part.end(end_time=mark.ended)
        span.end(end_time=call.ended)

    def close(self) -> None:
        """Give what is left to the exporter; a collector that does not answer is not waited for."""
        self._provider.shutdown()


@contextmanager
def exporting(endpoint: str, *, ratio: float, node: str) -> Iterator[OpenTelemetry]:
    """Trace a share of the calls to a collector (OTLP over HTTP) until the block ends."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
        OTLPSpanExporter,
    )

    tracing = OpenTelemetry(OTLPSpanExporter(endpoint, timeout=5), ratio=ratio, node=node)
    try:
        yield tracing
    finally:
        tracing.close()
