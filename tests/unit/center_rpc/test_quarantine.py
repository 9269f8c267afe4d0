"""Quarantine over gRPC: one operator begins it, the register is checked, two release it."""

from __future__ import annotations

import shutil
import sqlite3
import uuid
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import cbor2
import grpc
import pytest

from juki_audit.checkpoints import parse
from juki_audit.leaf import commitment
from juki_audit.tree import verify_inclusion
from juki_center.areas.residents.updates import Outcome, apply_update
from juki_center.cli.accountable_services import operations_service
from juki_center.cli.clerk_services import approval_service, clerk_gates
from juki_center.cli.fleet_parts import Fleet
from juki_center.cli.queue_drain import drain
from juki_center.rpc.terminal_sign_in import SignInParts
from jukinet.approvals.v1 import approval_service_pb2 as approvals_pb
from jukinet.approvals.v1 import approval_service_pb2_grpc as approvals_grpc
from jukinet.operations.v1 import center_service_pb2 as pb
from jukinet.operations.v1 import center_service_pb2_grpc as pb_grpc
from jukinet.operations.v1 import disconnection_pb2 as messages
from tests.support.agency_service import reason_of
from tests.support.center import open_test_store
from tests.support.center_edge import channel, running
from tests.support.clerks import clerk_policy
from tests.support.disconnecting import TOKOROZAWA as CUT_OFF
from tests.support.disconnecting import cut_in
from tests.support.leaves import leaves
from tests.support.updates import CALLER, update

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable
    from pathlib import Path

    from juki_center.areas.residents.updates import Update
    from juki_center.storage.sqlite import SQLiteStore
    from juki_pki.credential import X509Credential
    from juki_pki.folder import PKIFolder
    from jukinet.audit.v1.receipt_pb2 import Receipt
    from tests.support.center_edge import RunningEdge

HERE, THERE, ELSEWHERE = "112089", "131016", "134023"
METHOD = "/jukinet.operations.v1.CenterService/ReleaseQuarantine"
QUARANTINED = messages.Quarantine.STATE_QUARANTINED
RELEASING = messages.Quarantine.STATE_RELEASING


def now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Site:
    """A center that serves operators, and two of them."""

    store: SQLiteStore
    edge: RunningEdge
    pki: PKIFolder
    stack: AsyncExitStack

    async def line(self, peer: X509Credential) -> grpc.aio.Channel:
        return await self.stack.enter_async_context(channel(self.edge, self.pki, peer))

    async def center(self, operator: str = "operator-1") -> pb_grpc.CenterServiceStub:
        return pb_grpc.CenterServiceStub(await self.line(self.pki.operator(operator)))

    async def approved(self, request: pb.ReleaseQuarantineRequest) -> str:
        """Have the first operator propose and the second approve; return the approval's id."""
        first = approvals_grpc.ApprovalServiceStub(await self.line(self.pki.operator("operator-1")))
        second = approvals_grpc.ApprovalServiceStub(
            await self.line(self.pki.operator("operator-2"))
        )
        act = request.SerializeToString()
        proposed = await first.Propose(
            approvals_pb.ProposeRequest(request_id=new_id(), method=METHOD, act=act)
        )
        await second.Approve(
            approvals_pb.ApproveRequest(
                request_id=new_id(), approval_id=proposed.approval_id, digest=proposed.digest
            )
        )
        return str(proposed.approval_id)

    async def release(self, **fields: object) -> pb.ReleaseQuarantineResponse:
        """Release with the approval of the second operator."""
        wanted = released(**fields)
        wanted.approval_id = await self.approved(wanted)
        return await (await self.center()).ReleaseQuarantine(wanted)

    async def send(self, one: Update) -> Outcome:
        """Take an update of a municipality's own system."""
        applied = await self.store.act(lambda tx: apply_update(tx, one, now(), caller_uri=CALLER))
        return applied.outcome


