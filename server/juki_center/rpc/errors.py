"""Refusals as gRPC statuses: code for the machine's reaction, ErrorInfo for the cause.

Which refusal it is, the areas say; how it looks on the wire, the descriptor's options say. No text
of an exception passes here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from google.protobuf import any_pb2, duration_pb2
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from juki_center.errors import Delayed, Reason
from juki_center.rpc.options import reason_options

if TYPE_CHECKING:
    from collections.abc import Mapping

    import grpc

    from juki_center.errors import Refusal
    from juki_center.rpc.options import ReasonOption

DOMAIN: Final = "center.jukinet"
_DEFAULT_DELAY_SECONDS: Final = 5
_DELAYS_SECONDS: Final = {
    Reason.OVERLOADED: 1,
    Reason.RESIDENCE_DISCONNECTED: 60,
    # Another database server takes over, or another node of the center may be asked meanwhile.
    Reason.STORE_UNAVAILABLE: 1,
}
# Facts beside this reason would tell a protected person's case from another one.
_NEUTRAL: Final = frozenset((Reason.ISSUE_SUPPRESSED,))


@dataclass(frozen=True, slots=True)
class Statuses:
    """Makes the status of a refusal from the descriptor's options."""

    options: Mapping[str, ReasonOption]

    @classmethod
    def from_descriptor(cls) -> Statuses:
        """Read the table from the generated code."""
        return cls(reason_options())

    def code(self, reason: Reason) -> grpc.StatusCode:
        """Return the code that always comes with the reason."""
        return self.options[reason.value].code

    def status(self, refusal: Refusal) -> grpc.Status:
        """Return the status to end a call with."""
        option = self.options[refusal.reason.value]
        message = status_pb2.Status(code=option.code.value[0], message=option.text)
        for detail in _details(refusal, option):
            message.details.append(detail)
        return rpc_status.to_status(message)


def _details(refusal: Refusal, option: ReasonOption) -> list[any_pb2.Any]:
    metadata = {} if refusal.reason in _NEUTRAL else dict(refusal.metadata)
    info = error_details_pb2.ErrorInfo(
        domain=DOMAIN, reason=refusal.reason.value, metadata=metadata
    )
    details = [_packed(info)]
    if isinstance(refusal, Delayed) or option.retry == "after" or refusal.reason in _DELAYS_SECONDS:
        delay = duration_pb2.Duration()
        delay.FromTimedelta(timedelta(seconds=_seconds(refusal)))
        details.append(_packed(error_details_pb2.RetryInfo(retry_delay=delay)))
    return details


def _seconds(refusal: Refusal) -> float:
    if isinstance(refusal, Delayed):
        return refusal.seconds
    return _DELAYS_SECONDS.get(refusal.reason, _DEFAULT_DELAY_SECONDS)


def _packed(message: error_details_pb2.ErrorInfo | error_details_pb2.RetryInfo) -> any_pb2.Any:
    packed = any_pb2.Any()
    packed.Pack(message)
    return packed
