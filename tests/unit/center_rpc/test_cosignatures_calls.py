"""Cosignatures over a real store and a real channel: whose are taken, and what comes back."""

from __future__ import annotations

from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import grpc
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from juki_audit import checkpoints, witnesses
from juki_audit.checkpoints import Checkpoint
from juki_audit.notes import VerifierKey
from juki_audit.receipts import TrustedLog
from juki_audit.tree import Head
from juki_audit.witnesses import WitnessKey, cosigned_by
from juki_center.areas.audit.cosignatures import CLOCK_SLACK, ROUND, WitnessPolicy, WitnessSite
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.rpc import server
from juki_center.rpc.operations_log import LogParts, LogProofs
from juki_center.storage.cosignatures_table import KEPT
from juki_pki.log_signer import FOLDER, LogKey, parse_log_key
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
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from juki_pki.folder import PKIFolder

SIZE = 13
CHIYODA, TOKOROZAWA = MunicipalityCode("131016"), MunicipalityCode("112089")
FIRST = Ed25519PrivateKey.from_private_bytes(bytes([1]) * 32)
SECOND = Ed25519PrivateKey.from_private_bytes(bytes([2]) * 32)
FIRST_SITE = WitnessSite(CHIYODA, WitnessKey.of("witness.first", FIRST))
SECOND_SITE = WitnessSite(TOKOROZAWA, WitnessKey.of("witness.second", SECOND))


class _ProofsOnly(LogProofs, pb_grpc.CenterServiceServicer):
    """CenterService without its other parts."""

    def __init__(self, parts: LogParts) -> None:
        self._log = parts


@dataclass
class World:
    """A center's folder, what it goes by, and its clock."""

    folder: Path
    pki: PKIFolder
    sites: tuple[WitnessSite, ...] = (FIRST_SITE, SECOND_SITE)
    quorum: int = 1
    others: tuple[VerifierKey, ...] = ()
    now: datetime = field(default=NOW)

    @property
    def log(self) -> TrustedLog:
        """The log's keys."""
        key = LogKey.load(self.folder / "pki" / FOLDER)
        return TrustedLog(key.origin, (*key.verifiers, *self.others))

    def policy(self) -> WitnessPolicy:
        """Return whose cosignatures count."""
        return WitnessPolicy(self.sites, self.quorum, self.log)

    @asynccontextmanager
    async def calling(
        self, municipality: str = "131016"
    ) -> AsyncIterator[pb_grpc.CenterServiceStub]:
        """Serve, and call as a terminal of a municipality."""
        with closing(open_center_store(self.folder)) as store:
            parts = LogParts(store, lambda: self.now, self.policy)
            servicer = _ProofsOnly(parts)  # type: ignore[abstract]  # nothing else is asked
            service = server.Service(
                pb.DESCRIPTOR.services_by_name["CenterService"],
                lambda target: pb_grpc.add_CenterServiceServicer_to_server(servicer, target),
            )
            peer = self.pki.terminal(municipality, "01")
            async with (
                running(self.pki, service) as edge,
                channel(edge, self.pki, peer) as line,
            ):
                yield pb_grpc.CenterServiceStub(line)

    async def heads(self) -> pb.GetCheckpointResponse:
        """Ask for the heads."""
        async with self.calling() as stub:
            return await stub.GetCheckpoint(pb.GetCheckpointRequest())

    async def hand_in(self, note: bytes, municipality: str = "131016") -> pb.AddCosignatureResponse:
        """Hand a note in."""
        async with self.calling(municipality) as stub:
            return await stub.AddCosignature(pb.AddCosignatureRequest(checkpoint=note))

    async def refused(self, note: bytes, municipality: str = "131016") -> str:
        """Hand in what is refused; return what the trailers say."""
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await self.hand_in(note, municipality)
        return str(caught.value.trailing_metadata())

    def cosigned(
        self,
        note: bytes,
        key: Ed25519PrivateKey = FIRST,
        name: str = "witness.first",
        at: datetime | None = None,
    ) -> bytes:
        """Cosign a note."""
        signed = witnesses.cosign(checkpoints.parse(note), name, key, at or self.now)
        return signed.note().encode()


@pytest.fixture
def world(tmp_path: Path, pki: PKIFolder) -> World:
    make_center(tmp_path)
    add_leaves(tmp_path, SIZE)
    return World(tmp_path, pki)


