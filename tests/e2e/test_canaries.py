"""A canary in every field of every method: no error, no log and no file of a center shows one."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import pytest
from google.protobuf import message_factory
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message
from grpc_status import rpc_status

from juki_client import channel
from juki_client.identity import ClientIdentity
from juki_pki.folder import PKIFolder
from juki_pki.identity import PeerIdentity, Role
from jukinet.options.v1 import options_pb2
from tests.support.byte_search import ByteSearch, Hit
from tests.support.canaries import Aviary, requests
from tests.support.center_process import CenterProcess

pytestmark = pytest.mark.e2e
PROTOS = Path(__file__).parents[2] / "protos" / "jukinet"
PEERS = {
    options_pb2.ROLE_TERMINAL: PeerIdentity(Role.TERMINAL, "01", "112089"),
    options_pb2.ROLE_DESK: PeerIdentity(Role.DESK, "01", "112089"),
    options_pb2.ROLE_AGENCY: PeerIdentity(Role.AGENCY, "passport-1"),
    options_pb2.ROLE_OPERATOR: PeerIdentity(Role.OPERATOR, "operator-1"),
}
SECONDS = 3.0


def methods() -> Iterator[MethodDescriptor]:
    """Yield every method of every service in the protos."""
    for path in sorted(PROTOS.rglob("*_service.proto")):
        name = ".".join(path.relative_to(PROTOS.parent).with_suffix("").parts)
        services: dict[str, ServiceDescriptor] = importlib.import_module(
            f"{name}_pb2"
        ).DESCRIPTOR.services_by_name
        for service in services.values():
            yield from service.methods


@dataclass
class Flight:
    """What the canaries were, and everything that a center said and wrote."""

    aviary: Aviary = field(default_factory=Aviary)
    said: dict[str, bytes] = field(default_factory=dict)
    written: dict[str, bytes] = field(default_factory=dict)
    calls: int = 0
    reasons: set[str] = field(default_factory=set)

    def hits(self) -> set[Hit]:
        search = ByteSearch(self.aviary.texts.values())
        everything = (self.said | self.written).items()
        return set[Hit]().union(*(search.hits(octets, name) for name, octets in everything))

    def hear(self, place: str, error: grpc.RpcError) -> None:
        """Keep all that an error carries."""
        assert isinstance(error, grpc.Call)
        status = rpc_status.from_call(error)
        said = [str(error.details()).encode(), repr(error.trailing_metadata()).encode()]
        if status is not None:
            said.append(status.SerializeToString())
            self.reasons.add(channel.problem_of(error).reason)
        self.said[place] = self.said.get(place, b"") + b"\n".join(said)


def fly(flight: Flight, method: MethodDescriptor, line: grpc.Channel) -> None:
    """Call a method with canaries, once for each request that they make."""
    kind = message_factory.GetMessageClass(method.input_type)
    path = f"/{method.containing_service.full_name}/{method.name}"
    for request in requests(kind, flight.aviary):
        flight.calls += 1
        try:
            _call(line, path, method, request)
        except grpc.RpcError as error:
            flight.hear(path, error)


def _call(line: grpc.Channel, path: str, method: MethodDescriptor, request: Message) -> None:
    ways = {
        (False, False): line.unary_unary,
        (False, True): line.unary_stream,
        (True, False): line.stream_unary,
        (True, True): line.stream_stream,
    }
    way = ways[method.client_streaming, method.server_streaming]
    call = way(path, request_serializer=lambda message: message.SerializeToString())
    sent = iter([request]) if method.client_streaming else request
    answered = call(sent, timeout=SECONDS)
    if method.server_streaming:
        for _ in answered:
            pass


def _enrolment_line(center: CenterProcess, leaves: bytes) -> grpc.Channel:
    """Return a channel without a certificate to where peers enrol, as the center has printed it."""
    told = re.search(r"peers enrol at ([0-9.:]+)", center.log.read_text(encoding="utf-8"))
    assert told is not None
    return grpc.secure_channel(told[1], grpc.ssl_channel_credentials(leaves))


@pytest.fixture(scope="module")
def flight(tmp_path_factory: pytest.TempPathFactory) -> Flight:
    """Call every method as each role that it admits, and keep what the center said and wrote."""
    folder = tmp_path_factory.mktemp("canaries")
    done = Flight()
    with CenterProcess(folder) as center, ExitStack() as lines:
        pki = PKIFolder(folder / "pki")
        leaves = (pki.trust_path / "center-leaves.pem").read_bytes()
        by_role = {}
        for role, peer in PEERS.items():
            of = pki.peer_path(peer)
            identity = ClientIdentity.load(of / "chain.pem", of / "key.pem")
            line = channel.pinned(center.address, identity, leaves)
            by_role[role] = lines.enter_context(line)
        enrolling = lines.enter_context(_enrolment_line(center, leaves))
        for method in methods():
            access = method.GetOptions().Extensions[options_pb2.access]
            if access.without_certificate:
                fly(done, method, enrolling)
            for role in access.roles:
                if role in by_role:
                    fly(done, method, by_role[role])
        done.written = {
            path.name: path.read_bytes()
            for path in (folder / "center").rglob("*")
            if path.is_file()
        }
    for path in (center.log, folder / "center" / "access.log"):
        done.written[path.name] = path.read_bytes()
    return done


def test_no_canary_comes_back(flight: Flight) -> None:
    assert flight.hits() == set()


def test_every_method_was_called_and_no_call_met_a_defect(flight: Flight) -> None:
    access_log = flight.written["access.log"]
    named = {
        f"/{one.containing_service.full_name}/{one.name}"
        for one in methods()
        if set(one.GetOptions().Extensions[options_pb2.access].roles) & set(PEERS)
    }

    assert {name for name in named if name.encode() not in access_log} == set()
    assert {"INTERNAL", "METHOD_UNKNOWN"} & flight.reasons == set()
    assert b'"incident"' not in access_log
    assert flight.calls > len(named)


def test_a_canary_that_came_back_would_be_found(flight: Flight) -> None:
    text = next(iter(flight.aviary.texts.values()))
    told = Flight(flight.aviary, {"error": f"field is {text}".encode()})

    assert Hit(text, "utf-8", "error") in told.hits()
