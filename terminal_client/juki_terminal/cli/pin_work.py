"""`card hand-over` and `card unlock`: the holder's PIN comes to the card, and the center knows."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from google.protobuf import json_format

from juki_client.card_numbers import NumberKind, read_number
from juki_client.change_journal import ChangeJournal
from juki_client.changes import Changes
from juki_client.outcome import JSON
from juki_client.patience import Patience
from juki_client.report import Report, say
from juki_client.request_form import parse_form, read_fields
from juki_terminal.card_work import CardWork
from juki_terminal.cli import entries
from juki_terminal.cli.advice import advised, advised_of_pin
from juki_terminal.cli.card_life_questions import ask_representative
from juki_terminal.cli.card_life_tables import card_table
from juki_terminal.cli.card_life_texts import Text, grouped
from juki_terminal.cli.document_form import ask_documents, document_lines, take_documents
from juki_terminal.cli.prompts import confirm
from juki_terminal.cli.residents_texts import Text as ChangeText
from juki_terminal.cli.signed_in import require_clerk
from juki_terminal.hand_over import HandOverOrder, hand_over
from juki_terminal.new_pin import NewPinSource
from juki_terminal.pin_desk import PinDesk
from juki_terminal.unlock import UnlockOrder, unlock
from jukinet.cards.v1 import card_pb2
from jukinet.cards.v1 import card_service_pb2 as pb
from jukinet.cards.v1.identity_document_pb2 import LegalRepresentative

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from juki_client.changes import Answered
    from juki_client.outcome import Language
    from juki_terminal.channel import Center
    from juki_terminal.cli.settings import Settings
    from juki_terminal.config import TerminalConfig
    from juki_terminal.identity_documents import SeenDocument


@dataclass(frozen=True, slots=True)
class PinOptions:
    """What a command was called with. `number` is an application's, or a card's."""

    number: str
    form: str | None = None
    new_pin_from: str | None = None
    pin_from: str | None = None
    can_from: str | None = None
    is_certain: bool = False
    forgotten: bool = False


@dataclass(frozen=True, slots=True)
class _Said:
    """What the clerk said."""

    seen: tuple[SeenDocument, ...]
    representative: LegalRepresentative | None = field(default=None, repr=False)


def hand_card_over(settings: Settings, options: PinOptions) -> Report:
    """Hand a card over, or finish a hand-over that was cut off."""
    language = settings.language
    number = read_number(options.number, NumberKind.APPLICATION, "application_number")
    _refuse_early(options)
    config = settings.config()
    with settings.center(config) as center:
        said = _said(center, options, language, pb.BeginHandOverRequest)
        order = HandOverOrder(
            application=number,
            documents=said.seen,
            new_pin=_new_pin(options, language),
            begun=lambda begun: _tell_card(begun, language),
        )
        with _at_desk(settings, config, center, f"card hand-over {number}") as desk:
            answered = hand_over(desk, order)
            _tell_repeated(answered, "card hand-over", language)
            work = desk.work.of_application(number)
    answer = cast("pb.HandOverResponse", answered.message)
    fee = work.fee_yen if work is not None else 0
    lines = [Text.HANDED_OVER.say(language, number=grouped(answer.card.number), fee=fee)]
    return _report(answered, answer.card, lines, language)


def unlock_card(settings: Settings, options: PinOptions) -> Report:
    """Unlock a PIN, or finish an unlocking that was cut off."""
    language = settings.language
    number = read_number(options.number, NumberKind.CARD, "card_number")
    _refuse_early(options)
    config = settings.config()
    with settings.center(config) as center:
        said = _said(center, options, language, pb.BeginUnlockPinRequest)
        order = UnlockOrder(
            card_number=number,
            forgotten=options.forgotten,
            documents=said.seen,
            can=entries.can_source(language, options.can_from),
            pin=entries.pin_source(language, options.pin_from),
            new_pin=_new_pin(options, language),
            representative=said.representative,
        )
        with _at_desk(settings, config, center, f"card unlock {number}") as desk:
            answered = unlock(desk, order)
            _tell_repeated(answered, "card unlock", language)
    card = cast("pb.UnlockPinResponse", answered.message).card
    done = Text.NEW_PIN_PROVED if options.forgotten else Text.UNLOCKED
    lines = [done.say(language, number=grouped(card.number))]
    if card.state == card_pb2.CARD_STATE_MADE:
        lines.append(Text.STILL_TO_HAND_OVER.say(language))
    return _report(answered, card, lines, language)


@contextmanager
def _at_desk(
    settings: Settings, config: TerminalConfig, center: Center, command: str
) -> Iterator[PinDesk]:
    """Open the reader and the journals; say what follows where it ends too early."""
    language = settings.language
    around = entries.surroundings(settings, config)
    path = config.journal
    with (
        advised(language, command),
        advised_of_pin(language),
        ChangeJournal(path.with_name(path.name + ".pins")) as journal,
        CardWork(path.with_name(path.name + ".pin-work")) as work,
    ):
        changes = Changes(center, journal, patience=Patience(seconds=config.retry_seconds))
        yield PinDesk(center, settings.reader(), changes, work, around)


def _refuse_early(options: PinOptions) -> None:
    """Refuse two options that read standard input, before anything is opened."""
    entries.refuse_both_from_stdin(
        **{
            "from": options.form,
            "new_pin_from": options.new_pin_from,
            "pin_from": options.pin_from,
            "can_from": options.can_from,
        }
    )


def _said(
    center: Center,
    options: PinOptions,
    language: Language,
    kind: type[pb.BeginHandOverRequest] | type[pb.BeginUnlockPinRequest],
) -> _Said:
    """Take what the clerk says from a file or from prompts, and show it before the act."""
    if options.form is None:
        require_clerk(center, language)
        said = _asked(language, kind)
    else:
        fields = read_fields(options.form)
        seen = take_documents(fields, "documents")
        request = parse_form(fields, kind)
        said = _Said(seen, _representative_in(request))
    if options.form is None and not options.is_certain:
        lines = _summary(options, said, language, kind)
        confirm(lines, Text.GO_ON.say(language), language)
    return said


def _summary(options: PinOptions, said: _Said, language: Language, kind: type[object]) -> list[str]:
    """Say what is about to be done; no number of a document is in it."""
    shown = ", ".join(document_lines(said.seen, language))
    documents = Text.DOCUMENTS.say(language, documents=shown)
    if kind is pb.BeginHandOverRequest:
        return [Text.WILL_HAND_OVER.say(language, number=options.number), documents]
    will = Text.WILL_FORGET if options.forgotten else Text.WILL_KEEP
    number = Text.CARD_BY_NUMBER.say(language, number=options.number)
    return [will.say(language), number, documents]


def _asked(language: Language, kind: type[object]) -> _Said:
    seen = ask_documents(language)
    if kind is not pb.BeginUnlockPinRequest:
        return _Said(seen)
    representative = LegalRepresentative()
    ask_representative(representative, language)
    return _Said(seen, representative if representative.name else None)


def _representative_in(
    request: pb.BeginHandOverRequest | pb.BeginUnlockPinRequest,
) -> LegalRepresentative | None:
    if isinstance(request, pb.BeginUnlockPinRequest) and request.HasField("representative"):
        return request.representative
    return None


def _new_pin(options: PinOptions, language: Language) -> Callable[[Sequence[str]], NewPinSource]:
    def source(forbidden: Sequence[str]) -> NewPinSource:
        say(Text.CHOOSE_PIN.say(language))
        return entries.new_pin_source(language, options.new_pin_from, forbidden)

    return source


def _tell_card(begun: pb.BeginHandOverResponse, language: Language) -> None:
    number = grouped(begun.card_number)
    say(Text.PUT_CARD.say(language, number=number, fee=begun.fee_yen))


def _tell_repeated(answered: Answered, command: str, language: Language) -> None:
    if answered.is_repeated:
        say(ChangeText.REPEATED.say(language, command=command))


def _report(
    answered: Answered, card: card_pb2.Card, lines: list[str], language: Language
) -> Report:
    result: dict[str, JSON] = json_format.MessageToDict(
        answered.message, preserving_proto_field_name=True
    )
    facts: dict[str, JSON] = {
        "request_id": answered.request_id,
        "repeated": answered.is_repeated,
        **result,
    }
    return Report(facts, "\n".join([*lines, card_table(card, language)]))
