"""Requests of moves as they came from a form or from prompts, made exact before they are sent.

Days may be written as people write them; numbers from papers may have spaces. What is wrong is
named by its field, and never quoted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from juki_client.card_numbers import NumberKind, read_number, read_verification_code
from juki_client.civil_date import exact_day
from juki_client.outcome import Problem
from juki_client.request_form import parse_form
from juki_terminal.municipality_names import read_code
from jukinet.moves.v1 import move_service_pb2 as pb

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from jukinet.moves.v1 import move_pb2

MOVED_DATE = "moved_date"


def move_number(text: str) -> str:
    """Return the number of a move; raise Problem USAGE_INVALID."""
    return read_number(text, NumberKind.MOVE, "move_number")


def name_move(request: Message, number: str) -> None:
    """Put the number of the command in; raise Problem USAGE_INVALID where the form has another."""
    named: str = getattr(request, "move_number", "")
    if named and move_number(named) != number:
        facts = {"field": "move_number", "rule": "the one that the command names"}
        raise Problem("USAGE_INVALID", facts)
    request.move_number = number  # type: ignore[attr-defined]  # those with a number have the field


def parse_move_in(fields: object) -> tuple[pb.RegisterMoveInRequest, str]:
    """Return the request of a form, and the day of a move by card, which stands beside it.

    Raises Problem USAGE_INVALID naming what is wrong.
    """
    plain = dict(cast("dict[str, object]", fields)) if isinstance(fields, dict) else fields
    day = plain.pop(MOVED_DATE, "") if isinstance(plain, dict) else ""
    if not isinstance(day, str):
        raise Problem("USAGE_INVALID", {"field": MOVED_DATE})
    request = parse_form(plain, pb.RegisterMoveInRequest)
    if request.HasField("fetched"):
        raise Problem("USAGE_INVALID", {"field": "fetched", "rule": "made by the program"})
    return request, exact_day(day, MOVED_DATE).isoformat() if day else ""


def make_exact(request: Message) -> None:
    """Make days and numbers exact in their places; raise Problem USAGE_INVALID."""
    match request:
        case pb.FileMoveOutRequest():
            notice = request.notification
            if notice.notice_date:
                notice.notice_date = _day(notice.notice_date, "notification.notice_date")
            _plan(request.plan)
        case pb.ChangeMoveOutRequest():
            _plan(request.plan)
        case pb.RecordArrivalRequest():
            request.destination_code = read_code(request.destination_code, "destination_code")
            request.moved_date = _day(request.moved_date, MOVED_DATE)
        case pb.RegisterMoveWithinRequest():
            request.moved_date = _day(request.moved_date, MOVED_DATE)
        case pb.RegisterMoveInRequest():
            _move_in(request)
        case _:
            pass


def _plan(plan: move_pb2.MovePlan) -> None:
    if plan.WhichOneof("destination") == "destination_code":
        plan.destination_code = read_code(plan.destination_code, "plan.destination_code")
    plan.planned_date = _day(plan.planned_date, "plan.planned_date")


def _move_in(request: pb.RegisterMoveInRequest) -> None:
    cards = [
        read_number(number, NumberKind.CARD, "handed_in_card_numbers")
        for number in request.handed_in_card_numbers
    ]
    del request.handed_in_card_numbers[:]
    request.handed_in_card_numbers.extend(cards)
    if request.HasField("paper"):
        paper = request.paper
        paper.move_number = read_number(paper.move_number, NumberKind.MOVE, "paper.move_number")
        code = read_verification_code(paper.verification_code, "paper.verification_code")
        paper.verification_code = code
        paper.moved_date = _day(paper.moved_date, "paper.moved_date")


def _day(text: str, field: str) -> str:
    return exact_day(text, field).isoformat()
