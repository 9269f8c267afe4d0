"""The log cannot be written, over gRPC: what stops, what goes on, and what a probe is told."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import TYPE_CHECKING

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_status import rpc_status

from juki_center.storage import log_care, signing
from jukinet.cards.v1 import card_service_pb2_grpc as cards_grpc
from jukinet.copies.v1 import certificate_copy_service_pb2 as copies_pb
from jukinet.copies.v1 import certificate_copy_service_pb2_grpc as copies_grpc
from jukinet.operations.v1 import center_service_pb2 as pb
from jukinet.operations.v1 import center_service_pb2_grpc as pb_grpc
from jukinet.operations.v1 import disconnection_pb2 as messages
from tests.support import card_service
from tests.support.copy_content import make_signer, signed_copy
from tests.support.disconnecting import CHIYODA, CuttingCenter, cutting_center, message_of
from tests.support.log_keys import TroubledSigner
from tests.unit.center_rpc.test_interceptor import error_info

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from juki_pki.folder import PKIFolder


@pytest.fixture
def signer(monkeypatch: pytest.MonkeyPatch) -> TroubledSigner:
    """A signer that can be made to stall; nobody waits for it long."""
    monkeypatch.setattr(signing, "DEADLINE_SECONDS", 0.2)
    monkeypatch.setattr(log_care, "PAUSE_SECONDS", 0.02)
    return TroubledSigner()


@pytest.fixture
async def center(
    pki: PKIFolder, furnished_registers: Path, tmp_path: Path, signer: TroubledSigner
) -> AsyncIterator[CuttingCenter]:
    """A center whose log the signer signs."""
    within = timedelta(seconds=60)
    folder = tmp_path / "center"
    async with cutting_center(pki, furnished_registers, folder, within, signer) as serving:
        yield serving
        signer.free.set()


def delay_of(error: grpc.aio.AioRpcError) -> float:
    """Return how long a refused caller is asked to wait."""
    status = rpc_status.from_call(error)  # type: ignore[arg-type]  # duck-typed by the library
    assert status is not None
    retry = error_details_pb2.RetryInfo()
    assert status.details[1].Unpack(retry)
    return retry.retry_delay.ToTimedelta().total_seconds()


async def test_case_42_a_card_is_suspended_and_a_peer_cut_off_while_the_signer_stalls(
    center: CuttingCenter, pki: PKIFolder, signer: TroubledSigner
) -> None:
    signer.free.clear()
    cut_off = pb.DisconnectRequest(
        request_id=str(uuid.uuid4()),
        subject=message_of(CHIYODA),
        level=messages.THREAT_LEVEL_HIGH,
        reason="exposed media",
    )
    async with (
        center.channel(pki.desk("131016", "01")) as desk,
        center.channel(pki.operator("operator-1")) as operators,
    ):
        suspended = await cards_grpc.CardServiceStub(desk).SuspendCard(card_service.suspend())
        cut = await pb_grpc.CenterServiceStub(operators).Disconnect(cut_off)

    assert suspended.HasField("card")
    assert cut.HasField("disconnection")
    assert not center.store.is_log_writable


async def test_acts_are_refused_with_a_delay_while_looking_up_and_checking_go_on(
    center: CuttingCenter, pki: PKIFolder, signer: TroubledSigner
) -> None:
    signer.free.clear()
    stranger = make_signer()
    printed = copies_pb.ConfirmPrintRequest(
        request_id=str(uuid.uuid4()),
        issue_number="00000000000000000000",
        print_state=copies_pb.PRINT_STATE_PRINTED,
        attempt=1,
        pdf_sha256=bytes(32),
    )
    async with center.channel(pki.desk("131016", "01")) as desk:
        await cards_grpc.CardServiceStub(desk).SuspendCard(card_service.suspend())

    async with center.channel(pki.terminal("131016", "01")) as line:
        copies = copies_grpc.CertificateCopyServiceStub(line)
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await copies.ConfirmPrint(printed)
        verdict = await copies.VerifyCopy(
            copies_pb.VerifyCopyRequest(signed_content=signed_copy(stranger))
        )
        with pytest.raises(grpc.aio.AioRpcError) as looked_up:
            await copies.GetIssue(copies_pb.GetIssueRequest(request_id=str(uuid.uuid4())))
        health = await health_pb2_grpc.HealthStub(line).Check(health_pb2.HealthCheckRequest())

    assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
    assert error_info(refused.value).reason == "LOG_UNAVAILABLE"
    assert delay_of(refused.value) > 0
    assert verdict.verdict == copies_pb.VerifyCopyResponse.VERDICT_UNKNOWN_SIGNER
    assert error_info(looked_up.value).reason == "ISSUE_NOT_FOUND"
    assert health.status == health_pb2.HealthCheckResponse.SERVING
