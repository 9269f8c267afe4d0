"""TerminalService's part for clerks: signing in and out, and who is there.

A sign-in that the center refuses is counted by an act of its own, because the refused one is
undone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from juki_center.areas.clerks import sign_ins
from juki_center.errors import Reason, Refusal
from juki_center.rpc import fields
from juki_center.rpc.callers import terminal
from juki_center.rpc.durable import durably
from juki_center.rpc.peers import current_caller
from jukinet.fleet.v1 import terminal_service_pb2 as pb
from jukinet.options.v1 import options_pb2

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    import grpc

    from juki_center.areas.callers import Terminal
    from juki_center.areas.clerks.policy import ClerkPolicy
    from juki_center.areas.ports import Store

    Request = TypeVar("Request")
    Answer = TypeVar("Answer")
    Context = grpc.aio.ServicerContext[Request, Answer]

_SESSION: Final = 16
COUNTED: Final = frozenset(
    {
        Reason.SESSION_NOT_FOUND,
        Reason.SESSION_USED,
        Reason.SESSION_EXPIRED,
        Reason.CARD_SUSPENDED,
        Reason.CARD_REVOKED,
        Reason.CARD_EXPIRED,
        Reason.CARD_NOT_ACTIVE,
        Reason.CARD_PIN_PENDING,
        Reason.CLERK_UNKNOWN,
        Reason.CLERK_STOPPED,
    }
)
"""The refusals that count towards a stop; the others say nothing of who tried."""


@dataclass(frozen=True, slots=True)
class SignInParts:
    """What signing in stands on."""

    store: Store
    policy: ClerkPolicy
    clock: Callable[[], datetime]


class SignIns:
    """The methods; a part of the service's servicer."""

    _sign_in: SignInParts

    async def SignInClerk(  # noqa: N802  # the proto's name
        self,
        request: pb.SignInClerkRequest,
        _context: Context[pb.SignInClerkRequest, pb.SignInClerkResponse],
    ) -> pb.SignInClerkResponse:
        """Sign a clerk in."""
        parts, now = self._sign_in, self._sign_in.clock()
        command = sign_ins.SignInClerk(
            _terminal(),
            fields.uuid4("request_id", request.request_id),
            fields.octets("card_session_id", request.card_session_id, size=_SESSION),
        )
        try:
            answer = await durably(
                parts.store.act(lambda tx: sign_ins.sign_in(tx, command, now, parts.policy))
            )
        except Refusal as refusal:
            await self._count(command, refusal.reason, now)
            raise
        return pb.SignInClerkResponse(sign_in=_message(answer))

    async def SignOut(  # noqa: N802  # the proto's name
        self,
        request: pb.SignOutRequest,
        _context: Context[pb.SignOutRequest, pb.SignOutResponse],
    ) -> pb.SignOutResponse:
        """Sign out whoever is there."""
        parts, now = self._sign_in, self._sign_in.clock()
        request_id = fields.uuid4("request_id", request.request_id)
        command = sign_ins.SignOut(_terminal(), request_id)
        await durably(parts.store.act(lambda tx: sign_ins.sign_out(tx, command, now)))
        return pb.SignOutResponse()

    async def GetSignIn(  # noqa: N802  # the proto's name
        self,
        _request: pb.GetSignInRequest,
        _context: Context[pb.GetSignInRequest, pb.GetSignInResponse],
    ) -> pb.GetSignInResponse:
        """Say who is there."""
        parts, now, here = self._sign_in, self._sign_in.clock(), _terminal()
        found = await parts.store.ask(lambda tx: sign_ins.signed_in(tx, here, now, parts.policy))
        return pb.GetSignInResponse(sign_in=_message(found))

    async def _count(self, command: sign_ins.SignInClerk, reason: Reason, now: datetime) -> None:
        if reason not in COUNTED:
            return
        store = self._sign_in.store
        await durably(store.act(lambda tx: sign_ins.count_refused(tx, command, reason, now)))


def _terminal() -> Terminal:
    return terminal(current_caller().identity)


def _message(found: sign_ins.SignedIn) -> pb.SignIn:
    message = pb.SignIn(
        clerk_id=found.clerk_id,
        clerk_name=found.name,
        rights=[options_pb2.Right.Value(f"RIGHT_{right}") for right in found.rights],
    )
    message.expire_time.FromDatetime(found.ends_at)
    message.idle_time.FromDatetime(found.idle_end)
    return message
