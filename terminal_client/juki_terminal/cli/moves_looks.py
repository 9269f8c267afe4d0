"""`move show`, `list`, `missing`, `alerts` and `seen`: what a window reads of moves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from juki_client.report import Report, say
from juki_terminal import moves
from juki_terminal.cli import moves_inputs
from juki_terminal.cli.moves import plain
from juki_terminal.cli.moves_tables import alerts_table, move_table, moves_table
from juki_terminal.cli.moves_texts import Text
from juki_terminal.cli.moves_words import ALERTS, NOTICES, words_in
from juki_terminal.municipality_names import name_of
from juki_terminal.register_words import ENTRIES, entry_text, moment_text
from jukinet.moves.v1 import move_service_pb2 as pb

if TYPE_CHECKING:
    from juki_client.outcome import JSON, Language
    from juki_terminal.channel import Center
    from juki_terminal.cli.settings import Settings
    from jukinet.moves.v1 import move_pb2

_Listed = pb.ListMovesResponse | pb.ListMissingArrivalsResponse


@dataclass(frozen=True, slots=True)
class Which:
    """Which moves are listed: a name of the proto's values; none for missing arrivals."""

    selection: str = ""


def show(settings: Settings, number: str) -> Report:
    """Show a move: to its origin with the persons' codes, to its destination with corrections."""
    request = pb.GetMoveRequest(move_number=moves_inputs.move_number(number))
    with settings.center(settings.config()) as center:
        answered = moves.question(center, "show", request)
    found, language = cast("pb.GetMoveResponse", answered.message), settings.language
    lines = [move_table(found.move, language)]
    if found.codes:
        lines.append(Text.CODES.say(language, codes=" ".join(found.codes)))
    if found.reissue_certificate:
        lines.append(Text.REISSUE.say(language, number=found.move.number))
    for one in found.corrections:
        lines += _correction(one, language)
    lines += [_notice(one, language) for one in found.notices]
    return Report(plain(found), "\n".join(lines))


def list_moves(settings: Settings, which: Which) -> Report:
    """List moves, all pages of them."""
    found: list[move_pb2.Move] = []
    with settings.center(settings.config()) as center:
        for page in moves.pages(lambda token: _page(center, which, token)):
            found.extend(page.moves)
            if page.next_page_token:
                say(Text.LISTED.say(settings.language, count=len(found)))
    result: dict[str, JSON] = {"moves": [plain(one) for one in found]}
    return Report(result, moves_table(found, settings.language))


def alerts(settings: Settings, *, with_seen: bool) -> Report:
    """List what the municipality must know about moves, all pages of it."""
    request = pb.ListMoveAlertsRequest(with_acknowledged=with_seen)
    found: list[move_pb2.MoveAlert] = []

    def ask(token: str) -> pb.ListMoveAlertsResponse:
        request.page_token = token
        answered = moves.question(center, "alerts", request)
        return cast("pb.ListMoveAlertsResponse", answered.message)

    with settings.center(settings.config()) as center:
        for page in moves.pages(ask):
            found.extend(page.alerts)
    result: dict[str, JSON] = {"alerts": [plain(one) for one in found]}
    return Report(result, alerts_table(found, settings.language))


def seen(settings: Settings, alert: str) -> Report:
    """Note that a clerk has seen an alert."""
    request = pb.AcknowledgeMoveAlertRequest(alert_id=alert)
    with settings.center(settings.config()) as center:
        answered = moves.question(center, "seen", request)
    answer = cast("pb.AcknowledgeMoveAlertResponse", answered.message)
    lines = [Text.DONE_SEEN.say(settings.language), alerts_table([answer.alert], settings.language)]
    return Report(plain(answer), "\n".join(lines))


def _page(center: Center, which: Which, token: str) -> _Listed:
    if not which.selection:
        missing = pb.ListMissingArrivalsRequest(page_token=token)
        answered = moves.question(center, "missing", missing)
        return cast("pb.ListMissingArrivalsResponse", answered.message)
    kinds = pb.ListMovesRequest.Selection
    selection = kinds.Value(f"SELECTION_{which.selection}")
    request = pb.ListMovesRequest(selection=selection, page_token=token)
    return cast("pb.ListMovesResponse", moves.question(center, "list", request).message)


def _notice(one: move_pb2.MoveNotice, language: Language) -> str:
    """Say what has become of a notice whose office was cut off."""
    return Text.NOTICE.say(
        language,
        receiver=name_of(one.receiver_code),
        kind=words_in(language, ALERTS).get(one.kind, ""),
        time=moment_text(one.end_time if one.HasField("end_time") else one.send_time),
        state=words_in(language, NOTICES).get(one.state, ""),
    )


def _correction(one: move_pb2.Correction, language: Language) -> list[str]:
    texts = ((label, entry_text(one.entries, name)) for name, label in ENTRIES.items())
    items = [f"  {label.say(language)}: {text}" for label, text in texts if text]
    return [Text.CORRECTION.say(language, time=moment_text(one.send_time)), *items]
