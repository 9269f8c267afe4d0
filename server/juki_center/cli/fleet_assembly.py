"""Puts enrolment together: its service, and the listener without certificates."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from juki_center.areas.fleet.issuing import FleetPolicy
from juki_center.cli import shipped
from juki_center.rpc import enrollment, enrolment_listener, server
from juki_center.rpc.center_descriptions import DescriptionsSource
from juki_center.rpc.enrolment_listener import Limits
from juki_center.rpc.issuing import Issuing
from juki_center.rpc.server_tls import ServerTLS
from juki_pki.credential import load_certificates
from juki_pki.profile import Profiles
from jukinet.fleet.v1 import enrollment_service_pb2, enrollment_service_pb2_grpc

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from datetime import datetime

    from juki_center.config import CenterConfig
    from juki_center.rpc.access_log import AccessLog
    from juki_center.rpc.metrics import Metrics
    from juki_center.storage.center_store import CenterStore
    from juki_pki.credential import X509Credential
    from juki_pki.folder import PKIFolder
    from juki_pki.trust import Trust


def fleet_policy(config: CenterConfig) -> FleetPolicy:
    """Return what the configuration settles for peers' certificates."""
    return FleetPolicy(
        municipalities=shipped.municipalities(),
        overlap=config.enrolment.overlap,
        grace=config.enrolment.grace,
    )


class Enrolment:
    """The parts of enrolment of one center."""

    def __init__(
        self,
        config: CenterConfig,
        store: CenterStore,
        pki: PKIFolder,
        clock: Callable[[], datetime],
    ) -> None:
        self._config = config
        self._tls = ServerTLS(pki.center(config.node), pki.trust().anchors)
        self._clock = clock
        self._descriptions = DescriptionsSource(pki)
        servicer = enrollment.Enrollment(
            enrollment.Parts(
                store=store,
                policy=fleet_policy(config),
                issuing=Issuing(config.enrolment.issuing_dir, Profiles.load()),
                descriptions=self._descriptions,
                issuers=lambda: load_certificates(pki.trust_path / "issuing.pem"),
                clock=clock,
            )
        )
        self.service = server.Service(
            enrollment_service_pb2.DESCRIPTOR.services_by_name["EnrollmentService"],
            lambda target: enrollment_service_pb2_grpc.add_EnrollmentServiceServicer_to_server(
                servicer, target
            ),
        )

    def use(self, center: X509Credential, trust: Trust) -> None:
        """Show another certificate of the center from the next connection on, and say so."""
        self._tls.use(center, trust.anchors)
        self._descriptions.forget()

    @asynccontextmanager
    async def listening(
        self,
        log: AccessLog,
        metrics: Metrics,
        limits: Limits | None = None,
        *,
        is_shared: bool = False,
    ) -> AsyncIterator[int]:
        """Serve callers without a certificate until the block ends, where that is configured.

        Gives the port, 0 for none. Raises BindFailedError.
        """
        if not self._config.enrolment.listen:
            yield 0
            return
        listener = await enrolment_listener.start(
            self.service,
            address=self._config.enrolment.listen,
            credentials=self._tls.open_credentials(),
            watched=enrolment_listener.Watched(log, metrics, self._clock),
            limits=limits or Limits(),
            is_shared=is_shared,
        )
        try:
            yield listener.port
        finally:
            await listener.stop()
