"""Requests about moves out, and looks at moves, between the wire and the areas.

Every field is checked here, once. What a window may do with a move is decided by the acts.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from juki_center.areas.moves import commands
from juki_center.areas.moves.rows import Channel, Filer, Selection
from juki_center.areas.moves.states import MoveKind
from juki_center.rpc import fields
from juki_center.rpc import moves_fields as of_moves
from juki_center.rpc.records_translation import entries, resident_code
from jukinet.moves.v1 import move_pb2 as records
from jukinet.moves.v1 import move_service_pb2 as pb

if TYPE_CHECKING:
    from typing import TypeAlias

    from juki_center.areas.callers import Terminal

    Paged: TypeAlias = (
        pb.ListMovesRequest | pb.ListMissingArrivalsRequest | pb.ListMoveAlertsRequest
    )

_PAGE_DEFAULT: Final = 50
_PAGE_MOST: Final = 200
_PAGE_TOKEN: Final = 200
_ALERT_ID: Final = re.compile(f"[0-9a-f]{{{2 * of_moves.ID_OCTETS}}}")


def file_move_out(request: pb.FileMoveOutRequest, sender: Terminal) -> commands.FileMoveOut:
    """Check and translate a move-out notice."""
    fields.present(request, "notification", "notification")
    return commands.FileMoveOut(
        at=of_moves.at_window(request, sender),
        kind=fields.choice("kind", request.kind, records.Move.Kind.DESCRIPTOR, MoveKind),
        notification=_notification(request.notification),
        plan=of_moves.plan(request),
        movers=of_moves.movers(request.movers),
    )


def _notification(message: records.Notification) -> commands.Notification:
    channels, filers = message.Channel.DESCRIPTOR, message.Filer.DESCRIPTOR
    return commands.Notification(
        channel=fields.choice("notification.channel", message.channel, channels, Channel),
        filer=fields.choice("notification.filer", message.filer, filers, Filer),
        notified_on=of_moves.optional_day("notification.notice_date", message.notice_date),
    )


def change_move_out(request: pb.ChangeMoveOutRequest, sender: Terminal) -> commands.ChangeMoveOut:
    """Check and translate a notice as it is to stand."""
    return commands.ChangeMoveOut(
        at=of_moves.at_window(request, sender),
        number=of_moves.move_number("move_number", request.move_number),
        expected_version=of_moves.version("expected_version", request.expected_version),
        plan=of_moves.plan(request),
        movers=of_moves.movers(request.movers),
    )


def cancel_move_out(request: pb.CancelMoveOutRequest, sender: Terminal) -> commands.CancelMoveOut:
    """Check and translate a withdrawal."""
    return commands.CancelMoveOut(
        at=of_moves.at_window(request, sender),
        number=of_moves.move_number("move_number", request.move_number),
    )


def issue_certificate(
    request: pb.IssueMovingOutCertificateRequest, sender: Terminal
) -> commands.IssueCertificate:
    """Check and translate a request for a paper."""
    return commands.IssueCertificate(
        at=of_moves.at_window(request, sender),
        number=of_moves.move_number("move_number", request.move_number),
        give_up_special=request.give_up_special,
    )


def correct_move_out(
    request: pb.CorrectMoveOutRequest, sender: Terminal
) -> commands.CorrectMoveOut:
    """Check and translate corrected entries."""
    fields.present(request, "entries", "entries")
    return commands.CorrectMoveOut(
        at=of_moves.at_window(request, sender),
        number=of_moves.move_number("move_number", request.move_number),
        code=resident_code("code", request.code),
        entries=entries("entries", request.entries),
    )


def record_arrival(request: pb.RecordArrivalRequest, sender: Terminal) -> commands.RecordArrival:
    """Check and translate an arrival notice that came another way."""
    return commands.RecordArrival(
        at=of_moves.at_window(request, sender),
        number=of_moves.move_number("move_number", request.move_number),
        destination=of_moves.municipality("destination_code", request.destination_code),
        moved_on=fields.day("moved_date", request.moved_date),
    )


def get_move(request: pb.GetMoveRequest, sender: Terminal) -> commands.GetMove:
    """Check and translate a question for a move."""
    return commands.GetMove(
        by=of_moves.look(request, sender),
        number=of_moves.move_number("move_number", request.move_number),
    )


def list_moves(request: pb.ListMovesRequest, sender: Terminal) -> commands.ListMoves:
    """Check and translate a question for a page of moves."""
    selections = pb.ListMovesRequest.Selection.DESCRIPTOR
    return commands.ListMoves(
        by=of_moves.look(request, sender),
        selection=fields.choice("selection", request.selection, selections, Selection),
        page_size=_page_size(request),
        page_token=_page_token(request),
    )


def list_missing(request: pb.ListMissingArrivalsRequest, sender: Terminal) -> commands.ListMoves:
    """Check and translate a question for a page of missing arrivals."""
    return commands.ListMoves(
        by=of_moves.look(request, sender),
        selection=Selection.MISSING,
        page_size=_page_size(request),
        page_token=_page_token(request),
    )


def list_alerts(request: pb.ListMoveAlertsRequest, sender: Terminal) -> commands.ListAlerts:
    """Check and translate a question for a page of alerts."""
    return commands.ListAlerts(
        by=of_moves.look(request, sender),
        with_seen=request.with_acknowledged,
        page_size=_page_size(request),
        page_token=_page_token(request),
    )


def see_alert(request: pb.AcknowledgeMoveAlertRequest, sender: Terminal) -> commands.SeeAlert:
    """Check and translate that a clerk has seen an alert."""
    if not _ALERT_ID.fullmatch(request.alert_id):
        raise fields.invalid("alert_id", "UNKNOWN" if request.alert_id else "REQUIRED")
    return commands.SeeAlert(of_moves.look(request, sender), bytes.fromhex(request.alert_id))


def _page_size(request: Paged) -> int:
    size = fields.number("page_size", request.page_size, least=0, most=_PAGE_MOST)
    return size or _PAGE_DEFAULT


def _page_token(request: Paged) -> str:
    return fields.text("page_token", request.page_token, longest=_PAGE_TOKEN, may_be_empty=True)
