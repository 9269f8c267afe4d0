"""Puts a center together from its configuration: store, keys, services, listeners.

What each part does is in its own module; here they only meet.
"""

from __future__ import annotations

import sys
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.serialization import Encoding

from juki_center.areas.agencies.affairs import Affairs
from juki_center.areas.agencies.policy import AgencyPolicy
from juki_center.areas.alerts.rules import AlertPolicy
from juki_center.areas.cards.policy import CardPolicy
from juki_center.areas.copies.policy import CopyPolicy
from juki_center.areas.copies.signature import CopySigner, CopyTrust
from juki_center.areas.fleet.ends import ends_of_peers
from juki_center.areas.moves.policy import MovePolicy
from juki_center.areas.residents.municipalities import Municipalities
from juki_center.areas.residents.policy import RegisterPolicy
from juki_center.cli.accountable_services import disclosure_service, operations_service
from juki_center.cli.clerk_services import (
    approval_service,
    clerk_gates,
    clerk_policy,
    clerk_service,
    terminal_service,
)
from juki_center.cli.fleet_assembly import Enrolment
from juki_center.cli.fleet_parts import Fleet
from juki_center.cli.housekeeping import housekeeping
from juki_center.cli.log_signing import LogSigning
from juki_center.cli.log_watch import LogWatch
from juki_center.cli.queue_drain import draining
from juki_center.cli.reloading import Hangup, Reloading
from juki_center.cli.watch_parts import watch_parts
from juki_center.config import Environment
from juki_center.data import affair_tables, municipality_rows
from juki_center.errors import KeyUnusable, Refusal
from juki_center.rpc import (
    agencies,
    card_applications,
    card_session,
    cards,
    copies,
    moves,
    personalise_stream,
    residents,
    server,
    terminals,
)
from juki_center.rpc.access_log import AccessLog
from juki_center.rpc.agency_alarms import AgencyAlarms
from juki_center.rpc.batch_pace import BatchPace
from juki_center.rpc.card_material import MaterialSource
from juki_center.rpc.change_bell import ChangeBell
from juki_center.rpc.local_orders import LocalParts
from juki_center.rpc.local_socket import listening_locally
from juki_center.rpc.making_material import load_making_material
from juki_center.rpc.metrics import Metrics
from juki_center.rpc.open_sessions import OpenSessions
from juki_center.rpc.open_streams import OpenStreams
from juki_center.rpc.personalisations import Personalisations
from juki_center.rpc.server_tls import ServerTLS
from juki_center.rpc.terminal_sign_in import SignInParts
from juki_center.rpc.tracing import NO_TRACING
from juki_center.storage import open_store
from juki_center.storage.keys import KeyEncryptionKey
from juki_pki.folder import PKIFolder
from jukinet.agencies.v1 import identity_confirmation_service_pb2
from jukinet.agencies.v1 import identity_confirmation_service_pb2_grpc as confirmation_grpc
from jukinet.card.v1 import card_session_service_pb2, card_session_service_pb2_grpc
from jukinet.cards.v1 import (
    card_application_service_pb2,
    card_service_pb2,
    card_service_pb2_grpc,
)
from jukinet.cards.v1 import card_application_service_pb2_grpc as applications_grpc
from jukinet.copies.v1 import certificate_copy_service_pb2, certificate_copy_service_pb2_grpc
from jukinet.moves.v1 import move_service_pb2, move_service_pb2_grpc
from jukinet.residents.v1 import resident_service_pb2, resident_service_pb2_grpc

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping

    from juki_center.areas.audit.heads import LogSigner
    from juki_center.areas.ports import Tx
    from juki_center.config import CenterConfig
    from juki_center.rpc.tracing import Tracing
    from juki_center.storage.sqlite import SQLiteStore

_MEBIBYTE: Final = 1 << 20
GRACE_SECONDS: Final = 5.0
_NO_SERIAL: Final = bytes(32)
_MOST_BATCHES: Final = 64
_MOST_WATCHES: Final = 512
_MOST_IMPORTS: Final = 256


def system_clock() -> datetime:
    """Return the time of the system's clock."""
    return datetime.now(UTC)


