"""Puts together what stands on clerks: the gates, the terminals' service, the approvals'."""

from __future__ import annotations

from typing import TYPE_CHECKING

from juki_center.areas.clerks.policy import ClerkPolicy
from juki_center.cli import shipped
from juki_center.rpc import approvals, clerks, server, terminals
from juki_center.rpc.approval_gate import ApprovalGate
from juki_center.rpc.clerk_gate import ClerkGate
from juki_center.rpc.options import access_rules
from jukinet.approvals.v1 import approval_service_pb2, approval_service_pb2_grpc
from jukinet.fleet.v1 import (
    clerk_service_pb2,
    clerk_service_pb2_grpc,
    terminal_service_pb2,
    terminal_service_pb2_grpc,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from juki_center.config import CenterConfig
    from juki_center.rpc.gates import Gate
    from juki_center.rpc.terminal_sign_in import SignInParts


def clerk_policy(config: CenterConfig) -> ClerkPolicy:
    """Return what the configuration settles for clerks."""
    return ClerkPolicy(
        shipped.municipalities(),
        sign_in_for=config.sign_in.longest,
        idle_for=config.sign_in.idle,
    )


def clerk_gates(parts: SignInParts) -> tuple[Gate, ...]:
    """Return the gates, the clerks' first: the second person's asks who the first one is."""
    return (
        ClerkGate(parts.store, parts.policy, parts.clock),
        ApprovalGate(parts.store, parts.clock),
    )


def terminal_service(parts: terminals.Parts) -> server.Service:
    """Return the service of terminals."""
    servicer = terminals.Terminals(parts)
    return server.Service(
        terminal_service_pb2.DESCRIPTOR.services_by_name["TerminalService"],
        lambda target: terminal_service_pb2_grpc.add_TerminalServiceServicer_to_server(
            servicer, target
        ),
    )


def clerk_service(parts: SignInParts) -> server.Service:
    """Return the service of clerks."""
    servicer = clerks.Clerks(parts)
    return server.Service(
        clerk_service_pb2.DESCRIPTOR.services_by_name["ClerkService"],
        lambda target: clerk_service_pb2_grpc.add_ClerkServiceServicer_to_server(servicer, target),
    )


def approval_service(parts: SignInParts, services: Iterable[server.Service]) -> server.Service:
    """Return the service of approvals for the acts of other services."""
    rules = access_rules(service.descriptor for service in services)
    servicer = approvals.Approvals(approvals.Parts(parts.store, parts.policy, parts.clock, rules))
    return server.Service(
        approval_service_pb2.DESCRIPTOR.services_by_name["ApprovalService"],
        lambda target: approval_service_pb2_grpc.add_ApprovalServiceServicer_to_server(
            servicer, target
        ),
    )
