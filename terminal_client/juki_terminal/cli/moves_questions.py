"""What a clerk is asked for where no file is given; one function for each kind of notice.

Days are typed as people write them, and leave as the calendar has them. Persons who move out or
within are chosen from their household, whose records give the versions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from juki_client.card_numbers import NumberKind, read_number
from juki_client.civil_date import exact_day
from juki_terminal.cli.moves_texts import Text
from juki_terminal.cli.moves_words import CHANNELS, FILERS, words_in
from juki_terminal.cli.prompts import ask, ask_choice, ask_or_keep, ask_yes_or_no
from juki_terminal.municipality_names import read_code
from jukinet.moves.v1 import move_pb2
from jukinet.moves.v1 import move_service_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import Iterable

    from google.protobuf.message import Message

    from juki_client.outcome import Language
    from juki_terminal.cli.moves_desk import Desk
    from jukinet.residents.v1 import residence_record_pb2 as records_pb


def ask_for(request: Message, desk: Desk) -> None:
    """Ask for what a request needs beside the number, and put it in.

    Raises Problem USAGE_INVALID for an answer that is none, and the center's reasons.
    """
    match request:
        case pb.FileMoveOutRequest():
            _ask_out(request, desk)
        case pb.ChangeMoveOutRequest():
            _add_movers(request, desk)
            ask_plan(request.plan, desk.language)
        case pb.RecordArrivalRequest():
            code = ask(Text.ASK_ARRIVED_AT.say(desk.language))
            request.destination_code = read_code(code, "destination_code")
            request.moved_date = _day(Text.ASK_MOVED_DATE, "moved_date", desk.language)
        case pb.RegisterMoveWithinRequest():
            _ask_within(request, desk)
        case pb.CancelMoveInRequest():
            while code := ask(Text.ASK_NEXT_CODE.say(desk.language)):
                request.moved.add(code=code, expected_version=desk.record(code).version)
        case pb.AcceptCorrectionRequest():
            request.code = ask(Text.ASK_CODE.say(desk.language))
            request.expected_version = desk.record(request.code).version
        case _:
            pass


def ask_plan(plan: move_pb2.MovePlan, language: Language) -> None:
    """Ask where to and when."""
    if code := ask(Text.ASK_DESTINATION.say(language)):
        plan.destination_code = read_code(code, "plan.destination_code")
        plan.destination_address = ask(Text.ASK_PLANNED_ADDRESS.say(language))
    else:
        plan.abroad = True
    plan.planned_date = _day(Text.ASK_PLANNED_DATE, "plan.planned_date", language)


def ask_paper(paper: pb.RegisterMoveInRequest.PaperGround, language: Language) -> None:
    """Ask for what stands on a certificate of moving out, and for the day of the move."""
    paper.move_number = ask(Text.ASK_MOVE.say(language))
    paper.verification_code = ask(Text.ASK_VERIFICATION.say(language))
    paper.moved_date = ask(Text.ASK_MOVED_DATE.say(language))


def ask_arrivals_by_code(request: pb.RegisterMoveInRequest, language: Language) -> None:
    """Ask for the persons of a paper, which shows no versions."""
    while code := ask(Text.ASK_NEXT_CODE.say(language)):
        word = ask(Text.ASK_RELATIONSHIP_OF_CODE.say(language))
        request.arrivals.add(code=code, relationship_to_householder=word)


def ask_arrivals(
    request: pb.RegisterMoveInRequest, persons: Iterable[move_pb2.MovingPerson], language: Language
) -> None:
    """Ask for the new relationship of each person who was ticked."""
    for one in persons:
        request.arrivals.add(
            code=one.code,
            expected_version=one.version,
            relationship_to_householder=_relationship(one.entries, language),
        )


def ask_place(place: move_pb2.NewPlace, language: Language, *, same_household: bool) -> None:
    """Ask for the new address, and with whom."""
    place.address = ask(Text.ASK_ADDRESS.say(language))
    place.building_and_room = ask(Text.ASK_BUILDING.say(language))
    if same_household:
        return
    if code := ask(Text.ASK_TARGET.say(language)):
        place.household_of_code = code
    else:
        place.new_household = True


def ask_cards(request: pb.RegisterMoveInRequest, language: Language) -> None:
    """Ask for the cards that were handed in, and whether an agent makes the notice."""
    while number := ask(Text.ASK_CARD.say(language)):
        read = read_number(number, NumberKind.CARD, "handed_in_card_numbers")
        request.handed_in_card_numbers.append(read)
    request.by_agent = ask_yes_or_no(Text.ASK_AGENT.say(language), language)


def ask_moved_date(language: Language) -> str:
    """Ask for the actual day of the move."""
    return _day(Text.ASK_MOVED_DATE, "moved_date", language)


def _ask_out(request: pb.FileMoveOutRequest, desk: Desk) -> None:
    language, kinds = desk.language, move_pb2.Move
    _add_movers(request, desk)
    ask_plan(request.plan, language)
    is_special = not request.plan.abroad and ask_yes_or_no(Text.ASK_KIND.say(language), language)
    request.kind = kinds.KIND_SPECIAL if is_special else kinds.KIND_ORDINARY
    notice, values = request.notification, move_pb2.Notification
    channel = ask_choice(Text.ASK_CHANNEL.say(language), words_in(language, CHANNELS))
    notice.channel = values.Channel.ValueType(channel or 0)
    filer = ask_choice(Text.ASK_FILER.say(language), words_in(language, FILERS))
    notice.filer = values.Filer.ValueType(filer or 0)
    notice.notice_date = ask(Text.ASK_NOTICE_DATE.say(language))


def _add_movers(request: pb.FileMoveOutRequest | pb.ChangeMoveOutRequest, desk: Desk) -> None:
    records, _ = desk.choose()
    for record in records:
        request.movers.add(code=record.code, expected_version=record.version)


def _ask_within(request: pb.RegisterMoveWithinRequest, desk: Desk) -> None:
    language = desk.language
    records, are_all = desk.choose()
    if are_all:
        same = ask_yes_or_no(Text.ASK_SAME_HOUSEHOLD.say(language), language)
        request.same_household = same
    ask_place(request.place, language, same_household=request.same_household)
    for record in records:
        before = record.entries.relationship_to_householder
        is_kept = request.same_household
        request.movers.add(
            code=record.code,
            expected_version=record.version,
            relationship_to_householder=(
                before if is_kept else _relationship(record.entries, language)
            ),
        )
    request.moved_date = _day(Text.ASK_MOVED_DATE, "moved_date", language)


def _relationship(entries: records_pb.Entries, language: Language) -> str:
    question = Text.ASK_RELATIONSHIP.say(language, name=entries.name)
    return ask_or_keep(question, entries.relationship_to_householder)


def _day(question: Text, field: str, language: Language) -> str:
    return exact_day(ask(question.say(language)), field).isoformat()
