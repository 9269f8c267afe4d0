"""`copy verify`: is this copy genuine, and what does it say.

Trust comes from `--trust` or the configuration, never from beside the document. The signed content
is shown whatever the verdict is, because the paper around it may have been changed.
"""

from __future__ import annotations

import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from juki_client.outcome import JSON, Problem
from juki_client.report import Report, say
from juki_terminal.cli.texts import Text
from juki_terminal.paper.errors import PaperError
from juki_terminal.paper.verify import State, Verdict, verify
from juki_terminal.paper_press import copy_signers, paper_problem
from jukinet.copies.v1 import certificate_copy_service_pb2 as copies_pb

if TYPE_CHECKING:
    from juki_terminal.channel import Center
    from juki_terminal.cli.settings import Settings
    from juki_terminal.paper.trust import CopySigners

_PDF: Final = b"%PDF-"
_REASONS: Final = {
    State.ALTERED: "COPY_ALTERED",
    State.UNREADABLE: "COPY_ALTERED",
    State.UNKNOWN_SIGNER: "COPY_SIGNER_UNKNOWN",
    State.RECALLED: "COPY_RECALLED",
    State.NOT_ISSUED: "COPY_NOT_ISSUED",
}
_VERDICTS: Final = {
    copies_pb.VerifyCopyResponse.VERDICT_VALID: State.VALID,
    copies_pb.VerifyCopyResponse.VERDICT_ALTERED: State.ALTERED,
    copies_pb.VerifyCopyResponse.VERDICT_UNKNOWN_SIGNER: State.UNKNOWN_SIGNER,
    copies_pb.VerifyCopyResponse.VERDICT_RECALLED: State.RECALLED,
    copies_pb.VerifyCopyResponse.VERDICT_NOT_ISSUED: State.NOT_ISSUED,
}


@dataclass(frozen=True, slots=True)
class VerifyOptions:
    """What `copy verify` was called with; without `trust` the configuration's folder is used."""

    document: str
    trust: Path | None = None
    offline: bool = False


def verify_copy(settings: Settings, options: VerifyOptions) -> Report:
    """Give the verdict; raise Problem with its reason for every verdict but a good one."""
    document = _read(options.document)
    folder = options.trust or settings.config().trust_dir
    verdict = _verdict(settings, options, document, copy_signers(folder))
    _show_content(settings, verdict)
    reason = _REASONS.get(verdict.state)
    if reason is not None:
        facts = {"issueNumber": verdict.issue_number or "", "detail": verdict.detail}
        raise Problem(reason, facts)
    if verdict.state is not State.VALID:
        raise Problem("CENTER_UNREACHABLE", {"detail": verdict.detail})
    return _good(settings, verdict)


def _read(source: str) -> bytes | str:
    """Read a PDF, or the text of a QR code."""
    try:
        octets = sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
        return octets if octets.startswith(_PDF) else octets.decode("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Problem("USAGE_INVALID", {"field": "document"}) from error


def _verdict(
    settings: Settings, options: VerifyOptions, document: bytes | str, signers: CopySigners
) -> Verdict:
    """Judge offline first; the center adds what only it knows, where it can be asked."""
    try:
        with ExitStack() as stack:
            asks = not options.offline and (options.trust is None or settings.config_path.exists())
            if not asks:
                return verify(document, signers)
            center = stack.enter_context(settings.center(settings.config()))
            return verify(document, signers, ask_center=lambda evidence: _ask(center, evidence))
    except PaperError as error:
        raise paper_problem(error) from error
    except Problem as problem:
        if problem.reason != "CENTER_UNREACHABLE":
            raise
        return verify(document, signers)


def _ask(center: Center, evidence: bytes | str) -> State:
    request = copies_pb.VerifyCopyRequest()
    if isinstance(evidence, bytes):
        request.signed_content = evidence
    else:
        request.qr_text = evidence
    verdict = center.call(center.copies.VerifyCopy, request).verdict
    return _VERDICTS.get(verdict, State.UNKNOWN_SIGNER)


def _show_content(settings: Settings, verdict: Verdict) -> None:
    if verdict.state is not State.VALID and (text := verdict.plain_text()):
        say(Text.CONTENT.say(settings.language))
        say(text)


def _good(settings: Settings, verdict: Verdict) -> Report:
    if not verdict.online:
        say(Text.VERDICT_OFFLINE.say(settings.language))
    content = verdict.plain_text()
    result: dict[str, JSON] = {
        "verdict": verdict.state.value,
        "issue_number": verdict.issue_number,
        "online": verdict.online,
        "content": content,
    }
    line = Text.VERDICT_VALID.say(settings.language, number=verdict.issue_number)
    return Report(result, f"{line}\n{content}")
