"""What follows from a clerk's rows: state after state, and whether an act may go on."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from juki_center.areas.cards.admission import is_admitted
from juki_center.areas.cards.register import Purpose
from juki_center.areas.clerks.policy import ClerkPolicy
from juki_center.areas.clerks.rows import ClerkState, Right, Standing
from juki_center.areas.days import day_in_japan
from juki_center.errors import NotAllowed, Reason, Refusal

FAILURES: Final = 5
"""So many refused sign-ins, of one card or at one terminal, stop it."""
COUNTED_FOR: Final = timedelta(minutes=15)


class ClerkEvent(StrEnum):
    """What happens to a clerk. FAILED: too many sign-ins with the clerk's card were refused."""

    STOPPED = "STOPPED"
    FAILED = "FAILED"
    LIFTED = "LIFTED"
    WITHDRAWN = "WITHDRAWN"


TRANSITIONS: Final = {
    (ClerkState.ACTIVE, ClerkEvent.STOPPED): ClerkState.STOPPED,
    (ClerkState.ACTIVE, ClerkEvent.FAILED): ClerkState.STOPPED,
    (ClerkState.STOPPED, ClerkEvent.LIFTED): ClerkState.ACTIVE,
    (ClerkState.ACTIVE, ClerkEvent.WITHDRAWN): ClerkState.WITHDRAWN,
    (ClerkState.STOPPED, ClerkEvent.WITHDRAWN): ClerkState.WITHDRAWN,
}  # Anything else raises NotAllowed: who has left never comes back under the same id.


def after(state: ClerkState, event: ClerkEvent) -> ClerkState:
    """Return the state after an event. Raises NotAllowed."""
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise NotAllowed(f"CLERK_{state}", event) from None


def idle_end(standing: Standing, policy: ClerkPolicy) -> datetime:
    """Return when a sign-in ends unless it is used before."""
    return min(standing.sign_in.ends_at, standing.sign_in.used_at + policy.idle_for)


def require_signed_in(standing: Standing | None, now: datetime, policy: ClerkPolicy) -> Standing:
    """Return the standing of a clerk who is signed in now.

    Raises Refusal: CLERK_STOPPED; CLERK_SIGN_IN_REQUIRED where nobody is, where the time is over,
    and where the card or the clerk counts no more.
    """
    if standing is None or now >= idle_end(standing, policy):
        raise Refusal(Reason.CLERK_SIGN_IN_REQUIRED)
    if standing.clerk.state is ClerkState.STOPPED:
        raise Refusal(Reason.CLERK_STOPPED)
    if standing.clerk.state is not ClerkState.ACTIVE:
        raise Refusal(Reason.CLERK_SIGN_IN_REQUIRED)
    if not is_admitted(standing.card, Purpose.CLERK_SIGN_IN, now):
        raise Refusal(Reason.CLERK_SIGN_IN_REQUIRED)
    return standing


def require_right(standing: Standing, right: Right | None, now: datetime) -> None:
    """Raise Refusal(CLERK_RIGHT_MISSING) unless the clerk has the right today, in Japan."""
    if right is None:
        return
    grant = standing.grant
    if grant is None or grant.right is not right or not grant.holds_on(day_in_japan(now)):
        raise Refusal(Reason.CLERK_RIGHT_MISSING, right=str(right))
