"""Judge a run of many applicants by what the clients themselves saw.

Each terminal writes down what it asked, what it was answered and what the center says of it at
the end. Nothing here trusts the center's own book-keeping.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Seen:
    """One answer to one request, as the terminal received it."""

    issue_number: str
    person: str
    transcript_hash: bytes
    request_id: str


@dataclass(slots=True)
class Application:
    """What one applicant's terminal asked, and everything that it was answered."""

    applicant: str
    terminal: str
    request_id: str
    transcript_hash: bytes
    answers: list[Seen] = field(default_factory=list)
    final: Seen | None = None
    gave_up: str = ""


def violations(history: list[Application]) -> list[str]:
    """Return every broken promise, in words; an empty list is a clean run."""
    return [
        *(word for application in history for word in _of_one(application)),
        *_numbers_shared(history),
    ]


def _of_one(application: Application) -> list[str]:
    name = f"{application.terminal} {application.request_id[:8]}"
    seen = [*application.answers, *([application.final] if application.final else [])]
    found = []
    if len({answer.issue_number for answer in seen}) > 1:
        found.append(f"{name}: double issue")
    if application.answers and application.final is None:
        found.append(f"{name}: lost acknowledged issue")
    for answer in seen:
        found += [f"{name}: {fault}" for fault in _misdelivered(application, answer)]
    return found


def _misdelivered(application: Application, answer: Seen) -> list[str]:
    faults = {
        "copy of another person": answer.person != application.applicant,
        "copy to another session": answer.transcript_hash != application.transcript_hash,
        "copy of another request": answer.request_id != application.request_id,
    }
    return [fault for fault, is_so in faults.items() if is_so]


def _numbers_shared(history: list[Application]) -> list[str]:
    users: defaultdict[str, set[str]] = defaultdict(set)
    for application in history:
        for answer in [*application.answers, *([application.final] if application.final else [])]:
            users[answer.issue_number].add(application.request_id)
    return [
        f"{number}: one number, {len(ids)} requests"
        for number, ids in users.items()
        if len(ids) > 1
    ]
