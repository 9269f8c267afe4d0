"""Clients' lines follow a renewal that another program has made, without a failed call."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from juki_client import channel, rotation
from juki_client.following_line import FollowingLine
from jukinet.fleet.v1 import enrollment_service_pb2 as pb
from jukinet.fleet.v1 import enrollment_service_pb2_grpc as pb_grpc
from tests.support.fleet import serving
from tests.unit.center_rpc.test_receipts_of_certificates import book_of, dial_of, enrolled, slot_of

if TYPE_CHECKING:
    from pathlib import Path

    from juki_pki.folder import PKIFolder
    from tests.support.client_config import ClientConfig


def run(config: ClientConfig) -> tuple[bool, bool, bool]:
    slot = slot_of(config)
    leaves = (config.trust_dir / "center-leaves.pem").read_bytes()
    line = FollowingLine(config.center_address, slot.load(), leaves, slot)
    stub = pb_grpc.EnrollmentServiceStub(line.channel)
    channel.call(stub.GetCenterDescriptions, pb.GetCenterDescriptionsRequest())
    before = line.take_up()

    rotation.renew(slot, dial_of(config), book_of(config), datetime.now(UTC))
    channel.call(stub.GetCenterDescriptions, pb.GetCenterDescriptionsRequest())
    after, again = line.take_up(), line.take_up()
    channel.call(stub.GetCenterDescriptions, pb.GetCenterDescriptionsRequest())
    line.close()
    return before, after, again


async def test_renewed_certificate_is_taken_up_once_and_calls_go_on(
    pki: PKIFolder, tmp_path: Path
) -> None:
    async with serving(pki, tmp_path / "center") as fleet:
        config = await enrolled(fleet, tmp_path / "terminal")

        found = await asyncio.to_thread(run, config)

    assert found == (False, True, False)


async def test_newer_certificate_that_cannot_be_used_yet_leaves_the_old_one(
    pki: PKIFolder, tmp_path: Path
) -> None:
    async with serving(pki, tmp_path / "center") as fleet:
        config = await enrolled(fleet, tmp_path / "terminal")

        def unreadable() -> bool:
            slot = slot_of(config)
            leaves = (config.trust_dir / "center-leaves.pem").read_bytes()
            line = FollowingLine(config.center_address, slot.load(), leaves, slot)
            config.certificate.write_bytes(b"half a file")
            taken = line.take_up()
            stub = pb_grpc.EnrollmentServiceStub(line.channel)
            channel.call(stub.GetCenterDescriptions, pb.GetCenterDescriptionsRequest())
            line.close()
            return taken

        assert await asyncio.to_thread(unreadable) is False
