"""`application …`: applications for a card, for clerks of the municipality of residence.

What a clerk says comes from a file or from prompts, and is shown once more before the act; the
answer is a table, or the answer's message in JSON. Papers are set by `letter_press`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, cast

from google.protobuf import json_format

from juki_client.card_numbers import NumberKind, read_number
from juki_client.change_journal import ChangeJournal
from juki_client.changes import Answered, Changes
from juki_client.civil_date import exact_day
from juki_client.outcome import JSON, Exit, Problem
from juki_client.patience import Patience
from juki_client.report import Report, say
from juki_client.request_form import parse_form, read_fields
from juki_terminal.card_applications import application, change, pages
from juki_terminal.cli import applications_questions as questions
from juki_terminal.cli.applications_tables import application_table, applications_table
from juki_terminal.cli.applications_texts import Text
from juki_terminal.cli.document_form import take_documents
from juki_terminal.cli.prompts import ask, confirm
from juki_terminal.cli.signed_in import require_clerk
from juki_terminal.letter_press import inquiry_pdf, notice_pdf, require_fonts
from juki_terminal.photos import read_photo, require_recent
from juki_terminal.printer import write_whole
from juki_terminal.residents import question
from jukinet.cards.v1 import card_application_pb2 as pb
from jukinet.cards.v1 import card_application_service_pb2 as service_pb
from jukinet.cards.v1 import card_service_pb2 as cards_pb
from jukinet.residents.v1 import resident_service_pb2 as residents_pb

if TYPE_CHECKING:
    from pathlib import Path

    from google.protobuf.message import Message

    from juki_client.outcome import Language
    from juki_terminal.channel import Center
    from juki_terminal.cli.settings import Settings
    from juki_terminal.config import TerminalConfig
    from juki_terminal.identity_documents import SeenDocument
    from jukinet.residents.v1 import residence_record_pb2 as records_pb


@dataclass(frozen=True, slots=True)
class SubmitOptions:
    """What `application submit` was called with; no datum of a resident is among it."""

    form: str | None = None
    photo: Path | None = None
    taken_on: str | None = None
    out: Path | None = None
    is_certain: bool = False


@dataclass(frozen=True, slots=True)
class ReplyOptions:
    """What `application reply` was called with."""

    number: str
    form: str | None = None
    is_certain: bool = False


@dataclass(frozen=True, slots=True)
class EndOptions:
    """What `application end` was called with; `reason` is a name of the proto's values."""

    number: str
    reason: str
    is_certain: bool = False


def submit(settings: Settings, options: SubmitOptions) -> Report:
    """Take an application, and print its letter where there is one."""
    _require_answers(options.form, is_certain=options.is_certain)
    refuse_early(options)
    language = settings.language
    request = service_pb.SubmitApplicationRequest()
    if options.out is not None:
        require_fonts()
    config = settings.config()
    with settings.center(config) as center:
        if options.form is None or not options.is_certain:
            require_clerk(center, language)
        seen = _filled(request, options.form, language, place="form")
        add_photo(request.form, options, language)
        if not options.is_certain:
            record = _record(center, request)
            lines = questions.submission_lines(request.form, seen, record, language)
            confirm(lines, Text.GO_ON.say(language), language)
        answered = _changed(settings, config, center, "submit", request, seen)
    answer = cast("service_pb.SubmitApplicationResponse", answered.message)
    paper = letter_of(answer, options.out, language)
    return _report(settings, answered, answer.application, paper)


def reply(settings: Settings, options: ReplyOptions) -> Report:
    """Record the reply to an inquiry letter; one that does not count is a refusal."""
    _require_answers(options.form, is_certain=options.is_certain)
    number = _application_number(options.number)
    request = service_pb.RecordInquiryReplyRequest()
    config = settings.config()
    with settings.center(config) as center:
        if options.form is None or not options.is_certain:
            require_clerk(center, settings.language)
        seen = _filled(request, options.form, settings.language)
        _name_papers(request, number)
        if not options.is_certain:
            lines = questions.reply_lines(request, seen, settings.language)
            confirm(lines, Text.GO_ON.say(settings.language), settings.language)
        answered = _changed(settings, config, center, "reply", request, seen)
    answer = cast("service_pb.RecordInquiryReplyResponse", answered.message)
    return _report(settings, answered, answer.application)


