"""`suspend`: take a report, stop the card, and say at once whether it is stopped."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from google.protobuf import json_format

from juki_client.card_numbers import NumberKind, read_number
from juki_client.card_words import state_word
from juki_client.change_journal import Change, ChangeJournal
from juki_client.changes import Changes
from juki_client.outcome import JSON, Exit, Problem
from juki_client.patience import Patience
from juki_client.report import Report, say
from juki_client.request_form import read_form
from juki_desk.cli.prompts import Prompts
from juki_desk.cli.texts import Text
from juki_desk.cli.words import number_text, since_text, time_text
from juki_desk.suspensions import Suspended, suspend, unknown_reports
from jukinet.cards.v1 import card_pb2
from jukinet.cards.v1 import card_service_pb2 as pb

if TYPE_CHECKING:
    from juki_client.outcome import Language
    from juki_desk.cli.settings import Settings
    from juki_desk.config import DeskConfig

_MISSING: Final = "RECEIPT_MISSING"
_OVER: Final = frozenset(("CARD_REVOKED", "CARD_EXPIRED"))


@dataclass(frozen=True, slots=True)
class SuspendOptions:
    """What `suspend` was called with; without a form, the desk is asked by prompts."""

    form: str | None = None
    clerk: str | None = None
    repeat: str | None = None


def run(settings: Settings, options: SuspendOptions) -> Report:
    """Take one report and send it."""
    config = settings.config()
    unknown = _unknown(config)
    earlier = _earlier(settings, options, unknown)
    report = _report(settings, options)
    _remind(settings.language, [one for one in unknown if one is not earlier])
    with settings.center(config) as center, ChangeJournal(config.journal) as journal:
        changes = Changes(center, journal, patience=Patience(seconds=config.retry_seconds))
        try:
            suspended = suspend(
                center,
                changes,
                report,
                earlier=earlier,
                tell_of_earlier=lambda: say(Text.EARLIER_STANDS.say(settings.language)),
            )
        except Problem as problem:
            say(_explanation(problem, settings.language))
            raise
    told = _told(suspended, settings.language)
    doubt = suspended.receipt_problem
    if doubt is not None and doubt.reason != _MISSING:
        # What became of the card is told first; then that the log contradicts itself.
        say(told.text)
        raise doubt
    return told


def _unknown(config: DeskConfig) -> tuple[Change, ...]:
    """Look into the journal, and let it go: nobody waits for it while a caller is asked."""
    with ChangeJournal(config.journal) as journal:
        return unknown_reports(journal, datetime.now(UTC))


def _earlier(
    settings: Settings, options: SuspendOptions, unknown: tuple[Change, ...]
) -> Change | None:
    """Return the report whose outcome is unknown and that this one repeats."""
    if options.repeat is not None:
        for one in unknown:
            if one.request_id == options.repeat:
                return one
        rule = "a report of the last 24 hours whose outcome is unknown"
        raise Problem("USAGE_INVALID", {"field": "repeat", "rule": rule})
    if options.form is None and unknown:
        newest = unknown[-1]
        if Prompts(settings.language).is_same(_time(newest)):
            return newest
    return None


def _report(settings: Settings, options: SuspendOptions) -> pb.SuspendCardRequest:
    if options.form is None:
        return Prompts(settings.language).report(options.clerk)
    report = read_form(options.form, pb.SuspendCardRequest, names_clerk=True)
    if report.card.card_number:
        number = read_number(report.card.card_number, NumberKind.CARD, "card.card_number")
        report.card.card_number = number
    if options.clerk is not None:
        report.clerk_name = options.clerk
    return report


def _remind(language: Language, others: list[Change]) -> None:
    for one in others:
        say(Text.REMINDER.say(language, time=_time(one), id=one.request_id))


def _time(change: Change) -> str:
    return time_text(datetime.fromtimestamp(change.at, UTC))


def _explanation(problem: Problem, language: Language) -> str:
    """Say what a problem means for the card: the first thing that a caller wants to know."""
    if problem.reason == "OUTCOME_UNKNOWN":
        return Text.UNKNOWN.say(language, id=problem.metadata.get("requestId", ""))
    return (Text.OVER if problem.reason in _OVER else Text.NOT_STOPPED).say(language)


def _told(suspended: Suspended, language: Language) -> Report:
    card = suspended.answer.card
    is_stopped = card.state == card_pb2.CARD_STATE_SUSPENDED
    number = number_text(card.number)
    if is_stopped:
        since = since_text(suspended.answer)
        lines = [Text.STOPPED.say(language, number=number, time=since)]
        lines.append(Text.IN_PERSON.say(language))
    else:
        state = state_word(card.state, language)
        lines = [Text.NOT_STOPPED_STATE.say(language, number=number, state=state)]
    has_receipt = suspended.receipt_problem is None
    if not has_receipt:
        lines.append(Text.NO_RECEIPT.say(language))
    if suspended.is_repeated:
        lines.append(Text.REPEATED.say(language))
    told: dict[str, JSON] = json_format.MessageToDict(
        suspended.answer, preserving_proto_field_name=True
    )
    facts: dict[str, JSON] = {
        "stopped": is_stopped,
        "request_id": suspended.request_id,
        "repeated": suspended.is_repeated,
        **told,
        "receipt": has_receipt,
    }
    return Report(facts, "\n".join(lines), Exit.DONE if is_stopped else Exit.REFUSED)
