"""`juki-center disconnect`, `reconnect`, `status`: who is cut off, and by whose word.

Closing works on the store itself, so it needs no certificate and works beside a center that serves
as well as without one; the center knows of it within a quarter of a second. Opening goes to the
serving center, by the certificates of two operators.
"""

from __future__ import annotations

import uuid
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from juki_center.areas.fleet.disconnections import Disconnect, Level, disconnect
from juki_center.cli import local_line, quarantine, queue, subjects
from juki_center.cli.clock import system_clock
from juki_center.cli.event_loop import run
from juki_center.cli.opening import opened_store
from juki_center.cli.operator_channel import operator_line
from juki_center.cli.report import report, reporting
from juki_center.config import CenterConfig
from juki_center.rpc.operations_disconnect import disconnection_of, subject_message
from jukinet.operations.v1 import center_service_pb2 as pb
from jukinet.operations.v1 import center_service_pb2_grpc as pb_grpc

if TYPE_CHECKING:
    from juki_center.areas.fleet.disconnections import Disconnection, Subject
    from juki_center.areas.fleet.queues import UpdateQueue
    from juki_center.areas.moves.waiting_rows import NoticeQueue
    from juki_center.cli.report import JSON

METHOD: Final = "/jukinet.operations.v1.CenterService/Reconnect"
_DEFAULT_CONFIG: Final = Path("/etc/juki/center.toml")


class LevelOption(StrEnum):
    """The threat that was judged to be there, as the command line calls it."""

    NONE = "none"
    LOW = "low"
    HIGH = "high"


What = Annotated[
    str,
    typer.Argument(
        metavar="WHAT",
        help="`center`; a municipality's six digits; the URI of a terminal or an agency; a service"
        " for everybody, such as jukinet.moves.v1.MoveService; or a batch of cards:"
        " juki://cards/made/2026-11-02/2026-11-06 by the days on which they were made,"
        " juki://cards/chip/0a1b by how the serial numbers of their chips begin.",
    ),
]
As = Annotated[
    str, typer.Option("--as", metavar="OPERATOR", help="The first operator, such as operator-1.")
]
CenterAddress = Annotated[
    str,
    typer.Option("--center", metavar="HOST:PORT", help="Where it listens, if not as configured."),
]
Config = Annotated[Path, typer.Option(envvar="JUKI_CONFIG", help="Configuration file.")]
AsJSON = Annotated[bool, typer.Option("--json", help="Print one JSON object (juki/1).")]


def disconnect_command(
    what: What,
    level: Annotated[LevelOption, typer.Option(help="The threat: level 1, 2 or 3.")],
    reason: Annotated[str, typer.Option(help="Why, 1 to 200 characters; no personal data.")],
    local: Annotated[
        bool, typer.Option("--local", help="Order it at the center's local socket, without keys.")
    ] = False,
    config: Config = _DEFAULT_CONFIG,
    as_json: AsJSON = False,
) -> None:
    """Cut off a terminal, a municipality, an agency, a service, cards or the center, at once."""
    with reporting("disconnect", as_json=as_json):
        settings = CenterConfig.load(config)
        subject = subjects.parsed(what)
        if local:
            since = ordered(settings, subject, Level[level.name], reason)
            lines = [f"{_name(subject)}: cut off since {since}"]
            report("disconnect", {"name": subject.name, "since": since}, lines, as_json=as_json)
            return
        made, note = run(_disconnect(settings, subject, Level[level.name], reason))
        result: dict[str, JSON] = {**shown(made), "note": note}
        report("disconnect", result, [told(made), *([note] if note else [])], as_json=as_json)


def ordered(config: CenterConfig, subject: Subject, level: Level, reason: str) -> str:
    """Order a disconnection at the local socket; return since when it holds.

    Raises Refusal with the center's reason, ConfigInvalid where there is no socket, and OSError.
    """
    order: dict[str, JSON] = {
        "do": "disconnect",
        "request_id": str(uuid.uuid4()),
        "scope": subject.scope.value,
        "name": subject.name,
        "level": int(level),
        "reason": reason,
    }
    return local_line.since(config, order)


