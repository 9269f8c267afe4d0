"""Answers about moves between the areas and the wire."""

from __future__ import annotations

from typing import TYPE_CHECKING

from juki_center.areas.days import day_in_japan
from juki_center.areas.moves.states import MemberState
from juki_center.areas.residents.era_days import civil_day
from juki_center.rpc import fields
from juki_center.rpc.cards_translation import card_message
from juki_center.rpc.civil_dates import civil_date_message
from juki_center.rpc.records_translation import entries_message, record_message
from jukinet.moves.v1 import move_pb2 as records
from jukinet.moves.v1 import move_service_pb2 as pb

if TYPE_CHECKING:
    from datetime import date, datetime

    from juki_center.areas.moves import answers
    from juki_center.areas.moves.rows import Move, MoveAlert
    from juki_center.areas.moves.waiting_rows import NoticeSent

_MOVE = records.Move
_PAPER = records.MovingOutCertificate
_ALERT = records.MoveAlert
_NOTICE = records.MoveNotice
_FILED = pb.FileMoveOutResponse


def move_message(move: Move) -> records.Move:
    """Translate a move."""
    message = _MOVE(
        number=move.number,
        origin_code=str(move.origin),
        planned_destination_code=_text(move.destination),
        kind=_MOVE.Kind.Value(fields.proto_name(move.kind, _MOVE.Kind.DESCRIPTOR)),
        state=_MOVE.State.Value(fields.proto_name(move.state, _MOVE.State.DESCRIPTOR)),
        notice_version=move.version,
        planned_date=move.planned_on.isoformat(),
        notice_date=move.notified_on.isoformat(),
        last_day=_day(move.last_day),
        member_count=len(move.members),
        moved_count=sum(one.state is MemberState.MOVED for one in move.members),
        destination_code=_destination(move),
        moved_date=_day(move.moved_on),
        certificate_count=move.certificates,
        registered_late=move.registered_late,
    )
    message.file_time.FromDatetime(move.filed_at)
    if move.ended_at is not None:
        message.end_time.FromDatetime(move.ended_at)
    return message


def _destination(move: Move) -> str:
    if move.arrived_in is not None:
        return str(move.arrived_in)
    return "" if move.transfer is None else str(move.transfer.municipality)


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _day(day: date | None) -> str:
    return "" if day is None else day.isoformat()


def filed_message(answer: answers.MoveFiled) -> pb.FileMoveOutResponse:
    """Translate the answer to a notice."""
    refusals = _FILED.SpecialRefusal
    why = answer.refused_because
    return _FILED(
        move=move_message(answer.move),
        special_refused_because=refusals.SPECIAL_REFUSAL_UNSPECIFIED
        if why is None
        else refusals.Value(fields.proto_name(why, refusals.DESCRIPTOR)),
        certificate=_certificate(answer.certificate),
        household_needs_head=answer.household_needs_head,
    )


def changed_message(answer: answers.MoveChanged) -> pb.ChangeMoveOutResponse:
    """Translate the answer to a changed notice."""
    return pb.ChangeMoveOutResponse(
        move=move_message(answer.move), certificate=_certificate(answer.certificate)
    )


def cancelled_message(answer: answers.MoveCancelled) -> pb.CancelMoveOutResponse:
    """Translate the answer to a withdrawal."""
    return pb.CancelMoveOutResponse(move=move_message(answer.move), restored_count=answer.restored)


def issued_message(answer: answers.MoveChanged) -> pb.IssueMovingOutCertificateResponse:
    """Translate the answer to a request for a paper."""
    return pb.IssueMovingOutCertificateResponse(
        move=move_message(answer.move), certificate=_certificate(answer.certificate)
    )


def _certificate(paper: answers.Certificate | None) -> records.MovingOutCertificate | None:
    if paper is None:
        return None
    documents = _PAPER.Document
    return _PAPER(
        move_number=paper.number,
        verification_code=paper.code.digits,
        count=paper.count,
        document=documents.Value(fields.proto_name(paper.document, documents.DESCRIPTOR)),
        origin_name=paper.origin_name,
        destination_name=paper.destination_name,
        destination_address=paper.destination_address,
        planned_date=paper.planned_on.isoformat(),
        notice_date=paper.notified_on.isoformat(),
        issue_date=paper.issued_on.isoformat(),
        persons=map(_person, paper.persons),
    )


def _person(one: answers.MovingPerson) -> records.MovingPerson:
    return records.MovingPerson(
        code=one.record.code.digits,
        version=one.version,
        entries=entries_message(one.record),
        returns=one.returns,
        is_protected=one.record.measure is not None,
    )


