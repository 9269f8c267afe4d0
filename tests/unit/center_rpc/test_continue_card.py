"""ContinueCard over gRPC: the whole way, every refusal's words, and once only."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import grpc
import pytest

from juki_center.areas.cards.register import CardStatus, CardStyle
from juki_center.areas.moves.policy import MovePolicy
from juki_center.rpc import moves, server
from jukinet.cards.v1 import card_application_pb2, card_pb2
from jukinet.moves.v1 import move_service_pb2 as pb
from jukinet.moves.v1 import move_service_pb2_grpc as pb_grpc
from tests.support.card_life import NEW_SERIAL
from tests.support.card_moves import CARDS_2012, LAST_MOMENT, TARO_SERIAL, TOO_LATE, CardMoves
from tests.support.card_service import Clock, new_id
from tests.support.card_window import CLERK, TARO
from tests.support.center import CHIYODA_2, SAMPLES, TOKOROZAWA, open_test_store
from tests.support.center_edge import channel, running
from tests.support.leaves import leaves
from tests.support.register_service import Refused, refusal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from juki_pki.credential import X509Credential
    from juki_pki.folder import PKIFolder
    from tests.support.center_edge import RunningEdge

MOVES = pb.DESCRIPTOR.services_by_name["MoveService"]


@dataclass
class Counter:
    """A center that serves moves under the law of 2012, and Taro, who has come to Chiyoda."""

    here: CardMoves
    clock: Clock
    edge: RunningEdge
    pki: PKIFolder

    async def call(
        self, request: pb.ContinueCardRequest, peer: X509Credential | None = None
    ) -> pb.ContinueCardResponse:
        """Send a request as a terminal of Chiyoda, or as another peer."""
        sender = peer or self.pki.terminal("131016", "01")
        async with channel(self.edge, self.pki, sender) as line:
            answer: pb.ContinueCardResponse = await pb_grpc.MoveServiceStub(line).ContinueCard(
                request
            )
            return answer

    async def refused(
        self, request: pb.ContinueCardRequest, peer: X509Credential | None = None
    ) -> Refused:
        """Return why a request is refused."""
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await self.call(request, peer)
        return refusal(caught.value)

    async def request(self, serial: bytes = TARO_SERIAL, **more: object) -> pb.ContinueCardRequest:
        """Return a request whose session the card has finished just now."""
        session = await self.here.proof(serial, now=self.clock.now)
        fields = {"request_id": new_id(), "clerk_name": CLERK, "session_id": session}
        return pb.ContinueCardRequest(**{**fields, **more})  # type: ignore[arg-type]  # its fields


@pytest.fixture
async def counter(
    pki: PKIFolder, furnished_registers: Path, tmp_path: Path
) -> AsyncIterator[Counter]:
    """Serve a copy of the furnished store after Taro's move."""
    shutil.copytree(furnished_registers, tmp_path / "store")
    store, clock = open_test_store(tmp_path / "store"), Clock()
    servicer = moves.Moves(moves.Parts(store, MovePolicy(CARDS_2012), clock))
    service = server.Service(
        MOVES, lambda target: pb_grpc.add_MoveServiceServicer_to_server(servicer, target)
    )
    here = CardMoves(store)
    await here.arrive()
    async with running(pki, service) as edge:
        yield Counter(here, clock, edge, pki)
    store.close()


async def test_case_27_a_continued_card_is_answered_as_active_and_once_only(
    counter: Counter,
) -> None:
    counter.clock.now = LAST_MOMENT
    request = await counter.request()

    answer = await counter.call(request)
    again = await counter.call(request)

    assert again == answer
    assert answer.card.number == counter.here.card().number
    assert answer.card.state == card_pb2.CARD_STATE_ACTIVE
    assert answer.card.continue_until == ""
    assert [leaf["ev"] for leaf in leaves(counter.here.store)].count("CARD_CONTINUED") == 1


async def test_case_27_a_session_from_before_midnight_is_told_the_last_day(
    counter: Counter,
) -> None:
    counter.clock.now = LAST_MOMENT
    request = await counter.request()
    counter.clock.now = TOO_LATE

    refused = await counter.refused(request)

    assert (refused.reason, refused.facts) == ("CONTINUATION_OVER", {"lastDay": "2027-02-21"})


async def test_a_card_that_waits_for_nothing_is_refused(counter: Counter) -> None:
    await counter.call(await counter.request())

    assert (await counter.refused(await counter.request())).reason == "CARD_NOT_AWAITING"


async def test_a_card_of_style_2_wants_its_back_written(counter: Counter) -> None:
    await counter.here.replace_card(style=CardStyle.STYLE_2, continue_until=date(2027, 2, 21))

    bare = await counter.refused(await counter.request(NEW_SERIAL))
    answer = await counter.call(await counter.request(NEW_SERIAL, back_written=True))

    assert bare.reason == "BACK_NOT_WRITTEN"
    assert answer.card.style == card_application_pb2.CARD_STYLE_2


async def test_what_became_of_card_or_holder_is_told_by_its_reason(counter: Counter) -> None:
    suspended = await counter.request()
    await counter.here.life().set_status(CardStatus.SUSPENDED, TARO_SERIAL)
    while_suspended = await counter.refused(suspended)
    await counter.here.life().set_status(CardStatus.ACTIVE, TARO_SERIAL)
    await counter.here.enter_move(by_agent=True)
    by_agent = await counter.refused(await counter.request())

    assert [while_suspended.reason, by_agent.reason] == ["CARD_SUSPENDED", "AGENT_NO_CONTINUATION"]


async def test_sessions_of_other_terminals_and_cards_of_other_places_are_not_there(
    counter: Counter,
) -> None:
    other = await counter.here.proof(terminal=CHIYODA_2)
    origins = await counter.here.proof(terminal=TOKOROZAWA)

    elsewhere = await counter.refused(await counter.request(session_id=other))
    at_origin = await counter.refused(
        await counter.request(session_id=origins), counter.pki.terminal("112089", "01")
    )

    assert [elsewhere.reason, at_origin.reason] == ["SESSION_NOT_FOUND", "CARD_UNKNOWN"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"request_id": "1"}, "FIELD_INVALID"),
        ({"session_id": b"1"}, "FIELD_INVALID"),
        ({"clerk_name": " "}, "CLERK_NAME_REQUIRED"),
        ({"clerk_name": "x" * 61}, "FIELD_INVALID"),
    ],
)
async def test_a_field_that_breaks_its_rule_is_refused(
    counter: Counter, changes: dict[str, object], reason: str
) -> None:
    assert (await counter.refused(await counter.request(**changes))).reason == reason


async def test_the_same_request_id_for_something_else_is_refused(counter: Counter) -> None:
    request = await counter.request()
    await counter.call(request)
    request.back_written = True

    assert (await counter.refused(request)).reason == "REQUEST_ID_REUSED"


@pytest.mark.parametrize("role", ["desk", "operator", "agency"])
async def test_only_windows_continue_cards(counter: Counter, role: str) -> None:
    peers = {
        "desk": counter.pki.desk("131016", "01"),
        "operator": counter.pki.operator("operator-1"),
        "agency": counter.pki.agency("passport-1"),
    }

    refused = await counter.refused(await counter.request(), peers[role])

    assert refused.reason == "ROLE_NOT_ALLOWED"


async def test_the_log_says_nothing_of_the_holder(counter: Counter) -> None:
    await counter.call(await counter.request())

    written = counter.edge.log_text() + str(leaves(counter.here.store))
    record = SAMPLES[TARO].record
    assert not any(secret in written for secret in (CLERK, record.name, record.code.digits))
