"""A log for center doubles: every act that they answer gets its leaf and its receipt.

It knows of the acts what the wire says: the method's event, the caller's certificate, the request's
id. A test that wants a dishonest center bends the receipt on its way out, or the log.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import grpc
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from google.protobuf import descriptor_pool
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from juki_audit.leaf import Leaf
from juki_pki.folder import PKIFolder
from juki_pki.identity import identity_from_certificate
from juki_pki.log_signer import parse_log_key
from juki_terminal.paper.envelope import MAX_OCTETS, open_envelope
from jukinet.audit.v1 import receipt_pb2
from jukinet.operations.v1 import center_service_pb2 as operations_pb
from jukinet.operations.v1 import center_service_pb2_grpc as operations_grpc
from jukinet.options.v1 import options_pb2
from tests.support.trial_log import TrialLog, leaf_of

GET_ISSUE = "/jukinet.copies.v1.CertificateCopyService/GetIssue"
Bend = Callable[[receipt_pb2.Receipt], receipt_pb2.Receipt | None]


def honest(receipt: receipt_pb2.Receipt) -> receipt_pb2.Receipt:
    """Change nothing."""
    return receipt


def only(event: str, change: Bend) -> Bend:
    """Change the receipts of acts with this event, and no others."""

    def bend(receipt: receipt_pb2.Receipt) -> receipt_pb2.Receipt | None:
        is_it = Leaf.decode(receipt.leaves[-1].content).event == event
        return change(receipt) if is_it else receipt

    return bend


def wire(log: TrialLog, index: int) -> receipt_pb2.Receipt:
    """Return the receipt of a leaf, as it goes over the wire."""
    receipt = log.receipt([index])
    return receipt_pb2.Receipt(
        leaves=[
            receipt_pb2.LoggedLeaf(
                index=one.index, salt=one.salt, content=one.content, inclusion_proof=one.proof
            )
            for one in receipt.leaves
        ],
        checkpoint=receipt.checkpoint,
    )


def log_key(pki: PKIFolder) -> Ed25519PrivateKey:
    """Return the key of a network's log, which lies in its file."""
    key = parse_log_key((pki.log_signer_path / "key.pem").read_bytes())
    assert key is not None
    return key


