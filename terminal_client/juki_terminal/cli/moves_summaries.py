"""What is shown before an act of moves: who, where, which days, and what happens to the cards.

No resident record code is in it, but for persons whose names this window cannot know.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from juki_client import civil_date
from juki_terminal.cli.moves_texts import Text
from juki_terminal.cli.moves_words import CHANNELS, FILERS, KINDS, words_in
from juki_terminal.move_press import unprintable, unprintable_in
from juki_terminal.municipality_names import name_of
from juki_terminal.register_words import ENTRIES
from jukinet.moves.v1 import move_pb2 as pb
from jukinet.moves.v1 import move_service_pb2 as service_pb

if TYPE_CHECKING:
    from collections.abc import Sequence

    from google.protobuf.message import Message

    from juki_client.outcome import Language
    from juki_terminal.moves import Fetched
    from jukinet.residents.v1.residence_record_pb2 import Entries, ResidenceRecord


def kind_word(kind: int, language: Language) -> str:
    """Return whether a move goes by card or by paper, in words."""
    return words_in(language, KINDS).get(kind, "")


def destination_name(code: str, language: Language) -> str:
    """Return the name of a planned destination; a move abroad has none."""
    return name_of(code) if code else Text.ABROAD.say(language)


def out_lines(
    request: service_pb.FileMoveOutRequest,
    records: Sequence[ResidenceRecord],
    language: Language,
) -> list[str]:
    """Say what a move-out notice does."""
    is_special = request.kind == pb.Move.KIND_SPECIAL
    notice = request.notification
    return [
        Text.WILL_OUT.say(language, kind=kind_word(request.kind, language)),
        *_plan_lines(request.plan, records, language),
        Text.NOTIFIED.say(
            language,
            channel=words_in(language, CHANNELS).get(notice.channel, ""),
            filer=words_in(language, FILERS).get(notice.filer, ""),
        ),
        *_people([one.entries for one in records], language),
        (Text.CARDS_SPECIAL if is_special else Text.CARDS_ORDINARY).say(language),
    ]


def change_lines(
    request: service_pb.ChangeMoveOutRequest,
    records: Sequence[ResidenceRecord],
    language: Language,
) -> list[str]:
    """Say what a notice is changed to."""
    return [
        Text.WILL_CHANGE.say(language, number=request.move_number),
        *_plan_lines(request.plan, records, language),
        *_people([one.entries for one in records], language),
    ]


def move_lines(request: Message, move: pb.Move, language: Language) -> list[str]:
    """Say what happens to a move that the center knows."""
    lines = [_will(request, move).say(language, number=move.number, count=_next_paper(move))]
    lines.append(_route(move, language))
    lines.append(Text.PLANNED.say(language, day=move.planned_date))
    match request:
        case service_pb.IssueMovingOutCertificateRequest() if request.give_up_special:
            lines.append(Text.WILL_GIVE_UP.say(language))
        case service_pb.RecordArrivalRequest():
            arrived_at = name_of(request.destination_code)
            place = Text.ROUTE.say(
                language, origin=name_of(move.origin_code), destination=arrived_at
            )
            lines += [place, Text.MOVED.say(language, day=request.moved_date)]
        case _:
            pass
    return lines


def person_lines(will: Text, number: str, entries: Entries, language: Language) -> list[str]:
    """Say whose entries are sent or entered."""
    return [will.say(language, number=number), *_people([entries], language)]


def card_lines(
    fetched: Fetched, request: service_pb.RegisterMoveInRequest, moved_date: str, language: Language
) -> list[str]:
    """Say what a move in by card does, and who of the notice stays."""
    move = fetched.information.move
    coming = {one.code: one.relationship_to_householder for one in request.arrivals}
    lines = [
        Text.WILL_IN.say(language, kind=kind_word(pb.Move.KIND_SPECIAL, language)),
        *_ground_lines(move.number, moved_date, fetched.last_day, language),
        Text.WHO.say(language, count=len(coming)),
    ]
    for one in fetched.information.persons:
        name = one.entries.name
        if one.code not in coming:
            lines.append(Text.STAYS.say(language, name=name))
            continue
        lines.append(Text.PERSON.say(language, name=name, relationship=coming[one.code]))
        if one.returns:
            lines.append(Text.RETURNS.say(language, name=name))
        if one.is_protected:
            lines.append(Text.PROTECTED.say(language, name=name))
    return [*lines, *_place_lines(request.place, language), _cards_in(request, language)]


def paper_lines(request: service_pb.RegisterMoveInRequest, language: Language) -> list[str]:
    """Say what a move in against a paper does; its persons are named by their codes."""
    paper = request.paper
    people = [
        Text.PERSON.say(language, name=one.code, relationship=one.relationship_to_householder)
        for one in request.arrivals
    ]
    lapse = Text.CARDS_LAPSE.say(language, count=len(request.handed_in_card_numbers))
    return [
        Text.WILL_IN.say(language, kind=kind_word(pb.Move.KIND_ORDINARY, language)),
        *_ground_lines(paper.move_number, paper.moved_date, "", language),
        Text.WHO.say(language, count=len(people)),
        *people,
        *_place_lines(request.place, language),
        lapse,
    ]


def within_lines(
    request: service_pb.RegisterMoveWithinRequest,
    records: Sequence[ResidenceRecord],
    language: Language,
) -> list[str]:
    """Say what a move within does."""
    place = (
        [_address(request.place, language), Text.SAME_HOUSEHOLD.say(language)]
        if request.same_household
        else _place_lines(request.place, language)
    )
    return [
        Text.WILL_WITHIN.say(language),
        Text.MOVED.say(language, day=request.moved_date),
        *place,
        *_people([one.entries for one in records], language),
        Text.CARDS_STAY.say(language),
    ]


def warnings(persons: Sequence[Entries], language: Language) -> list[str]:
    """Say which entries this window can neither show nor print.

    Raises Problem CONFIGURATION_INVALID where a font is missing.
    """
    return [
        Text.UNPRINTABLE.say(
            language,
            place=one.person + 1,
            label=ENTRIES[one.field].say(language),
            points=", ".join(one.code_points),
        )
        for one in unprintable(persons)
    ]


def plan_warnings(plan: pb.MovePlan, language: Language) -> list[str]:
    """Say whether the planned address cannot be printed on a certificate.

    Raises Problem CONFIGURATION_INVALID where a font is missing.
    """
    points = unprintable_in(plan.destination_address)
    return [Text.UNPRINTABLE_PLAN.say(language, points=", ".join(points))] if points else []


def _people(persons: Sequence[Entries], language: Language) -> list[str]:
    return [
        Text.WHO.say(language, count=len(persons)),
        *(
            Text.PERSON.say(
                language,
                name=f"{one.name} {civil_date.text_of(one.date_of_birth)}",
                relationship=one.relationship_to_householder,
            )
            for one in persons
        ),
    ]


def _plan_lines(
    plan: pb.MovePlan, records: Sequence[ResidenceRecord], language: Language
) -> list[str]:
    origin = name_of(records[0].municipality_code) if records else ""
    destination = destination_name(plan.destination_code, language)
    lines = [Text.ROUTE.say(language, origin=origin, destination=destination)]
    if plan.destination_address:
        lines.append(Text.PLACE.say(language, address=plan.destination_address))
    return [*lines, Text.PLANNED.say(language, day=plan.planned_date)]


def _will(request: Message, move: pb.Move) -> Text:
    match request:
        case service_pb.CancelMoveOutRequest():
            return Text.WILL_CANCEL
        case service_pb.IssueMovingOutCertificateRequest():
            return Text.WILL_CERTIFY_AGAIN if move.certificate_count else Text.WILL_CERTIFY
        case service_pb.RecordArrivalRequest():
            return Text.WILL_RECORD_ARRIVAL
        case service_pb.AbandonMoveInRequest():
            return Text.WILL_ABANDON
        case _:
            return Text.WILL_TAKE_BACK


def _next_paper(move: pb.Move) -> int:
    return move.certificate_count + 1


def _route(move: pb.Move, language: Language) -> str:
    code = move.destination_code or move.planned_destination_code
    destination = destination_name(code, language)
    return Text.ROUTE.say(language, origin=name_of(move.origin_code), destination=destination)


def _ground_lines(number: str, moved_date: str, last_day: str, language: Language) -> list[str]:
    known = [Text.NUMBER.say(language, number=number), Text.MOVED.say(language, day=moved_date)]
    return [*known, Text.LAST_DAY.say(language, day=last_day)] if last_day else known


def _place_lines(place: pb.NewPlace, language: Language) -> list[str]:
    is_new = place.WhichOneof("household") != "household_of_code"
    household = Text.NEW_HOUSEHOLD if is_new else Text.IN_HOUSEHOLD
    return [_address(place, language), household.say(language)]


def _address(place: pb.NewPlace, language: Language) -> str:
    address = " ".join(filter(None, (place.address, place.building_and_room)))
    return Text.PLACE.say(language, address=address)


def _cards_in(request: service_pb.RegisterMoveInRequest, language: Language) -> str:
    return Text.CARDS_IN.say(language, count=len(request.handed_in_card_numbers))
