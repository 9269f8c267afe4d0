"""What a caller reads when an act is refused: reasons, and nothing else.

CenterError
├── Refusal       a rule forbids the act; `reason` and `metadata` go to the caller
│   ├── Delayed          who is refused is told when to come back
│   └── StoreUnusable    the store cannot even be opened; for the operator, with its file
│       └── LogBroken    its audit log does not hold; with the row
├── NotAllowed    an event cannot happen in a state
├── RuleBroken    a value breaks the rule of its type; the edge adds the field's name
├── ConfigInvalid a key of the configuration is unknown, missing or of the wrong kind
├── RotationBlocked      a key cannot be replaced while a municipality is disconnected
├── KeyUnusable   a key file is missing, readable by others, or does not open what it should
├── SignatureRefused     a copy's signature does not count
│   ├── NotSignedContent the bytes are no signed copy
│   ├── SignerUnknown    the named signer is none that is known here
│   └── SignatureInvalid the content is not what the named signer signed
└── LogRefused    what is said about the audit log does not hold; `rule` says what
    ├── ProofInvalid     a proof does not lead to the root
    └── HeadNotTrusted   a signed head is not one of the log that is trusted

Codes, retry classes and texts are no matter of this module: they are options on the enum value of
the same name in `jukinet/error/v1/error_reason.proto`.
"""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """Why a request failed: the names of the proto's ErrorReason without their prefix."""

    UNAUTHENTICATED = "UNAUTHENTICATED"
    ROLE_NOT_ALLOWED = "ROLE_NOT_ALLOWED"
    METHOD_UNKNOWN = "METHOD_UNKNOWN"
    FIELD_INVALID = "FIELD_INVALID"
    MESSAGE_TOO_LARGE = "MESSAGE_TOO_LARGE"
    REQUEST_ID_REUSED = "REQUEST_ID_REUSED"
    ANSWER_EXPIRED = "ANSWER_EXPIRED"
    INTERNAL = "INTERNAL"
    STORE_UNAVAILABLE = "STORE_UNAVAILABLE"
    OVERLOADED = "OVERLOADED"
    SHUTTING_DOWN = "SHUTTING_DOWN"
    CENTER_UNREACHABLE = "CENTER_UNREACHABLE"
    OUTCOME_UNKNOWN = "OUTCOME_UNKNOWN"
    PURPOSE_UNKNOWN = "PURPOSE_UNKNOWN"
    VERSION_UNSUPPORTED = "VERSION_UNSUPPORTED"
    STEP_OUT_OF_ORDER = "STEP_OUT_OF_ORDER"
    ANSWERS_MALFORMED = "ANSWERS_MALFORMED"
    ANSWERS_TRUNCATED = "ANSWERS_TRUNCATED"
    CARD_ACCESS_MALFORMED = "CARD_ACCESS_MALFORMED"
    TRUST_POINT_UNKNOWN = "TRUST_POINT_UNKNOWN"
    TERMINAL_ATTESTATION_INVALID = "TERMINAL_ATTESTATION_INVALID"
    CARD_NOT_AUTHENTIC = "CARD_NOT_AUTHENTIC"
    CARD_REFUSED = "CARD_REFUSED"
    CARD_UNKNOWN = "CARD_UNKNOWN"
    CARD_SUSPENDED = "CARD_SUSPENDED"
    CARD_REVOKED = "CARD_REVOKED"
    CARD_EXPIRED = "CARD_EXPIRED"
    CARD_NOT_FOR_PURPOSE = "CARD_NOT_FOR_PURPOSE"
    PLAN_EXPIRED = "PLAN_EXPIRED"
    PLAN_NOT_FOR_TERMINAL = "PLAN_NOT_FOR_TERMINAL"
    SESSION_LIMIT = "SESSION_LIMIT"
    SESSION_NOT_FOUND = "SESSION_NOT_FOUND"
    SESSION_USED = "SESSION_USED"
    SESSION_EXPIRED = "SESSION_EXPIRED"
    PIN_WRONG = "PIN_WRONG"
    PIN_LOCKED = "PIN_LOCKED"
    PIN_NOT_ENTERED = "PIN_NOT_ENTERED"
    READER_NOT_FOUND = "READER_NOT_FOUND"
    READER_FAILED = "READER_FAILED"
    CARD_REMOVED = "CARD_REMOVED"
    CARD_TIMEOUT = "CARD_TIMEOUT"
    PHOTO_ID_DISABLED = "PHOTO_ID_DISABLED"
    CLERK_NAME_REQUIRED = "CLERK_NAME_REQUIRED"
    ID_KIND_NOT_ACCEPTED = "ID_KIND_NOT_ACCEPTED"
    ID_MISMATCH = "ID_MISMATCH"
    AMBIGUOUS = "AMBIGUOUS"
    USE_LOCAL_COUNTER = "USE_LOCAL_COUNTER"
    NOT_SAME_HOUSEHOLD = "NOT_SAME_HOUSEHOLD"
    ITEM_NOT_PERMITTED = "ITEM_NOT_PERMITTED"
    ISSUE_SUPPRESSED = "ISSUE_SUPPRESSED"
    RECORD_DELETED = "RECORD_DELETED"
    RESIDENCE_DISCONNECTED = "RESIDENCE_DISCONNECTED"
    ISSUE_NOT_FOUND = "ISSUE_NOT_FOUND"
    PRINT_STATE_CONFLICT = "PRINT_STATE_CONFLICT"
    ALREADY_RECALLED = "ALREADY_RECALLED"
    CONFIGURATION_INVALID = "CONFIGURATION_INVALID"
    USAGE_INVALID = "USAGE_INVALID"
    TERMINAL_DEFECT = "TERMINAL_DEFECT"
    INTERRUPTED = "INTERRUPTED"
    COPY_UNFINISHED = "COPY_UNFINISHED"
    COPY_NOT_FOR_REQUEST = "COPY_NOT_FOR_REQUEST"
    CHARACTER_NOT_PRINTABLE = "CHARACTER_NOT_PRINTABLE"
    PRINTER_FAILED = "PRINTER_FAILED"
    JOURNAL_DAMAGED = "JOURNAL_DAMAGED"
    COPY_ALTERED = "COPY_ALTERED"
    COPY_SIGNER_UNKNOWN = "COPY_SIGNER_UNKNOWN"
    COPY_RECALLED = "COPY_RECALLED"
    COPY_NOT_ISSUED = "COPY_NOT_ISSUED"
    RESIDENT_NOT_FOUND = "RESIDENT_NOT_FOUND"
    CODE_CHANGED = "CODE_CHANGED"
    NOT_IN_THIS_STATE = "NOT_IN_THIS_STATE"
    RECORD_CHANGED = "RECORD_CHANGED"
    RECORD_LOCKED = "RECORD_LOCKED"
    ENTRY_NOT_CANCELLABLE = "ENTRY_NOT_CANCELLABLE"
    CODE_STOCK_EMPTY = "CODE_STOCK_EMPTY"
    IMPORT_NOT_THE_SAME = "IMPORT_NOT_THE_SAME"
    AFFAIR_NOT_AUTHORISED = "AFFAIR_NOT_AUTHORISED"
    QUERY_TOO_BROAD = "QUERY_TOO_BROAD"
    CURSOR_UNKNOWN = "CURSOR_UNKNOWN"
    BATCH_NOT_THE_SAME = "BATCH_NOT_THE_SAME"
    FILE_NOT_USABLE = "FILE_NOT_USABLE"
    LINES_REFUSED = "LINES_REFUSED"
    CARD_NOT_ACTIVE = "CARD_NOT_ACTIVE"
    CARD_PIN_PENDING = "CARD_PIN_PENDING"
    CARD_ACCESS_NUMBER_WRONG = "CARD_ACCESS_NUMBER_WRONG"
    CARD_ACCESS_NUMBER_NOT_ENTERED = "CARD_ACCESS_NUMBER_NOT_ENTERED"
    PIN_NOT_FOUR_DIGITS = "PIN_NOT_FOUR_DIGITS"
    PIN_TOO_OBVIOUS = "PIN_TOO_OBVIOUS"
    PIN_ENTRIES_DIFFER = "PIN_ENTRIES_DIFFER"
    PIN_CHANGE_INCONCLUSIVE = "PIN_CHANGE_INCONCLUSIVE"
    ALREADY_HAS_CARD = "ALREADY_HAS_CARD"
    APPLICATION_OPEN = "APPLICATION_OPEN"
    APPLICATION_NOT_FOUND = "APPLICATION_NOT_FOUND"
    PHOTO_REQUIRED = "PHOTO_REQUIRED"
    PHOTO_NOT_USABLE = "PHOTO_NOT_USABLE"
    PHOTO_TOO_OLD = "PHOTO_TOO_OLD"
    REPRESENTATIVE_REQUIRED = "REPRESENTATIVE_REQUIRED"
    LAPSED_CARD_QUESTION = "LAPSED_CARD_QUESTION"
    IDENTITY_DOCUMENT_REQUIRED = "IDENTITY_DOCUMENT_REQUIRED"
    TWO_DOCUMENTS_REQUIRED = "TWO_DOCUMENTS_REQUIRED"
    ORAL_QUESTIONS_REQUIRED = "ORAL_QUESTIONS_REQUIRED"
    CARD_NOT_BLANK = "CARD_NOT_BLANK"
    CHIP_ALREADY_USED = "CHIP_ALREADY_USED"
    PERSONALISATION_OPEN = "PERSONALISATION_OPEN"
    PERSONALISATION_NOT_FOUND = "PERSONALISATION_NOT_FOUND"
    CARD_NOT_OF_APPLICATION = "CARD_NOT_OF_APPLICATION"
    FEE_NOT_AS_SET = "FEE_NOT_AS_SET"
    UNLOCK_NOT_FOUND = "UNLOCK_NOT_FOUND"
    ALREADY_RETURNED = "ALREADY_RETURNED"
    TEXT_DOES_NOT_FIT = "TEXT_DOES_NOT_FIT"
    MOVE_OPEN = "MOVE_OPEN"
    MOVE_NOT_FOUND = "MOVE_NOT_FOUND"
    NOTICE_CHANGED = "NOTICE_CHANGED"
    DESTINATION_IS_ORIGIN = "DESTINATION_IS_ORIGIN"
    SPECIAL_NOT_POSSIBLE = "SPECIAL_NOT_POSSIBLE"
    SPECIAL_MUST_BE_GIVEN_UP = "SPECIAL_MUST_BE_GIVEN_UP"
    NO_MOVE_OUT = "NO_MOVE_OUT"
    MOVE_TAKEN_ELSEWHERE = "MOVE_TAKEN_ELSEWHERE"
    MOVE_ALREADY_COMPLETED = "MOVE_ALREADY_COMPLETED"
    MOVE_WITHDRAWN = "MOVE_WITHDRAWN"
    SPECIAL_LAPSED = "SPECIAL_LAPSED"
    DEADLINE_14 = "DEADLINE_14"
    DEADLINE_30 = "DEADLINE_30"
    TRANSFER_NOT_FOUND = "TRANSFER_NOT_FOUND"
    TRANSFER_OUTDATED = "TRANSFER_OUTDATED"
    CERTIFICATE_NOT_FOUND = "CERTIFICATE_NOT_FOUND"
    LATE_REASON_REQUIRED = "LATE_REASON_REQUIRED"
    NOT_OF_THE_MOVE = "NOT_OF_THE_MOVE"
    CARD_HOLDER_NOT_MOVING = "CARD_HOLDER_NOT_MOVING"
    CARD_NOT_OF_THE_MOVE = "CARD_NOT_OF_THE_MOVE"
    NO_CORRECTION = "NO_CORRECTION"
    CARD_NOT_CONTINUED = "CARD_NOT_CONTINUED"
    CARD_NOT_AWAITING = "CARD_NOT_AWAITING"
    CONTINUATION_OVER = "CONTINUATION_OVER"
    BACK_NOT_WRITTEN = "BACK_NOT_WRITTEN"
    AGENT_NO_CONTINUATION = "AGENT_NO_CONTINUATION"
    ALERT_NOT_FOUND = "ALERT_NOT_FOUND"

    # The log itself, and what is shown of it.
    LOG_UNAVAILABLE = "LOG_UNAVAILABLE"
    RECEIPT_MISSING = "RECEIPT_MISSING"
    RECEIPT_INVALID = "RECEIPT_INVALID"
    LOG_NOT_SIGNED = "LOG_NOT_SIGNED"
    LOG_SHORTER = "LOG_SHORTER"
    DISCLOSURE_NOT_OWN = "DISCLOSURE_NOT_OWN"
    PROVISIONS_CONTRADICTED = "PROVISIONS_CONTRADICTED"
    LOG_SHRANK = "LOG_SHRANK"
    LOG_FORKED = "LOG_FORKED"
    LOG_NOT_TRUSTED = "LOG_NOT_TRUSTED"

    # Clerks and approvals.
    CLERK_SIGN_IN_REQUIRED = "CLERK_SIGN_IN_REQUIRED"
    CLERK_RIGHT_MISSING = "CLERK_RIGHT_MISSING"
    CLERK_STOPPED = "CLERK_STOPPED"
    CLERK_UNKNOWN = "CLERK_UNKNOWN"
    SIGN_IN_STOPPED = "SIGN_IN_STOPPED"
    APPROVAL_REQUIRED = "APPROVAL_REQUIRED"
    APPROVAL_NOT_FOUND = "APPROVAL_NOT_FOUND"
    APPROVAL_EXPIRED = "APPROVAL_EXPIRED"
    APPROVAL_PENDING = "APPROVAL_PENDING"
    APPROVAL_NOT_OF_THE_ACT = "APPROVAL_NOT_OF_THE_ACT"
    APPROVAL_USED = "APPROVAL_USED"
    ANOTHER_PERSON_REQUIRED = "ANOTHER_PERSON_REQUIRED"

    # Terminals and their certificates.
    ENROLMENT_TOKEN_UNKNOWN = "ENROLMENT_TOKEN_UNKNOWN"
    ENROLMENT_TOKEN_EXPIRED = "ENROLMENT_TOKEN_EXPIRED"
    ENROLMENT_TOKEN_USED = "ENROLMENT_TOKEN_USED"
    ENROLMENT_TOKEN_REVOKED = "ENROLMENT_TOKEN_REVOKED"
    CERTIFICATE_REQUEST_INVALID = "CERTIFICATE_REQUEST_INVALID"
    ENROLMENT_MUNICIPALITY_NOT_VALID = "ENROLMENT_MUNICIPALITY_NOT_VALID"
    CERTIFICATE_RETIRED = "CERTIFICATE_RETIRED"
    CERTIFICATE_NOT_CONFIRMED = "CERTIFICATE_NOT_CONFIRMED"
    ISSUING_NOT_CONFIGURED = "ISSUING_NOT_CONFIGURED"
    RECOVERY_REFUSED = "RECOVERY_REFUSED"
    RECOVERY_GRACE_OVER = "RECOVERY_GRACE_OVER"
    CERTIFICATE_NOT_EXPIRED = "CERTIFICATE_NOT_EXPIRED"
    RECOVERY_NOT_FOUND = "RECOVERY_NOT_FOUND"
    DESCRIPTIONS_UNAVAILABLE = "DESCRIPTIONS_UNAVAILABLE"
    CENTER_NOT_TRUSTED = "CENTER_NOT_TRUSTED"

    # Revocations and disconnections.
    DISCONNECTED_TERMINAL = "DISCONNECTED_TERMINAL"
    DISCONNECTED_MUNICIPALITY = "DISCONNECTED_MUNICIPALITY"
    DISCONNECTED_AGENCY = "DISCONNECTED_AGENCY"
    DISCONNECTED_FUNCTION = "DISCONNECTED_FUNCTION"
    DISCONNECTED_CENTER = "DISCONNECTED_CENTER"
    NOT_DISCONNECTED = "NOT_DISCONNECTED"
    NOT_QUARANTINED = "NOT_QUARANTINED"
    REGISTER_INCONSISTENT = "REGISTER_INCONSISTENT"
    CERTIFICATE_REVOKED = "CERTIFICATE_REVOKED"
    WATCH_REPLACED = "WATCH_REPLACED"
    WATCH_TOO_SLOW = "WATCH_TOO_SLOW"
    HOTLIST_TOO_OLD = "HOTLIST_TOO_OLD"
    HOTLIST_NOT_TRUSTED = "HOTLIST_NOT_TRUSTED"

    # Alerts and operations.

    # Cards, clerks and approvals, continued.
    DISCONNECTED_CARD_BATCH = "DISCONNECTED_CARD_BATCH"

    # What waits in order for a cut-off register.
    NOTICE_QUEUE_FULL = "NOTICE_QUEUE_FULL"
    NOTICE_NOT_FOUND = "NOTICE_NOT_FOUND"

    # Witnesses of the log.
    WITNESS_UNKNOWN = "WITNESS_UNKNOWN"
    COSIGNATURE_INVALID = "COSIGNATURE_INVALID"
    COSIGNATURE_OLD = "COSIGNATURE_OLD"
    COSIGNED_HEAD_OTHER = "COSIGNED_HEAD_OTHER"
    LOG_NOT_COSIGNED = "LOG_NOT_COSIGNED"

    # Certificates and the enrolment listener, continued.
    REQUEST_TOO_SLOW = "REQUEST_TOO_SLOW"


