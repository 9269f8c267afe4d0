"""`juki-center approve`, `proposals`: the second person among the center's operators.

What is to be approved is shown as the request says it, and asked for once more.
"""

from __future__ import annotations

import sys
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from google.protobuf import descriptor_pool, text_format
from google.protobuf.message_factory import GetMessageClass

# Their messages are what may be proposed: reading them here puts them into the descriptor pool.
import jukinet.fleet.v1.clerk_service_pb2
import jukinet.fleet.v1.enrollment_service_pb2
import jukinet.operations.v1.center_service_pb2  # noqa: F401
from juki_center.cli.operator_channel import operator_line
from juki_center.cli.report import Failure, fail, report, reporting
from juki_center.config import CenterConfig
from juki_center.errors import Reason, Refusal
from jukinet.approvals.v1 import approval_service_pb2 as pb

if TYPE_CHECKING:
    from juki_center.cli.operator_channel import OperatorLine
    from juki_center.cli.report import JSON

app = typer.Typer()

As = Annotated[str, typer.Option("--as", metavar="OPERATOR", help="Who does it: operator-1.")]
CenterAddress = Annotated[
    str,
    typer.Option("--center", metavar="HOST:PORT", help="Where it listens, if not as configured."),
]
Config = Annotated[Path, typer.Option(envvar="JUKI_CONFIG", help="Configuration file.")]
AsJSON = Annotated[bool, typer.Option("--json", help="Print one JSON object (juki/1).")]
DEFAULT_CONFIG: Final = Path("/etc/juki/center.toml")


def approve(
    approval_id: Annotated[str, typer.Argument(metavar="ID", help="The approval's id.")],
    operator: As,
    yes: Annotated[bool, typer.Option("--yes", help="Approve without being asked.")] = False,
    center: CenterAddress = "",
    config: Config = DEFAULT_CONFIG,
    as_json: AsJSON = False,
) -> None:
    """Approve, as the second operator, what the first one has proposed."""
    with (
        reporting("approve", as_json=as_json),
        operator_line(CenterConfig.load(config), operator, center) as line,
    ):
        proposal = _proposal(line, approval_id)
        if not yes:
            sys.stderr.write("\n".join(described(proposal)) + "\n")
            _require_yes(as_json=as_json)
        request = pb.ApproveRequest(
            request_id=str(uuid.uuid4()), approval_id=approval_id, digest=proposal.digest
        )
        line.call(line.approvals.Approve, request)
        lines = [f"approved {approval_id}: {proposal.method}"]
        result: dict[str, JSON] = {"approval_id": approval_id, "method": proposal.method}
        report("approve", result, lines, as_json=as_json)


def _require_yes(*, as_json: bool) -> None:
    """Ask; whoever says no, or nothing, leaves with the exit code for "refused"."""
    try:
        is_meant = typer.confirm("Approve?", err=True)
    except typer.Abort:
        is_meant = False
    if not is_meant:
        found = Failure("NOT_APPROVED", "it was not approved", "Nothing was changed.")
        fail("approve", found, as_json=as_json)


def proposals(
    operator: As,
    center: CenterAddress = "",
    config: Config = DEFAULT_CONFIG,
    as_json: AsJSON = False,
) -> None:
    """List what operators have proposed and is not done, withdrawn or over."""
    with (
        reporting("proposals", as_json=as_json),
        operator_line(CenterConfig.load(config), operator, center) as line,
    ):
        found = line.call(line.approvals.ListPending, pb.ListPendingRequest()).proposals
        lines = [text for proposal in found for text in described(proposal)]
        rows: list[JSON] = [_row(proposal) for proposal in found]
        report("proposals", {"proposals": rows}, lines or ["nothing is open"], as_json=as_json)


def described(proposal: pb.Proposal) -> list[str]:
    """Return what is proposed, for a person to read before approving."""
    until = proposal.expire_time.ToDatetime()
    state = "approved" if proposal.approved else "waits for a second person"
    return [
        f"{proposal.approval_id}  {proposal.method}  by {proposal.proposer_uri}"
        f"  until {until:%H:%M:%S}Z  {state}",
        *(f"    {line}" for line in _act(proposal).splitlines()),
    ]


def _act(proposal: pb.Proposal) -> str:
    service, _, name = proposal.method.removeprefix("/").partition("/")
    method = descriptor_pool.Default().FindServiceByName(service).methods_by_name[name]
    request = GetMessageClass(method.input_type).FromString(proposal.act)
    return text_format.MessageToString(request, as_utf8=True)


def _row(proposal: pb.Proposal) -> dict[str, JSON]:
    return {
        "approval_id": proposal.approval_id,
        "method": proposal.method,
        "digest": proposal.digest.hex(),
        "proposer": proposal.proposer_uri,
        "expires": proposal.expire_time.ToDatetime().isoformat() + "Z",
        "approved": proposal.approved,
        "act": _act(proposal),
    }


def _proposal(line: OperatorLine, approval_id: str) -> pb.Proposal:
    found = line.call(line.approvals.ListPending, pb.ListPendingRequest()).proposals
    for proposal in found:
        if proposal.approval_id == approval_id:
            return proposal
    raise Refusal(Reason.APPROVAL_NOT_FOUND)
