"""`juki-center drill`: cut a municipality off and suspend a card for real, measure, put all back.

It takes the part of two terminals and of two operators, by their keys in the PKI folder: streams
of the one terminal are to end, calls of the other to go on, and a card that the drill has made is
to be refused there after its report. In production it refuses unless it is told that it is really
meant. What a drill that was killed has left, the next one puts back first, and so does `--undo`.
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

from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.cli.drill_card import DrillCard, DrillReader
from juki_center.cli.drill_undo import DRILL, PutBack, told_of
from juki_center.cli.operator_channel import operator_line, refusal_of
from juki_center.cli.report import Exit, report, reporting
from juki_center.cli.whereabouts import address_of
from juki_center.config import CenterConfig, Environment
from juki_center.errors import RuleBroken
from juki_client import channel as pinned_channel
from juki_client.anchors import LEAVES, read_public
from juki_client.identity import ClientIdentity
from juki_client.outcome import Problem
from juki_pki.folder import PKIFolder
from juki_pki.identity import PeerIdentity, Role
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

    from juki_center.cli.report import JSON

LIMIT_SECONDS: Final = 2.0
MOST_ERRORS: Final = 0.01
_PATIENCE_SECONDS: Final = 30.0
_PAUSE_SECONDS: Final = 0.01
_CUT: Final = "DISCONNECTED_MUNICIPALITY"
_STOPPED: Final = "CARD_SUSPENDED"
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
    suspended_ms: int
    back_ms: int
    healed: tuple[str, ...]

    @property
    def is_within_limits(self) -> bool:
        """Whether every limit was kept."""
        slowest = max(self.ended_ms, self.refused_ms, self.suspended_ms) / 1000
        share = self.errors_of_others / max(self.calls_of_others, 1)
        return slowest <= LIMIT_SECONDS and share < MOST_ERRORS


def drill(  # noqa: PLR0913, PLR0917  # one option for each part that is played
    operator: Annotated[str, typer.Option("--as", metavar="OPERATOR", help="The first operator.")],
    second: Annotated[str, typer.Option(metavar="OPERATOR", help="The second operator.")],
    code: Annotated[str, typer.Argument(metavar="CODE", help="Who is cut off, six digits.")] = "",
    other: Annotated[str, typer.Option(metavar="CODE", help="Whose calls are to go on.")] = "",
    terminal: Annotated[
        list[str] | None,
        typer.Option(help="A terminal of CODE, by its id; each opens one stream. 01 if left out."),
    ] = None,
    other_terminal: Annotated[str, typer.Option(help="The other terminal's id.")] = "01",
    center: Annotated[str, typer.Option(metavar="HOST:PORT", help="If not as configured.")] = "",
    really: Annotated[bool, typer.Option("--really", help="In production too.")] = False,
    undo: Annotated[
        bool, typer.Option("--undo", help="Only put back what a drill that was killed has left.")
    ] = False,
    config: Annotated[
        Path, typer.Option(envvar="JUKI_CONFIG", help="Configuration file.")
    ] = _DEFAULT_CONFIG,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Cut a municipality off and suspend a card, measure, and put all back.

    The card is made for the drill and belongs to nobody. Exits with 3 where a limit is missed.
    """
    with reporting("drill", as_json=as_json), ExitStack() as stack:
        if operator == second:
            # What one has cut off alone, one alone could not connect again.
            raise RuleBroken("DRILL_BY_TWO")
        settings = CenterConfig.load(config)
        place = _Place(settings, center or address_of(settings))
        back = PutBack(
            settings,
            stack.enter_context(operator_line(settings, operator, place.address)),
            stack.enter_context(operator_line(settings, second, place.address)),
        )
        if undo:
            healed = back.everything()
            report("drill", {"healed": [*healed]}, told_of(healed), as_json=as_json)
            return
        if settings.environment is Environment.PRODUCTION and not really:
            raise RuleBroken("DRILL_IN_PRODUCTION")
        if not code or not other:
            raise RuleBroken("DRILL_OF_TWO")
        parts = _Parts(
            MunicipalityCode(code),
            tuple(stack.enter_context(place.line(code, one)) for one in terminal or ["01"]),
            stack.enter_context(place.line(other, other_terminal)),
            place.identity(other, other_terminal),
            back,
        )
        measured = _Drill(parts).run()
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
        leaves = read_public(PKIFolder(self.config.pki_dir).trust_path, LEAVES)
        return pinned_channel.pinned(self.address, self.identity(code, terminal), leaves)

    def identity(self, code: str, terminal: str) -> ClientIdentity:
        """Return the keys of a municipality's terminal."""
        pki = PKIFolder(self.config.pki_dir)
        folder = pki.peer_path(PeerIdentity(Role.TERMINAL, terminal, code))
        return ClientIdentity.load(folder / "chain.pem", folder / "key.pem")


