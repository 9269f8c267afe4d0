"""Changes made once: the request id is written down before it is sent, and sent again after a cut.

The request id of a change is made here. Where its outcome is unknown, a later run sends the same
id: where the center has acted already, it gives its first answer again.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from google.protobuf.message import Message

from juki_client.change_journal import Change, ChangeState
from juki_client.outcome import Problem
from juki_client.patience import OF_THE_LOG, Patience, send_once_only

if TYPE_CHECKING:
    from collections.abc import Callable

    from juki_client.change_journal import ChangeJournal
    from juki_client.patience import Caller

_BEFORE_THE_ID: Final = frozenset(("FIELD_INVALID", "CLERK_NAME_REQUIRED"))
"""With these a request is refused before its id is looked up: they say nothing of earlier runs."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


def _new_request_id() -> str:
    return str(uuid.uuid4())


@dataclass(frozen=True, slots=True)
class Changes:
    """What it takes to make changes from one place; clock, ids and patience can be set."""

    center: Caller
    journal: ChangeJournal
    now: Callable[[], datetime] = _utc_now
    new_request_id: Callable[[], str] = _new_request_id
    patience: Patience = field(default_factory=Patience)

    def begin(self, command: str, subject: str = "") -> Attempt:
        """Return the earlier run of a command whose outcome is unknown, else a new one.

        What a request derives from its id, such as salts, is made between this and `carry_out`.
        """
        return self.attempt(command, self.journal.open_change(command, subject), subject)

    def attempt(self, command: str, earlier: Change | None, subject: str = "") -> Attempt:
        """Return the run that repeats an earlier one, or a new one."""
        if earlier is not None:
            return Attempt(earlier, is_repeated=True)
        at, seen = int(self.now().timestamp()), self.center.seen_tree_size
        state = ChangeState.ASKED
        return Attempt(Change(self.new_request_id(), command, state, at, subject, seen=seen))


@dataclass(frozen=True, slots=True)
class Attempt:
    """One run of a command that changes."""

    change: Change
    is_repeated: bool = False
    """Whether the request id is the one of an earlier run, whose outcome is unknown."""

    @property
    def request_id(self) -> str:
        """The id that the request will carry."""
        return self.change.request_id

    def with_session(self, session_id: bytes) -> Attempt:
        """Name the card session that the request will use."""
        return replace(self, change=replace(self.change, session_id=session_id))


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer of the center. `request_id` is empty for what changes nothing."""

    message: Message = field(repr=False)
    request_id: str = ""
    is_repeated: bool = False
    """Whether the request id was the one of an earlier run, whose outcome was unknown."""


def make_change(
    changes: Changes,
    command: str,
    method: Callable[..., Message],
    request: Message,
    *,
    earlier: Change | None = None,
) -> Answered:
    """Send a changing request by its method of the service; it comes without a request id.

    `command` is the word under which the journal finds this run again, `earlier` a run whose
    outcome is unknown, and which this one repeats. Raises Problem as `carry_out` does.
    """
    return carry_out(changes, changes.attempt(command, earlier), method, request)


def carry_out(
    changes: Changes, attempt: Attempt, method: Callable[..., Message], request: Message
) -> Answered:
    """Send the request of an attempt, which gives it its id, until the outcome is known.

    Raises Problem with the center's reason where it refuses (nothing was changed),
    OUTCOME_UNKNOWN where it did not answer: run the same command with the same request again; and
    REQUEST_ID_REUSED or ANSWER_EXPIRED where an earlier run was carried out and this one was not.
    Where the audit log does not show what was answered, RECEIPT_MISSING and the like are raised and
    the outcome stays unknown: once the log is trusted again, a run of the same command takes the
    same answer with its receipt.
    """
    named = type(request)()
    named.CopyFrom(request)
    named.request_id = attempt.request_id  # type: ignore[attr-defined]  # every changing request has it
    _record(changes, attempt, ChangeState.ASKED)
    try:
        answer = send_once_only(
            changes.center,
            method,
            named,
            changes.patience,
            was_sent_before=attempt.is_repeated,
            seen=attempt.change.seen,
        )
    except Problem as problem:
        _record(changes, attempt, _end_of(problem, is_repeated=attempt.is_repeated))
        if _is_expired(problem):
            raise Problem("ANSWER_EXPIRED") from problem
        raise
    _record(changes, attempt, ChangeState.DONE)
    return Answered(answer, attempt.request_id, is_repeated=attempt.is_repeated)


def _record(changes: Changes, attempt: Attempt, state: ChangeState) -> None:
    at = int(changes.now().timestamp())
    changes.journal.record(replace(attempt.change, state=state, at=at))


def _end_of(problem: Problem, *, is_repeated: bool) -> ChangeState:
    """Return what a problem says of a change."""
    match problem.reason:
        case "OUTCOME_UNKNOWN":
            return ChangeState.DONE if _is_expired(problem) else ChangeState.ASKED
        case reason if reason in OF_THE_LOG:
            return ChangeState.ASKED
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
