"""Every method has a class, and what is never refused is what closes, repairs and watches."""

from __future__ import annotations

import pytest

from juki_center.areas.calls import URGENT_METHODS
from juki_center.areas.overload.classes import NAMED, OPERATING_ROLES, Load, load_of
from jukinet.agencies.v1 import identity_confirmation_service_pb2
from jukinet.approvals.v1 import approval_service_pb2
from jukinet.card.v1 import card_session_service_pb2
from jukinet.cards.v1 import card_application_service_pb2, card_service_pb2
from jukinet.copies.v1 import certificate_copy_service_pb2
from jukinet.disclosure.v1 import disclosure_service_pb2
from jukinet.fleet.v1 import enrollment_service_pb2, terminal_service_pb2
from jukinet.moves.v1 import move_service_pb2
from jukinet.operations.v1 import center_service_pb2
from jukinet.residents.v1 import resident_service_pb2

FILES = (
    identity_confirmation_service_pb2,
    approval_service_pb2,
    card_session_service_pb2,
    card_application_service_pb2,
    card_service_pb2,
    certificate_copy_service_pb2,
    disclosure_service_pb2,
    enrollment_service_pb2,
    terminal_service_pb2,
    move_service_pb2,
    center_service_pb2,
    resident_service_pb2,
)
METHODS = {
    f"/{service.full_name}/{method.name}": method
    for file in FILES
    for service in file.DESCRIPTOR.services_by_name.values()
    for method in service.methods
}
CONFIRMATIONS = "/jukinet.agencies.v1.IdentityConfirmationService"


def test_every_named_method_exists() -> None:
    assert set(NAMED) <= set(METHODS)


def test_every_stream_is_counted_beside_the_lanes() -> None:
    streams = {
        path
        for path, method in METHODS.items()
        if method.client_streaming or method.server_streaming
    }

    classes = {load_of(path, "terminal") for path in streams}

    assert classes == {Load.SESSION, Load.BULK, Load.VITAL}


@pytest.mark.parametrize("method", sorted(URGENT_METHODS))
def test_what_closes_is_vital_whoever_asks(method: str) -> None:
    assert load_of(method, "desk") is Load.VITAL


@pytest.mark.parametrize("role", sorted(OPERATING_ROLES))
def test_who_runs_the_center_is_vital_whatever_they_ask(role: str) -> None:
    assert load_of(f"{CONFIRMATIONS}/ConfirmByAttributes", role) is Load.VITAL


def test_health_is_vital() -> None:
    assert load_of("/grpc.health.v1.Health/Check", "terminal") is Load.VITAL


@pytest.mark.parametrize(
    ("method", "load"),
    [
        ("ConfirmByCode", Load.WINDOW),
        ("ConfirmByAttributes", Load.BROAD),
        ("ConfirmBatch", Load.BULK),
        ("WatchChanges", Load.BULK),
    ],
)
def test_questions_of_agencies_have_their_classes(method: str, load: Load) -> None:
    assert load_of(f"{CONFIRMATIONS}/{method}", "agency") is load
