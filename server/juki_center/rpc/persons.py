"""Who stands behind a call: the clerk who is signed in, or the holder of the certificate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from juki_center.areas.approvals.rows import Person
from juki_center.errors import Reason, Refusal

if TYPE_CHECKING:
    from juki_center.areas.calls import Call
    from juki_center.areas.clerks.rows import Clerks


class PersonsTx(Protocol):
    """What telling persons apart needs of a transaction."""

    @property
    def clerks(self) -> Clerks: ...


def person_of(tx: PersonsTx, call: Call) -> Person:
    """Return who calls. Raises Refusal(CLERK_SIGN_IN_REQUIRED) for a terminal without a clerk."""
    if call.municipality is None:
        return Person(call.uri, "", call.certificate, None)
    clerk = tx.clerks.clerk(call.clerk) if call.clerk else None
    if clerk is None:
        raise Refusal(Reason.CLERK_SIGN_IN_REQUIRED)
    return Person(call.uri, clerk.clerk_id, clerk.card_serial, clerk.municipality)
