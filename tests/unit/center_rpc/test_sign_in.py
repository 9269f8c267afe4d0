"""Signing in over gRPC: what it needs, what ends it, and what stops it."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
import pytest

from juki_center.areas.cards.register import CardSession, CardStatus, Purpose
from juki_center.areas.clerks.register import (
    ChangeClerk,
    ChangeRight,
    LiftTerminal,
    change_clerk,
    change_right,
    lift_terminal,
)
from juki_center.areas.clerks.rows import Clerk, ClerkState, Grant, Right
from juki_center.areas.clerks.rules import ClerkEvent
from juki_center.areas.ports import Tx
from jukinet.fleet.v1 import clerk_service_pb2 as clerks_pb
from jukinet.fleet.v1 import clerk_service_pb2_grpc as clerks_grpc
from jukinet.fleet.v1 import terminal_service_pb2 as pb
from jukinet.fleet.v1 import terminal_service_pb2_grpc as pb_grpc
from jukinet.options.v1 import options_pb2
from tests.support.clerk_service import ClerkOffice, new_id, reason_of, serving
from tests.support.clerks import LAST_DAY, NAME, OPERATOR_URI, enter_clerk
from tests.support.leaves import leaves

if TYPE_CHECKING:
    from juki_pki.folder import PKIFolder

WINDOW = "juki://municipality/131016/terminal/01"
OTHER_WINDOW = "juki://municipality/131016/terminal/02"
TOKOROZAWA = "juki://municipality/112089/terminal/01"


@dataclass
class Windows:
    """Two windows of Chiyoda and one of Tokorozawa, and a clerk of Chiyoda."""

    office: ClerkOffice
    here: pb_grpc.TerminalServiceStub
    there: pb_grpc.TerminalServiceStub
    elsewhere: pb_grpc.TerminalServiceStub
    clerk: Clerk

    async def session(
        self,
        terminal: str = WINDOW,
        serial: bytes = b"",
        purpose: Purpose = Purpose.CLERK_SIGN_IN,
    ) -> bytes:
        """Finish a card session of a clerk's card."""
        number = secrets.token_bytes(16)
        until = self.office.clock.now + timedelta(minutes=5)

        def act(tx: Tx) -> None:
            card = tx.cards.card(serial or self.clerk.card_serial)
            assert card is not None
            digest = hashlib.sha256(number).digest()
            tx.cards.add_session(
                CardSession(number, terminal, purpose, card.person, card.serial, digest, until)
            )

        await self.office.store.act(act)
        return number

    async def sign_in(self) -> pb.SignIn:
        """Sign the clerk in at the first window."""
        answer = await self.here.SignInClerk(request(await self.session()))
        return answer.sign_in

    async def change(self, event: ClerkEvent) -> None:
        """Stop, lift or end the clerk."""
        command = ChangeClerk(OPERATOR_URI, self.clerk.clerk_id, event)
        await self.office.store.act(lambda tx: change_clerk(tx, command, self.office.clock.now))

    async def set_card(self, status: CardStatus) -> None:
        """Write the state of the clerk's card."""
        await self.office.store.act(lambda tx: tx.cards.set_status(self.clerk.card_serial, status))


def request(session: bytes) -> pb.SignInClerkRequest:
    """Return a request to sign in."""
    return pb.SignInClerkRequest(request_id=new_id(), card_session_id=session)


def whoever() -> pb.GetSignInRequest:
    return pb.GetSignInRequest()


@pytest.fixture
async def windows(pki: PKIFolder, tmp_path: Path) -> AsyncIterator[Windows]:
    async with AsyncExitStack() as stack:
        office = await stack.enter_async_context(serving(pki, tmp_path))
        here, there, elsewhere = [
            await stack.enter_async_context(office.line(pki.terminal(code, name)))
            for code, name in (("131016", "01"), ("131016", "02"), ("112089", "01"))
        ]
        clerk = await office.store.act(lambda tx: enter_clerk(tx, "131016", office.clock.now))
        stubs = (pb_grpc.TerminalServiceStub(line) for line in (here, there, elsewhere))
        yield Windows(office, *stubs, clerk)


async def test_a_clerk_who_signs_in_is_known_by_name_and_rights(windows: Windows) -> None:
    signed_in = await windows.sign_in()

    there = (await windows.here.GetSignIn(whoever())).sign_in
    assert (there.clerk_id, there.clerk_name) == (windows.clerk.clerk_id, NAME)
    assert options_pb2.RIGHT_MOVES in there.rights
    assert there == signed_in


async def test_the_leaf_of_a_sign_in_names_the_clerk_by_id_only(windows: Windows) -> None:
    await windows.sign_in()

    leaf = leaves(windows.office.store)[-1]
    assert (leaf["ev"], leaf["clk"]) == ("CLERK_SIGNED_IN", windows.clerk.clerk_id)
    assert NAME not in repr(leaf)


async def test_a_sign_in_counts_at_its_own_terminal_only(windows: Windows) -> None:
    await windows.sign_in()

    assert await reason_of(windows.there.GetSignIn(whoever())) == "CLERK_SIGN_IN_REQUIRED"


