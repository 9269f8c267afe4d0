"""What a clerk is asked for where no file is given, and what is shown before an act."""

from __future__ import annotations

from typing import TYPE_CHECKING

from juki_terminal.cli.applications_texts import (
    END_REASONS,
    LAPSED_CARDS,
    PLACES,
    STYLES,
    Text,
    words_in,
)
from juki_terminal.cli.document_form import ask_documents, document_lines
from juki_terminal.cli.prompts import ask, ask_choice, ask_yes_or_no
from jukinet.cards.v1 import card_application_pb2 as pb
from jukinet.cards.v1 import card_application_service_pb2 as service_pb

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from juki_client.outcome import Language
    from juki_terminal.identity_documents import SeenDocument
    from jukinet.residents.v1 import residence_record_pb2 as records_pb


def ask_for(request: Message, language: Language) -> tuple[SeenDocument, ...]:
    """Ask for what a request needs, put it in, and return the documents that were shown."""
    match request:
        case service_pb.SubmitApplicationRequest():
            return ask_form(request.form, language)
        case service_pb.RecordInquiryReplyRequest():
            return _ask_reply(request, language)
        case _:
            return ()


def ask_form(form: pb.ApplicationForm, language: Language) -> tuple[SeenDocument, ...]:
    """Ask for what an application says, and return the documents that were shown."""
    form.code = ask(Text.ASK_CODE.say(language))
    style = ask_choice(Text.ASK_STYLE.say(language), words_in(language, STYLES))
    form.style = pb.CardStyle.ValueType(style or 0)
    place = ask_choice(Text.ASK_PLACE.say(language), words_in(language, PLACES))
    form.place = pb.ApplicationForm.Place.ValueType(place or 0)
    seen = ask_documents(language)
    if name := ask(Text.ASK_REPRESENTATIVE.say(language)):
        form.representative.name = name
        form.representative.shown_by = ask(Text.ASK_SHOWN_BY.say(language))
    question, answers = Text.ASK_LAPSED_CARD.say(language), words_in(language, LAPSED_CARDS)
    lapsed = ask_choice(question, answers)
    form.lapsed_card = pb.ApplicationForm.LapsedCard.ValueType(lapsed or 0)
    return seen


def _ask_reply(
    request: service_pb.RecordInquiryReplyRequest, language: Language
) -> tuple[SeenDocument, ...]:
    request.letter_number = ask(Text.ASK_LETTER.say(language))
    brought, oral = Text.ASK_BROUGHT.say(language), Text.ASK_ORAL.say(language)
    request.brought_by_applicant = ask_yes_or_no(brought, language)
    seen = ask_documents(language)
    request.oral_questions_answered = ask_yes_or_no(oral, language)
    return seen


def submission_lines(
    form: pb.ApplicationForm,
    seen: tuple[SeenDocument, ...],
    record: records_pb.ResidenceRecord,
    language: Language,
) -> list[str]:
    """Say whose application it is, and what it says; no number of a document is in it."""
    entries = record.entries
    address = " ".join(filter(None, (entries.address, entries.building_and_room)))
    lapsed = words_in(language, LAPSED_CARDS).get(form.lapsed_card, "")
    lines = [
        Text.SUMMARY.say(language),
        Text.APPLICANT.say(language, name=entries.name),
        Text.ADDRESS.say(language, address=address),
        Text.STYLE.say(language, style=words_in(language, STYLES).get(form.style, "")),
        Text.PLACE.say(language, place=words_in(language, PLACES).get(form.place, "")),
        _documents_line(seen, language),
        Text.LAPSED_CARD.say(language, answer=lapsed),
    ]
    if form.photo:
        lines.append(Text.PHOTO.say(language, size=len(form.photo), day=form.photo_taken_on))
    if form.HasField("representative"):
        one = form.representative
        lines.append(Text.REPRESENTATIVE.say(language, name=one.name, shown=one.shown_by))
    return lines


def reply_lines(
    request: service_pb.RecordInquiryReplyRequest,
    seen: tuple[SeenDocument, ...],
    language: Language,
) -> list[str]:
    """Say what a reply is recorded with."""
    words = {True: Text.YES.say(language), False: Text.NO.say(language)}
    return [
        Text.SUMMARY.say(language),
        Text.NUMBER.say(language, number=request.application_number),
        Text.LETTER.say(language, number=request.letter_number),
        Text.BROUGHT.say(language, answer=words[request.brought_by_applicant]),
        _documents_line(seen, language),
        Text.ORAL.say(language, answer=words[request.oral_questions_answered]),
    ]


def end_lines(request: service_pb.RejectApplicationRequest, language: Language) -> list[str]:
    """Say which application is ended, and why."""
    reason = words_in(language, END_REASONS).get(request.reason, "")
    return [
        Text.SUMMARY.say(language),
        Text.NUMBER.say(language, number=request.application_number),
        Text.REASON.say(language, reason=reason),
    ]


def _documents_line(seen: tuple[SeenDocument, ...], language: Language) -> str:
    return Text.DOCUMENTS.say(language, documents=", ".join(document_lines(seen, language)))
