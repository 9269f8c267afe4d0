"""The services of the register: residents and their moves, and what agencies may ask of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from juki_center.areas.agencies.policy import AgencyPolicy
from juki_center.areas.residents.policy import RegisterPolicy
from juki_center.cli import shipped
from juki_center.cli.policies import move_policy
from juki_center.rpc import agencies, moves, residents, server
from juki_center.rpc.agency_alarms import AgencyAlarms
from juki_center.rpc.change_bell import ChangeBell
from juki_center.rpc.open_streams import OpenStreams
from jukinet.agencies.v1 import identity_confirmation_service_pb2
from jukinet.agencies.v1 import identity_confirmation_service_pb2_grpc as confirmation_grpc
from jukinet.moves.v1 import move_service_pb2, move_service_pb2_grpc
from jukinet.residents.v1 import resident_service_pb2, resident_service_pb2_grpc

if TYPE_CHECKING:
    from juki_center.cli.ground import Ground
    from juki_center.rpc.batch_pace import BatchPace

_MOST_BATCHES: Final = 64
_MOST_WATCHES: Final = 512


def register_service(ground: Ground, imports: OpenStreams, pace: BatchPace) -> server.Service:
    """Return ResidentService."""
    policy = RegisterPolicy(shipped.municipalities(), ground.config.low_stock)
    register = residents.Residents(
        residents.Parts(ground.store, policy, ground.clock, ground.metrics, imports, pace)
    )
    ground.reloading.on_config(lambda now: register.use(replace(policy, low_stock=now.low_stock)))
    return server.Service(
        resident_service_pb2.DESCRIPTOR.services_by_name["ResidentService"],
        lambda target: resident_service_pb2_grpc.add_ResidentServiceServicer_to_server(
            register, target
        ),
    )


def move_service(ground: Ground) -> server.Service:
    """Return MoveService."""
    servicer = moves.Moves(moves.Parts(ground.store, move_policy(ground.config), ground.clock))
    ground.reloading.on_config(lambda now: servicer.use(move_policy(now)))
    return server.Service(
        move_service_pb2.DESCRIPTOR.services_by_name["MoveService"],
        lambda target: move_service_pb2_grpc.add_MoveServiceServicer_to_server(servicer, target),
    )


def confirmation_parts(ground: Ground, pace: BatchPace) -> agencies.Parts:
    """Return what agencies' confirmations stand on."""
    store, metrics = ground.store, ground.metrics
    policy = AgencyPolicy(
        affairs=shipped.affairs(),
        municipalities=shipped.municipalities(),
    )
    return agencies.Parts(
        store=store,
        policy=policy,
        clock=ground.clock,
        alarms=AgencyAlarms(store, policy.alarm, ground.log, metrics, ground.clock),
        pace=pace,
        batches=OpenStreams(metrics.open_batches, most=_MOST_BATCHES),
        watches=OpenStreams(metrics.open_watches, most=_MOST_WATCHES),
        bell=ChangeBell(store),
    )


def confirmation_service(parts: agencies.Parts) -> server.Service:
    """Return IdentityConfirmationService."""
    confirm = agencies.IdentityConfirmations(parts)
    return server.Service(
        identity_confirmation_service_pb2.DESCRIPTOR.services_by_name[
            "IdentityConfirmationService"
        ],
        lambda target: confirmation_grpc.add_IdentityConfirmationServiceServicer_to_server(
            confirm, target
        ),
    )
