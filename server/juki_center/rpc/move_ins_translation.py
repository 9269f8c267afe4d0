"""Requests about moves in and within, and what follows them, between the wire and the areas.

Every field is checked here, once. What a window may do with a move is decided by the acts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from juki_center.areas.moves import commands
from juki_center.areas.moves.numbers import VerificationCode
from juki_center.rpc import fields
from juki_center.rpc import moves_fields as of_moves
from juki_center.rpc.cards_translation import card_number
from juki_center.rpc.records_translation import resident_code

if TYPE_CHECKING:
    from collections.abc import Sequence

    from juki_center.areas.callers import Terminal
    from juki_center.areas.cards.numbers import CardNumber
    from juki_center.areas.moves.numbers import MoveNumber
    from jukinet.moves.v1 import move_service_pb2 as pb

_MOST_CARDS: Final = 20


def fetch_transfer(
    request: pb.FetchTransferInformationRequest, sender: Terminal
) -> commands.FetchTransfer:
    """Check and translate a request for a move's information."""
    return commands.FetchTransfer(of_moves.at_window(request, sender), _by(request))


def _by(request: pb.FetchTransferInformationRequest) -> commands.ByCard | MoveNumber:
    match request.WhichOneof("by"):
        case "by_card":
            session = request.by_card.session_id
            return commands.ByCard(
                fields.octets("by_card.session_id", session, size=of_moves.ID_OCTETS),
                fields.day("by_card.moved_date", request.by_card.moved_date),
            )
        case "expected_move_number":
            return of_moves.move_number("expected_move_number", request.expected_move_number)
        case _:
            raise fields.invalid("by", "REQUIRED")


def register_move_in(
    request: pb.RegisterMoveInRequest, sender: Terminal
) -> commands.RegisterMoveIn:
    """Check and translate a move in."""
    ground = _ground(request)
    return commands.RegisterMoveIn(
        at=of_moves.at_window(request, sender),
        ground=ground,
        arrivals=of_moves.arrivals(request.arrivals, by_paper=isinstance(ground, commands.Paper)),
        place=of_moves.place(request),
        handed_in=_handed_in(request.handed_in_card_numbers),
        by_agent=request.by_agent,
    )


def _ground(request: pb.RegisterMoveInRequest) -> commands.Fetched | commands.Paper:
    match request.WhichOneof("ground"):
        case "fetched":
            return _fetched(request.fetched)
        case "paper":
            return _paper(request.paper)
        case _:
            raise fields.invalid("ground", "REQUIRED")


def _fetched(message: pb.RegisterMoveInRequest.FetchedGround) -> commands.Fetched:
    transfer, size = message.transfer_id, of_moves.ID_OCTETS
    return commands.Fetched(
        fields.octets("fetched.transfer_id", transfer, size=size),
        of_moves.version("fetched.notice_version", message.notice_version),
    )


def _paper(message: pb.RegisterMoveInRequest.PaperGround) -> commands.Paper:
    return commands.Paper(
        number=of_moves.move_number("paper.move_number", message.move_number),
        code=_verification_code("paper.verification_code", message.verification_code),
        moved_on=fields.day("paper.moved_date", message.moved_date),
        late_reason=of_moves.late_reason("paper.late_reason", message.late_reason),
    )


def _verification_code(path: str, text: str) -> VerificationCode:
    digits = of_moves.as_read(path, text)
    with fields.field(path):
        return VerificationCode(digits)


def _handed_in(numbers: Sequence[str]) -> tuple[CardNumber, ...]:
    path = "handed_in_card_numbers"
    fields.number(path, len(numbers), least=0, most=_MOST_CARDS)
    found = tuple(card_number(f"{path}[{index}]", number) for index, number in enumerate(numbers))
    if len(set(found)) < len(found):
        raise fields.invalid(path, "TWICE")
    return found


def abandon_move_in(request: pb.AbandonMoveInRequest, sender: Terminal) -> commands.AbandonMoveIn:
    """Check and translate that information is given back."""
    transfer = fields.octets("transfer_id", request.transfer_id, size=of_moves.ID_OCTETS)
    return commands.AbandonMoveIn(of_moves.at_window(request, sender), transfer)


def cancel_move_in(request: pb.CancelMoveInRequest, sender: Terminal) -> commands.CancelMoveIn:
    """Check and translate that a completed move is taken back."""
    return commands.CancelMoveIn(
        at=of_moves.at_window(request, sender),
        number=of_moves.move_number("move_number", request.move_number),
        moved=of_moves.seen_arrivals("moved", request.moved),
    )


def accept_correction(
    request: pb.AcceptCorrectionRequest, sender: Terminal
) -> commands.AcceptCorrection:
    """Check and translate that a correction is entered."""
    return commands.AcceptCorrection(
        at=of_moves.at_window(request, sender),
        number=of_moves.move_number("move_number", request.move_number),
        code=resident_code("code", request.code),
        expected_version=of_moves.version("expected_version", request.expected_version),
    )


def continue_card(request: pb.ContinueCardRequest, sender: Terminal) -> commands.ContinueCard:
    """Check and translate that the use of a card is continued."""
    session = fields.octets("session_id", request.session_id, size=of_moves.ID_OCTETS)
    at = of_moves.at_window(request, sender)
    return commands.ContinueCard(at, session, back_written=request.back_written)


def register_move_within(
    request: pb.RegisterMoveWithinRequest, sender: Terminal
) -> commands.RegisterMoveWithin:
    """Check and translate a move within the municipality."""
    return commands.RegisterMoveWithin(
        at=of_moves.at_window(request, sender),
        movers=_within(request.movers),
        place=of_moves.place(request, same_household=request.same_household),
        moved_on=fields.day("moved_date", request.moved_date),
        same_household=request.same_household,
        late_reason=of_moves.late_reason("late_reason", request.late_reason),
    )


def _within(
    listed: Sequence[pb.RegisterMoveWithinRequest.Within],
) -> tuple[commands.Within, ...]:
    named = of_moves.persons("movers", listed)
    return tuple(
        commands.Within(
            code=code,
            expected_version=of_moves.version(f"{path}.expected_version", one.expected_version),
            relationship=of_moves.required_address(
                f"{path}.relationship_to_householder", one.relationship_to_householder
            ),
            lock_id=of_moves.lock_id(f"{path}.lock_id", one.lock_id),
        )
        for (path, code), one in zip(named, listed, strict=True)
    )
