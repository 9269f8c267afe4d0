"""`move out`, `change`, `cancel`, `certificate`, `within` and others: acts that need no card.

What a clerk says comes from a file or from prompts, and is shown once more before the act; papers
come after it. Moving in is in `moves_in`, looking is in `moves_looks`.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

from google.protobuf import json_format

from juki_client.change_journal import ChangeJournal
from juki_client.changes import Answered, Changes
from juki_client.outcome import JSON, Problem
from juki_client.patience import Patience
from juki_client.report import Report, say
from juki_client.request_form import read_form
from juki_terminal import moves
from juki_terminal.cli import moves_inputs, moves_summaries
from juki_terminal.cli.moves_desk import Desk
from juki_terminal.cli.moves_ends import end_of
from juki_terminal.cli.moves_questions import ask_for
from juki_terminal.cli.moves_rules import advised, ordinary_way
from juki_terminal.cli.moves_tables import move_table
from juki_terminal.cli.moves_texts import Text
from juki_terminal.cli.moves_words import word
from juki_terminal.cli.prompts import ask, ask_yes_or_no, confirm
from juki_terminal.cli.residents_questions import Questions
from juki_terminal.cli.residents_texts import Text as ChangeText
from juki_terminal.cli.signed_in import require_clerk
from juki_terminal.letter_press import require_fonts
from jukinet.moves.v1 import move_pb2
from jukinet.moves.v1 import move_service_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from google.protobuf.message import Message

    from juki_client.outcome import Language
    from juki_terminal.channel import Center
    from juki_terminal.cli.settings import Settings
    from juki_terminal.config import TerminalConfig
    from jukinet.residents.v1.residence_record_pb2 import Entries

_WITHOUT_PERSONS: Final = frozenset(("cancel", "arrived", "take-back"))
"""These show no person, and print nothing; all others want the fonts before anything is done."""


@dataclass(frozen=True, slots=True)
class MoveOptions:
    """What a command was called with; no datum of a resident is among it."""

    command: str
    number: str | None = None
    form: str | None = None
    is_certain: bool = False
    out: Path | None = None
    receipt: Path | None = None
    gives_up: bool = False
    is_paper: bool = False
    pin_from: str | None = None
    back_written: bool = False


def run(settings: Settings, options: MoveOptions) -> Report:
    """Carry out one command."""
    require_answers(options)
    if options.command not in _WITHOUT_PERSONS:
        require_fonts()
    request = _request(options)
    config = settings.config()
    with settings.center(config) as center:
        desk = Desk(center, settings.language, can_ask=options.form is None)
        if asks(options):
            require_clerk(center, settings.language)
        if options.form is None:
            _ask(request, options, desk)
        moves_inputs.make_exact(request)
        persons = _agree(request, options, desk)
        with changes_at(config, center, ".moves") as changes:
            answered = _changed(changes, options, request, desk)
    return end_of(request, answered, persons, options.out, options.receipt, settings.language)


def require_answers(options: MoveOptions) -> None:
    """Raise Problem USAGE_INVALID where standard input is a form, and cannot answer a question."""
    if options.form == "-" and not options.is_certain:
        raise Problem("USAGE_INVALID", {"field": "yes", "rule": "--yes with --from -"})


def asks(options: MoveOptions) -> bool:
    """Tell whether somebody will be asked for something."""
    return options.form is None or not options.is_certain


@contextmanager
def changes_at(config: TerminalConfig, center: Center, suffix: str) -> Iterator[Changes]:
    """Open the journal of moves; a second program at this terminal waits for the first."""
    path = config.journal.with_name(config.journal.name + suffix)
    with ChangeJournal(path) as journal:
        yield Changes(center, journal, patience=Patience(seconds=config.retry_seconds))


def tell_repeated(answered: Answered, command: str, language: Language) -> None:
    """Say that a request id was sent again."""
    if answered.is_repeated:
        say(ChangeText.REPEATED.say(language, command=f"move {command}"))


def _request(options: MoveOptions) -> Message:
    kind = moves.CALLS[options.command].request
    request = read_form(options.form, kind) if options.form is not None else kind()
    if options.number is not None:
        moves_inputs.name_move(request, moves_inputs.move_number(options.number))
    if isinstance(request, pb.IssueMovingOutCertificateRequest):
        request.give_up_special = options.gives_up
    return request


def _ask(request: Message, options: MoveOptions, desk: Desk) -> None:
    """Ask for what the request needs; the move is shown first, and gives the version."""
    match request:
        case pb.ChangeMoveOutRequest():
            move = desk.move(request.move_number).move
            say(move_table(move, desk.language))
            request.expected_version = move.notice_version
        case pb.CorrectMoveOutRequest():
            request.code = ask(Text.ASK_CODE.say(desk.language))
            request.entries.CopyFrom(desk.record(request.code).entries)
            Questions(desk.language, desk.record).entries(request.entries)
        case pb.IssueMovingOutCertificateRequest() if not options.is_certain:
            _ask_to_give_up(request, desk)
        case _:
            pass
    ask_for(request, desk)


def _ask_to_give_up(request: pb.IssueMovingOutCertificateRequest, desk: Desk) -> None:
    move = desk.move(request.move_number).move
    if move.state == move_pb2.Move.STATE_NOTIFIED and not request.give_up_special:
        question = Text.ASK_GIVE_UP.say(desk.language)
        request.give_up_special = ask_yes_or_no(question, desk.language)


def _agree(request: Message, options: MoveOptions, desk: Desk) -> Sequence[Entries]:
    """Show what is about to be done and ask; return the entries of the persons it concerns."""
    persons, lines = _summary(request, desk, is_certain=options.is_certain)
    flags = moves_summaries.warnings(persons, desk.language)
    if isinstance(request, pb.FileMoveOutRequest | pb.ChangeMoveOutRequest):
        flags += moves_summaries.plan_warnings(request.plan, desk.language)
    if options.is_certain:
        for line in flags:
            say(line)
    else:
        confirm([*lines, *flags], Text.GO_ON.say(desk.language), desk.language)
    return persons


def _summary(
    request: Message, desk: Desk, *, is_certain: bool
) -> tuple[Sequence[Entries], list[str]]:
    language = desk.language
    match request:
        case pb.FileMoveOutRequest() | pb.ChangeMoveOutRequest() | pb.RegisterMoveWithinRequest():
            records = [desk.record(one.code) for one in request.movers]
            persons = [record.entries for record in records]
            match request:
                case pb.FileMoveOutRequest():
                    return persons, moves_summaries.out_lines(request, records, language)
                case pb.ChangeMoveOutRequest():
                    return persons, moves_summaries.change_lines(request, records, language)
                case _:
                    return persons, moves_summaries.within_lines(request, records, language)
        case pb.CorrectMoveOutRequest():
            will, number = Text.WILL_CORRECT, request.move_number
            lines = moves_summaries.person_lines(will, number, request.entries, language)
            return [request.entries], lines
        case pb.AcceptCorrectionRequest():
            return _correction(request, desk)
        case _ if is_certain:
            return [], []
        case _:
            number = cast("pb.CancelMoveOutRequest", request).move_number
            return [], moves_summaries.move_lines(request, desk.move(number).move, language)


def _correction(
    request: pb.AcceptCorrectionRequest, desk: Desk
) -> tuple[Sequence[Entries], list[str]]:
    """Return what the origin has sent for a person; raise Problem NO_CORRECTION."""
    waiting = {one.code: one.entries for one in desk.move(request.move_number).corrections}
    if request.code not in waiting:
        raise Problem("NO_CORRECTION")
    entries = waiting[request.code]
    lines = moves_summaries.person_lines(
        Text.WILL_ACCEPT, request.move_number, entries, desk.language
    )
    return [entries], lines


def _changed(changes: Changes, options: MoveOptions, request: Message, desk: Desk) -> Answered:
    """Carry out a change; ask for the reason of a late notice where somebody can say it."""
    command, number = options.command, getattr(request, "move_number", "")
    with advised(desk.language, f"move {command}"):
        try:
            answered = moves.change(desk.center, changes, command, request, number)
        except Problem as problem:
            if problem.reason == "SPECIAL_NOT_POSSIBLE":
                say(word(ordinary_way(problem), desk.language))
            is_late = problem.reason == "LATE_REASON_REQUIRED" and desk.can_ask
            if not is_late or not isinstance(request, pb.RegisterMoveWithinRequest):
                raise
            request.late_reason = ask(Text.ASK_LATE_REASON.say(desk.language))
            answered = moves.change(desk.center, changes, command, request, number)
    tell_repeated(answered, command, desk.language)
    return answered


def plain(message: Message) -> dict[str, JSON]:
    """Return a message with the proto's field names."""
    found: dict[str, JSON] = json_format.MessageToDict(message, preserving_proto_field_name=True)
    return found
