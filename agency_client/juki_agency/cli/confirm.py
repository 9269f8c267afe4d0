"""`confirm`: one question about one person, from a form or by prompts."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.table import Table

from juki_agency import answers, questions
from juki_agency.cli.tables import drawn
from juki_agency.cli.texts import Text
from juki_client.outcome import Exit, Language, Problem
from juki_client.report import Report
from jukinet.agencies.v1 import identity_confirmation_service_pb2 as pb

if TYPE_CHECKING:
    from juki_agency.center import Center
    from juki_agency.cli.settings import Settings

_PROMPTS = {
    "name": Text.ASK_NAME,
    "name_kana": Text.ASK_KANA,
    "birth": Text.ASK_BIRTH,
    "sex": Text.ASK_SEX,
    "address": Text.ASK_ADDRESS,
    "municipality": Text.ASK_MUNICIPALITY,
    "prefecture": Text.ASK_PREFECTURE,
}


@dataclass(frozen=True, slots=True)
class ConfirmOptions:
    """What `confirm` was called with; without a form, the person is asked for by prompts."""

    affair: str
    items: tuple[questions.Item, ...] = ()
    watch: bool = False
    form: str | None = None
    by_code: bool = True


def confirm(settings: Settings, options: ConfirmOptions) -> Report:
    """Ask, and show the answer. Only a plain match is a yes."""
    question = questions.question_of(_fields(options, settings.language))
    with settings.center() as center:
        confirmation = _ask(center, question, options)
    facts = answers.facts_of(confirmation)
    is_yes = facts["outcome"] == answers.MATCH
    text = _table(confirmation, settings.language)
    return Report(facts, text, Exit.DONE if is_yes else Exit.REFUSED)


def _ask(
    center: Center, question: pb.ConfirmBatchRequest.Line, options: ConfirmOptions
) -> pb.Confirmation:
    items = questions.item_numbers(options.items)
    if question.WhichOneof("question") == "code":
        by_code = pb.ConfirmByCodeRequest(
            affair=options.affair, code=question.code, items=items, watch_changes=options.watch
        )
        return center.confirm_by_code(by_code)
    by_attributes = pb.ConfirmByAttributesRequest(
        affair=options.affair,
        attributes=question.attributes,
        items=items,
        watch_changes=options.watch,
    )
    return center.confirm_by_attributes(by_attributes)


def _fields(options: ConfirmOptions, language: Language) -> dict[str, str]:
    if options.form is not None:
        return _read_form(options.form)
    if options.by_code:
        return {questions.CODE: _prompt(Text.ASK_CODE, language)}
    return {name: _prompt(text, language) for name, text in _PROMPTS.items()}


def _read_form(source: str) -> dict[str, str]:
    """Read a person's fields from a JSON file, or from standard input."""
    try:
        text = sys.stdin.read() if source == "-" else Path(source).read_text(encoding="utf-8")
        fields = json.loads(text)
    except (OSError, ValueError, RecursionError) as error:
        raise Problem("USAGE_INVALID", {"field": "from", "rule": "a JSON object"}) from error
    if not isinstance(fields, Mapping):
        raise Problem("USAGE_INVALID", {"field": "from", "rule": "a JSON object"})
    for name, value in fields.items():
        if name not in questions.FIELDS:
            rule = "fields are " + ", ".join(questions.FIELDS)
            raise Problem("USAGE_INVALID", {"field": "from", "rule": rule})
        if not isinstance(value, str):
            raise Problem("USAGE_INVALID", {"field": name, "rule": "a text"})
    return dict(fields)


def _prompt(text: Text, language: Language) -> str:
    answer: str = typer.prompt(text.say(language), default="", show_default=False, err=True)
    return answer.strip()


def _table(confirmation: pb.Confirmation, language: Language) -> str:
    """Draw the answer: the outcome first, then what was told."""
    facts = answers.facts_of(confirmation)
    outcome = str(facts["outcome"])
    table = Table(show_header=False)
    table.add_column()
    # A name is shown whole, on as many lines as it takes.
    table.add_column(overflow="fold")
    table.add_row(Text.OUTCOME.say(language), f"{outcome} ({_both(outcome)})")
    if confirmation.count:
        table.add_row(Text.COUNT.say(language), str(confirmation.count))
    if confirmation.varied:
        varied = [
            answers.item_label(name, language) for name in answers.item_names(confirmation.varied)
        ]
        table.add_row(Text.VARIED.say(language), ", ".join(varied))
    for name, told in answers.information_of(confirmation).items():
        table.add_row(answers.item_label(name, language), told)
    for text, name in (
        (Text.DELETION_REASON, "deletion_reason"),
        (Text.DELETION_DATE, "deletion_date"),
        (Text.REFERENCE, "subject_reference"),
        (Text.PROVISION, "provision"),
    ):
        if name in facts:
            table.add_row(text.say(language), str(facts[name]))
    return drawn(table)


def _both(outcome: str) -> str:
    return " / ".join(answers.outcome_label(outcome, one) for one in Language)
