"""Disclosures to the holder of the card that was just read: own information, provision log."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from jukinet.disclosure.v1 import disclosure_service_pb2 as pb

if TYPE_CHECKING:
    from juki_terminal.channel import Center


@dataclass(frozen=True, slots=True)
class Asked:
    """The session of the holder's card, and the code on the form; empty for consent."""

    session_id: bytes
    resident_code: str = field(default="", repr=False)


def own_information(center: Center, asked: Asked) -> pb.GetOwnInformationResponse:
    """Return what the register holds of the holder; raise Problem with the center's reason."""
    request = pb.GetOwnInformationRequest(
        request_id=str(uuid.uuid4()),
        card_session_id=asked.session_id,
        resident_code=asked.resident_code,
    )
    return center.call(center.disclosures.GetOwnInformation, request)


def provisions(center: Center, asked: Asked) -> pb.ListProvisionsResponse:
    """Return all pages of the provision log as one; raise Problem with the center's reason."""
    request = pb.ListProvisionsRequest(
        request_id=str(uuid.uuid4()),
        card_session_id=asked.session_id,
        resident_code=asked.resident_code,
    )
    ask = center.disclosures.ListProvisions
    # All pages are one act, whose leaf is older than what the first page has shown of the log.
    seen = center.seen_tree_size
    whole: pb.ListProvisionsResponse = center.call(ask, request)
    token = whole.next_page_token
    while token:
        request.page_token = token
        page: pb.ListProvisionsResponse = center.call(ask, request, seen=seen)
        whole.provisions.extend(page.provisions)
        token = page.next_page_token
    whole.next_page_token = ""
    return whole
