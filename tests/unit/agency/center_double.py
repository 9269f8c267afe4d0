"""An agency's center in this process, over real mutual TLS: answers as the test has set them.

A double of the wire alone: batches are counted as the real center does, and cut where a test says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from juki_pki.folder import PKIFolder
from jukinet.agencies.v1 import identity_confirmation_service_pb2 as pb
from jukinet.agencies.v1 import identity_confirmation_service_pb2_grpc as pb_grpc
from jukinet.operations.v1 import center_service_pb2_grpc as operations_grpc
from tests.support.receipting import ProofDouble, Receipting
from tests.unit.terminal.center_double import refuse

Line = pb.ConfirmBatchRequest.Line
Batch = pb.ConfirmBatchRequest
Told = pb.ConfirmBatchResponse


def match(line: Line) -> pb.Confirmation:
    """Answer that the person is found."""
    assert line.WhichOneof("question")
    return pb.Confirmation(outcome=pb.Confirmation.OUTCOME_MATCH, provision_id="1")


@dataclass
class AgencyDouble(pb_grpc.IdentityConfirmationServiceServicer, health_pb2_grpc.HealthServicer):
    """Answers questions by `answer`; ends a batch's stream after each of `cuts` lines."""

    answer: Callable[[Line], pb.Confirmation] = match
    refusal: tuple[grpc.StatusCode, str] | None = None
    cuts: list[int] = field(default_factory=list)
    changes: list[list[pb.WatchChangesResponse]] = field(default_factory=list)
    at_once: int = 50
    questions: list[pb.ConfirmByCodeRequest | pb.ConfirmByAttributesRequest] = field(
        default_factory=list
    )
    hellos: list[Batch.Hello] = field(default_factory=list)
    lines_seen: list[int] = field(default_factory=list)
    cursors: list[bytes] = field(default_factory=list)
    done: dict[str, int] = field(default_factory=dict)

    def Check(  # noqa: N802
        self, _request: health_pb2.HealthCheckRequest, _context: grpc.ServicerContext
    ) -> health_pb2.HealthCheckResponse:
        return health_pb2.HealthCheckResponse(status=health_pb2.HealthCheckResponse.SERVING)

    def ConfirmByCode(  # noqa: N802
        self, request: pb.ConfirmByCodeRequest, context: grpc.ServicerContext
    ) -> pb.ConfirmByCodeResponse:
        self._refuse(context)
        self.questions.append(request)
        return pb.ConfirmByCodeResponse(confirmation=self.answer(Line(code=request.code)))

    def ConfirmByAttributes(  # noqa: N802
        self, request: pb.ConfirmByAttributesRequest, context: grpc.ServicerContext
    ) -> pb.ConfirmByAttributesResponse:
        self._refuse(context)
        self.questions.append(request)
        line = Line(attributes=request.attributes)
        return pb.ConfirmByAttributesResponse(confirmation=self.answer(line))

    def ConfirmBatch(  # noqa: N802
        self, request_iterator: Iterator[Batch], context: grpc.ServicerContext
    ) -> Iterator[Told]:
        hello = next(request_iterator).hello
        self.hellos.append(hello)
        self._refuse(context)
        following = self.done.get(hello.batch_id, 0) + 1
        yield Told(welcome=Told.Welcome(next_line=min(hello.results_from_line, following)))
        left = self.cuts.pop(0) if self.cuts else None
        for message in request_iterator:
            if message.WhichOneof("step") == "finish":
                yield Told(totals=Told.Totals(line_count=hello.line_count))
                return
            first = message.lines.first_line
            for at in range(0, len(message.lines.lines), self.at_once):
                results = self._results(first + at, message.lines.lines[at : at + self.at_once])
                last = results[-1].line
                self.done[hello.batch_id] = max(last, self.done.get(hello.batch_id, 0))
                if left is not None and last >= left:
                    refuse(context, grpc.StatusCode.UNAVAILABLE, "SHUTTING_DOWN")
                yield Told(results=Told.Results(results=results))

    def _results(self, first: int, lines: list[Line]) -> list[pb.LineResult]:
        self.lines_seen += range(first, first + len(lines))
        return [self._result(first + at, line) for at, line in enumerate(lines)]

    def _result(self, number: int, line: Line) -> pb.LineResult:
        if line.WhichOneof("question") is None:
            error = pb.LineError(reason="FIELD_INVALID", field="question", rule="REQUIRED")
            return pb.LineResult(line=number, error=error)
        return pb.LineResult(line=number, confirmation=self.answer(line))

    def WatchChanges(  # noqa: N802
        self, request: pb.WatchChangesRequest, context: grpc.ServicerContext
    ) -> Iterator[pb.WatchChangesResponse]:
        self.cursors.append(request.cursor)
        self._refuse(context)
        yield from self.changes.pop(0) if self.changes else []
        if self.changes:
            refuse(context, grpc.StatusCode.UNAVAILABLE, "SHUTTING_DOWN")

    def _refuse(self, context: grpc.ServicerContext) -> None:
        if self.refusal is not None:
            refuse(context, *self.refusal, field="affair")


@contextmanager
def serving(
    pki: PKIFolder, double: AgencyDouble, receipting: Receipting | None = None
) -> Iterator[str]:
    """Serve on a free port; gives the address."""
    receipting = receipting or Receipting.of(pki)
    center = pki.center("center-1")
    credentials = grpc.ssl_server_credentials(
        [(center.key_pem, center.chain_pem)],
        root_certificates=(pki.trust_path / "root.pem").read_bytes(),
        require_client_auth=True,
    )
    server = grpc.server(
        ThreadPoolExecutor(4), interceptors=[receipting], options=[("grpc.so_reuseport", 0)]
    )
    operations_grpc.add_CenterServiceServicer_to_server(ProofDouble(receipting), server)
    pb_grpc.add_IdentityConfirmationServiceServicer_to_server(double, server)
    health_pb2_grpc.add_HealthServicer_to_server(double, server)
    port = server.add_secure_port("127.0.0.1:0", credentials)
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(0).wait()