class CenterError(Exception):
    """Base of everything that the center raises on purpose."""


class Refusal(CenterError):
    """A rule forbids the act, or the center cannot do it now.

    `metadata` holds facts about the request, with the keys that the reason's comment lists; never
    a personal datum, never a value of the register.
    """

    def __init__(self, reason: Reason, **metadata: str) -> None:
        super().__init__(str(reason))
        self.reason = reason
        self.metadata = metadata


class Delayed(Refusal):
    """A refusal that says itself when to come back, in `seconds`."""

    def __init__(self, reason: Reason, seconds: float, **metadata: str) -> None:
        super().__init__(reason, **metadata)
        self.seconds = seconds


class StoreUnusable(Refusal):
    """The store's file cannot be opened; `problem` says which file, and what SQLite or the system
    calls the trouble."""

    def __init__(self, problem: str) -> None:
        super().__init__(Reason.STORE_UNAVAILABLE)
        self.problem = problem


class LogBroken(StoreUnusable):
    """The store's audit log does not hold; `problem` names the row that was altered, removed or
    reordered."""


class RuleBroken(CenterError, ValueError):
    """A value breaks the rule of its type. `rule` names the rule and never echoes the value.

    `field` is the part of a record that breaks it, by the proto's name; empty for a plain value.
    """

    def __init__(self, rule: str, field: str = "") -> None:
        super().__init__(f"{field}: {rule}" if field else rule)
        self.rule = rule
        self.field = field