def standard_error(block: bytes) -> None:
    """Write a block of log lines."""
    sys.stderr.buffer.write(block)
    sys.stderr.buffer.flush()


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a center takes from outside of its configuration."""

    clock: Callable[[], datetime] = system_clock
    write_log: Callable[[bytes], object] = standard_error
    tracing: Tracing = NO_TRACING
    hangup: Hangup = field(default_factory=Hangup)


@asynccontextmanager
async def opened_store(config: CenterConfig) -> AsyncIterator[SQLiteStore]:
    """Open the store that the configuration names, and close it at the end."""
    with closing(open_with_key(config)) as store:
        yield store


def open_with_key(config: CenterConfig) -> SQLiteStore:
    """Open the store with its key; raise KeyUnusable or StoreUnusable, each naming its file.

    Where the PKI folder has no key of the log, the log's heads stay unsigned. Raises PKIError for
    one that is exposed or broken.
    """
    kek = KeyEncryptionKey.load(config.kek)
    try:
        signer = _log_signer(PKIFolder(config.pki_dir))
        octets = config.reserve_mib * _MEBIBYTE
        return open_store(config.store_url, kek, signer, reserve_octets=octets)
    except KeyUnusable as error:
        store = config.store_url.removeprefix("sqlite:///")
        raise KeyUnusable(f"{config.kek} is not the key of {store}") from error


def _log_signer(pki: PKIFolder) -> LogSigner | None:
    return LogSigning(pki.log_signer_path) if pki.log_signer_path.exists() else None


def check_log_key(config: CenterConfig) -> None:
    """Raise Missing where a center in production has no key to sign its log by."""
    if config.environment is Environment.PRODUCTION:
        PKIFolder(config.pki_dir).log_signer()


@asynccontextmanager
async def listening(
    config: CenterConfig, store: SQLiteStore, surroundings: Surroundings | None = None
) -> AsyncIterator[server.Server]:
    """Listen until the block ends; then end sessions by their reason and calls by themselves.

    In the meantime the store forgets what is old. Raises PKIError for keys that cannot be read,
    and in production where there is none to sign the log by.
    """
    check_log_key(config)
    around = surroundings or Surroundings()
    pki = PKIFolder(config.pki_dir)
    metrics = Metrics()
    log = AccessLog(around.write_log)
    fleet = Fleet.of(store)
    sessions = OpenSessions(metrics)
    pace = BatchPace()
    imports = OpenStreams(metrics.open_imports, most=_MOST_IMPORTS)
    confirmations = _confirmations(store, log, metrics, pace, around)
    material = MaterialSource(pki, around.clock())
    tls = ServerTLS(pki.center(config.node), pki.trust().anchors)
    reloading = Reloading(config, log, around.clock, around.hangup)
    reloading.on_keys(lambda now, folder: tls.use(folder.center(now.node), folder.trust().anchors))
    reloading.on_keys(lambda _config, _folder: material.reread(around.clock()))
    reloading.with_peers(lambda: _ends_of_peers(store, around.clock()))
    metrics.tell_expiries(reloading.ends)
    enrolment = Enrolment(config, store, pki, around.clock)
    reloading.on_keys(lambda now, folder: enrolment.use(folder.center(now.node), folder.trust()))
    watches = watch_parts(
        store=store,
        bell=fleet.bell,
        signer=_copy_signer(pki),
        metrics=metrics,
        clock=around.clock,
    )
    reloading.on_keys(lambda _config, folder: watches.take_over(_copy_signer(folder)))
    clerks = SignInParts(store, clerk_policy(config), around.clock)
    services = (
        *_services(config, store, pki, material, sessions, around, reloading),
        _register_service(config, store, metrics, imports, pace, around, reloading),
        _application_service(config, store, around),
        _card_service(
            cards.Parts(
                store=store,
                policy=card_policy(config),
                clock=around.clock,
                metrics=metrics,
                making=_making(config, store, pki, sessions, around),
            )
        ),
        _move_service(config, store, around, reloading),
        _confirmation_service(confirmations),
        terminal_service(terminals.Parts(clerks, watches)),
        clerk_service(clerks),
        operations_service(store, around.clock),
        disclosure_service(config, store, around.clock),
        enrolment.service,
    )
    running = await server.start(
        services=(*services, approval_service(clerks, services)),
        listening=server.Listening(config.listen_grpc, config.listen_http),
        credentials=tls.credentials(),
        observation=server.Observation(
            log,
            metrics,
            lambda: _ready(store, material, around.clock()),
            fleet.live,
            around.tracing,
        ),
        clock=around.clock,
        with_reflection=config.environment is not Environment.PRODUCTION,
        gates=(*fleet.gates, enrolment.gate, *clerk_gates(clerks)),
    )
    try:
        watch = LogWatch(store, alert_policy(config), log, metrics, around.clock)
        async with (
            fleet.watching(),
            housekeeping(store, around.clock),
            draining(store, around.clock),
            _local_socket(config, store, around),
            confirmations.bell.watching(),
            watch.watching(),
            reloading.watching(),
            enrolment.listening(log, metrics) as running.enrolment_port,
        ):
            yield running
    finally:
        await running.drain()
        watches.hub.close()
        sessions.close()
        imports.close()
        confirmations.close()
        await running.stop(GRACE_SECONDS)


def _services(  # the parts meet here and nowhere else
    config: CenterConfig,
    store: SQLiteStore,
    pki: PKIFolder,
    material: MaterialSource,
    sessions: OpenSessions,
    around: Surroundings,
    reloading: Reloading,
) -> Iterator[server.Service]:
    authenticate = card_session.CardSessions(
        card_session.Parts(store, material.current, sessions, config.session, around.clock)
    )
    issue = copies.CertificateCopies(
        copies.Parts(store, _policy(config, pki), _copy_trust(pki), around.clock)
    )
    reloading.on_config(lambda now: authenticate.use(now.session))
    reloading.on_config(lambda now: issue.use(_policy(now, pki), _copy_trust(pki)))
    reloading.on_keys(lambda now, folder: issue.use(_policy(now, folder), _copy_trust(folder)))
    yield server.Service(
        card_session_service_pb2.DESCRIPTOR.services_by_name["CardSessionService"],
        lambda target: card_session_service_pb2_grpc.add_CardSessionServiceServicer_to_server(
            authenticate, target
        ),
    )
    yield server.Service(
        certificate_copy_service_pb2.DESCRIPTOR.services_by_name["CertificateCopyService"],
        lambda target: (
            certificate_copy_service_pb2_grpc.add_CertificateCopyServiceServicer_to_server(
                issue, target
            )
        ),
    )


def _register_service(
    config: CenterConfig,
    store: SQLiteStore,
    metrics: Metrics,
    imports: OpenStreams,
    pace: BatchPace,
    around: Surroundings,
    reloading: Reloading,
) -> server.Service:
    policy = RegisterPolicy(Municipalities.parse(municipality_rows()), config.low_stock)
    parts = residents.Parts(store, policy, around.clock, metrics, imports, pace)
    register = residents.Residents(parts)
    reloading.on_config(lambda now: register.use(replace(policy, low_stock=now.low_stock)))
    return server.Service(
        resident_service_pb2.DESCRIPTOR.services_by_name["ResidentService"],
        lambda target: resident_service_pb2_grpc.add_ResidentServiceServicer_to_server(
            register, target
        ),
    )


def _application_service(
    config: CenterConfig, store: SQLiteStore, around: Surroundings
) -> server.Service:
    parts = card_applications.Parts(store, card_policy(config), around.clock)
    applications = card_applications.CardApplications(parts)
    return server.Service(
        card_application_service_pb2.DESCRIPTOR.services_by_name["CardApplicationService"],
        lambda target: applications_grpc.add_CardApplicationServiceServicer_to_server(
            applications, target
        ),
    )


def _move_service(
    config: CenterConfig, store: SQLiteStore, around: Surroundings, reloading: Reloading
) -> server.Service:
    servicer = moves.Moves(moves.Parts(store, move_policy(config), around.clock))
    reloading.on_config(lambda now: servicer.use(move_policy(now)))
    return server.Service(
        move_service_pb2.DESCRIPTOR.services_by_name["MoveService"],
        lambda target: move_service_pb2_grpc.add_MoveServiceServicer_to_server(servicer, target),
    )


@asynccontextmanager
async def _local_socket(
    config: CenterConfig, store: SQLiteStore, around: Surroundings
) -> AsyncIterator[None]:
    """Take local orders, where the configuration names a socket for them."""
    if config.listen_local is None:
        yield
        return
    by = f"juki://center/{config.node}"
    parts = LocalParts(store, card_policy(config), around.clock, by)
    async with listening_locally(parts, config.listen_local):
        yield


def _making(
    config: CenterConfig,
    store: SQLiteStore,
    pki: PKIFolder,
    sessions: OpenSessions,
    around: Surroundings,
) -> Personalisations:
    parts = personalise_stream.Parts(
        store=store,
        policy=card_policy(config),
        material=lambda: load_making_material(pki),
        open_sessions=sessions,
        within=config.session.ready,
        clock=around.clock,
    )
    return Personalisations(parts)


def _card_service(parts: cards.Parts) -> server.Service:
    servicer = cards.Cards(parts)
    return server.Service(
        card_service_pb2.DESCRIPTOR.services_by_name["CardService"],
        lambda target: card_service_pb2_grpc.add_CardServiceServicer_to_server(servicer, target),
    )


def card_policy(config: CenterConfig) -> CardPolicy:
    """Return what the configuration settles for cards."""
    return CardPolicy(config.rule_set, Municipalities.parse(municipality_rows()))


def alert_policy(config: CenterConfig) -> AlertPolicy:
    """Return what the configuration settles for alerts."""
    settings = config.alerts
    return AlertPolicy.of(settings.opens, settings.closes, settings.limits)


def move_policy(config: CenterConfig) -> MovePolicy:
    """Return what the configuration settles for moves."""
    return MovePolicy(card_policy(config), config.householder_card_only)


def _confirmations(
    store: SQLiteStore, log: AccessLog, metrics: Metrics, pace: BatchPace, around: Surroundings
) -> agencies.Parts:
    policy = AgencyPolicy(
        affairs=Affairs.parse(affair_tables()),
        municipalities=Municipalities.parse(municipality_rows()),
    )
    return agencies.Parts(
        store=store,
        policy=policy,
        clock=around.clock,
        alarms=AgencyAlarms(store, policy.alarm, log, metrics, around.clock),
        pace=pace,
        batches=OpenStreams(metrics.open_batches, most=_MOST_BATCHES),
        watches=OpenStreams(metrics.open_watches, most=_MOST_WATCHES),
        bell=ChangeBell(store),
    )


def _confirmation_service(parts: agencies.Parts) -> server.Service:
    confirm = agencies.IdentityConfirmations(parts)
    return server.Service(
        identity_confirmation_service_pb2.DESCRIPTOR.services_by_name[
            "IdentityConfirmationService"
        ],
        lambda target: confirmation_grpc.add_IdentityConfirmationServiceServicer_to_server(
            confirm, target
        ),
    )


def _policy(config: CenterConfig, pki: PKIFolder) -> CopyPolicy:
    return CopyPolicy(
        photo_id_enabled=config.photo_id_enabled,
        municipalities=Municipalities.parse(municipality_rows()),
        signer=_copy_signer(pki),
    )


def hotlist_signer(config: CenterConfig) -> CopySigner:
    """Return what the hotlist is signed by; raise PKIError where it is not there."""
    return _copy_signer(PKIFolder(config.pki_dir))


def _copy_signer(pki: PKIFolder) -> CopySigner:
    signer = pki.copy_signer()
    return CopySigner(signer.key, signer.certificate.public_bytes(Encoding.DER))


def _copy_trust(pki: PKIFolder) -> CopyTrust:
    signers = pki.trust().copy_signers
    return CopyTrust(tuple(signer.public_bytes(Encoding.DER) for signer in signers))


def _ready(store: SQLiteStore, material: MaterialSource, now: datetime) -> dict[str, bool]:
    return {
        "store": is_readable(store),
        "log": store.is_log_writable,
        "card_access": material.is_valid(now),
    }


def _ends_of_peers(store: SQLiteStore, now: datetime) -> Mapping[str, datetime]:
    """Return nothing from a store that cannot be read: the other metrics are told then too."""
    try:
        return store.read(lambda tx: ends_of_peers(tx, now)).earliest
    except Refusal:
        return {}


def is_readable(store: SQLiteStore) -> bool:
    """Whether the store answers a question."""

    def look(tx: Tx) -> object:
        return tx.cards.card(_NO_SERIAL)

    try:
        store.read(look)
    except Refusal:
        return False
    return True
