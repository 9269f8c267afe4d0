"""What a clerk is asked for where no file is given, and what is shown before an act."""

from __future__ import annotations

from typing import TYPE_CHECKING

from juki_client.card_numbers import NumberKind, read_number
from juki_client.card_words import CHANNELS, LOSSES, REPORTERS, TOPICS, ReportItem
from juki_terminal.cli.applications_questions import ask_form
from juki_terminal.cli.applications_texts import words_in
from juki_terminal.cli.card_life_texts import Text, grouped
from juki_terminal.cli.document_form import ask_documents, document_lines
from juki_terminal.cli.prompts import ask, ask_choice, ask_yes_or_no
from jukinet.cards.v1 import card_service_pb2 as pb

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from juki_client.outcome import Language
    from juki_terminal.identity_documents import SeenDocument
    from jukinet.cards.v1.identity_document_pb2 import LegalRepresentative


def ask_for(request: Message, language: Language) -> tuple[SeenDocument, ...]:
    """Ask for what a request needs, put it in, and return the documents that were shown.

    Raises Problem USAGE_INVALID for an answer that is none.
    """
    match request:
        case pb.GetCardRequest():
            ask_reference(request.card, language)
        case pb.SuspendCardRequest():
            ask_reference(request.card, language)
            _ask_report(request, language)
        case pb.RevokeCardRequest():
            ask_reference(request.card, language)
            return ask_documents(language)
        case pb.ResumeCardRequest():
            return ask_documents(language)
        case pb.ReissueCardRequest():
            return _ask_reissue(request, language)
        case _:
            pass
    return ()


def ask_reference(card: pb.CardReference, language: Language) -> None:
    """Ask which card is meant, unless it is known."""
    if card.WhichOneof("card") is not None:
        return
    if number := ask(Text.ASK_NUMBER.say(language)):
        card.card_number = read_number(number, NumberKind.CARD, "card_number")
    else:
        card.code = ask(Text.ASK_CODE.say(language))


def ask_representative(representative: LegalRepresentative, language: Language) -> None:
    """Ask who acts for the holder, if anybody does."""
    if name := ask(Text.ASK_REPRESENTATIVE.say(language)):
        representative.name = name
        representative.shown_by = ask(Text.ASK_SHOWN_BY.say(language))


def _ask_report(request: pb.SuspendCardRequest, language: Language) -> None:
    kinds = pb.SuspendCardRequest
    question = ReportItem.REPORTER.say(language)
    reporter = ask_choice(question, words_in(language, REPORTERS))
    request.reporter = kinds.Reporter.ValueType(reporter or 0)
    channel = ask_choice(ReportItem.CHANNEL.say(language), words_in(language, CHANNELS))
    request.channel = kinds.Channel.ValueType(channel or 0)
    request.reason = _ask_loss(language)
    _ask_topics(request, language)
    request.police_report = ask(ReportItem.POLICE.say(language))


def _ask_loss(language: Language) -> pb.SuspendCardRequest.Reason.ValueType:
    reason = ask_choice(ReportItem.LOSS.say(language), words_in(language, LOSSES))
    return pb.SuspendCardRequest.Reason.ValueType(reason or 0)


def _ask_topics(request: pb.SuspendCardRequest, language: Language) -> None:
    words = words_in(language, TOPICS)
    while topic := ask_choice(Text.ASK_TOPIC.say(language), words, or_none=True):
        right = ask_yes_or_no(Text.ASK_RIGHT.say(language), language)
        request.questions.add(
            topic=pb.CallerQuestion.Topic.ValueType(topic), answered_rightly=right
        )


def _ask_reissue(request: pb.ReissueCardRequest, language: Language) -> tuple[SeenDocument, ...]:
    if request.WhichOneof("old_card") is None:
        request.lost.reason = _ask_loss(language)
        request.lost.police_report = ask(ReportItem.POLICE.say(language))
    return ask_form(request.form, language)


def summary(
    request: Message, number: str, seen: tuple[SeenDocument, ...], language: Language
) -> list[str]:
    """Say what is about to be done; no number of a document and no code is in it."""
    lines = [_will(request).say(language)]
    if number:
        lines.append(Text.CARD_BY_NUMBER.say(language, number=grouped(number)))
    else:
        lines.append(Text.CARD_BY_CODE.say(language))
    if isinstance(request, pb.SuspendCardRequest):
        lines += _report_lines(request, language)
    if seen:
        shown = ", ".join(document_lines(seen, language))
        lines.append(Text.DOCUMENTS.say(language, documents=shown))
    return lines


def _will(request: Message) -> Text:
    match request:
        case pb.SuspendCardRequest():
            return Text.WILL_SUSPEND
        case pb.ResumeCardRequest():
            return Text.WILL_RESUME
        case pb.RevokeCardRequest():
            return Text.WILL_REVOKE
        case pb.ReissueCardRequest() if request.HasField("lost"):
            return Text.WILL_REISSUE_LOST
        case pb.ReissueCardRequest():
            return Text.WILL_REISSUE_RETURNED
        case _:
            return Text.WILL_RETURN


def _report_lines(request: pb.SuspendCardRequest, language: Language) -> list[str]:
    right = sum(one.answered_rightly for one in request.questions)
    return [
        Text.REPORT.say(
            language,
            reporter=words_in(language, REPORTERS).get(request.reporter, ""),
            channel=words_in(language, CHANNELS).get(request.channel, ""),
            reason=words_in(language, LOSSES).get(request.reason, ""),
        ),
        Text.ANSWERS.say(language, asked=len(request.questions), right=right),
    ]