async def test_cosigned_head_comes_back_with_both_signatures(world: World) -> None:
    before = await world.heads()
    answer = await world.hand_in(world.cosigned(before.checkpoint))
    await write_leaves(world.folder, 5, first=SIZE)

    heads = await world.heads()

    signed = checkpoints.parse(heads.cosigned_checkpoint)
    assert (answer.tree_size, answer.cosigned_tree_size) == (SIZE, SIZE)
    assert before.cosigned_checkpoint == b""
    assert world.log.head(heads.cosigned_checkpoint).size == SIZE
    assert cosigned_by(signed, [FIRST_SITE.key]) == ["witness.first"]
    assert world.log.head(heads.checkpoint).size == SIZE + 5


async def test_head_is_cosigned_once_enough_witnesses_have_met_at_it(world: World) -> None:
    world.quorum = 2
    first = await world.hand_in(world.cosigned((await world.heads()).offered_checkpoint))
    await write_leaves(world.folder, 5, first=SIZE)
    offered = (await world.heads()).offered_checkpoint

    second = await world.hand_in(world.cosigned(offered, SECOND, "witness.second"), "112089")

    heads = await world.heads()
    keys = [FIRST_SITE.key, SECOND_SITE.key]
    assert (first.cosigned_tree_size, second.cosigned_tree_size) == (0, SIZE)
    assert world.log.head(offered).size == SIZE
    assert cosigned_by(checkpoints.parse(heads.cosigned_checkpoint), keys) == [
        "witness.first",
        "witness.second",
    ]


async def test_newest_head_is_offered_after_the_round(world: World) -> None:
    await world.hand_in(world.cosigned((await world.heads()).checkpoint))
    await write_leaves(world.folder, 5, first=SIZE)
    world.now += ROUND

    assert world.log.head((await world.heads()).offered_checkpoint).size == SIZE + 5


async def test_late_witness_does_not_make_the_round_longer(world: World) -> None:
    note = (await world.heads()).checkpoint
    await world.hand_in(world.cosigned(note))
    await write_leaves(world.folder, 5, first=SIZE)
    world.now += ROUND / 2
    await world.hand_in(world.cosigned(note, SECOND, "witness.second"), "112089")
    await world.hand_in(world.cosigned(note))
    world.now += ROUND / 2

    assert world.log.head((await world.heads()).offered_checkpoint).size == SIZE + 5


async def test_one_witness_twice_is_no_quorum_of_two(world: World) -> None:
    world.quorum = 2
    note = (await world.heads()).checkpoint
    await world.hand_in(world.cosigned(note))

    again = await world.hand_in(world.cosigned(note, at=NOW + timedelta(seconds=9)))

    assert (again.tree_size, again.cosigned_tree_size) == (SIZE, 0)


async def test_municipality_without_a_witness_is_refused(world: World) -> None:
    world.sites = (SECOND_SITE,)
    note = world.cosigned((await world.heads()).checkpoint)

    assert "WITNESS_UNKNOWN" in await world.refused(note)


async def test_center_without_witnesses_takes_none(world: World) -> None:
    world.sites = ()
    note = world.cosigned((await world.heads()).checkpoint)

    assert "WITNESS_UNKNOWN" in await world.refused(note)


async def test_cosignature_of_another_municipalitys_witness_is_refused(world: World) -> None:
    note = world.cosigned((await world.heads()).checkpoint, SECOND, "witness.second")

    refused = await world.refused(note)

    assert "COSIGNATURE_INVALID" in refused
    assert "NOT_COSIGNED" in refused


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (lambda _world, note: note, "NOT_COSIGNED"),
        (lambda world, note: world.cosigned(note, SECOND), "NOT_COSIGNED"),
        (lambda world, note: world.cosigned(note)[:-3] + b"AA\n", ""),
        (lambda _world, _note: b"", ""),
        (lambda _world, _note: b"x" * 20_000, "NOTE_LENGTH"),
        (
            lambda world, note: world.cosigned(note, at=NOW + CLOCK_SLACK + timedelta(seconds=1)),
            "TIME_AHEAD",
        ),
    ],
)
async def test_what_is_no_cosignature_is_refused(
    world: World, change: Callable[[World, bytes], bytes], rule: str
) -> None:
    note = (await world.heads()).checkpoint

    refused = await world.refused(change(world, note))

    assert "COSIGNATURE_INVALID" in refused
    assert rule in refused
    assert (await world.heads()).cosigned_checkpoint == b""


