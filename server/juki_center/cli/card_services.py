"""The services at which cards are used, applied for, made and looked after."""

from __future__ import annotations

from typing import TYPE_CHECKING

from juki_center.cli.clerk_services import clerk_policy
from juki_center.cli.copy_keys import copy_policy, copy_trust
from juki_center.cli.policies import card_policy
from juki_center.rpc import (
    card_applications,
    card_session,
    cards,
    copies,
    personalise_stream,
    server,
)
from juki_center.rpc.making_material import load_making_material
from juki_center.rpc.personalisations import Personalisations
from jukinet.card.v1 import card_session_service_pb2, card_session_service_pb2_grpc
from jukinet.cards.v1 import (
    card_application_service_pb2,
    card_service_pb2,
    card_service_pb2_grpc,
)
from jukinet.cards.v1 import card_application_service_pb2_grpc as applications_grpc
from jukinet.copies.v1 import certificate_copy_service_pb2
from jukinet.copies.v1 import certificate_copy_service_pb2_grpc as copies_grpc

if TYPE_CHECKING:
    from juki_center.cli.ground import Ground
    from juki_center.rpc.card_material import MaterialSource
    from juki_center.rpc.open_sessions import OpenSessions


def session_service(
    ground: Ground, material: MaterialSource, sessions: OpenSessions
) -> server.Service:
    """Return CardSessionService."""
    session, clock = ground.config.session, ground.clock
    parts = card_session.Parts(ground.store, material.current, sessions, session, clock)
    authenticate = card_session.CardSessions(parts)
    ground.reloading.on_config(lambda now: authenticate.use(now.session))
    return server.Service(
        card_session_service_pb2.DESCRIPTOR.services_by_name["CardSessionService"],
        lambda target: card_session_service_pb2_grpc.add_CardSessionServiceServicer_to_server(
            authenticate, target
        ),
    )


def copy_service(ground: Ground) -> server.Service:
    """Return CertificateCopyService."""
    pki = ground.pki
    policy, trust = copy_policy(ground.config, pki), copy_trust(pki)
    clerks = clerk_policy(ground.config)
    issue = copies.CertificateCopies(
        copies.Parts(ground.store, policy, trust, ground.clock, clerks)
    )
    ground.reloading.on_config(lambda now: issue.use(copy_policy(now, pki), copy_trust(pki)))
    ground.reloading.on_keys(
        lambda now, folder: issue.use(copy_policy(now, folder), copy_trust(folder))
    )
    return server.Service(
        certificate_copy_service_pb2.DESCRIPTOR.services_by_name["CertificateCopyService"],
        lambda target: copies_grpc.add_CertificateCopyServiceServicer_to_server(issue, target),
    )


def application_service(ground: Ground) -> server.Service:
    """Return CardApplicationService."""
    parts = card_applications.Parts(ground.store, card_policy(ground.config), ground.clock)
    applications = card_applications.CardApplications(parts)
    return server.Service(
        card_application_service_pb2.DESCRIPTOR.services_by_name["CardApplicationService"],
        lambda target: applications_grpc.add_CardApplicationServiceServicer_to_server(
            applications, target
        ),
    )


def card_service(ground: Ground, sessions: OpenSessions) -> server.Service:
    """Return CardService."""
    parts = cards.Parts(
        store=ground.store,
        policy=card_policy(ground.config),
        clock=ground.clock,
        metrics=ground.metrics,
        making=_making(ground, sessions),
    )
    servicer = cards.Cards(parts)
    return server.Service(
        card_service_pb2.DESCRIPTOR.services_by_name["CardService"],
        lambda target: card_service_pb2_grpc.add_CardServiceServicer_to_server(servicer, target),
    )


def _making(ground: Ground, sessions: OpenSessions) -> Personalisations:
    parts = personalise_stream.Parts(
        store=ground.store,
        policy=card_policy(ground.config),
        material=lambda: load_making_material(ground.pki),
        open_sessions=sessions,
        within=ground.config.session.ready,
        clock=ground.clock,
    )
    return Personalisations(parts)
