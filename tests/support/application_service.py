"""A center that serves applications for a card over gRPC, and requests as windows make them."""

from __future__ import annotations

import shutil
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

from juki_center.areas.cards.register import CardStatus
from juki_center.rpc import card_applications, cards, personalise_stream, server
from juki_center.rpc.making_material import load_making_material
from juki_center.rpc.metrics import Metrics
from juki_center.rpc.open_sessions import OpenSessions
from juki_center.rpc.personalisations import Personalisations
from juki_center.rule_sets import RuleSet
from jukinet.cards.v1 import card_application_pb2 as records
from jukinet.cards.v1 import card_application_service_pb2 as pb
from jukinet.cards.v1 import card_application_service_pb2_grpc as pb_grpc
from jukinet.cards.v1 import card_service_pb2, card_service_pb2_grpc, identity_document_pb2
from tests.support.card_window import CLERK, PHOTO, CardWindow
from tests.support.center import CHIYODA, NOW, SAMPLES, open_test_store
from tests.support.center_edge import channel, running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from juki_pki.credential import X509Credential
    from juki_pki.folder import PKIFolder
    from tests.support.center_edge import RunningEdge

APPLICATIONS = pb.DESCRIPTOR.services_by_name["CardApplicationService"]
CARDS = card_service_pb2.DESCRIPTOR.services_by_name["CardService"]
MAKOTO = "tsuji-makoto"
Document = identity_document_pb2.IdentityDocument
Form = records.ApplicationForm


@dataclass
class Clock:
    """A clock that a test sets."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now


@dataclass
class CardOffice:
    """A center that serves applications and cards, Chiyoda's window on its store, its clock."""

    window: CardWindow
    clock: Clock
    edge: RunningEdge
    pki: PKIFolder

    @asynccontextmanager
    async def stub(
        self, peer: X509Credential | None = None
    ) -> AsyncIterator[pb_grpc.CardApplicationServiceStub]:
        """Give a stub that calls as a peer, or as the first terminal of Chiyoda."""
        async with channel(self.edge, self.pki, peer or self.pki.terminal("131016", "01")) as line:
            yield pb_grpc.CardApplicationServiceStub(line)

    @asynccontextmanager
    async def cards(self) -> AsyncIterator[card_service_pb2_grpc.CardServiceStub]:
        """Give a stub of the cards' service for the first terminal of Chiyoda."""
        async with channel(self.edge, self.pki, self.pki.terminal("131016", "01")) as line:
            yield card_service_pb2_grpc.CardServiceStub(line)


@asynccontextmanager
async def serving(
    pki: PKIFolder, furnished: Path, folder: Path, rule_set: RuleSet = RuleSet.R2003_08
) -> AsyncIterator[CardOffice]:
    """Serve a copy of a furnished store, all cards of which were returned."""
    shutil.copytree(furnished, folder)
    store, clock = open_test_store(folder), Clock()
    window = CardWindow(store, terminal=CHIYODA).under(rule_set)
    await window.set_status(CardStatus.RETURNED, *SAMPLES)
    servicer = card_applications.CardApplications(
        card_applications.Parts(store, window.policy, clock)
    )
    life = cards.Cards(_card_parts(pki, window, clock))
    services = (
        server.Service(
            APPLICATIONS,
            lambda s: pb_grpc.add_CardApplicationServiceServicer_to_server(servicer, s),
        ),
        server.Service(
            CARDS, lambda s: card_service_pb2_grpc.add_CardServiceServicer_to_server(life, s)
        ),
    )
    try:
        async with running(pki, *services) as edge:
            yield CardOffice(window, clock, edge, pki)
    finally:
        store.close()


def _card_parts(pki: PKIFolder, window: CardWindow, clock: Clock) -> cards.Parts:
    metrics = Metrics()
    making = Personalisations(
        personalise_stream.Parts(
            store=window.store,
            policy=window.policy,
            material=lambda: load_making_material(pki),
            open_sessions=OpenSessions(metrics),
            within=timedelta(seconds=60),
            clock=clock,
        )
    )
    return cards.Parts(window.store, window.policy, clock, metrics, making)


def licence(kind: Document.Kind.ValueType = Document.KIND_DRIVING_LICENCE) -> Document:
    """Return a document that a clerk has seen."""
    return Document(kind=kind, number_hash=b"\x5a" * 32, number_salt=b"\xa5" * 16)


def form(key: str = MAKOTO, **more: object) -> Form:
    """Return a form for a card of style 1 at the counter; `more` are its fields."""
    fields = {
        "code": SAMPLES[key].record.code.digits,
        "style": records.CARD_STYLE_1,
        "place": Form.PLACE_COUNTER,
        "documents": [licence()],
        **more,
    }
    return Form(**fields)  # type: ignore[arg-type]  # fields of the form


def photo_form(**more: object) -> Form:
    """Return a form for a card of style 2 with a photo of this month."""
    fields = {"style": records.CARD_STYLE_2, "photo": PHOTO, "photo_taken_on": "2026-11-20"}
    return form(**{**fields, **more})  # type: ignore[arg-type]  # fields of the form


def submission(what: Form | None = None, clerk_name: str = CLERK) -> pb.SubmitApplicationRequest:
    """Return an application under a new request id."""
    return pb.SubmitApplicationRequest(
        request_id=str(uuid4()), clerk_name=clerk_name, form=what or form()
    )


def reply(to: pb.SubmitApplicationResponse, **more: object) -> pb.RecordInquiryReplyRequest:
    """Return a reply that the applicant brings; `more` are its fields."""
    fields = {
        "request_id": str(uuid4()),
        "clerk_name": CLERK,
        "application_number": to.application.number,
        "letter_number": to.letter.number,
        "brought_by_applicant": True,
        **more,
    }
    return pb.RecordInquiryReplyRequest(**fields)  # type: ignore[arg-type]  # its fields


def rejection(number: str, **more: object) -> pb.RejectApplicationRequest:
    """Return the end of an application; `more` are its fields."""
    fields = {
        "request_id": str(uuid4()),
        "clerk_name": CLERK,
        "application_number": number,
        "reason": pb.RejectApplicationRequest.END_REASON_WITHDRAWN,
        **more,
    }
    return pb.RejectApplicationRequest(**fields)  # type: ignore[arg-type]  # its fields