async def test_head_that_the_log_never_signed_is_refused(world: World) -> None:
    head = Head(SIZE, bytes(32))
    forged = checkpoints.sign(Checkpoint(world.log.origin, head), SECOND).note().encode()

    assert "SIGNER_UNKNOWN" in await world.refused(world.cosigned(forged))


async def test_head_with_extension_lines_is_refused(world: World) -> None:
    private = parse_log_key((world.folder / "pki" / FOLDER / "key.pem").read_bytes())
    assert private is not None
    head = world.log.head((await world.heads()).checkpoint)
    extended = checkpoints.sign(Checkpoint(world.log.origin, head, ("more",)), private)

    assert "EXTENSIONS" in await world.refused(world.cosigned(extended.note().encode()))


@pytest.mark.parametrize(
    ("size", "reason"), [(SIZE, "COSIGNED_HEAD_OTHER"), (SIZE + 1, "LOG_SHORTER")]
)
async def test_signed_head_that_the_log_does_not_grow_from_is_told(
    world: World, size: int, reason: str
) -> None:
    private = parse_log_key((world.folder / "pki" / FOLDER / "key.pem").read_bytes())
    assert private is not None
    fork = checkpoints.sign(Checkpoint(world.log.origin, Head(size, bytes(32))), private)

    assert reason in await world.refused(world.cosigned(fork.note().encode()))


async def test_witness_never_goes_back(world: World) -> None:
    older = (await world.heads()).checkpoint
    await write_leaves(world.folder, 5, first=SIZE)
    await world.hand_in(world.cosigned((await world.heads()).checkpoint))

    refused = await world.refused(world.cosigned(older))

    assert "COSIGNATURE_OLD" in refused
    assert str(SIZE + 5) in refused


async def test_witness_that_was_taken_from_the_configuration_counts_no_more(world: World) -> None:
    await world.hand_in(world.cosigned((await world.heads()).checkpoint))
    world.sites = (SECOND_SITE,)

    heads = await world.heads()

    assert heads.cosigned_checkpoint == b""
    assert heads.offered_checkpoint == heads.checkpoint


async def test_head_signed_by_both_keys_of_a_roll_over_is_one_head(world: World) -> None:
    world.quorum = 2
    note = (await world.heads()).checkpoint
    successor = Ed25519PrivateKey.from_private_bytes(bytes([3]) * 32)
    public = successor.public_key().public_bytes_raw()
    world.others = (VerifierKey(world.log.origin, public),)
    again = checkpoints.sign(checkpoints.parse(note).checkpoint, successor).note().encode()
    await world.hand_in(world.cosigned(note))

    answer = await world.hand_in(world.cosigned(again, SECOND, "witness.second"), "112089")

    cosigned = (await world.heads()).cosigned_checkpoint
    assert answer.cosigned_tree_size == SIZE
    assert world.log.head(cosigned).size == SIZE
    assert len(checkpoints.parse(cosigned).signatures) == 4


async def test_head_of_a_log_key_that_is_trusted_no_more_is_not_offered(world: World) -> None:
    note = (await world.heads()).checkpoint
    retired = Ed25519PrivateKey.from_private_bytes(bytes([3]) * 32)
    public = retired.public_key().public_bytes_raw()
    world.others = (VerifierKey(world.log.origin, public),)
    earlier = checkpoints.sign(checkpoints.parse(note).checkpoint, retired).note().encode()
    await world.hand_in(world.cosigned(earlier))
    world.others = ()

    assert (await world.heads()).offered_checkpoint == note


async def test_newest_cosignatures_of_each_witness_are_kept(world: World) -> None:
    for _ in range(KEPT + 2):
        newest = await world.heads()
        size = world.log.head(newest.checkpoint).size
        await world.hand_in(world.cosigned(newest.checkpoint))
        await write_leaves(world.folder, 1, first=size)

    with closing(open_center_store(world.folder)) as store:
        kept = store.read(lambda tx: tx.cosignatures.every())

    assert [one.size for one in kept] == list(range(SIZE + KEPT + 1, SIZE + 1, -1))