def _name_papers(request: service_pb.RecordInquiryReplyRequest, number: str) -> None:
    """Put the numbers in, as the center writes them; raise Problem USAGE_INVALID."""
    if request.application_number not in ("", number):
        facts = {"field": "application_number", "rule": "the one that the command names"}
        raise Problem("USAGE_INVALID", facts)
    request.application_number = number
    request.letter_number = read_number(request.letter_number, NumberKind.LETTER, "letter_number")


def end(settings: Settings, options: EndOptions) -> Report:
    """End an application without a card."""
    request = service_pb.RejectApplicationRequest(
        application_number=_application_number(options.number),
        reason=service_pb.RejectApplicationRequest.EndReason.Value(f"END_REASON_{options.reason}"),
    )
    config = settings.config()
    with settings.center(config) as center:
        if not options.is_certain:
            require_clerk(center, settings.language)
            lines = questions.end_lines(request, settings.language)
            confirm(lines, Text.GO_ON.say(settings.language), settings.language)
        answered = _changed(settings, config, center, "end", request)
    answer = cast("service_pb.RejectApplicationResponse", answered.message)
    # The clerk wanted this end.
    return _report(settings, answered, answer.application, wanted=answer.application.state)


def show(settings: Settings, number: str) -> Report:
    """Show how far an application has come."""
    request = service_pb.GetApplicationRequest(application_number=_application_number(number))
    with settings.center(settings.config()) as center:
        found = application(center, request)
    return Report(_plain(found), application_table(found.application, settings.language))


def list_all(settings: Settings, states: list[str]) -> Report:
    """List the municipality's applications, all pages of them."""
    request = service_pb.ListApplicationsRequest(
        states=[pb.ApplicationState.Value(f"APPLICATION_STATE_{state}") for state in states],
    )
    found: list[pb.Application] = []
    with settings.center(settings.config()) as center:
        for page in pages(center, request):
            found.extend(page.applications)
            if page.next_page_token:
                say(Text.LISTED.say(settings.language, count=len(found)))
    result: dict[str, JSON] = {"applications": [_plain(one) for one in found]}
    return Report(result, applications_table(found, settings.language))


def letter(settings: Settings, number: str, out: Path) -> Report:
    """Print the letter or the notice of an application again.

    Raises Problem NOT_IN_THIS_STATE where there is neither any more.
    """
    require_fonts()
    request = service_pb.GetApplicationRequest(
        application_number=_application_number(number),
        with_letter=True,
    )
    with settings.center(settings.config()) as center:
        found = application(center, request)
    language, one = settings.language, found.application
    if found.HasField("letter"):
        lines = _printed_letter(found.letter, one.number, out, language)
    elif found.HasField("notice"):
        write_whole(out, notice_pdf(found.notice, one.number), {"applicationNumber": one.number})
        lines = [Text.NOTICE_PRINTED.say(language, file=out)]
    else:
        state = pb.ApplicationState.Name(one.state).removeprefix("APPLICATION_STATE_")
        raise Problem("NOT_IN_THIS_STATE", {"state": state})
    return Report({**_plain(found), "out": str(out)}, "\n".join(lines))


def _filled(
    request: service_pb.SubmitApplicationRequest | service_pb.RecordInquiryReplyRequest,
    source: str | None,
    language: Language,
    *,
    place: str = "",
) -> tuple[SeenDocument, ...]:
    """Fill a request from a file or by prompts; return the documents that were shown.

    `place` is where on the form the documents stand.
    """
    seen: tuple[SeenDocument, ...] = ()
    if source is not None:
        fields = read_fields(source)
        holder = fields.get(place) if place and isinstance(fields, dict) else fields
        seen = take_documents(holder, f"{place}.documents" if place else "documents")
        request.MergeFrom(parse_form(fields, type(request)))  # type: ignore[arg-type]  # of its own type
    return questions.ask_for(request, language) if source is None else seen


def refuse_early(options: SubmitOptions) -> None:
    """Refuse a photo and its day before anything is asked; raise what `add_photo` raises."""
    if options.photo is not None:
        read_photo(options.photo)
    if options.taken_on:
        require_recent(exact_day(options.taken_on, "taken-on"), datetime.now(UTC))


