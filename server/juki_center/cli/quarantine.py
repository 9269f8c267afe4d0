"""`juki-center quarantine`: let a municipality's updates wait, check its register, release them.

Beginning and checking work on the store itself; releasing goes to the serving center, by the
certificates of two operators.
"""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from juki_center.areas.fleet.consistency import Progress, check_further
from juki_center.areas.fleet.queues import (
    QuarantineUpdates,
    UpdateQueue,
    keep_report,
    quarantine,
    quarantined,
)
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.cli.clock import system_clock
from juki_center.cli.event_loop import run
from juki_center.cli.opening import opened_store
from juki_center.cli.operator_channel import operator_line
from juki_center.cli.report import report, reporting
from juki_center.config import CenterConfig
from jukinet.operations.v1 import center_service_pb2 as pb
from jukinet.operations.v1 import center_service_pb2_grpc as pb_grpc

if TYPE_CHECKING:
    from juki_center.cli.report import JSON

app = typer.Typer(
    no_args_is_help=True,
    help="Let a municipality's updates wait, check its register, and release them by two.",
)

METHOD: Final = "/jukinet.operations.v1.CenterService/ReleaseQuarantine"
_DEFAULT_CONFIG: Final = Path("/etc/juki/center.toml")

Code = Annotated[str, typer.Argument(metavar="CODE", help="The municipality, six digits.")]
Config = Annotated[Path, typer.Option(envvar="JUKI_CONFIG", help="Configuration file.")]
AsJSON = Annotated[bool, typer.Option("--json", help="Print one JSON object (juki/1).")]


@app.command()
def begin(
    code: Code,
    reason: Annotated[str, typer.Option(help="Why, 1 to 200 characters; no personal data.")],
    config: Config = _DEFAULT_CONFIG,
    as_json: AsJSON = False,
) -> None:
    """Let the updates of a municipality's own system wait, in order."""
    with reporting("quarantine begin", as_json=as_json):
        queue = run(_begin(CenterConfig.load(config), MunicipalityCode(code), reason))
        report("quarantine begin", shown(queue), told(queue), as_json=as_json)


@app.command()
def check(code: Code, config: Config = _DEFAULT_CONFIG, as_json: AsJSON = False) -> None:
    """Check the register of a municipality whose updates wait, and keep the report."""
    with reporting("quarantine check", as_json=as_json):
        queue = run(_check(CenterConfig.load(config), MunicipalityCode(code)))
        report("quarantine check", shown(queue), told(queue), as_json=as_json)


@app.command()
def release(
    code: Code,
    operator: Annotated[
        str, typer.Option("--as", metavar="OPERATOR", help="The first operator: operator-1.")
    ],
    accept: Annotated[
        int, typer.Option(min=0, help="How many findings both operators have read.")
    ] = 0,
    approval: Annotated[
        str, typer.Option(metavar="ID", help="What the second operator has approved.")
    ] = "",
    center: Annotated[
        str, typer.Option("--center", metavar="HOST:PORT", help="If not as configured.")
    ] = "",
    config: Config = _DEFAULT_CONFIG,
    as_json: AsJSON = False,
) -> None:
    """Apply what has waited, in order; two operators must want it.

    Without --approval it is proposed: the second operator approves by `juki-center approve`.
    """
    with (
        reporting("quarantine release", as_json=as_json),
        operator_line(CenterConfig.load(config), operator, center) as line,
    ):
        request = pb.ReleaseQuarantineRequest(
            request_id=str(uuid.uuid4()),
            municipality_code=str(MunicipalityCode(code)),
            approval_id=approval,
            accepted_findings=accept,
        )
        if not approval:
            proposed = line.propose(METHOD, request).approval_id
            lines = [f"proposed {proposed}: approve it by another operator, then add --approval"]
            report("quarantine release", {"approval_id": proposed}, lines, as_json=as_json)
            return
        stub = pb_grpc.CenterServiceStub(line.channel)
        held = line.call(stub.ReleaseQuarantine, request).quarantine.held_updates
        lines = [f"{code}: released, {held} updates are being applied"]
        report("quarantine release", {"code": code, "held": held}, lines, as_json=as_json)


async def _begin(config: CenterConfig, municipality: MunicipalityCode, reason: str) -> UpdateQueue:
    now = system_clock()
    command = QuarantineUpdates(_by(config), uuid.uuid4(), municipality, reason)
    async with opened_store(config) as store:
        return await store.act(lambda tx: quarantine(tx, command, now))


async def _check(config: CenterConfig, municipality: MunicipalityCode) -> UpdateQueue:
    async with opened_store(config) as store:
        store.read(lambda tx: quarantined(tx, municipality))
        progress = Progress(municipality)
        while not progress.is_over:
            so_far = progress
            progress = store.read(lambda tx, one=so_far: check_further(tx, one))  # type: ignore[misc]  # the loop's own
        found = progress.report(system_clock())
        return await store.act(lambda tx: keep_report(tx, municipality, found, _by(config)))


def _by(config: CenterConfig) -> str:
    return f"juki://center/{config.node}"


def shown(queue: UpdateQueue) -> dict[str, JSON]:
    """Return a queue as the commands print it with --json."""
    found = queue.report
    return {
        "code": str(queue.municipality),
        "state": queue.state.value,
        "reason": queue.reason,
        "since": queue.at.isoformat(),
        "held": queue.held,
        "checkedAt": found.checked_at.isoformat() if found else None,
        "persons": found.persons if found else 0,
        "findings": {str(kind): count for kind, count in found.findings} if found else {},
    }


def told(queue: UpdateQueue) -> list[str]:
    """Return a queue as lines."""
    since = queue.at.isoformat(timespec="seconds")
    lines = [f"{queue.municipality}: {queue.state} since {since}, {queue.held} updates wait"]
    if queue.report is not None:
        total = queue.report.total
        lines.append(f"checked {queue.report.persons} persons, {total} findings")
        lines += [f"    {count} {kind}" for kind, count in queue.report.findings]
    return lines
