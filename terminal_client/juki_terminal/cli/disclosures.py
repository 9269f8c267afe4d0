"""`disclosure …`: the holder proves card and PIN, the center discloses, the paper is printed.

A disclosure stands once it was made, whether a paper comes out or not.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from google.protobuf import json_format

from juki_client.outcome import JSON, Problem
from juki_client.report import Report
from juki_terminal import disclosure_words as words
from juki_terminal import disclosures
from juki_terminal.cli import entries
from juki_terminal.cli.signed_in import require_clerk
from juki_terminal.cli.tables import table
from juki_terminal.disclosures import Asked
from juki_terminal.paper.disclosure import DisclosurePaper, disclosure_pdf
from juki_terminal.paper.errors import PaperError
from juki_terminal.paper_press import paper_problem
from juki_terminal.printer import write_whole
from juki_terminal.session import authenticate
from jukinet.options.v1 import options_pb2

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from juki_terminal.channel import Center
    from juki_terminal.cli.settings import Settings
    from juki_terminal.config import TerminalConfig

_CODE_DIGITS: Final = 11


@dataclass(frozen=True, slots=True)
class Options:
    """What a disclosure was called with; no datum of a resident is among it."""

    out: Path | None = None
    code_from: str | None = None
    pin_from: str | None = None


def own(settings: Settings, options: Options) -> Report:
    """Disclose what the register holds of the holder."""
    config = settings.config()
    with settings.center(config) as center:
        told = disclosures.own_information(center, _asked(settings, config, center, options))
    paper = DisclosurePaper(
        title=words.OWN_TITLE,
        statement=words.OWN_STATEMENT,
        disclosed_on=words.day_of(told.disclosed_time),
        rows=tuple(words.own_rows(told)),
    )
    return _report(told, paper, options.out)


def provisions(settings: Settings, options: Options) -> Report:
    """Disclose to whom the holder's information was provided."""
    config = settings.config()
    with settings.center(config) as center:
        told = disclosures.provisions(center, _asked(settings, config, center, options))
    paper = DisclosurePaper(
        title=words.LOG_TITLE,
        statement=words.LOG_STATEMENT,
        disclosed_on=words.day_of(told.disclosed_time),
        rows=tuple(words.log_rows(told)),
        head=words.HEAD,
        lines=tuple(words.provision_cells(one) for one in told.provisions),
        note="" if told.provisions else words.NO_SUCH_RECORD,
    )
    return _report(told, paper, options.out)


def _asked(settings: Settings, config: TerminalConfig, center: Center, options: Options) -> Asked:
    """Have the holder prove card and PIN; raise Problem."""
    entries.refuse_both_from_stdin(code_from=options.code_from, pin_from=options.pin_from)
    code = _code(options.code_from)
    if options.pin_from is None:
        require_clerk(center, settings.language)
    card = authenticate(
        center,
        settings.reader(),
        entries.pin_source(settings.language, options.pin_from),
        purpose=options_pb2.PURPOSE_OWN_DISCLOSURE,
        surroundings=entries.surroundings(settings, config),
    )
    return Asked(card.session_id, code)


def _code(code_from: str | None) -> str:
    """Read the code that the form says; raise Problem USAGE_INVALID, never echoing it."""
    if code_from is None:
        return ""
    try:
        text = sys.stdin.read() if code_from == "-" else Path(code_from).read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        raise Problem("USAGE_INVALID", {"field": "code-from", "rule": "readable text"}) from None
    code = (text.splitlines() or [""])[0].strip()
    if len(code) != _CODE_DIGITS or not (code.isascii() and code.isdigit()):
        raise Problem("USAGE_INVALID", {"field": "code-from", "rule": "11 digits"})
    return code


def _report(told: Message, paper: DisclosurePaper, out: Path | None) -> Report:
    lines = [paper.title, table((), paper.rows)]
    if paper.lines:
        lines.append(table(paper.head, paper.lines))
    if paper.note:
        lines.append(paper.note)
    result = cast("dict[str, JSON]", json_format.MessageToDict(told))
    result.pop("receipt", None)
    if out is not None:
        _print(paper, out)
        lines.append(str(out))
        result["file"] = str(out)
    return Report(result, "\n".join(lines))


def _print(paper: DisclosurePaper, out: Path) -> None:
    """Write the paper; raise Problem CHARACTER_NOT_PRINTABLE or PRINTER_FAILED."""
    try:
        pdf = disclosure_pdf(paper)
    except PaperError as error:
        raise paper_problem(error) from error
    write_whole(out, pdf, {})