def add_photo(form: pb.ApplicationForm, options: SubmitOptions, language: Language) -> None:
    """Put the photo in, refused here already where the center would refuse it."""
    if form.photo:
        raise Problem("USAGE_INVALID", {"field": "form.photo", "rule": "--photo FILE"})
    if form.style != pb.CARD_STYLE_2:
        if options.photo is not None:
            raise Problem("USAGE_INVALID", {"field": "photo", "rule": "CARD_STYLE_2"})
        return
    if options.photo is None:
        raise Problem("PHOTO_REQUIRED")
    taken_on = options.taken_on or form.photo_taken_on
    if not taken_on and options.form is None:
        taken_on = ask(Text.ASK_TAKEN_ON.say(language))
    if not taken_on:
        raise Problem("PHOTO_REQUIRED")
    day = exact_day(taken_on, "taken-on")
    require_recent(day, datetime.now(UTC))
    form.photo = read_photo(options.photo)
    form.photo_taken_on = day.isoformat()


def _changed(
    settings: Settings,
    config: TerminalConfig,
    center: Center,
    command: str,
    request: Message,
    seen: tuple[SeenDocument, ...] = (),
) -> Answered:
    path = config.journal.with_name(config.journal.name + ".applications")
    with ChangeJournal(path) as journal:
        changes = Changes(center, journal, patience=Patience(seconds=config.retry_seconds))
        try:
            answered = change(center, changes, command, request, seen)
        except Problem as problem:
            _explain(settings.language, f"application {command}", problem)
            raise
    if answered.is_repeated:
        say(Text.REPEATED.say(settings.language, command=f"application {command}"))
    return answered


def _explain(language: Language, command: str, problem: Problem) -> None:
    """Say what the clerk does next, where the reason alone does not."""
    if problem.reason == "OUTCOME_UNKNOWN":
        say(Text.RUN_AGAIN.say(language, command=command))
    elif problem.reason in ("REQUEST_ID_REUSED", "ANSWER_EXPIRED"):
        say(Text.EARLIER_STANDS.say(language, command=command))


def _record(
    center: Center, request: service_pb.SubmitApplicationRequest
) -> records_pb.ResidenceRecord:
    asked = residents_pb.GetRecordRequest(code=request.form.code)
    return cast("residents_pb.GetRecordResponse", question(center, "show", asked).message).record


def letter_of(
    answer: service_pb.SubmitApplicationResponse | cards_pb.ReissueCardResponse,
    out: Path | None,
    language: Language,
) -> list[str]:
    """Print the letter of an application that was taken; say what is to be done with it."""
    number = answer.application.number
    if not answer.HasField("letter"):
        return [Text.SAME_DAY.say(language)]
    if out is None:
        return [Text.LETTER_WAITS.say(language, number=number)]
    try:
        return _printed_letter(answer.letter, number, out, language)
    except Problem as problem:
        say(Text.NOT_PRINTED.say(language, number=number))
        facts = {**problem.metadata, "applicationNumber": number}
        raise Problem(problem.reason, facts) from problem


def _printed_letter(one: pb.InquiryLetter, number: str, out: Path, language: Language) -> list[str]:
    write_whole(out, inquiry_pdf(one, number), {"applicationNumber": number})
    lines = [Text.LETTER_PRINTED.say(language, file=out, until=one.reply_until)]
    if one.registered_mail:
        lines.append(Text.REGISTERED_MAIL.say(language))
    return lines


def _report(
    settings: Settings,
    answered: Answered,
    one: pb.Application,
    lines: list[str] | None = None,
    *,
    wanted: int = pb.APPLICATION_STATE_UNSPECIFIED,
) -> Report:
    result: dict[str, JSON] = {
        "request_id": answered.request_id,
        "repeated": answered.is_repeated,
        **_plain(answered.message),
    }
    language = settings.language
    shown = [Text.DONE.say(language), application_table(one, language), *(lines or [])]
    is_refused = one.state == pb.APPLICATION_STATE_REJECTED != wanted
    return Report(result, "\n".join(shown), Exit.REFUSED if is_refused else Exit.DONE)


def _plain(message: Message) -> dict[str, JSON]:
    plain: dict[str, JSON] = json_format.MessageToDict(message, preserving_proto_field_name=True)
    return plain


def _application_number(text: str) -> str:
    return read_number(text, NumberKind.APPLICATION, "application_number")


def _require_answers(form: str | None, *, is_certain: bool) -> None:
    """Raise Problem USAGE_INVALID where standard input is a form, and cannot answer a question."""
    if form == "-" and not is_certain:
        raise Problem("USAGE_INVALID", {"field": "yes", "rule": "--yes with --from -"})
