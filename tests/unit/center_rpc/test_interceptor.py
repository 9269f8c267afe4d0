"""Who may call, and how every call ends."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import grpc
import orjson
import pytest
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from grpc_status import rpc_status

from juki_center.errors import Reason, Refusal
from juki_center.rpc import server
from juki_center.rpc.server_tls import ServerTLS
from juki_pki.identity import PeerIdentity, Role
from jukinet.copies.v1 import certificate_copy_service_pb2 as pb
from jukinet.copies.v1 import certificate_copy_service_pb2_grpc as pb_grpc
from tests.support.center_edge import channel, running, scripted

if TYPE_CHECKING:
    from collections.abc import Callable

    from juki_pki.credential import X509Credential
    from juki_pki.folder import PKIFolder
    from tests.support.center_edge import RunningEdge

SECRET = "吉田太郎 12345678901"


async def get_issue(
    edge: RunningEdge, pki: PKIFolder, client: X509Credential | None, request_id: str = "x"
) -> pb.GetIssueResponse:
    async with channel(edge, pki, client) as open_channel:
        stub = pb_grpc.CertificateCopyServiceStub(open_channel)
        answer: pb.GetIssueResponse = await stub.GetIssue(
            pb.GetIssueRequest(request_id=request_id), timeout=10
        )
        return answer


def error_info(error: grpc.aio.AioRpcError) -> error_details_pb2.ErrorInfo:
    status = rpc_status.from_call(error)  # type: ignore[arg-type]  # duck-typed by the library
    info = error_details_pb2.ErrorInfo()
    assert status is not None
    assert status.details[0].Unpack(info)
    assert info.domain == "center.jukinet"
    return info


async def test_terminal_certificate_is_admitted(pki: PKIFolder) -> None:
    async with running(pki, scripted()) as edge:
        answer = await get_issue(edge, pki, pki.terminal("131016", "01"))

    assert answer == pb.GetIssueResponse()


async def test_no_client_certificate_does_not_connect(pki: PKIFolder) -> None:
    async with running(pki, scripted()) as edge:
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await get_issue(edge, pki, None)

    assert raised.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_certificate_of_another_authority_does_not_connect(
    pki: PKIFolder, other_pki: PKIFolder
) -> None:
    async with running(pki, scripted()) as edge:
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await get_issue(edge, pki, other_pki.terminal("131016", "01"))

    assert raised.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_expired_certificate_does_not_connect(
    pki: PKIFolder, expired_terminal: X509Credential
) -> None:
    async with running(pki, scripted()) as edge:
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await get_issue(edge, pki, expired_terminal)

    assert raised.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_certificate_that_ends_on_an_open_connection_is_unauthenticated(
    pki: PKIFolder,
) -> None:
    late = datetime.now(UTC) + timedelta(days=20_000)
    async with running(pki, scripted(), clock=lambda: late) as edge:
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await get_issue(edge, pki, pki.terminal("131016", "01"))

    assert raised.value.code() is grpc.StatusCode.UNAUTHENTICATED
    assert error_info(raised.value).reason == "UNAUTHENTICATED"


@pytest.mark.parametrize(
    "role",
    [
        PeerIdentity(Role.AGENCY, "passport-1"),
        PeerIdentity(Role.OPERATOR, "operator-1"),
        PeerIdentity(Role.DESK, "01", "131016"),
    ],
    ids=lambda identity: identity.role,
)
async def test_wrong_role_is_refused(pki: PKIFolder, role: PeerIdentity) -> None:
    async with running(pki, scripted()) as edge:
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await get_issue(edge, pki, pki.peer(role))

    assert raised.value.code() is grpc.StatusCode.PERMISSION_DENIED
    assert error_info(raised.value).reason == "ROLE_NOT_ALLOWED"


async def test_unknown_method_is_refused_by_name(pki: PKIFolder) -> None:
    async with (
        running(pki, scripted()) as edge,
        channel(edge, pki, pki.terminal("131016", "01")) as open_channel,
    ):
        call = open_channel.unary_unary("/jukinet.copies.v1.CertificateCopyService/PrintAll")
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await call(b"", timeout=10)

    assert raised.value.code() is grpc.StatusCode.PERMISSION_DENIED
    assert error_info(raised.value).reason == "METHOD_UNKNOWN"
    assert "PrintAll" not in edge.log_text()


async def test_text_of_an_exception_never_leaves(pki: PKIFolder) -> None:
    def fail() -> pb.GetIssueResponse:
        raise RuntimeError(SECRET)

    async with running(pki, scripted(fail)) as edge:
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await get_issue(edge, pki, pki.terminal("131016", "01"))

    info = error_info(raised.value)
    assert (raised.value.code(), info.reason) == (grpc.StatusCode.INTERNAL, "INTERNAL")
    assert SECRET not in f"{raised.value!r}{raised.value.trailing_metadata()}"
    assert SECRET not in edge.log_text()
    assert info.metadata["incident"] in edge.log_text()
    assert "RuntimeError" in edge.log_text()


async def test_refusal_carries_reason_code_text_and_facts(pki: PKIFolder) -> None:
    def refuse() -> pb.GetIssueResponse:
        raise Refusal(Reason.FIELD_INVALID, field="request_id", rule="uuid4")

    async with running(pki, scripted(refuse)) as edge:
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await get_issue(edge, pki, pki.terminal("131016", "01"))

    assert raised.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert raised.value.details() == "A field of the request breaks its rule."
    assert dict(error_info(raised.value).metadata) == {"field": "request_id", "rule": "uuid4"}


async def test_message_over_64_kib_is_refused_with_the_limit(pki: PKIFolder) -> None:
    async with running(pki, scripted()) as edge:
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await get_issue(edge, pki, pki.terminal("131016", "01"), "x" * 65_536)

    assert raised.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    info = error_info(raised.value)
    assert (info.reason, info.metadata["limitBytes"]) == ("MESSAGE_TOO_LARGE", "65536")


async def test_message_far_over_the_limit_ends_the_call(pki: PKIFolder) -> None:
    async with running(pki, scripted()) as edge:
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await get_issue(edge, pki, pki.terminal("131016", "01"), "x" * 1_000_000)

    assert raised.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_answer_over_64_kib_is_refused(pki: PKIFolder) -> None:
    def large() -> pb.GetIssueResponse:
        return pb.GetIssueResponse(signed_content=bytes(65_536))

    async with running(pki, scripted(large)) as edge:
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await get_issue(edge, pki, pki.terminal("131016", "01"))

    assert error_info(raised.value).reason == "MESSAGE_TOO_LARGE"


async def test_request_that_is_no_protobuf_is_refused(pki: PKIFolder) -> None:
    async with (
        running(pki, scripted()) as edge,
        channel(edge, pki, pki.terminal("131016", "01")) as open_channel,
    ):
        call = open_channel.unary_unary("/jukinet.copies.v1.CertificateCopyService/GetIssue")
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await call(b"\xff\xff\xff", timeout=10)

    assert dict(error_info(raised.value).metadata) == {"field": "request", "rule": "PROTOBUF"}


async def test_log_line_names_peer_method_and_reason(pki: PKIFolder) -> None:
    async with running(pki, scripted()) as edge:
        with pytest.raises(grpc.aio.AioRpcError):
            await get_issue(edge, pki, pki.agency("passport-1"))

    (line,) = map(orjson.loads, edge.log_text().splitlines())
    assert line["peer"] == "juki://agency/passport-1"
    assert line["method"] == "/jukinet.copies.v1.CertificateCopyService/GetIssue"
    assert (line["code"], line["reason"]) == ("PERMISSION_DENIED", "ROLE_NOT_ALLOWED")
    assert b'reason="ROLE_NOT_ALLOWED"' in edge.metrics.exposition()


async def test_health_answers_every_role(pki: PKIFolder) -> None:
    async with (
        running(pki, scripted()) as edge,
        channel(edge, pki, pki.agency("passport-1")) as open_channel,
    ):
        stub = health_pb2_grpc.HealthStub(open_channel)
        answer = await stub.Check(health_pb2.HealthCheckRequest(), timeout=10)

    assert answer.status == health_pb2.HealthCheckResponse.SERVING


async def test_health_of_an_unknown_service_is_not_found(pki: PKIFolder) -> None:
    async with (
        running(pki, scripted()) as edge,
        channel(edge, pki, pki.agency("passport-1")) as open_channel,
    ):
        stub = health_pb2_grpc.HealthStub(open_channel)
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await stub.Check(health_pb2.HealthCheckRequest(service="x"), timeout=10)
        # The servicer aborts by itself, so the client may be faster than the log.
        async with asyncio.timeout(10):
            while not edge.log_text():  # noqa: ASYNC110  # a log has no event to wait for
                await asyncio.sleep(0.01)

    assert raised.value.code() is grpc.StatusCode.NOT_FOUND
    assert '"code":"NOT_FOUND"' in edge.log_text()


async def listed_services(edge: RunningEdge, pki: PKIFolder) -> set[str]:
    async with channel(edge, pki, pki.terminal("131016", "01")) as open_channel:
        stub = reflection_pb2_grpc.ServerReflectionStub(open_channel)
        call = stub.ServerReflectionInfo(timeout=10)
        await call.write(reflection_pb2.ServerReflectionRequest(list_services="*"))
        answer = await call.read()
        await call.done_writing()
        if answer is grpc.aio.EOF:
            await call
        return {service.name for service in answer.list_services_response.service}


async def test_reflection_speaks_its_newer_name_too(pki: PKIFolder) -> None:
    async with (
        running(pki, scripted()) as edge,
        channel(edge, pki, pki.terminal("131016", "01")) as open_channel,
    ):
        call = open_channel.stream_stream(
            "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
            reflection_pb2.ServerReflectionRequest.SerializeToString,
            reflection_pb2.ServerReflectionResponse.FromString,
        )(timeout=10)
        await call.write(
            reflection_pb2.ServerReflectionRequest(
                file_containing_symbol="jukinet.copies.v1.CertificateCopyService"
            )
        )
        answer = await call.read()
        await call.done_writing()

    assert answer.file_descriptor_response.file_descriptor_proto


async def test_reflection_lists_the_services(pki: PKIFolder) -> None:
    async with running(pki, scripted()) as edge:
        names = await listed_services(edge, pki)

    assert "jukinet.copies.v1.CertificateCopyService" in names


async def test_reflection_that_is_off_is_an_unknown_method(pki: PKIFolder) -> None:
    async with running(pki, scripted(), with_reflection=False) as edge:
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await listed_services(edge, pki)

    assert error_info(raised.value).reason == "METHOD_UNKNOWN"


@pytest.mark.parametrize(
    ("client", "code"),
    [
        (lambda pki: pki.operator("operator-1"), None),
        (lambda pki: pki.terminal("131016", "01"), grpc.StatusCode.PERMISSION_DENIED),
    ],
    ids=["operator", "terminal"],
)
async def test_channelz_is_for_operators_only(
    pki: PKIFolder,
    client: Callable[[PKIFolder], X509Credential],
    code: grpc.StatusCode | None,
) -> None:
    async with (
        running(pki, scripted()) as edge,
        channel(edge, pki, client(pki)) as open_channel,
    ):
        call = open_channel.unary_unary("/grpc.channelz.v1.Channelz/GetServers")
        found = None
        try:
            await call(b"", timeout=10)
        except grpc.aio.AioRpcError as error:
            found = error.code()

    assert found is code


async def test_port_in_use_is_named(pki: PKIFolder) -> None:
    async with running(pki, scripted()) as edge:
        tls = ServerTLS(pki.center("center-1"), pki.trust().anchors)
        with pytest.raises(server.BindFailedError) as raised:
            await server.start(
                services=(),
                listening=server.Listening(edge.address, "127.0.0.1:0"),
                credentials=tls.credentials(),
                observation=server.Observation(edge.log, edge.metrics, dict),
                clock=lambda: datetime.now(UTC),
                with_reflection=False,
            )

    assert raised.value.address == edge.address
