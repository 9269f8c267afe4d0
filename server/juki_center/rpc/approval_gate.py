"""The gate of the second person: an act that needs two cites an approval of exactly that act.

The approval is looked at early and used up by a guard in the act's own transaction; the leaves of
the act name the approval and who gave it. The request that has used it may be sent again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from juki_center.areas.approvals.acts import Use, digest_of, usable, use_up
from juki_center.errors import Reason, Refusal
from juki_center.rpc import fields
from juki_center.rpc.approved_acts import APPROVAL_ID, REQUEST_ID, act_octets, needs_approval
from juki_center.rpc.persons import person_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from google.protobuf.message import Message

    from juki_center.areas.approvals.rows import Approval
    from juki_center.areas.calls import Call
    from juki_center.areas.ports import Store, Tx
    from juki_center.rpc.options import AccessRule
    from juki_center.rpc.peers import Caller


@dataclass(frozen=True, slots=True)
class ApprovalGate:
    """Asks for the second person. It stands behind the gate of the clerks."""

    store: Store
    clock: Callable[[], datetime]

    def admit(self, call: Call, caller: Caller, rule: AccessRule) -> None:
        """Let everybody in: whether an approval is needed, the request says."""

    def take(self, call: Call, rule: AccessRule, request: Message) -> None:
        """Refuse a request that needs an approval and cites none that fits it.

        Raises Refusal: APPROVAL_REQUIRED, APPROVAL_NOT_FOUND, APPROVAL_PENDING, APPROVAL_EXPIRED,
        APPROVAL_NOT_OF_THE_ACT, APPROVAL_USED, FIELD_INVALID.
        """
        if not needs_approval(rule, request):
            return
        approval_id = str(getattr(request, APPROVAL_ID))
        if not approval_id:
            raise Refusal(Reason.APPROVAL_REQUIRED)
        request_id = fields.uuid4(REQUEST_ID, str(getattr(request, REQUEST_ID)))
        digest = digest_of(rule.method, act_octets(request))
        now = self.clock()

        def use(tx: Tx) -> Use:
            return Use(person_of(tx, call), request_id, approval_id, digest)

        approval = self.store.read(lambda tx: usable(tx, use(tx), now))
        call.cited = _cited(approval)
        call.guards.append(lambda tx: use_up(tx, use(tx), now))


def _cited(approval: Approval) -> tuple[tuple[str, str], ...]:
    approver = approval.approver.name if approval.approver else ""
    return (("approval", approval.approval_id), ("approved_by", approver))