async def test_the_same_request_signs_in_once(windows: Windows) -> None:
    asked = request(await windows.session())
    first = await windows.here.SignInClerk(asked)

    assert (await windows.here.SignInClerk(asked)).sign_in == first.sign_in


async def test_a_card_session_signs_in_once(windows: Windows) -> None:
    session = await windows.session()
    await windows.here.SignInClerk(request(session))

    assert await reason_of(windows.here.SignInClerk(request(session))) == "SESSION_USED"


@pytest.mark.parametrize(
    ("terminal", "purpose"),
    [(OTHER_WINDOW, Purpose.CLERK_SIGN_IN), (WINDOW, Purpose.PIN_PROOF)],
)
async def test_another_terminals_session_or_another_purpose_signs_nobody_in(
    windows: Windows, terminal: str, purpose: Purpose
) -> None:
    session = await windows.session(terminal, purpose=purpose)

    assert await reason_of(windows.here.SignInClerk(request(session))) == "SESSION_NOT_FOUND"


async def test_a_late_session_signs_nobody_in(windows: Windows) -> None:
    session = await windows.session()
    windows.office.clock.now += timedelta(minutes=6)

    assert await reason_of(windows.here.SignInClerk(request(session))) == "SESSION_EXPIRED"


async def test_a_clerk_of_another_municipality_is_none_here(windows: Windows) -> None:
    session = await windows.session(TOKOROZAWA)

    assert await reason_of(windows.elsewhere.SignInClerk(request(session))) == "CLERK_UNKNOWN"


@pytest.mark.parametrize(
    ("status", "reason"),
    [(CardStatus.SUSPENDED, "CARD_SUSPENDED"), (CardStatus.REVOKED, "CARD_REVOKED")],
)
async def test_a_card_that_was_stopped_after_its_session_signs_nobody_in(
    windows: Windows, status: CardStatus, reason: str
) -> None:
    session = await windows.session()
    await windows.set_card(status)

    assert await reason_of(windows.here.SignInClerk(request(session))) == reason


async def test_who_signs_out_is_gone(windows: Windows) -> None:
    await windows.sign_in()
    await windows.here.SignOut(pb.SignOutRequest(request_id=new_id()))

    assert await reason_of(windows.here.GetSignIn(whoever())) == "CLERK_SIGN_IN_REQUIRED"


async def test_nobody_can_sign_out_as_well(windows: Windows) -> None:
    await windows.here.SignOut(pb.SignOutRequest(request_id=new_id()))

    leaf = leaves(windows.office.store)[-1]
    assert (leaf["ev"], leaf.get("clk", "")) == ("CLERK_SIGNED_OUT", "")


async def test_the_next_clerk_takes_the_place_of_the_one_before(windows: Windows) -> None:
    await windows.sign_in()
    now = windows.office.clock.now
    other = await windows.office.store.act(lambda tx: enter_clerk(tx, "131016", now))
    session = await windows.session(serial=other.card_serial)

    await windows.here.SignInClerk(request(session))

    assert (await windows.here.GetSignIn(whoever())).sign_in.clerk_id == other.clerk_id


@pytest.mark.parametrize("status", [CardStatus.SUSPENDED, CardStatus.REVOKED])
async def test_a_suspended_card_ends_its_sign_in(windows: Windows, status: CardStatus) -> None:
    await windows.sign_in()
    await windows.set_card(status)

    assert await reason_of(windows.here.GetSignIn(whoever())) == "CLERK_SIGN_IN_REQUIRED"


@pytest.mark.parametrize("event", [ClerkEvent.STOPPED, ClerkEvent.WITHDRAWN])
async def test_a_stopped_or_withdrawn_clerk_is_signed_out(
    windows: Windows, event: ClerkEvent
) -> None:
    await windows.sign_in()
    await windows.change(event)

    assert await reason_of(windows.here.GetSignIn(whoever())) == "CLERK_SIGN_IN_REQUIRED"


@pytest.mark.parametrize(
    ("event", "reason"),
    [(ClerkEvent.STOPPED, "CLERK_STOPPED"), (ClerkEvent.WITHDRAWN, "CLERK_UNKNOWN")],
)
async def test_a_stopped_or_withdrawn_clerk_cannot_sign_in(
    windows: Windows, event: ClerkEvent, reason: str
) -> None:
    await windows.change(event)
    session = await windows.session()

    assert await reason_of(windows.here.SignInClerk(request(session))) == reason


async def test_a_sign_in_ends_without_an_act_for_half_an_hour(windows: Windows) -> None:
    await windows.sign_in()
    windows.office.clock.now += timedelta(minutes=30)

    assert await reason_of(windows.here.GetSignIn(whoever())) == "CLERK_SIGN_IN_REQUIRED"


