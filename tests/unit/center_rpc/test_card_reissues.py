"""ReissueCard over a real store and a real channel: what it does and what it refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import grpc
import pytest

from juki_center.areas.cards.register import CardStatus
from jukinet.cards.v1 import card_application_pb2 as records
from jukinet.cards.v1 import card_pb2
from jukinet.cards.v1 import card_service_pb2 as pb
from tests.support.application_service import MAKOTO, CardOffice, form, photo_form, serving
from tests.support.card_window import CLERK
from tests.support.photos import other
from tests.support.register_service import refusal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from juki_pki.folder import PKIFolder

LOST = pb.LossNotice(reason=pb.SuspendCardRequest.REASON_LOST, police_report="123")


@pytest.fixture
async def office(
    pki: PKIFolder, furnished_registers: Path, tmp_path: Path
) -> AsyncIterator[CardOffice]:
    """A center in which Makoto has an active card."""
    async with serving(pki, furnished_registers, tmp_path / "center") as serves:
        await serves.window.set_status(CardStatus.ACTIVE, MAKOTO)
        yield serves


def reissue(**more: object) -> pb.ReissueCardRequest:
    """Return a request for a card in place of a lost one; `more` are its fields."""
    fields = {
        "request_id": str(uuid4()),
        "clerk_name": CLERK,
        "form": form(),
        "lost": LOST,
        **more,
    }
    return pb.ReissueCardRequest(**fields)  # type: ignore[arg-type]  # its fields


async def test_case_33_the_lost_card_is_revoked_for_ever_by_the_application_for_another(
    office: CardOffice,
) -> None:
    request = reissue()
    async with office.cards() as stub:
        answer = await stub.ReissueCard(request)
        again = await stub.ReissueCard(request)

    assert again == answer
    assert answer.application.kind == records.APPLICATION_KIND_REISSUE
    assert answer.old_card.state == card_pb2.CARD_STATE_REVOKED
    assert office.window.status(MAKOTO) is CardStatus.REVOKED


@pytest.mark.parametrize(
    ("request_", "reason", "facts"),
    [
        (
            reissue(lost=None),
            "FIELD_INVALID",
            {"field": "old_card", "rule": "REQUIRED"},
        ),
        (
            reissue(lost=pb.LossNotice()),
            "FIELD_INVALID",
            {"field": "lost.reason", "rule": "REQUIRED"},
        ),
        (
            reissue(lost=pb.LossNotice(reason=LOST.reason, police_report="1" * 41)),
            "FIELD_INVALID",
            {"field": "lost.police_report", "rule": "TOO_LONG"},
        ),
        (
            reissue(lost=None, card_session_id=b"x"),
            "FIELD_INVALID",
            {"field": "card_session_id", "rule": "BYTES_16"},
        ),
        (reissue(lost=None, card_session_id=bytes(16)), "SESSION_NOT_FOUND", {}),
        (reissue(form=form(documents=[])), "IDENTITY_DOCUMENT_REQUIRED", {}),
        (reissue(form=form("tsuji-misaki")), "CARD_UNKNOWN", {}),
        (reissue(form=form("yoshida-taro")), "RESIDENT_NOT_FOUND", {}),
        (
            reissue(form=photo_form(photo=other("PNG"))),
            "PHOTO_NOT_USABLE",
            {"rule": "NOT_JPEG"},
        ),
        (reissue(form=photo_form(photo_taken_on="2026-05-22")), "PHOTO_TOO_OLD", {}),
        (reissue(clerk_name=""), "CLERK_NAME_REQUIRED", {}),
    ],
)
async def test_a_reissue_that_cannot_be_is_refused_and_leaves_the_card(
    office: CardOffice, request_: pb.ReissueCardRequest, reason: str, facts: dict[str, str]
) -> None:
    async with office.cards() as stub:
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await stub.ReissueCard(request_)

    found = refusal(raised.value)
    assert (found.reason, found.facts) == (reason, facts)
    assert office.window.status(MAKOTO) is CardStatus.ACTIVE
