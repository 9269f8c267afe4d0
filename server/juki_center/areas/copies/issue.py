"""The act of issuing a copy: once for each request, and to nobody but whose session it was.

Order: the request's first answer, what the request itself forbids, the applicant, the persons
wanted. Nothing is written before the last guard has passed. A refusal changes nothing, and the log
shows it with its true cause.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from juki_center.areas.audit.events import AuditEvent, AuditLog, DeniedAttempt, Event
from juki_center.areas.copies.answer_codec import decode_copy, encode_issue
from juki_center.areas.copies.applicants import Applicant, ApplicantTx, identify
from juki_center.areas.copies.commands import CardProof, IssueCopy, IssuedCopy, Item, PhotoProof
from juki_center.areas.copies.content import CopyContent, content_proof, payload
from juki_center.areas.copies.issues import IssueRow, Issues
from juki_center.areas.copies.numbers import CHANCE_OCTETS, issue_number
from juki_center.areas.copies.policy import CopyPolicy
from juki_center.areas.copies.signature import take_apart
from juki_center.areas.copies.wanted import HeldBack, choose
from juki_center.areas.days import day_in_japan
from juki_center.areas.moves.planned import counted_on
from juki_center.areas.moves.rows import Moves
from juki_center.areas.ports import Chance
from juki_center.areas.requests.answers import Answers, Request, first_answer
from juki_center.areas.requests.encoding import canonical
from juki_center.areas.residents.household_order import householder_of
from juki_center.areas.residents.records import Resident
from juki_center.errors import Reason, Refusal

SIGNED_CONTENT_OCTETS: Final = 48 * 1024
"""How large the signed content of a copy may be."""


class IssueTx(ApplicantTx, Protocol):
    """What issuing a copy needs of a transaction."""

    @property
    def answers(self) -> Answers: ...

    @property
    def audit(self) -> AuditLog: ...

    @property
    def chance(self) -> Chance: ...

    @property
    def issues(self) -> Issues: ...

    @property
    def moves(self) -> Moves: ...


def issue_copy(tx: IssueTx, command: IssueCopy, now: datetime, policy: CopyPolicy) -> IssuedCopy:
    """Issue a copy of the certificate of residence (article 12-4; 12-2 in 2003).

    Raises Refusal with a reason that the proto's method lists; the ones that the log must show are
    DeniedAttempt.
    """
    request = Request(command.terminal.uri, command.request_id, canonical(command))
    earlier = first_answer(tx.answers, request, now)
    if earlier is not None:
        return decode_copy(earlier)
    if policy.municipalities.valid_on(command.terminal.municipality, day_in_japan(now)) is None:
        raise Refusal(Reason.UNAUTHENTICATED)
    try:
        _refuse_items(command)
        applicant = identify(tx, command, now, policy)
    except Refusal as refusal:
        raise DeniedAttempt(refusal, _refused(command, refusal, now)) from refusal
    try:
        plan = _plan(tx, command, applicant, now, policy)
    except Refusal as refusal:
        denied = _refused(command, refusal, now, applicant.resident)
        raise DeniedAttempt(refusal, denied) from refusal
    return _issue(tx, request, plan, now, policy)


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is to be issued; every guard has passed."""

    command: IssueCopy
    applicant: Applicant
    persons: list[Resident]
    householder: str


def _refuse_items(command: IssueCopy) -> None:
    if Item.REGISTERED_DOMICILE in command.items:
        raise Refusal(Reason.ITEM_NOT_PERMITTED, item=Item.REGISTERED_DOMICILE)


def _plan(
    tx: IssueTx, command: IssueCopy, applicant: Applicant, now: datetime, policy: CopyPolicy
) -> _Plan:
    resident, today = applicant.resident, day_in_japan(now)
    household = tx.residents.household(resident.municipality, resident.household)
    # One question for all of them, whoever they are: it must not tell two refusals apart.
    resident, *household = counted_on(tx, (resident, *household), today)
    office = policy.municipalities.register_of(command.terminal.municipality)
    persons = choose(command, resident, household, office, now)
    if policy.municipalities.valid_on(resident.municipality, today) is None:
        # Nobody keeps the register of an abolished municipality any more.
        raise Refusal(Reason.RECORD_DELETED)
    return _Plan(command, applicant, persons, householder_of(household))


