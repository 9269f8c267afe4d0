"""`copy issue` and `copy status`: one copy from the applicant's word to the paper in the tray."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import typer

from juki_client.outcome import JSON, Problem
from juki_client.patience import Patience
from juki_client.report import Report, say
from juki_terminal.application import CardProof, CopyApplication, Item, Scope
from juki_terminal.cli.entries import pin_source, surroundings
from juki_terminal.cli.form import Form
from juki_terminal.cli.signed_in import require_clerk
from juki_terminal.cli.texts import Text
from juki_terminal.copies import CopyDesk, CopyStatus, Tray, issue_copy, resume
from juki_terminal.journal import Entry, State
from juki_terminal.paper_press import PaperPress
from juki_terminal.printer import FilePrinter
from juki_terminal.session import authenticate
from jukinet.copies.v1 import certificate_copy_service_pb2 as copies_pb

if TYPE_CHECKING:
    from collections.abc import Iterator

    from juki_terminal.channel import Center
    from juki_terminal.cli.settings import Settings
    from juki_terminal.config import TerminalConfig
    from juki_terminal.journal import Journal

_RESIDENT_MOVED: Final = "RESIDENT_MOVED"


@dataclass(frozen=True, slots=True)
class IssueOptions:
    """What `copy issue` was called with."""

    out: Path
    photo_id: bool = False
    form: str | None = None
    household: bool = False
    member: bool = False
    items: tuple[Item, ...] = ()
    pin_from: str | None = None


def issue(settings: Settings, options: IssueOptions) -> Report:
    """Issue a copy to an applicant with a card, or with a photo document."""
    if options.form == "-" and options.pin_from == "-":
        raise Problem("USAGE_INVALID", {"field": "from", "rule": "one of both from standard input"})
    config = settings.config()
    form = Form.read(options.form, settings.language)
    with settings.journal(config) as journal, settings.center(config) as center:
        journal.require_none_open()
        center.require_reachable()
        if options.photo_id and options.form is None:
            require_clerk(center, settings.language)
        desk = _desk(config, center, journal, FilePrinter(options.out))
        application = _application(settings, config, center, form, options)
        say(Text.ISSUING.say(settings.language))
        with naming_open_issue(journal):
            status = issue_copy(desk, application)
    return _report(settings, status)


def status(settings: Settings, key: str | None, out: Path | None, tray: Tray | None) -> Report:
    """Say what became of an issue, and finish it where it is open; without a key, the open one."""
    config = settings.config()
    if key is None:
        with settings.journal(config) as journal:
            entry = journal.open_entry()
        if entry is None:
            return Report({"open": False}, Text.NONE_OPEN.say(settings.language))
        if out is None and tray is None:
            return _open_issue(settings, entry)
        key = entry.request_id
    with settings.journal(config) as journal, settings.center(config) as center:
        if journal.find(key) is None:
            return _ask_center(settings, center, key)
        desk = _desk(config, center, journal, _printer(out))

        def look(entry: Entry) -> Tray:
            return tray or _ask_tray(settings, entry)

        with naming_open_issue(journal):
            return _report(settings, resume(desk, key, look))


def _open_issue(settings: Settings, entry: Entry) -> Report:
    """Show the open issue as the journal has it; nothing is asked, sent or printed."""
    result: dict[str, JSON] = {
        "open": True,
        "request_id": entry.request_id,
        "issue_number": entry.issue_number,
        "state": entry.state.value,
        "attempt": entry.attempt,
    }
    text = Text.OPEN_ISSUE.say(
        settings.language,
        request=entry.request_id,
        number=entry.issue_number or "-",
        state=entry.state.value,
        attempt=entry.attempt,
    )
    return Report(result, text)


class _NoPrinter:
    """Stands where no output was named."""

    def print(self, pdf: bytes, issue_number: str) -> None:  # noqa: ARG002  # nothing is printed
        raise Problem("USAGE_INVALID", {"field": "out", "issueNumber": issue_number})


def _printer(out: Path | None) -> FilePrinter | _NoPrinter:
    return _NoPrinter() if out is None else FilePrinter(out)


def _desk(
    config: TerminalConfig, center: Center, journal: Journal, printer: FilePrinter | _NoPrinter
) -> CopyDesk:
    return CopyDesk(
        center=center,
        journal=journal,
        press=PaperPress.load(config.trust_dir),
        printer=printer,
        patience=Patience(seconds=config.retry_seconds),
    )


def _application(
    settings: Settings,
    config: TerminalConfig,
    center: Center,
    form: Form,
    options: IssueOptions,
) -> CopyApplication:
    """Take the applicant's wishes first, so that a mistake in them costs no card session."""
    listed = options.member or form.names_members
    if listed and options.household:
        raise Problem("USAGE_INVALID", {"field": "household", "rule": "or members, not both"})
    subjects = form.members() if listed else ()
    proof = (
        form.photo_document()
        if options.photo_id
        else _card_proof(settings, config, center, options)
    )
    scope = Scope.HOUSEHOLD if options.household else Scope.LISTED if listed else Scope.SELF
    return CopyApplication(proof, scope, subjects, options.items, config.fee_yen)


