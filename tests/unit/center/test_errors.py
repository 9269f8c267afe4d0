"""Reasons and audit events agree with the protos."""

from __future__ import annotations

from juki_center.areas.audit.events import Event
from juki_center.areas.cards.register import Purpose
from juki_center.areas.copies import commands
from juki_center.areas.residents.changes import Item
from juki_center.areas.residents.records import ChangeReason, Nationality, Sex
from juki_center.errors import Reason
from jukinet.agencies.v1 import identity_confirmation_service_pb2 as agencies
from jukinet.approvals.v1 import approval_service_pb2 as approvals
from jukinet.card.v1 import card_session_service_pb2 as card
from jukinet.cards.v1 import card_application_service_pb2 as applications
from jukinet.cards.v1 import card_service_pb2 as cards
from jukinet.copies.v1 import certificate_copy_service_pb2 as copies
from jukinet.disclosure.v1 import disclosure_service_pb2 as disclosures
from jukinet.error.v1 import error_reason_pb2
from jukinet.fleet.v1 import clerk_service_pb2 as clerks
from jukinet.fleet.v1 import enrollment_service_pb2 as enrolment
from jukinet.fleet.v1 import terminal_service_pb2 as terminals
from jukinet.moves.v1 import move_service_pb2 as moves
from jukinet.operations.v1 import center_service_pb2 as operations
from jukinet.options.v1 import options_pb2
from jukinet.residents.v1 import residence_record_pb2 as record
from jukinet.residents.v1 import resident_service_pb2 as residents

# Events that no method is named after: refusals, and acts of operators and of development.
_BESIDE_METHODS = {
    Event.CARD_SESSION_REFUSED,
    Event.CARD_STATUS_CHANGED,
    Event.COPY_REFUSED,
    Event.SAMPLES_LOADED,
    Event.RECORD_REFUSED,
    Event.CODES_STOCKED,
    Event.KEYS_ROTATED,
    Event.AGENCY_CHANGED,
    Event.AGENCY_ALARM,
    Event.CONFIRMATION_REFUSED,
    Event.APPLICATION_REFUSED,
    Event.CARD_MADE,
    Event.DISCLOSURE_REFUSED,
    Event.CARD_ACT_REFUSED,
    Event.CARD_PAPERS_DELETED,
    Event.MOVE_REFUSED,
    Event.MOVE_DAY_ENDED,
    Event.NOTICE_DELIVERED,
    Event.NOTICE_SET_ASIDE,
    Event.NOTICES_RETRIED,
    Event.NOTICE_DROPPED,
    Event.ALERT_RAISED,
    Event.ALERT_SEEN,
    Event.PERSON_TRACED,
    Event.CLERK_CHANGED,
    Event.CLERK_SIGN_IN_REFUSED,
    Event.SIGN_IN_STOPPED,
    Event.ENROLMENT_TOKEN_MADE,
    Event.ENROLMENT_TOKEN_REVOKED,
    Event.ENROLMENT_REFUSED,
    Event.CERTIFICATE_RECOVERED,
    Event.RECOVERY_REFUSED,
}


def test_reasons_are_the_protos_values() -> None:
    names = error_reason_pb2.ErrorReason.keys()

    assert {f"ERROR_REASON_{reason}" for reason in Reason} == set(names[1:])


def test_the_catalogue_of_events_is_what_the_methods_name_and_the_refusals() -> None:
    services = (
        card.DESCRIPTOR.services_by_name["CardSessionService"],
        enrolment.DESCRIPTOR.services_by_name["EnrollmentService"],
        copies.DESCRIPTOR.services_by_name["CertificateCopyService"],
        residents.DESCRIPTOR.services_by_name["ResidentService"],
        agencies.DESCRIPTOR.services_by_name["IdentityConfirmationService"],
        applications.DESCRIPTOR.services_by_name["CardApplicationService"],
        cards.DESCRIPTOR.services_by_name["CardService"],
        moves.DESCRIPTOR.services_by_name["MoveService"],
        disclosures.DESCRIPTOR.services_by_name["DisclosureService"],
        operations.DESCRIPTOR.services_by_name["CenterService"],
        terminals.DESCRIPTOR.services_by_name["TerminalService"],
        clerks.DESCRIPTOR.services_by_name["ClerkService"],
        approvals.DESCRIPTOR.services_by_name["ApprovalService"],
        operations.DESCRIPTOR.services_by_name["CenterService"],
    )
    named = {
        method.GetOptions().Extensions[options_pb2.access].audit_event
        for service in services
        for method in service.methods
    } - {""}

    assert named | _BESIDE_METHODS == set(Event)


def test_the_commands_enumerations_are_the_protos() -> None:
    pairs = [
        (commands.Scope, copies.IssueCopyRequest.Scope, "SCOPE_"),
        (commands.Item, copies.IssueCopyRequest.Item, "ITEM_"),
        (commands.DocumentKind, copies.PhotoIdentification.Kind, "KIND_"),
        (commands.PrintState, copies.PrintState, "PRINT_STATE_"),
        (commands.RecallReason, copies.RecallCopyRequest.RecallReason, "RECALL_REASON_"),
        (commands.Verdict, copies.VerifyCopyResponse.Verdict, "VERDICT_"),
        (Purpose, options_pb2.Purpose, "PURPOSE_"),
        (ChangeReason, record.ChangeReason, "CHANGE_REASON_"),
        (Nationality, record.Entries.Nationality, "NATIONALITY_"),
        (Sex, record.Entries.Sex, "SEX_"),
        (Item, agencies.Item, "ITEM_"),
    ]

    for ours, theirs, prefix in pairs:
        assert [f"{prefix}{value}" for value in ours] == list(theirs.keys())[1:]
