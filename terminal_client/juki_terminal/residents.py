"""The register of the terminal's own municipality: questions asked, changes made once.

The request id of a change is made here and written to the journal before it is sent. After a cut
the next run of the same command sends the same id: where the center has acted already, it gives
its first answer again. What a clerk types and reads is in `cli`.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from google.protobuf.message import Message

from juki_client.outcome import Problem
from juki_terminal.patience import Patience, send_once_only
from juki_terminal.residents_journal import ChangeState
from jukinet.residents.v1 import resident_service_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from juki_terminal.channel import Center
    from juki_terminal.residents_journal import ResidentsJournal


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


_BEFORE_THE_ID: Final = frozenset(("FIELD_INVALID", "CLERK_NAME_REQUIRED"))
"""With these a request is refused before its id is looked up: they say nothing of earlier runs."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


def _new_request_id() -> str:
    return str(uuid.uuid4())


@dataclass(frozen=True, slots=True)
class RegisterDesk:
    """What it takes to work on the register at one terminal; clock, ids and patience can be set."""

    center: Center
    journal: ResidentsJournal
    now: Callable[[], datetime] = _utc_now
    new_request_id: Callable[[], str] = _new_request_id
    patience: Patience = field(default_factory=Patience)


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer of the center. `request_id` is empty for what changes nothing."""

    message: Message = field(repr=False)
    request_id: str = ""
    is_repeated: bool = False
    """Whether the request id was the one of an earlier run, whose outcome was unknown."""


def question(center: Center, command: str, request: Message) -> Answered:
    """Ask a command of CALLS that changes no record; raise Problem with the center's reason."""
    method = getattr(center.residents, CALLS[command].method)
    return Answered(center.call(method, request))


def change(desk: RegisterDesk, command: str, request: Message) -> Answered:
    """Carry out a command of CALLS that changes; `request` comes without a request id.

    Raises Problem with the center's reason where it refuses (nothing was changed),
    OUTCOME_UNKNOWN where it did not answer: run the same command with the same request again; and
    REQUEST_ID_REUSED or ANSWER_EXPIRED where an earlier run was carried out and this one was not.
    """
    earlier = desk.journal.open_change(command)
    is_repeated = earlier is not None
    request_id = earlier.request_id if earlier is not None else desk.new_request_id()
    named = type(request)()
    named.CopyFrom(request)
    named.request_id = request_id  # type: ignore[attr-defined]  # every changing request has it
    method = getattr(desk.center.residents, CALLS[command].method)
    desk.journal.write(command, request_id, ChangeState.ASKED, desk.now())
    try:
        answer = send_once_only(
            desk.center, method, named, desk.patience, was_sent_before=is_repeated
        )
    except Problem as problem:
        state = _end_of(problem, is_repeated=is_repeated)
        desk.journal.write(command, request_id, state, desk.now())
        if _is_expired(problem):
            raise Problem("ANSWER_EXPIRED") from problem
        raise
    desk.journal.write(command, request_id, ChangeState.DONE, desk.now())
    return Answered(answer, request_id, is_repeated=is_repeated)


def _end_of(problem: Problem, *, is_repeated: bool) -> ChangeState:
    """Return what a problem says of a change."""
    match problem.reason:
        case "OUTCOME_UNKNOWN":
            return ChangeState.DONE if _is_expired(problem) else ChangeState.ASKED
        case "REQUEST_ID_REUSED":
            # The earlier run, with another content, was carried out.
            return ChangeState.DONE
        case reason if is_repeated and reason in _BEFORE_THE_ID:
            return ChangeState.ASKED
        case _:
            return ChangeState.REFUSED


def _is_expired(problem: Problem) -> bool:
    """Tell whether the change was made, and only its answer is kept no longer."""
    return problem.metadata.get("cause") == "ANSWER_EXPIRED"
