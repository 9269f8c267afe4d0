"""Signing a clerk in and out at this terminal, and approving what a colleague has proposed.

The clerk's card proves itself by a card session like any other, with the clerk's own PIN; the
center binds the sign-in to this terminal's URI. What a clerk types and reads is in `cli`.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from juki_terminal.session import authenticate
from jukinet.approvals.v1 import approval_service_pb2 as approvals_pb
from jukinet.fleet.v1 import terminal_service_pb2 as pb
from jukinet.options.v1 import options_pb2

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from juki_terminal.channel import Center
    from juki_terminal.pin import PinSource
    from juki_terminal.reader import Reader
    from juki_terminal.session import Surroundings


def sign_in(
    center: Center, reader: Reader, source: PinSource, surroundings: Surroundings
) -> pb.SignIn:
    """Sign the holder of the clerk's card in the reader in; raise Problem."""
    session = authenticate(
        center,
        reader,
        source,
        purpose=options_pb2.PURPOSE_CLERK_SIGN_IN,
        surroundings=surroundings,
    )
    request = pb.SignInClerkRequest(
        request_id=str(uuid.uuid4()), card_session_id=session.session_id
    )
    return center.call(center.terminals.SignInClerk, request).sign_in


def sign_out(center: Center) -> None:
    """Sign out whoever is signed in; raise Problem."""
    center.call(center.terminals.SignOut, pb.SignOutRequest(request_id=str(uuid.uuid4())))


def who(center: Center) -> pb.SignIn:
    """Return who is signed in; raise Problem CLERK_SIGN_IN_REQUIRED where nobody is."""
    return center.call(center.terminals.GetSignIn, pb.GetSignInRequest()).sign_in


def propose(center: Center, method: str, request: Message) -> approvals_pb.ProposeResponse:
    """Propose a request of a method that needs two persons; raise Problem."""
    wanted = approvals_pb.ProposeRequest(
        request_id=str(uuid.uuid4()), method=method, act=request.SerializeToString()
    )
    return center.call(center.approvals.Propose, wanted)


def pending(center: Center) -> list[approvals_pb.Proposal]:
    """Return what colleagues of this municipality have proposed; raise Problem."""
    answer = center.call(center.approvals.ListPending, approvals_pb.ListPendingRequest())
    return list(answer.proposals)


def approve(center: Center, proposal: approvals_pb.Proposal) -> None:
    """Approve exactly what was shown; raise Problem."""
    request = approvals_pb.ApproveRequest(
        request_id=str(uuid.uuid4()), approval_id=proposal.approval_id, digest=proposal.digest
    )
    center.call(center.approvals.Approve, request)
