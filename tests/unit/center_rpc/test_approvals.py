"""Approvals over gRPC: the gate binds an act to what another person approved."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from juki_center.areas.clerks.rows import Clerk, Right
from juki_center.areas.fleet.revocations import OfPeer, Revocation, RevocationReason
from jukinet.approvals.v1 import approval_service_pb2 as pb
from jukinet.approvals.v1 import approval_service_pb2_grpc as pb_grpc
from jukinet.fleet.v1 import clerk_service_pb2 as clerks_pb
from jukinet.fleet.v1 import clerk_service_pb2_grpc as clerks_grpc
from tests.support.clerk_service import ClerkOffice, new_id, reason_of, serving
from tests.support.clerks import enter_clerk, put_signed_in

if TYPE_CHECKING:
    from juki_pki.folder import PKIFolder

METHOD = "/jukinet.fleet.v1.ClerkService/SetAdministration"
TERMINAL = "juki://municipality/131016/terminal/01"


@dataclass
class Operators:
    """Two operators at a center, and a clerk whose rights they change."""

    office: ClerkOffice
    first: pb_grpc.ApprovalServiceStub
    second: pb_grpc.ApprovalServiceStub
    acting: clerks_grpc.ClerkServiceStub
    approver_acting: clerks_grpc.ClerkServiceStub
    clerk: Clerk

    def request(self, **more: str) -> clerks_pb.SetAdministrationRequest:
        """Return the act, without an approval."""
        fields = {
            "request_id": new_id(),
            "clerk_id": self.clerk.clerk_id,
            "first_day": "2026-01-01",
            "last_day": "2099-01-01",
        }
        return clerks_pb.SetAdministrationRequest(**{**fields, **more})  # type: ignore[arg-type]  # its fields

    async def proposed(self) -> pb.ProposeResponse:
        """Propose the act."""
        act = self.request().SerializeToString()
        return await self.first.Propose(
            pb.ProposeRequest(request_id=new_id(), method=METHOD, act=act)
        )

    async def approved(self) -> str:
        """Propose the act and approve it; return the approval's id."""
        proposed = await self.proposed()
        await self.second.Approve(approve(proposed))
        return str(proposed.approval_id)

    def rights(self) -> set[Right]:
        """Return the clerk's rights."""
        grants = self.office.store.read(lambda tx: tx.clerks.grants(self.clerk.clerk_id))
        return {grant.right for grant in grants}


def approve(proposed: pb.ProposeResponse) -> pb.ApproveRequest:
    """Return the approval of what was proposed."""
    return pb.ApproveRequest(
        request_id=new_id(), approval_id=proposed.approval_id, digest=proposed.digest
    )


@pytest.fixture
async def operators(pki: PKIFolder, tmp_path: Path) -> AsyncIterator[Operators]:
    async with AsyncExitStack() as stack:
        office = await stack.enter_async_context(serving(pki, tmp_path))
        one, two = [
            await stack.enter_async_context(office.line(pki.operator(name)))
            for name in ("operator-1", "operator-2")
        ]
        clerk = await office.store.act(
            lambda tx: enter_clerk(tx, "131016", office.clock.now, rights=[Right.MOVES])
        )
        yield Operators(
            office,
            pb_grpc.ApprovalServiceStub(one),
            pb_grpc.ApprovalServiceStub(two),
            clerks_grpc.ClerkServiceStub(one),
            clerks_grpc.ClerkServiceStub(two),
            clerk,
        )


async def test_two_operators_give_a_clerk_the_right_of_administration(
    operators: Operators,
) -> None:
    approval = await operators.approved()

    await operators.acting.SetAdministration(operators.request(approval_id=approval))

    assert operators.rights() == {Right.MOVES, Right.ADMINISTRATION}


async def test_an_act_of_two_persons_without_an_approval_is_refused(operators: Operators) -> None:
    call = operators.acting.SetAdministration(operators.request())

    assert await reason_of(call) == "APPROVAL_REQUIRED"
    assert operators.rights() == {Right.MOVES}


async def test_an_act_whose_proposal_nobody_approved_is_refused(operators: Operators) -> None:
    proposed = await operators.proposed()

    call = operators.acting.SetAdministration(operators.request(approval_id=proposed.approval_id))

    assert await reason_of(call) == "APPROVAL_PENDING"


async def test_an_approver_who_was_revoked_since_has_approved_nothing(
    operators: Operators,
) -> None:
    approval, now = await operators.approved(), operators.office.clock.now
    operator_2 = OfPeer("juki://operator/operator-2")
    revocation = Revocation(operator_2, RevocationReason.STOLEN, now, "a test")
    await operators.office.store.act(lambda tx: tx.revocations.add(revocation))

    call = operators.acting.SetAdministration(operators.request(approval_id=approval))

    assert await reason_of(call) == "APPROVAL_PENDING"
    assert operators.rights() == {Right.MOVES}


