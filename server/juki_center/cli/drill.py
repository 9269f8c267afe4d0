"""`juki-center drill`: cut a municipality off for real, measure, and put all back.

It takes the part of two terminals and of two operators, by their keys in the PKI folder: streams
of the one terminal are to end, calls of the other to go on. In production it refuses unless it is
told that it is really meant.
"""

from __future__ import annotations

import threading
import time
import uuid
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import grpc
import typer

from juki_center.cli.disconnect import METHOD
from juki_center.cli.operator_channel import operator_line
from juki_center.cli.report import Exit, report, reporting
from juki_center.config import CenterConfig, Environment
from juki_center.errors import RuleBroken
from juki_client import channel as pinned_channel
from juki_client.anchors import LEAVES, read_public
from juki_client.identity import ClientIdentity
from juki_client.outcome import Problem
from juki_pki.folder import PKIFolder
from juki_pki.identity import PeerIdentity, Role
from jukinet.approvals.v1 import approval_service_pb2 as approvals_pb
from jukinet.cards.v1 import card_service_pb2 as cards_pb
from jukinet.cards.v1 import card_service_pb2_grpc as cards_grpc
from jukinet.copies.v1 import certificate_copy_service_pb2 as copies_pb
from jukinet.copies.v1 import certificate_copy_service_pb2_grpc as copies_grpc
from jukinet.fleet.v1 import terminal_service_pb2 as terminal_pb
from jukinet.fleet.v1 import terminal_service_pb2_grpc as terminal_grpc
from jukinet.operations.v1 import center_service_pb2 as pb
from jukinet.operations.v1 import center_service_pb2_grpc as pb_grpc
from jukinet.operations.v1 import disconnection_pb2 as messages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from juki_center.cli.operator_channel import OperatorLine
    from juki_center.cli.report import JSON

LIMIT_SECONDS: Final = 2.0
MOST_ERRORS: Final = 0.01
_PATIENCE_SECONDS: Final = 30.0
_PAUSE_SECONDS: Final = 0.01
_CUT: Final = "DISCONNECTED_MUNICIPALITY"
_UNSERVED: Final = frozenset({"CENTER_UNREACHABLE", "OUTCOME_UNKNOWN", "INTERNAL", "OVERLOADED"})
_DEFAULT_CONFIG: Final = Path("/etc/juki/center.toml")


@dataclass(frozen=True, slots=True)
class Measured:
    """What a drill has measured; times since the order to cut off."""

    streams: int
    ended_ms: int
    refused_ms: int
    calls_of_others: int
    errors_of_others: int
    suspension_answers: bool
    back_ms: int

    @property
    def is_within_limits(self) -> bool:
        """Whether every limit was kept."""
        slowest = max(self.ended_ms, self.refused_ms) / 1000
        share = self.errors_of_others / max(self.calls_of_others, 1)
        return slowest <= LIMIT_SECONDS and share < MOST_ERRORS and self.suspension_answers


