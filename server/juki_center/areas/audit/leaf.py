"""The content of an audit leaf, made from an event; what it looks like is in `juki_audit.leaf`."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from juki_audit.leaf import SALT_OCTETS, Leaf, commitment
from juki_center.areas.audit.events import AuditEvent
from juki_center.areas.calls import Call
from juki_center.areas.residents.records import PersonID

__all__ = ["SALT_OCTETS", "commitment", "content"]


def content(event: AuditEvent, subject: Callable[[PersonID], bytes]) -> bytes:
    """Return the leaf's content; `subject` is the keyed hash of a person."""
    return leaf(event, subject).encode()


def leaf(
    event: AuditEvent,
    subject: Callable[[PersonID], bytes],
    request_id: UUID | None = None,
    call: Call | None = None,
) -> Leaf:
    """Return an event as a leaf, with keyed hashes in place of the persons.

    It names the act's request and the call's clerk where the event itself does not, and what the
    call cites beside the event's own facts.
    """
    named = event.request_id or request_id
    clerk, cited = (call.clerk, call.cited) if call else ("", ())
    return Leaf(
        event=str(event.event),
        at=event.at,
        caller_uri=event.caller_uri,
        outcome=str(event.cause),
        request_id=named.bytes if named else b"",
        clerk=event.clerk or clerk,
        issuing=str(event.issuing or ""),
        residence=str(event.residence or ""),
        subjects=tuple(subject(person) for person in event.subjects),
        items=tuple(str(item) for item in event.items),
        resource=event.resource,
        details={key: str(value) for key, value in (*event.details, *cited)},
    )
