"""`resident …`: the register of the terminal's own municipality, for clerks.

What a clerk says comes from a file or from prompts; the answer is a table, or the answer's message
in JSON. How a change is made once is in `juki_terminal.residents`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

from google.protobuf import json_format
from google.protobuf.message import Message

from juki_client.change_journal import ChangeJournal
from juki_client.changes import Answered, Changes
from juki_client.outcome import JSON, Problem
from juki_client.patience import Patience
from juki_client.report import Report, say
from juki_client.request_form import read_form
from juki_terminal.cli.residents_questions import Questions
from juki_terminal.cli.residents_tables import history_tables, household_table, record_table
from juki_terminal.cli.residents_texts import Text
from juki_terminal.cli.signed_in import require_clerk
from juki_terminal.register_words import moment_text
from juki_terminal.residents import CALLS, change, question
from juki_terminal.sign_in import propose
from jukinet.residents.v1 import resident_service_pb2 as pb

if TYPE_CHECKING:
    from juki_client.outcome import Language
    from juki_terminal.channel import Center
    from juki_terminal.cli.settings import Settings
    from juki_terminal.config import TerminalConfig
    from jukinet.residents.v1 import residence_record_pb2 as records_pb

_STEPS: Final = {"protect": "begin", "lift": "lift", "end-protection": "end"}
_NEED_TWO: Final = ("lift", "end-protection")
_MEASURE: Final = (
    f"/{pb.DESCRIPTOR.services_by_name['ResidentService'].full_name}/SetProtectiveMeasure"
)
_LOCK_SIZE: Final = 16


@dataclass(frozen=True, slots=True)
class ResidentOptions:
    """What a command of the register was called with; no datum of a resident is among it."""

    command: str
    form: str | None = None
    lock: str | None = None
    minutes: int | None = None
    approval: str | None = None
    history: bool = False
    deleted: bool = False


def run(settings: Settings, options: ResidentOptions) -> Report:
    """Carry out one command of the register."""
    config = settings.config()
    with settings.center(config) as center:
        request = _request(settings, center, options)
        if not CALLS[options.command].changes:
            return _report(settings, options.command, question(center, options.command, request))
        if options.command in _NEED_TWO and options.approval is None:
            return _proposed(settings, center, options.command, request)
        return _changed(settings, config, center, options.command, request)


def _proposed(settings: Settings, center: Center, command: str, request: Message) -> Report:
    """Propose what a second clerk has to approve."""
    proposal = propose(center, _MEASURE, request)
    text = Text.PROPOSED.say(settings.language, command=command, id=proposal.approval_id)
    result: dict[str, JSON] = {
        "approval_id": proposal.approval_id,
        "digest": proposal.digest.hex(),
        "expires": proposal.expire_time.ToJsonString(),
    }
    return Report(result, text)


def _changed(
    settings: Settings, config: TerminalConfig, center: Center, command: str, request: Message
) -> Report:
    path = config.journal.with_name(config.journal.name + ".residents")
    with ChangeJournal(path) as journal:
        is_repeated = journal.open_change(command) is not None
        changes = Changes(center, journal, patience=Patience(seconds=config.retry_seconds))
        try:
            answered = change(center, changes, command, request)
        except Problem as problem:
            _explain(settings, command, problem, is_repeated=is_repeated)
            raise
    if answered.is_repeated:
        say(Text.REPEATED.say(settings.language, command=command))
    return _report(settings, command, answered)


def _explain(settings: Settings, command: str, problem: Problem, *, is_repeated: bool) -> None:
    """Say what the clerk does next, where the reason alone does not."""
    if problem.reason == "OUTCOME_UNKNOWN":
        say(Text.RUN_AGAIN.say(settings.language, command=command))
    elif problem.reason in ("REQUEST_ID_REUSED", "ANSWER_EXPIRED") and is_repeated:
        say(Text.EARLIER_STANDS.say(settings.language, command=command))


def _request(settings: Settings, center: Center, options: ResidentOptions) -> Message:
    kind = CALLS[options.command].request
    request = read_form(options.form, kind) if options.form is not None else kind()
    _add_options(request, options)
    if options.form is None and options.command != "unlock":
        _ask(settings, center, options, request)
    _add_step(request, options)
    return request


def _add_options(request: Message, options: ResidentOptions) -> None:
    if options.approval is not None:
        request.approval_id = options.approval  # type: ignore[attr-defined]  # the commands with an approval have it
    if options.lock is not None:
        request.lock_id = _lock_id(options.lock)  # type: ignore[attr-defined]  # the commands with a lock have it
    if isinstance(request, pb.GetRecordRequest) and options.history:
        request.with_history = True
    if isinstance(request, pb.ListHouseholdRequest) and options.deleted:
        request.with_deleted = True


def _lock_id(digits: str) -> bytes:
    try:
        octets = bytes.fromhex(digits)
    except ValueError:
        octets = b""
    if len(octets) != _LOCK_SIZE:
        raise Problem("USAGE_INVALID", {"field": "lock", "rule": "32 hexadecimal digits"})
    return octets


def _ask(settings: Settings, center: Center, options: ResidentOptions, request: Message) -> None:
    def look(code: str) -> records_pb.ResidenceRecord:
        asked = pb.GetRecordRequest(code=code)
        return cast("pb.GetRecordResponse", question(center, "show", asked).message).record

    require_clerk(center, settings.language)
    Questions(settings.language, look).fill(options.command, request)


def _add_step(request: Message, options: ResidentOptions) -> None:
    """Put in the step of a protective measure that the command stands for."""
    if not isinstance(request, pb.SetProtectiveMeasureRequest):
        return
    step = _STEPS[options.command]
    if request.WhichOneof("step") not in (None, step):
        raise Problem("USAGE_INVALID", {"field": "step", "rule": step})
    if step == "lift" and options.minutes is not None:
        request.lift.FromSeconds(60 * options.minutes)
    elif step == "lift" and not request.HasField("lift"):
        raise Problem("USAGE_INVALID", {"field": "minutes"})
    else:
        getattr(request, step).SetInParent()


def _report(settings: Settings, command: str, answered: Answered) -> Report:
    result: dict[str, JSON] = json_format.MessageToDict(
        answered.message, preserving_proto_field_name=True
    )
    if answered.request_id:
        result = {"request_id": answered.request_id, "repeated": answered.is_repeated, **result}
    lines = _lines(answered.message, settings.language)
    if CALLS[command].changes:
        lines.insert(0, Text.DONE.say(settings.language))
    return Report(result, "\n".join(lines))


def _lines(message: Message, language: Language) -> list[str]:
    match message:
        case pb.GetRecordResponse():
            shown = record_table(message.record, language)
            return [shown, *history_tables(message.earlier_versions, language)]
        case pb.ListHouseholdResponse():
            return [household_table(message.records, language)]
        case pb.ChangeHouseholdResponse():
            return [household_table(message.records, language), *_notes(message, language)]
        case pb.LockRecordResponse():
            until = moment_text(message.expire_time)
            return [Text.LOCKED.say(language, lock=message.lock_id.hex(), until=until)]
        case pb.UnlockRecordResponse():
            return [Text.UNLOCKED.say(language)]
        case _:
            record = cast("pb.CorrectRecordResponse", message).record
            return [record_table(record, language), *_notes(message, language)]


def _notes(message: Message, language: Language) -> list[str]:
    """Return what else a clerk should know of an answer: each field that is set, in words."""
    notes = {
        "lapsed_card_count": Text.CARDS_LAPSED,
        "revoked_card_count": Text.CARDS_REVOKED,
        "household_needs_head": Text.NEEDS_HEAD,
        "code_stock_is_low": Text.STOCK_LOW,
    }
    return [
        notes[field.name].say(language, count=value)
        for field, value in message.ListFields()
        if field.name in notes
    ]
