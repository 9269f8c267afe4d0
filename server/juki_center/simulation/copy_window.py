"""The windows at which copies are issued away from the residence, and what became of the paper."""

from __future__ import annotations

from juki_center.areas.cards.register import Purpose
from juki_center.areas.copies.commands import (
    CardProof,
    ConfirmPrint,
    IssueCopy,
    PhotoProof,
    PrintState,
    Scope,
)
from juki_center.areas.copies.issue import issue_copy
from juki_center.areas.copies.prints import confirm_print
from juki_center.areas.evidence import DocumentKind
from juki_center.areas.residents.records import Resident
from juki_center.simulation.errands import Copy
from juki_center.simulation.town import CLERK, RestsOnNothing, Town, window

_FEE_YEN = 300


def copy(town: Town, errand: Copy) -> None:
    """Issue a copy, and report its paper as printed unless nobody does. Raises Refusal."""
    terminal = window(errand.office)
    command = IssueCopy(
        terminal=terminal,
        request_id=town.request_id(),
        proof=_by_card(town, errand) if errand.by_card else _by_photo(town, errand),
        scope=Scope.HOUSEHOLD if errand.of_household else Scope.SELF,
        fee_yen=_FEE_YEN,
    )
    issued = town.do(
        "issue_copy", lambda tx: issue_copy(tx, command, errand.at, town.policies.copies)
    )
    if not errand.is_confirmed:
        return
    printed = ConfirmPrint(
        terminal, town.request_id(), issued.issue.issue_number, PrintState.PRINTED, attempt=1
    )
    town.do("confirm_print", lambda tx: confirm_print(tx, printed, errand.at))


def _by_card(town: Town, errand: Copy) -> CardProof:
    card, terminal = town.card_of(errand.person), window(errand.office)
    session = town.session(terminal, Purpose.CERTIFICATE_COPY, card, errand, errand.person)
    return CardProof(session.session_id)


def _by_photo(town: Town, errand: Copy) -> PhotoProof:
    """Return what stands on the applicant's licence: the same as in the register."""
    resident = _registered(town, errand.person)
    return PhotoProof(
        kind=DocumentKind.DRIVING_LICENCE,
        number_hash=town.octets(32),
        name=resident.record.name,
        birth_date=resident.record.birth,
        address=resident.record.address,
        municipality=resident.municipality,
        clerk_name=CLERK,
        number_salt=town.octets(16),
    )


def _registered(town: Town, person: int) -> Resident:
    where = town.store.read(lambda tx: tx.residents.by_code(town.code(person)))
    if where is None:
        raise RestsOnNothing("residence")
    found = where.person
    return town.store.read(lambda tx: tx.residents.resident(found))
