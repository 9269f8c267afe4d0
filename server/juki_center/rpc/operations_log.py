"""CenterService, what it answers of the audit log: its head, and proofs about its tree.

All of it is read from the committed state, so that it goes on while nothing can be written.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from juki_audit.tree import MAX_SIZE
from juki_center.areas.audit import proofs
from juki_center.rpc import fields
from jukinet.operations.v1 import center_service_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import Callable

    import grpc

    from juki_center.areas.audit.proofs import ProvableLog
    from juki_center.areas.ports import Store

    Request = TypeVar("Request")
    Answer = TypeVar("Answer")
    Context = grpc.aio.ServicerContext[Request, Answer]


@dataclass(frozen=True, slots=True)
class LogParts:
    """What the log's answers stand on."""

    store: Store


class LogProofs:
    """The part of the servicer that proves what the log says."""

    _log: LogParts

    async def GetCheckpoint(  # noqa: N802  # the proto's name
        self,
        _request: pb.GetCheckpointRequest,
        _context: Context[pb.GetCheckpointRequest, pb.GetCheckpointResponse],
    ) -> pb.GetCheckpointResponse:
        """Return the newest signed head."""
        note = self._asked(proofs.newest_checkpoint)
        return pb.GetCheckpointResponse(checkpoint=note)

    async def ProveInclusion(  # noqa: N802  # the proto's name
        self,
        request: pb.ProveInclusionRequest,
        _context: Context[pb.ProveInclusionRequest, pb.ProveInclusionResponse],
    ) -> pb.ProveInclusionResponse:
        """Prove that a leaf is in the log."""
        index = fields.number("leaf_index", request.leaf_index, least=0, most=MAX_SIZE - 1)
        size = _chosen("tree_size", request.tree_size)
        found = self._asked(lambda log: proofs.prove_inclusion(log, index, size))
        return pb.ProveInclusionResponse(
            tree_size=found.size,
            commitment=found.commitment,
            proof=found.proof,
            checkpoint=found.checkpoint,
        )

    async def ProveConsistency(  # noqa: N802  # the proto's name
        self,
        request: pb.ProveConsistencyRequest,
        _context: Context[pb.ProveConsistencyRequest, pb.ProveConsistencyResponse],
    ) -> pb.ProveConsistencyResponse:
        """Prove that the log only grew."""
        first = fields.number("first_size", request.first_size, least=0, most=MAX_SIZE)
        second = _chosen("second_size", request.second_size)
        found = self._asked(lambda log: proofs.prove_consistency(log, first, second))
        return pb.ProveConsistencyResponse(
            second_size=found.size, proof=found.proof, checkpoint=found.checkpoint
        )

    def _asked(self, question: Callable[[ProvableLog], Answer]) -> Answer:
        return self._log.store.read(lambda tx: question(tx.audit))


def _chosen(name: str, size: int) -> int | None:
    """Return a size that the caller names; None where the newest head is meant."""
    return fields.number(name, size, least=0, most=MAX_SIZE) or None
