"""ClerkService: the right of administration, and the end of a stop."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from juki_center.areas.clerks import register
from juki_center.areas.clerks.rows import Grant, Right
from juki_center.areas.clerks.rules import ClerkEvent
from juki_center.areas.requests.answers import Request as Asked
from juki_center.areas.requests.answers import first_answer
from juki_center.areas.requests.encoding import canonical
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.errors import NotAllowed, Reason, Refusal, RuleBroken
from juki_center.rpc import fields
from juki_center.rpc.durable import durably
from juki_center.rpc.peers import current_caller
from juki_pki.errors import IdentityError
from juki_pki.identity import PeerIdentity, Role
from jukinet.fleet.v1 import clerk_service_pb2 as pb
from jukinet.fleet.v1 import clerk_service_pb2_grpc as pb_grpc

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from uuid import UUID

    import grpc

    from juki_center.areas.ports import Tx
    from juki_center.rpc.terminal_sign_in import SignInParts

    Request = TypeVar("Request")
    Answer = TypeVar("Answer")
    Context = grpc.aio.ServicerContext[Request, Answer]

_CLERK_ID: Final = re.compile(r"[0-9]{6}-[0-9]{4,9}")


@dataclass(frozen=True, slots=True)
class _Change:
    """A request as a whole, so that it can be told from another under its id."""

    command: object


class Clerks(pb_grpc.ClerkServiceServicer):
    """The servicer."""

    def __init__(self, parts: SignInParts) -> None:
        self._parts = parts

    async def SetAdministration(  # noqa: N802  # the proto's name
        self,
        request: pb.SetAdministrationRequest,
        _context: Context[pb.SetAdministrationRequest, pb.SetAdministrationResponse],
    ) -> pb.SetAdministrationResponse:
        """Give the right of administration, or take it away."""
        command = register.ChangeRight(
            _uri(), _clerk_id(request.clerk_id), Right.ADMINISTRATION, _grant(request)
        )
        await self._once(
            request.request_id, command, lambda tx, now: register.change_right(tx, command, now)
        )
        return pb.SetAdministrationResponse()

    async def LiftStop(  # noqa: N802  # the proto's name
        self,
        request: pb.LiftStopRequest,
        _context: Context[pb.LiftStopRequest, pb.LiftStopResponse],
    ) -> pb.LiftStopResponse:
        """Lift a stop."""
        match request.WhichOneof("subject"):
            case "clerk_id":
                await self._lift_clerk(request.request_id, _clerk_id(request.clerk_id))
            case "terminal_uri":
                await self._lift_terminal(request.request_id, _terminal_uri(request.terminal_uri))
            case _:
                raise fields.invalid("subject", "REQUIRED")
        return pb.LiftStopResponse()

    async def _lift_clerk(self, request_id: str, clerk_id: str) -> None:
        command = register.ChangeClerk(_uri(), clerk_id, ClerkEvent.LIFTED)
        side = self._side()

        def act(tx: Tx, now: datetime) -> object:
            clerk = tx.clerks.clerk(clerk_id)
            if clerk is None or side not in (None, clerk.municipality):
                raise Refusal(Reason.CLERK_UNKNOWN)
            return register.change_clerk(tx, command, now)

        await self._once(request_id, command, act)

    async def _lift_terminal(self, request_id: str, terminal: PeerIdentity) -> None:
        command = register.LiftTerminal(_uri(), terminal.uri)
        place = MunicipalityCode(terminal.municipality or "")
        if self._side() not in (None, self._parts.policy.register_of(place)):
            raise fields.invalid("terminal_uri", "OF_THE_MUNICIPALITY")
        await self._once(
            request_id, command, lambda tx, now: register.lift_terminal(tx, command, now)
        )

    def _side(self) -> MunicipalityCode | None:
        """Return whose clerks the caller may lift; None: everybody's."""
        code = current_caller().identity.municipality
        return None if code is None else self._parts.policy.register_of(MunicipalityCode(code))

    async def _once(
        self, request_id: str, command: object, act: Callable[[Tx, datetime], object]
    ) -> None:
        now, number = self._parts.clock(), fields.uuid4("request_id", request_id)
        asked = Asked(_uri(), number, canonical(_Change(command)))
        await durably(self._parts.store.act(lambda tx: _run_once(tx, asked, now, act)))


def _run_once(tx: Tx, asked: Asked, now: datetime, act: Callable[[Tx, datetime], object]) -> None:
    if first_answer(tx.answers, asked, now) is not None:
        return
    try:
        act(tx, now)
    except RuleBroken as broken:
        raise fields.invalid(broken.field, broken.rule) from broken
    except NotAllowed as no:
        raise Refusal(Reason.NOT_IN_THIS_STATE, state=no.state, event=no.event) from no
    number: UUID = asked.request_id
    tx.answers.put(asked, b"\x01", resource=str(number), sealed_for=None, now=now)


def _grant(request: pb.SetAdministrationRequest) -> Grant | None:
    if not (request.first_day or request.last_day):
        return None
    return Grant(
        Right.ADMINISTRATION,
        fields.day("first_day", request.first_day),
        fields.day("last_day", request.last_day),
    )


def _clerk_id(text: str) -> str:
    if not _CLERK_ID.fullmatch(text):
        raise fields.invalid("clerk_id", "CLERK_ID")
    return text


def _terminal_uri(text: str) -> PeerIdentity:
    try:
        found = PeerIdentity.from_uri(text)
    except IdentityError:
        raise fields.invalid("terminal_uri", "TERMINAL_URI") from None
    if found.role is not Role.TERMINAL:
        raise fields.invalid("terminal_uri", "TERMINAL_URI")
    return found


def _uri() -> str:
    return current_caller().identity.uri
