"""The six calls of CertificateCopyService over a real store and a real channel."""

from __future__ import annotations

import asyncio
import shutil
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import uuid4

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from juki_center.rpc import server
from juki_center.rpc.copies import CertificateCopies, Parts
from jukinet.copies.v1 import certificate_copy_service_pb2 as pb
from jukinet.copies.v1 import certificate_copy_service_pb2_grpc as pb_grpc
from tests.support.center import (
    SAMPLES,
    Center,
    enter_everybody,
    make_policy,
    make_signer,
    open_test_store,
)
from tests.support.center_edge import SERVICE, channel, running
from tests.support.clerks import clerk_policy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from juki_pki.credential import X509Credential
    from juki_pki.folder import PKIFolder
    from tests.support.center_edge import RunningEdge

SIGNER, TRUST = make_signer()


@dataclass
class Desk:
    """A center that serves copies, and a way to call it as one peer."""

    center: Center
    edge: RunningEdge
    pki: PKIFolder

    @asynccontextmanager
    async def stub(
        self, peer: X509Credential | None = None
    ) -> AsyncIterator[pb_grpc.CertificateCopyServiceStub]:
        credential = peer or self.pki.terminal("131016", "01")
        async with channel(self.edge, self.pki, credential) as open_channel:
            yield pb_grpc.CertificateCopyServiceStub(open_channel)

    async def request(self, key: str = "yoshida-taro") -> pb.IssueCopyRequest:
        """Return a request by the finished session of a sample resident's card."""
        session = await self.center.session(key)
        return pb.IssueCopyRequest(
            request_id=str(uuid4()),
            card_session_id=session.session_id,
            scope=pb.IssueCopyRequest.SCOPE_SELF,
            fee_yen=300,
        )


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed store that has everybody in it."""
    folder = tmp_path_factory.mktemp("furnished")

    async def furnish() -> None:
        store = open_test_store(folder)
        await store.act(enter_everybody)
        store.close()

    asyncio.run(furnish())
    return folder


@pytest.fixture
async def desk(pki: PKIFolder, furnished: Path, tmp_path: Path) -> AsyncIterator[Desk]:
    """A center with everybody in it, listening."""
    shutil.copytree(furnished, tmp_path / "store")
    store = open_test_store(tmp_path / "store")
    center = Center(store, make_policy(SIGNER), TRUST, now=datetime.now(UTC))
    servicer = CertificateCopies(
        Parts(store, center.policy, center.trust, lambda: datetime.now(UTC), clerk_policy())
    )
    service = server.Service(
        SERVICE, lambda s: pb_grpc.add_CertificateCopyServiceServicer_to_server(servicer, s)
    )
    async with running(pki, service) as edge:
        yield Desk(center, edge, pki)
    store.close()


def reason_of(error: grpc.aio.AioRpcError) -> str:
    status = rpc_status.from_call(error)  # type: ignore[arg-type]  # duck-typed by the library
    info = error_details_pb2.ErrorInfo()
    assert status is not None
    assert status.details[0].Unpack(info)
    return info.reason


async def test_copy_goes_from_issue_to_recall(desk: Desk) -> None:
    request = await desk.request()
    async with desk.stub() as stub:
        issued = await stub.IssueCopy(request)
        number = issued.issue.issue_number
        kept = await stub.GetIssue(pb.GetIssueRequest(request_id=request.request_id))
        confirmed = await stub.ConfirmPrint(
            pb.ConfirmPrintRequest(
                request_id=str(uuid4()),
                issue_number=number,
                print_state=pb.PRINT_STATE_PRINTED,
                attempt=1,
                pdf_sha256=bytes(32),
            )
        )
        evidence = pb.VerifyCopyRequest(signed_content=issued.signed_content)
        valid = await stub.VerifyCopy(evidence)
        listed = await stub.ListIssues(pb.ListIssuesRequest())
        async with desk.stub(desk.pki.operator("operator-1")) as operator:
            await operator.RecallCopy(
                pb.RecallCopyRequest(
                    request_id=str(uuid4()),
                    issue_number=number,
                    recall_reason=pb.RecallCopyRequest.RECALL_REASON_ISSUED_IN_ERROR,
                )
            )
        recalled = await stub.VerifyCopy(evidence)

    assert kept.signed_content == issued.signed_content
    assert confirmed.issue.print_state == pb.PRINT_STATE_PRINTED
    assert valid.verdict == pb.VerifyCopyResponse.VERDICT_VALID
    assert [issue.issue_number for issue in listed.issues] == [number]
    assert recalled.verdict == pb.VerifyCopyResponse.VERDICT_RECALLED


async def test_same_request_gets_the_first_answer(desk: Desk) -> None:
    request = await desk.request()
    async with desk.stub() as stub:
        first = await stub.IssueCopy(request)

        assert await stub.IssueCopy(request) == first


async def test_same_request_by_a_caller_that_has_seen_more_of_the_log_is_the_same(
    desk: Desk,
) -> None:
    request = await desk.request()
    async with desk.stub() as stub:
        first = await stub.IssueCopy(request)
        request.seen_tree_size = 12

        assert await stub.IssueCopy(request) == first


async def test_same_request_id_with_other_content_is_refused(desk: Desk) -> None:
    request = await desk.request()
    async with desk.stub() as stub:
        await stub.IssueCopy(request)
        request.fee_yen = 200
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await stub.IssueCopy(request)

    assert reason_of(raised.value) == "REQUEST_ID_REUSED"


async def test_session_of_another_terminal_is_not_found(desk: Desk) -> None:
    request = await desk.request()
    async with desk.stub(desk.pki.terminal("131016", "02")) as stub:
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await stub.IssueCopy(request)

    assert reason_of(raised.value) == "SESSION_NOT_FOUND"


async def test_session_used_twice_is_refused(desk: Desk) -> None:
    request = await desk.request()
    async with desk.stub() as stub:
        await stub.IssueCopy(request)
        request.request_id = str(uuid4())
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await stub.IssueCopy(request)

    assert reason_of(raised.value) == "SESSION_USED"


async def test_domicile_is_never_issued(desk: Desk) -> None:
    request = await desk.request()
    request.items.append(pb.IssueCopyRequest.ITEM_REGISTERED_DOMICILE)
    async with desk.stub() as stub:
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await stub.IssueCopy(request)

    assert reason_of(raised.value) == "ITEM_NOT_PERMITTED"


async def test_protected_person_is_refused_without_a_fact(desk: Desk) -> None:
    protected = next(key for key, sample in SAMPLES.items() if sample.record.measure)
    request = await desk.request(protected)
    async with desk.stub() as stub:
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await stub.IssueCopy(request)

    assert reason_of(raised.value) == "ISSUE_SUPPRESSED"
    assert "PROTECTIVE" not in f"{raised.value!r}{raised.value.trailing_metadata()}"
    assert "PROTECTIVE" not in desk.edge.log_text()


async def test_agency_may_verify_and_learns_a_verdict_only(desk: Desk) -> None:
    request = await desk.request()
    async with desk.stub() as stub:
        issued = await stub.IssueCopy(request)
    async with desk.stub(desk.pki.agency("passport-1")) as agency:
        altered = issued.signed_content[:-1] + bytes((issued.signed_content[-1] ^ 1,))

        verdict = await agency.VerifyCopy(pb.VerifyCopyRequest(signed_content=altered))

    assert verdict.verdict == pb.VerifyCopyResponse.VERDICT_ALTERED
    assert not verdict.HasField("issue")


async def test_log_of_copies_holds_nothing_of_the_register(desk: Desk) -> None:
    request = await desk.request()
    async with desk.stub() as stub:
        await stub.IssueCopy(request)

    record = SAMPLES["yoshida-taro"].record
    for datum in (record.name, record.address, record.code.digits):
        assert datum not in desk.edge.log_text()
