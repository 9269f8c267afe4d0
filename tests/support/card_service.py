"""A center that serves cards and copies over gRPC, and requests as callers make them."""

from __future__ import annotations

import shutil
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

from juki_center.rpc import cards, copies, personalise_stream, server
from juki_center.rpc.making_material import load_making_material
from juki_center.rpc.metrics import Metrics
from juki_center.rpc.open_sessions import OpenSessions
from juki_center.rpc.personalisations import Personalisations
from jukinet.cards.v1 import card_service_pb2 as pb
from jukinet.cards.v1 import card_service_pb2_grpc as pb_grpc
from jukinet.cards.v1.identity_document_pb2 import IdentityDocument
from jukinet.copies.v1 import certificate_copy_service_pb2_grpc as copies_grpc
from tests.support.card_life import APPLICATION, CardLife
from tests.support.card_window import CLERK, TARO, CardWindow
from tests.support.center import NOW, SAMPLES, make_policy, make_signer, open_test_store
from tests.support.center_edge import SERVICE, channel, running
from tests.support.clerks import clerk_policy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from juki_pki.credential import X509Credential
    from juki_pki.folder import PKIFolder
    from tests.support.center_edge import RunningEdge

CARDS = pb.DESCRIPTOR.services_by_name["CardService"]
TARO_CODE = SAMPLES[TARO].record.code.digits
SIGNER, TRUST = make_signer()


@dataclass
class Clock:
    """A clock that a test sets."""

    now: datetime = field(default=NOW)

    def __call__(self) -> datetime:
        return self.now


@dataclass
class CardCounter:
    """A center that serves, Tokorozawa's window on its store, its clock and its metrics."""

    life: CardLife
    clock: Clock
    edge: RunningEdge
    pki: PKIFolder
    metrics: Metrics

    @asynccontextmanager
    async def stub(
        self, peer: X509Credential | None = None
    ) -> AsyncIterator[pb_grpc.CardServiceStub]:
        """Give a stub that calls as a peer, or as the first terminal of Tokorozawa."""
        async with channel(self.edge, self.pki, peer or self.terminal()) as line:
            yield pb_grpc.CardServiceStub(line)

    @asynccontextmanager
    async def copies(self) -> AsyncIterator[copies_grpc.CertificateCopyServiceStub]:
        """Give a stub of the copies' service for the first terminal of Chiyoda."""
        async with channel(self.edge, self.pki, self.terminal("131016")) as line:
            yield copies_grpc.CertificateCopyServiceStub(line)

    def terminal(self, municipality: str = "112089") -> X509Credential:
        """Return a terminal's credential."""
        return self.pki.terminal(municipality, "01")

    def callers(self) -> dict[str, X509Credential]:
        """Return a peer of each role."""
        return {
            "terminal": self.terminal(),
            "desk": self.pki.desk("131016", "01"),
            "operator": self.pki.operator("operator-1"),
            "agency": self.pki.agency("passport-1"),
        }


@asynccontextmanager
async def serving(pki: PKIFolder, furnished: Path, folder: Path) -> AsyncIterator[CardCounter]:
    """Serve a copy of a furnished store until the block ends."""
    shutil.copytree(furnished, folder)
    store, clock, metrics = open_test_store(folder), Clock(), Metrics()
    window = CardWindow(store)
    making = Personalisations(
        personalise_stream.Parts(
            store=store,
            policy=window.policy,
            material=lambda: load_making_material(pki),
            open_sessions=OpenSessions(metrics),
            within=timedelta(seconds=60),
            clock=clock,
        )
    )
    life = cards.Cards(cards.Parts(store, window.policy, clock, metrics, making))
    issue = copies.CertificateCopies(
        copies.Parts(store, make_policy(SIGNER), TRUST, clock, clerk_policy())
    )
    services = (
        server.Service(CARDS, lambda s: pb_grpc.add_CardServiceServicer_to_server(life, s)),
        server.Service(
            SERVICE, lambda s: copies_grpc.add_CertificateCopyServiceServicer_to_server(issue, s)
        ),
    )
    try:
        async with running(pki, *services) as edge:
            yield CardCounter(CardLife(window), clock, edge, pki, metrics)
    finally:
        store.close()


def new_id() -> str:
    """Return a request id."""
    return str(uuid4())


def shown(*kinds: IdentityDocument.Kind.ValueType) -> list[IdentityDocument]:
    """Return documents of these kinds; two that count where none is named."""
    chosen = kinds or (IdentityDocument.KIND_DRIVING_LICENCE, IdentityDocument.KIND_PENSION_BOOK)
    return [
        IdentityDocument(kind=kind, number_hash=b"h" * 32, number_salt=b"s" * 16) for kind in chosen
    ]


def taros() -> pb.CardReference:
    """Mean Taro's newest card."""
    return pb.CardReference(code=TARO_CODE)


def suspend(**more: object) -> pb.SuspendCardRequest:
    """Return the report of a loss by telephone."""
    kinds = pb.SuspendCardRequest
    request = pb.SuspendCardRequest(
        request_id=new_id(),
        clerk_name=CLERK,
        card=taros(),
        reporter=kinds.REPORTER_HOLDER,
        channel=kinds.CHANNEL_PHONE,
        reason=kinds.REASON_LOST,
        questions=[pb.CallerQuestion(topic=pb.CallerQuestion.TOPIC_ADDRESS, answered_rightly=True)],
    )
    request.MergeFrom(pb.SuspendCardRequest(**more))  # type: ignore[arg-type]  # fields of it
    return request


def requests() -> dict[str, object]:
    """Return a whole request for each method of a window, by the method's name."""
    who = {"clerk_name": CLERK}
    once = {"request_id": new_id(), **who}
    session = b"s" * 16
    return {
        "BeginHandOver": pb.BeginHandOverRequest(
            **who, application_number=APPLICATION, documents=shown()
        ),
        "HandOver": pb.HandOverRequest(
            **once, application_number=APPLICATION, card_session_id=session, fee_yen=500
        ),
        "BeginUnlockPin": pb.BeginUnlockPinRequest(
            **once,
            card=taros(),
            documents=shown(),
            mode=pb.BeginUnlockPinRequest.MODE_FORGOTTEN,
        ),
        "UnlockPin": pb.UnlockPinRequest(**once, unlock_id=b"u" * 16, card_session_id=session),
        "ReportLock": pb.ReportLockRequest(request_id=new_id()),
        "SuspendCard": suspend(),
        "ResumeCard": pb.ResumeCardRequest(**once, card_session_id=session, documents=shown()),
        "RevokeCard": pb.RevokeCardRequest(**once, card=taros(), documents=shown()),
        "ReturnCard": pb.ReturnCardRequest(**once, card_session_id=session),
        "GetCard": pb.GetCardRequest(**who, card=taros()),
    }
