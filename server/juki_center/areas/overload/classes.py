"""What a call may ask of a center that is loaded: its class, by its method and by who calls.

What is not named here is what somebody waits for at a window.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from juki_center.areas.calls import URGENT_METHODS


class Load(StrEnum):
    """The classes, from what is never refused to what is refused first."""

    VITAL = "vital"
    """It closes, repairs or watches; it is never refused and takes nobody's place."""
    CONTINUED = "continued"
    """The further step of what was admitted before; it is finished rather than refused."""
    WINDOW = "window"
    """Somebody waits for it: look-ups by code, and what is done at a window."""
    SESSION = "session"
    """A stream that waits for a person and a card most of the time; admitted as WINDOW is."""
    BROAD = "broad"
    """It looks through many records: searches by attributes, and lists."""
    BULK = "bulk"
    """A stream that has time: batches, imports, changes."""


OPERATING_ROLES: Final = frozenset(("operator", "center"))
"""Who runs the center is never refused, whatever they call."""
_OF_GRPC: Final = "/grpc."


def _paths(service: str, *methods: str) -> frozenset[str]:
    return frozenset(f"/jukinet.{service}/{method}" for method in methods)


_METHODS: Final = {
    Load.VITAL: URGENT_METHODS
    | _paths("fleet.v1.TerminalService", "Watch", "SignOut")
    | _paths("fleet.v1.EnrollmentService", "RenewCertificate", "ConfirmCertificate"),
    Load.CONTINUED: _paths("copies.v1.CertificateCopyService", "IssueCopy", "ConfirmPrint")
    | _paths("copies.v1.CertificateCopyService", "GetIssue")
    | _paths("cards.v1.CardService", "HandOver", "UnlockPin", "ResumeCard")
    | _paths("cards.v1.CardService", "ReturnCard", "ReissueCard")
    | _paths("moves.v1.MoveService", "FetchTransferInformation", "RegisterMoveIn")
    | _paths("moves.v1.MoveService", "AbandonMoveIn", "ContinueCard")
    | _paths("fleet.v1.TerminalService", "SignInClerk")
    | _paths("disclosure.v1.DisclosureService", "GetOwnInformation", "ListProvisions")
    | _paths("approvals.v1.ApprovalService", "Approve", "Withdraw"),
    Load.SESSION: _paths("card.v1.CardSessionService", "Authenticate")
    | _paths("cards.v1.CardService", "PersonaliseCard"),
    Load.BROAD: _paths("agencies.v1.IdentityConfirmationService", "ConfirmByAttributes")
    | _paths("moves.v1.MoveService", "ListMoves", "ListMissingArrivals", "ListMoveAlerts")
    | _paths("cards.v1.CardService", "ListPersonalisations")
    | _paths("cards.v1.CardApplicationService", "ListApplications")
    | _paths("copies.v1.CertificateCopyService", "ListIssues")
    | _paths("approvals.v1.ApprovalService", "ListPending"),
    Load.BULK: _paths("agencies.v1.IdentityConfirmationService", "ConfirmBatch", "WatchChanges")
    | _paths("residents.v1.ResidentService", "ImportRecords"),
}
NAMED: Final = {method: load for load, methods in _METHODS.items() for method in methods}
"""The methods whose class is another one than WINDOW."""


def load_of(method: str, role: str) -> Load:
    """Return the class of a call by the path of its method and the role of its caller.

    >>> load_of("/jukinet.agencies.v1.IdentityConfirmationService/ConfirmByCode", "agency")
    <Load.WINDOW: 'window'>
    """
    if role in OPERATING_ROLES or method.startswith(_OF_GRPC):
        return Load.VITAL
    return NAMED.get(method, Load.WINDOW)