def new_id() -> str:
    return str(uuid.uuid4())


def begun(**fields: object) -> pb.QuarantineUpdatesRequest:
    whole = {"request_id": new_id(), "municipality_code": HERE, "reason": "birth dates shifted"}
    return pb.QuarantineUpdatesRequest(**whole | fields)  # type: ignore[arg-type]  # its fields


def checking(code: str = HERE) -> pb.CheckQuarantineRequest:
    return pb.CheckQuarantineRequest(municipality_code=code)


def released(**fields: object) -> pb.ReleaseQuarantineRequest:
    whole = {"request_id": new_id(), "municipality_code": HERE, "accepted_findings": 0}
    return pb.ReleaseQuarantineRequest(**whole | fields)  # type: ignore[arg-type]  # its fields


@asynccontextmanager
async def serving(pki: PKIFolder, folder: Path) -> AsyncIterator[Site]:
    """Serve the store in a folder, behind all gates, until the block ends."""
    with closing(open_test_store(folder, signer=pki.log_signer())) as store:
        fleet, parts = Fleet.of(store, now), SignInParts(store, clerk_policy(), now)
        operations = operations_service(store, now)
        services = (operations, approval_service(parts, (operations,)))
        gates = (*fleet.gates, *clerk_gates(parts))
        async with (
            running(pki, *services, live=fleet.live, gates=gates) as edge,
            fleet.watching(),
            AsyncExitStack() as stack,
        ):
            yield Site(store, edge, pki, stack)


@pytest.fixture
def folder(furnished_registers: Path, tmp_path: Path) -> Path:
    """Return the folder of a store with everybody in it."""
    shutil.copytree(furnished_registers, tmp_path / "center")
    return tmp_path / "center"


@pytest.fixture
async def site(pki: PKIFolder, folder: Path) -> AsyncIterator[Site]:
    async with serving(pki, folder) as serving_site:
        yield serving_site


async def refused(call: Awaitable[object]) -> tuple[str, dict[str, str]]:
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await call
    return reason_of(raised.value)


def event_of(receipt: Receipt) -> str:
    """Return the event that a receipt proves, after its proof was verified."""
    (leaf,) = receipt.leaves
    head = parse(receipt.checkpoint).checkpoint.head
    committed = commitment(leaf.salt, leaf.content)
    verify_inclusion(head, committed, leaf.index, list(leaf.inclusion_proof))
    return str(cbor2.loads(leaf.content)["ev"])


async def test_one_operator_begins_it_and_the_updates_wait(site: Site) -> None:
    answer = await (await site.center()).QuarantineUpdates(begun())
    outcome = await site.send(update(1))
    (shown,) = (await (await site.center()).GetStatus(pb.GetStatusRequest())).quarantines

    assert (answer.quarantine.municipality_code, answer.quarantine.state) == (HERE, QUARANTINED)
    assert answer.quarantine.reason == "birth dates shifted"
    assert answer.quarantine.quarantined_by == "juki://operator/operator-1"
    assert outcome is Outcome.HELD
    assert (shown.held_updates, shown.state) == (1, QUARANTINED)
    assert event_of(answer.receipt) == "QUARANTINED"


async def test_check_reports_the_register_and_is_in_the_log(site: Site) -> None:
    center = await site.center()
    await center.QuarantineUpdates(begun())

    answer = await center.CheckQuarantine(checking())

    assert answer.quarantine.persons_checked > 0
    assert answer.quarantine.HasField("checked_at")
    assert list(answer.quarantine.findings) == []
    assert event_of(answer.receipt) == "REGISTER_CHECKED"


