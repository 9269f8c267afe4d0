"""Applications for a card at the terminal of the residence: questions, and changes made once.

Document numbers become salted hashes here; the salts follow from the request id, so that a request
that is repeated after a cut is the same in every byte. What a clerk types and reads is in `cli`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from juki_client.changes import Answered, carry_out
from juki_terminal.calls import Call, Service
from juki_terminal.identity_documents import identity_documents
from jukinet.cards.v1 import card_application_service_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from google.protobuf.message import Message

    from juki_client.changes import Changes
    from juki_terminal.channel import Center
    from juki_terminal.identity_documents import SeenDocument

_APPLICATIONS: Final = Service.APPLICATIONS
CALLS: Final[Mapping[str, Call]] = {
    "submit": Call(_APPLICATIONS, pb.SubmitApplicationRequest, "SubmitApplication"),
    "reply": Call(_APPLICATIONS, pb.RecordInquiryReplyRequest, "RecordInquiryReply"),
    "end": Call(_APPLICATIONS, pb.RejectApplicationRequest, "RejectApplication"),
}
"""The commands that change, by the word that a clerk types."""


def change(
    center: Center,
    changes: Changes,
    command: str,
    request: Message,
    seen: Sequence[SeenDocument] = (),
) -> Answered:
    """Carry out a command of CALLS; `request` comes without a request id and without documents.

    Where an earlier run of the command for this application has no known outcome, its request id
    is sent again. Raises Problem as `carry_out` does.
    """
    attempt = changes.begin(command, subject_of(request))
    documents = identity_documents(seen, attempt.request_id)
    match request:
        case pb.SubmitApplicationRequest():
            request.form.ClearField("documents")
            request.form.documents.extend(documents)
        case pb.RecordInquiryReplyRequest():
            request.ClearField("documents")
            request.documents.extend(documents)
        case _:
            pass
    return carry_out(changes, attempt, CALLS[command].of(center), request)


def subject_of(request: Message) -> str:
    """Return the application that a request names; empty for one that makes it."""
    if isinstance(request, pb.RecordInquiryReplyRequest | pb.RejectApplicationRequest):
        return request.application_number
    return ""


def application(center: Center, request: pb.GetApplicationRequest) -> pb.GetApplicationResponse:
    """Ask for an application; raise Problem with the center's reason."""
    return center.call(center.applications.GetApplication, request)


def pages(
    center: Center, request: pb.ListApplicationsRequest
) -> Iterator[pb.ListApplicationsResponse]:
    """Ask for all pages, one after the other; raise Problem with the center's reason."""
    asked = pb.ListApplicationsRequest()
    asked.CopyFrom(request)
    while True:
        page = center.call(center.applications.ListApplications, asked)
        yield page
        if not page.next_page_token:
            return
        asked.page_token = page.next_page_token
