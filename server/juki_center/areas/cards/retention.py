"""How long what is kept of cards stays: photos, papers, secrets of chips, notes.

The law says nothing of it for this network: the spans are a judgment, and stand here and nowhere
else. What has run out is deleted in portions, so that no window waits long; the log keeps how much
it was, and nothing of what it said. Deleting opens nothing, and works whoever is disconnected.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

from juki_center.areas.audit.events import AuditEvent, AuditLog, Event
from juki_center.areas.cards.application_rows import Applications
from juki_center.areas.cards.holdings import Holding
from juki_center.areas.cards.note_rows import CardNotes
from juki_center.areas.cards.personalisation_rows import Personalisations
from juki_center.areas.cards.unlock_rows import Unlocks

PHOTO_AFTER_DELIVERY: Final = timedelta(days=30)
"""So long a card whose face turns out wrong can be printed anew."""
PHOTO_AFTER_REFUSAL: Final = timedelta(days=1)
PAPERS_KEPT_FOR: Final = timedelta(days=365)
"""Letters, replies and evidence, after the end of their application or unlocking."""
NOTES_KEPT_FOR: Final = timedelta(days=3 * 365)
"""Records of suspensions and other acts on a card."""
AT_ONCE: Final = 200
"""How many rows of a kind one act deletes at most."""


class RetentionTx(Protocol):
    """What deleting needs of a transaction."""

    @property
    def applications(self) -> Applications: ...

    @property
    def audit(self) -> AuditLog: ...

    @property
    def card_notes(self) -> CardNotes: ...

    @property
    def personalisations(self) -> Personalisations: ...

    @property
    def unlocks(self) -> Unlocks: ...


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept of a kind, and the rule in the words of an operator."""

    kind: str
    rule: str
    holding: Holding


def forget_due(tx: RetentionTx, now: datetime, *, caller_uri: str) -> int:
    """Act: delete a portion of what has run out; return how much that was, 0 at the end."""
    papers = now - PAPERS_KEPT_FOR
    deleted = {
        "photos": tx.applications.forget_photos(
            delivered_before=now - PHOTO_AFTER_DELIVERY,
            refused_before=now - PHOTO_AFTER_REFUSAL,
            limit=AT_ONCE,
        ),
        "papers": tx.applications.forget_papers(ended_before=papers, limit=AT_ONCE),
        "unlocks": tx.unlocks.forget_papers(ended_before=papers, limit=AT_ONCE),
        "secrets": tx.personalisations.forget_ended_secrets(limit=AT_ONCE),
        "notes": tx.card_notes.forget(before=now - NOTES_KEPT_FOR, limit=AT_ONCE),
    }
    if any(deleted.values()):
        tx.audit.append(
            AuditEvent(
                event=Event.CARD_PAPERS_DELETED,
                at=now,
                caller_uri=caller_uri,
                details=tuple((kind, str(count)) for kind, count in deleted.items() if count),
            )
        )
    return sum(deleted.values())


def kept(tx: RetentionTx, now: datetime) -> tuple[Kept, ...]:
    """Return what is kept of each kind, since when, and how much of it has run out."""
    papers = now - PAPERS_KEPT_FOR
    return (
        Kept(
            "photos",
            f"{PHOTO_AFTER_DELIVERY.days} days after the hand-over, "
            f"{PHOTO_AFTER_REFUSAL.days} day after any other end",
            tx.applications.photos_held(
                delivered_before=now - PHOTO_AFTER_DELIVERY,
                refused_before=now - PHOTO_AFTER_REFUSAL,
            ),
        ),
        Kept(
            "papers",
            f"{PAPERS_KEPT_FOR.days} days after the end of the application",
            tx.applications.papers_held(ended_before=papers),
        ),
        Kept(
            "unlocks",
            f"{PAPERS_KEPT_FOR.days} days after the end of the unlocking",
            tx.unlocks.papers_held(ended_before=papers),
        ),
        Kept(
            "secrets",
            "until the application has ended",
            tx.personalisations.secrets_held(),
        ),
        Kept(
            "notes",
            f"{NOTES_KEPT_FOR.days} days",
            tx.card_notes.held(before=now - NOTES_KEPT_FOR),
        ),
    )
