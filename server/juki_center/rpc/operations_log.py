"""CenterService, what it answers of the audit log: its head, proofs, and what witnesses say of it.

What is asked is read from the committed state, so that it goes on while nothing can be written.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from juki_audit.tree import MAX_SIZE
from juki_center.areas.audit import cosignatures, proofs
from juki_center.areas.audit.cosignatures import WitnessPolicy
from juki_center.errors import Reason, Refusal
from juki_center.rpc import fields
from juki_center.rpc.callers import terminal
from juki_center.rpc.durable import durably
from juki_center.rpc.peers import current_caller
from jukinet.operations.v1 import center_service_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    import grpc

    from juki_center.areas.audit.proofs import ProvableLog
    from juki_center.areas.ports import Store, Tx

    Request = TypeVar("Request")
    Answer = TypeVar("Answer")
    Context = grpc.aio.ServicerContext[Request, Answer]


_MOST_NOTE_OCTETS: Final = 16 * 1024


@dataclass(frozen=True, slots=True)
class LogParts:
    """What the log's answers stand on."""

    store: Store
    clock: Callable[[], datetime]
    witnesses: Callable[[], WitnessPolicy] = WitnessPolicy


class LogProofs:
    """The part of the servicer that proves what the log says."""

    _log: LogParts

    async def GetCheckpoint(  # noqa: N802  # the proto's name
        self,
        _request: pb.GetCheckpointRequest,
        _context: Context[pb.GetCheckpointRequest, pb.GetCheckpointResponse],
    ) -> pb.GetCheckpointResponse:
        """Return the newest signed head, the newest cosigned one, and the one to cosign."""
        return await self._log.store.ask(self._heads)

    def _heads(self, tx: Tx) -> pb.GetCheckpointResponse:
        policy = self._log.witnesses()
        newest = proofs.newest_checkpoint(tx.audit)
        if not policy.sites:
            return pb.GetCheckpointResponse(checkpoint=newest, offered_checkpoint=newest)
        cosigned = cosignatures.cosigned_head(tx.cosignatures, policy)
        return pb.GetCheckpointResponse(
            checkpoint=newest,
            cosigned_checkpoint=cosigned.note if cosigned else b"",
            offered_checkpoint=cosignatures.offered_head(tx, policy, self._log.clock()),
        )

    async def AddCosignature(  # noqa: N802  # the proto's name
        self,
        request: pb.AddCosignatureRequest,
        _context: Context[pb.AddCosignatureRequest, pb.AddCosignatureResponse],
    ) -> pb.AddCosignatureResponse:
        """Keep a witness's cosignature."""
        caller, policy = terminal(current_caller().identity), self._log.witnesses()
        now = self._log.clock()
        if len(request.checkpoint) > _MOST_NOTE_OCTETS:
            raise Refusal(Reason.COSIGNATURE_INVALID, rule="NOTE_LENGTH")

        def act(tx: Tx) -> pb.AddCosignatureResponse:
            size = cosignatures.add_cosignature(tx, request.checkpoint, caller, policy, now)
            cosigned = cosignatures.cosigned_head(tx.cosignatures, policy)
            reached = cosigned.size if cosigned else 0
            return pb.AddCosignatureResponse(tree_size=size, cosigned_tree_size=reached)

        return await durably(self._log.store.act(act))

    async def ProveInclusion(  # noqa: N802  # the proto's name
        self,
        request: pb.ProveInclusionRequest,
        _context: Context[pb.ProveInclusionRequest, pb.ProveInclusionResponse],
    ) -> pb.ProveInclusionResponse:
        """Prove that a leaf is in the log."""
        index = fields.number("leaf_index", request.leaf_index, least=0, most=MAX_SIZE - 1)
        size = _chosen("tree_size", request.tree_size)
        found = await self._asked(lambda log: proofs.prove_inclusion(log, index, size))
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
        found = await self._asked(lambda log: proofs.prove_consistency(log, first, second))
        return pb.ProveConsistencyResponse(
            second_size=found.size, proof=found.proof, checkpoint=found.checkpoint
        )

    async def _asked(self, question: Callable[[ProvableLog], Answer]) -> Answer:
        return await self._log.store.ask(lambda tx: question(tx.audit))


def _chosen(name: str, size: int) -> int | None:
    """Return a size that the caller names; None where the newest head is meant."""
    return fields.number(name, size, least=0, most=MAX_SIZE) or None
