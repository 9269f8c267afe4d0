"""What the log says of an act: who, where, why, whose, which items, with which outcome.

The final encoding of a leaf, the tree, its signed heads and receipts are in `juki_audit`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.areas.residents.records import PersonID
from juki_center.errors import Reason, Refusal


class Event(StrEnum):
    """The catalogue: every event that a leaf may carry."""

    CARD_AUTHENTICATED = "CARD_AUTHENTICATED"
    CARD_SESSION_REFUSED = "CARD_SESSION_REFUSED"
    CARD_STATUS_CHANGED = "CARD_STATUS_CHANGED"
    COPY_ISSUED = "COPY_ISSUED"
    COPY_REFUSED = "COPY_REFUSED"
    COPY_PRINT_CONFIRMED = "COPY_PRINT_CONFIRMED"
    COPY_RECALLED = "COPY_RECALLED"
    SAMPLES_LOADED = "SAMPLES_LOADED"
    RECORD_READ = "RECORD_READ"
    RECORD_ENTERED = "RECORD_ENTERED"
    RECORD_CHANGED = "RECORD_CHANGED"
    RECORD_REFUSED = "RECORD_REFUSED"
    PROTECTION_CHANGED = "PROTECTION_CHANGED"
    RECORDS_IMPORTED = "RECORDS_IMPORTED"
    CODES_STOCKED = "CODES_STOCKED"
    KEYS_ROTATED = "KEYS_ROTATED"
    AGENCY_CHANGED = "AGENCY_CHANGED"
    AGENCY_ALARM = "AGENCY_ALARM"
    IDENTITY_CONFIRMED = "IDENTITY_CONFIRMED"
    CONFIRMATION_REFUSED = "CONFIRMATION_REFUSED"
    BATCH_CONFIRMED = "BATCH_CONFIRMED"
    CHANGES_PROVIDED = "CHANGES_PROVIDED"
    CARD_APPLIED_FOR = "CARD_APPLIED_FOR"
    INQUIRY_REPLIED = "INQUIRY_REPLIED"
    APPLICATION_ENDED = "APPLICATION_ENDED"
    APPLICATION_READ = "APPLICATION_READ"
    APPLICATION_REFUSED = "APPLICATION_REFUSED"
    PERSONALISATION_BEGUN = "PERSONALISATION_BEGUN"
    PERSONALISATION_VOID = "PERSONALISATION_VOID"
    CARD_MADE = "CARD_MADE"
    CARD_FACE_READ = "CARD_FACE_READ"
    HAND_OVER_BEGUN = "HAND_OVER_BEGUN"
    CARD_HANDED_OVER = "CARD_HANDED_OVER"
    UNLOCK_BEGUN = "UNLOCK_BEGUN"
    PIN_UNLOCKED = "PIN_UNLOCKED"
    LOCK_REPORTED = "LOCK_REPORTED"
    CARD_SUSPENDED = "CARD_SUSPENDED"
    CARD_RESUMED = "CARD_RESUMED"
    CARD_REVOKED = "CARD_REVOKED"
    CARD_RETURNED = "CARD_RETURNED"
    CARD_REISSUED = "CARD_REISSUED"
    CARD_READ = "CARD_READ"
    CARD_ACT_REFUSED = "CARD_ACT_REFUSED"
    CARD_PAPERS_DELETED = "CARD_PAPERS_DELETED"
    MOVE_OUT_FILED = "MOVE_OUT_FILED"
    MOVE_OUT_CHANGED = "MOVE_OUT_CHANGED"
    MOVE_OUT_CANCELLED = "MOVE_OUT_CANCELLED"
    MOVING_OUT_CERTIFIED = "MOVING_OUT_CERTIFIED"
    MOVE_OUT_CORRECTED = "MOVE_OUT_CORRECTED"
    ARRIVAL_RECORDED = "ARRIVAL_RECORDED"
    TRANSFER_FETCHED = "TRANSFER_FETCHED"
    MOVED_IN = "MOVED_IN"
    MOVE_IN_ABANDONED = "MOVE_IN_ABANDONED"
    MOVE_IN_CANCELLED = "MOVE_IN_CANCELLED"
    CORRECTION_ACCEPTED = "CORRECTION_ACCEPTED"
    CARD_CONTINUED = "CARD_CONTINUED"
    MOVED_WITHIN = "MOVED_WITHIN"
    MOVE_READ = "MOVE_READ"
    MOVE_ALERT_SEEN = "MOVE_ALERT_SEEN"
    MOVE_REFUSED = "MOVE_REFUSED"
    MOVE_DAY_ENDED = "MOVE_DAY_ENDED"

    # The log itself, and what is shown of it.
    DISCLOSED_INFORMATION = "DISCLOSED_INFORMATION"
    DISCLOSED_PROVISIONS = "DISCLOSED_PROVISIONS"
    DISCLOSURE_REFUSED = "DISCLOSURE_REFUSED"

    # Clerks and approvals.
    CLERK_CHANGED = "CLERK_CHANGED"
    CLERK_SIGNED_IN = "CLERK_SIGNED_IN"
    CLERK_SIGNED_OUT = "CLERK_SIGNED_OUT"
    CLERK_SIGN_IN_REFUSED = "CLERK_SIGN_IN_REFUSED"
    SIGN_IN_STOPPED = "SIGN_IN_STOPPED"
    ACT_PROPOSED = "ACT_PROPOSED"
    ACT_APPROVED = "ACT_APPROVED"
    PROPOSAL_WITHDRAWN = "PROPOSAL_WITHDRAWN"

    # Terminals and their certificates.
    ENROLMENT_TOKEN_MADE = "ENROLMENT_TOKEN_MADE"
    ENROLMENT_TOKEN_REVOKED = "ENROLMENT_TOKEN_REVOKED"
    PEER_ENROLLED = "PEER_ENROLLED"
    ENROLMENT_REFUSED = "ENROLMENT_REFUSED"
    CERTIFICATE_RENEWED = "CERTIFICATE_RENEWED"
    CERTIFICATE_CONFIRMED = "CERTIFICATE_CONFIRMED"
    RECOVERY_ASKED = "RECOVERY_ASKED"
    RECOVERY_APPROVED = "RECOVERY_APPROVED"
    CERTIFICATE_RECOVERED = "CERTIFICATE_RECOVERED"
    RECOVERY_REFUSED = "RECOVERY_REFUSED"

    # Revocations and disconnections.
    DISCONNECTED = "DISCONNECTED"
    RECONNECTED = "RECONNECTED"
    QUARANTINED = "QUARANTINED"
    REGISTER_CHECKED = "REGISTER_CHECKED"
    QUARANTINE_RELEASED = "QUARANTINE_RELEASED"
    PEER_REVOKED = "PEER_REVOKED"

    # What waits in order for a cut-off office.
    NOTICE_DELIVERED = "NOTICE_DELIVERED"
    NOTICE_SET_ASIDE = "NOTICE_SET_ASIDE"
    NOTICES_RETRIED = "NOTICES_RETRIED"
    NOTICE_DROPPED = "NOTICE_DROPPED"

    # Alerts.
    ALERT_RAISED = "ALERT_RAISED"
    ALERT_SEEN = "ALERT_SEEN"
    PERSON_TRACED = "PERSON_TRACED"


class Cause(StrEnum):
    """Outcomes that the log must tell apart where the caller must not."""

    DONE = "DONE"
    PROTECTIVE_MEASURE = "PROTECTIVE_MEASURE"
    UNDER_CORRECTION = "UNDER_CORRECTION"
    CODE_NOT_OF_CARD = "CODE_NOT_OF_CARD"


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """One act for the log. `cause` is DONE, the reason told to the caller, or the true one.

    `issuing` and `residence` are the two municipalities whose logs show the act, where known;
    `subjects` are the persons whose entries the act concerned; `resource` is an issue number or a
    card serial in hex; `details` are further plain facts, never personal data. `request_id` names
    the request, and `clerk` the id of the clerk who was signed in; where an act does not give them,
    the store takes them from the call.
    """

    event: Event
    at: datetime
    caller_uri: str
    cause: Cause | Reason = Cause.DONE
    issuing: MunicipalityCode | None = None
    residence: MunicipalityCode | None = None
    subjects: tuple[PersonID, ...] = ()
    items: tuple[str, ...] = ()
    resource: str = ""
    details: tuple[tuple[str, str], ...] = ()
    request_id: UUID | None = None
    clerk: str = ""


class AuditLog(Protocol):
    """What the store keeps of the log."""

    def append(self, event: AuditEvent) -> None:
        """Append one leaf in the act's own transaction."""


class DeniedAttempt(Refusal):
    """A refusal that the log must show: the act is undone, and `event` is written all the same."""

    def __init__(self, refusal: Refusal, event: AuditEvent) -> None:
        super().__init__(refusal.reason, **refusal.metadata)
        self.event = event
