"""CenterService's proofs over a real store and a real channel: who may ask, and what verifies."""

from __future__ import annotations

from contextlib import asynccontextmanager, closing
from typing import TYPE_CHECKING

import grpc
import pytest

from juki_audit import checkpoints
from juki_audit.tree import Head, verify_consistency, verify_inclusion
from juki_center.rpc import server
from juki_center.rpc.operations_log import LogParts, LogProofs
from juki_pki.log_signer import FOLDER, LogKey
from jukinet.operations.v1 import center_service_pb2 as pb
from jukinet.operations.v1 import center_service_pb2_grpc as pb_grpc
from tests.support.center_edge import channel, running
from tests.support.signed_center import (
    NOW,
    add_leaves,
    make_center,
    open_center_store,
    write_leaves,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from juki_pki.credential import X509Credential
    from juki_pki.folder import PKIFolder

SIZE = 13


class _ProofsOnly(LogProofs, pb_grpc.CenterServiceServicer):
    """CenterService without its other parts."""

    def __init__(self, parts: LogParts) -> None:
        self._log = parts


@pytest.fixture
def center(tmp_path: Path) -> Path:
    make_center(tmp_path)
    add_leaves(tmp_path, SIZE)
    return tmp_path


@asynccontextmanager
async def calling(
    center: Path, pki: PKIFolder, peer: X509Credential
) -> AsyncIterator[pb_grpc.CenterServiceStub]:
    with closing(open_center_store(center)) as store:
        servicer = _ProofsOnly(LogParts(store, lambda: NOW))  # type: ignore[abstract]  # nothing else is asked
        service = server.Service(
            pb.DESCRIPTOR.services_by_name["CenterService"],
            lambda target: pb_grpc.add_CenterServiceServicer_to_server(servicer, target),
        )
        async with running(pki, service) as edge, channel(edge, pki, peer) as line:
            yield pb_grpc.CenterServiceStub(line)


def trusted(center: Path, note: bytes) -> Head:
    key = LogKey.load(center / "pki" / FOLDER)
    return checkpoints.verify(checkpoints.parse(note), key.origin, key.verifiers).head


async def test_every_kind_of_peer_gets_the_head_and_proofs_that_verify(
    center: Path, pki: PKIFolder
) -> None:
    peers = (
        pki.terminal("131016", "01"),
        pki.desk("131016", "01"),
        pki.agency("passport-1"),
        pki.operator("operator-1"),
    )
    for peer in peers:
        async with calling(center, pki, peer) as stub:
            newest = await stub.GetCheckpoint(pb.GetCheckpointRequest())
            leaf = await stub.ProveInclusion(pb.ProveInclusionRequest(leaf_index=4))
            older = await stub.ProveInclusion(pb.ProveInclusionRequest(leaf_index=4, tree_size=5))
            grown = await stub.ProveConsistency(pb.ProveConsistencyRequest(first_size=5))

        head = trusted(center, newest.checkpoint)
        verify_inclusion(trusted(center, leaf.checkpoint), leaf.commitment, 4, leaf.proof)
        assert (head.size, older.tree_size, older.checkpoint) == (SIZE, 5, b"")
        assert (grown.second_size, grown.checkpoint) == (SIZE, newest.checkpoint)
        assert len(grown.proof) > 0


async def test_the_log_is_shown_to_follow_an_earlier_head(center: Path, pki: PKIFolder) -> None:
    terminal = pki.terminal("131016", "01")
    async with calling(center, pki, terminal) as stub:
        earlier = trusted(center, (await stub.GetCheckpoint(pb.GetCheckpointRequest())).checkpoint)
    await write_leaves(center, 6, first=SIZE)

    async with calling(center, pki, terminal) as stub:
        grown = await stub.ProveConsistency(pb.ProveConsistencyRequest(first_size=earlier.size))

    verify_consistency(earlier, trusted(center, grown.checkpoint), grown.proof)


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (pb.ProveInclusionRequest(leaf_index=SIZE), "LOG_SHORTER"),
        (pb.ProveInclusionRequest(leaf_index=1 << 63), "FIELD_INVALID"),
        (pb.ProveInclusionRequest(leaf_index=5, tree_size=5), "FIELD_INVALID"),
        (pb.ProveConsistencyRequest(first_size=SIZE + 1), "LOG_SHORTER"),
        (pb.ProveConsistencyRequest(first_size=3, second_size=SIZE + 1), "LOG_SHORTER"),
        (pb.ProveConsistencyRequest(first_size=4, second_size=3), "FIELD_INVALID"),
    ],
)
async def test_what_cannot_be_proven_is_refused_with_its_reason(
    center: Path,
    pki: PKIFolder,
    request_: pb.ProveInclusionRequest | pb.ProveConsistencyRequest,
    reason: str,
) -> None:
    async with calling(center, pki, pki.terminal("131016", "01")) as stub:
        is_leaf = isinstance(request_, pb.ProveInclusionRequest)
        ask = stub.ProveInclusion if is_leaf else stub.ProveConsistency
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await ask(request_)

    trailers = refused.value.trailing_metadata()
    assert reason in str(trailers)