def _card_proof(
    settings: Settings, config: TerminalConfig, center: Center, options: IssueOptions
) -> CardProof:
    source = pin_source(settings.language, options.pin_from)
    around = surroundings(settings, config)
    card = authenticate(center, settings.reader(), source, surroundings=around)
    return CardProof(card.session_id, card.transcript_hash)


@contextmanager
def naming_open_issue(journal: Journal) -> Iterator[None]:
    """Name the open issue to a clerk who breaks off."""
    try:
        yield
    except (KeyboardInterrupt, typer.Abort) as error:
        entry = journal.open_entry()
        facts = {"requestId": entry.request_id, "state": entry.state.value} if entry else {}
        raise Problem("INTERRUPTED", facts) from error


def _ask_tray(settings: Settings, entry: Entry) -> Tray:
    question = Text.ASK_TRAY.say(
        settings.language, number=entry.issue_number, attempt=entry.attempt
    )
    while True:
        answer: str = typer.prompt(question, err=True)
        if answer.strip() in set(Tray):
            return Tray(answer.strip())


def _ask_center(settings: Settings, center: Center, key: str) -> Report:
    """Ask about an issue that this journal does not know, such as one before a new journal."""
    request = copies_pb.GetIssueRequest(issue_number=key)
    if len(key) == 36 and key.count("-") == 4:
        request = copies_pb.GetIssueRequest(request_id=key)
    issue = center.call(center.copies.GetIssue, request).issue
    state = copies_pb.PrintState.Name(issue.print_state).removeprefix("PRINT_STATE_").lower()
    result: dict[str, JSON] = {
        "request_id": request.request_id,
        "issue_number": issue.issue_number,
        "state": state,
        "attempt": issue.print_attempts,
    }
    text = Text.ISSUE_STATE.say(
        settings.language, number=issue.issue_number, state=state, attempt=issue.print_attempts
    )
    return Report(result, text)


def _report(settings: Settings, found: CopyStatus) -> Report:
    result: dict[str, JSON] = {
        "request_id": found.request_id,
        "issue_number": found.issue_number,
        "state": found.state.value,
        "attempt": found.attempt,
        "pdf_sha256": found.pdf_sha256.hex(),
    }
    language = settings.language
    facts = {"number": found.issue_number, "attempt": found.attempt, "request": found.request_id}
    match found.state:
        case State.REFUSED:
            return Report(result, Text.NOT_ISSUED.say(language))
        case State.ABANDONED:
            result["recalled_because"] = found.recalled_because
            is_void = found.recalled_because == _RESIDENT_MOVED
            text = Text.MOVED_BEFORE_PRINT if is_void else Text.GIVEN_UP
            return Report(result, text.say(language, **facts))
        case State.PRINTED:
            say(Text.REPORT_MISSING.say(language, **facts))
            result["open_because"] = found.open_because
        case _:
            pass
    return Report(result, Text.ISSUED.say(language, **facts))