async def test_two_operators_release_it_and_what_waited_is_applied_in_order(site: Site) -> None:
    center = await site.center()
    await center.QuarantineUpdates(begun())
    for version in (1, 2):
        await site.send(update(version))
    await center.CheckQuarantine(checking())

    answer = await site.release()
    await drain(site.store, now)

    assert answer.quarantine.state == RELEASING
    assert event_of(answer.receipt) == "QUARANTINE_RELEASED"
    assert list((await center.GetStatus(pb.GetStatusRequest())).quarantines) == []
    where = site.store.read(lambda tx: tx.residents.by_code(update(1).record.code))
    assert where is not None
    assert where.version == 2


async def test_same_request_is_done_once_and_shown_again(site: Site) -> None:
    center, asked = await site.center(), begun()

    first = await center.QuarantineUpdates(asked)
    again = await center.QuarantineUpdates(asked)
    other = await refused(center.QuarantineUpdates(begun(request_id=asked.request_id, reason="x")))

    assert again.quarantine == first.quarantine
    assert event_of(again.receipt) == "QUARANTINED"
    assert other[0] == "REQUEST_ID_REUSED"
    assert [one["ev"] for one in leaves(site.store)].count("QUARANTINED") == 1


@pytest.mark.parametrize(
    ("fields", "facts"),
    [
        ({"request_id": "1"}, {"field": "request_id", "rule": "UUID_V4"}),
        ({"municipality_code": ""}, {"field": "municipality_code", "rule": "SIX_DIGITS"}),
        (
            {"municipality_code": "112080"},
            {"field": "municipality_code", "rule": "INVALID_CHECK_DIGIT"},
        ),
        ({"municipality_code": ELSEWHERE}, {"field": "municipality_code", "rule": "NOT_HOSTED"}),
        ({"reason": ""}, {"field": "reason", "rule": "REQUIRED"}),
        ({"reason": "x" * 201}, {"field": "reason", "rule": "TOO_LONG"}),
    ],
)
async def test_wrong_field_begins_nothing_and_is_named(
    site: Site, fields: dict[str, object], facts: dict[str, str]
) -> None:
    reason, told = await refused((await site.center()).QuarantineUpdates(begun(**fields)))

    assert reason == "FIELD_INVALID"
    assert {name: told[name] for name in facts} == facts
    assert site.store.read(lambda tx: tx.queues.every()) == []


async def test_what_is_not_quarantined_is_neither_checked_nor_released(site: Site) -> None:
    center = await site.center()

    assert (await refused(center.CheckQuarantine(checking())))[0] == "NOT_QUARANTINED"
    assert (await refused(site.release()))[0] == "NOT_QUARANTINED"
    assert (await refused(center.CheckQuarantine(checking("1"))))[0] == "FIELD_INVALID"


async def test_nobody_releases_it_alone(site: Site) -> None:
    center = await site.center()
    await center.QuarantineUpdates(begun())
    await center.CheckQuarantine(checking())
    wanted, proposer = (
        released(),
        approvals_grpc.ApprovalServiceStub(await site.line(site.pki.operator("operator-1"))),
    )
    proposed = await proposer.Propose(
        approvals_pb.ProposeRequest(
            request_id=new_id(), method=METHOD, act=wanted.SerializeToString()
        )
    )
    own = approvals_pb.ApproveRequest(
        request_id=new_id(), approval_id=proposed.approval_id, digest=proposed.digest
    )

    without = await refused(center.ReleaseQuarantine(wanted))
    pending = await refused(center.ReleaseQuarantine(released(approval_id=proposed.approval_id)))
    alone = await refused(proposer.Approve(own))

    assert [one[0] for one in (without, pending, alone)] == [
        "APPROVAL_REQUIRED",
        "APPROVAL_PENDING",
        "ANOTHER_PERSON_REQUIRED",
    ]
    assert site.store.read(lambda tx: tx.queues.every())[0].state == "QUARANTINED"


