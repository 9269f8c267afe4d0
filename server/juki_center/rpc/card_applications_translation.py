"""Applications for a card between the wire and the areas: protos in, commands out, and back.

Every field is checked here, once. What a window may do with an application is decided by the acts;
the picture of a photo is looked at in `photos`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from juki_center.areas.cards import application_commands as commands
from juki_center.areas.cards.application_rows import ApplicationState, EndReason, Place
from juki_center.areas.cards.numbers import ApplicationNumber, LetterNumber
from juki_center.areas.cards.register import CardStyle
from juki_center.areas.cards.suspensions import LossReason
from juki_center.rpc import fields
from juki_center.rpc.evidence_translation import documents, representative
from juki_center.rpc.records_translation import resident_code
from jukinet.cards.v1 import card_application_pb2 as records
from jukinet.cards.v1 import card_application_service_pb2 as pb
from jukinet.cards.v1 import card_service_pb2

if TYPE_CHECKING:
    from typing import TypeAlias

    from juki_center.areas.callers import Terminal
    from juki_center.areas.cards.application_rows import Application

    Named: TypeAlias = (
        pb.SubmitApplicationRequest
        | pb.RecordInquiryReplyRequest
        | pb.RejectApplicationRequest
        | pb.GetApplicationRequest
        | pb.ListApplicationsRequest
        | card_service_pb2.ReissueCardRequest
    )

_CLERK_NAME: Final = 60
_PAGE: Final = 100
_PAGE_TOKEN: Final = 200
_STATES: Final = 6
_REPORT: Final = 40
# The proto's names of styles begin with a part of the enumeration's own name.
_STYLES: Final = {
    records.CARD_STYLE_1: CardStyle.STYLE_1,
    records.CARD_STYLE_2: CardStyle.STYLE_2,
}
_STYLE_VALUES: Final = {style: value for value, style in _STYLES.items()}


def submit_application(
    request: pb.SubmitApplicationRequest, sender: Terminal
) -> commands.SubmitApplication:
    """Check and translate an application; the photo as it was sent."""
    fields.present(request, "form", "form")
    return commands.SubmitApplication(
        terminal=sender,
        request_id=fields.uuid4("request_id", request.request_id),
        clerk_name=_clerk(request),
        form=application_form("form", request.form),
    )


def application_form(path: str, form: records.ApplicationForm) -> commands.ApplicationForm:
    """Check and translate a form; the photo as it was sent."""
    if form.style not in _STYLES:
        raise fields.invalid(f"{path}.style", "UNKNOWN_VALUE" if form.style else "REQUIRED")
    style = _STYLES[form.style]
    # What a card does not show is not kept either.
    if style is CardStyle.STYLE_1 and (form.photo or form.photo_taken_on):
        raise fields.invalid(f"{path}.photo", "NOT_FOR_STYLE_1")
    places = records.ApplicationForm.Place.DESCRIPTOR
    taken_on = form.photo_taken_on
    return commands.ApplicationForm(
        code=resident_code(f"{path}.code", form.code),
        style=style,
        place=fields.choice(f"{path}.place", form.place, places, Place),
        photo=form.photo or None,
        photo_taken_on=fields.day(f"{path}.photo_taken_on", taken_on) if taken_on else None,
        documents=documents(f"{path}.documents", form.documents),
        representative=representative(f"{path}.representative", form.representative)
        if form.HasField("representative")
        else None,
        lapsed_card=_lapsed_card(f"{path}.lapsed_card", form),
    )


def reissue_card(
    request: card_service_pb2.ReissueCardRequest, sender: Terminal
) -> commands.ReissueCard:
    """Check and translate an application in place of a card; the photo as it was sent."""
    fields.present(request, "form", "form")
    return commands.ReissueCard(
        terminal=sender,
        request_id=fields.uuid4("request_id", request.request_id),
        clerk_name=_clerk(request),
        form=application_form("form", request.form),
        old_card=_old_card(request),
    )


def _old_card(
    request: card_service_pb2.ReissueCardRequest,
) -> commands.Lost | commands.HandedIn:
    match request.WhichOneof("old_card"):
        case "lost":
            reasons = card_service_pb2.SuspendCardRequest.Reason.DESCRIPTOR
            report = request.lost.police_report
            return commands.Lost(
                fields.choice("lost.reason", request.lost.reason, reasons, LossReason),
                fields.text("lost.police_report", report, longest=_REPORT, may_be_empty=True),
            )
        case "card_session_id":
            session_id = fields.octets("card_session_id", request.card_session_id, size=16)
            return commands.HandedIn(session_id)
        case _:
            raise fields.invalid("old_card", "REQUIRED")


def record_reply(request: pb.RecordInquiryReplyRequest, sender: Terminal) -> commands.RecordReply:
    """Check and translate a reply."""
    with fields.field("letter_number"):
        letter = LetterNumber(request.letter_number)
    return commands.RecordReply(
        terminal=sender,
        request_id=fields.uuid4("request_id", request.request_id),
        clerk_name=_clerk(request),
        application=_number(request.application_number),
        letter=letter,
        brought_by_applicant=request.brought_by_applicant,
        documents=documents("documents", request.documents),
        oral_questions_answered=request.oral_questions_answered,
    )


def reject_application(
    request: pb.RejectApplicationRequest, sender: Terminal
) -> commands.RejectApplication:
    """Check and translate the end of an application."""
    reasons = pb.RejectApplicationRequest.EndReason.DESCRIPTOR
    return commands.RejectApplication(
        terminal=sender,
        request_id=fields.uuid4("request_id", request.request_id),
        clerk_name=_clerk(request),
        application=_number(request.application_number),
        reason=fields.choice("reason", request.reason, reasons, EndReason),
    )


def get_application(request: pb.GetApplicationRequest, sender: Terminal) -> commands.GetApplication:
    """Check and translate a question for an application."""
    return commands.GetApplication(
        terminal=sender,
        clerk_name=_clerk(request),
        application=_number(request.application_number),
        with_letter=request.with_letter,
    )


def list_applications(
    request: pb.ListApplicationsRequest, sender: Terminal
) -> commands.ListApplications:
    """Check and translate a question for a page."""
    fields.number("states", len(request.states), least=0, most=_STATES)
    states = records.ApplicationState.DESCRIPTOR
    return commands.ListApplications(
        terminal=sender,
        clerk_name=_clerk(request),
        states=tuple(
            fields.choice(f"states[{index}]", value, states, ApplicationState)
            for index, value in enumerate(request.states)
        ),
        page_size=fields.number("page_size", request.page_size, least=0, most=_PAGE),
        page_token=fields.text(
            "page_token", request.page_token, longest=_PAGE_TOKEN, may_be_empty=True
        ),
    )


def application_message(one: Application) -> records.Application:
    """Translate an application."""
    states = records.ApplicationState.DESCRIPTOR
    kinds = records.ApplicationKind.DESCRIPTOR
    message = records.Application(
        number=one.number,
        state=records.ApplicationState.Value(fields.proto_name(one.state, states)),
        kind=records.ApplicationKind.Value(fields.proto_name(one.kind, kinds)),
        style=_STYLE_VALUES[one.style],
        reply_until="" if one.reply_until is None else one.reply_until.isoformat(),
        end_reason=one.end_reason or "",
        card_number=one.card_number or "",
    )
    message.submit_time.FromDatetime(one.submitted_at)
    return message


def letter_message(letter: commands.InquiryLetter | None) -> records.InquiryLetter | None:
    """Translate a letter; None leaves its field absent."""
    if letter is None:
        return None
    return records.InquiryLetter(
        number=letter.number,
        name=letter.addressee.name,
        address=letter.addressee.address,
        sent_on=letter.sent_on.isoformat(),
        reply_until=letter.reply_until.isoformat(),
        registered_mail=letter.registered_mail,
        document_required=letter.document_required,
        municipality_name=letter.municipality_name,
    )


def notice_message(notice: commands.IssueNotice | None) -> records.IssueNotice | None:
    """Translate a notice; None leaves its field absent."""
    if notice is None:
        return None
    return records.IssueNotice(
        name=notice.addressee.name,
        address=notice.addressee.address,
        sent_on=notice.sent_on.isoformat(),
        municipality_name=notice.municipality_name,
    )


def page_message(page: commands.ApplicationPage) -> pb.ListApplicationsResponse:
    """Translate a page."""
    return pb.ListApplicationsResponse(
        applications=[application_message(one) for one in page.applications],
        next_page_token=page.next_page_token,
    )


def _lapsed_card(path: str, form: records.ApplicationForm) -> commands.LapsedCard | None:
    if not form.lapsed_card:
        return None
    answers = records.ApplicationForm.LapsedCard.DESCRIPTOR
    return fields.choice(path, form.lapsed_card, answers, commands.LapsedCard)


def _clerk(request: Named) -> str:
    """Return the clerk's name. Absent is for the act to refuse: it has a reason of its own."""
    return fields.text("clerk_name", request.clerk_name, longest=_CLERK_NAME, may_be_empty=True)


def _number(text: str) -> ApplicationNumber:
    with fields.field("application_number"):
        return ApplicationNumber(text)
