"""What the store keeps of approvals: who proposed what, who approved it, which act used it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

from juki_center.areas.residents.codes import MunicipalityCode


@dataclass(frozen=True, slots=True)
class Person:
    """Who proposes, approves or acts.

    A clerk is known by the id, with the serial of the card that signed in as `credential`;
    everybody else by the URI, with the hash of the certificate.
    """

    uri: str
    clerk_id: str
    credential: bytes
    side: MunicipalityCode | None
    """The municipality that a clerk acts for; None for the center's operators."""

    @property
    def name(self) -> str:
        """What tells persons apart: the clerk's id, or the URI."""
        return self.clerk_id or self.uri

    def is_another(self, one: Person) -> bool:
        """Return whether this is another person, with another card or certificate."""
        return self.name != one.name and self.credential != one.credential


@dataclass(frozen=True, slots=True)
class Approval:
    """A proposal and what became of it. `act` is the serialized request, None once forgotten."""

    approval_id: str
    method: str
    digest: bytes
    proposer: Person
    proposed_at: datetime
    until: datetime
    act: bytes | None = field(repr=False)
    approver: Person | None = None
    approved_at: datetime | None = None
    used_by: UUID | None = None
    is_withdrawn: bool = False


class Approvals(Protocol):
    """What the store keeps of approvals."""

    def add(self, approval: Approval) -> None:
        """Enter a proposal; its id is new. Raises Refusal(RESIDENCE_DISCONNECTED)."""

    def approval(self, approval_id: str) -> Approval | None:
        """Return an approval without its act."""

    def pending(self, side: MunicipalityCode | None, now: datetime, limit: int) -> list[Approval]:
        """Return the open proposals of a side with their acts, oldest first.

        Raises Refusal(RESIDENCE_DISCONNECTED).
        """

    def approve(self, approval_id: str, approver: Person, at: datetime) -> None:
        """Write who has approved."""

    def use(self, approval_id: str, request_id: UUID) -> None:
        """Write which request has used the approval, and forget the act."""

    def withdraw(self, approval_id: str) -> None:
        """Write that the proposal was taken back, and forget the act."""

    def forget(self, before: datetime) -> None:
        """Forget the acts of the proposals that were over before a time."""
