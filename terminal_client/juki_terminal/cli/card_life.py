"""`card show`, `suspend`, `resume`, `revoke`, `return`, `reissue`: a card's life, for clerks.

What a clerk says comes from a file or from prompts, and is shown once more before the act. Resuming
and returning ask the card itself first, by the number on its face. Setting PINs is in `pin_work`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from google.protobuf import json_format

from juki_client.card_numbers import NumberKind, read_number
from juki_client.change_journal import ChangeJournal
from juki_client.changes import Answered, Attempt, Changes
from juki_client.outcome import JSON, Problem
from juki_client.patience import Patience
from juki_client.report import Report, say
from juki_client.request_form import parse_form, read_fields
from juki_terminal.card_life import (
    CALLS,
    WithSession,
    change_with_session,
    change_without_card,
    question,
)
from juki_terminal.cli import entries
from juki_terminal.cli.advice import advised
from juki_terminal.cli.card_life_questions import ask_for, summary
from juki_terminal.cli.card_life_tables import card_table, cards_table
from juki_terminal.cli.card_life_texts import Text, grouped
from juki_terminal.cli.document_form import take_documents
from juki_terminal.cli.prompts import confirm
from juki_terminal.cli.residents_texts import Text as ChangeText
from juki_terminal.cli.signed_in import require_clerk
from juki_terminal.identity_documents import identity_documents
from juki_terminal.register_words import moment_text
from juki_terminal.session import authenticate
from jukinet.cards.v1 import card_pb2
from jukinet.cards.v1 import card_service_pb2 as pb
from jukinet.options.v1 import options_pb2

if TYPE_CHECKING:
    from pathlib import Path

    from google.protobuf.message import Message

    from juki_client.outcome import Language
    from juki_terminal.channel import Center
    from juki_terminal.cli.applications import SubmitOptions
    from juki_terminal.cli.settings import Settings
    from juki_terminal.config import TerminalConfig
    from juki_terminal.identity_documents import SeenDocument


@dataclass(frozen=True, slots=True)
class CardOptions:
    """What a command was called with. `is_read` tells that the card must be in the reader."""

    command: str
    number: str | None = None
    form: str | None = None
    can_from: str | None = None
    is_certain: bool = False
    is_read: bool = False
    photo: Path | None = None
    taken_on: str | None = None
    out: Path | None = None


@dataclass(frozen=True, slots=True)
class _Order:
    """What the clerk said: the request without documents, session and request id."""

    request: Message = field(repr=False)
    number: str
    seen: tuple[SeenDocument, ...]


def run(settings: Settings, options: CardOptions) -> Report:
    """Carry out one command."""
    entries.refuse_both_from_stdin(**{"from": options.form, "can_from": options.can_from})
    changes = CALLS[options.command].changes
    if changes and options.form == "-" and not options.is_certain:
        raise Problem("USAGE_INVALID", {"field": "yes", "rule": "--yes with --from -"})
    _refuse_early(options)
    config = settings.config()
    with settings.center(config) as center:
        if options.form is None or not options.is_certain:
            require_clerk(center, settings.language)
        order = _order(settings.language, options)
        if not changes:
            return _shown(settings.language, question(center, options.command, order.request))
        if not options.is_certain:
            lines = summary(order.request, order.number, order.seen, settings.language)
            confirm(lines, Text.GO_ON.say(settings.language), settings.language)
        answered = _changed(settings, config, center, options, order)
    return _report(settings.language, options, order, answered)


def _order(language: Language, options: CardOptions) -> _Order:
    request = CALLS[options.command].request()
    seen: tuple[SeenDocument, ...] = ()
    if options.form is not None:
        fields = read_fields(options.form)
        nested = isinstance(request, pb.ReissueCardRequest) and isinstance(fields, dict)
        holder = cast("dict[str, object]", fields).get("form") if nested else fields
        seen = take_documents(holder, "form.documents" if nested else "documents")
        request.MergeFrom(parse_form(fields, type(request)))
    number = _name_card(request, options)
    if options.form is None:
        seen = ask_for(request, language)
    if isinstance(request, pb.ReissueCardRequest):
        # Fonts and PDF are loaded for what may print a letter alone.
        from juki_terminal.cli.applications import add_photo  # noqa: PLC0415

        add_photo(request.form, _as_submitted(options), language)
    return _Order(request, number or _number_in(request), seen)


def _refuse_early(options: CardOptions) -> None:
    """Refuse a photo and its day before the clerk answers a form for nothing."""
    if options.photo is not None or options.taken_on:
        # As in `_order`.
        from juki_terminal.cli.applications import refuse_early  # noqa: PLC0415

        refuse_early(_as_submitted(options))


def _as_submitted(options: CardOptions) -> SubmitOptions:
    from juki_terminal.cli.applications import SubmitOptions  # noqa: PLC0415  # as in `_order`

    return SubmitOptions(options.form, photo=options.photo, taken_on=options.taken_on)


def _name_card(request: Message, options: CardOptions) -> str:
    """Put the number from the command line in, where the request has a place for it."""
    if options.number is None:
        return ""
    number = read_number(options.number, NumberKind.CARD, "card_number")
    if "card" in request.DESCRIPTOR.fields_by_name:
        request.card.card_number = number  # type: ignore[attr-defined]  # it has the field
    elif isinstance(request, pb.ReturnCardRequest) and options.is_read:
        request.expected_card_number = number
    elif isinstance(request, pb.ResumeCardRequest | pb.ReturnCardRequest):
        request.card_number = number
    elif isinstance(request, pb.ReissueCardRequest):
        request.card_session_id = b""
    return number


def _number_in(request: Message) -> str:
    reference = getattr(request, "card", None)
    return reference.card_number if isinstance(reference, pb.CardReference) else ""


def _changed(
    settings: Settings,
    config: TerminalConfig,
    center: Center,
    options: CardOptions,
    order: _Order,
) -> Answered:
    """Carry out a change, with the card in the reader or without it."""
    # A suspension must not wait for somebody who reads a number from a card.
    suffix = ".cards-in-reader" if options.is_read else ".cards"
    with ChangeJournal(config.journal.with_name(config.journal.name + suffix)) as journal:
        changes = Changes(center, journal, patience=Patience(seconds=config.retry_seconds))
        with advised(settings.language, f"card {options.command}"):
            if options.is_read:
                act = _with_session(settings, config, center, options, order)
                answered = change_with_session(center, changes, act)
            else:
                answered = change_without_card(
                    center,
                    changes,
                    options.command,
                    order.number,
                    lambda attempt: _complete(order, attempt),
                )
    if answered.is_repeated:
        command = f"card {options.command}"
        say(ChangeText.REPEATED.say(settings.language, command=command))
    return answered


def _with_session(
    settings: Settings,
    config: TerminalConfig,
    center: Center,
    options: CardOptions,
    order: _Order,
) -> WithSession:
    def prove() -> bytes:
        card = authenticate(
            center,
            settings.reader(),
            entries.can_source(settings.language, options.can_from),
            purpose=options_pb2.PURPOSE_CARD_CHECK,
            surroundings=entries.surroundings(settings, config),
        )
        return card.session_id

    return WithSession(
        options.command, order.number, lambda attempt: _complete(order, attempt), prove
    )


def _complete(order: _Order, attempt: Attempt) -> Message:
    """Return the request with what belongs to this attempt: its session, its salted documents."""
    request = type(order.request)()
    request.CopyFrom(order.request)
    documents = identity_documents(order.seen, attempt.request_id)
    match request:
        case pb.ReissueCardRequest():
            request.form.ClearField("documents")
            request.form.documents.extend(documents)
        case pb.ResumeCardRequest() | pb.RevokeCardRequest():
            request.ClearField("documents")
            request.documents.extend(documents)
        case _:
            pass
    if attempt.change.session_id:
        request.card_session_id = attempt.change.session_id  # type: ignore[attr-defined]  # those that have a session
    return request


def _shown(language: Language, answered: Answered) -> Report:
    cards = cast("pb.GetCardResponse", answered.message).cards
    return Report(_plain(answered.message), cards_table(cards, language))


def _report(language: Language, options: CardOptions, order: _Order, answered: Answered) -> Report:
    result: dict[str, JSON] = {
        "request_id": answered.request_id,
        "repeated": answered.is_repeated,
        **_plain(answered.message),
    }
    card = _card_of(answered.message)
    lines = [_sentence(answered.message, card, language)]
    if order.number and card.number != order.number:
        facts = {"wanted": grouped(order.number), "number": grouped(card.number)}
        lines.append(Text.OTHER_CARD.say(language, **facts))
    lines.append(card_table(card, language))
    if isinstance(answered.message, pb.ReissueCardResponse):
        from juki_terminal.cli.applications import letter_of  # noqa: PLC0415  # as above

        lines += letter_of(answered.message, options.out, language)
    return Report(result, "\n".join(lines))


def _card_of(answer: Message) -> card_pb2.Card:
    if isinstance(answer, pb.ReissueCardResponse):
        return answer.old_card
    return cast("pb.RevokeCardResponse", answer).card


def _sentence(answer: Message, card: card_pb2.Card, language: Language) -> str:
    number = grouped(card.number)
    match answer:
        case pb.SuspendCardResponse():
            return Text.SUSPENDED.say(language, number=number, at=moment_text(answer.suspend_time))
        case pb.ResumeCardResponse():
            is_made = card.state == card_pb2.CARD_STATE_MADE
            text = Text.RESUMED_UNDELIVERED if is_made else Text.RESUMED
            return text.say(language, number=number)
        case pb.RevokeCardResponse():
            return Text.REVOKED.say(language, number=number)
        case pb.ReissueCardResponse():
            return Text.REISSUED.say(language, number=number, application=answer.application.number)
        case _:
            return Text.RETURNED.say(language, number=number)


def _plain(message: Message) -> dict[str, JSON]:
    plain: dict[str, JSON] = json_format.MessageToDict(message, preserving_proto_field_name=True)
    return plain
