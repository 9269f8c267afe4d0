"""ApprovalService: each call is one act with its translation.

Who proposes and who approves comes from the call, never from the request.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from juki_center.areas.approvals import acts
from juki_center.areas.calls import current_call
from juki_center.areas.clerks.rows import Right
from juki_center.areas.clerks.sign_ins import require_clerk
from juki_center.errors import Reason, Refusal
from juki_center.rpc import fields
from juki_center.rpc.approved_acts import act_octets, proposed
from juki_center.rpc.durable import durably
from juki_center.rpc.persons import person_of
from jukinet.approvals.v1 import approval_service_pb2 as pb
from jukinet.approvals.v1 import approval_service_pb2_grpc as pb_grpc

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    import grpc

    from juki_center.areas.approvals.rows import Approval
    from juki_center.areas.calls import Call
    from juki_center.areas.clerks.policy import ClerkPolicy
    from juki_center.areas.ports import Store, Tx
    from juki_center.rpc.options import AccessRule

    Request = TypeVar("Request")
    Answer = TypeVar("Answer")
    Context = grpc.aio.ServicerContext[Request, Answer]

Outcome = TypeVar("Outcome")
_APPROVAL_ID: Final = re.compile(r"[0-9a-f]{16}")
_DIGEST: Final = 32


@dataclass(frozen=True, slots=True)
class Parts:
    """What the service stands on; `rules` are those of all methods of the server, by path."""

    store: Store
    policy: ClerkPolicy
    clock: Callable[[], datetime]
    rules: Mapping[str, AccessRule]


class Approvals(pb_grpc.ApprovalServiceServicer):
    """The servicer."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def Propose(  # noqa: N802  # the proto's name
        self,
        request: pb.ProposeRequest,
        _context: Context[pb.ProposeRequest, pb.ProposeResponse],
    ) -> pb.ProposeResponse:
        """Propose an act."""
        call, rule = _call(), self._rule(request.method)
        if call.role not in rule.roles:
            raise Refusal(Reason.ROLE_NOT_ALLOWED)
        request_id = fields.uuid4("request_id", request.request_id)
        act = act_octets(proposed(rule, request.act))

        def run(tx: Tx, now: datetime) -> Approval:
            self._require_right(tx, call, rule, now)
            command = acts.Propose(person_of(tx, call), request_id, rule.method, act)
            return acts.propose(tx, command, now)

        approval = await self._act(run)
        message = pb.ProposeResponse(approval_id=approval.approval_id, digest=approval.digest)
        message.expire_time.FromDatetime(approval.until)
        return message

    async def Approve(  # noqa: N802  # the proto's name
        self,
        request: pb.ApproveRequest,
        _context: Context[pb.ApproveRequest, pb.ApproveResponse],
    ) -> pb.ApproveResponse:
        """Approve what another has proposed."""
        call = _call()
        request_id = fields.uuid4("request_id", request.request_id)
        approval_id = _approval_id(request.approval_id)
        digest = fields.octets("digest", request.digest, size=_DIGEST)

        def run(tx: Tx, now: datetime) -> Approval:
            command = acts.Approve(person_of(tx, call), request_id, approval_id, digest)
            approval = acts.approve(tx, command, now)
            self._require_right(tx, call, self._rule(approval.method), now)
            return approval

        return pb.ApproveResponse(method=(await self._act(run)).method)

    async def Withdraw(  # noqa: N802  # the proto's name
        self,
        request: pb.WithdrawRequest,
        _context: Context[pb.WithdrawRequest, pb.WithdrawResponse],
    ) -> pb.WithdrawResponse:
        """Take a proposal back."""
        call = _call()
        request_id = fields.uuid4("request_id", request.request_id)
        approval_id = _approval_id(request.approval_id)

        def run(tx: Tx, now: datetime) -> None:
            acts.withdraw(tx, acts.Withdraw(person_of(tx, call), request_id, approval_id), now)

        await self._act(run)
        return pb.WithdrawResponse()

    async def ListPending(  # noqa: N802  # the proto's name
        self,
        _request: pb.ListPendingRequest,
        _context: Context[pb.ListPendingRequest, pb.ListPendingResponse],
    ) -> pb.ListPendingResponse:
        """List the open proposals."""
        call, now = _call(), self._parts.clock()
        store = self._parts.store
        found = await store.ask(lambda tx: acts.list_pending(tx, person_of(tx, call), now))
        return pb.ListPendingResponse(proposals=map(_proposal, found))

    def _rule(self, method: str) -> AccessRule:
        rule = self._parts.rules.get(method)
        if rule is None or not rule.two_persons:
            raise fields.invalid("method", "NEEDS_NO_APPROVAL")
        return rule

    def _require_right(self, tx: Tx, call: Call, rule: AccessRule, now: datetime) -> None:
        """Let a clerk propose and approve only what the clerk could do."""
        if call.municipality is not None and rule.right:
            require_clerk(tx, call.uri, Right(rule.right), now, self._parts.policy)

    async def _act(self, act: Callable[[Tx, datetime], Outcome]) -> Outcome:
        now = self._parts.clock()
        return await durably(self._parts.store.act(lambda tx: act(tx, now)))


def _call() -> Call:
    call = current_call()
    if call is None:
        raise LookupError("no call runs")
    return call


def _approval_id(text: str) -> str:
    if not _APPROVAL_ID.fullmatch(text):
        raise fields.invalid("approval_id", "SIXTEEN_HEX_DIGITS")
    return text


def _proposal(approval: Approval) -> pb.Proposal:
    message = pb.Proposal(
        approval_id=approval.approval_id,
        method=approval.method,
        act=approval.act or b"",
        digest=approval.digest,
        proposer_uri=approval.proposer.uri,
        proposer_clerk_id=approval.proposer.clerk_id,
        approved=approval.approver is not None,
    )
    message.propose_time.FromDatetime(approval.proposed_at)
    message.expire_time.FromDatetime(approval.until)
    return message