async def test_an_act_keeps_a_sign_in_alive_up_to_its_latest_end(windows: Windows) -> None:
    await windows.sign_in()
    office = windows.office
    for _ in range(11):
        office.clock.now += timedelta(minutes=20)
        await office.store.act(lambda tx: tx.clerks.stop(OTHER_WINDOW, office.clock.now))
        await lift(windows, terminal_uri=OTHER_WINDOW)
    before = await still_signed_in(windows)

    office.clock.now += timedelta(minutes=20)

    assert before
    assert not await still_signed_in(windows)


async def still_signed_in(windows: Windows) -> bool:
    try:
        await windows.here.GetSignIn(whoever())
    except grpc.aio.AioRpcError:
        return False
    return True


async def lift(windows: Windows, **subject: str) -> object:
    """Ask for the end of a stop at the first window."""
    pki = windows.office.pki
    async with windows.office.line(pki.terminal("131016", "01")) as line:
        return await clerks_grpc.ClerkServiceStub(line).LiftStop(
            clerks_pb.LiftStopRequest(request_id=new_id(), **subject)  # type: ignore[arg-type]  # one of its fields
        )


async def refuse_five_times(windows: Windows) -> None:
    """Have five sign-ins with the clerk's card refused."""
    for _ in range(5):
        session = await windows.session()
        await windows.set_card(CardStatus.SUSPENDED)
        assert await reason_of(windows.here.SignInClerk(request(session))) == "CARD_SUSPENDED"
        await windows.set_card(CardStatus.ACTIVE)


async def test_five_refused_sign_ins_stop_the_clerk_and_the_terminal(windows: Windows) -> None:
    await refuse_five_times(windows)

    session = await windows.session()
    at_the_terminal = await reason_of(windows.here.SignInClerk(request(session)))
    session = await windows.session(OTHER_WINDOW)
    at_another = await reason_of(windows.there.SignInClerk(request(session)))

    assert (at_the_terminal, at_another) == ("SIGN_IN_STOPPED", "CLERK_STOPPED")


async def test_four_refused_sign_ins_stop_nobody(windows: Windows) -> None:
    for _ in range(4):
        assert await reason_of(windows.here.SignInClerk(request(b"u" * 16))) == "SESSION_NOT_FOUND"

    assert (await windows.sign_in()).clerk_id == windows.clerk.clerk_id


async def test_failures_of_more_than_a_quarter_of_an_hour_ago_count_no_more(
    windows: Windows,
) -> None:
    for _ in range(8):
        assert await reason_of(windows.here.SignInClerk(request(b"u" * 16))) == "SESSION_NOT_FOUND"
        windows.office.clock.now += timedelta(minutes=4)

    assert (await windows.sign_in()).clerk_id == windows.clerk.clerk_id


async def test_an_administrator_lifts_both_stops(windows: Windows) -> None:
    await refuse_five_times(windows)
    now = windows.office.clock.now
    await windows.change(ClerkEvent.LIFTED)
    command = LiftTerminal(OPERATOR_URI, WINDOW)
    await windows.office.store.act(lambda tx: lift_terminal(tx, command, now))

    assert (await windows.sign_in()).clerk_id == windows.clerk.clerk_id


async def test_a_clerk_with_the_right_of_administration_lifts_a_colleagues_stop(
    windows: Windows,
) -> None:
    await windows.sign_in()
    now = windows.office.clock.now
    other = await windows.office.store.act(lambda tx: enter_clerk(tx, "131016", now))
    stop = ChangeClerk(OPERATOR_URI, other.clerk_id, ClerkEvent.STOPPED)
    await windows.office.store.act(lambda tx: change_clerk(tx, stop, now))

    await lift(windows, clerk_id=other.clerk_id)

    found = windows.office.store.read(lambda tx: tx.clerks.clerk(other.clerk_id))
    assert found is not None
    assert found.state is ClerkState.ACTIVE


async def test_a_stop_of_another_municipality_is_not_lifted(windows: Windows) -> None:
    await windows.sign_in()
    now = windows.office.clock.now
    other = await windows.office.store.act(lambda tx: enter_clerk(tx, "112089", now))

    assert await reason_of(lift(windows, clerk_id=other.clerk_id)) == "CLERK_UNKNOWN"
    assert await reason_of(lift(windows, terminal_uri=TOKOROZAWA)) == "FIELD_INVALID"


@pytest.mark.parametrize(
    "grant",
    [
        None,
        Grant(Right.ADMINISTRATION, date(2099, 1, 1), LAST_DAY),
    ],
)
async def test_a_right_that_was_withdrawn_or_has_not_begun_is_none(
    windows: Windows, grant: Grant | None
) -> None:
    await windows.sign_in()
    now = windows.office.clock.now
    command = ChangeRight(OPERATOR_URI, windows.clerk.clerk_id, Right.ADMINISTRATION, grant)
    await windows.office.store.act(lambda tx: change_right(tx, command, now))

    assert await reason_of(lift(windows, terminal_uri=WINDOW)) == "CLERK_RIGHT_MISSING"


async def test_the_name_of_a_clerk_is_in_no_log(windows: Windows) -> None:
    await windows.sign_in()
    await refuse_five_times(windows)

    assert NAME not in windows.office.edge.log_text()
    assert NAME not in repr(leaves(windows.office.store))
