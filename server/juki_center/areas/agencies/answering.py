"""The answer to one question: who is meant, and what of it may be told. Nothing is written here.

A protective measure does not stop what the law orders to be told, and no answer shows that there
is one. A disconnected municipality's residents are not told of at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from juki_center.areas.agencies.commands import (
    ByAttributes,
    ByCode,
    Confirmation,
    Deletion,
    Information,
    Kind,
    Outcome,
    Question,
)
from juki_center.areas.agencies.matching import Finding, find, registered_address
from juki_center.areas.residents.changes import Item
from juki_center.areas.residents.codes import ResidentCode
from juki_center.areas.residents.municipalities import Municipalities
from juki_center.areas.residents.records import (
    AttributeQuery,
    Excerpt,
    Holding,
    PersonID,
    ResidenceState,
    Resident,
    Residents,
)
from juki_center.errors import Reason, Refusal

# A record is seldom corrected after its deletion; further back its reason is not looked for.
_VERSIONS_LOOKED_AT = 16


class AnswerTx(Protocol):
    """What answering needs of a transaction."""

    @property
    def residents(self) -> Residents: ...


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer, not yet recorded. `resident` is whom it tells of, `told` which items it tells."""

    confirmation: Confirmation
    resident: Resident | Excerpt | None = None
    told: tuple[Item, ...] = field(default=(), repr=False)


def kind_of(question: Question) -> Kind:
    """Return which kind of provision a question asks for."""
    return Kind.BY_CODE if isinstance(question, ByCode) else Kind.BY_ATTRIBUTES


def answer(
    tx: AnswerTx,
    question: Question,
    items: tuple[Item, ...],
    municipalities: Municipalities,
    held: Mapping[ResidentCode, Holding] | None = None,
) -> Answered:
    """Answer a question with the items, all of which are permitted.

    `held` is who has the codes of many questions, where they were looked up together.

    Raises Refusal: QUERY_TOO_BROAD, RESIDENCE_DISCONNECTED.
    """
    match question:
        case ByCode(code):
            found = tx.residents.by_codes((code,)) if held is None else held
            finding = _of_holding(found.get(code))
        case ByAttributes():
            finding = _by_attributes(tx, question, municipalities)
    if finding.resident is None:
        return Answered(Confirmation(finding.outcome, count=finding.count))
    return _told(tx, finding, finding.resident, items, municipalities)


def _of_holding(holding: Holding | None) -> Finding:
    if holding is None:
        return Finding(Outcome.NO_MATCH)
    resident = holding.excerpt()
    if holding.is_former:
        return Finding(Outcome.CODE_CHANGED, resident)
    is_active = resident.state is ResidenceState.ACTIVE
    return Finding(Outcome.MATCH if is_active else Outcome.DELETED, resident)


def _by_attributes(tx: AnswerTx, question: ByAttributes, municipalities: Municipalities) -> Finding:
    prefecture = prefecture_of(question, municipalities)
    query = AttributeQuery(question.name, question.kana, question.birth)
    return find(question, tx.residents.candidates(prefecture, query), municipalities)


def prefecture_of(question: ByAttributes, municipalities: Municipalities) -> str:
    """Return the prefecture to search, 01 to 47. Raises Refusal(QUERY_TOO_BROAD)."""
    if question.municipality is not None:
        return question.municipality.prefecture
    if question.prefecture:
        return question.prefecture
    prefecture = municipalities.prefecture_in(question.address)
    if prefecture is None:
        raise Refusal(Reason.QUERY_TOO_BROAD)
    return prefecture


def _told(
    tx: AnswerTx,
    finding: Finding,
    resident: Resident | Excerpt,
    items: tuple[Item, ...],
    municipalities: Municipalities,
) -> Answered:
    """Return what is told of the one person who was found."""
    told: tuple[Item, ...]
    match finding.outcome:
        case Outcome.DELETED:
            deletion = _deletion(tx, resident.person)
            deleted = Confirmation(finding.outcome, varied=finding.varied, deletion=deletion)
            return Answered(deleted, resident)
        case Outcome.CODE_CHANGED:
            told = (Item.RESIDENT_CODE,) if Item.RESIDENT_CODE in items else ()
        case _:
            told = items
    information = _information(resident, told, municipalities) if told else None
    told_so = Confirmation(finding.outcome, varied=finding.varied, information=information)
    return Answered(told_so, resident, told)


def _information(
    resident: Resident | Excerpt, items: tuple[Item, ...], municipalities: Municipalities
) -> Information:
    record = resident.record
    address = registered_address(resident, municipalities[resident.municipality])
    return Information(
        name=record.name if Item.NAME in items else "",
        alias=record.alias if Item.NAME in items else "",
        birth=record.birth if Item.DATE_OF_BIRTH in items else None,
        sex=record.sex if Item.SEX in items else None,
        address=address if Item.ADDRESS in items else "",
        code=record.code if Item.RESIDENT_CODE in items else None,
    )


def _deletion(tx: AnswerTx, person: PersonID) -> Deletion | None:
    """Return what deleted a record: the change by which it came into its present state."""
    deleting = resident = tx.residents.resident(person)
    if resident.version > 1:
        for earlier in tx.residents.earlier(resident, _VERSIONS_LOOKED_AT):
            if earlier.state is not resident.state:
                break
            deleting = earlier
    change = deleting.change
    return Deletion(change.reason, change.date) if change is not None else None
