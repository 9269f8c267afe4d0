"""ResidentService: each call is one act with its translation; an import is a stream of acts.

Who calls comes from the certificate, never from the request, and with it whose register it is.
Looking is an act too, because each look is in the audit log.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from juki_center.areas.residents.births import register_birth
from juki_center.areas.residents.cancellations import cancel_entry
from juki_center.areas.residents.code_changes import change_resident_code
from juki_center.areas.residents.corrections import correct_record
from juki_center.areas.residents.deletions import delete_record, register_death
from juki_center.areas.residents.edit_locks import lock_record, unlock_record
from juki_center.areas.residents.households import change_household
from juki_center.areas.residents.measures import set_protective_measure
from juki_center.areas.residents.read import get_record, list_household
from juki_center.rpc import residents_translation as translate
from juki_center.rpc.callers import terminal
from juki_center.rpc.durable import durably
from juki_center.rpc.import_stream import Importing
from juki_center.rpc.peers import current_caller
from juki_center.rpc.records_translation import record_message
from jukinet.residents.v1 import resident_service_pb2 as pb
from jukinet.residents.v1 import resident_service_pb2_grpc as pb_grpc

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from datetime import datetime

    import grpc

    from juki_center.areas.callers import Terminal
    from juki_center.areas.ports import Store, Tx
    from juki_center.areas.residents.policy import RegisterPolicy
    from juki_center.rpc.batch_pace import BatchPace
    from juki_center.rpc.metrics import Metrics
    from juki_center.rpc.open_streams import OpenStreams

    Request = TypeVar("Request")
    Answer = TypeVar("Answer")
    Context = grpc.aio.ServicerContext[Request, Answer]

Command = TypeVar("Command")
Outcome = TypeVar("Outcome")


@dataclass(frozen=True, slots=True)
class Parts:
    """What the service of registers stands on."""

    store: Store
    policy: RegisterPolicy
    clock: Callable[[], datetime]
    metrics: Metrics
    imports: OpenStreams
    pace: BatchPace


class Residents(pb_grpc.ResidentServiceServicer):
    """The servicer."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def use(self, policy: RegisterPolicy) -> None:
        """Work by another policy from the next call on."""
        self._parts = replace(self._parts, policy=policy)

    async def GetRecord(  # noqa: N802  # the proto's name
        self,
        request: pb.GetRecordRequest,
        _context: Context[pb.GetRecordRequest, pb.GetRecordResponse],
    ) -> pb.GetRecordResponse:
        """Return a record."""
        command = translate.get_record(request, _terminal())
        answer, now = await self._act(get_record, command)
        return translate.record_read_message(answer, now)

    async def ListHousehold(  # noqa: N802  # the proto's name
        self,
        request: pb.ListHouseholdRequest,
        _context: Context[pb.ListHouseholdRequest, pb.ListHouseholdResponse],
    ) -> pb.ListHouseholdResponse:
        """Return a household."""
        command = translate.list_household(request, _terminal())
        answer, now = await self._act(list_household, command)
        return translate.household_message(answer, now)

    async def RegisterBirth(  # noqa: N802  # the proto's name
        self,
        request: pb.RegisterBirthRequest,
        _context: Context[pb.RegisterBirthRequest, pb.RegisterBirthResponse],
    ) -> pb.RegisterBirthResponse:
        """Enter a child."""
        command = translate.register_birth(request, _terminal())
        answer, now = await self._act(register_birth, command)
        self._watch_stock(command.terminal, is_low=answer.code_stock_is_low)
        return translate.birth_message(answer, now)

    async def RegisterDeath(  # noqa: N802  # the proto's name
        self,
        request: pb.RegisterDeathRequest,
        _context: Context[pb.RegisterDeathRequest, pb.RegisterDeathResponse],
    ) -> pb.RegisterDeathResponse:
        """Register a death."""
        command = translate.register_death(request, _terminal())
        answer, now = await self._act(register_death, command)
        return translate.death_message(answer, now)

    async def DeleteRecord(  # noqa: N802  # the proto's name
        self,
        request: pb.DeleteRecordRequest,
        _context: Context[pb.DeleteRecordRequest, pb.DeleteRecordResponse],
    ) -> pb.DeleteRecordResponse:
        """Delete a record."""
        command = translate.delete_record(request, _terminal())
        answer, now = await self._act(delete_record, command)
        return translate.deletion_message(answer, now)

    async def CorrectRecord(  # noqa: N802  # the proto's name
        self,
        request: pb.CorrectRecordRequest,
        _context: Context[pb.CorrectRecordRequest, pb.CorrectRecordResponse],
    ) -> pb.CorrectRecordResponse:
        """Correct a record."""
        command = translate.correct_record(request, _terminal())
        answer, now = await self._act(correct_record, command)
        return pb.CorrectRecordResponse(record=record_message(answer.record, now))

    async def ChangeHousehold(  # noqa: N802  # the proto's name
        self,
        request: pb.ChangeHouseholdRequest,
        _context: Context[pb.ChangeHouseholdRequest, pb.ChangeHouseholdResponse],
    ) -> pb.ChangeHouseholdResponse:
        """Change households."""
        command = translate.change_household(request, _terminal())
        answer, now = await self._act(change_household, command)
        return translate.household_change_message(answer, now)

    async def ChangeResidentCode(  # noqa: N802  # the proto's name
        self,
        request: pb.ChangeResidentCodeRequest,
        _context: Context[pb.ChangeResidentCodeRequest, pb.ChangeResidentCodeResponse],
    ) -> pb.ChangeResidentCodeResponse:
        """Give a new code."""
        command = translate.change_resident_code(request, _terminal())
        answer, now = await self._act(change_resident_code, command)
        self._watch_stock(command.edit.terminal, is_low=answer.code_stock_is_low)
        return translate.code_change_message(answer, now)

    async def CancelEntry(  # noqa: N802  # the proto's name
        self,
        request: pb.CancelEntryRequest,
        _context: Context[pb.CancelEntryRequest, pb.CancelEntryResponse],
    ) -> pb.CancelEntryResponse:
        """Cancel the newest entry."""
        command = translate.cancel_entry(request, _terminal())
        answer, now = await self._act(cancel_entry, command)
        return pb.CancelEntryResponse(record=record_message(answer.record, now))

    async def SetProtectiveMeasure(  # noqa: N802  # the proto's name
        self,
        request: pb.SetProtectiveMeasureRequest,
        _context: Context[pb.SetProtectiveMeasureRequest, pb.SetProtectiveMeasureResponse],
    ) -> pb.SetProtectiveMeasureResponse:
        """Begin, lift or end a measure."""
        command = translate.set_protective_measure(request, _terminal())
        answer, now = await self._act(set_protective_measure, command)
        return pb.SetProtectiveMeasureResponse(record=record_message(answer.record, now))

    async def LockRecord(  # noqa: N802  # the proto's name
        self,
        request: pb.LockRecordRequest,
        _context: Context[pb.LockRecordRequest, pb.LockRecordResponse],
    ) -> pb.LockRecordResponse:
        """Take an edit lock."""
        command = translate.lock_record(request, _terminal())
        answer, _ = await self._act(lock_record, command)
        return translate.lock_message(answer)

    async def UnlockRecord(  # noqa: N802  # the proto's name
        self,
        request: pb.UnlockRecordRequest,
        _context: Context[pb.UnlockRecordRequest, pb.UnlockRecordResponse],
    ) -> pb.UnlockRecordResponse:
        """Give an edit lock back."""
        command = translate.unlock_record(request, _terminal())
        await durably(self._parts.store.act(lambda tx: unlock_record(tx, command)))
        return pb.UnlockRecordResponse()

    async def ImportRecords(  # type: ignore[override]  # noqa: N802  # asyncio, the proto's name
        self,
        request_iterator: AsyncIterator[pb.ImportRecordsRequest],
        context: Context[pb.ImportRecordsRequest, pb.ImportRecordsResponse],
    ) -> None:
        """Take updates in order."""
        await Importing(self._parts, _terminal(), request_iterator, context.write).run()

    async def _act(
        self,
        act: Callable[[Tx, Command, datetime, RegisterPolicy], Outcome],
        command: Command,
    ) -> tuple[Outcome, datetime]:
        """Do an act; return its answer, and when that was."""
        now, policy = self._parts.clock(), self._parts.policy
        answer = await durably(self._parts.store.act(lambda tx: act(tx, command, now, policy)))
        return answer, now

    def _watch_stock(self, sender: Terminal, *, is_low: bool) -> None:
        register = self._parts.policy.municipalities.register_of(sender.municipality)
        self._parts.metrics.low_code_stock.labels(str(register)).set(is_low)


def _terminal() -> Terminal:
    return terminal(current_caller().identity)