def _issue(
    tx: IssueTx, request: Request, plan: _Plan, now: datetime, policy: CopyPolicy
) -> IssuedCopy:
    """Write the issue, keep the answer and append the leaf."""
    row = _row(tx, plan, now)
    signed = payload(_content(row, plan, policy))
    cose = policy.signer.sign(signed.octets)
    if len(cose) > SIGNED_CONTENT_OCTETS:
        # No terminal would take it; better no issue than one that cannot be printed.
        refusal = Refusal(Reason.MESSAGE_TOO_LARGE, limitBytes=str(SIGNED_CONTENT_OCTETS))
        raise DeniedAttempt(refusal, _refused(plan.command, refusal, now, plan.applicant.resident))
    proof = content_proof(signed.digest, take_apart(cose).signature)
    tx.issues.add(
        row,
        content_proof=proof,
        counter_note=plan.applicant.counter_note,
        persons=[one.person for one in plan.persons],
    )
    answer = encode_issue(row.issue, cose)
    tx.answers.put(request, answer, resource=row.number, sealed_for=row.residence, now=now)
    tx.audit.append(_issued(row, plan))
    return IssuedCopy(row.issue, cose)


def _row(tx: IssueTx, plan: _Plan, now: datetime) -> IssueRow:
    issuing, day = plan.command.terminal.municipality, day_in_japan(now)
    serial = tx.issues.next_serial(issuing, day)
    return IssueRow(
        number=issue_number(issuing, day, serial, tx.chance.octets(CHANCE_OCTETS)),
        issued_at=now,
        terminal_uri=plan.command.terminal.uri,
        request_id=plan.command.request_id,
        issuing=issuing,
        residence=plan.applicant.resident.municipality,
        by_card=plan.applicant.session is not None,
        scope=plan.command.scope,
        items=plan.command.items,
        fee_yen=plan.command.fee_yen,
    )


def _content(row: IssueRow, plan: _Plan, policy: CopyPolicy) -> CopyContent:
    return CopyContent(
        number=row.number,
        at=row.issued_at,
        issuing=policy.municipalities[row.issuing],
        residence=policy.municipalities[row.residence],
        request_id=row.request_id.bytes,
        by_card=row.by_card,
        evidence=plan.applicant.evidence,
        scope=row.scope,
        items=frozenset(row.items),
        persons=plan.persons,
        householder=plan.householder,
    )


def _issued(row: IssueRow, plan: _Plan) -> AuditEvent:
    applicant = plan.applicant.resident.person
    return AuditEvent(
        event=Event.COPY_ISSUED,
        at=row.issued_at,
        caller_uri=row.terminal_uri,
        issuing=row.issuing,
        residence=row.residence,
        subjects=(applicant, *(one.person for one in plan.persons if one.person != applicant)),
        items=row.items,
        resource=row.number,
        details=(*_asked(plan.command), ("evidence", plan.applicant.evidence.hex())),
    )


def _refused(
    command: IssueCopy, refusal: Refusal, now: datetime, applicant: Resident | None = None
) -> AuditEvent:
    return AuditEvent(
        event=Event.COPY_REFUSED,
        at=now,
        caller_uri=command.terminal.uri,
        cause=refusal.cause if isinstance(refusal, HeldBack) else refusal.reason,
        issuing=command.terminal.municipality,
        residence=applicant.municipality if applicant else None,
        subjects=(applicant.person,) if applicant else (),
        items=command.items,
        resource=str(command.request_id),
        details=_asked(command),
    )


def _asked(command: IssueCopy) -> tuple[tuple[str, str], ...]:
    scope = ("scope", command.scope)
    match command.proof:
        case CardProof():
            return (scope, ("proof", "card"))
        case PhotoProof(kind):
            return (scope, ("proof", "photo"), ("document", kind))
