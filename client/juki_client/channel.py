"""The pinned channel to the center: mutual TLS 1.3 with the center's leaves as the only anchors.

Every call has a deadline, no message is larger than 256 KiB, the most that any method takes, and
every error becomes a `Problem` with the reason that the center gave, or with one that names what
the network did. The synchronous API of gRPC is used throughout: what calls here serves one person
or one file at a time.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, TypeVar

# With P-256 certificates this leaves TLS 1.3 as the only version that completes. gRPC reads both
# variables when it is loaded, so they stand before its import.
os.environ.setdefault("GRPC_SSL_CIPHER_SUITES", "ECDHE-RSA-AES256-GCM-SHA384")
os.environ.setdefault("GRPC_VERBOSITY", "NONE")

import grpc
from google.protobuf.message import Message
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from juki_client.outcome import Problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from google.rpc.status_pb2 import Status

    from juki_client.identity import ClientIdentity

Answer = TypeVar("Answer", bound=Message)

ERROR_DOMAIN: Final = "center.jukinet"
MAX_MESSAGE_BYTES: Final = 256 * 1024
CALL_SECONDS: Final = 20.0

_OPTIONS: Final = (
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    # What failed is sent again by its own rule, with its journal or state in hand, or not at all.
    ("grpc.enable_retries", 0),
    ("grpc.initial_reconnect_backoff_ms", 200),
    # In spite of its name: how long a connection may take, its handshake with it.
    ("grpc.min_reconnect_backoff_ms", 5_000),
    ("grpc.max_reconnect_backoff_ms", 2_000),
)

_BY_STATUS: Final = {
    grpc.StatusCode.UNAVAILABLE: "CENTER_UNREACHABLE",
    grpc.StatusCode.DEADLINE_EXCEEDED: "CENTER_UNREACHABLE",
    grpc.StatusCode.CANCELLED: "CENTER_UNREACHABLE",
    grpc.StatusCode.UNAUTHENTICATED: "UNAUTHENTICATED",
    grpc.StatusCode.PERMISSION_DENIED: "ROLE_NOT_ALLOWED",
    grpc.StatusCode.UNIMPLEMENTED: "METHOD_UNKNOWN",
    grpc.StatusCode.RESOURCE_EXHAUSTED: "MESSAGE_TOO_LARGE",
}
"""Reasons for statuses that carry none, because no interceptor of the center made them."""


def pinned(address: str, identity: ClientIdentity, center_leaves_pem: bytes) -> grpc.Channel:
    """Return a channel to a center that has one of the leaves; it connects on its first use."""
    credentials = grpc.ssl_channel_credentials(
        root_certificates=center_leaves_pem,
        private_key=identity.key_pem,
        certificate_chain=identity.chain_pem,
    )
    return grpc.secure_channel(address, credentials, options=_OPTIONS)


def open_to(address: str, anchors_pem: bytes) -> grpc.Channel:
    """Return a channel without a certificate of our own, to a center's enrolment listener."""
    credentials = grpc.ssl_channel_credentials(root_certificates=anchors_pem)
    return grpc.secure_channel(address, credentials, options=_OPTIONS)


def call(
    method: Callable[..., Answer], request: Message, *, seconds: float = CALL_SECONDS
) -> Answer:
    """Make one unary call with a deadline; raise Problem for every error of gRPC."""
    try:
        return method(request, timeout=seconds)
    except grpc.RpcError as error:
        raise problem_of(error) from error


def problem_of(error: Exception) -> Problem:
    """Return the problem that an error of gRPC stands for.

    The reason is the center's ErrorInfo; where there is none, the status code decides. No text of
    the error is taken over.
    """
    if not isinstance(error, grpc.Call):
        return Problem("INTERNAL", {"status": "UNKNOWN"})
    code = error.code()
    return _from_details(error) or Problem(_BY_STATUS.get(code, "INTERNAL"), {"status": code.name})


def _from_details(error: grpc.Call) -> Problem | None:
    try:
        status = rpc_status.from_call(error)
    except ValueError:
        # The details contradict the status: nothing in them can be believed.
        return None
    return None if status is None else _problem_in(status)


def _problem_in(status: Status) -> Problem | None:
    info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
    metadata: dict[str, str] = {}
    reason = ""
    for detail in status.details:
        if detail.Unpack(info) and info.domain == ERROR_DOMAIN:
            reason = info.reason
            # A map has no order on the wire: what is printed must have one.
            metadata.update(sorted(info.metadata.items()))
        elif detail.Unpack(retry):
            metadata["retryAfterSeconds"] = f"{retry.retry_delay.ToTimedelta().total_seconds():g}"
    return Problem(reason, metadata) if reason else None
