"""An answer carries the leaves that its call has led to, each of them once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from juki_center.areas.calls import Logged, current_call
from juki_center.rpc import server
from jukinet.agencies.v1 import identity_confirmation_service_pb2 as agencies_pb
from jukinet.agencies.v1 import identity_confirmation_service_pb2_grpc as agencies_grpc
from jukinet.audit.v1 import receipt_pb2
from jukinet.copies.v1 import certificate_copy_service_pb2 as pb
from jukinet.copies.v1 import certificate_copy_service_pb2_grpc as pb_grpc
from tests.support.center_edge import SERVICE, channel, running, scripted

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from juki_pki.folder import PKIFolder

AGENCIES = agencies_pb.DESCRIPTOR.services_by_name["IdentityConfirmationService"]


def logged(index: int, checkpoint: bytes = b"head-8") -> Logged:
    """Return a leaf as the store leaves it in the call."""
    return Logged(index, b"salt %d" % index, b"content", (b"left", b"right"), checkpoint)


def note(*leaves: Logged) -> None:
    """Do what the store does when an act of the current call is committed."""
    call = current_call()
    assert call is not None
    call.logged.extend(leaves)


def expected(*leaves: Logged) -> receipt_pb2.Receipt:
    """Return the receipt of some leaves, written by hand."""
    receipt = receipt_pb2.Receipt(checkpoint=leaves[0].checkpoint)
    for one in leaves:
        leaf = receipt.leaves.add(index=one.index, salt=one.salt, content=one.content)
        leaf.inclusion_proof.extend(one.proof)
    return receipt


async def issue(
    pki: PKIFolder, behaviour: Callable[[], pb.GetIssueResponse]
) -> pb.GetIssueResponse:
    """Return the answer of a service that does what the test says."""
    async with (
        running(pki, scripted(behaviour)) as edge,
        channel(edge, pki, pki.terminal("131016", "01")) as line,
    ):
        stub = pb_grpc.CertificateCopyServiceStub(line)
        answer: pb.GetIssueResponse = await stub.GetIssue(pb.GetIssueRequest(), timeout=10)
        return answer


async def test_answer_carries_the_leaves_of_its_act(pki: PKIFolder) -> None:
    def act() -> pb.GetIssueResponse:
        note(logged(6), logged(7))
        return pb.GetIssueResponse(signed_content=b"signed")

    answer = await issue(pki, act)

    assert answer.signed_content == b"signed"
    assert answer.receipt == expected(logged(6), logged(7))


async def test_answer_of_a_call_that_wrote_nothing_has_no_receipt(pki: PKIFolder) -> None:
    answer = await issue(pki, pb.GetIssueResponse)

    assert not answer.HasField("receipt")


async def test_receipt_has_the_leaves_under_its_own_checkpoint_alone(pki: PKIFolder) -> None:
    def act() -> pb.GetIssueResponse:
        note(logged(6), logged(7), logged(8, b"head-9"))
        return pb.GetIssueResponse()

    answer = await issue(pki, act)

    assert answer.receipt == expected(logged(6), logged(7))


class Verifying(pb_grpc.CertificateCopyServiceServicer):
    """A service whose answer has no place for a receipt."""

    async def VerifyCopy(  # type: ignore[override]  # noqa: N802  # asyncio, the proto's name
        self, _request: pb.VerifyCopyRequest, _context: object
    ) -> pb.VerifyCopyResponse:
        """Answer as if something had been logged."""
        note(logged(1))
        return pb.VerifyCopyResponse()


async def test_answer_without_the_field_is_left_alone(pki: PKIFolder) -> None:
    service = server.Service(
        SERVICE, lambda s: pb_grpc.add_CertificateCopyServiceServicer_to_server(Verifying(), s)
    )
    async with (
        running(pki, service) as edge,
        channel(edge, pki, pki.terminal("131016", "01")) as line,
    ):
        stub = pb_grpc.CertificateCopyServiceStub(line)
        answer = await stub.VerifyCopy(pb.VerifyCopyRequest(), timeout=10)

    assert answer == pb.VerifyCopyResponse()


class Yielding(agencies_grpc.IdentityConfirmationServiceServicer):
    """A stream of three messages, two of which tell what was logged."""

    async def WatchChanges(  # type: ignore[override]  # noqa: N802  # asyncio, the proto's name
        self, _request: agencies_pb.WatchChangesRequest, _context: object
    ) -> AsyncIterator[agencies_pb.WatchChangesResponse]:
        """Yield the messages."""
        for cursor in script():
            yield agencies_pb.WatchChangesResponse(cursor=cursor)


class Writing(agencies_grpc.IdentityConfirmationServiceServicer):
    """The same stream, written."""

    async def WatchChanges(  # type: ignore[override]  # noqa: N802  # asyncio, the proto's name
        self, _request: agencies_pb.WatchChangesRequest, context: Writer
    ) -> None:
        """Write the messages."""
        for cursor in script():
            await context.write(agencies_pb.WatchChangesResponse(cursor=cursor))


if TYPE_CHECKING:
    from typing import Protocol

    class Writer(Protocol):
        """A stream's context."""

        async def write(self, message: agencies_pb.WatchChangesResponse) -> None:
            """Write a message."""


def script() -> Iterator[bytes]:
    """Log something before the first message, nothing before the second, two before the third."""
    note(logged(3))
    yield b"1"
    yield b"2"
    note(logged(4), logged(5))
    yield b"3"


@pytest.mark.parametrize("servicer", [Yielding, Writing])
async def test_messages_of_a_stream_carry_what_was_logged_since_the_one_before(
    pki: PKIFolder, servicer: type[agencies_grpc.IdentityConfirmationServiceServicer]
) -> None:
    add = agencies_grpc.add_IdentityConfirmationServiceServicer_to_server
    async with (
        running(pki, server.Service(AGENCIES, lambda s: add(servicer(), s))) as edge,
        channel(edge, pki, pki.agency("passport-1")) as line,
    ):
        stub = agencies_grpc.IdentityConfirmationServiceStub(line)
        request = agencies_pb.WatchChangesRequest()
        messages = [one async for one in stub.WatchChanges(request, timeout=10)]

    assert [one.cursor for one in messages] == [b"1", b"2", b"3"]
    assert messages[0].receipt == expected(logged(3))
    assert not messages[1].HasField("receipt")
    assert messages[2].receipt == expected(logged(4), logged(5))