@dataclass(frozen=True, slots=True)
class _Parts:
    """Who plays which part."""

    municipality: MunicipalityCode
    drilled: tuple[grpc.Channel, ...]
    other: grpc.Channel
    other_identity: ClientIdentity
    back: PutBack


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

    def __init__(self, parts: _Parts) -> None:
        self._parts = parts
        self._subject = messages.Subject(
            scope=messages.SCOPE_MUNICIPALITY, name=str(parts.municipality)
        )

    def run(self) -> Measured:
        """Do it; whatever happens in between, everything is put back."""
        lines = self._parts.drilled
        healed = self._parts.back.everything()
        streams = [_opened_stream(line) for line in lines]
        over, reasons = threading.Event(), list[str]()
        others = threading.Thread(target=self._ask_on, args=(over, reasons), daemon=True)
        others.start()
        begun = time.monotonic()
        try:
            reader, number = self._card()
            begun = time.monotonic()
            self._cut()
            ended = _until(lambda: not any(one.is_alive() for one in streams), begun)
            refused = _until(lambda: all(_look(one) == _CUT for one in lines), begun)
            suspended = self._suspended(reader, number)
        finally:
            self._parts.back.everything()
            back = _until(lambda: all(_look(one) != _CUT for one in lines), time.monotonic())
            over.set()
            others.join()
        errors = sum(one in _UNSERVED for one in reasons)
        return Measured(len(streams), ended, refused, len(reasons), errors, suspended, back, healed)

    def _ask_on(self, over: threading.Event, reasons: list[str]) -> None:
        while not over.is_set():
            reasons.append(_look(self._parts.other))

    def _card(self) -> tuple[DrillReader, str]:
        """Make a card of the municipality, and see that a session takes it; return its number.

        Raises Refusal with the reason for which the session was refused.
        """
        card = DrillCard.made(PKIFolder(self._parts.back.config.pki_dir))
        number = self._parts.back.entered(card.serial, self._parts.municipality)
        reader = DrillReader(self._parts.other, self._parts.other_identity, card)
        refused = reader.session()
        if refused:
            raise refusal_of(Problem(refused))
        return reader, number

    def _suspended(self, reader: DrillReader, number: str) -> int:
        """Report the card lost, and return after how many milliseconds a session was refused."""
        begun = time.monotonic()
        first = self._parts.back.first
        request = cards_pb.SuspendCardRequest(
            request_id=str(uuid.uuid4()),
            clerk_name=DRILL,
            card=cards_pb.CardReference(card_number=number),
            reporter=cards_pb.SuspendCardRequest.REPORTER_OTHER,
            channel=cards_pb.SuspendCardRequest.CHANNEL_PHONE,
            reason=cards_pb.SuspendCardRequest.REASON_LOST,
        )
        first.call(cards_grpc.CardServiceStub(first.channel).SuspendCard, request)
        return _until(lambda: reader.session() == _STOPPED, begun)

    def _cut(self) -> None:
        request = pb.DisconnectRequest(
            request_id=str(uuid.uuid4()),
            subject=self._subject,
            level=messages.THREAT_LEVEL_NONE,
            reason=DRILL,
        )
        first = self._parts.back.first
        first.call(pb_grpc.CenterServiceStub(first.channel).Disconnect, request)


def _shown(measured: Measured) -> dict[str, JSON]:
    return {
        "streams": measured.streams,
        "endedMs": measured.ended_ms,
        "refusedMs": measured.refused_ms,
        "callsOfOthers": measured.calls_of_others,
        "errorsOfOthers": measured.errors_of_others,
        "suspendedMs": measured.suspended_ms,
        "backMs": measured.back_ms,
        "healed": [*measured.healed],
        "withinLimits": measured.is_within_limits,
    }


def _told(measured: Measured) -> list[str]:
    verdict = "met" if measured.is_within_limits else "missed"
    return [
        *(told_of(measured.healed) if measured.healed else ()),
        f"{measured.streams} streams ended after {measured.ended_ms} ms (limit 2,000)",
        f"new calls refused after {measured.refused_ms} ms (limit 2,000)",
        f"others: {measured.errors_of_others} errors in {measured.calls_of_others} calls (< 1 %)",
        f"a suspended card refused after {measured.suspended_ms} ms (limit 2,000)",
        f"connected again after {measured.back_ms} ms",
        f"drill: {verdict}",
    ]
