"""The center's own word on its log: proofs asked over the wire, and whom a client trusts for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

# Before the stubs, which load gRPC: the channel settles its environment.
from juki_audit.errors import LogRefused
from juki_audit.receipts import TrustedLog
from juki_client import anchors, channel
from juki_client.outcome import Problem
from jukinet.operations.v1 import center_service_pb2 as pb
from jukinet.operations.v1 import center_service_pb2_grpc as pb_grpc

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import grpc

VERIFIERS: Final = "log-verifiers"


def trusted_log(folder: Path) -> TrustedLog:
    """Read the log that a trust folder names; raise Problem CONFIGURATION_INVALID."""
    return parse_verifiers(anchors.read_public(folder, VERIFIERS))


def parse_verifiers(text: bytes) -> TrustedLog:
    """Read the log that verifiers name; raise Problem CONFIGURATION_INVALID."""
    try:
        return TrustedLog.decode(text.decode())
    except (LogRefused, UnicodeDecodeError) as error:
        rule = error.rule if isinstance(error, LogRefused) else "UTF8"
        facts = {"key": "trust.dir", "file": VERIFIERS, "rule": rule}
        raise Problem("CONFIGURATION_INVALID", facts) from error


class CenterProver:
    """Asks a center for proofs; every method raises Problem."""

    def __init__(self, line: grpc.Channel) -> None:
        self._stub = pb_grpc.CenterServiceStub(line)

    def newest(self, first: int) -> tuple[bytes, Sequence[bytes]]:
        """Return the newest checkpoint, and the proof that it follows the tree of a size."""
        answer = self._ask(first, 0)
        return answer.checkpoint, answer.proof

    def between(self, first: int, second: int) -> Sequence[bytes]:
        """Return the proof that the tree of the second size follows that of the first."""
        return self._ask(first, second).proof

    def offered(self) -> bytes:
        """Return the head that witnesses should cosign now."""
        answer = channel.call(self._stub.GetCheckpoint, pb.GetCheckpointRequest())
        # A center that knows of no offer has one head for everybody.
        return answer.offered_checkpoint or answer.checkpoint

    def hand_in(self, note: bytes) -> tuple[int, int]:
        """Hand a cosigned head in; return its size, and that of the newest cosigned one."""
        request = pb.AddCosignatureRequest(checkpoint=note)
        answer = channel.call(self._stub.AddCosignature, request)
        return answer.tree_size, answer.cosigned_tree_size

    def _ask(self, first: int, second: int) -> pb.ProveConsistencyResponse:
        request = pb.ProveConsistencyRequest(first_size=first, second_size=second)
        return channel.call(self._stub.ProveConsistency, request)
