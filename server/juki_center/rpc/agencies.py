"""IdentityConfirmationService: each question is one act, with its translation.

Who calls comes from the certificate, never from the request. What is allowed is decided by the
acts, inside the committing transaction. The two streams are in modules of their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from juki_center.areas.agencies.confirm import confirm
from juki_center.rpc import agencies_translation as translate
from juki_center.rpc import callers
from juki_center.rpc.agency_batches import BatchParts, BatchStream
from juki_center.rpc.change_streams import CAUGHT_UP_SECONDS, PAGE, ChangeStream, WatchParts
from juki_center.rpc.peers import current_caller
from jukinet.agencies.v1 import identity_confirmation_service_pb2 as pb
from jukinet.agencies.v1 import identity_confirmation_service_pb2_grpc as pb_grpc

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from datetime import datetime
    from typing import TypeVar

    import grpc

    from juki_center.areas.agencies.commands import Confirm, Confirmation
    from juki_center.areas.agencies.policy import AgencyPolicy
    from juki_center.areas.callers import Agency
    from juki_center.areas.ports import Store
    from juki_center.rpc.agency_alarms import AgencyAlarms
    from juki_center.rpc.batch_pace import BatchPace
    from juki_center.rpc.change_bell import ChangeBell
    from juki_center.rpc.open_streams import OpenStreams

    Request = TypeVar("Request")
    Answer = TypeVar("Answer")
    Context = grpc.aio.ServicerContext[Request, Answer]


@dataclass(frozen=True, slots=True)
class Parts:
    """What the service stands on."""

    store: Store
    policy: AgencyPolicy
    clock: Callable[[], datetime]
    alarms: AgencyAlarms
    pace: BatchPace
    batches: OpenStreams
    watches: OpenStreams
    bell: ChangeBell
    caught_up_seconds: float = CAUGHT_UP_SECONDS

    def close(self) -> None:
        """End every stream with SHUTTING_DOWN and open no more."""
        self.batches.close()
        self.watches.close()


class IdentityConfirmations(pb_grpc.IdentityConfirmationServiceServicer):
    """The servicer."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        around = (parts.store, parts.policy, parts.clock, parts.pace)
        self._batches = BatchParts(*around, parts.batches, parts.alarms)
        self._watches = WatchParts(
            *around, parts.watches, parts.alarms, parts.bell, parts.caught_up_seconds
        )

    async def ConfirmByCode(  # noqa: N802  # the proto's name
        self,
        request: pb.ConfirmByCodeRequest,
        _context: Context[pb.ConfirmByCodeRequest, pb.ConfirmByCodeResponse],
    ) -> pb.ConfirmByCodeResponse:
        """Confirm a person by code."""
        confirmation = await self._confirm(translate.by_code(request, _agency()))
        answer = pb.ConfirmByCodeResponse()
        translate.fill_confirmation(answer.confirmation, confirmation)
        return answer

    async def ConfirmByAttributes(  # noqa: N802  # the proto's name
        self,
        request: pb.ConfirmByAttributesRequest,
        _context: Context[pb.ConfirmByAttributesRequest, pb.ConfirmByAttributesResponse],
    ) -> pb.ConfirmByAttributesResponse:
        """Confirm a person by attributes."""
        confirmation = await self._confirm(translate.by_attributes(request, _agency()))
        answer = pb.ConfirmByAttributesResponse()
        translate.fill_confirmation(answer.confirmation, confirmation)
        return answer

    async def ConfirmBatch(  # type: ignore[override]  # noqa: N802  # writes; the proto's name
        self,
        requests: AsyncIterator[pb.ConfirmBatchRequest],
        context: Context[pb.ConfirmBatchRequest, pb.ConfirmBatchResponse],
    ) -> None:
        """Confirm many persons."""
        await BatchStream(self._batches, _agency(), requests, context.write).run()

    async def WatchChanges(  # type: ignore[override]  # noqa: N802  # writes; the proto's name
        self,
        request: pb.WatchChangesRequest,
        context: Context[pb.WatchChangesRequest, pb.WatchChangesResponse],
    ) -> None:
        """Tell of changes."""
        command = translate.watch(request, _agency(), PAGE)
        await ChangeStream(self._watches, command, context.write).run()

    async def _confirm(self, command: Confirm) -> Confirmation:
        parts = self._parts
        now, policy = parts.clock(), parts.policy
        async with parts.alarms.watching(command.agency):
            # The store has the act before anything is awaited, and no cancel takes it back.
            return await parts.store.act(lambda tx: confirm(tx, command, now, policy))


def _agency() -> Agency:
    return callers.agency(current_caller().identity)