async def test_approval_of_one_municipality_and_number_of_findings_is_none_of_another(
    site: Site,
) -> None:
    center = await site.center()
    for code in (HERE, THERE):
        await center.QuarantineUpdates(begun(municipality_code=code))
        await center.CheckQuarantine(checking(code))
    approval = await site.approved(released())

    for other in ({"municipality_code": THERE}, {"accepted_findings": 1}):
        call = center.ReleaseQuarantine(released(approval_id=approval, **other))
        assert (await refused(call))[0] == "APPROVAL_NOT_OF_THE_ACT"

    states = {
        str(one.municipality): one.state for one in site.store.read(lambda tx: tx.queues.every())
    }
    assert states == {HERE: "QUARANTINED", THERE: "QUARANTINED"}


async def test_unchecked_register_is_not_released(site: Site) -> None:
    await (await site.center()).QuarantineUpdates(begun())

    reason, facts = await refused(site.release())

    assert reason == "NOT_IN_THIS_STATE"
    assert (facts["state"], facts["event"]) == ("QUARANTINED", "RELEASED_UNCHECKED")


async def test_findings_must_be_accepted_by_their_number(site: Site) -> None:
    center = await site.center()
    await center.QuarantineUpdates(begun())
    with closing(sqlite3.connect(site.store.path)) as sql, sql:
        sql.execute("DELETE FROM code_index")
    report = (await center.CheckQuarantine(checking())).quarantine
    total = sum(one.count for one in report.findings)

    reason, facts = await refused(site.release())
    accepted = await site.release(accepted_findings=total)

    assert {one.kind for one in report.findings} == {messages.Finding.KIND_CODE_OF_ANOTHER}
    assert (reason, facts["findings"]) == ("REGISTER_INCONSISTENT", str(total))
    assert accepted.quarantine.state == RELEASING


async def test_closed_register_is_neither_quarantined_nor_released(site: Site) -> None:
    center = await site.center()
    await center.QuarantineUpdates(begun())
    await center.CheckQuarantine(checking())
    await cut_in(site.store, CUT_OFF)

    release = await refused(site.release())
    check = await refused(center.CheckQuarantine(checking()))

    assert (release[0], check[0]) == ("RESIDENCE_DISCONNECTED", "RESIDENCE_DISCONNECTED")
    assert site.store.read(lambda tx: tx.queues.every())[0].state == "QUARANTINED"


async def test_other_municipalitys_updates_go_on(site: Site) -> None:
    await (await site.center()).QuarantineUpdates(begun(municipality_code=THERE))

    outcome = await site.send(update(1))

    assert outcome is Outcome.APPLIED
    assert [str(one.municipality) for one in site.store.read(lambda tx: tx.queues.every())] == [
        THERE
    ]


async def test_quarantine_check_and_what_waits_outlast_the_center(
    pki: PKIFolder, folder: Path
) -> None:
    async with serving(pki, folder) as before:
        center = await before.center()
        await center.QuarantineUpdates(begun())
        await before.send(update(1))
        checked = (await center.CheckQuarantine(checking())).quarantine

    async with serving(pki, folder) as after:
        (shown,) = (await (await after.center()).GetStatus(pb.GetStatusRequest())).quarantines
        still = await after.send(update(2))
        answer = await after.release()
        await drain(after.store, now)
        left = after.store.read(lambda tx: tx.queues.every())

    assert shown == checked
    assert (shown.held_updates, still) == (1, Outcome.HELD)
    assert answer.quarantine.state == RELEASING
    assert left == []


async def test_only_operators_begin_check_and_release(site: Site) -> None:
    peers = (
        site.pki.terminal("131016", "01"),
        site.pki.desk("131016", "01"),
        site.pki.agency("passport-1"),
    )
    for peer in peers:
        stub = pb_grpc.CenterServiceStub(await site.line(peer))
        for call in (
            stub.QuarantineUpdates(begun()),
            stub.CheckQuarantine(checking()),
            stub.ReleaseQuarantine(released()),
        ):
            assert (await refused(call))[0] == "ROLE_NOT_ALLOWED"

    assert site.store.read(lambda tx: tx.queues.every()) == []
