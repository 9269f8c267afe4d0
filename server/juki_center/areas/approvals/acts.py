"""Proposing an act, approving it, taking the proposal back, and using the approval up.

The digest binds an approval to the method and to every octet of the request, so that nothing else
can be done with it; it is used in the transaction of the act itself, and once.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final, Protocol
from uuid import UUID

from juki_center.areas.approvals.rows import Approval, Approvals, Person
from juki_center.areas.audit.events import AuditEvent, AuditLog, Event
from juki_center.areas.fleet.revocations import Revocations
from juki_center.areas.ports import Chance
from juki_center.areas.requests.answers import Answers, Request, first_answer
from juki_center.areas.requests.encoding import canonical
from juki_center.errors import Reason, Refusal

VALID_FOR: Final = timedelta(minutes=10)
MOST_LISTED: Final = 20
_DOMAIN: Final = b"juki-approval-v1\x00"
_ID_OCTETS: Final = 8


class ApprovalsTx(Protocol):
    """What looking at approvals needs of a transaction."""

    @property
    def approvals(self) -> Approvals: ...

    @property
    def revocations(self) -> Revocations: ...


class ApprovalActTx(ApprovalsTx, Protocol):
    """What proposing and approving need of a transaction."""

    @property
    def answers(self) -> Answers: ...

    @property
    def audit(self) -> AuditLog: ...

    @property
    def chance(self) -> Chance: ...


@dataclass(frozen=True, slots=True)
class Propose:
    """Command: propose an act; `act` is its request without what binds it to a sending."""

    by: Person
    request_id: UUID
    method: str
    act: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Approve:
    """Command: approve what has this digest."""

    by: Person
    request_id: UUID
    approval_id: str
    digest: bytes


@dataclass(frozen=True, slots=True)
class Withdraw:
    """Command: take a proposal back."""

    by: Person
    request_id: UUID
    approval_id: str


@dataclass(frozen=True, slots=True)
class Use:
    """An act that cites an approval: who acts, by which method, with which content."""

    by: Person
    request_id: UUID
    approval_id: str
    digest: bytes


def digest_of(method: str, act: bytes) -> bytes:
    """Return what an approval is bound to, 32 bytes.

    >>> digest_of("/a.B/C", b"").hex()[:16]
    '905a45539e9c3465'
    """
    return hashlib.sha256(_DOMAIN + method.encode() + b"\x00" + act).digest()


def propose(tx: ApprovalActTx, command: Propose, now: datetime) -> Approval:
    """Enter a proposal, or return the one that the same request has made.

    Raises Refusal: REQUEST_ID_REUSED, ANSWER_EXPIRED, RESIDENCE_DISCONNECTED.
    """
    request = _request(command.by, command.request_id, command)
    earlier = first_answer(tx.answers, request, now)
    if earlier is not None:
        return _known(tx, earlier.decode(), command.by)
    approval = Approval(
        approval_id=tx.chance.octets(_ID_OCTETS).hex(),
        method=command.method,
        digest=digest_of(command.method, command.act),
        proposer=command.by,
        proposed_at=now,
        until=now + VALID_FOR,
        act=command.act,
    )
    tx.approvals.add(approval)
    _answer(tx, request, approval, now)
    tx.audit.append(_leaf(Event.ACT_PROPOSED, command.by, approval, now))
    return approval


def approve(tx: ApprovalActTx, command: Approve, now: datetime) -> Approval:
    """Approve a proposal of another person of the same side; once more by a third is the same.

    Raises Refusal: REQUEST_ID_REUSED, ANSWER_EXPIRED, APPROVAL_NOT_FOUND, APPROVAL_EXPIRED,
    APPROVAL_USED, APPROVAL_NOT_OF_THE_ACT, ANOTHER_PERSON_REQUIRED.
    """
    request = _request(command.by, command.request_id, command)
    if first_answer(tx.answers, request, now) is not None:
        return _known(tx, command.approval_id, command.by)
    approval = _open(tx, command.approval_id, command.by, now)
    if not hmac.compare_digest(approval.digest, command.digest):
        raise Refusal(Reason.APPROVAL_NOT_OF_THE_ACT)
    if not command.by.is_another(approval.proposer):
        raise Refusal(Reason.ANOTHER_PERSON_REQUIRED)
    _answer(tx, request, approval, now)
    tx.audit.append(_leaf(Event.ACT_APPROVED, command.by, approval, now))
    if approval.approver is not None:
        return approval
    tx.approvals.approve(approval.approval_id, command.by, now)
    return replace(approval, approver=command.by, approved_at=now)


def withdraw(tx: ApprovalActTx, command: Withdraw, now: datetime) -> None:
    """Take the person's own proposal back, approved or not.

    Raises Refusal: REQUEST_ID_REUSED, ANSWER_EXPIRED, APPROVAL_NOT_FOUND, APPROVAL_USED.
    """
    request = _request(command.by, command.request_id, command)
    if first_answer(tx.answers, request, now) is not None:
        return
    approval = _known(tx, command.approval_id, command.by)
    if approval.is_withdrawn or approval.proposer.name != command.by.name:
        raise Refusal(Reason.APPROVAL_NOT_FOUND)
    if approval.used_by is not None:
        raise Refusal(Reason.APPROVAL_USED)
    tx.approvals.withdraw(approval.approval_id)
    _answer(tx, request, approval, now)
    tx.audit.append(_leaf(Event.PROPOSAL_WITHDRAWN, command.by, approval, now))


def list_pending(tx: ApprovalsTx, by: Person, now: datetime) -> list[Approval]:
    """Return the open proposals of a person's side. Raises Refusal(RESIDENCE_DISCONNECTED)."""
    return tx.approvals.pending(by.side, now, MOST_LISTED)