class NotAllowed(CenterError):
    """An event cannot happen in a state; no transition table has the pair."""

    def __init__(self, state: str, event: str) -> None:
        super().__init__(f"{event} cannot happen in state {state}")
        self.state = state
        self.event = event


class ConfigInvalid(CenterError):
    """A key of the configuration is unknown, missing or of the wrong kind; `key` names it."""

    def __init__(self, key: str, problem: str) -> None:
        super().__init__(f"{key}: {problem}")
        self.key = key
        self.problem = problem


class RotationBlocked(CenterError):
    """A key cannot be replaced: what it protects of these municipalities cannot be opened."""

    def __init__(self, target: str, municipalities: tuple[str, ...]) -> None:
        super().__init__(f"{target}: disconnected: {', '.join(municipalities)}")
        self.target = target
        self.municipalities = municipalities


class KeyUnusable(CenterError):
    """A key file is missing, readable by others, or does not open what it should."""


class SignatureRefused(CenterError):
    """A copy's signature does not count."""


class NotSignedContent(SignatureRefused):
    """The bytes are no COSE_Sign1 of a copy."""


class SignerUnknown(SignatureRefused):
    """The key id belongs to no signer that is known here."""


class SignatureInvalid(SignatureRefused):
    """The content is not what the named signer signed."""
