"""The register of the terminal's own municipality: questions asked, changes made once.

How a change is made once is in `juki_client.changes`; what a clerk types and reads is in `cli`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from google.protobuf.message import Message

from juki_client.changes import Answered, make_change
from jukinet.residents.v1 import resident_service_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import Mapping

    from juki_client.changes import Changes
    from juki_terminal.channel import Center


@dataclass(frozen=True, slots=True)
class Call:
    """A command of the register: its request, the method of the service, whether it changes."""

    request: type[Message]
    method: str
    changes: bool = True


CALLS: Final[Mapping[str, Call]] = {
    "show": Call(pb.GetRecordRequest, "GetRecord", changes=False),
    "household": Call(pb.ListHouseholdRequest, "ListHousehold", changes=False),
    "birth": Call(pb.RegisterBirthRequest, "RegisterBirth"),
    "death": Call(pb.RegisterDeathRequest, "RegisterDeath"),
    "delete": Call(pb.DeleteRecordRequest, "DeleteRecord"),
    "correct": Call(pb.CorrectRecordRequest, "CorrectRecord"),
    "change-household": Call(pb.ChangeHouseholdRequest, "ChangeHousehold"),
    "change-code": Call(pb.ChangeResidentCodeRequest, "ChangeResidentCode"),
    "cancel": Call(pb.CancelEntryRequest, "CancelEntry"),
    "protect": Call(pb.SetProtectiveMeasureRequest, "SetProtectiveMeasure"),
    "lift": Call(pb.SetProtectiveMeasureRequest, "SetProtectiveMeasure"),
    "end-protection": Call(pb.SetProtectiveMeasureRequest, "SetProtectiveMeasure"),
    # Both may be repeated at will and carry no request id.
    "lock": Call(pb.LockRecordRequest, "LockRecord", changes=False),
    "unlock": Call(pb.UnlockRecordRequest, "UnlockRecord", changes=False),
}
"""All commands by the word that a clerk types."""


def question(center: Center, command: str, request: Message) -> Answered:
    """Ask a command of CALLS that changes no record; raise Problem with the center's reason."""
    method = getattr(center.residents, CALLS[command].method)
    return Answered(center.call(method, request))


def change(center: Center, changes: Changes, command: str, request: Message) -> Answered:
    """Carry out a command of CALLS that changes; `request` comes without a request id.

    Where an earlier run of the command has no known outcome, its request id is sent again.
    Raises Problem as `make_change` does.
    """
    method = getattr(center.residents, CALLS[command].method)
    earlier = changes.journal.open_change(command)
    return make_change(changes, command, method, request, earlier=earlier)