def usable(tx: ApprovalsTx, use: Use, now: datetime) -> Approval:
    """Return the approval that an act cites, if the act may use it up now.

    The request that has used it may come again. An approver who was revoked since has approved
    nothing. Raises Refusal: APPROVAL_NOT_FOUND,
    APPROVAL_EXPIRED, APPROVAL_PENDING, APPROVAL_NOT_OF_THE_ACT, APPROVAL_USED.
    """
    approval = _known(tx, use.approval_id, use.by)
    if approval.is_withdrawn or approval.proposer.name != use.by.name:
        raise Refusal(Reason.APPROVAL_NOT_FOUND)
    if not hmac.compare_digest(approval.digest, use.digest):
        raise Refusal(Reason.APPROVAL_NOT_OF_THE_ACT)
    if approval.used_by is not None:
        if approval.used_by != use.request_id:
            raise Refusal(Reason.APPROVAL_USED)
        return approval
    if now >= approval.until:
        raise Refusal(Reason.APPROVAL_EXPIRED)
    by = approval.approver
    if by is None or tx.revocations.has(by.credential, by.uri):
        raise Refusal(Reason.APPROVAL_PENDING)
    return approval


def use_up(tx: ApprovalsTx, use: Use, now: datetime) -> None:
    """Use an approval up in the transaction of its act. Raises what `usable` raises."""
    if usable(tx, use, now).used_by is None:
        tx.approvals.use(use.approval_id, use.request_id)


def forget_old_approvals(tx: ApprovalsTx, now: datetime) -> None:
    """Act: forget what was proposed and is over; that it was proposed stands in the log."""
    tx.approvals.forget(now)


def _known(tx: ApprovalsTx, approval_id: str, by: Person) -> Approval:
    """Return an approval of the person's own side; of another's nobody hears that it exists."""
    approval = tx.approvals.approval(approval_id)
    if approval is None or approval.proposer.side != by.side:
        raise Refusal(Reason.APPROVAL_NOT_FOUND)
    return approval


def _open(tx: ApprovalsTx, approval_id: str, by: Person, now: datetime) -> Approval:
    approval = _known(tx, approval_id, by)
    if approval.is_withdrawn:
        raise Refusal(Reason.APPROVAL_NOT_FOUND)
    if approval.used_by is not None:
        raise Refusal(Reason.APPROVAL_USED)
    if now >= approval.until:
        raise Refusal(Reason.APPROVAL_EXPIRED)
    return approval


def _request(by: Person, request_id: UUID, command: object) -> Request:
    return Request(by.uri, request_id, canonical(command))


def _answer(tx: ApprovalActTx, request: Request, approval: Approval, now: datetime) -> None:
    number = approval.approval_id
    tx.answers.put(request, number.encode(), resource=number, sealed_for=None, now=now)


def _leaf(event: Event, by: Person, approval: Approval, now: datetime) -> AuditEvent:
    return AuditEvent(
        event=event,
        at=now,
        caller_uri=by.uri,
        issuing=by.side,
        resource=approval.approval_id,
        details=(("method", approval.method), ("digest", approval.digest.hex())),
        clerk=by.clerk_id,
    )
