"""A desk's center in this process, over real mutual TLS: one card, stopped once by each id."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

import grpc

from juki_pki.folder import PKIFolder
from jukinet.cards.v1 import card_pb2
from jukinet.cards.v1 import card_service_pb2 as pb
from jukinet.cards.v1 import card_service_pb2_grpc as pb_grpc
from jukinet.operations.v1 import center_service_pb2_grpc as operations_grpc
from tests.support.receipting import ProofDouble, Receipting
from tests.unit.terminal.center_double import refuse

NUMBER = "123456789092"
SINCE = 1_795_392_000
"""2026-11-23 00:00 UTC, 09:00 in Japan."""


@dataclass
class CardsDouble(pb_grpc.CardServiceServicer):
    """The card. `faults` are taken one for each call: `before` and `after` cut the call before and
    after the act, a reason refuses it."""

    state: card_pb2.CardState.ValueType = card_pb2.CARD_STATE_SUSPENDED
    faults: list[str] = field(default_factory=list)
    requests: list[pb.SuspendCardRequest] = field(default_factory=list)
    acts: dict[str, bytes] = field(default_factory=dict)

    def SuspendCard(  # noqa: N802
        self, request: pb.SuspendCardRequest, context: grpc.ServicerContext
    ) -> pb.SuspendCardResponse:
        self.requests.append(request)
        fault = self.faults.pop(0) if self.faults else ""
        if fault == "before":
            context.abort(grpc.StatusCode.UNAVAILABLE, "")
        if fault not in ("", "after"):
            refuse(context, grpc.StatusCode.FAILED_PRECONDITION, fault)
        if not request.clerk_name:
            refuse(context, grpc.StatusCode.INVALID_ARGUMENT, "CLERK_NAME_REQUIRED")
        self._act(request, context)
        if fault == "after":
            context.abort(grpc.StatusCode.UNAVAILABLE, "")
        answer = pb.SuspendCardResponse(card=card_pb2.Card(number=NUMBER, state=self.state))
        answer.suspend_time.FromSeconds(SINCE)
        return answer

    def _act(self, request: pb.SuspendCardRequest, context: grpc.ServicerContext) -> None:
        octets = request.SerializeToString(deterministic=True)
        if self.acts.setdefault(request.request_id, octets) != octets:
            refuse(context, grpc.StatusCode.INVALID_ARGUMENT, "REQUEST_ID_REUSED")


@contextmanager
def serving(
    pki: PKIFolder, double: CardsDouble, receipting: Receipting | None = None
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
    pb_grpc.add_CardServiceServicer_to_server(double, server)
    port = server.add_secure_port("127.0.0.1:0", credentials)
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(0).wait()