def drill(  # noqa: PLR0913, PLR0917  # one option for each part that is played
    code: Annotated[str, typer.Argument(metavar="CODE", help="Who is cut off, six digits.")],
    other: Annotated[str, typer.Option(metavar="CODE", help="Whose calls are to go on.")],
    operator: Annotated[str, typer.Option("--as", metavar="OPERATOR", help="The first operator.")],
    second: Annotated[str, typer.Option(metavar="OPERATOR", help="The second operator.")],
    terminal: Annotated[
        list[str] | None,
        typer.Option(help="A terminal of CODE, by its id; each opens one stream. 01 if left out."),
    ] = None,
    other_terminal: Annotated[str, typer.Option(help="The other terminal's id.")] = "01",
    center: Annotated[str, typer.Option(metavar="HOST:PORT", help="If not as configured.")] = "",
    really: Annotated[bool, typer.Option("--really", help="In production too.")] = False,
    config: Annotated[
        Path, typer.Option(envvar="JUKI_CONFIG", help="Configuration file.")
    ] = _DEFAULT_CONFIG,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Cut a municipality off, measure, connect it again; exit with 3 where a limit is missed."""
    with reporting("drill", as_json=as_json), ExitStack() as stack:
        settings = CenterConfig.load(config)
        if settings.environment is Environment.PRODUCTION and not really:
            raise RuleBroken("DRILL_IN_PRODUCTION")
        place = _Place(settings, center or settings.listen_grpc)
        parts = _Parts(
            tuple(stack.enter_context(place.line(code, one)) for one in terminal or ["01"]),
            stack.enter_context(place.line(other, other_terminal)),
            stack.enter_context(operator_line(settings, operator, place.address)),
            stack.enter_context(operator_line(settings, second, place.address)),
        )
        measured = _Drill(parts, code).run()
        report("drill", _shown(measured), _told(measured), as_json=as_json)
    if not measured.is_within_limits:
        raise typer.Exit(Exit.REFUSED)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the center is, and whose keys are used."""

    config: CenterConfig
    address: str

    def line(self, code: str, terminal: str) -> grpc.Channel:
        """Return a channel of a municipality's terminal."""
        pki = PKIFolder(self.config.pki_dir)
        folder = pki.peer_path(PeerIdentity(Role.TERMINAL, terminal, code))
        identity = ClientIdentity.load(folder / "chain.pem", folder / "key.pem")
        return pinned_channel.pinned(self.address, identity, read_public(pki.trust_path, LEAVES))


@dataclass(frozen=True, slots=True)
class _Parts:
    """Who plays which part."""

    drilled: tuple[grpc.Channel, ...]
    other: grpc.Channel
    first: OperatorLine
    second: OperatorLine


def _look(line: grpc.Channel) -> str:
    """Ask after an issue that there is not; return the reason of the answer."""
    asked = copies_pb.GetIssueRequest(request_id=str(uuid.uuid4()))
    try:
        pinned_channel.call(copies_grpc.CertificateCopyServiceStub(line).GetIssue, asked)
    except Problem as problem:
        return problem.reason
    return ""


def _until(condition: Callable[[], bool], begun: float) -> int:
    """Return after how many milliseconds a condition holds, or those of a drill's patience."""
    while not condition() and time.monotonic() - begun < _PATIENCE_SECONDS:
        time.sleep(_PAUSE_SECONDS)
    return round((time.monotonic() - begun) * 1000)


def _opened_stream(line: grpc.Channel) -> threading.Thread:
    """Open a terminal's stream; the thread that reads it lives as long as it does."""
    stream = terminal_grpc.TerminalServiceStub(line).Watch(terminal_pb.WatchRequest())
    next(iter(stream))
    reader = threading.Thread(target=_read_to_the_end, args=(stream,), daemon=True)
    reader.start()
    return reader


def _read_to_the_end(stream: Iterable[object]) -> None:
    with suppress(grpc.RpcError):
        for _ in stream:
            pass


class _Drill:
    """One drill, from the opened streams to the municipality that is connected again."""

    def __init__(self, parts: _Parts, code: str) -> None:
        self._parts = parts
        self._subject = messages.Subject(scope=messages.SCOPE_MUNICIPALITY, name=code)

    def run(self) -> Measured:
        """Do it; whatever happens in between, the municipality is connected again."""
        lines = self._parts.drilled
        streams = [_opened_stream(line) for line in lines]
        over, reasons = threading.Event(), list[str]()
        others = threading.Thread(target=self._ask_on, args=(over, reasons), daemon=True)
        others.start()
        begun = time.monotonic()
        self._cut()
        try:
            ended = _until(lambda: not any(one.is_alive() for one in streams), begun)
            refused = _until(lambda: all(_look(one) == _CUT for one in lines), begun)
            answers = self._suspension_answers()
        finally:
            self._connect()
            back = _until(lambda: all(_look(one) != _CUT for one in lines), time.monotonic())
            over.set()
            others.join()
        errors = sum(one in _UNSERVED for one in reasons)
        return Measured(len(streams), ended, refused, len(reasons), errors, answers, back)

    def _ask_on(self, over: threading.Event, reasons: list[str]) -> None:
        while not over.is_set():
            reasons.append(_look(self._parts.other))

    def _suspension_answers(self) -> bool:
        """Tell whether a report by the cut-off window gets as far as the card that there is not."""
        try:
            pinned_channel.call(
                cards_grpc.CardServiceStub(self._parts.drilled[0]).SuspendCard,
                cards_pb.SuspendCardRequest(request_id=str(uuid.uuid4())),
            )
        except Problem as problem:
            return problem.reason not in {*_UNSERVED, _CUT}
        return True

    def _cut(self) -> None:
        request = pb.DisconnectRequest(
            request_id=str(uuid.uuid4()),
            subject=self._subject,
            level=messages.THREAT_LEVEL_NONE,
            reason="drill",
        )
        first = self._parts.first
        first.call(pb_grpc.CenterServiceStub(first.channel).Disconnect, request)

    def _connect(self) -> None:
        first, second = self._parts.first, self._parts.second
        request = pb.ReconnectRequest(request_id=str(uuid.uuid4()), subject=self._subject)
        proposal = first.propose(METHOD, request)
        approve = approvals_pb.ApproveRequest(
            request_id=str(uuid.uuid4()),
            approval_id=proposal.approval_id,
            digest=proposal.digest,
        )
        second.call(second.approvals.Approve, approve)
        request.approval_id = proposal.approval_id
        first.call(pb_grpc.CenterServiceStub(first.channel).Reconnect, request)


def _shown(measured: Measured) -> dict[str, JSON]:
    return {
        "streams": measured.streams,
        "endedMs": measured.ended_ms,
        "refusedMs": measured.refused_ms,
        "callsOfOthers": measured.calls_of_others,
        "errorsOfOthers": measured.errors_of_others,
        "suspensionAnswers": measured.suspension_answers,
        "backMs": measured.back_ms,
        "withinLimits": measured.is_within_limits,
    }


def _told(measured: Measured) -> list[str]:
    verdict = "met" if measured.is_within_limits else "missed"
    return [
        f"{measured.streams} streams ended after {measured.ended_ms} ms (limit 2,000)",
        f"new calls refused after {measured.refused_ms} ms (limit 2,000)",
        f"others: {measured.errors_of_others} errors in {measured.calls_of_others} calls (< 1 %)",
        f"suspension answers: {'yes' if measured.suspension_answers else 'no'}",
        f"connected again after {measured.back_ms} ms",
        f"drill: {verdict}",
    ]
