"""The register of the terminal's own municipality: questions asked, changes made once.

How a change is made once is in `juki_client.changes`; what a clerk types and reads is in `cli`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from juki_client.changes import Answered, make_change
from juki_terminal.calls import Call, Service
from jukinet.residents.v1 import resident_service_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import Mapping

    from google.protobuf.message import Message

    from juki_client.changes import Changes
    from juki_terminal.channel import Center


_REGISTER: Final = Service.RESIDENTS
CALLS: Final[Mapping[str, Call]] = {
    "show": Call(_REGISTER, pb.GetRecordRequest, "GetRecord", changes=False),
    "household": Call(_REGISTER, pb.ListHouseholdRequest, "ListHousehold", changes=False),
    "birth": Call(_REGISTER, pb.RegisterBirthRequest, "RegisterBirth"),
    "death": Call(_REGISTER, pb.RegisterDeathRequest, "RegisterDeath"),
    "delete": Call(_REGISTER, pb.DeleteRecordRequest, "DeleteRecord"),
    "correct": Call(_REGISTER, pb.CorrectRecordRequest, "CorrectRecord"),
    "change-household": Call(_REGISTER, pb.ChangeHouseholdRequest, "ChangeHousehold"),
    "change-code": Call(_REGISTER, pb.ChangeResidentCodeRequest, "ChangeResidentCode"),
    "cancel": Call(_REGISTER, pb.CancelEntryRequest, "CancelEntry"),
    "protect": Call(_REGISTER, pb.SetProtectiveMeasureRequest, "SetProtectiveMeasure"),
    "lift": Call(_REGISTER, pb.SetProtectiveMeasureRequest, "SetProtectiveMeasure"),
    "end-protection": Call(_REGISTER, pb.SetProtectiveMeasureRequest, "SetProtectiveMeasure"),
    # Both may be repeated at will and carry no request id.
    "lock": Call(_REGISTER, pb.LockRecordRequest, "LockRecord", changes=False),
    "unlock": Call(_REGISTER, pb.UnlockRecordRequest, "UnlockRecord", changes=False),
}
"""All commands by the word that a clerk types."""


def question(center: Center, command: str, request: Message) -> Answered:
    """Ask a command of CALLS that changes no record; raise Problem with the center's reason."""
    return Answered(center.call(CALLS[command].of(center), request))


def change(center: Center, changes: Changes, command: str, request: Message) -> Answered:
    """Carry out a command of CALLS that changes; `request` comes without a request id.

    Where an earlier run of the command has no known outcome, its request id is sent again.
    Raises Problem as `make_change` does.
    """
    earlier = changes.journal.open_change(command)
    return make_change(changes, command, CALLS[command].of(center), request, earlier=earlier)
