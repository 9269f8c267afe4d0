"""The services by which the center gives account: to its operators and to residents."""

from __future__ import annotations

from typing import TYPE_CHECKING

from juki_center.areas.audit.cosignatures import WitnessPolicy
from juki_center.areas.disclosure.records import DisclosurePolicy
from juki_center.cli import shipped
from juki_center.rpc import disclosure, operations, server
from juki_center.rpc.operations_disconnect import DisconnectParts
from juki_center.rpc.operations_log import LogParts
from juki_center.rpc.operations_revoke import RevokeParts
from jukinet.disclosure.v1 import disclosure_service_pb2
from jukinet.disclosure.v1 import disclosure_service_pb2_grpc as disclosure_grpc
from jukinet.operations.v1 import center_service_pb2, center_service_pb2_grpc

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from juki_center.areas.ports import Store
    from juki_center.config import CenterConfig


def operations_service(
    store: Store,
    clock: Callable[[], datetime],
    witnesses: Callable[[], WitnessPolicy] = WitnessPolicy,
) -> server.Service:
    """Return CenterService."""
    parts = operations.Parts(
        LogParts(store, clock, witnesses), RevokeParts(store, clock), DisconnectParts(store, clock)
    )
    servicer = operations.CenterOperations(parts)
    return server.Service(
        center_service_pb2.DESCRIPTOR.services_by_name["CenterService"],
        lambda target: center_service_pb2_grpc.add_CenterServiceServicer_to_server(
            servicer, target
        ),
    )


def disclosure_service(
    config: CenterConfig, store: Store, clock: Callable[[], datetime]
) -> server.Service:
    """Return DisclosureService."""
    policy = DisclosurePolicy(
        shipped.municipalities(),
        shipped.affairs(),
        config.disclosure_years,
    )
    servicer = disclosure.Disclosures(disclosure.Parts(store, policy, clock))
    return server.Service(
        disclosure_service_pb2.DESCRIPTOR.services_by_name["DisclosureService"],
        lambda target: disclosure_grpc.add_DisclosureServiceServicer_to_server(servicer, target),
    )
