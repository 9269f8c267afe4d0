"""The acts of signing in and out, and what refused sign-ins lead to.

A sign-in is bound to the terminal's URI. Wrong PINs never reach the center, the card counts them;
here the refusals by the center are counted, of a clerk's card and at a terminal.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Protocol
from uuid import UUID

from juki_center.areas.audit.events import AuditEvent, AuditLog, Cause, Event
from juki_center.areas.callers import Terminal
from juki_center.areas.cards.register import Cards, Purpose
from juki_center.areas.cards.sessions import use_session
from juki_center.areas.clerks.policy import ClerkPolicy
from juki_center.areas.clerks.rows import Clerk, Clerks, ClerkState, Grant, Right, SignIn, Standing
from juki_center.areas.clerks.rules import (
    COUNTED_FOR,
    FAILURES,
    ClerkEvent,
    after,
    idle_end,
    require_right,
    require_signed_in,
)
from juki_center.areas.days import day_in_japan
from juki_center.areas.ports import Chance
from juki_center.areas.requests.answers import Answers, Request, first_answer
from juki_center.areas.requests.encoding import canonical
from juki_center.errors import Reason, Refusal

# The time of the last use is written at most so often: each write is part of an act's commit.
_TOUCHED_EVERY: Final = timedelta(minutes=1)
_ID_OCTETS: Final = 16


class ClerksTx(Protocol):
    """What looking at clerks needs of a transaction."""

    @property
    def clerks(self) -> Clerks: ...


class SignInTx(ClerksTx, Protocol):
    """What signing in needs of a transaction."""

    @property
    def answers(self) -> Answers: ...

    @property
    def audit(self) -> AuditLog: ...

    @property
    def cards(self) -> Cards: ...

    @property
    def chance(self) -> Chance: ...


@dataclass(frozen=True, slots=True)
class SignInClerk:
    """Command: sign in by a card session of the clerk's card."""

    terminal: Terminal
    request_id: UUID
    session_id: bytes


@dataclass(frozen=True, slots=True)
class SignOut:
    """Command: sign out whoever is signed in at a terminal."""

    terminal: Terminal
    request_id: UUID


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who is signed in, with which rights today, and until when."""

    clerk_id: str
    name: str = field(repr=False)
    rights: tuple[Right, ...]
    ends_at: datetime
    idle_end: datetime


@dataclass(frozen=True, slots=True)
class RefusedSignIn:
    """A sign-in that the center has refused; `card_serial` where the card was known."""

    terminal: Terminal
    reason: Reason
    card_serial: bytes | None = None


def sign_in(tx: SignInTx, command: SignInClerk, now: datetime, policy: ClerkPolicy) -> SignedIn:
    """Sign a clerk in, in place of whoever was at the terminal.

    Raises Refusal: REQUEST_ID_REUSED, ANSWER_EXPIRED, SIGN_IN_STOPPED, CLERK_UNKNOWN,
    CLERK_STOPPED, RESIDENCE_DISCONNECTED, and what `use_session` raises.
    """
    terminal = command.terminal
    request = Request(terminal.uri, command.request_id, canonical(command))
    if first_answer(tx.answers, request, now) is None:
        clerk = _admitted(tx, command, now, policy)
        entered = _entered(tx, clerk, terminal, now, policy)
        tx.clerks.put_sign_in(entered)
        tx.clerks.forget_failures(subject=card_subject(clerk.card_serial))
        tx.answers.put(
            request, b"\x01", resource=entered.sign_in_id.hex(), sealed_for=None, now=now
        )
        tx.audit.append(_signed_in(terminal, now, entered))
    return signed_in(tx, terminal, now, policy)


def _admitted(tx: SignInTx, command: SignInClerk, now: datetime, policy: ClerkPolicy) -> Clerk:
    """Use the session up and return its clerk, who may sign in at this terminal."""
    terminal = command.terminal
    if tx.clerks.is_stopped(terminal.uri):
        raise Refusal(Reason.SIGN_IN_STOPPED)
    session = use_session(tx, command.session_id, terminal.uri, Purpose.CLERK_SIGN_IN, now)
    clerk = tx.clerks.by_card(session.card_serial)
    if clerk is None or clerk.state is ClerkState.WITHDRAWN:
        raise Refusal(Reason.CLERK_UNKNOWN)
    if clerk.municipality != policy.register_of(terminal.municipality):
        raise Refusal(Reason.CLERK_UNKNOWN)
    if clerk.state is ClerkState.STOPPED:
        raise Refusal(Reason.CLERK_STOPPED)
    return clerk


def _entered(
    tx: SignInTx, clerk: Clerk, terminal: Terminal, now: datetime, policy: ClerkPolicy
) -> SignIn:
    return SignIn(
        terminal_uri=terminal.uri,
        sign_in_id=tx.chance.octets(_ID_OCTETS),
        clerk_id=clerk.clerk_id,
        began_at=now,
        ends_at=now + policy.sign_in_for,
        used_at=now,
    )


def signed_in(tx: ClerksTx, terminal: Terminal, now: datetime, policy: ClerkPolicy) -> SignedIn:
    """Return who is signed in at a terminal. Raises what `require_signed_in` raises."""
    standing = require_signed_in(tx.clerks.standing(terminal.uri, None), now, policy)
    held = [grant for grant in tx.clerks.grants(standing.clerk.clerk_id) if _holds(grant, now)]
    return SignedIn(
        clerk_id=standing.clerk.clerk_id,
        name=tx.clerks.name(standing.clerk),
        rights=tuple(grant.right for grant in held),
        ends_at=standing.sign_in.ends_at,
        idle_end=idle_end(standing, policy),
    )


def _holds(grant: Grant, now: datetime) -> bool:
    return grant.holds_on(day_in_japan(now))


def sign_out(tx: SignInTx, command: SignOut, now: datetime) -> None:
    """Sign out whoever is signed in at a terminal; nobody is the same, and leaves a leaf too.

    Raises Refusal: REQUEST_ID_REUSED, ANSWER_EXPIRED.
    """
    terminal = command.terminal
    request = Request(terminal.uri, command.request_id, canonical(command))
    if first_answer(tx.answers, request, now) is not None:
        return
    tx.answers.put(request, b"\x01", resource=str(command.request_id), sealed_for=None, now=now)
    standing = tx.clerks.standing(terminal.uri, None)
    tx.clerks.remove_sign_in(terminal.uri)
    tx.audit.append(
        AuditEvent(
            event=Event.CLERK_SIGNED_OUT,
            at=now,
            caller_uri=terminal.uri,
            issuing=terminal.municipality,
            resource=standing.sign_in.sign_in_id.hex() if standing else "",
            clerk=standing.clerk.clerk_id if standing else "",
        )
    )


def require_clerk(
    tx: ClerksTx, terminal_uri: str, right: Right | None, now: datetime, policy: ClerkPolicy
) -> Standing:
    """Return the clerk with the right who is signed in at the terminal; an act goes on only so.

    Read in the act's own transaction, so that a stop that was committed before it wins. The use is
    remembered. Raises what `require_signed_in` and `require_right` raise.
    """
    standing = require_signed_in(tx.clerks.standing(terminal_uri, right), now, policy)
    require_right(standing, right, now)
    if now - standing.sign_in.used_at >= _TOUCHED_EVERY:
        tx.clerks.touch_sign_in(terminal_uri, now)
    return standing


def card_subject(card_serial: bytes) -> str:
    """Return what a card's failures are counted under."""
    return f"card:{card_serial.hex()}"