async def _disconnect(
    config: CenterConfig, subject: Subject, level: Level, reason: str
) -> tuple[Disconnection, str]:
    """Cut off; return what was done, and what the operator should know of the subject."""
    now = system_clock()
    by = f"juki://center/{config.node}"
    command = Disconnect(by, uuid.uuid4(), subject, level, reason)
    async with opened_store(config) as store:
        made = await store.act(lambda tx: disconnect(tx, command, now), urgent=True)
        return made, store.read(lambda tx: subjects.note(tx, subject, now))


def reconnect_command(
    what: What,
    operator: As,
    approval: Annotated[
        str,
        typer.Option(metavar="ID", help="What the second operator has approved; first without it."),
    ] = "",
    center: CenterAddress = "",
    config: Config = _DEFAULT_CONFIG,
    as_json: AsJSON = False,
) -> None:
    """Connect again what was cut off; two operators must want it.

    Without --approval it is proposed: the second operator approves by `juki-center approve`, and
    the first one says it again with --approval.
    """
    with (
        reporting("reconnect", as_json=as_json),
        operator_line(CenterConfig.load(config), operator, center) as line,
    ):
        request = pb.ReconnectRequest(
            request_id=str(uuid.uuid4()),
            subject=subject_message(subjects.parsed(what)),
            approval_id=approval,
        )
        if not approval:
            proposed = line.propose(METHOD, request).approval_id
            lines = [
                f"proposed {proposed}; the second operator: juki-center approve {proposed} --as …",
                f"then: juki-center reconnect {what} --as {operator} --approval {proposed}",
            ]
            report("reconnect", {"approval_id": proposed}, lines, as_json=as_json)
            return
        stub = pb_grpc.CenterServiceStub(line.channel)
        ended = disconnection_of(line.call(stub.Reconnect, request).ended)
        lines = [f"{_name(ended.subject)}: connected again"]
        report("reconnect", shown(ended), lines, as_json=as_json)


def status_command(config: Config = _DEFAULT_CONFIG, as_json: AsJSON = False) -> None:
    """Say who is cut off, since when, at which level, why and by whom; and whose updates wait."""
    with reporting("status", as_json=as_json):
        cut_off, queues, notices = run(_status(CenterConfig.load(config)))
        now = system_clock()
        rows: list[JSON] = [shown(one) for one in cut_off]
        waiting: list[JSON] = [quarantine.shown(one) for one in queues]
        lines = [told(one) for one in cut_off] or ["nothing is cut off"]
        lines += [line for one in queues for line in quarantine.told(one)]
        lines += [queue.told(one, now) for one in notices]
        result: dict[str, JSON] = {
            "disconnections": rows,
            "quarantines": waiting,
            "notices": [queue.shown(one, now) for one in notices],
        }
        report("status", result, lines, as_json=as_json)


async def _status(
    config: CenterConfig,
) -> tuple[list[Disconnection], list[UpdateQueue], list[NoticeQueue]]:
    async with opened_store(config) as store:
        return store.read(
            lambda tx: (tx.disconnections.every(), tx.queues.every(), tx.notices.every())
        )


def shown(one: Disconnection) -> dict[str, JSON]:
    """Return a disconnection as the commands print it with --json."""
    return {
        "scope": one.subject.scope.value,
        "name": one.subject.name,
        "level": int(one.level),
        "reason": one.reason,
        "since": one.at.isoformat(),
        "by": one.by,
    }


def told(one: Disconnection) -> str:
    """Return a disconnection as a line."""
    since = one.at.isoformat(timespec="seconds")
    return f"{_name(one.subject)}: cut off since {since}, level {int(one.level)}, {one.reason}"


def _name(subject: Subject) -> str:
    return subject.name or "center"