@dataclass
class Receipting(grpc.ServerInterceptor):
    """Gives receipts; `known` are the leaves of requests and of issues that were answered."""

    log: TrialLog
    bend: Bend = honest
    known: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, pki: PKIFolder) -> Receipting:
        """Return one that signs with the network's log key."""
        return cls(TrialLog(pki.log_signer().origin, log_key(pki)))

    def intercept_service(  # type: ignore[override]  # the stub leaves the types open
        self,
        continuation: Callable[[grpc.HandlerCallDetails], grpc.RpcMethodHandler | None],
        details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler | None:
        """Wrap what answers acts."""
        inner = continuation(details)
        event = event_at(details.method)
        if inner is None or not (event or details.method == GET_ISSUE):
            return inner
        return self._wrapped(inner, event)

    def _wrapped(self, inner: grpc.RpcMethodHandler, event: str) -> grpc.RpcMethodHandler:
        if not inner.response_streaming:

            def answer(request: Message, context: grpc.ServicerContext) -> Message:
                told = inner.unary_unary(request, context)
                return self._answered(told, request, caller_of(context), event)

            return grpc.unary_unary_rpc_method_handler(
                answer, inner.request_deserializer, inner.response_serializer
            )
        if not inner.request_streaming:

            def stream(request: Message, context: grpc.ServicerContext) -> Iterator[Message]:
                for told in inner.unary_stream(request, context):
                    yield self._told(told, caller_of(context), event, [])

            return grpc.unary_stream_rpc_method_handler(
                stream, inner.request_deserializer, inner.response_serializer
            )

        def talk(requests: Iterator[Message], context: grpc.ServicerContext) -> Iterator[Message]:
            said: list[Message] = []
            for told in inner.stream_stream(_heard(requests, said), context):
                yield self._told(told, caller_of(context), event, said)

        return grpc.stream_stream_rpc_method_handler(
            talk, inner.request_deserializer, inner.response_serializer
        )

    def _answered(self, told: Message, request: Message, caller: str, event: str) -> Message:
        request_id = getattr(request, "request_id", "") or getattr(request, "question_id", "")
        number = getattr(getattr(told, "issue", None), "issue_number", "")
        if not event:
            index = self._issue(told, number, caller)
        elif (index := self.known.get(f"{caller} {request_id}")) is None or not request_id:
            octets = uuid.UUID(request_id).bytes if request_id else b""
            leaf = replace(leaf_of(event, caller, octets), resource=number)
            index = self.log.append(leaf)
            self.known[f"{caller} {request_id}"] = index
            if event == "COPY_ISSUED":
                self.known[f"issue {number}"] = index
        return told if index is None else self._with_receipt(told, index)

    def _issue(self, told: Message, number: str, caller: str) -> int | None:
        """Return the leaf of an issue; its answer may have been lost on its way."""
        content: bytes = told.signed_content  # type: ignore[attr-defined]  # it is GetIssue's
        if f"issue {number}" not in self.known and 0 < len(content) <= MAX_OCTETS:
            request_id = open_envelope(content).content.request_id
            leaf = replace(leaf_of("COPY_ISSUED", caller, request_id), resource=number)
            self.known[f"issue {number}"] = self.log.append(leaf)
        return self.known.get(f"issue {number}")

    def _told(self, told: Message, caller: str, event: str, said: list[Message]) -> Message:
        leaf = stream_leaf(told, leaf_of(event, caller), said)
        return told if leaf is None else self._with_receipt(told, self.log.append(leaf))

    def _with_receipt(self, told: Message, index: int) -> Message:
        # A double may give the same message many times.
        answer = type(told)()
        answer.CopyFrom(told)
        receipt = self.bend(wire(self.log, index))
        if receipt is not None:
            answer.receipt.CopyFrom(receipt)  # type: ignore[attr-defined]  # every such answer has it
        return answer


def stream_leaf(told: Message, leaf: Leaf, said: list[Message]) -> Leaf | None:
    """Return what the center logs for a message of a stream; None where it has done nothing."""
    step = told.WhichOneof("step")
    match leaf.event, step:
        case "CARD_AUTHENTICATED", "result":
            return replace(leaf, resource=told.result.session_id.hex())  # type: ignore[attr-defined]
        case "PERSONALISATION_BEGUN", "batch":
            return leaf
        case "CHANGES_PROVIDED", "notice":
            return replace(leaf, details={"provisions": "1"})
        case "BATCH_CONFIRMED", "results":
            lines = [one.line for one in told.results.results]  # type: ignore[attr-defined]
            batch_id = said[0].hello.batch_id  # type: ignore[attr-defined]
            details = {"lines": f"{lines[0]}-{lines[-1]}"}
            return replace(leaf, resource=batch_id, details=details)
        case _:
            return None


@dataclass
class ProofDouble(operations_grpc.CenterServiceServicer):
    """Proves what the log of some receipts has."""

    receipting: Receipting

    def ProveConsistency(  # noqa: N802
        self, request: operations_pb.ProveConsistencyRequest, context: grpc.ServicerContext
    ) -> operations_pb.ProveConsistencyResponse:
        """Prove, up to the newest head where no other is named."""
        log = self.receipting.log
        second = request.second_size or log.size
        if request.first_size > second or second > log.size:
            _refuse(context, "LOG_SHORTER")
        return operations_pb.ProveConsistencyResponse(
            second_size=second,
            proof=log.consistency(request.first_size, second),
            checkpoint=b"" if request.second_size else log.checkpoint(),
        )


def _refuse(context: grpc.ServicerContext, reason: str) -> None:
    code = grpc.StatusCode.FAILED_PRECONDITION
    status = status_pb2.Status(code=code.value[0])
    status.details.add().Pack(error_details_pb2.ErrorInfo(reason=reason, domain="center.jukinet"))
    context.abort_with_status(rpc_status.to_status(status))


def event_at(path: str) -> str:
    """Return the event of the method at a path on the wire; empty where it has none."""
    _, service, method = path.split("/")
    try:
        found = descriptor_pool.Default().FindServiceByName(service)
    except KeyError:
        return ""
    options = found.methods_by_name[method].GetOptions()
    return options.Extensions[options_pb2.access].audit_event


def caller_of(context: grpc.ServicerContext) -> str:
    """Return the URI of a caller's certificate."""
    pem = context.auth_context()["x509_pem_cert"][0]
    return identity_from_certificate(x509.load_pem_x509_certificate(pem)).uri


def _heard(requests: Iterator[Message], said: list[Message]) -> Iterator[Message]:
    for request in requests:
        said.append(request)
        yield request
