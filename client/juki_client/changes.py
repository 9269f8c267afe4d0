"""Changes made once: the request id is written down before it is sent, and sent again after a cut.

The request id of a change is made here. Where its outcome is unknown, a later run sends the same
id: where the center has acted already, it gives its first answer again.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from google.protobuf.message import Message

from juki_client.change_journal import ChangeState
from juki_client.outcome import Problem
from juki_client.patience import Patience, send_once_only

if TYPE_CHECKING:
    from collections.abc import Callable

    from juki_client.change_journal import Change, ChangeJournal
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
    outcome is unknown, and which this one repeats.
    Raises Problem with the center's reason where it refuses (nothing was changed),
    OUTCOME_UNKNOWN where it did not answer: run the same command with the same request again; and
    REQUEST_ID_REUSED or ANSWER_EXPIRED where an earlier run was carried out and this one was not.
    """
    is_repeated = earlier is not None
    request_id = earlier.request_id if earlier is not None else changes.new_request_id()
    named = type(request)()
    named.CopyFrom(request)
    named.request_id = request_id  # type: ignore[attr-defined]  # every changing request has it
    changes.journal.write(command, request_id, ChangeState.ASKED, changes.now())
    try:
        answer = send_once_only(
            changes.center, method, named, changes.patience, was_sent_before=is_repeated
        )
    except Problem as problem:
        state = _end_of(problem, is_repeated=is_repeated)
        changes.journal.write(command, request_id, state, changes.now())
        if _is_expired(problem):
            raise Problem("ANSWER_EXPIRED") from problem
        raise
    changes.journal.write(command, request_id, ChangeState.DONE, changes.now())
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
