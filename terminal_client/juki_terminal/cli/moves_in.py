"""`move in`, `abandon`, `look` and `continue-card`: what the destination's window does.

By card it is one flow: session, information, the clerk ticks who has come, the move is registered.
Where it ends early the information stays fetched, and may be fetched again or given back.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, cast

import typer

from juki_client.card_numbers import NumberKind, read_number
from juki_client.outcome import Exit, Problem
from juki_client.report import Report, say
from juki_client.request_form import read_fields
from juki_terminal import moves
from juki_terminal.card_life import WithSession
from juki_terminal.cli import entries, moves_inputs, moves_questions, moves_summaries
from juki_terminal.cli.card_life_texts import grouped
from juki_terminal.cli.moves import asks, changes_at, plain, require_answers, tell_repeated
from juki_terminal.cli.moves_desk import Desk
from juki_terminal.cli.moves_ends import end_of, result_of
from juki_terminal.cli.moves_rules import advised
from juki_terminal.cli.moves_tables import move_table, persons_table
from juki_terminal.cli.moves_texts import Text
from juki_terminal.cli.prompts import ask, ask_choices, ask_yes_or_no, confirm
from juki_terminal.cli.signed_in import require_clerk
from juki_terminal.letter_press import require_fonts
from juki_terminal.session import authenticate
from jukinet.moves.v1 import move_service_pb2 as pb
from jukinet.options.v1 import options_pb2

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from juki_client.changes import Answered, Attempt, Changes
    from juki_client.outcome import Language
    from juki_terminal.cli.moves import MoveOptions
    from juki_terminal.cli.settings import Settings
    from juki_terminal.config import TerminalConfig
    from juki_terminal.moves import Fetched
    from jukinet.residents.v1.residence_record_pb2 import Entries

_JOURNAL: Final = ".moves-in"
_NOT_CLAIMED: Final = frozenset(
    (
        "OUTCOME_UNKNOWN",
        "REQUEST_ID_REUSED",
        "ANSWER_EXPIRED",
        "MOVE_ALREADY_COMPLETED",
        "TRANSFER_NOT_FOUND",
    )
)
"""With these the move may be registered, or the claim is gone."""


@dataclass(frozen=True, slots=True)
class _Counter:
    """What one run has: its settings, its desk, its journal."""

    settings: Settings
    config: TerminalConfig
    options: MoveOptions
    desk: Desk
    changes: Changes = field(repr=False)


def move_in(settings: Settings, options: MoveOptions) -> Report:
    """Register a move in, by card or against a certificate of moving out."""
    entries.refuse_both_from_stdin(**{"from": options.form, "pin_from": options.pin_from})
    require_answers(options)
    require_fonts()
    request, moved_date = pb.RegisterMoveInRequest(), ""
    if options.form is not None:
        request, moved_date = moves_inputs.parse_move_in(read_fields(options.form))
    by_paper = options.is_paper or request.HasField("paper")
    if by_paper and moved_date:
        raise Problem("USAGE_INVALID", {"field": "moved_date", "rule": "paper.moved_date"})
    moves_inputs.make_exact(request)
    config = settings.config()
    with settings.center(config) as center:
        can_ask = options.form is None
        desk = Desk(center, settings.language, can_ask=can_ask)
        if asks(options):
            require_clerk(center, settings.language)
        with changes_at(config, center, _JOURNAL) as changes:
            counter = _Counter(settings, config, options, desk, changes)
            if by_paper:
                return _by_paper(counter, request)
            return _by_card(counter, request, moved_date)


def abandon(settings: Settings, options: MoveOptions) -> Report:
    """Give information back that this terminal has fetched."""
    number = moves_inputs.move_number(options.number or "")
    config = settings.config()
    with settings.center(config) as center:
        if not options.is_certain:
            require_clerk(center, settings.language)
        desk = Desk(center, settings.language)
        with changes_at(config, center, _JOURNAL) as changes:
            counter = _Counter(settings, config, options, desk, changes)
            transfer_id = moves.transfer_of(changes, number)
            request = pb.AbandonMoveInRequest(transfer_id=transfer_id)
            if not options.is_certain:
                move = desk.move(number).move
                lines = moves_summaries.move_lines(request, move, settings.language)
                confirm(lines, Text.GO_ON.say(settings.language), settings.language)
            answered = _changed(counter, "abandon", request, number)
    return end_of(request, answered, (), None, None, settings.language)


def look(settings: Settings, options: MoveOptions) -> Report:
    """Look at the information of an expected move beforehand."""
    number = moves_inputs.move_number(options.number or "")
    language, config = settings.language, settings.config()
    with (
        settings.center(config) as center,
        changes_at(config, center, _JOURNAL) as changes,
        advised(language, "move look"),
    ):
        information = moves.look(center, changes, number)
    people = [one.entries for one in information.persons]
    lines = [
        move_table(information.move, language),
        persons_table(information.persons, language),
    ]
    lines += moves_summaries.warnings(people, language)
    return Report({"information": plain(information)}, "\n".join(lines))


def continue_card(settings: Settings, options: MoveOptions) -> Report:
    """Continue the use of a card at the new residence; its holder enters the PIN."""
    language = settings.language
    number = read_number(options.number or "", NumberKind.CARD, "card_number")
    request = pb.ContinueCardRequest(back_written=options.back_written)
    config = settings.config()
    with settings.center(config) as center:
        if not options.is_certain:
            require_clerk(center, language)
            _agree_to_continue(request, number, language)
        desk = Desk(center, language)
        with changes_at(config, center, _JOURNAL) as changes:
            counter = _Counter(settings, config, options, desk, changes)
            answered = _continued(counter, request, number)
    card = cast("pb.ContinueCardResponse", answered.message).card
    until = card.valid_until
    lines = [Text.DONE_CONTINUE.say(language, number=grouped(card.number), until=until)]
    if card.number != number:
        facts = {"wanted": grouped(number), "number": grouped(card.number)}
        lines.append(Text.OTHER_CARD.say(language, **facts))
    return Report(result_of(answered, ()), "\n".join(lines))


def _agree_to_continue(request: pb.ContinueCardRequest, number: str, language: Language) -> None:
    if not request.back_written:
        request.back_written = ask_yes_or_no(Text.ASK_BACK.say(language), language)
    will = Text.WILL_CONTINUE.say(language, number=grouped(number))
    confirm([will], Text.GO_ON.say(language), language)


def _by_card(counter: _Counter, request: pb.RegisterMoveInRequest, moved_date: str) -> Report:
    language = counter.desk.language
    for move in moves.settled(counter.desk.center, counter.changes):
        done = Text.ALREADY_DONE.say(language, number=move.number)
        return Report({"earlier": plain(move), "repeated": True}, done)
    day = moved_date or (moves_questions.ask_moved_date(language) if counter.desk.can_ask else "")
    if not day:
        raise Problem("USAGE_INVALID", {"field": moves_inputs.MOVED_DATE})
    with _offering_paper(language):
        fetched = _fetch(counter, day)
        with _telling_of_claim(fetched, language):
            return _register(counter, fetched, request, day)


@contextmanager
def _offering_paper(language: Language) -> Iterator[None]:
    """Say that a certificate of moving out opens the move, where the special case is closed."""
    try:
        yield
    except Problem as problem:
        if problem.reason in moves.PAPER_INSTEAD:
            say(Text.PAPER_WAY.say(language))
        raise


@contextmanager
def _telling_of_claim(fetched: Fetched, language: Language) -> Iterator[None]:
    """Say that the information stays fetched, where nothing was registered."""
    try:
        yield
    except (Problem, typer.Abort, KeyboardInterrupt) as error:
        if not isinstance(error, Problem) or error.reason not in _NOT_CLAIMED:
            say(Text.STILL_CLAIMED.say(language, number=fetched.move_number))
        raise


def _fetch(counter: _Counter, moved_date: str) -> Fetched:
    desk, settings = counter.desk, counter.settings
    card = authenticate(
        desk.center,
        settings.reader(),
        entries.pin_source(desk.language, counter.options.pin_from),
        purpose=options_pb2.PURPOSE_SPECIAL_MOVE_IN,
        surroundings=entries.surroundings(settings, counter.config),
    )
    with advised(desk.language, "move in"):
        return moves.fetch(desk.center, counter.changes, card.session_id, moved_date)


def _register(
    counter: _Counter, fetched: Fetched, request: pb.RegisterMoveInRequest, moved_date: str
) -> Report:
    language, persons = counter.desk.language, fetched.information.persons
    _tick(counter, fetched, request)
    request.fetched.CopyFrom(fetched.ground())
    people = [one.entries for one in persons]
    flags = moves_summaries.warnings(people, language)
    if counter.options.is_certain:
        for line in flags:
            say(line)
    else:
        lines = moves_summaries.card_lines(fetched, request, moved_date, language)
        given_back = _agree_or_give_back(counter, fetched, [*lines, *flags])
        if given_back is not None:
            return given_back
    answered = _sent(counter, fetched.move_number, request)
    return end_of(request, answered, people, None, counter.options.receipt, language)


def _tick(counter: _Counter, fetched: Fetched, request: pb.RegisterMoveInRequest) -> None:
    """Put in who has come, with the versions that were shown; raise Problem NOT_OF_THE_MOVE."""
    language, persons = counter.desk.language, fetched.information.persons
    if counter.desk.can_ask:
        say(persons_table(persons, language))
        chosen = ask_choices(Text.ASK_WHO.say(language), len(persons))
        ticked = [persons[number - 1] for number in chosen]
        moves_questions.ask_place(request.place, language, same_household=False)
        moves_questions.ask_arrivals(request, ticked, language)
        moves_questions.ask_cards(request, language)
        return
    versions = {one.code: one.version for one in persons}
    for arrival in request.arrivals:
        if arrival.code not in versions:
            raise Problem("NOT_OF_THE_MOVE")
        if not arrival.expected_version:
            arrival.expected_version = versions[arrival.code]


def _agree_or_give_back(counter: _Counter, fetched: Fetched, lines: Sequence[str]) -> Report | None:
    """Ask; where the clerk does not go on, ask whether the information is given back."""
    language = counter.desk.language
    try:
        confirm(lines, Text.GO_ON.say(language), language)
    except Problem:
        if not ask_yes_or_no(Text.ASK_GIVE_BACK.say(language), language):
            raise
    else:
        return None
    request = pb.AbandonMoveInRequest(transfer_id=fetched.transfer_id)
    answered = _changed(counter, "abandon", request, fetched.move_number)
    return replace(end_of(request, answered, (), None, None, language), exit=Exit.REFUSED)


def _sent(counter: _Counter, number: str, request: pb.RegisterMoveInRequest) -> Answered:
    """Register, and send the same request again while the clerk wants to know its outcome."""
    desk = counter.desk
    while True:
        try:
            with advised(desk.language, "move in"):
                answered = moves.register(desk.center, counter.changes, number, request)
        except Problem as problem:
            if problem.reason == "TRANSFER_OUTDATED":
                say(Text.OUTDATED.say(desk.language))
            is_open = problem.reason == "OUTCOME_UNKNOWN" and desk.can_ask
            if not is_open or not ask_yes_or_no(Text.ASK_AGAIN.say(desk.language), desk.language):
                raise
        else:
            return answered


def _by_paper(counter: _Counter, request: pb.RegisterMoveInRequest) -> Report:
    desk = counter.desk
    if desk.can_ask:
        moves_questions.ask_paper(request.paper, desk.language)
        moves_inputs.make_exact(request)
        moves_questions.ask_arrivals_by_code(request, desk.language)
        moves_questions.ask_place(request.place, desk.language, same_household=False)
        moves_questions.ask_cards(request, desk.language)
    if not request.HasField("paper"):
        raise Problem("USAGE_INVALID", {"field": "paper"})
    if not counter.options.is_certain:
        lines = moves_summaries.paper_lines(request, desk.language)
        confirm(lines, Text.GO_ON.say(desk.language), desk.language)
    number = request.paper.move_number
    try:
        answered = _changed(counter, "in", request, number)
    except Problem as problem:
        if problem.reason != "LATE_REASON_REQUIRED" or not desk.can_ask:
            raise
        request.paper.late_reason = ask(Text.ASK_LATE_REASON.say(desk.language))
        answered = _changed(counter, "in", request, number)
    people = _registered(answered)
    return end_of(request, answered, people, None, counter.options.receipt, desk.language)


def _changed(
    counter: _Counter,
    command: str,
    request: pb.RegisterMoveInRequest | pb.AbandonMoveInRequest,
    number: str,
) -> Answered:
    desk = counter.desk
    with advised(desk.language, f"move {command}"):
        answered = moves.change(desk.center, counter.changes, command, request, number)
    tell_repeated(answered, command, desk.language)
    return answered


def _continued(counter: _Counter, request: pb.ContinueCardRequest, number: str) -> Answered:
    desk, settings = counter.desk, counter.settings

    def named(attempt: Attempt) -> pb.ContinueCardRequest:
        complete = pb.ContinueCardRequest()
        complete.CopyFrom(request)
        complete.session_id = attempt.change.session_id
        return complete

    def prove() -> bytes:
        card = authenticate(
            desk.center,
            settings.reader(),
            entries.pin_source(desk.language, counter.options.pin_from),
            purpose=options_pb2.PURPOSE_PIN_PROOF,
            surroundings=entries.surroundings(settings, counter.config),
        )
        return card.session_id

    act = WithSession("continue-card", number, named, prove)
    with advised(desk.language, "move continue-card"):
        answered = moves.continue_card(desk.center, counter.changes, act)
    tell_repeated(answered, "continue-card", desk.language)
    return answered


def _registered(answered: Answered) -> list[Entries]:
    answer = cast("pb.RegisterMoveInResponse", answered.message)
    return [one.record.entries for one in answer.registered]