def fetched_message(answer: answers.TransferFetched) -> pb.FetchTransferInformationResponse:
    """Translate a move's information."""
    return pb.FetchTransferInformationResponse(
        information=records.TransferInformation(
            move=move_message(answer.move),
            origin_name=answer.origin_name,
            destination_address=answer.destination_address,
            persons=map(_person, answer.persons),
        ),
        transfer_id=answer.transfer_id,
        last_day=_day(answer.last_day),
    )


def moved_in_message(answer: answers.MovedIn, now: datetime) -> pb.RegisterMoveInResponse:
    """Translate the answer to a move in."""
    return pb.RegisterMoveInResponse(
        move=move_message(answer.move),
        registered=[_registered(one, now) for one in answer.registered],
        alerts=map(alert_message, answer.alerts),
        household_needs_head=answer.household_needs_head,
    )


def moved_within_message(
    answer: answers.MovedWithin, now: datetime
) -> pb.RegisterMoveWithinResponse:
    """Translate the answer to a move within."""
    return pb.RegisterMoveWithinResponse(
        registered=[_registered(one, now) for one in answer.registered],
        household_needs_head=answer.household_needs_head,
        registered_late=answer.registered_late,
    )


def _registered(one: answers.Registered, now: datetime) -> records.Registered:
    return records.Registered(
        record=record_message(one.record, now),
        lapsed_card_count=one.lapsed_cards,
        continue_until=_day(one.continue_until),
        card_face_count=one.card_faces,
    )


def accepted_message(
    answer: answers.CorrectionAccepted, now: datetime
) -> pb.AcceptCorrectionResponse:
    """Translate the answer to an entered correction."""
    return pb.AcceptCorrectionResponse(record=record_message(answer.record, now))


def continued_message(answer: answers.CardContinued, now: datetime) -> pb.ContinueCardResponse:
    """Translate the answer to a continued card."""
    return pb.ContinueCardResponse(card=card_message(answer.card, now))


def read_message(answer: answers.MoveRead) -> pb.GetMoveResponse:
    """Translate a move with what only the caller's side of it is told."""
    return pb.GetMoveResponse(
        move=move_message(answer.move),
        codes=[code.digits for code in answer.codes],
        reissue_certificate=answer.reissue_certificate,
        corrections=map(_correction, answer.corrections),
        notices=map(_notice, answer.notices),
    )


def _notice(sent: NoticeSent) -> records.MoveNotice:
    message = records.MoveNotice(
        receiver_code=str(sent.municipality),
        kind=_ALERT.Kind.Value(fields.proto_name(sent.kind, _ALERT.Kind.DESCRIPTOR)),
        state=_NOTICE.State.Value(fields.proto_name(sent.fate, _NOTICE.State.DESCRIPTOR)),
    )
    message.send_time.FromDatetime(sent.at)
    if sent.ended_at is not None:
        message.end_time.FromDatetime(sent.ended_at)
    return message


def _correction(waiting: answers.WaitingCorrection) -> records.Correction:
    message = records.Correction(
        code=waiting.record.code.digits,
        entries=entries_message(waiting.record),
        correction_date=civil_date_message(civil_day(day_in_japan(waiting.sent_at))),
    )
    message.send_time.FromDatetime(waiting.sent_at)
    return message


def page_message(page: answers.MovePage) -> pb.ListMovesResponse:
    """Translate a page of moves."""
    return pb.ListMovesResponse(
        moves=map(move_message, page.moves), next_page_token=page.next_page_token
    )


def missing_message(page: answers.MovePage) -> pb.ListMissingArrivalsResponse:
    """Translate a page of missing arrivals."""
    return pb.ListMissingArrivalsResponse(
        moves=map(move_message, page.moves), next_page_token=page.next_page_token
    )


def alerts_message(page: answers.AlertPage) -> pb.ListMoveAlertsResponse:
    """Translate a page of alerts."""
    return pb.ListMoveAlertsResponse(
        alerts=map(alert_message, page.alerts), next_page_token=page.next_page_token
    )


def alert_message(alert: MoveAlert) -> records.MoveAlert:
    """Translate an alert."""
    message = _ALERT(
        alert_id=alert.alert_id.hex(),
        move_number=alert.number,
        kind=_ALERT.Kind.Value(fields.proto_name(alert.kind, _ALERT.Kind.DESCRIPTOR)),
    )
    message.time.FromDatetime(alert.at)
    if alert.seen_at is not None:
        message.acknowledge_time.FromDatetime(alert.seen_at)
    return message