def count_refused(tx: SignInTx, command: SignInClerk, reason: Reason, now: datetime) -> None:
    """Count a refused request to sign in; its card is the one of the terminal's own session."""
    session = tx.cards.session(command.session_id)
    is_own = session is not None and session.terminal_uri == command.terminal.uri
    serial = session.card_serial if session is not None and is_own else None
    count_refusal(tx, RefusedSignIn(command.terminal, reason, serial), now)


def count_refusal(tx: SignInTx, refused: RefusedSignIn, now: datetime) -> None:
    """Count a refused sign-in, and stop the clerk and the terminal that have had too many."""
    tx.clerks.forget_failures(before=now - COUNTED_FOR)
    clerk = tx.clerks.by_card(refused.card_serial) if refused.card_serial else None
    tx.audit.append(_refused(refused, clerk, now))
    if refused.card_serial and _is_one_too_many(tx, card_subject(refused.card_serial), now):
        _stop_clerk(tx, refused, clerk, now)
    uri = refused.terminal.uri
    if _is_one_too_many(tx, uri, now) and not tx.clerks.is_stopped(uri):
        tx.clerks.stop(uri, now)
        tx.audit.append(_stopped(refused, now, ("terminal", uri)))


def _is_one_too_many(tx: SignInTx, subject: str, now: datetime) -> bool:
    tx.clerks.add_failure(subject, now)
    return tx.clerks.failures(subject, now - COUNTED_FOR) >= FAILURES


def _stop_clerk(tx: SignInTx, refused: RefusedSignIn, clerk: Clerk | None, now: datetime) -> None:
    if clerk is None or clerk.state is not ClerkState.ACTIVE:
        return
    tx.clerks.set_state(clerk.clerk_id, after(clerk.state, ClerkEvent.FAILED))
    tx.clerks.remove_sign_ins_of(clerk.clerk_id)
    tx.audit.append(_stopped(refused, now, ("clerk", clerk.clerk_id)))


def _signed_in(terminal: Terminal, now: datetime, sign_in: SignIn) -> AuditEvent:
    return AuditEvent(
        event=Event.CLERK_SIGNED_IN,
        at=now,
        caller_uri=terminal.uri,
        issuing=terminal.municipality,
        resource=sign_in.sign_in_id.hex(),
        clerk=sign_in.clerk_id,
    )


def _refused(refused: RefusedSignIn, clerk: Clerk | None, now: datetime) -> AuditEvent:
    return AuditEvent(
        event=Event.CLERK_SIGN_IN_REFUSED,
        at=now,
        caller_uri=refused.terminal.uri,
        cause=refused.reason,
        issuing=refused.terminal.municipality,
        resource=refused.card_serial.hex() if refused.card_serial else "",
        clerk=clerk.clerk_id if clerk else "",
    )


def _stopped(refused: RefusedSignIn, now: datetime, what: tuple[str, str]) -> AuditEvent:
    return AuditEvent(
        event=Event.SIGN_IN_STOPPED,
        at=now,
        caller_uri=refused.terminal.uri,
        cause=Cause.DONE,
        issuing=refused.terminal.municipality,
        details=(what,),
    )