async def test_an_operator_cannot_approve_the_own_proposal(operators: Operators) -> None:
    proposed = await operators.proposed()

    assert await reason_of(operators.first.Approve(approve(proposed))) == "ANOTHER_PERSON_REQUIRED"


async def test_the_approver_cannot_act_in_the_others_place(operators: Operators) -> None:
    approval = await operators.approved()

    call = operators.approver_acting.SetAdministration(operators.request(approval_id=approval))

    assert await reason_of(call) == "APPROVAL_NOT_FOUND"


async def test_an_approved_act_with_one_field_changed_is_refused(operators: Operators) -> None:
    approval = await operators.approved()

    call = operators.acting.SetAdministration(
        operators.request(approval_id=approval, last_day="2099-01-02")
    )

    assert await reason_of(call) == "APPROVAL_NOT_OF_THE_ACT"
    assert operators.rights() == {Right.MOVES}


async def test_a_used_approval_serves_the_same_request_again_and_no_other(
    operators: Operators,
) -> None:
    approval = await operators.approved()
    request = operators.request(approval_id=approval)
    await operators.acting.SetAdministration(request)

    await operators.acting.SetAdministration(request)
    other = operators.acting.SetAdministration(operators.request(approval_id=approval))

    assert await reason_of(other) == "APPROVAL_USED"


async def test_eleven_minutes_after_the_proposal_the_act_is_refused(operators: Operators) -> None:
    approval = await operators.approved()
    operators.office.clock.now += timedelta(minutes=11)

    call = operators.acting.SetAdministration(operators.request(approval_id=approval))

    assert await reason_of(call) == "APPROVAL_EXPIRED"


async def test_the_second_operator_sees_the_proposed_request(operators: Operators) -> None:
    proposed = await operators.proposed()

    (seen,) = (await operators.second.ListPending(pb.ListPendingRequest())).proposals

    act = clerks_pb.SetAdministrationRequest.FromString(seen.act)
    assert (seen.approval_id, seen.digest) == (proposed.approval_id, proposed.digest)
    assert (act.clerk_id, act.last_day) == (operators.clerk.clerk_id, "2099-01-01")
    assert seen.proposer_uri == "juki://operator/operator-1"


async def test_a_withdrawn_proposal_is_listed_no_more(operators: Operators) -> None:
    approval = await operators.approved()
    await operators.first.Withdraw(pb.WithdrawRequest(request_id=new_id(), approval_id=approval))

    listed = await operators.second.ListPending(pb.ListPendingRequest())
    call = operators.acting.SetAdministration(operators.request(approval_id=approval))

    assert not listed.proposals
    assert await reason_of(call) == "APPROVAL_NOT_FOUND"


@pytest.mark.parametrize(
    ("method", "act", "reason"),
    [
        ("/jukinet.fleet.v1.ClerkService/LiftStop", b"", "FIELD_INVALID"),
        ("/nothing/Here", b"", "FIELD_INVALID"),
        (METHOD, b"\xff", "FIELD_INVALID"),
        (METHOD, b"\xd0\x3e\x01", "FIELD_INVALID"),
    ],
)
async def test_what_needs_no_second_person_or_is_no_request_cannot_be_proposed(
    operators: Operators, method: str, act: bytes, reason: str
) -> None:
    call = operators.first.Propose(pb.ProposeRequest(request_id=new_id(), method=method, act=act))

    assert await reason_of(call) == reason


async def test_a_clerk_cannot_propose_an_operators_act(
    operators: Operators, pki: PKIFolder
) -> None:
    office = operators.office
    await office.store.act(
        lambda tx: put_signed_in(tx, operators.clerk, TERMINAL, office.clock.now)
    )
    async with office.line(pki.terminal("131016", "01")) as line:
        call = pb_grpc.ApprovalServiceStub(line).Propose(
            pb.ProposeRequest(request_id=new_id(), method=METHOD, act=b"")
        )

        assert await reason_of(call) == "ROLE_NOT_ALLOWED"


async def test_a_terminal_without_a_clerk_lists_no_proposals(
    operators: Operators, pki: PKIFolder
) -> None:
    async with operators.office.line(pki.terminal("131016", "01")) as line:
        call = pb_grpc.ApprovalServiceStub(line).ListPending(pb.ListPendingRequest())

        assert await reason_of(call) == "CLERK_SIGN_IN_REQUIRED"
